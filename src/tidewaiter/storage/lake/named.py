"""What the lake holds on a party: the rows in which it is one of the parties, by code or by name."""

import json
from typing import Any

import duckdb

from tidewaiter.core.tables import TABLES
from tidewaiter.storage.lake.lake import Snapshot
from tidewaiter.storage.lake.purged_rows import has_party, note_words
from tidewaiter.storage.lake.schema import quoted


def rows_naming(snapshot: Snapshot, party: str) -> dict[str, list[dict[str, Any]]]:
    """Return by table the rows of every version that name a party; absent fields are left out, values as JSON has them.

    Compared in upper case with single blanks, as the purge compares.
    """
    found = {}
    with duckdb.connect(config={"threads": 2}) as connection:
        snapshot.register(connection)
        note_words(connection, keys={}, codes=[party], names=[party])
        for table in TABLES.values():
            order = ", ".join(quoted(name) for name in (table.day, *table.key, *table.rows))
            rows = connection.execute(
                f"SELECT to_json(row) FROM {quoted(table.name)} AS row WHERE {has_party(table)} ORDER BY {order}"
            ).fetchall()
            if rows:
                found[table.name] = [_present(json.loads(text)) for (text,) in rows]
    return found


def _present(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}
