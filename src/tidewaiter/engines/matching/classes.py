"""The values of one fact, divided into the classes that a set of literals can tell apart.

Between two constants that literals mention, all numbers answer alike; so do all texts with the same longest
mentioned prefix. A literal is then a set of classes, whether asked of a million rows or of one.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import repeat
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from tidewaiter.core.condition import (
    Between,
    Compare,
    Condition,
    Constant,
    Flag,
    IsMissing,
    Not,
    OneOf,
    Op,
    StartsWith,
)
from tidewaiter.core.facts import Fact, FactType, held

type Members = NDArray[np.bool_]
type Number = int | float

MISSING = 0
"""The class of an absent value, in every division."""


@dataclass(frozen=True, slots=True)
class TextClasses:
    """Classes of a text fact: missing, any other text, then each exact text and each prefix mentioned.

    `exact` and `prefixes` give the class; `lengths` are those of the prefixes, longest first.
    """

    fact: Fact
    entries: tuple[tuple[str, int], ...]
    exact: dict[str, int]
    prefixes: dict[str, int]
    lengths: tuple[int, ...]

    OTHER = 1
    FIRST = 2

    @property
    def count(self) -> int:
        """Return the number of classes."""
        return len(self.entries) + self.FIRST

    def class_of(self, value: str | None) -> int:
        """Return the class of a value."""
        if value is None:
            return MISSING
        found = self.exact.get(value)
        if found is not None:
            return found
        for length in self.lengths:
            found = self.prefixes.get(value[:length])
            if found is not None:
                return found
        return self.OTHER

    def classes_of(self, values: Sequence[str]) -> NDArray[np.intp]:
        """Return the class of each value."""
        found = map(self.class_of, values) if self.lengths else map(self.exact.get, values, repeat(self.OTHER))
        return np.fromiter(found, np.intp, len(values))

    def members(self, literal: Condition) -> Members:
        """Return which classes answer TRUE to the literal (or to NOT of it)."""
        match literal:
            case Compare(_, Op.EQ, value):
                return self._chosen([self.exact[str(value)]])
            case Compare(_, Op.NE, value):
                return _valid_but(self._chosen([self.exact[str(value)]]))
            case OneOf(_, values):
                return self._chosen([self.exact[str(value)] for value in values])
            case StartsWith(_, prefixes):
                return self._beginning(prefixes)
            case IsMissing():
                return self._chosen([MISSING])
            case Not(term):
                return _valid_but(self.members(term))
            case _:
                raise TypeError(f"{literal!r} cannot be asked of a text fact")

    def _chosen(self, classes: Sequence[int]) -> Members:
        members = np.zeros(self.count, np.bool_)
        members[classes] = True
        return members

    def _beginning(self, prefixes: Iterable[str]) -> Members:
        members = np.zeros(self.count, np.bool_)
        for prefix in prefixes:
            low = bisect_left(self.entries, (prefix, 0)) + self.FIRST
            high = bisect_left(self.entries, (_after(prefix), 0)) + self.FIRST
            members[low:high] = True
        return members


@dataclass(frozen=True, slots=True)
class NumberClasses:
    """Classes of a numeric or date fact: missing, then interval and point by turns in rising order.

    `points` are the constants mentioned, as the engine holds them (scaled integers, days, or floats).
    """

    fact: Fact
    points: tuple[Number, ...]

    @property
    def count(self) -> int:
        """Return the number of classes."""
        return 2 * len(self.points) + 2

    def class_of(self, value: Number | None) -> int:
        """Return the class of a value."""
        if value is None:
            return MISSING
        below = bisect_left(self.points, value)
        return 2 * below + 1 + (below < len(self.points) and self.points[below] == value)

    def members(self, literal: Condition) -> Members:
        """Return which classes answer TRUE to the literal (or to NOT of it)."""
        members = np.zeros(self.count, np.bool_)
        match literal:
            case Compare(_, op, value):
                _compare(members, op, self._at(value))
            case Between(_, low, high):
                members[self._at(low) : self._at(high) + 1] = True
            case OneOf(_, values):
                members[[self._at(value) for value in values]] = True
            case IsMissing():
                members[MISSING] = True
            case Not(term):
                return _valid_but(self.members(term))
            case _:
                raise TypeError(f"{literal!r} cannot be asked of a number or a date")
        return members

    def _at(self, value: Constant) -> int:
        return self.class_of(number(value, self.fact))


@dataclass(frozen=True, slots=True)
class FlagClasses:
    """Classes of a flag: missing, false, true."""

    fact: Fact

    FALSE = 1
    TRUE = 2

    @property
    def count(self) -> int:
        """Return the number of classes."""
        return 3

    def class_of(self, value: bool | None) -> int:
        """Return the class of a value."""
        return MISSING if value is None else self.FALSE + bool(value)

    def members(self, literal: Condition) -> Members:
        """Return which classes answer TRUE to the literal (or to NOT of it)."""
        match literal:
            case Flag():
                return np.array([False, False, True])
            case IsMissing():
                return np.array([True, False, False])
            case Not(term):
                return _valid_but(self.members(term))
            case _:
                raise TypeError(f"{literal!r} cannot be asked of a flag")


def table_type(literals: int) -> np.dtype[np.unsignedinteger[Any]]:
    """Return the narrowest unsigned type with a bit for each literal; 64 bits where there are more."""
    return np.dtype(next((f"u{width}" for width in (1, 2, 4) if literals <= 8 * width), "u8"))


type Classes = TextClasses | NumberClasses | FlagClasses


def classes_for(fact: Fact, literals: Iterable[Condition]) -> Classes:
    """Return the classes of a fact that these literals (bare or within NOT) tell apart."""
    bare = [literal.term if isinstance(literal, Not) else literal for literal in literals]
    match fact.type:
        case FactType.TEXT | FactType.WORDS:
            return _text_classes(fact, bare)
        case FactType.DECIMAL | FactType.INTEGER | FactType.RATIO | FactType.DATE:
            points = {number(value, fact) for literal in bare for value in _constants(literal)}
            return NumberClasses(fact, tuple(sorted(points)))
        case FactType.FLAG:
            return FlagClasses(fact)
        case _:
            assert_never(fact.type)


def number(value: Constant, fact: Fact) -> Number:
    """Return a constant as the engine holds it: a scaled integer, a day since 1970-01-01, or the nearest float."""
    if fact.type is FactType.RATIO and isinstance(value, Decimal):
        return float(value)
    kept = held(value, fact)
    assert isinstance(kept, int | float)
    return kept


def _text_classes(fact: Fact, literals: Iterable[Condition]) -> TextClasses:
    exact: set[str] = set()
    prefixes: set[str] = set()
    for literal in literals:
        if isinstance(literal, StartsWith):
            prefixes.update(literal.prefixes)
        else:
            exact.update(str(value) for value in _constants(literal))
    entries = tuple(sorted([(text, 0) for text in exact] + [(text, 1) for text in prefixes]))
    numbered = list(enumerate(entries, TextClasses.FIRST))
    return TextClasses(
        fact=fact,
        entries=entries,
        exact={text: index for index, (text, kind) in numbered if kind == 0},
        prefixes={text: index for index, (text, kind) in numbered if kind == 1},
        lengths=tuple(sorted({len(text) for text in prefixes}, reverse=True)),
    )


def _constants(literal: Condition) -> tuple[Constant, ...]:
    match literal:
        case Compare(_, _, value):
            return (value,)
        case Between(_, low, high):
            return (low, high)
        case OneOf(_, values):
            return values
        case _:
            return ()


def _compare(members: Members, op: Op, at: int) -> None:
    match op:
        case Op.EQ:
            members[at] = True
        case Op.NE:
            members[1:] = True
            members[at] = False
        case Op.LT:
            members[1:at] = True
        case Op.LE:
            members[1 : at + 1] = True
        case Op.GT:
            members[at + 1 :] = True
        case Op.GE:
            members[at:] = True
        case _:
            assert_never(op)


def _valid_but(members: Members) -> Members:
    others = ~members
    others[MISSING] = False
    return others


def _after(prefix: str) -> str:
    """Return the least text above every text that begins so."""
    kept = prefix.rstrip("\U0010ffff")
    return kept[:-1] + chr(ord(kept[-1]) + 1) if kept else "\U0010ffff" * (len(prefix) + 1)
