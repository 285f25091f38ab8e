"""Expressions that are not translated: asked of DuckDB for a whole batch, at the price of a query each time."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from tidewaiter.core.facts import Fact, held
from tidewaiter.storage.lake.facts.live_shapes import Batch, Column, Kind, Made, Shape, shape_of_fact
from tidewaiter.storage.lake.facts.query import typed_sql

_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST = 10**18


def names_in(sql: str) -> frozenset[str]:
    """Return all that could be a name in an expression."""
    return frozenset(_NAME.findall(sql))


def asked_of_duckdb(connection: duckdb.DuckDBPyConnection, sql: str, fact: Fact, scope: Mapping[str, Shape]) -> Made:
    """Return the function that gives the fact's column by a query over the columns of the scope that it reads."""
    shapes = {name: shape for name, shape in scope.items() if name in names_in(sql)}
    query = f"SELECT {typed_sql(sql, fact)} AS fact FROM asked_about"

    def ask(batch: Batch) -> Column:
        columns = {name: _arrow(batch.columns[name], shape) for name, shape in shapes.items()}
        columns["row_number"] = pa.array(range(batch.size), pa.int64())
        connection.register("asked_about", pa.table(columns))
        try:
            found = connection.execute(f"{query} ORDER BY row_number").fetchall()
        finally:
            connection.unregister("asked_about")
        return [held(value, fact) for (value,) in found]

    return Made(shape_of_fact(fact), ask)


def _arrow(column: Column, shape: Shape) -> pa.Array:
    return pa.array([_outside(value, shape) for value in column], _type(shape, column))


def _outside(value: Any, shape: Shape) -> Any:
    """Return a held value as Arrow takes it."""
    if value is None:
        return None
    match shape.kind:
        case Kind.DECIMAL:
            return Decimal(value).scaleb(-shape.scale)
        case Kind.INSTANT:
            return _EPOCH + timedelta(microseconds=value)
        case Kind.LIST:
            assert shape.of is not None
            return [_outside(each, shape.of) for each in value]
        case Kind.RECORD:
            return {name: _outside(value.get(name), part) for name, part in shape.fields.items()}
        case _:
            return value


def _type(shape: Shape, column: Column = ()) -> pa.DataType:
    match shape.kind:
        case Kind.DECIMAL:
            wide = any(value is not None and not -_MOST < value < _MOST for value in column)
            return pa.decimal128(38 if wide else 18, shape.scale)
        case Kind.LIST:
            assert shape.of is not None
            return pa.list_(_type(shape.of))
        case Kind.RECORD:
            return pa.struct([pa.field(name, _type(part)) for name, part in shape.fields.items()])
        case kind:
            return _TYPES[kind]


_TYPES = {
    Kind.TEXT: pa.string(),
    Kind.FLAG: pa.bool_(),
    Kind.INTEGER: pa.int64(),
    Kind.RATIO: pa.float64(),
    Kind.DATE: pa.date32(),
    Kind.INSTANT: pa.timestamp("us", "UTC"),
    Kind.CLOCK: pa.timestamp("us"),
    Kind.NOTHING: pa.string(),
}
