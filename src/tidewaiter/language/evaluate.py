"""Whether a condition holds for one row of facts: the plain, slow, obviously right reading.

Used for the test cases of profiles, and as the oracle that every fast reading is held equal to.
"""

import math
import operator
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
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
    InList,
    IsMissing,
    Not,
    OneOf,
    Op,
    Or,
    Points,
    StartsWith,
    Use,
)
from tidewaiter.core.facts import Fact, FactType, FactValue, days_since_epoch, nearest_double, scaled

_COMPARED: dict[Op, Callable[[Any, Any], bool]] = {
    Op.EQ: operator.eq,
    Op.NE: operator.ne,
    Op.LT: operator.lt,
    Op.LE: operator.le,
    Op.GT: operator.gt,
    Op.GE: operator.ge,
}


def truth(condition: Condition, facts: Mapping[str, FactValue]) -> bool | None:
    """Return whether the condition, linked and resolved, holds for the facts; None is unknown.

    `facts` holds values as the engine does; a fact that is absent, None, NaN or infinite is missing. Raises
    ValueError for a name still to be resolved.
    """
    match condition:
        case And(terms):
            found = [truth(term, facts) for term in terms]
            return False if False in found else None if None in found else True
        case Or(terms):
            found = [truth(term, facts) for term in terms]
            return True if True in found else None if None in found else False
        case Not(term):
            inner = truth(term, facts)
            return None if inner is None else not inner
        case Points(k, terms):
            weighed = [(truth(term, facts), weight) for term, weight in terms]
            sure = sum(weight for holds, weight in weighed if holds)
            possible = sum(weight for holds, weight in weighed if holds is not False)
            return True if sure >= k else False if possible < k else None
        case Always(holds):
            return holds
        case IsMissing(fact):
            return _value(fact, facts) is None
        case Use(name) | InList(_, name):
            raise ValueError(f"'{name}' is not resolved")
        case CompareFact():
            return _facts_compared(condition, facts)
        case _:
            value = _value(condition.fact, facts)
            return None if value is None else _literal_holds(condition, value)


def _literal_holds(
    condition: Compare | Between | OneOf | StartsWith | HasWord | Flag, value: str | int | float | bool
) -> bool:
    match condition:
        case Compare(fact, op, constant):
            return _COMPARED[op](value, _held(fact, constant))
        case Between(fact, low, high):
            compare = _COMPARED[Op.LE]
            return compare(_held(fact, low), value) and compare(value, _held(fact, high))
        case OneOf(fact, values):
            return any(value == _held(fact, constant) for constant in values)
        case StartsWith(_, prefixes):
            return str(value).startswith(prefixes)
        case HasWord(_, phrases):
            return any(_has_phrase(str(value), phrase) for phrase in phrases)
        case Flag():
            return bool(value)
        case _:
            assert_never(condition)


def _has_phrase(words: str, phrase: str) -> bool:
    return f" {phrase[:-1]}" in words if phrase.endswith("*") else f" {phrase} " in words


def _facts_compared(condition: CompareFact, facts: Mapping[str, FactValue]) -> bool | None:
    fact, other = condition.fact, condition.other
    left, right = _value(fact, facts), _value(other, facts)
    if left is None or right is None:
        return None
    compare = _COMPARED[condition.op]
    if not fact.numeric:
        return compare(left, right)
    assert not isinstance(left, str)
    assert not isinstance(right, str)
    if FactType.RATIO in (fact.type, other.type):
        return compare(_double(fact, left), float(condition.factor) * _double(other, right))
    return compare(_exact(fact, left), Fraction(condition.factor) * _exact(other, right))


def _double(fact: Fact, value: float) -> float:
    return nearest_double(int(value), fact.scale) if fact.exact else float(value)


def _exact(fact: Fact, value: float) -> Fraction:
    return Fraction(int(value), 10**fact.scale)


def _held(fact: Fact, constant: Constant) -> str | int | float:
    match constant:
        case str():
            return constant
        case date():
            return days_since_epoch(constant)
        case Decimal():
            return float(constant) if fact.type is FactType.RATIO else scaled(constant, fact.scale)
        case _:
            assert_never(constant)


def _value(fact: Fact, facts: Mapping[str, FactValue]) -> FactValue:
    value = facts.get(fact.name)
    return None if isinstance(value, float) and not math.isfinite(value) else value
