"""Declaration rows in and fact rows out: between Arrow columns and values as the engine holds them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidewaiter.core.facts import days_since_epoch, scaled
from tidewaiter.core.tables import DECLARATIONS
from tidewaiter.storage.lake.facts.live_shapes import Column, Kind, Shape
from tidewaiter.storage.lake.schema import row_schema

ROWS = pa.schema([field for field in row_schema(DECLARATIONS) if field.name not in ("loaded_at", "counted_on")])
"""The columns of declaration rows: the canonical ones, `version`, `known_at` and `content_digest`."""

type Given = pa.Table | Sequence[Mapping[str, Any]]
"""Rows of a table by name, as Arrow or as mappings of Python values: str, int, Decimal, float, bool, aware datetime."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def rows_to_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return declaration rows, by name as in the canonical table, as Arrow; a column that no row has is absent."""
    named = set().union(*rows) if rows else set()
    fields = [field for field in ROWS if field.name in named]
    columns = [pa.array([row.get(field.name) for row in rows], field.type) for field in fields]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def microseconds(moment: datetime) -> int:
    """Return an instant as microseconds since 1970-01-01 in UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def held_columns(rows: Given, shapes: Mapping[str, Shape], schema: pa.Schema) -> dict[str, Column]:
    """Return the named columns of held values; a column that the rows have not is missing throughout."""
    if not isinstance(rows, pa.Table):
        values = _values(rows, tuple(shapes))
        return {name: _held_values(column, shape) for (name, shape), column in zip(shapes.items(), values, strict=True)}
    columns = dict(zip(rows.column_names, rows.columns, strict=True))
    return {
        name: _held_column(columns[name], schema.field(name).type, shape) if name in columns else [None] * rows.num_rows
        for name, shape in shapes.items()
    }


def _values(rows: Sequence[Mapping[str, Any]], names: tuple[str, ...]) -> Iterable[Column]:
    """Return the columns of those names; in one go those that the first row has, as rows mostly have the same."""
    here = tuple(name for name in names if name in rows[0]) if rows else ()
    if len(here) < 2:
        return _sought(rows, names)
    try:
        found = dict(zip(here, zip(*map(itemgetter(*here), rows), strict=True), strict=True))
    except KeyError:
        return _sought(rows, names)
    return [found[name] if name in found else [row.get(name) for row in rows] for name in names]


def _sought(rows: Sequence[Mapping[str, Any]], names: tuple[str, ...]) -> list[Column]:
    return [[row.get(name) for row in rows] for name in names]


def _held_values(values: Column, shape: Shape) -> Column:
    match shape.kind:
        case Kind.DECIMAL | Kind.INSTANT | Kind.DATE | Kind.LIST:
            return [None if value is None else _held(value, shape) for value in values]
        case _:
            return values


def _held(value: Any, shape: Shape) -> Any:
    if value is None:
        return None
    match shape.kind:
        case Kind.DECIMAL:
            return value * 10**shape.scale if isinstance(value, int) else scaled(value, shape.scale)
        case Kind.INSTANT:
            return microseconds(value)
        case Kind.DATE:
            return days_since_epoch(value)
        case Kind.LIST:
            if shape.of is not None and shape.of.kind is Kind.RECORD:
                return [_held(record, shape.of) for record in value]
            return value
        case Kind.RECORD:
            return {name: _held(value.get(name), part) for name, part in shape.fields.items()}
        case _:
            return value


def _held_column(column: pa.ChunkedArray, kind: pa.DataType, shape: Shape) -> Column:
    if column.type != kind:
        column = column.cast(kind)
    match shape.kind:
        case Kind.DECIMAL:
            return _integers(column, step=2)
        case Kind.INSTANT:
            return _integers(column, step=1)
        case Kind.DATE:
            days: Column = column.cast(pa.int32()).to_pylist()
            return days
        case Kind.LIST if shape.of is not None and shape.of.kind is Kind.RECORD:
            return [records for chunk in column.chunks for records in _records(chunk, shape.of)]
        case _:
            plain: Column = column.to_pylist()
            return plain


def _records(lists: pa.ListArray, shape: Shape) -> Iterator[list[Any] | None]:
    """Give the lists of records of a column, read part by part."""
    struct = lists.flatten()
    columns = dict(zip((field.name for field in struct.type), struct.flatten(), strict=True))
    parts = [_held_column(pa.chunked_array([columns[name]]), columns[name].type, part)
             for name, part in shape.fields.items()]  # fmt: skip
    found: Iterable[Any] = (dict(zip(shape.fields, values, strict=True)) for values in zip(*parts, strict=True))
    if struct.null_count:
        found = (record if valid else None for record, valid in zip(found, struct.is_valid().to_pylist(), strict=True))
    records = iter(found)
    for length in pc.list_value_length(lists).to_pylist():
        yield None if length is None else list(islice(records, length))


def _integers(column: pa.ChunkedArray, step: int) -> Column:
    """Return the stored integers of a column; of 128 bits the lower half, as all values have fewer than 19 digits."""
    found: Column = []
    for chunk in column.chunks:
        stored = np.frombuffer(chunk.buffers()[1], np.int64) if len(chunk) else np.zeros(0, np.int64)
        values = stored[step * chunk.offset : step * (chunk.offset + len(chunk)) : step].tolist()
        if chunk.null_count:
            values = [value if valid else None
                      for value, valid in zip(values, chunk.is_valid().to_pylist(), strict=True)]  # fmt: skip
        found += values
    return found


def fact_table(columns: Sequence[Column], schema: pa.Schema) -> pa.Table:
    """Return columns of held values as a table: key columns and facts, as the batch engine reads them."""
    arrays = [_column(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _column(values: Column, kind: pa.DataType) -> pa.Array:
    if pa.types.is_date32(kind):
        return pa.array(values, pa.int32()).cast(kind)
    if not pa.types.is_decimal(kind):
        return pa.array(values, kind)
    low = pa.array(values, pa.int64())
    numbers = np.asarray(low.fill_null(0).to_numpy(zero_copy_only=False))
    wide = np.column_stack((numbers, numbers >> 63)).tobytes()
    return pa.Array.from_buffers(kind, len(values), [low.buffers()[0], pa.py_buffer(wide)])
