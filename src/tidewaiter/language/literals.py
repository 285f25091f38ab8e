"""Builds the literals of a condition and refuses those that could not mean one thing in every reading."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tidewaiter.core.condition import Between, Compare, CompareFact, Condition, Constant, Flag, Not, Op, exact_digits
from tidewaiter.core.facts import MAX_DIGITS, Fact, FactType

MAX_FACTOR_DIGITS = 9
MAX_RATIO_DIGITS = 17
MAX_EXACT_DIGITS = 38
_INT64 = range(-(2**63), 2**63)
_SWAPPED = {Op.LT: Op.GT, Op.GT: Op.LT, Op.LE: Op.GE, Op.GE: Op.LE}


class Refused(Exception):  # noqa: N818
    """Something the language does not take: what, at which offset of the text, and what to write instead."""

    def __init__(self, message: str, offset: int, suggestion: str | None = None) -> None:
        """Take the sentence, the offset, and the advice (None when nothing better can be said)."""
        super().__init__(message)
        self.message, self.offset, self.suggestion = message, offset, suggestion


@dataclass(frozen=True, slots=True)
class Value:
    """A constant as written: text, number, day, truth, or None for NULL."""

    value: str | Decimal | date | bool | None
    written: str
    offset: int


@dataclass(frozen=True, slots=True)
class Product:
    """A fact, by a factor of 1 unless one is written. `fact` is None when the name is unknown (already reported)."""

    fact: Fact | None
    factor: Decimal
    offset: int


type Operand = Value | Product


def swapped(op: Op) -> Op:
    """Return the comparison as read from the other side."""
    return _SWAPPED.get(op, op)


def comparison(left: Operand, op: Op, right: Operand) -> Condition | None:
    """Return the literal for two operands; None when a name in it is unknown. Raises Refused."""
    match left, right:
        case Value(), Value():
            raise Refused("compares two constants", left.offset, "one side must be a fact")
        case Value(), Product():
            return comparison(right, swapped(op), left)
        case Product(fact=None), _:
            return None
        case Product(), Product(fact=None):
            return None
        case Product(fact=Fact() as fact, factor=factor), Value():
            if factor != 1:
                raise Refused("a factor stands before a fact only", left.offset, f"divide: {fact.name} {op} ...")
            return _constant_comparison(fact, op, right, left.offset)
        case Product(fact=Fact() as fact), Product(fact=Fact() as other):
            if left.factor != 1 and right.factor == 1:
                return _fact_comparison(other, swapped(op), left.factor, fact, left.offset)
            if left.factor != 1:
                raise Refused("both sides carry a factor", left.offset, "keep one factor, on one side")
            return _fact_comparison(fact, op, right.factor, other, right.offset)
    raise AssertionError(left, right)


def _constant_comparison(fact: Fact, op: Op, right: Value, offset: int) -> Condition:
    if fact.type is FactType.FLAG and isinstance(right.value, bool):
        if op not in (Op.EQ, Op.NE):
            raise Refused(f"'{fact.name}' is a flag and has no order", offset, f"write {fact.name} or NOT {fact.name}")
        return Flag(fact) if (op is Op.EQ) == right.value else Not(Flag(fact))
    if right.value is None:
        instead = "IS NOT NULL" if op is Op.NE else "IS NULL"
        raise Refused(f"{op} NULL is never true", right.offset, f"write {fact.name} {instead}")
    value = constant(fact, right)
    if fact.type is FactType.TEXT and op not in (Op.EQ, Op.NE):
        advice = f"write starts_with({fact.name}, '...') or {fact.name} IN ('...')"
        raise Refused(f"'{fact.name}' is text and has no order", offset, advice)
    return Compare(fact, op, value)


def _fact_comparison(fact: Fact, op: Op, factor: Decimal, other: Fact, offset: int) -> Condition:
    _refuse_unlike(fact, other, offset)
    if not fact.numeric:
        if factor != 1:
            raise Refused(
                f"'{other.name}' is no number and takes no factor", offset, f"write {fact.name} {op} {other.name}"
            )
        if fact.type is FactType.TEXT and op not in (Op.EQ, Op.NE):
            raise Refused(f"'{fact.name}' is text and has no order", offset, "compare texts with = or <>")
        return CompareFact(fact, op, Decimal(1), other)
    if factor == 0:
        raise Refused("a factor of 0 compares with 0", offset, f"write {fact.name} {op} 0")
    if fact.exact and other.exact and exact_digits(fact, factor, other) > MAX_EXACT_DIGITS:
        message = f"'{fact.name}' and {factor} * '{other.name}' have too many decimals to be compared exactly"
        raise Refused(message, offset, "use a factor with fewer decimals")
    return CompareFact(fact, op, factor, other)


def _refuse_unlike(fact: Fact, other: Fact, offset: int) -> None:
    alike = (fact.numeric and other.numeric) or fact.type is other.type
    if not alike:
        raise Refused(
            f"'{fact.name}' is {_a(fact)} and '{other.name}' is {_a(other)}", offset, "compare facts of one kind"
        )
    if fact.type in (FactType.WORDS, FactType.FLAG):
        advice = "use has_word" if fact.type is FactType.WORDS else f"write ({fact.name} AND {other.name}) OR ..."
        raise Refused(f"'{fact.name}' is {_a(fact)} and cannot be compared with another fact", offset, advice)


def between(fact: Fact, low: Value, high: Value, offset: int) -> Between:
    """Return the range literal. Raises Refused for text, flags, and a range that holds nothing."""
    if fact.type in (FactType.TEXT, FactType.WORDS, FactType.FLAG):
        advice = f"write starts_with({fact.name}, '...')" if fact.type is FactType.TEXT else None
        raise Refused(f"'{fact.name}' is {_a(fact)} and has no order", offset, advice)
    first, last = constant(fact, low), constant(fact, high)
    if first > last:  # type: ignore[operator]
        raise Refused("the range holds nothing", low.offset, f"write BETWEEN {high.written} AND {low.written}")
    return Between(fact, first, last)


def constants(fact: Fact, values: Sequence[Value]) -> tuple[tuple[Constant, ...], list[Refused]]:
    """Return the constants of an IN list, sorted and without repeats, and what was refused of them."""
    found: set[Constant] = set()
    refused: list[Refused] = []
    for value in values:
        try:
            found.add(constant(fact, value))
        except Refused as problem:
            refused.append(problem)
    return tuple(sorted(found)), refused


def constant(fact: Fact, written: Value) -> Constant:
    """Return the constant as the tree holds it for that fact. Raises Refused."""
    value, offset = written.value, written.offset
    if value is None:
        raise Refused("NULL is no value", offset, f"write {fact.name} IS NULL")
    match fact.type:
        case FactType.TEXT if isinstance(value, str):
            return value
        case FactType.TEXT:
            raise Refused(f"'{fact.name}' is text", offset, f"write '{written.written}' in single quotes")
        case FactType.DATE if isinstance(value, date):
            return value
        case FactType.DATE:
            raise Refused(f"'{fact.name}' is a date", offset, "write DATE 'YYYY-MM-DD'")
        case FactType.WORDS:
            advice = f"write has_word({fact.name}, {written.written if isinstance(value, str) else "'...'"})"
            raise Refused(f"'{fact.name}' is searched by words", offset, advice)
        case FactType.FLAG:
            raise Refused(f"'{fact.name}' is a flag", offset, f"write {fact.name} or NOT {fact.name}")
        case _ if isinstance(value, Decimal):
            return number(fact, value, offset)
        case _:
            return _not_a_number(fact, written)


def _not_a_number(fact: Fact, written: Value) -> Constant:
    bare = str(written.value)
    advice = f"write {bare} without quotes" if bare.replace(".", "", 1).isdigit() else "write a number"
    raise Refused(f"'{fact.name}' is a number", written.offset, advice)


def day_of(text: str) -> date | None:
    """Return the day written as YYYY-MM-DD; None when it is no day of the calendar."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text else None


