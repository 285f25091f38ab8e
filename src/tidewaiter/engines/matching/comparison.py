"""A fact against a factor times another, over a block: exact for whole numbers, IEEE doubles where one is a ratio."""

import operator
from collections.abc import Callable
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidewaiter.core.condition import CompareFact, Op
from tidewaiter.core.facts import Fact, nearest_double
from tidewaiter.engines.matching.encode import NumberColumn, TextColumn

type Truth = NDArray[np.bool_]

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


def compared_numbers(literal: CompareFact, left: NumberColumn, right: NumberColumn, start: int, stop: int) -> Truth:
    """Return which of those rows a numeric or date literal is true of."""
    first, second = left.values[start:stop], right.values[start:stop]
    if np.float64 in (first.dtype, second.dtype):
        true = _as_doubles(literal, first, second)
    else:
        true = _as_whole(literal, left, right, start, stop)
    for column in (left, right):
        if column.valid is not None:
            true &= column.valid[start:stop]
    return true


def compared_texts(literal: CompareFact, left: TextColumn, right: TextColumn, start: int, stop: int) -> Truth:
    """Return which of those rows one text equals, or differs from, another in."""
    mine, other = left.codes[start:stop], right.codes[start:stop]
    true: Truth = OPERATORS[literal.op](mine, right.codes_in(left)[other])
    return true & (mine >= 0) & (other >= 0)


def doubles(values: NDArray[Any], fact: Fact) -> NDArray[np.float64]:
    """Return held values as the nearest doubles."""
    if not fact.exact or not fact.scale:
        return values.astype(np.float64)
    result = values.astype(np.float64) / 10.0**fact.scale
    large = np.flatnonzero((values > _EXACT_FLOAT) | (values < -_EXACT_FLOAT))
    result[large] = [nearest_double(int(value), fact.scale) for value in values[large]]
    return result


def _as_doubles(literal: CompareFact, left: NDArray[Any], right: NDArray[Any]) -> Truth:
    with np.errstate(over="ignore", invalid="ignore"):
        product = float(literal.factor) * doubles(right, literal.other)
        true: Truth = OPERATORS[literal.op](doubles(left, literal.fact), product)
    return true


def _as_whole(literal: CompareFact, left: NumberColumn, right: NumberColumn, start: int, stop: int) -> Truth:
    a, b = multipliers(literal)
    compare = OPERATORS[literal.op]
    first, second = left.values[start:stop], right.values[start:stop]
    if left.largest * a <= _LARGEST and right.largest * abs(b) <= _LARGEST:
        safe: Truth = compare(first if a == 1 else first * a, second if b == 1 else second * b)
        return safe
    return _as_whole_beyond(compare, first, second, a, b)


def _as_whole_beyond(
    compare: Callable[[Any, Any], Any], left: NDArray[Any], right: NDArray[Any], a: int, b: int
) -> Truth:
    """Compare products that may pass 64 bits: by doubles where these are far apart, else by Python's integers."""
    first, second = left * float(a), right * float(b)
    true: Truth = compare(first, second)
    near = np.abs(first - second) <= _MARGIN * np.maximum(np.abs(first), np.abs(second))
    for row in np.flatnonzero(near):
        true[row] = compare(int(left[row]) * a, int(right[row]) * b)
    return true
