"""A condition as a function of one row of facts: for what no index answers."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, assert_never

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
            return _every(tuple(question(term) for term in terms))
        case Or(terms):
            return _any(tuple(question(term) for term in terms))
        case Points(k, weighted):
            return _reached(k, tuple((question(term), weight) for term, weight in weighted))
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


def _every(questions: tuple[Question, ...]) -> Question:
    def ask(row: Row) -> bool:
        for each in questions:  # noqa: SIM110  a generator costs more than these questions
            if not each(row):
                return False
        return True

    return ask


def _any(questions: tuple[Question, ...]) -> Question:
    def ask(row: Row) -> bool:
        for each in questions:  # noqa: SIM110
            if each(row):
                return True
        return False

    return ask


def _reached(k: int, weighed: tuple[tuple[Question, int], ...]) -> Question:
    def ask(row: Row) -> bool:
        still = k
        for each, weight in weighed:
            if each(row):
                still -= weight
                if still <= 0:
                    return True
        return still <= 0

    return ask


def _found(sought: tuple[str, ...]) -> Test:
    def test(value: Any) -> bool:
        for text in sought:  # noqa: SIM110
            if text in value:
                return True
        return False

    return test


def _value(row: Row, fact: Fact) -> FactValue:
    value = row.get(fact.name)
    return None if fact.type is FactType.RATIO and value is not None and not isfinite(value) else value  # type: ignore[arg-type]


def _about(literal: Condition, *, negated: bool) -> Question:
    match literal:
        case Compare() | Between() | OneOf() | StartsWith() | HasWord() | Flag():
            name, test, ratio = literal.fact.name, _test(literal), literal.fact.type is FactType.RATIO
        case _:
            raise TypeError(f"{literal!r} must be linked, resolved and in negation normal form")

    def ask(row: Row) -> bool:
        value = row.get(name)
        if value is None or (ratio and not isfinite(value)):  # type: ignore[arg-type]
            return False
        return test(value) is not negated

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
            return _found(tuple(searched(phrase) for phrase in phrases))
        case Flag():
            return bool
        case _:
            assert_never(literal)


def _held(value: Constant, fact: Fact) -> FactValue:
    return value if isinstance(value, str) else number(value, fact)


def _between_facts(literal: CompareFact) -> Question:
    if FactType.RATIO in (literal.fact.type, literal.other.type):
        return _between_doubles(literal)
    compare, mine, other = OPERATORS[literal.op], literal.fact.name, literal.other.name
    a, b = multipliers(literal) if literal.fact.numeric else (1, 1)

    def ask(row: Row) -> bool:
        left, right = row.get(mine), row.get(other)
        if left is None or right is None:
            return False
        return bool(compare(a * left, b * right))

    return ask


def _between_doubles(literal: CompareFact) -> Question:
    compare, fact, other, factor = OPERATORS[literal.op], literal.fact, literal.other, float(literal.factor)

    def ask(row: Row) -> bool:
        left, right = _value(row, fact), _value(row, other)
        if left is None or right is None:
            return False
        return bool(compare(_double(fact, left), factor * _double(other, right)))

    return ask


def _double(fact: Fact, value: str | float) -> float:
    return nearest_double(int(value), fact.scale) if fact.exact else float(value)
