"""The canonical text of a condition: read again, it gives the same tree."""

from datetime import date
from decimal import Decimal
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
    InList,
    IsMissing,
    Not,
    OneOf,
    Or,
    Points,
    StartsWith,
    Use,
)


def text(condition: Condition) -> str:
    """Return the condition in the language's own text, on one line."""
    match condition:
        case Or(terms):
            return " OR ".join(_within(term, Or) for term in terms)
        case And(terms):
            return " AND ".join(_within(term, Or, And) for term in terms)
        case Not(term):
            return _negated(term)
        case Points(k, terms) if condition.counted:
            return f"at_least({k}, {', '.join(text(term) for term, _ in terms)})"
        case Points(k, terms):
            return f"points({', '.join(f'{_atom(term)} {weight}' for term, weight in terms)}) >= {k}"
        case Use(name):
            return name
        case _:
            return _literal(condition)


def text_in_lines(condition: Condition) -> str:
    """Return the same text with each outermost term on a line of its own."""
    match condition:
        case Or(terms):
            return "\nOR ".join(_within(term, Or) for term in terms)
        case And(terms):
            return "\nAND ".join(_within(term, Or, And) for term in terms)
        case _:
            return text(condition)


def _literal(  # the compiler holds it complete
    condition: Compare | Between | OneOf | StartsWith | HasWord | InList | IsMissing | Flag | CompareFact | Always,
) -> str:
    match condition:
        case Compare(fact, op, value):
            return f"{fact.name} {op} {constant_text(value)}"
        case Between(fact, low, high):
            return f"{fact.name} BETWEEN {constant_text(low)} AND {constant_text(high)}"
        case OneOf(fact, values):
            return f"{fact.name} IN ({_listed(values)})"
        case StartsWith(fact, values):
            return f"starts_with({fact.name}, {_listed(values)})"
        case HasWord(fact, values):
            return f"has_word({fact.name}, {_listed(values)})"
        case InList(fact, name):
            return f"in_list({fact.name}, {constant_text(name)})"
        case IsMissing(fact):
            return f"{fact.name} IS NULL"
        case Flag(fact):
            return fact.name
        case CompareFact(fact, op, factor, other):
            product = other.name if factor == 1 else f"{constant_text(factor)} * {other.name}"
            return f"{fact.name} {op} {product}"
        case Always(truth):
            return "TRUE" if truth else "FALSE"
        case _:
            assert_never(condition)


def constant_text(value: Constant) -> str:
    """Return the constant as the language writes it: 'text', 12.5, DATE '2020-01-31'."""
    match value:
        case str():
            return f"'{value.replace("'", "''")}'"
        case Decimal():
            return _number_text(value)
        case date():
            return f"DATE '{value.isoformat()}'"
        case _:
            assert_never(value)


def _number_text(value: Decimal) -> str:
    sign, digits, exponent = value.as_tuple()
    if not any(digits) or not isinstance(exponent, int):
        return "0"
    while digits[-1] == 0:
        digits, exponent = digits[:-1], exponent + 1
    short = Decimal((sign, digits, exponent))
    return f"{short:f}" if -20 <= short.adjusted() <= 20 else f"{short:E}"


def _listed(values: tuple[Constant, ...]) -> str:
    return ", ".join(constant_text(value) for value in values)


def _negated(term: Condition) -> str:
    match term:
        case OneOf() | Between():
            return text(term).replace(term.fact.name, f"{term.fact.name} NOT", 1)
        case IsMissing(fact):
            return f"{fact.name} IS NOT NULL"
        case _:
            return f"NOT {_within(term, Or, And)}"


def _within(term: Condition, *kinds: type) -> str:
    return f"({text(term)})" if isinstance(term, kinds) else text(term)


def _atom(term: Condition) -> str:
    bare = isinstance(term, Use | Flag | StartsWith | HasWord | InList | Always)
    return text(term) if bare or (isinstance(term, Points) and term.counted) else f"({text(term)})"
