"""The same conditions asked of the same fact table by what a user would pick instead: DuckDB and Polars."""

from collections.abc import Mapping
from decimal import Decimal
from functools import reduce
from pathlib import Path
from typing import Any, assert_never

import duckdb
import polars as pl

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
    facts_of,
)
from tidewaiter.core.facts import Fact, FactType
from tidewaiter.engines.matching.classes import number
from tidewaiter.engines.matching.comparison import OPERATORS, multipliers
from tidewaiter.engines.matching.words import searched
from tidewaiter.language.sql import sql_text

MIXED = 2_654_435_761
"""Row numbers are multiplied by this, modulo 2 to the 32, before they are added up to a digest."""

type Digest = dict[str, tuple[int, int]]
"""By condition: the rows hit, and the sum of their mixed numbers."""


def duckdb_counts(path: Path, conditions: Mapping[str, Condition]) -> list[int]:
    """Return rows hit by each condition: the table loaded into memory once, then one WHERE for each."""
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("CREATE TABLE facts AS FROM read_parquet(?)", [str(path)])
        found = [
            connection.execute(f"SELECT count(*) FROM facts WHERE {sql_text(condition)}").fetchone()
            for condition in conditions.values()
        ]
    return [int(row[0]) for row in found if row is not None]


def duckdb_digest(path: Path, conditions: Mapping[str, Condition]) -> Digest:
    """Return which rows each condition hits, as a digest."""
    mixed = f"sum((file_row_number * {MIXED}) % 4294967296)"
    found: Digest = {}
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("CREATE TABLE facts AS FROM read_parquet(?, file_row_number = true)", [str(path)])
        for name, condition in conditions.items():
            row = connection.execute(
                f"SELECT count(*), coalesce({mixed}, 0) FROM facts WHERE {sql_text(condition)}"
            ).fetchone()
            assert row is not None
            found[name] = (int(row[0]), int(row[1]))
    return found


def polars_counts(path: Path, conditions: Mapping[str, Condition]) -> list[int]:
    """Return rows hit by each condition: one select of all, so that Polars may share what they have in common."""
    facts = sorted({fact for condition in conditions.values() for fact in facts_of(condition)}, key=lambda f: f.name)
    frame = pl.scan_parquet(path).select([_column(fact) for fact in facts])
    counts = frame.select(
        [_expression(condition).sum().alias(name) for name, condition in conditions.items()]
    ).collect()
    return [int(count) for count in counts.row(0)]


def _column(fact: Fact) -> pl.Expr:
    """Return a fact held as the engine holds it; decimals as scaled integers, which Polars compares fastest."""
    column = pl.col(fact.name)
    if fact.type is FactType.DECIMAL:
        return column.to_physical().cast(pl.Int64).alias(fact.name)
    return column.cast(pl.Int32).cast(pl.Int64) if fact.type is FactType.DATE else column


def _held(value: Constant, fact: Fact) -> str | float:
    return value if isinstance(value, str) else number(value, fact)


def _compared(op: Op, left: pl.Expr, right: Any) -> pl.Expr:
    compared: pl.Expr = OPERATORS[op](left, right)
    return compared


def _expression(condition: Condition) -> pl.Expr:
    match condition:
        case And(terms):
            return reduce(lambda left, right: left & right, map(_expression, terms))
        case Or(terms):
            return reduce(lambda left, right: left | right, map(_expression, terms))
        case Not(term):
            return ~_expression(term)
        case Points(k, weighted):
            return _points(k, weighted)
        case Compare(fact, op, value):
            return _compared(op, pl.col(fact.name), _held(value, fact))
        case Between(fact, low, high):
            return pl.col(fact.name).is_between(_held(low, fact), _held(high, fact))
        case OneOf(fact, values):
            return pl.col(fact.name).is_in([_held(value, fact) for value in values])
        case StartsWith(fact, prefixes):
            return pl.any_horizontal([pl.col(fact.name).str.starts_with(prefix) for prefix in prefixes])
        case HasWord(fact, phrases):
            column = pl.col(fact.name)
            return pl.any_horizontal([column.str.contains(searched(phrase), literal=True) for phrase in phrases])
        case IsMissing(fact):
            return pl.col(fact.name).is_null()
        case Flag(fact):
            return pl.col(fact.name)
        case CompareFact():
            return _between_facts(condition)
        case Always(truth):
            return pl.lit(truth)
        case Use() | InList():
            raise TypeError(f"{condition!r} is not resolved")
        case _:
            assert_never(condition)


def _points(k: int, weighted: tuple[tuple[Condition, int], ...]) -> pl.Expr:
    terms = [(_expression(term), weight) for term, weight in weighted]
    sure = pl.sum_horizontal([term.fill_null(value=False).cast(pl.Int64) * weight for term, weight in terms])
    possible = pl.sum_horizontal([term.fill_null(value=True).cast(pl.Int64) * weight for term, weight in terms])
    return pl.when(sure >= k).then(statement=True).when(possible < k).then(statement=False)


def _between_facts(literal: CompareFact) -> pl.Expr:
    left, right = pl.col(literal.fact.name), pl.col(literal.other.name)
    if FactType.RATIO in (literal.fact.type, literal.other.type):
        first, second = _double(left, literal.fact), _double(right, literal.other)
        return _compared(literal.op, first, second * float(literal.factor))
    a, b = multipliers(literal) if literal.fact.numeric else (1, 1)
    return _compared(literal.op, left if a == 1 else left * a, right if b == 1 else right * b)


def _double(column: pl.Expr, fact: Fact) -> pl.Expr:
    return column.cast(pl.Float64) / float(Decimal(10) ** fact.scale) if fact.exact else column
