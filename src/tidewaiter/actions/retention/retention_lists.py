"""Rules and holds as they stand, for those who may see what is due; purge lists, for those who may approve one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tidewaiter.actions.acting import Actor, action, officer_of, record, require
from tidewaiter.actions.decisions.blinding import unseen
from tidewaiter.actions.retention.retention import Rule, kinds, rule
from tidewaiter.actions.retention.unseen_records import unseen_records
from tidewaiter.core.errors import NotKnownError
from tidewaiter.storage.records.models import LegalHold, Purge, RetentionRule


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntry:
    """One record of a purge list, at its place from 1 on, with the rule under which it goes.

    `record` is empty once the list is applied, for it names nobody then, and for a lookout or request that the reader
    may not see; `digest` is empty before. `stayed` says why it did not go.
    """

    place: int
    kind: str
    record: str
    digest: str
    rule: str
    stayed: str


def rules_in_force(*, by: Actor, at: datetime) -> list[Rule]:
    """Return the rule in force for every kind."""
    require("retention.due", by, at)
    return [rule(kind) for kind in kinds()]


def rules_proposed(*, by: Actor, at: datetime) -> Sequence[RetentionRule]:
    """Return the rules that wait for a second person."""
    require("retention.due", by, at)
    return list(RetentionRule.objects.filter(approved_at=None).select_related("by").order_by("kind", "number"))


def holds(*, by: Actor, at: datetime, after: int = 0, limit: int = 100) -> Sequence[LegalHold]:
    """Return legal holds, those lifted too, in the order they were placed; see `told_holds`."""
    require("retention.due", by, at)
    found = LegalHold.objects.filter(pk__gt=after).select_related("by", "lifted_by", "lifted_second")
    return told_holds(found.order_by("pk")[:limit], by)


def told_holds(found: Iterable[LegalHold], by: Actor) -> Sequence[LegalHold]:
    """Return holds as they may be told; they are not to be saved.

    One on a lookout, request or match that the reader may not see names no record, nor the reasons, which may name it.
    """
    told = list(found)
    hidden = unseen_records((one.record for one in told), by)
    for one in told:
        if one.record in hidden:
            one.record = one.reason = one.lifted_reason = ""
    return told


def purges(*, by: Actor, at: datetime) -> Sequence[Purge]:
    """Return the latest hundred purge lists, the latest first."""
    require("purge.read", by, at)
    return list(Purge.objects.select_related("made_by", "approved_by").order_by("-made_at", "-pk")[:100])


@action("purge.read")
def read_entries(*, number: str, after: int = 0, limit: int = 100, by: Actor, at: datetime) -> list[ListEntry]:
    """Return what a purge list names after a place, in its order; the reading is recorded.

    Who made the list sees it as it was made. Raises NotKnownError for a list that is not there.
    """
    purge = Purge.objects.filter(pk=number).first()
    if purge is None:
        raise NotKnownError(f"there is no purge {number}")
    record(f"purge:{purge.pk}")
    part = purge.records[after : after + limit]
    named = frozenset(_key(one) for one in part if _kind(one) in ("lookout", "request"))
    hidden = frozenset[str]() if purge.made_by_id == officer_of(by).pk else unseen(named, by)
    return [_entry(one, place, hidden) for place, one in enumerate(part, after + 1)]


def _entry(one: Mapping[str, str], place: int, hidden: frozenset[str]) -> ListEntry:
    return ListEntry(
        place=place,
        kind=_kind(one),
        record="" if _key(one) in hidden else one.get("record", ""),
        digest=one.get("digest", ""),
        rule=one["rule"],
        stayed=one.get("stayed", ""),
    )


def _kind(one: Mapping[str, str]) -> str:
    return one.get("kind") or one["record"].partition(":")[0]


def _key(one: Mapping[str, str]) -> str:
    return one.get("record", "").partition(":")[2]
