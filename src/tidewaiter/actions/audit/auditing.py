"""The audit: the chain verified from end to end and against what records hold now; events searched and exported.

Verifying writes nothing and shows nothing that is restricted, so it is no action: anyone who can read the database may
do it, on a copy as well. Searching is one, and leaves its own event.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from django.db.models import Q, QuerySet

from tidewaiter.actions.acting import Actor, action, officer_of, record
from tidewaiter.actions.audit.kept_content import Comparison
from tidewaiter.actions.audit.kept_decisions import match_findings
from tidewaiter.actions.audit.kept_goods import Goods
from tidewaiter.actions.audit.kept_readings import READINGS
from tidewaiter.actions.audit.kept_standing import standing_findings
from tidewaiter.actions.audit.lodged_heads import noted_heads
from tidewaiter.actions.audit.withholding import Reader
from tidewaiter.actions.packing import to_json
from tidewaiter.storage.records.chain import Finding, Head, Row, walk
from tidewaiter.storage.records.models import AuditEvent

MOST_FOUND: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What verifying found. `problems` is how many things are wrong; `findings` names them, the first thousand.

    `compared`: contents compared with what is kept; `purged`: contents that a purge took; `not_kept`: by action, how
    many contents no record keeps, so that nothing could be compared.
    """

    events: int
    last: Head | None
    heads: int
    problems: int
    findings: Sequence[Finding]
    compared: int = 0
    purged: int = 0
    not_kept: dict[str, int] = field(default_factory=dict)

    @property
    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        last = self.last and {"sequence": self.last.sequence, "hash": self.last.hash, "at": self.last.at.isoformat()}
        named = [
            {"kind": one.kind, "sequence": one.sequence, "record": one.record, "text": one.text}
            for one in self.findings
        ]
        return {
            "events": self.events,
            "last": last,
            "heads": self.heads,
            "problems": self.problems,
            "findings": named,
            "compared": self.compared,
            "purged": self.purged,
            "not_kept": self.not_kept,
        }


def verify_chain(heads: Iterable[Head] = ()) -> Verification:
    """Verify the chain alone: no event altered, missing, moved, cut off, or rewritten since a head was lodged."""
    walked = walk([*heads, *noted_heads()])
    return Verification(
        events=walked.events, last=walked.last, heads=walked.heads, problems=walked.count, findings=walked.findings
    )


def verify(heads: Iterable[Head] = ()) -> Verification:
    """Verify the chain, and that what records hold now is what their latest events say they held."""
    comparison, goods = Comparison(READINGS), Goods()

    def look(page: Sequence[Row]) -> None:
        comparison.look(page)
        goods.look(page)

    walked = walk([*heads, *noted_heads()], look)
    comparison.look_for_unrecorded()
    goods.finish()
    comparison.findings += [*standing_findings(), *match_findings(), *goods.findings]
    return Verification(
        events=walked.events,
        last=walked.last,
        heads=walked.heads,
        problems=walked.count + len(comparison.findings),
        findings=[*walked.findings, *comparison.findings],
        compared=comparison.compared,
        purged=comparison.purged,
        not_kept=dict(sorted(comparison.not_kept.items())),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for; empty and None: anything. `record` is a reference (decision:D1) or a kind (decision).

    From `since` (included) to `until` (not included); events after the number `after`, at most `limit`. `counted`: how
    many there are is told as well.
    """

    actor: str = ""
    record: str = ""
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None
    after: int = 0
    limit: int = 100
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The events found, in their order; `fit` is how many there are after the number searched from, where asked."""

    events: list[AuditEvent]
    fit: int | None


@action("audit.search")
def search_events(*, search: Search, by: Actor, at: datetime) -> Found:
    """Return the events that fit, in their order, as `withholding` shows them. The search itself is an event."""
    record("audit:search", _asked(search))
    reader = Reader(officer_of(by))
    found = _found(search, reader)
    shown = list(reader.shown(found[: min(max(search.limit, 1), MOST_FOUND)]))
    return Found(shown, found.count() if search.counted else None)


@action("audit.export")
def export_events(*, search: Search, by: Actor, at: datetime) -> list[AuditEvent]:
    """Return all events that fit, to be taken out of the system; how many is recorded with what was asked."""
    reader = Reader(officer_of(by))
    found = list(reader.shown(_found(search, reader)))
    record("audit:export", _asked(search) + f" {len(found)}".encode())
    return found


def _found(search: Search, reader: Reader) -> QuerySet[AuditEvent]:
    asked = Q(sequence__gt=search.after)
    if search.actor:
        asked &= Q(actor=search.actor)
    if search.action:
        asked &= Q(action=search.action)
    if search.record:
        kind = ":" not in search.record
        asked &= Q(record__startswith=f"{search.record}:") if kind else Q(record=search.record)
    if search.since:
        asked &= Q(at__gte=search.since)
    if search.until:
        asked &= Q(at__lt=search.until)
    named = bool(search.action or search.record)
    found = AuditEvent.objects.filter(asked).order_by("sequence")
    return reader.searched(found, actor=bool(search.actor), other=named)


def _asked(search: Search) -> bytes:
    moments = {
        name: value and value.astimezone(UTC).isoformat()
        for name, value in (("since", search.since), ("until", search.until))
    }
    stated = {"actor": search.actor, "record": search.record, "action": search.action, "after": search.after}
    return to_json(stated | moments).encode("utf-8", "surrogatepass")
