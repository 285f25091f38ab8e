"""What a search of the audit withholds: events of lookouts, matches and requests that the reader may not see.

Such an event keeps its number and instant, which those beside it tell anyway; who did what to which record is withheld,
and so are the hashes, by which a guess could be confirmed. No actor, action or record that is asked for finds it. The
publication that an officer brought about by it names no officer.
"""

from collections.abc import Iterable, Iterator
from itertools import batched
from typing import Final

from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Substr

from tidewaiter.actions.officers import CONFIRMED
from tidewaiter.actions.rights import granting
from tidewaiter.storage.records.models import (
    AuditEvent,
    ControlRequest,
    Grant,
    Lookout,
    LookoutMatch,
    Officer,
)
from tidewaiter.storage.records.visibility import visible_to

WITHHELD: Final = "withheld"
"""Stands for the actor and the action of such an event; its record is `lookout:withheld` or `request:withheld`."""

_KINDS: Final = (
    ("lookout:", Lookout),
    ("lookout-step:", Lookout),
    ("recalls:lookout ", Lookout),
    ("match:", LookoutMatch),
    ("request:", ControlRequest),
    ("recalls:request ", ControlRequest),
)
"""What records begin with that name what may be restricted, and where the reference that follows is looked up."""

_REFERENCE: Final = len("LO-7K2MQ9XW4T")
_AT_ONCE: Final = 500


class Reader:
    """What one officer is shown of the events."""

    def __init__(self, officer: Officer) -> None:
        """Take who reads."""
        self._all = officer.clearance >= _highest()
        self._hidden = _hidden_from(officer)
        causes = AuditEvent.objects.filter(self._hidden, at=OuterRef("at"), actor=OuterRef("actor"))
        self._brought_about = Q(action="set.publish", actor__startswith="officer:") & Q(Exists(causes))

    def searched(self, found: QuerySet[AuditEvent], *, actor: bool, other: bool) -> QuerySet[AuditEvent]:
        """Return what of the events found may be told to whoever asked for an actor, or for an action or a record."""
        if self._all:
            return found
        if actor or other:
            found = found.exclude(self._hidden)
        return found.exclude(self._brought_about) if actor else found

    def shown(self, found: Iterable[AuditEvent]) -> Iterator[AuditEvent]:
        """Give the events as they may be shown, in their order; they are not to be saved."""
        if self._all:
            yield from found
            return
        for page in batched(found, _AT_ONCE):
            numbers = {number for one in page for number in (one.sequence, one.sequence - 1)}
            within = AuditEvent.objects.filter(sequence__in=numbers)
            hidden = set(within.filter(self._hidden).values_list("sequence", flat=True))
            nameless = set(within.filter(self._brought_about).values_list("sequence", flat=True))
            for one in page:
                yield _shown(one, hidden, nameless)


def _highest() -> int:
    """Return a rank that nothing restricted was ever above, whether it is kept or purged.

    Who raises a lookout or request is cleared for its rank: beside what is kept, the highest clearance that two persons
    ever let anybody have counts. A step that is in the classification scheme only, added by one person, does not.
    """
    ranks = (
        Lookout.objects.aggregate(top=Max("rank")),
        ControlRequest.objects.aggregate(top=Max("rank")),
        Officer.objects.aggregate(top=Max("clearance")),
        Grant.objects.filter(state=CONFIRMED).aggregate(top=Max("clearance")),
    )
    return max(one["top"] or 0 for one in ranks)


def _shown(one: AuditEvent, hidden: set[int], nameless: set[int]) -> AuditEvent:
    number, covered = one.sequence, hidden | nameless
    if number in hidden:
        kind = "request" if one.record.startswith(("request:", "recalls:request ")) else "lookout"
        one.actor, one.action, one.record, one.digest = WITHHELD, WITHHELD, f"{kind}:{WITHHELD}", ""
    elif number in nameless:
        one.actor = WITHHELD
    if number in covered:
        one.hash = ""
    if number in covered or number - 1 in covered:
        one.previous = ""
    return one


def _hidden_from(officer: Officer) -> Q:
    """Return which events name what the officer may not see: also what is gone, whose rank nobody knows any more."""
    hidden = Q()
    for prefix, model in _KINDS:
        named = Substr(OuterRef("record"), len(prefix) + 1, _REFERENCE)
        seen = visible_to(officer, model._default_manager.all(), granting("audit.search"))  # noqa: SLF001
        hidden |= Q(record__startswith=prefix) & ~Q(Exists(seen.filter(reference=named)))
    return hidden
