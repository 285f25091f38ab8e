"""A fact against a factor times another, over a block: exact for whole numbers, IEEE doubles where one is a ratio."""

import operator
from collections.abc import Callable
from decimal import Decimal
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidewaiter.core.condition import CompareFact, Op
from tidewaiter.core.facts import Fact
from tidewaiter.engines.encode import NumberColumn, TextColumn

type Truth = NDArray[np.bool_]
type Whole = NDArray[np.int64]

OPERATORS: dict[Op, Callable[[Any, Any], Any]] = {
    Op.EQ: operator.eq,
    Op.NE: operator.ne,
    Op.LT: operator.lt,
    Op.LE: operator.le,
    Op.GT: operator.gt,
    Op.GE: operator.ge,
}

_LARGEST = 2**63 - 1
_EXACT_FLOAT = 2**53
_MARGIN = 1e-14


def multipliers(literal: CompareFact) -> tuple[int, int]:
    """Return whole a > 0 and b such that, both facts exact or dates, the literal says a * fact op b * other."""
    numerator, denominator = literal.factor.as_integer_ratio()
    a = denominator * 10**literal.other.scale
    b = numerator * 10**literal.fact.scale
    common = gcd(a, b)
    return a // common, b // common


def compared_numbers(literal: CompareFact, left: NumberColumn, right: NumberColumn) -> Truth:
    """Return the rows where a numeric or date literal is true."""
    if np.float64 in (left.values.dtype, right.values.dtype):
        true = _as_doubles(literal, left, right)
    else:
        true = _as_whole(literal, left.values.astype(np.int64, copy=False), right.values.astype(np.int64, copy=False))
    for column in (left, right):
        if column.valid is not None:
            true &= column.valid
    return true


def compared_texts(literal: CompareFact, left: TextColumn, right: TextColumn) -> Truth:
    """Return the rows where one text equals, or differs from, another."""
    numbers = {text: number for number, text in enumerate(left.texts)}
    translated = np.array([*(numbers.get(text, -2) for text in right.texts), -3], np.int32)
    true: Truth = OPERATORS[literal.op](left.codes, translated[right.codes])
    return true & (left.codes >= 0) & (right.codes >= 0)


def doubles(values: NDArray[Any], fact: Fact) -> NDArray[np.float64]:
    """Return held values as the nearest doubles."""
    if not fact.exact or not fact.scale:
        return values.astype(np.float64)
    result = values.astype(np.float64) / 10.0**fact.scale
    large = np.flatnonzero((values > _EXACT_FLOAT) | (values < -_EXACT_FLOAT))
    result[large] = [int(value) / 10**fact.scale for value in values[large]]
    return result


def factor_double(factor: Decimal) -> float:
    """Return a factor as the nearest double."""
    return float(factor)


def _as_doubles(literal: CompareFact, left: NumberColumn, right: NumberColumn) -> Truth:
    with np.errstate(over="ignore", invalid="ignore"):
        product = factor_double(literal.factor) * doubles(right.values, literal.other)
        true: Truth = OPERATORS[literal.op](doubles(left.values, literal.fact), product)
    return true


def _as_whole(literal: CompareFact, left: Whole, right: Whole) -> Truth:
    a, b = multipliers(literal)
    compare = OPERATORS[literal.op]
    if _largest(left) * a <= _LARGEST and _largest(right) * abs(b) <= _LARGEST:
        safe: Truth = compare(left * a, right * b)
        return safe
    return _as_whole_beyond(compare, left, right, a, b)


def _as_whole_beyond(compare: Callable[[Any, Any], Any], left: Whole, right: Whole, a: int, b: int) -> Truth:
    """Compare products that may pass 64 bits: by doubles where these are far apart, else by Python's integers."""
    first, second = left * float(a), right * float(b)
    true: Truth = compare(first, second)
    near = np.abs(first - second) <= _MARGIN * np.maximum(np.abs(first), np.abs(second))
    for row in np.flatnonzero(near):
        true[row] = compare(int(left[row]) * a, int(right[row]) * b)
    return true


def _largest(values: Whole) -> int:
    return max(abs(int(values.min())), abs(int(values.max()))) if len(values) else 0
