"""Conditions asked of one row: for each fact, every class of values has the set of terms it does not exclude.

A set of terms is one whole number, a bit a term; the AND over the facts leaves the terms that hold. All sets are made
when conditions are published, so a value never seen costs no more than a common one. What no class of values decides
(word search, a factor times another fact, counts, alternatives beyond the bound) is asked only for terms left over.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import isfinite
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from tidewaiter.core.condition import Always, And, Condition, HasWord, Or, Points, in_negation_normal_form, walk
from tidewaiter.core.facts import Fact, FactType, FactValue
from tidewaiter.engines.asking import Question, Row, question
from tidewaiter.engines.classes import MISSING, Classes, FlagClasses, Members, NumberClasses, TextClasses, classes_for
from tidewaiter.engines.terms import Term, single_fact, terms_of

type TermSet = int
"""Bit t stands for term t."""

type Lookup = Callable[[FactValue], TermSet]

TERM_BUDGET = 60_000
BOUNDS = (64, 16, 4, 1)
"""Alternatives allowed for one condition: the first bound that keeps all conditions within the budget is used."""

_KEY = 3
_PIECE = 8_000_000


@dataclass(frozen=True, slots=True)
class LiveSet:
    """A published set of conditions. Immutable, and safe to ask from several threads."""

    names: tuple[str, ...]
    terms: int
    _lookups: tuple[tuple[str, Lookup], ...]
    _owners: tuple[int, ...]
    _residues: tuple[tuple[int, ...], ...]
    _questions: tuple[Question, ...]

    def matches(self, row: Row) -> list[str]:
        """Return the names of the conditions that are TRUE of the row, in the order they were published.

        Facts left out of the row are missing.
        """
        alive = (1 << self.terms) - 1
        value_of = row.get
        for name, lookup in self._lookups:
            alive &= lookup(value_of(name))
            if not alive:
                return []
        return self._settled(alive, row)

    def _settled(self, alive: TermSet, row: Row) -> list[str]:
        owners, residues = self._owners, self._residues
        found: set[int] = set()
        answers: dict[int, bool] = {}
        for term in _bits(alive, self.terms):
            owner = owners[term]
            if owner in found:
                continue
            for number in residues[term]:
                answer = answers.get(number)
                if answer is None:
                    answer = answers[number] = self._questions[number](row)
                if not answer:
                    break
            else:
                found.add(owner)
        return [self.names[owner] for owner in sorted(found)]


def publish(conditions: Mapping[str, Condition]) -> LiveSet:
    """Return the live form of conditions by name: indicators linked and lists resolved before."""
    owned = _owned_terms([in_negation_normal_form(condition) for condition in conditions.values()])
    terms = [term for _, term in owned]
    numbers: dict[Condition, int] = {}
    residues = tuple(tuple(numbers.setdefault(part, len(numbers)) for part in term.residue) for term in terms)
    lookups = sorted(_class_lookups(terms) + _word_lookups(terms), key=lambda found: found[0])
    return LiveSet(
        names=tuple(conditions),
        terms=len(terms),
        _lookups=tuple((name, lookup) for _, name, lookup in lookups),
        _owners=tuple(owner for owner, _ in owned),
        _residues=residues,
        _questions=tuple(question(condition) for condition in numbers),
    )


def _owned_terms(conditions: Sequence[Condition]) -> list[tuple[int, Term]]:
    """Return the terms of all conditions, those with nothing left to ask first, each with its condition's place."""
    for bound in BOUNDS:
        owned = [(owner, term) for owner, condition in enumerate(conditions) for term in terms_of(condition, bound)]
        if len(owned) <= TERM_BUDGET:
            break
    return sorted(owned, key=lambda pair: (bool(pair[1].residue), pair[0]))


