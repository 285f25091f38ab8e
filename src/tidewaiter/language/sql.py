"""A condition as a DuckDB boolean expression over the fact columns; three-valued exactly as the tree is.

This reading prints values, because people paste it; programs that ask DuckDB with foreign values use marks.
Exact facts are compared as decimals. Where a ratio takes part both sides are IEEE doubles: a decimal goes through its
text, since only that gives the nearest double for every value. NaN and infinity are NULL in every fact table; DuckDB
would take NaN for the largest number.
"""

import re
from collections.abc import Iterable
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
from tidewaiter.core.facts import Fact, FactType
from tidewaiter.language.text import constant_text

RESERVED_BY_DUCKDB = frozenset(
    re.findall(
        r"\w+",
        """all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create
        default deferrable desc describe distinct do else end except false fetch for foreign from group having in
        initially intersect into lambda lateral leading limit not null offset on only or order pivot pivot_longer
        pivot_wider placing primary qualify references returning select show some summarize symmetric table then to
        trailing true union unique unpivot using variadic when where window with""",
    )
)
"""A fact of such a name is quoted."""


def sql_text(condition: Condition) -> str:
    """Return the condition, linked and resolved, as DuckDB text. Raises ValueError for a name still to be resolved."""
    match condition:
        case Or(terms):
            return _joined(" OR ", terms)
        case And(terms):
            return _joined(" AND ", terms)
        case Not(IsMissing(fact)):
            return f"{_column(fact)} IS NOT NULL"
        case Not(term):
            return f"NOT ({sql_text(term)})"
        case Points(k, terms):
            return _points(k, terms)
        case Use(name) | InList(_, name):
            raise ValueError(f"'{name}' is not resolved")
        case _:
            return _literal(condition)


def _literal(
    condition: Compare | Between | OneOf | StartsWith | HasWord | IsMissing | Flag | CompareFact | Always,
) -> str:
    match condition:
        case Compare(fact, op, value):
            return f"{_value(fact)} {op} {_constant(fact, value)}"
        case Between(fact, low, high):
            return f"{_value(fact)} BETWEEN {_constant(fact, low)} AND {_constant(fact, high)}"
        case OneOf(fact, values):
            return f"{_value(fact)} IN ({', '.join(_constant(fact, value) for value in values)})"
        case StartsWith(fact, prefixes):
            return _any(f"starts_with({_column(fact)}, {constant_text(prefix)})" for prefix in prefixes)
        case HasWord(fact, phrases):
            return _any(f"contains({_column(fact)}, {constant_text(_searched(phrase))})" for phrase in phrases)
        case IsMissing(fact):
            return f"{_column(fact)} IS NULL"
        case Flag(fact):
            return _column(fact)
        case CompareFact():
            return _compared_facts(condition)
        case Always(truth):
            return "TRUE" if truth else "FALSE"
        case _:
            assert_never(condition)


def _joined(word: str, terms: Iterable[Condition]) -> str:
    return word.join(f"({sql_text(term)})" if _looser(term) else sql_text(term) for term in terms)


def _looser(term: Condition) -> bool:
    return isinstance(term, And | Or | Not) and not (isinstance(term, Not) and isinstance(term.term, IsMissing))


def _any(parts: Iterable[str]) -> str:
    listed = list(parts)
    return listed[0] if len(listed) == 1 else f"({' OR '.join(listed)})"


def _points(k: int, terms: tuple[tuple[Condition, int], ...]) -> str:
    """TRUE where the TRUE terms reach k, FALSE where TRUE and UNKNOWN together cannot, else NULL."""
    sure = " + ".join(f"CASE WHEN {sql_text(term)} THEN {weight} ELSE 0 END" for term, weight in terms)
    possible = " + ".join(
        f"CASE WHEN ({sql_text(term)}) IS NOT FALSE THEN {weight} ELSE 0 END" for term, weight in terms
    )
    return f"CASE WHEN {sure} >= {k} THEN TRUE WHEN {possible} < {k} THEN FALSE END"


def _compared_facts(condition: CompareFact) -> str:
    fact, other, factor = condition.fact, condition.other, condition.factor
    ratio = FactType.RATIO in (fact.type, other.type)
    left, right = (_double(fact), _double(other)) if ratio else (_column(fact), _column(other))
    if factor != 1:
        right = f"{_as_double(factor)} * {right}" if ratio else f"{constant_text(factor)} * {_widened(other)}"
    return f"{left} {condition.op} {right}"


def _widened(fact: Fact) -> str:
    """Return the column with room for a factor of nine digits: DuckDB multiplies 18 digits in 64 bits otherwise."""
    return f"CAST({_column(fact)} AS DECIMAL(28, {fact.scale}))"


def _value(fact: Fact) -> str:
    return _double(fact) if fact.type is FactType.RATIO else _column(fact)


def _constant(fact: Fact, value: Constant) -> str:
    if not isinstance(value, Decimal):
        return constant_text(value)
    return _as_double(value) if fact.type is FactType.RATIO else f"{value:.{fact.scale}f}"


def _double(fact: Fact) -> str:
    through_text = fact.type is FactType.DECIMAL and fact.scale > 0
    return f"CAST({f'CAST({_column(fact)} AS VARCHAR)' if through_text else _column(fact)} AS DOUBLE)"


def _as_double(value: Decimal) -> str:
    return f"CAST('{constant_text(value)}' AS DOUBLE)"


def _searched(phrase: str) -> str:
    return f" {phrase[:-1]}" if phrase.endswith("*") else f" {phrase} "


def _column(fact: Fact) -> str:
    return f'"{fact.name}"' if fact.name in RESERVED_BY_DUCKDB else fact.name
