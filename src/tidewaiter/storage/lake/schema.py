"""The tables of the lake as Arrow and DuckDB types: the fields of core.tables and the five columns the lake adds."""

import duckdb
import pyarrow as pa

from tidewaiter.core.tables import Field, FieldType, Table

SCHEMA_VERSION = 1
"""Grows when a stored field changes its meaning or type; a new field alone does not change it."""

DECIMAL_DIGITS = 18
INSTANT = pa.timestamp("us", tz="UTC")

ADDED_COLUMNS = pa.schema(
    [
        pa.field("version", pa.int64()),
        pa.field("known_at", INSTANT),
        pa.field("loaded_at", INSTANT),
        pa.field("counted_on", pa.date32()),
        pa.field("content_digest", pa.string()),
    ]
)
"""What every row has besides its table's fields.

`version` counts from 1 within a key; `known_at` is when the administration knew the row; `loaded_at` when the lake
got it; `counted_on` the day from whose close it counts in statistics; `content_digest` names the content of the whole
version, whatever the order of its rows.
"""

_ARROW = {
    FieldType.TEXT: pa.string(),
    FieldType.CODE: pa.string(),
    FieldType.INTEGER: pa.int64(),
    FieldType.RATIO: pa.float64(),
    FieldType.DATE: pa.date32(),
    FieldType.INSTANT: INSTANT,
    FieldType.FLAG: pa.bool_(),
    FieldType.CODES: pa.list_(pa.string()),
}
_DUCKDB = {
    FieldType.TEXT: "VARCHAR",
    FieldType.CODE: "VARCHAR",
    FieldType.INTEGER: "BIGINT",
    FieldType.RATIO: "DOUBLE",
    FieldType.DATE: "DATE",
    FieldType.INSTANT: "TIMESTAMP WITH TIME ZONE",
    FieldType.FLAG: "BOOLEAN",
    FieldType.CODES: "VARCHAR[]",
}


def arrow_type(field: Field) -> pa.DataType:
    """Return the Arrow type a field is stored as."""
    if field.type is FieldType.DECIMAL:
        return pa.decimal128(DECIMAL_DIGITS, field.scale)
    if field.type is FieldType.RECORDS:
        return pa.list_(pa.struct([pa.field(part.name, arrow_type(part)) for part in field.fields]))
    return _ARROW[field.type]


def duckdb_type(field: Field) -> str:
    """Return the DuckDB type a field is read as."""
    if field.type is FieldType.DECIMAL:
        return f"DECIMAL({DECIMAL_DIGITS}, {field.scale})"
    if field.type is FieldType.RECORDS:
        return f"STRUCT({', '.join(f'{quoted(part.name)} {duckdb_type(part)}' for part in field.fields)})[]"
    return _DUCKDB[field.type]


def row_schema(table: Table) -> pa.Schema:
    """Return the Arrow schema of a table's rows in the lake: its fields in order, then the added columns."""
    fields = [pa.field(field.name, arrow_type(field)) for field in table.fields]
    return pa.schema([*fields, *ADDED_COLUMNS])


def duckdb_columns(table: Table) -> dict[str, str]:
    """Return the DuckDB type of every column of a table's rows in the lake, in order."""
    added = {
        "version": "BIGINT",
        "known_at": "TIMESTAMP WITH TIME ZONE",
        "loaded_at": "TIMESTAMP WITH TIME ZONE",
        "counted_on": "DATE",
        "content_digest": "VARCHAR",
    }
    return {field.name: duckdb_type(field) for field in table.fields} | added


def quoted(name: str) -> str:
    """Return a column name as DuckDB reads it, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def create_view(connection: duckdb.DuckDBPyConnection, table: Table, paths: list[str]) -> None:
    """Make a view of a table over its Parquet files, with every column in its type; empty when there is no file.

    A file written before a field was added to the table shows that field as absent.
    """
    columns = duckdb_columns(table)
    typed = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(name)}" for name, kind in columns.items())
    empty = f"SELECT {typed} WHERE false"
    if not paths:
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(table.name)} AS {empty}")
        return
    names = ", ".join(quoted(name) for name in columns)
    files = ", ".join(path_literal(path) for path in paths)
    stored = f"SELECT * FROM read_parquet([{files}], union_by_name = true)"
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {quoted(table.name)} AS SELECT {names} FROM ({empty} UNION ALL BY NAME {stored})"
    )


def path_literal(path: str) -> str:
    """Return a file of our own as a literal: DuckDB takes no mark for it in a view or a COPY."""
    return "'" + path.replace("'", "''") + "'"