def number(fact: Fact, value: Decimal, offset: int) -> Decimal:
    """Return the number in its shortest form. Raises Refused where the fact cannot hold it exactly."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or not any(digits):
        return Decimal(0)
    while digits[-1] == 0:
        digits, exponent = digits[:-1], exponent + 1
    if fact.type is FactType.RATIO:
        if len(digits) > MAX_RATIO_DIGITS or not -300 <= value.adjusted() <= 300:
            raise Refused(
                f"{value} has more digits than a ratio holds", offset, f"use at most {MAX_RATIO_DIGITS} digits"
            )
        return Decimal((sign, digits, exponent))
    if -exponent > fact.scale:
        decimals = f"{fact.scale} decimals" if fact.scale else "no decimals"
        raise Refused(f"'{fact.name}' has {decimals}, {value} has {-exponent}", offset, _rounding(value, fact))
    if value.adjusted() > MAX_DIGITS or int(value.scaleb(fact.scale)) not in _held(fact):
        raise Refused(f"{value} is larger than '{fact.name}' can be", offset, f"at most {MAX_DIGITS} digits are held")
    return Decimal((sign, digits, exponent))


def factor(value: Decimal, offset: int) -> Decimal:
    """Return the factor in its shortest form, its exponent zero or below. Raises Refused for too many digits."""
    sign, digits, exponent = value.as_tuple()
    if isinstance(exponent, int) and any(digits):
        while digits[-1] == 0 and exponent < 0:
            digits, exponent = digits[:-1], exponent + 1
        while exponent > 0 and len(digits) <= MAX_FACTOR_DIGITS:
            digits, exponent = (*digits, 0), exponent - 1
        if len(digits) > MAX_FACTOR_DIGITS or not -MAX_FACTOR_DIGITS <= exponent <= 0:
            raise Refused(f"factor {value} has more than {MAX_FACTOR_DIGITS} digits", offset, "round it")
        return Decimal((sign, digits, exponent))
    return Decimal(0)


def _held(fact: Fact) -> range:
    return _INT64 if fact.type is FactType.INTEGER else range(1 - 10**MAX_DIGITS, 10**MAX_DIGITS)


def _rounding(value: Decimal, fact: Fact) -> str:
    if value.adjusted() > MAX_DIGITS or len(value.as_tuple().digits) > 28 - MAX_DIGITS // 2:
        return "round it"
    return f"write {value.quantize(Decimal((0, (1,), -fact.scale)))}"


def _a(fact: Fact) -> str:
    return {
        FactType.TEXT: "text",
        FactType.WORDS: "searched by words",
        FactType.DATE: "a date",
        FactType.FLAG: "a flag",
        FactType.INTEGER: "a whole number",
    }.get(fact.type, "a number")
