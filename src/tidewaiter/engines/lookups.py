"""What each value of a fact leaves of a set of terms: made once when conditions are published, then only looked up.

A set of terms is one whole number, a bit a term.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from math import inf, nextafter
from typing import Any, NamedTuple, assert_never

import numpy as np
from numpy.typing import NDArray

from tidewaiter.core.condition import Always, And, Condition, Or, Points, walk
from tidewaiter.core.facts import Fact, FactType, FactValue
from tidewaiter.engines.classes import MISSING, Classes, FlagClasses, Members, NumberClasses, TextClasses, classes_for

type TermSet = int
"""Bit t stands for term t."""

type Lookup = Callable[[FactValue], TermSet]


class ByValue(NamedTuple):
    """The terms left by each value that conditions mention, None included, and by any other."""

    known: Mapping[FactValue, TermSet]
    other: TermSet


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
        self._constraint = np.repeat(np.arange(len(constraints)), [len(found) for found in constraints.values()])

    def passing(self, terms: int) -> NDArray[np.float64]:
        """Return for each of so many terms the share of classes that leave it: a guess at how often it is left."""
        share = np.ones(terms)
        share[self._terms] = self._allowed.mean(axis=1)[self._constraint]
        return share

    def lookup(self, terms: int) -> "ByCut | ByValue | Lookup":
        """Return what gives, for a value, the terms it does not exclude among so many."""
        sets = self._sets(terms)
        match self._classes:
            case TextClasses():
                return _by_text(self._classes, sets)
            case NumberClasses():
                return _by_cut(self._classes, sets)
            case FlagClasses():
                return ByValue({None: sets[MISSING], False: sets[FlagClasses.FALSE], True: sets[FlagClasses.TRUE]}, 0)
            case _:
                assert_never(self._classes)

    def _sets(self, terms: int) -> list[TermSet]:
        """Return for each class the terms it does not exclude; classes that allow the same share one number."""
        alike, which = np.unique(np.packbits(self._allowed, axis=0), axis=1, return_inverse=True)
        kinds = np.unpackbits(alike, axis=0, count=len(self._allowed)).view(np.bool_)
        sets: list[TermSet] = []
        piece = max(1, _PIECE // terms)
        for start in range(0, kinds.shape[1], piece):
            some = kinds[:, start : start + piece].T
            rows = np.ones((len(some), terms), np.bool_)
            rows[:, self._terms] = some[:, self._constraint]
            sets += [int.from_bytes(row.tobytes(), "little") for row in np.packbits(rows, axis=1, bitorder="little")]
        return [sets[kind] for kind in which.reshape(-1)]


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


def _by_text(classes: TextClasses, sets: Sequence[TermSet]) -> "ByValue | Lookup":
    other, lengths = sets[classes.OTHER], classes.lengths
    exact: dict[FactValue, TermSet] = {text: sets[number] for text, number in classes.exact.items()}
    exact[None] = sets[MISSING]
    if not lengths:
        return ByValue(exact, other)
    known, beginning = exact.get, {text: sets[number] for text, number in classes.prefixes.items()}.get

    def lookup(value: Any) -> TermSet:
        found = known(value)
        if found is not None:
            return found
        for length in lengths:
            found = beginning(value[:length])
            if found is not None:
                return found
        return other

    return lookup


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
    for number, phrases in searches:
        without &= ~(1 << number)
        for phrase in phrases:
            key = _key(phrase)
            if key is None:
                anyhow |= 1 << number
            else:
                by_key[key] = by_key.get(key, 0) | 1 << number
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
