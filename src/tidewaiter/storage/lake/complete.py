"""The columns the lake adds to rows, and the month a row belongs to."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import duckdb
import pyarrow as pa

from tidewaiter.core.errors import InputError, Problem
from tidewaiter.core.tables import Table
from tidewaiter.storage.lake.digest import row_digest
from tidewaiter.storage.lake.manifest import Manifest
from tidewaiter.storage.lake.schema import duckdb_type, quoted, row_schema


def counted_on(known_at: str) -> str:
    """Return the DuckDB expression for the day a row counts from; it asks for $zone and $open, the first open day.

    It is the administration's calendar day of `known_at`, or the day after the last closed one if that is later.
    """
    return f"greatest(CAST(timezone($zone, {known_at}) AS DATE), CAST($open AS DATE))"


def month(day: str) -> str:
    """Return the DuckDB expression for a row's partition; it asks for $zone."""
    return f"strftime(timezone($zone, {day}), '%Y-%m')"


def first_open_day(manifest: Manifest) -> date:
    """Return the first day that is not closed; long ago when none is."""
    closed = manifest.closed_through
    return date(1, 1, 1) if closed is None else closed + timedelta(days=1)


def completed(table: Table, rows: pa.Table, manifest: Manifest) -> Iterator[tuple[str, pa.Table]]:
    """Return the rows as the lake stores them, by month, ordered by day, key and version.

    Raises InputError naming every column that no field or added column has.
    """
    schema = row_schema(table)
    unknown = [name for name in rows.column_names if name not in schema.names]
    if unknown:
        raise InputError(Problem(f"table {table.name} has no field {name!r}") for name in unknown)
    given = pa.table({name: rows[name].cast(schema.field(name).type) for name in rows.column_names})
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("given", given)
        marks: dict[str, object] = {"zone": manifest.administration.time_zone}
        if "counted_on" not in rows.column_names:
            marks["open"] = first_open_day(manifest)
        connection.execute(_completion(table, schema, set(rows.column_names)), marks)
        for (partition,) in connection.execute("SELECT DISTINCT partition FROM whole ORDER BY ALL").fetchall():
            order = ", ".join(quoted(name) for name in (table.day, *table.key, *table.rows, "version"))
            part = connection.sql(
                f"SELECT * EXCLUDE (partition) FROM whole WHERE partition = ? ORDER BY {order}", params=[partition]
            )
            yield partition, part.to_arrow_table().cast(schema)


def _completion(table: Table, schema: pa.Schema, given: set[str]) -> str:
    fields = ", ".join(
        quoted(field.name) if field.name in given else f"CAST(NULL AS {duckdb_type(field)}) AS {quoted(field.name)}"
        for field in table.fields
    )
    day = quoted(table.day)
    defaults = {"version": "1", "known_at": day, "loaded_at": f"TIMESTAMPTZ '{datetime.now(UTC).isoformat()}'"}
    added = ", ".join(name if name in given else f"{default} AS {name}" for name, default in defaults.items())
    kept = "".join(f", {name} AS given_{name}" for name in ("counted_on", "content_digest") if name in given)
    key = ", ".join(quoted(name) for name in (*table.key, "version"))
    digest = "given_content_digest"
    if "content_digest" not in given:
        rows_digest = "string_agg(row_digest, '' ORDER BY row_digest)"
        digest = f"md5({rows_digest} OVER (PARTITION BY {key}))"
    counted = "given_counted_on" if "counted_on" in given else counted_on("known_at")
    named = ", ".join(quoted(name) for name in schema.names)
    return f"""
        CREATE TEMP TABLE whole AS
        WITH typed AS (SELECT {fields}, {added}{kept} FROM given),
             digested AS (SELECT *, {row_digest(table)} AS row_digest FROM typed),
             counted AS (SELECT *, {counted} AS counted_on, {digest} AS content_digest FROM digested)
        SELECT {named}, {month(day)} AS partition FROM counted
    """
