"""What each value of a fact leaves of a set of terms: made once when conditions are published, then only looked up.

A term has either a bit in a whole number that stands for a set of terms, or, where the values of one fact seldom leave
it, is filed under these values alone.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from math import inf, nextafter
from typing import Any, NamedTuple, assert_never

import numpy as np
from numpy.typing import NDArray

from tidewaiter.core.condition import Always, And, Condition, Or, Points, walk
from tidewaiter.core.facts import Fact, FactType
from tidewaiter.engines.matching.classes import (
    MISSING,
    Classes,
    FlagClasses,
    Members,
    NumberClasses,
    TextClasses,
    classes_for,
)

type TermSet = int
"""Bit t stands for term t."""

type Left = tuple[TermSet, tuple[int, ...]]
"""What a value leaves: the terms with a bit that it does not exclude, and those filed under it."""

type Lookup = Callable[[Any], TermSet]


class ByValue(NamedTuple):
    """What a value leaves: `left_by(value, other)`, with `other` for one that no condition mentions."""

    left_by: Callable[[Any, Left], Left]
    other: Left


class ByCut(NamedTuple):
    """The terms left by numbers below the first cut, from each cut to the next, and by a missing one."""

    cuts: Sequence[float]
    left: Sequence[TermSet]
    missing: TermSet


_KEY = 3
_PIECE = 8_000_000


class ClassIndex:
    """The terms that say something about the class of one fact's value.

    `constraints` gives by the conditions about the fact, all to hold, the numbers of the terms that have them.
    """

    def __init__(self, fact: Fact, constraints: Mapping[frozenset[Condition], Sequence[int]]) -> None:
        """Divide the values of the fact by what the constraints ask."""
        atoms = set(chain.from_iterable(constraints))
        literals = [node for atom in atoms for node in walk(atom) if not isinstance(node, And | Or | Points)]
        self.fact = fact
        self._classes = classes_for(fact, literals)
        members = {atom: _members(self._classes, atom) for atom in atoms}
        allowed = [np.logical_and.reduce([members[atom] for atom in both]) for both in constraints]
        self._allowed: NDArray[np.bool_] = np.array(allowed)
        self._terms = np.array(list(chain.from_iterable(constraints.values())), np.intp)
        self._having = np.array([len(found) for found in constraints.values()])
        self._constraint = np.repeat(np.arange(len(constraints)), self._having)

    def passing(self, terms: int) -> NDArray[np.float64]:
        """Return for each of so many terms the share of rows thought to leave it.

        Nothing is known of the rows. Of numbers each class is taken to come alike; of the rest, authors name what they
        meet, so a value is taken to come the more often, the more terms ask for it.
        """
        weights = np.ones(self._classes.count)
        if not isinstance(self._classes, NumberClasses):
            size = self._allowed.sum(axis=1)
            asking = np.where(size * 2 <= max(2, self._classes.count), self._having / np.maximum(size, 1), 0.0)
            weights += asking @ self._allowed
        share = np.ones(terms)
        share[self._terms] = (self._allowed @ (weights / weights.sum()))[self._constraint]
        return share

    def classes_left(self, terms: int) -> NDArray[np.intp]:
        """Return for each of so many terms how many classes of values leave it; 0 where it does not ask the fact."""
        counts = np.zeros(terms, np.intp)
        counts[self._terms] = self._allowed.sum(axis=1)[self._constraint]
        return counts

    def lookup(self, width: int) -> ByCut | ByValue:
        """Return what gives the terms a value leaves: those below `width` have a bit, others are filed here."""
        lefts = self._lefts(width)
        match self._classes:
            case TextClasses():
                return _by_text(self._classes, lefts)
            case NumberClasses():
                return _by_cut(self._classes, [left for left, _ in lefts])
            case FlagClasses():
                known = {None: lefts[MISSING], False: lefts[FlagClasses.FALSE], True: lefts[FlagClasses.TRUE]}
                return ByValue(known.get, lefts[MISSING])
            case _:
                assert_never(self._classes)

    def _lefts(self, width: int) -> list[Left]:
        """Return for each class what it leaves; classes that leave the same share one value."""
        alike, which = np.unique(np.packbits(self._allowed, axis=0), axis=1, return_inverse=True)
        kinds = np.unpackbits(alike, axis=0, count=len(self._allowed)).view(np.bool_).T
        bit = self._terms < width
        there, asked = self._terms[~bit], self._constraint[~bit]
        shared: dict[TermSet, TermSet] = {}
        lefts: list[Left] = []
        piece = max(1, _PIECE // (width + 1))
        for some in (kinds[start : start + piece] for start in range(0, len(kinds), piece)):
            rows = np.ones((len(some), width), np.bool_)
            rows[:, self._terms[bit]] = some[:, self._constraint[bit]]
            for allowed, row in zip(some, np.packbits(rows, axis=1, bitorder="little"), strict=True):
                terms = int.from_bytes(row.tobytes(), "little")
                lefts.append((shared.setdefault(terms, terms), tuple(there[allowed[asked]].tolist())))
        return [lefts[kind] for kind in which.reshape(-1)]


def _members(classes: Classes, condition: Condition) -> Members:
    members: Members
    match condition:
        case And(parts):
            members = np.logical_and.reduce([_members(classes, part) for part in parts])
        case Or(parts):
            members = np.logical_or.reduce([_members(classes, part) for part in parts])
        case Points(k, weighted):
            sums = np.sum([_members(classes, part) * min(weight, k) for part, weight in weighted], axis=0)
            members = sums >= k
        case Always(truth):
            members = np.full(classes.count, truth)
        case _:
            members = classes.members(condition)
    return members


def _by_text(classes: TextClasses, lefts: Sequence[Left]) -> ByValue:
    exact: dict[str | None, Left] = {text: lefts[number] for text, number in classes.exact.items()}
    exact[None] = lefts[MISSING]
    known, lengths = exact.get, classes.lengths
    if not lengths:
        return ByValue(known, lefts[classes.OTHER])
    beginning = {text: lefts[number] for text, number in classes.prefixes.items()}.get

    def left_by(value: Any, other: Left) -> Left:
        found = known(value)
        if found is not None:
            return found
        for length in lengths:
            found = beginning(value[:length])
            if found is not None:
                return found
        return other

    return ByValue(left_by, lefts[classes.OTHER])


def _by_cut(classes: NumberClasses, sets: Sequence[TermSet]) -> "ByCut":
    """Cut at each constant and at the next greater value, where the sets differ.

    Of ratios, what is not finite falls at one end (NaN, by the way bisection compares, at the last) and is missing.
    """
    missing, ratio = sets[MISSING], classes.fact.type is FactType.RATIO
    cuts: list[float] = [nextafter(-inf, 0)] if ratio else []
    kept = [missing, sets[1]] if ratio else [sets[1]]
    ends = chain.from_iterable((point, nextafter(point, inf) if ratio else point + 1) for point in classes.points)
    for cut, held in zip(ends, sets[2:], strict=True):
        if cuts and cuts[-1] == cut:
            kept[-1] = held
        elif held != kept[-1]:
            cuts.append(cut)
            kept.append(held)
    return ByCut(cuts + [inf] * ratio, kept + [missing] * ratio, missing)


def word_lookup(searches: Iterable[tuple[int, tuple[str, ...]]], terms: int) -> Lookup:
    """Return what gives, for a text of words, the terms it may satisfy, by the beginnings of its words.

    `searches` are term numbers with the phrases of which the term needs one.
    """
    without = (1 << terms) - 1
    by_key: dict[str, TermSet] = {}
    anyhow: TermSet = 0
    for place, phrases in searches:
        without &= ~(1 << place)
        for phrase in phrases:
            key = _key(phrase)
            if key is None:
                anyhow |= 1 << place
            else:
                by_key[key] = by_key.get(key, 0) | 1 << place
    present, of_key = without | anyhow, by_key.get

    def lookup(value: Any) -> TermSet:
        if value is None:
            return without
        found = present
        for word in value.split():
            more = of_key(word[:_KEY])
            if more is not None:
                found |= more
        return found

    return lookup


def _key(phrase: str) -> str | None:
    """Return how a word must begin where the phrase is found; None when that is too short to tell."""
    first, _, more = phrase.partition(" ")
    if not first or (first.endswith("*") and not more and len(first) <= _KEY):
        return None
    return first.rstrip("*")[:_KEY]
