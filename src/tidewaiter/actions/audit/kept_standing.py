"""Whether declarations stand where their decisions, overrides and events have brought them, and nowhere else."""

from collections.abc import Iterator
from typing import Final

from django.db.models import Exists, OuterRef, Subquery

from tidewaiter.actions.audit.kept_content import CHANGED
from tidewaiter.actions.examinations.overrides import IN_FORCE
from tidewaiter.storage.records.chain import Finding
from tidewaiter.storage.records.models import Decision, Declaration, Event, Override

CLOSING: Final = ("released", "gate_out", "cancelled")
"""Kinds of events after which goods are no longer in flight."""


def standing_findings() -> Iterator[Finding]:
    """Name the declarations in flight whose channel nothing gave, and those no longer in flight that nothing closed."""
    latest = Decision.objects.filter(declaration=OuterRef("pk")).order_by("-ordinal")
    raised = Override.objects.filter(decision_id=OuterRef("decision_id"), state=IN_FORCE).order_by("-pk")
    held = Declaration.objects.filter(in_flight=True).annotate(
        latest=Subquery(latest.values("pk")[:1]),
        decided=Subquery(latest.values("channel")[:1]),
        overridden=Subquery(raised.values("after")[:1]),
    )
    fields = ("pk", "channel", "decision_id", "latest", "decided", "overridden")
    for number, channel, named, decision, decided, overridden in held.values_list(*fields).iterator(2_000):
        given = overridden or decided
        if named != decision:
            yield _finding(number, f"names decision {named}, but {decision} was taken last")
        elif channel != given:
            yield _finding(number, f"stands at {channel}, but what was decided and overridden gives {given}")
    closed = Event.objects.filter(declaration_id=OuterRef("pk"), kind__in=CLOSING)
    loose = Declaration.objects.filter(~Exists(closed), in_flight=False)
    for number in loose.order_by("pk").values_list("pk", flat=True).iterator(2_000):
        yield _finding(number, "is no longer in flight, but no event says that it was released or cancelled")


def _finding(number: str, text: str) -> Finding:
    record = f"declaration:{number}"
    return Finding(kind=CHANGED, text=f"{record} {text}: changed behind the service's back", record=record)
