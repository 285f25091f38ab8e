"""Which past selections would have been lost had a list read otherwise: recomputed from the facts decisions stored."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Any, Final

from tidewaiter.actions.packing import unpacked
from tidewaiter.actions.profiles.list_uses import User
from tidewaiter.core.channel import Channel, strictest
from tidewaiter.core.condition import Condition, in_negation_normal_form
from tidewaiter.core.decision import ReasonKind
from tidewaiter.core.facts import FactValue
from tidewaiter.core.list_change import ListUse
from tidewaiter.core.profile import Entry, NamedList, in_list_resolved, resolved
from tidewaiter.engines.matching.asking import Question, question
from tidewaiter.storage.records.models import Decision, Declaration

DAYS: Final = 90
MOST_LOOKED_AT: Final = 20_000
MOST_NAMED: Final = 500

_SELECTING: Final = tuple(channel.value for channel in Channel if channel.selects)


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """What an edit would have lost of the selections of the last `days` days, by declaration number.

    `lost` would not have been selected at all, `lowered` in a more lenient channel; `by_user` counts both by profile
    or control; `parties` are the importers of these declarations. `looked_at` selections were recomputed; not
    `complete` means there were more than are ever looked at.
    """

    days: int
    looked_at: int
    complete: bool
    lost: tuple[str, ...] = ()
    lowered: tuple[str, ...] = ()
    by_user: Mapping[str, int]
    parties: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return what is kept with a proposal: all counts, and the first of the numbers."""
        return {
            "days": self.days,
            "looked_at": self.looked_at,
            "complete": self.complete,
            "count": len(self.lost),
            "declarations": list(self.lost[:MOST_NAMED]),
            "lowered_count": len(self.lowered),
            "lowered": list(self.lowered[:MOST_NAMED]),
            "by_user": dict(self.by_user),
            "parties": list(self.parties[:MOST_NAMED]),
        }


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit as losses see it: the list before (None: there was none) and after, and the values it touches."""

    before: NamedList | None
    after: NamedList
    values: tuple[str, ...]


def losses(
    edit: Edit,
    *,
    uses: Iterable[ListUse],
    selecting: Mapping[User, Condition],
    lists: Mapping[str, NamedList],
    on: date,
    days: int = DAYS,
    most: int = MOST_LOOKED_AT,
) -> Losses:
    """Return what the edit would have lost, newest selections first, `most` at most; nothing where nobody asks."""
    if not selecting:
        return Losses(days=days, looked_at=0, complete=True, by_user={})
    asking = Asking(edit, uses, selecting, lists)
    selected = Decision.objects.filter(channel__in=_SELECTING, decided_on__gt=on - timedelta(days=days))
    fields = selected.order_by("-decided_at", "-pk").values_list("declaration_id", "decided_on", "body", "facts")
    tally = _Tally()
    for number, decided_on, body, facts in fields[: most + 1].iterator(chunk_size=500):
        tally.looked_at += 1
        if number not in tally.seen:
            reasons = _reasons(body)
            if gone := asking.lost(reasons, facts, decided_on):
                tally.add(number, reasons, gone)
            tally.seen.add(number)
    return Losses(
        days=days,
        looked_at=min(tally.looked_at, most),
        complete=tally.looked_at <= most,
        lost=tuple(tally.lost),
        lowered=tuple(tally.lowered),
        by_user=tally.by_user,
        parties=_importers([*tally.lost, *tally.lowered]),
    )


type Packed = bytes | memoryview
type Reasons = list[dict[str, Any]]
type Items = list[dict[str, FactValue]]


@dataclass(slots=True)
class _Tally:
    """What was counted so far; of each declaration the latest selection counts."""

    looked_at: int = 0
    seen: set[str] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)
    lowered: list[str] = field(default_factory=list)
    by_user: dict[str, int] = field(default_factory=dict)

    def add(self, number: str, reasons: Reasons, gone: set[User]) -> None:
        """Count one selection, given the reasons it would have lost."""
        for _, code in gone:
            self.by_user[code] = self.by_user.get(code, 0) + 1
        left = _channel([one for one in reasons if (one["kind"], one["code"]) not in gone])
        if not left.selects:
            self.lost.append(number)
        elif left.strictness < _channel(reasons).strictness:
            self.lowered.append(number)


class Asking:
    """Asks the stored facts of a decision what an edit changes."""

    def __init__(
        self, edit: Edit, uses: Iterable[ListUse], selecting: Mapping[User, Condition], lists: Mapping[str, NamedList]
    ) -> None:
        """Take the edit, and all that asks the list in what is in force."""
        before = edit.before or NamedList(edit.after.name, (), edit.after.match)
        touched = NamedList(before.name, tuple(Entry(value) for value in edit.values), before.match)
        otherwise = NamedList(before.name, touched.entries, edit.after.match)
        self.selecting = selecting
        self._touched: list[Question] = [
            question(in_list_resolved(fact, named, date.max))
            for fact in {use.fact for use in uses}
            for named in (touched, otherwise)
        ]
        self._before = _asked_on(selecting, {**lists, before.name: before})
        self._after = _asked_on(selecting, {**lists, before.name: edit.after})

    def lost(self, reasons: Reasons, facts: Packed, on: date) -> set[User]:
        """Return the reasons that held for some item before the edit, and for none after it."""
        fired = {(one["kind"], one["code"]) for one in reasons if one["fired"]} & self.selecting.keys()
        return self._gone(fired, items_of(facts), on) if fired else set()

    def would_select(self, items: Items, on: date) -> bool:
        """Tell whether anything would select these items had the edit not been made, that does not as it is."""
        return bool(self._gone(set(self.selecting), items, on))

    def _gone(self, users: set[User], items: Items, on: date) -> set[User]:
        if not any(ask(item) for ask in self._touched for item in items):
            return set()
        before, after = self._before(on), self._after(on)
        return {
            user
            for user in users
            if any(before[user](item) for item in items) and not any(after[user](item) for item in items)
        }


def items_of(facts: Packed) -> Items:
    """Return the stored facts of a decision, one mapping an item."""
    found: Items = json.loads(unpacked(facts))["items"]
    return found


def _asked_on(
    selecting: Mapping[User, Condition], lists: Mapping[str, NamedList]
) -> Callable[[date], dict[User, Question]]:
    @cache
    def asked(on: date) -> dict[User, Question]:
        return {
            user: question(in_negation_normal_form(resolved(condition, lists, on)))
            for user, condition in selecting.items()
        }

    return asked


def _reasons(body: Packed) -> Reasons:
    found: Reasons = json.loads(unpacked(body))["decision"]["reasons"]
    return found


def _channel(reasons: Iterable[Mapping[str, Any]]) -> Channel:
    """Return the channel these reasons give, whatever a person or an earlier decision did."""
    return strictest(
        Channel(one["channel"])
        for one in reasons
        if one["channel"] is not None and one["kind"] not in (ReasonKind.CARRIED, ReasonKind.OVERRIDE)
    )


def _importers(numbers: list[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for first in range(0, min(len(numbers), 10 * MOST_NAMED), MOST_NAMED):
        some = Declaration.objects.filter(pk__in=numbers[first : first + MOST_NAMED]).exclude(importer_code="")
        found |= dict.fromkeys(some.values_list("importer_code", flat=True).distinct())
    return tuple(sorted(found))
