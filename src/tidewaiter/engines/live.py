"""Conditions asked of one row: for each fact, every class of values has the set of terms it does not exclude.

The AND over the facts leaves the terms that may hold. All sets are made when conditions are published, so a value never
seen costs no more than a common one. What no class of values decides (word search, a factor times another fact, counts,
alternatives beyond the bound), and what is rarely worth a lookup, is asked only for terms left over.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidewaiter.core.condition import Condition, HasWord, in_negation_normal_form, walk
from tidewaiter.core.facts import Fact
from tidewaiter.engines.asking import Question, Row, question
from tidewaiter.engines.lookups import ByCut, ByValue, ClassIndex, Lookup, TermSet, word_lookup
from tidewaiter.engines.terms import Term, single_fact, terms_of

TERM_BUDGET = 60_000
BOUNDS = (64, 16, 4, 1)
"""Alternatives allowed for one condition: the first bound that keeps all conditions within the budget is used."""

_LEAST_LEFT = 0.15
"""The least share of rows that a constraint is taken to leave: common values are asked about more than rare ones."""

_FEW = 40
"""Up to so many terms left over are picked off one by one."""

_WORTH = 1.0
"""How many terms a lookup must be thought to exclude to cost less than asking them."""


@dataclass(frozen=True, slots=True)
class LiveSet:
    """A published set of conditions. Immutable, and safe to ask from several threads."""

    names: tuple[str, ...]
    terms: int
    _values: tuple[tuple[str, Callable[..., TermSet], TermSet], ...]
    _cuts: tuple[tuple[str, Sequence[float], Sequence[TermSet], TermSet], ...]
    _lookups: tuple[tuple[str, Lookup], ...]
    _owners: tuple[int, ...]
    _residues: tuple[tuple[int, ...], ...]
    _questions: tuple[Question, ...]

    def matches(self, row: Row) -> list[str]:
        """Return the names of the conditions that are TRUE of the row, in the order they were published.

        Facts left out of the row are missing.
        """
        alive = (1 << self.terms) - 1
        value_of: Callable[[str], Any] = row.get
        for name, left_by, other in self._values:
            alive &= left_by(value_of(name), other)
        for name, lookup in self._lookups:
            alive &= lookup(value_of(name))
        if not alive:
            return []
        for name, cuts, left, missing in self._cuts:
            value = value_of(name)
            alive &= missing if value is None else left[bisect_right(cuts, value)]
        return self._settled(alive, row) if alive else []

    def _settled(self, alive: TermSet, row: Row) -> list[str]:
        owners, residues, questions = self._owners, self._residues, self._questions
        found: set[int] = set()
        answers: dict[int, bool] = {}
        for term in _bits(alive, self.terms):
            owner = owners[term]
            if owner in found:
                continue
            for number in residues[term]:
                answer = answers.get(number)
                if answer is None:
                    answer = answers[number] = questions[number](row)
                if not answer:
                    break
            else:
                found.add(owner)
        return [self.names[owner] for owner in sorted(found)]


def publish(conditions: Mapping[str, Condition]) -> LiveSet:
    """Return the live form of conditions by name: indicators linked and lists resolved before."""
    owned = _owned_terms([in_negation_normal_form(condition) for condition in conditions.values()])
    terms = [term for _, term in owned]
    by_fact = _by_fact(terms)
    chosen = _worth_a_lookup([ClassIndex(fact, constraints) for fact, constraints in by_fact.items()], len(terms))
    lookups = [(index.fact.name, index.lookup(len(terms))) for index in chosen]
    numbers: dict[Condition, int] = {}
    indexed = {index.fact for index in chosen}
    residues = tuple(
        tuple(numbers.setdefault(part, len(numbers)) for part in _left_to_ask(term, indexed)) for term in terms
    )
    return LiveSet(
        names=tuple(conditions),
        terms=len(terms),
        _values=tuple((name, found.known.get, found.other) for name, found in lookups if isinstance(found, ByValue)),
        _cuts=tuple((name, *found) for name, found in lookups if isinstance(found, ByCut)),
        _lookups=(*((name, found) for name, found in lookups if callable(found)), *_word_lookups(terms)),
        _owners=tuple(owner for owner, _ in owned),
        _residues=residues,
        _questions=tuple(question(condition) for condition in numbers),
    )


def _owned_terms(conditions: Sequence[Condition]) -> list[tuple[int, Term]]:
    """Return the terms of all conditions, each with its condition's place, the cheapest to settle first."""
    for bound in BOUNDS:
        owned = [(owner, term) for owner, condition in enumerate(conditions) for term in terms_of(condition, bound)]
        if len(owned) <= TERM_BUDGET:
            break
    return sorted(owned, key=lambda pair: (len(pair[1].residue), pair[0]))


def _by_fact(terms: Sequence[Term]) -> dict[Fact, dict[frozenset[Condition], list[int]]]:
    by_fact: dict[Fact, dict[frozenset[Condition], list[int]]] = {}
    for number, term in enumerate(terms):
        for fact, atoms in _atoms(term).items():
            by_fact.setdefault(fact, {}).setdefault(frozenset(atoms), []).append(number)
    return by_fact


def _atoms(term: Term) -> dict[Fact, set[Condition]]:
    atoms: dict[Fact, set[Condition]] = {}
    for atom in term.classed:
        fact = single_fact(atom)
        assert fact is not None
        atoms.setdefault(fact, set()).add(atom)
    return atoms


def _worth_a_lookup(indexes: Sequence[ClassIndex], terms: int) -> list[ClassIndex]:
    """Return the indexes worth a lookup, the one thought to exclude most first."""
    passing = [np.maximum(index.passing(terms), _LEAST_LEFT) for index in indexes]
    left: NDArray[np.float64] = np.ones(terms)
    waiting, chosen = list(range(len(indexes))), []
    while waiting:
        best = max(waiting, key=lambda place: float(((1 - passing[place]) * left).sum()))
        if float(((1 - passing[best]) * left).sum()) < _WORTH:
            break
        left *= passing[best]
        waiting.remove(best)
        chosen.append(indexes[best])
    return chosen


def _left_to_ask(term: Term, indexed: set[Fact]) -> list[Condition]:
    """Return what is left to ask of a term, the cheapest first."""
    unindexed = [atom for fact, atoms in _atoms(term).items() if fact not in indexed for atom in atoms]
    return sorted([*term.residue, *unindexed], key=_cost)


def _cost(condition: Condition) -> int:
    return sum(len(node.phrases) if isinstance(node, HasWord) else 2 for node in walk(condition))


def _bits(alive: TermSet, count: int) -> list[int]:
    if alive.bit_count() > _FEW:
        packed = np.frombuffer(alive.to_bytes(count // 8 + 1, "little"), np.uint8)
        return [int(place) for place in np.unpackbits(packed, bitorder="little").nonzero()[0].tolist()]
    found: list[int] = []
    while alive:
        lowest = alive & -alive
        found.append(lowest.bit_length() - 1)
        alive ^= lowest
    return found


def _word_lookups(terms: Sequence[Term]) -> list[tuple[str, Lookup]]:
    by_fact: dict[Fact, list[tuple[int, tuple[str, ...]]]] = {}
    for number, term in enumerate(terms):
        searches = sorted((part for part in term.residue if isinstance(part, HasWord)), key=lambda part: part.phrases)
        for search in {search.fact: search for search in searches}.values():
            by_fact.setdefault(search.fact, []).append((number, search.phrases))
    return [(fact.name, word_lookup(searches, len(terms))) for fact, searches in by_fact.items()]
