"""A condition as a function of one row of facts: for what no index answers."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import assert_never

from tidewaiter.core.condition import (
    Always,
    And,
    Between,
    Compare,
    CompareFact,
    Condition,
    Constant,
    Flag,
    HasWord,
    IsMissing,
    Not,
    OneOf,
    Or,
    Points,
    StartsWith,
)
from tidewaiter.core.facts import Fact, FactType, FactValue, nearest_double
from tidewaiter.engines.classes import number
from tidewaiter.engines.comparison import OPERATORS, multipliers
from tidewaiter.engines.words import searched

type Row = Mapping[str, FactValue]
type Question = Callable[[Row], bool]
type Test = Callable[[FactValue], bool]


def question(condition: Condition) -> Question:
    """Return a function that tells whether the condition, in negation normal form, is TRUE of a row."""
    match condition:
        case And(terms):
            every = tuple(question(term) for term in terms)
            return lambda row: all(ask(row) for ask in every)
        case Or(terms):
            some = tuple(question(term) for term in terms)
            return lambda row: any(ask(row) for ask in some)
        case Points(k, weighted):
            weighed = tuple((question(term), weight) for term, weight in weighted)
            return lambda row: sum(weight for ask, weight in weighed if ask(row)) >= k
        case Always(truth):
            return lambda _: truth
        case IsMissing(fact):
            return lambda row: _value(row, fact) is None
        case Not(IsMissing(fact)):
            return lambda row: _value(row, fact) is not None
        case CompareFact():
            return _between_facts(condition)
        case Not(literal):
            return _about(literal, negated=True)
        case _:
            return _about(condition, negated=False)


def _value(row: Row, fact: Fact) -> FactValue:
    value = row.get(fact.name)
    return None if isinstance(value, float) and not isfinite(value) else value


def _about(literal: Condition, *, negated: bool) -> Question:
    match literal:
        case Compare() | Between() | OneOf() | StartsWith() | HasWord() | Flag():
            fact, test = literal.fact, _test(literal)
        case _:
            raise TypeError(f"{literal!r} must be linked, resolved and in negation normal form")

    def ask(row: Row) -> bool:
        value = _value(row, fact)
        return value is not None and test(value) is not negated

    return ask


def _test(literal: Compare | Between | OneOf | StartsWith | HasWord | Flag) -> Test:
    """Return a test of a value that is not missing."""
    match literal:
        case Compare(fact, op, constant):
            compare, limit = OPERATORS[op], _held(constant, fact)
            return lambda value: bool(compare(value, limit))
        case Between(fact, low, high):
            least, most = _held(low, fact), _held(high, fact)
            return lambda value: bool(least <= value <= most)  # type: ignore[operator]
        case OneOf(fact, values):
            among = frozenset(_held(value, fact) for value in values)
            return lambda value: value in among
        case StartsWith(_, prefixes):
            return lambda value: str(value).startswith(prefixes)
        case HasWord(_, phrases):
            sought = tuple(searched(phrase) for phrase in phrases)
            return lambda value: any(phrase in str(value) for phrase in sought)
        case Flag():
            return bool
        case _:
            assert_never(literal)


def _held(value: Constant, fact: Fact) -> FactValue:
    return value if isinstance(value, str) else number(value, fact)


def _between_facts(literal: CompareFact) -> Question:
    fact, other = literal.fact, literal.other
    compare = OPERATORS[literal.op]
    sides = _as_texts if not fact.numeric else _as_doubles if _ratio(fact, other) else _as_whole
    left_of, right_of = sides(literal)

    def ask(row: Row) -> bool:
        left, right = _value(row, fact), _value(row, other)
        return left is not None and right is not None and bool(compare(left_of(left), right_of(right)))

    return ask


type Side = Callable[[FactValue], object]


def _ratio(*facts: Fact) -> bool:
    return any(fact.type is FactType.RATIO for fact in facts)


def _as_texts(_: CompareFact) -> tuple[Side, Side]:
    return (lambda value: value), (lambda value: value)


def _as_whole(literal: CompareFact) -> tuple[Side, Side]:
    a, b = multipliers(literal)
    return (lambda value: a * value), (lambda value: b * value)


def _as_doubles(literal: CompareFact) -> tuple[Side, Side]:
    fact, other, factor = literal.fact, literal.other, float(literal.factor)
    return (lambda value: _double(fact, value)), (lambda value: factor * _double(other, value))


def _double(fact: Fact, value: FactValue) -> float:
    return nearest_double(int(value), fact.scale) if fact.exact else float(value)  # type: ignore[arg-type]
