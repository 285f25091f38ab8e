"""A condition as one frozen tree. Readings (text, words, SQL, batch, live) are functions over it.

Truth is three-valued as in SQL: a literal about a missing fact is unknown, and a hit is true only.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from tidewaiter.core.facts import Fact


class Op(StrEnum):
    """How a fact is compared."""

    EQ = "="
    NE = "<>"
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="

    @property
    def negated(self) -> "Op":
        """Return the comparison that is true exactly where this one is false."""
        return _NEGATED[self]


_NEGATED = {Op.EQ: Op.NE, Op.NE: Op.EQ, Op.LT: Op.GE, Op.GE: Op.LT, Op.GT: Op.LE, Op.LE: Op.GT}

type Constant = str | Decimal | date
"""Text facts: str. Decimal, integer and ratio facts: Decimal within the scale of the fact. Date facts: date."""


@dataclass(frozen=True, slots=True)
class Compare:
    """A fact against a constant. Text facts take = and <> only."""

    fact: Fact
    op: Op
    value: Constant


@dataclass(frozen=True, slots=True)
class Between:
    """A numeric or date fact within a range, both ends included."""

    fact: Fact
    low: Constant
    high: Constant


@dataclass(frozen=True, slots=True)
class OneOf:
    """A fact among constants (at least one, sorted, without repeats)."""

    fact: Fact
    values: tuple[Constant, ...]


@dataclass(frozen=True, slots=True)
class StartsWith:
    """A text fact that begins with one of the prefixes (at least one, none empty, sorted, without repeats)."""

    fact: Fact
    prefixes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HasWord:
    """A words fact that contains one of the phrases (at least one, sorted, without repeats).

    Each phrase is kept as `normalised_words` without its outer spaces; a phrase ending in `*` matches any word
    beginning so.
    """

    fact: Fact
    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InList:
    """A fact in a named list. `resolved` turns it into OneOf, StartsWith or HasWord before any engine sees it."""

    fact: Fact
    list_name: str


@dataclass(frozen=True, slots=True)
class IsMissing:
    """A fact that is absent (`IS NULL`). Never unknown."""

    fact: Fact


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag fact that is true."""

    fact: Fact


@dataclass(frozen=True, slots=True)
class CompareFact:
    """A fact against a factor times another fact; unknown when either is missing.

    Numeric with numeric, date with date (factor 1), text with text (factor 1, = and <> only). Where both sides are
    exact the comparison is of exact integers; where one is a ratio it is of IEEE doubles: fact op (factor * other),
    each exact side and the factor taken as the double nearest to it (`core.facts.nearest_double`).
    """

    fact: Fact
    op: Op
    factor: Decimal
    other: Fact


@dataclass(frozen=True, slots=True)
class Always:
    """True or false for every item. An empty list resolves to false; `IS NULL` still decides about missing facts."""

    truth: bool


@dataclass(frozen=True, slots=True)
class Use:
    """A named indicator, replaced by its condition when linked."""

    name: str


@dataclass(frozen=True, slots=True)
class Not:
    """True where the term is false; unknown where it is unknown."""

    term: "Condition"


@dataclass(frozen=True, slots=True)
class And:
    """All terms (at least two)."""

    terms: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any term (at least two)."""

    terms: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Points:
    """Weights of the true terms reach k: true when those of the TRUE terms do, false when TRUE and UNKNOWN cannot.

    `at_least(n, a, b, ...)` is Points(n, each with weight 1). Weights and k are positive whole numbers.
    """

    k: int
    terms: tuple[tuple["Condition", int], ...]

    @property
    def counted(self) -> bool:
        """Tell whether this is a plain count (`at_least`)."""
        return all(weight == 1 for _, weight in self.terms)


type Literal = Compare | Between | OneOf | StartsWith | HasWord | InList | IsMissing | Flag | CompareFact | Always
type Condition = Literal | Use | Not | And | Or | Points

LITERALS = (Compare, Between, OneOf, StartsWith, HasWord, InList, IsMissing, Flag, CompareFact, Always)


def exact_digits(fact: Fact, factor: Decimal, other: Fact) -> int:
    """Return the decimal digits that both sides of an exact comparison need when brought to one scale."""
    exponent = factor.as_tuple().exponent
    decimals = max(0, -exponent) if isinstance(exponent, int) else 0
    scale = max(fact.scale, other.scale + decimals)
    left = _WHOLE_DIGITS - fact.scale + scale
    right = _WHOLE_DIGITS + len(factor.as_tuple().digits) - other.scale - decimals + scale
    return max(left, right)


_WHOLE_DIGITS = 19  # of int64


def children(condition: Condition) -> tuple[Condition, ...]:
    """Return the direct terms of a condition; none for a literal or an indicator's name."""
    match condition:
        case Not(term):
            return (term,)
        case And(terms) | Or(terms):
            return terms
        case Points(_, terms):
            return tuple(term for term, _ in terms)
        case (
            Compare()
            | Between()
            | OneOf()
            | StartsWith()
            | HasWord()
            | InList()
            | IsMissing()
            | Flag()
            | CompareFact()
            | Always()
            | Use()
        ):
            return ()
        case _:
            assert_never(condition)


