"""Conditions asked of one row: for each fact, every class of values has the set of terms it does not exclude.

The AND over the facts leaves the terms that may hold; terms that the values of some fact seldom leave are not in these
sets but filed under these values. All is made when conditions are published, so a value never seen costs no more than a
common one. What no class of values decides (word search, a factor times another fact, counts, alternatives beyond the
bound), and what is rarely worth a lookup, is asked only for terms left over.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidewaiter.core.condition import Condition, HasWord, in_negation_normal_form, walk
from tidewaiter.core.facts import Fact, FactType
from tidewaiter.engines.matching.asking import Question, Row, question
from tidewaiter.engines.matching.lookups import ByCut, ByValue, ClassIndex, Left, Lookup, TermSet, word_lookup
from tidewaiter.engines.matching.terms import Term, single_fact, terms_of

TERM_BUDGET = 60_000
BOUNDS = (64, 16, 4, 1)
"""Alternatives allowed for one condition: the first bound that keeps all conditions within the budget is used."""

_SELDOM = 0.003
"""A term is filed under the values of a fact that are thought to leave it in no more than this share of rows."""

_MOST_FILED = 1_000
"""Under so many classes of values one term may be filed."""

_LEAST_LEFT = 0.15
"""The least share of rows that a constraint is taken to leave: common values are asked about more than rare ones."""

_WORTH = 1.0
"""How many terms a lookup must be thought to exclude to cost less than asking them."""

_COSTLY = 6
"""A question of this cost or more, asked for several terms, is answered once a row."""

type Entry = tuple[Question, tuple[Question, ...], tuple[int, ...], int]
"""What to ask of a term: first, then, and the numbers of what several terms share; the place of its condition."""

type Atoms = dict[Fact, frozenset[Condition]]
type Shares = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LiveSet:
    """A published set of conditions. Immutable, and safe to ask from several threads."""

    names: tuple[str, ...]
    terms: int
    _width: int
    _values: tuple[tuple[str, Callable[[Any, Left], Left], Left], ...]
    _cuts: tuple[tuple[str, Sequence[float], Sequence[TermSet], TermSet], ...]
    _lookups: tuple[tuple[str, Lookup], ...]
    _entries: tuple[Entry, ...]
    _questions: tuple[Question, ...]

    def matches(self, row: Row) -> list[str]:
        """Return the names of the conditions that are TRUE of the row, in the order they were published.

        Facts left out of the row are missing.
        """
        alive = (1 << self._width) - 1
        filed: list[int] = []
        value_of: Callable[[str], Any] = row.get
        for name, left_by, other in self._values:
            left, here = left_by(value_of(name), other)
            alive &= left
            if here:
                filed += here
        for name, lookup in self._lookups:
            alive &= lookup(value_of(name))
        if alive:
            for name, cuts, lefts, missing in self._cuts:
                value = value_of(name)
                alive &= missing if value is None else lefts[bisect_right(cuts, value)]
            filed += _bits(alive)
        return self._settled(filed, row) if filed else []

    def _settled(self, places: Iterable[int], row: Row) -> list[str]:
        entries, questions = self._entries, self._questions
        found: set[int] = set()
        answers: dict[int, bool] = {}
        for place in places:
            first, rest, together, owner = entries[place]
            if not first(row):
                continue
            for ask in rest:
                if not ask(row):
                    break
            else:
                for number in together:
                    answer = answers.get(number)
                    if answer is None:
                        answer = answers[number] = questions[number](row)
                    if not answer:
                        break
                else:
                    found.add(owner)
        return [self.names[owner] for owner in sorted(found)]


@dataclass(frozen=True, slots=True)
class _Placed:
    """One term of a condition, and the fact under whose values it is filed: None for a term with a bit."""

    owner: int
    term: Term
    atoms: Atoms
    anchor: Fact | None


def publish(conditions: Mapping[str, Condition]) -> LiveSet:
    """Return the live form of conditions by name: indicators linked and lists resolved before."""
    placed = _placed([in_negation_normal_form(condition) for condition in conditions.values()])
    width = sum(each.anchor is None for each in placed)
    indexes = _worth_a_lookup([ClassIndex(fact, found) for fact, found in _found_by(placed).items()], placed, width)
    lookups = [(index.fact.name, index.lookup(width)) for index in indexes]
    entries, questions = _entries(placed, {index.fact for index in indexes})
    return LiveSet(
        names=tuple(conditions),
        terms=len(placed),
        _width=width,
        _values=tuple((name, *found) for name, found in lookups if isinstance(found, ByValue)),
        _cuts=tuple((name, *found) for name, found in lookups if isinstance(found, ByCut)),
        _lookups=tuple(_word_lookups([each.term for each in placed[:width]])),
        _entries=entries,
        _questions=questions,
    )


def _placed(conditions: Sequence[Condition]) -> list[_Placed]:
    """Return the terms of all conditions, those with a bit first."""
    for bound in BOUNDS:
        owned = [(owner, term) for owner, condition in enumerate(conditions) for term in terms_of(condition, bound)]
        if len(owned) <= TERM_BUDGET:
            break
    atoms = [_atoms(term) for _, term in owned]
    rest = zip(owned, atoms, _anchors(atoms), strict=True)
    placed = [_Placed(owner, term, found, anchor) for (owner, term), found, anchor in rest]
    return sorted(placed, key=lambda each: each.anchor is not None)


def _atoms(term: Term) -> Atoms:
    atoms: dict[Fact, set[Condition]] = {}
    for atom in term.classed:
        fact = single_fact(atom)
        assert fact is not None
        atoms.setdefault(fact, set()).add(atom)
    return {fact: frozenset(found) for fact, found in atoms.items()}


def _anchors(terms: Sequence[Atoms]) -> list[Fact | None]:
    """Return for each term the text or flag whose values leave it most seldom; None where none seldom does."""
    by_fact: dict[Fact, dict[frozenset[Condition], list[int]]] = {}
    for number, atoms in enumerate(terms):
        for fact, found in atoms.items():
            if fact.type in (FactType.TEXT, FactType.FLAG):
                by_fact.setdefault(fact, {}).setdefault(found, []).append(number)
    anchors: list[Fact | None] = [None] * len(terms)
    least = np.full(len(terms), _SELDOM)
    for fact, constraints in by_fact.items():
        index = ClassIndex(fact, constraints)
        share = np.where(index.classes_left(len(terms)) <= _MOST_FILED, index.passing(len(terms)), 1.0)
        for number in np.flatnonzero(share < least).tolist():
            anchors[number] = fact
        least = np.minimum(least, share)
    return anchors


def _found_by(placed: Sequence[_Placed]) -> dict[Fact, dict[frozenset[Condition], list[int]]]:
    """Return for each fact the terms to be found by its values, by what they ask of it."""
    by_fact: dict[Fact, dict[frozenset[Condition], list[int]]] = {}
    for number, each in enumerate(placed):
        for fact, found in each.atoms.items():
            if each.anchor in (None, fact):
                by_fact.setdefault(fact, {}).setdefault(found, []).append(number)
    return by_fact


def _worth_a_lookup(indexes: Sequence[ClassIndex], placed: Sequence[_Placed], width: int) -> list[ClassIndex]:
    """Return the indexes under which terms are filed, then those worth a lookup, the one that excludes most first."""
    passing: list[Shares] = [np.maximum(index.passing(len(placed))[:width], _LEAST_LEFT) for index in indexes]
    anchors = {each.anchor for each in placed}
    left: Shares = np.ones(width)
    waiting = list(range(len(indexes)))
    chosen: list[ClassIndex] = []
    while waiting:
        filed = [place for place in waiting if indexes[place].fact in anchors]
        best = max(filed or waiting, key=lambda place: float(((1 - passing[place]) * left).sum()))
        if not filed and float(((1 - passing[best]) * left).sum()) < _WORTH:
            break
        left *= passing[best]
        waiting.remove(best)
        chosen.append(indexes[best])
    return chosen


def _entries(placed: Sequence[_Placed], indexed: set[Fact]) -> tuple[tuple[Entry, ...], tuple[Question, ...]]:
    """Return what is asked of each term, and the questions that several of them share."""
    left = [_left_to_ask(each, indexed) for each in placed]
    numbers = _asked_together(left)
    questions = {condition: question(condition) for parts in left for condition in parts}
    entries: list[Entry] = []
    for each, parts in zip(placed, left, strict=True):
        first, *rest = [questions[part] for part in parts if part not in numbers] or [_yes]
        entries.append((first, tuple(rest), tuple(numbers[part] for part in parts if part in numbers), each.owner))
    return tuple(entries), tuple(questions[condition] for condition in numbers)


def _left_to_ask(placed: _Placed, indexed: set[Fact]) -> list[Condition]:
    """Return what is left to ask of a term, the cheapest first."""
    looked_up = indexed if placed.anchor is None else {placed.anchor}
    unindexed = [atom for fact, atoms in placed.atoms.items() if fact not in looked_up for atom in atoms]
    return sorted([*placed.term.residue, *unindexed], key=_cost)


def _cost(condition: Condition) -> int:
    return sum(len(node.phrases) if isinstance(node, HasWord) else 2 for node in walk(condition))


def _asked_together(left: Iterable[Sequence[Condition]]) -> dict[Condition, int]:
    """Number the costly questions of more than one term."""
    asked = Counter(condition for conditions in left for condition in conditions if _cost(condition) >= _COSTLY)
    several = [condition for condition, times in asked.items() if times > 1]
    return {condition: number for number, condition in enumerate(several)}


def _yes(_: Row) -> bool:
    return True


def _bits(alive: TermSet) -> list[int]:
    found: list[int] = []
    while alive:
        highest = alive.bit_length() - 1
        found.append(highest)
        alive ^= 1 << highest
    return found


def _word_lookups(terms: Sequence[Term]) -> list[tuple[str, Lookup]]:
    by_fact: dict[Fact, list[tuple[int, tuple[str, ...]]]] = {}
    for number, term in enumerate(terms):
        searches = sorted((part for part in term.residue if isinstance(part, HasWord)), key=lambda part: part.phrases)
        for search in {search.fact: search for search in searches}.values():
            by_fact.setdefault(search.fact, []).append((number, search.phrases))
    return [(fact.name, word_lookup(searches, len(terms))) for fact, searches in by_fact.items()]
