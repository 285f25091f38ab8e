"""Declaration rows in and fact rows out: between Arrow columns and values as the engine holds them."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from tidewaiter.core.facts import Catalogue, FactValue
from tidewaiter.core.tables import DECLARATIONS
from tidewaiter.storage.lake.facts.live_shapes import Kind, Shape
from tidewaiter.storage.lake.schema import row_schema

ROWS = pa.schema([field for field in row_schema(DECLARATIONS) if field.name not in ("loaded_at", "counted_on")])
"""The columns of declaration rows: the canonical ones, `version`, `known_at` and `content_digest`."""

_NULLS = {field.name: pa.nulls(1, field.type) for field in ROWS}


def rows_to_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return declaration rows, by name as in the canonical table, as Arrow; a column that no row has is absent."""
    named = set().union(*rows) if rows else set()
    fields = [field for field in ROWS if field.name in named]
    columns = [pa.array([row.get(field.name) for row in rows], field.type) for field in fields]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def held_columns(table: pa.Table, shapes: Mapping[str, Shape], schema: pa.Schema) -> dict[str, list[Any]]:
    """Return the named columns as lists of held values; a column that the table has not is missing throughout."""
    held = {}
    present = set(table.column_names)
    for name, shape in shapes.items():
        if name not in present:
            held[name] = [None] * table.num_rows
            continue
        column = table.column(name)
        wanted = schema.field(name).type
        held[name] = _held(column if column.type == wanted else column.cast(wanted), shape)
    return held


def _held(column: pa.ChunkedArray, shape: Shape) -> list[Any]:
    match shape.kind:
        case Kind.DECIMAL:
            return _integers(column, step=2)
        case Kind.INSTANT:
            return _integers(column, step=1)
        case Kind.DATE:
            days: list[Any] = column.cast(pa.int32()).to_pylist()
            return days
        case Kind.LIST if shape.of is not None and shape.of.kind is Kind.RECORD:
            return [None if records is None else [_record(record, shape.of) for record in records]
                    for records in column.to_pylist()]  # fmt: skip
        case _:
            plain: list[Any] = column.to_pylist()
            return plain


def _integers(column: pa.ChunkedArray, step: int) -> list[Any]:
    """Return the stored integers of a column; of 128 bits the lower half, as all values have fewer than 19 digits."""
    found: list[Any] = []
    for chunk in column.chunks:
        stored = np.frombuffer(chunk.buffers()[1], np.int64) if len(chunk) else np.zeros(0, np.int64)
        values = stored[step * chunk.offset : step * (chunk.offset + len(chunk)) : step].tolist()
        if chunk.null_count:
            values = [value if valid else None
                      for value, valid in zip(values, chunk.is_valid().to_pylist(), strict=True)]  # fmt: skip
        found += values
    return found


def _record(record: dict[str, Any] | None, shape: Shape) -> dict[str, Any] | None:
    if record is None:
        return None
    return {name: _part(record.get(name), part) for name, part in shape.fields.items()}


def _part(value: Any, shape: Shape) -> Any:
    return int(value.scaleb(shape.scale)) if isinstance(value, Decimal) else value


def fact_table(
    keys: Iterable[tuple[str, int, int]], facts: Sequence[Mapping[str, FactValue]], schema: pa.Schema
) -> pa.Table:
    """Return fact rows as the batch engine reads them: the key columns, then the facts of the schema."""
    ids, versions, items = zip(*keys, strict=True) if facts else ((), (), ())
    columns = [pa.array(ids, pa.string()), pa.array(versions, pa.int64()), pa.array(items, pa.int64())]
    columns += [_column([row[field.name] for row in facts], field.type) for field in list(schema)[3:]]
    return pa.Table.from_arrays(columns, schema=schema)


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_date32(kind):
        return pa.array(values, pa.int32()).cast(kind)
    if not pa.types.is_decimal(kind):
        return pa.array(values, kind)
    low = pa.array(values, pa.int64())
    numbers = np.asarray(low.fill_null(0).to_numpy(zero_copy_only=False))
    wide = np.column_stack((numbers, numbers >> 63)).tobytes()
    return pa.Array.from_buffers(kind, len(values), [low.buffers()[0], pa.py_buffer(wide)])


def known_facts(catalogue: Catalogue, names: Iterable[str]) -> list[str]:
    """Return those of the names that are facts, in the order of the catalogue."""
    wanted = set(names)
    return [fact.name for fact in catalogue if fact.name in wanted]