def walk(condition: Condition) -> Iterator[Condition]:
    """Walk the condition and everything in it, from the top."""
    yield condition
    for child in children(condition):
        yield from walk(child)


def rebuilt(condition: Condition, leaf: Callable[[Condition], Condition]) -> Condition:
    """Return the condition with every literal and indicator name replaced by what `leaf` gives for it."""
    match condition:
        case Not(term):
            return Not(rebuilt(term, leaf))
        case And(terms):
            return And(tuple(rebuilt(term, leaf) for term in terms))
        case Or(terms):
            return Or(tuple(rebuilt(term, leaf) for term in terms))
        case Points(k, weighted):
            return Points(k, tuple((rebuilt(term, leaf), weight) for term, weight in weighted))
        case _:
            return leaf(condition)


def facts_of(condition: Condition) -> frozenset[Fact]:
    """Return every fact the condition asks about (indicators must be linked first)."""
    found: set[Fact] = set()
    for node in walk(condition):
        match node:
            case CompareFact(fact, _, _, other):
                found |= {fact, other}
            case Compare() | Between() | OneOf() | StartsWith() | HasWord() | InList() | IsMissing() | Flag():
                found.add(node.fact)
            case _:
                pass
    return frozenset(found)


def linked(condition: Condition, indicators: Mapping[str, Condition]) -> Condition:
    """Return the condition with every named indicator replaced by its (already linked) condition.

    Raises KeyError for a name that is no indicator.
    """

    def link(node: Condition) -> Condition:
        return indicators[node.name] if isinstance(node, Use) else node

    return rebuilt(condition, link)


def in_negation_normal_form(condition: Condition, *, negate: bool = False) -> Condition:
    """Return the condition with NOT on literals only; its truth, unknown included, is the same.

    NOT at_least(n of m) = at_least(m - n + 1, NOT each); weights alike. NOT of a comparison is its opposite.
    """
    match condition:
        case Not(term):
            return in_negation_normal_form(term, negate=not negate)
        case And(terms) | Or(terms):
            parts = tuple(in_negation_normal_form(term, negate=negate) for term in terms)
            return And(parts) if isinstance(condition, And) != negate else Or(parts)
        case Points(k, weighted):
            parts_weighted = tuple((in_negation_normal_form(t, negate=negate), w) for t, w in weighted)
            total = sum(weight for _, weight in weighted)
            return Points(total - k + 1, parts_weighted) if negate else Points(k, parts_weighted)
        case _ if not negate:
            return condition
        case Compare(fact, op, value):
            return Compare(fact, op.negated, value)
        case CompareFact(fact, op, factor, other):
            return CompareFact(fact, op.negated, factor, other)
        case Always(truth):
            return Always(not truth)
        case _:
            return Not(condition)


def not_true(condition: Condition) -> Condition:
    """Return what SQL writes as `(condition) IS NOT TRUE`: true where it is false or unknown, never unknown.

    Indicators must be linked first.
    """
    normal = in_negation_normal_form(condition)
    match normal:
        case And(terms):
            return Or(tuple(not_true(term) for term in terms))
        case Or(terms):
            return And(tuple(not_true(term) for term in terms))
        case Points(k, weighted):
            total = sum(weight for _, weight in weighted)
            return Points(total - k + 1, tuple((not_true(term), weight) for term, weight in weighted))
        case IsMissing() | Not(IsMissing()) | Always():
            return in_negation_normal_form(normal, negate=True)
        case _:
            missing = sorted(facts_of(normal), key=lambda fact: fact.name)
            return Or((in_negation_normal_form(normal, negate=True), *(IsMissing(fact) for fact in missing)))
