"""Reading a file into typed rows beside the lake: a chunk at a time, so that memory does not grow with the file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from tidewaiter.core.mapping import FileMapping
from tidewaiter.core.progress import Progress
from tidewaiter.core.tables import TABLES
from tidewaiter.storage.lake.formats.chunk import Chunk, InputFile
from tidewaiter.storage.lake.ingest.convert import Conversion, conversions, register_chunk
from tidewaiter.storage.lake.ingest.spelling import Column
from tidewaiter.storage.lake.schema import path_literal

MEMORY = "900MB"


def connect(spill: Path) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB connection with memory, threads and spill folder set, moments in UTC."""
    connection = duckdb.connect(config={"memory_limit": MEMORY, "threads": 2, "temp_directory": str(spill / "spill")})
    connection.execute("SET TimeZone = 'UTC'")
    return connection


@dataclass(frozen=True, slots=True)
class Staged:
    """A file read: how many rows, and the connection in which they stand.

    The connection has a view `staged_TABLE` for each table of the mapping, the table `lines` with each row's line, and
    the table `rejects` (line, column, value, reason).
    """

    connection: duckdb.DuckDBPyConnection
    tables: tuple[str, ...]
    read: int


def stage(file: InputFile, mapping: FileMapping, zone: str, folder: Path, progress: Progress | None = None) -> Staged:
    """Read and convert the whole file into the folder.

    Raises InputError where the file ceases to be readable.
    """
    connection = connect(folder)
    connection.execute("CREATE TABLE lines (line BIGINT)")
    connection.execute('CREATE TABLE rejects (line BIGINT, "column" VARCHAR, "value" VARCHAR, reason VARCHAR)')
    read = 0
    written: dict[str, list[str]] = {name: [] for name in _tables(mapping)}
    for number, chunk in enumerate(_chunks(file, mapping)):
        read += len(chunk.lines)
        for table, path in _converted(connection, chunk, file, mapping, zone, folder / f"{number:06d}"):
            written[table].append(path)
        if progress is not None:
            progress("reading", read, round(read / chunk.done) if 0 < chunk.done < 1 else read)
    for table, paths in written.items():
        _view(connection, table, paths, mapping, zone, folder)
    return Staged(connection, tuple(written), read)


def _tables(mapping: FileMapping) -> tuple[str, ...]:
    return tuple(dict.fromkeys(table.table for table in mapping.tables))


def _columns(file: InputFile, mapping: FileMapping) -> list[str]:
    wanted = mapping.columns()
    return [name for name in file.headers if name in wanted]


def _chunks(file: InputFile, mapping: FileMapping) -> Iterator[Chunk]:
    return file.chunks(_columns(file, mapping))


def _converted(
    connection: duckdb.DuckDBPyConnection, chunk: Chunk, file: InputFile, mapping: FileMapping, zone: str, target: Path
) -> Iterator[tuple[str, str]]:
    """Convert one chunk into one Parquet file per conversion; note what is wrong; return the files."""
    register_chunk(connection, chunk)
    connection.execute("INSERT INTO lines SELECT line FROM chunk")
    for number, conversion in enumerate(_conversions(chunk.cells, file, mapping, zone)):
        path = f"{target}-{number}.parquet"
        conversion.converted(connection, path)
        if connection.execute(f"SELECT bool_or(bad) FROM {path_literal(path)}").fetchall() == [(True,)]:
            connection.register("wrong", conversion.wrong(connection))
            connection.execute("INSERT INTO rejects SELECT DISTINCT * FROM wrong")
        yield conversion.table.name, path


def _conversions(cells: pa.Table, file: InputFile, mapping: FileMapping, zone: str) -> Iterator[Conversion]:
    names = _columns(file, mapping)
    columns = {name: Column(f"c{number}", cells.schema.field(number).type) for number, name in enumerate(names)}
    return conversions(mapping, zone, columns)


def _view(
    connection: duckdb.DuckDBPyConnection, table: str, paths: list[str], mapping: FileMapping, zone: str, folder: Path
) -> None:
    if not paths:
        paths = [_nothing(connection, table, mapping, zone, folder)]
    files = ", ".join(path_literal(path) for path in paths)
    connection.execute(f"CREATE VIEW staged_{table} AS SELECT * FROM read_parquet([{files}])")


def _nothing(connection: duckdb.DuckDBPyConnection, table: str, mapping: FileMapping, zone: str, folder: Path) -> str:
    """Return a file of the table without rows, for an input without rows."""
    first = next(one for one in mapping.tables if one.table == TABLES[table].name)
    columns = {name: Column(f"c{number}", pa.string()) for number, name in enumerate(sorted(mapping.columns()))}
    cells = pa.table({column.name: pa.array([], pa.string()) for column in columns.values()})
    register_chunk(connection, Chunk(pa.array([], pa.int64()), cells, pa.array([], pa.string()), 1.0))
    whole = FileMapping(name=mapping.name, tables=(first,), format=mapping.format)
    path = str(folder / f"none-{table}.parquet")
    for conversion in conversions(whole, zone, columns):
        conversion.converted(connection, path)
    return path
