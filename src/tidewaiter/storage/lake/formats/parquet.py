"""Parquet files, read by the batch in the types they have."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.storage.lake.formats.chunk import CHUNK_ROWS, Chunk, checked_headers


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """A Parquet file whose footer could be read."""

    path: Path
    headers: tuple[str, ...]
    rows: int

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """Read the named columns, some rows at a time; the line is the number of the row."""
        line = 1
        try:
            with pq.ParquetFile(self.path) as file:
                stored = dict(zip(self.headers, file.schema_arrow.names, strict=True))
                names = [stored[column] for column in columns]
                for batch in file.iter_batches(batch_size=CHUNK_ROWS, columns=names or None):
                    yield _chunk(batch, names, line, self.rows)
                    line += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise InputError(Problem(f"the Parquet file is damaged: {error}", Place(str(self.path), line))) from error


def open_parquet(path: Path) -> ParquetFile:
    """Return the file. Raises InputError when it is no Parquet file."""
    try:
        with pq.ParquetFile(path) as file:
            headers, rows = file.schema_arrow.names, file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise InputError(Problem(f"the Parquet file cannot be read: {error}", Place(str(path)))) from error
    return ParquetFile(path, checked_headers(path, headers), rows)


def _chunk(batch: pa.RecordBatch, names: list[str], line: int, rows: int) -> Chunk:
    cells = [_plain(batch.column(name)) for name in names]
    table = pa.table(cells, names=[f"c{number}" for number in range(len(cells))])
    if not cells:
        table = pa.table({"none": pa.nulls(batch.num_rows)})
    lines = pa.array(range(line, line + batch.num_rows), pa.int64())
    done = (line - 1 + batch.num_rows) / max(rows, 1)
    return Chunk(lines, table, pa.nulls(batch.num_rows, pa.string()), done)


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