def _bits(alive: TermSet, count: int) -> list[int]:
    packed = np.frombuffer(alive.to_bytes(count // 8 + 1, "little"), np.uint8)
    found: list[int] = np.flatnonzero(np.unpackbits(packed, bitorder="little")).tolist()
    return found


type Found = tuple[int, str, Lookup]
"""How many terms the most common values leave (to ask the strictest fact first), the fact, and its lookup."""


def _class_lookups(terms: Sequence[Term]) -> list[Found]:
    by_fact: dict[Fact, dict[frozenset[Condition], list[int]]] = {}
    for number, term in enumerate(terms):
        of_fact: dict[Fact, set[Condition]] = {}
        for atom in term.classed:
            fact = single_fact(atom)
            assert fact is not None
            of_fact.setdefault(fact, set()).add(atom)
        for fact, atoms in of_fact.items():
            by_fact.setdefault(fact, {}).setdefault(frozenset(atoms), []).append(number)
    return [_class_lookup(fact, constraints, len(terms)) for fact, constraints in by_fact.items()]


def _class_lookup(fact: Fact, constraints: Mapping[frozenset[Condition], list[int]], terms: int) -> Found:
    atoms = set(chain.from_iterable(constraints))
    literals = {node for atom in atoms for node in walk(atom) if not isinstance(node, And | Or | Points)}
    classes = classes_for(fact, literals)
    members = {atom: _members(classes, atom) for atom in atoms}
    allowed = np.array([np.logical_and.reduce([members[atom] for atom in both]) for both in constraints])
    sets = _term_sets(allowed, list(constraints.values()), terms)
    left = sorted(held.bit_count() for held in sets)[len(sets) // 2]
    return left, fact.name, _lookup(classes, sets)


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


def _term_sets(allowed: NDArray[np.bool_], constrained: Sequence[list[int]], terms: int) -> list[TermSet]:
    """Return for each class (column of `allowed`) the terms it does not exclude; alike classes share one number."""
    alike, which = np.unique(np.packbits(allowed, axis=0), axis=1, return_inverse=True)
    kinds = np.unpackbits(alike, axis=0, count=len(allowed)).view(np.bool_)
    numbers = np.array(list(chain.from_iterable(constrained)), np.intp)
    constraint = np.repeat(np.arange(len(constrained)), [len(found) for found in constrained])
    sets: list[TermSet] = []
    piece = max(1, _PIECE // terms)
    for start in range(0, kinds.shape[1], piece):
        some = kinds[:, start : start + piece].T
        rows = np.ones((len(some), terms), np.bool_)
        rows[:, numbers] = some[:, constraint]
        sets += [int.from_bytes(row.tobytes(), "little") for row in np.packbits(rows, axis=1, bitorder="little")]
    return [sets[kind] for kind in which.reshape(-1)]


def _lookup(classes: Classes, sets: Sequence[TermSet]) -> Lookup:
    match classes:
        case TextClasses():
            return _text_lookup(classes, sets)
        case NumberClasses():
            return _number_lookup(classes, sets)
        case FlagClasses():
            return _flag_lookup(classes, sets)
        case _:
            assert_never(classes)


def _text_lookup(classes: TextClasses, sets: Sequence[TermSet]) -> Lookup:
    other, lengths = sets[classes.OTHER], classes.lengths
    exact: dict[Any, TermSet] = {text: sets[number] for text, number in classes.exact.items()}
    exact[None] = sets[MISSING]
    begun = {text: sets[number] for text, number in classes.prefixes.items()}
    known, beginning = exact.get, begun.get

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


def _flag_lookup(classes: FlagClasses, sets: Sequence[TermSet]) -> Lookup:
    by_value: dict[Any, TermSet] = {None: sets[MISSING], False: sets[classes.FALSE], True: sets[classes.TRUE]}
    return by_value.__getitem__


def _number_lookup(classes: NumberClasses, sets: Sequence[TermSet]) -> Lookup:
    points, missing = classes.points, sets[MISSING]
    of_class = tuple(sets[1:])

    def lookup(value: Any) -> TermSet:
        if value is None:
            return missing
        return of_class[bisect_left(points, value) + bisect_right(points, value)]

    def lookup_ratio(value: Any) -> TermSet:
        return lookup(value) if value is not None and isfinite(value) else missing

    return lookup_ratio if classes.fact.type is FactType.RATIO else lookup


def _word_lookups(terms: Sequence[Term]) -> list[Found]:
    """Return for each words fact which terms a text may satisfy, by the beginning of its words."""
    by_fact: dict[Fact, list[tuple[int, tuple[str, ...]]]] = {}
    for number, term in enumerate(terms):
        searches = sorted((part for part in term.residue if isinstance(part, HasWord)), key=lambda p: p.fact.name)
        for search in {search.fact: search for search in searches}.values():
            by_fact.setdefault(search.fact, []).append((number, search.phrases))
    return [_word_lookup(fact, searches, len(terms)) for fact, searches in by_fact.items()]


def _word_lookup(fact: Fact, searches: Iterable[tuple[int, tuple[str, ...]]], terms: int) -> Found:
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

    return present.bit_count(), fact.name, lookup


def _key(phrase: str) -> str | None:
    """Return how a word must begin where the phrase is found; None when that is too short to tell."""
    first, _, more = phrase.partition(" ")
    if not first or (first.endswith("*") and not more and len(first) <= _KEY):
        return None
    return first.rstrip("*")[:_KEY]
