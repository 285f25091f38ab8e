"""Arrow columns out of numpy arrays, without a Python object per row."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidewaiter.core.tables import Table
from tidewaiter.storage.lake.schema import INSTANT, arrow_type


def schema_of(table: Table) -> pa.Schema:
    """Return the columns of a generated file: the table's fields, then `version` and `known_at`."""
    fields = [pa.field(field.name, arrow_type(field)) for field in table.fields]
    return pa.schema([*fields, pa.field("version", pa.int64()), pa.field("known_at", INSTANT)])


def table_of(schema: pa.Schema, columns: Mapping[str, pa.Array], rows: int) -> pa.Table:
    """Return a table of that schema; a column that is not given is missing in every row."""
    unknown = set(columns) - set(schema.names)
    if unknown:
        raise KeyError(f"no such columns: {sorted(unknown)}")
    return pa.table(
        [columns[field.name] if field.name in columns else pa.nulls(rows, field.type) for field in schema],
        schema=schema,
    )


def _validity(missing: np.ndarray | None) -> pa.Buffer | None:
    """Return the validity bits for a mask of missing rows."""
    if missing is None or not missing.any():
        return None
    return pa.py_buffer(np.packbits(~missing, bitorder="little").tobytes())


def decimals(values: np.ndarray, scale: int, *, missing: np.ndarray | None = None, held: int | None = None) -> pa.Array:
    """Return decimal128(18, scale) of whole numbers that hold `held` digits after the point (default: scale)."""
    whole = np.asarray(values, dtype=np.int64) * 10 ** (scale - (scale if held is None else held))
    pairs = np.empty((len(whole), 2), dtype=np.int64)
    pairs[:, 0] = whole
    pairs[:, 1] = whole >> 63
    return pa.Array.from_buffers(
        pa.decimal128(18, scale), len(whole), [_validity(missing), pa.py_buffer(pairs.tobytes())]
    )


def integers(values: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    """Return int64."""
    return pa.array(np.asarray(values, dtype=np.int64), mask=missing)


def ratios(values: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    """Return float64."""
    return pa.array(np.asarray(values, dtype=np.float64), mask=missing)


def instants(seconds: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    """Return instants of seconds since 1970 in UTC."""
    return pa.array(np.asarray(seconds, dtype=np.int64) * 1_000_000, mask=missing).cast(INSTANT)


def vocabulary(words: Sequence[str | None]) -> pa.Array:
    """Return the texts that `texts` picks from."""
    return pa.array(words, type=pa.string())


def texts(words: pa.Array, picked: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    """Return the text at each picked position; a negative position is missing."""
    picked = np.asarray(picked, dtype=np.int64)
    absent = picked < 0 if missing is None else (picked < 0) | missing
    return words.take(pa.array(np.where(absent, 0, picked), mask=absent))


def constant(text: str, rows: int) -> pa.Array:
    """Return the same text in every row."""
    return pa.repeat(pa.scalar(text, pa.string()), rows)


def letters(matrix: np.ndarray) -> pa.Array:
    """Return texts of one length out of a matrix of ASCII codes, one row a text."""
    rows, width = matrix.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * width
    data = pa.py_buffer(np.ascontiguousarray(matrix, dtype=np.uint8).tobytes())
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets.tobytes()), data)


def digits(values: np.ndarray, width: int) -> np.ndarray:
    """Return the decimal digits of whole numbers as a matrix of ASCII codes, leading zeros included."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return (np.asarray(values, dtype=np.int64)[:, None] // powers % 10 + 48).astype(np.uint8)


def joined(*parts: pa.Array | str) -> pa.Array:
    """Return texts put together from parts; missing where any part is."""
    return pc.binary_join_element_wise(*parts, "")


def lists(values: pa.Array, counts: np.ndarray) -> pa.Array:
    """Return lists of so many values each, in order; an empty list is missing."""
    offsets = np.zeros(len(counts) + 1, dtype=np.int32)
    np.cumsum(counts, out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(np.asarray(counts) == 0))
