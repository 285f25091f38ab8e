"""What an edit of a named list can do to selection: the polarity of every use decides whether it raises or lowers."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum

from tidewaiter.core.condition import Condition, InList, Not, children, linked
from tidewaiter.core.facts import Fact
from tidewaiter.core.profile import Entry, NamedList, Profile


class Polarity(IntEnum):
    """Whether an entry more can only select more, or only less."""

    SELECTS = 1
    EXCLUDES = -1

    @property
    def reversed(self) -> "Polarity":
        """Return the other one."""
        return Polarity(-self.value)


class Direction(StrEnum):
    """What an edit does to selection."""

    RAISES = "raises"
    """It can take no selection away."""
    LOWERS = "lowers"
    """It can, or nobody can tell."""


@dataclass(frozen=True, slots=True)
class ListUse:
    """One place where a list is asked: by which profile or mandatory control, of which fact, and how it counts."""

    user: str
    fact: Fact
    polarity: Polarity


@dataclass(frozen=True, slots=True)
class ListChange:
    """The values that gain days in force by an edit, and those that lose some; one may do both."""

    gained: tuple[str, ...]
    lost: tuple[str, ...]
    met_otherwise: bool = False
    """The way entries are met (exact, prefix, words) changes too."""


def uses_in_profile(profile: Profile, indicators: Mapping[str, Condition], name: str) -> list[ListUse]:
    """Return where a profile asks the list, its indicators and exceptions included."""
    found = uses_in(profile.condition, indicators, name, profile.code, Polarity.SELECTS)
    if profile.exceptions is not None:
        found += uses_in(profile.exceptions, indicators, name, profile.code, Polarity.EXCLUDES)
    return found


def uses_in(
    condition: Condition, indicators: Mapping[str, Condition], name: str, user: str, polarity: Polarity
) -> list[ListUse]:
    """Return where a condition asks the list; `polarity` is how the condition itself counts.

    `indicators` are linked. Raises KeyError for a name that is none.
    """
    whole = linked(condition, indicators)
    return [ListUse(user, fact, sign) for fact, sign in _asked(whole, name, polarity)]


def _asked(condition: Condition, name: str, polarity: Polarity) -> Iterator[tuple[Fact, Polarity]]:
    if isinstance(condition, InList) and condition.list_name == name:
        yield condition.fact, polarity
    inner = polarity.reversed if isinstance(condition, Not) else polarity
    for child in children(condition):
        yield from _asked(child, name, inner)


def change_between(old: NamedList | None, new: NamedList) -> ListChange:
    """Return what an edit changes; a list that was not there was empty."""
    before, after = _days(old.entries if old is not None else ()), _days(new.entries)
    values = sorted(before.keys() | after.keys())
    return ListChange(
        gained=tuple(value for value in values if _beyond(after.get(value, []), before.get(value, []))),
        lost=tuple(value for value in values if _beyond(before.get(value, []), after.get(value, []))),
        met_otherwise=old is not None and bool(old.entries) and old.match is not new.match,
    )


def direction_of(change: ListChange, uses: Iterable[ListUse]) -> Direction:
    """Return what the edit does where the list is so used; unused, or used both ways, it counts as lowering."""
    polarities = {use.polarity for use in uses}
    if len(polarities) != 1 or change.met_otherwise:
        return Direction.LOWERS
    less = change.lost if polarities == {Polarity.SELECTS} else change.gained
    return Direction.LOWERS if less else Direction.RAISES


type _Days = list[tuple[int, int]]
"""Stretches of days (ordinals, both ends included), in order and apart from each other."""


def _days(entries: Iterable[Entry]) -> dict[str, _Days]:
    found: dict[str, _Days] = {}
    for entry in entries:
        first = (entry.valid_from or date.min).toordinal()
        last = (entry.valid_to or date.max).toordinal()
        found.setdefault(entry.value, []).append((first, last))
    return {value: _united(stretches) for value, stretches in found.items()}


def _united(stretches: _Days) -> _Days:
    united: _Days = []
    for first, last in sorted(stretches):
        if united and first <= united[-1][1] + 1:
            united[-1] = (united[-1][0], max(united[-1][1], last))
        elif first <= last:
            united.append((first, last))
    return united


def _beyond(these: _Days, those: _Days) -> bool:
    """Tell whether these days have one that those have not."""
    return any(not any(first <= start and end <= last for first, last in those) for start, end in these)
