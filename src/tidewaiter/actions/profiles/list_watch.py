"""What lowering edits of lists let pass: goods released unselected that the list as it stood would have selected.

The service looks once a day at what was released since it last looked, and keeps the numbers with the edit, for the
integrity report.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F

from tidewaiter.actions.acting import Actor, action, record
from tidewaiter.actions.profiles.list_uses import asked_by
from tidewaiter.actions.profiles.lists import list_of
from tidewaiter.actions.profiles.losses import MOST_NAMED, Asking, Edit, items_of
from tidewaiter.actions.profiles.proposals import trace
from tidewaiter.core.channel import Channel
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.list_change import Direction, change_between
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Decision, Proposal

WATCHED_FOR: Final = timedelta(days=30)
"""How long after it came into force an edit is watched."""

MOST_LOOKED_AT: Final = 100_000
"""Decisions looked at in one day, the latest first."""

_RELEASING: Final = tuple(channel.value for channel in Channel if not channel.selects)


@dataclass(frozen=True, slots=True)
class _Watched:
    """An edit under watch since it began, the moment up to which releases were looked at, and what asks them."""

    edit: Proposal
    begun: datetime
    since: datetime
    asking: Asking


def watch_edits(*, catalogue: Catalogue, by: Actor, at: datetime) -> int:
    """Look at what was released since the last time, and keep what lowering edits let pass; return how many numbers."""
    recent = Proposal.objects.filter(kind="list", direction=Direction.LOWERS.value, in_force_at__gte=at - WATCHED_FOR)
    watched = [one for edit in recent.order_by("pk") if (one := _watched(edit, catalogue)) is not None]
    if not watched:
        return 0
    passed = _passed(watched, at)
    keep_passed(passed=passed, by=by, at=at)
    return sum(len(numbers) for numbers in passed.values())


@action("list.watch")
def keep_passed(*, passed: Mapping[int, Sequence[str]], by: Actor, at: datetime) -> None:
    """Keep with each edit (by its key) the declarations that it let pass, and how far they were looked at."""
    lock_chain()
    for edit in Proposal.objects.filter(pk__in=passed).order_by("pk"):
        known = edit.lost.get("not_selected", [])
        numbers = list(dict.fromkeys([*known, *passed[edit.pk]]))[:MOST_NAMED]
        edit.lost = {**edit.lost, "not_selected": numbers, "watched_until": at.isoformat()}
        edit.save(update_fields=["lost"])
        trace(edit)
    record("lists:watch", str(sum(map(len, passed.values()))).encode())


def _watched(edit: Proposal, catalogue: Catalogue) -> _Watched | None:
    """Return an edit ready to be asked about; None where nothing in force asks its list."""
    asked = asked_by(edit.name, catalogue)
    if not asked.selecting or edit.in_force_at is None:
        return None
    base = Proposal.objects.filter(kind="list", name=edit.name, number=edit.lost.get("base", 0)).first()
    old = list_of(base.text, edit.name, catalogue) if base is not None else None
    new = list_of(edit.text, edit.name, catalogue)
    change = change_between(old, new)
    until = edit.lost.get("watched_until")
    since = datetime.fromisoformat(until) if until else edit.in_force_at
    values = tuple(sorted({*change.gained, *change.lost}))
    return _Watched(
        edit, edit.in_force_at, since, Asking(Edit(old, new, values), asked.uses, asked.selecting, asked.lists)
    )


def _passed(watched: Sequence[_Watched], at: datetime) -> dict[int, list[str]]:
    """Return by edit the declarations decided under it, released unselected since, that it alone let pass."""
    first = min(one.since for one in watched)
    released = {"declaration__released_at__gte": first, "declaration__released_at__lt": at}
    found = Decision.objects.filter(channel__in=_RELEASING, declaration__decision_id=F("pk"), **released)
    fields = ("declaration_id", "declaration__released_at", "decided_at", "decided_on", "facts")
    rows = found.order_by("-decided_at", "-pk").values_list(*fields)[:MOST_LOOKED_AT]
    passed: dict[int, list[str]] = {one.edit.pk: [] for one in watched}
    for number, released_at, decided_at, decided_on, facts in rows.iterator(chunk_size=500):
        items = items_of(facts)
        for one in watched:
            fresh = released_at >= one.since and decided_at >= one.begun
            if fresh and one.asking.would_select(items, decided_on):
                passed[one.edit.pk].append(number)
    return passed
