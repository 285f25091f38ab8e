"""A condition as a function of one row of facts: for what no index answers."""

from collections.abc import Callable, Iterable, Mapping
from math import inf, isfinite, nextafter
from sys import float_info
from typing import Any

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
    Op,
    Or,
    Points,
    StartsWith,
)
from tidewaiter.core.facts import Fact, FactType, FactValue, nearest_double
from tidewaiter.engines.matching.classes import Number, number
from tidewaiter.engines.matching.comparison import OPERATORS, multipliers
from tidewaiter.engines.matching.words import searched

type Row = Mapping[str, FactValue]
type Question = Callable[[Row], bool]

_MOST = float_info.max


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
        case Not(Between(fact) | OneOf(fact) | StartsWith(fact) | HasWord(fact) | Flag(fact) as literal):
            return _negated(fact, _about(literal))
        case _:
            return _about(condition)


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


def _value(row: Row, fact: Fact) -> FactValue:
    value = row.get(fact.name)
    return None if fact.type is FactType.RATIO and value is not None and not isfinite(value) else value  # type: ignore[arg-type]


def _about(literal: Condition) -> Question:
    """Return the question of a bare literal about one fact."""
    match literal:
        case Compare(fact, Op.NE, value):
            return _negated(fact, _among(fact.name, (value,), fact))
        case Compare(fact, Op.EQ, value):
            return _among(fact.name, (value,), fact)
        case Compare(fact, op, value):
            return _within(fact, *_ends(fact, op, number(value, fact)))
        case Between(fact, low, high):
            return _within(fact, number(low, fact), number(high, fact))
        case OneOf(fact, values):
            return _among(fact.name, values, fact)
        case StartsWith(fact, prefixes):
            return _beginning(fact.name, prefixes)
        case HasWord(fact, phrases):
            return _having(fact.name, tuple(searched(phrase) for phrase in phrases))
        case Flag(fact):
            name = fact.name
            return lambda row: bool(row.get(name))
        case _:
            raise TypeError(f"{literal!r} must be linked, resolved and in negation normal form")


def _negated(fact: Fact, positive: Question) -> Question:
    """Return what is TRUE where the fact is there and the question about it is not."""
    name, ratio = fact.name, fact.type is FactType.RATIO

    def ask(row: Row) -> bool:
        value = row.get(name)
        return value is not None and not (ratio and not isfinite(value)) and not positive(row)  # type: ignore[arg-type]

    return ask


def _among(name: str, values: Iterable[Constant], fact: Fact) -> Question:
    held = frozenset(value if isinstance(value, str) else number(value, fact) for value in values)
    if len(held) > 1:
        return lambda row: row.get(name) in held
    (only,) = held
    return lambda row: row.get(name) == only


def _ends(fact: Fact, op: Op, limit: Number) -> tuple[Number, Number]:
    """Return the least and the greatest value that compare so: of ratios finite ones, of the rest whole numbers."""
    ratio = fact.type is FactType.RATIO
    least, most = (-_MOST, _MOST) if ratio else (-inf, inf)
    match op:
        case Op.LT:
            return least, nextafter(limit, -inf) if ratio else limit - 1
        case Op.LE:
            return least, limit
        case Op.GT:
            return nextafter(limit, inf) if ratio else limit + 1, most
        case _:
            return limit, most


def _within(fact: Fact, low: Number, high: Number) -> Question:
    name = fact.name

    def ask(row: Any) -> bool:
        value = row.get(name)
        return value is not None and low <= value <= high

    return ask


def _beginning(name: str, prefixes: tuple[str, ...]) -> Question:
    def ask(row: Any) -> bool:
        value = row.get(name)
        return value is not None and value.startswith(prefixes)

    return ask


def _having(name: str, sought: tuple[str, ...]) -> Question:
    def ask(row: Any) -> bool:
        value = row.get(name)
        if value is not None:
            for text in sought:
                if text in value:
                    return True
        return False

    return ask


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
