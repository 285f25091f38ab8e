"""A condition as alternatives, each a conjunction: for every fact the values it allows, and what is left to ask.

Alternatives are bounded. What would pass the bound stays a condition to be asked of a row that an alternative's cheap
part, necessary for the whole, has not excluded.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product

from tidewaiter.core.condition import (
    Always,
    And,
    CompareFact,
    Condition,
    HasWord,
    Or,
    Points,
    facts_of,
    walk,
)
from tidewaiter.core.facts import Fact

type Atoms = frozenset[Condition]


@dataclass(frozen=True, slots=True)
class Term:
    """A conjunction: `classed` are conditions about a single fact's value each, `residue` is what is left to ask."""

    classed: Atoms = field(default_factory=frozenset)
    residue: Atoms = field(default_factory=frozenset)

    def __and__(self, other: "Term") -> "Term":
        """Return what holds where both do."""
        return Term(self.classed | other.classed, self.residue | other.residue)


ALWAYS = Term()


def terms_of(condition: Condition, bound: int) -> list[Term]:
    """Return at most `bound` (1 or more) terms, one of which holds exactly where the condition is TRUE.

    The condition must be in negation normal form.
    """
    if single_fact(condition) is not None:
        return [Term(classed=frozenset((condition,)))]
    match condition:
        case And(parts):
            return _all_of(_grouped(parts, And), bound)
        case Or(parts):
            found = _any_of(_grouped(parts, Or), bound)
            return [_left(condition)] if found is None else found
        case Points():
            return _reaching(condition, bound)
        case Always(truth):
            return [ALWAYS] if truth else []
        case _:
            return [_left(condition)]


def single_fact(condition: Condition) -> Fact | None:
    """Return the only fact of a condition that depends on the class of its value alone; None for any other."""
    facts = facts_of(condition)
    if len(facts) != 1 or any(isinstance(node, HasWord | CompareFact) for node in walk(condition)):
        return None
    return next(iter(facts))


def _left(condition: Condition) -> Term:
    return Term(residue=frozenset((condition,)))


def _grouped(parts: Iterable[Condition], join: type[And] | type[Or]) -> list[Condition]:
    """Return the parts with those about the same single fact put together."""
    by_fact: dict[Fact, list[Condition]] = {}
    others: list[Condition] = []
    for part in parts:
        fact = single_fact(part)
        (by_fact.setdefault(fact, []) if fact is not None else others).append(part)
    joined = [same[0] if len(same) == 1 else join(tuple(same)) for same in by_fact.values()]
    return joined + others


def _all_of(parts: Sequence[Condition], bound: int) -> list[Term]:
    expanded = sorted(((part, terms_of(part, bound)) for part in parts), key=lambda pair: len(pair[1]))
    found = [ALWAYS]
    for part, terms in expanded:
        if len(found) * len(terms) <= bound:
            found = [left & right for left, right in product(found, terms)]
        else:
            found = [term & _left(part) for term in found]
    return found


def _any_of(parts: Iterable[Condition], bound: int) -> list[Term] | None:
    """Return the alternatives of all parts; None where they pass the bound."""
    found: list[Term] = []
    for part in parts:
        found += terms_of(part, bound)
        if len(found) > bound:
            return None
    return found


def _reaching(condition: Points, bound: int) -> list[Term]:
    """Return terms of a count: unless one of the terms that the others cannot do without holds, it is not reached."""
    total = sum(weight for _, weight in condition.terms)
    if condition.k <= 0 or total < condition.k:
        return [ALWAYS] if condition.k <= 0 else []
    if total == condition.k:
        return terms_of(And((*(term for term, _ in condition.terms), Always(True))), bound)
    costly = sorted(condition.terms, key=lambda pair: _cost(terms_of(pair[0], bound)), reverse=True)
    spare = condition.k - 1
    needed: list[Condition] = []
    for term, weight in costly:
        if weight <= spare:
            spare -= weight
        else:
            needed.append(term)
    left = _left(condition)
    if len(needed) == len(condition.terms) and all(weight >= condition.k for _, weight in condition.terms):
        left = ALWAYS
    found = _any_of(_grouped(needed, Or), bound)
    return [_left(condition)] if found is None else [term & left for term in found]


def _cost(terms: Sequence[Term]) -> tuple[bool, int]:
    """Return whether a value's class never excludes one of the terms, and how many there are."""
    return any(not term.classed for term in terms), len(terms)
