"""A little trade for tests: rows of the tables with every required field filled in, and a lake that holds them."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from tidewaiter.core.administration import Administration
from tidewaiter.core.tables import TABLES
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.lake.schema import row_schema

FIRST = date(2024, 1, 1)

Row = dict[str, Any]


def at(day: int, hour: int = 10) -> datetime:
    """Return an instant of the day-th day after FIRST."""
    return datetime.combine(FIRST, time(hour), UTC) + timedelta(days=day)


def item(declaration_id: str, day: int, **fields: Any) -> Row:
    """Return an item of a declaration lodged on that day."""
    hour = fields.pop("hour", 10)
    base: Row = {"declaration_id": declaration_id, "item_number": 1, "lodged_at": at(day, hour), "flow": "import"}
    base |= {"importer_code": "I1", "hs_code": "640399", "origin": "VN", "net_mass": Decimal("10.000"), "version": 1}
    return base | {"known_at": base["lodged_at"]} | fields


def result(act_id: str, declaration_id: str, known: int, *, found: bool, **fields: Any) -> Row:
    """Return the final result of an act, known on that day."""
    outcome = "found_as_suspected" if found else "nothing_found"
    base: Row = {"act_id": act_id, "declaration_id": declaration_id, "act": "physical", "completed_at": at(known)}
    base |= {"state": "final", "outcome": outcome, "version": 1, "known_at": at(known)}
    return base | ({"categories": ["DRUGS"]} if found else {}) | fields


def cancelled(declaration_id: str, day: int) -> Row:
    """Return the cancellation of a declaration."""
    base: Row = {"event_id": f"C-{declaration_id}", "kind": "cancelled", "occurred_at": at(day)}
    return base | {"declaration_id": declaration_id, "known_at": at(day), "version": 1}


def lake_of(folder: Path, **tables: list[Row]) -> Lake:
    """Make a lake that holds these rows by table."""
    lake = Lake.create(folder, Administration(currency="EUR", time_zone="UTC"))
    add(lake, **tables)
    return lake


def add(lake: Lake, **tables: list[Row]) -> None:
    """Add rows to a lake in one commit."""
    with lake.writing() as writer:
        for name, rows in tables.items():
            if rows:
                writer.add(name, arrow(name, rows))


def arrow(table: str, rows: list[Row]) -> pa.Table:
    """Return rows of a table as Arrow, in the types of the lake; only the columns that some row has."""
    schema = row_schema(TABLES[table])
    named = [field for field in schema if any(field.name in row for row in rows)]
    return pa.Table.from_pylist(rows, schema=pa.schema(named))
