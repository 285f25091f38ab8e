"""What the lake holds that is older than a day, and what of it a list of digests names."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import duckdb

from tidewaiter.core.tables import CONSIGNMENTS, DECLARATIONS, SEIZURES, Table
from tidewaiter.storage.lake.lake import Snapshot
from tidewaiter.storage.lake.schema import quoted

AGED = {"declaration": DECLARATIONS, "consignment": CONSIGNMENTS, "seizure": SEIZURES}
"""The tables whose records have a rule of their own, by the kind of record."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def aged(snapshot: Snapshot, kind: str, before: datetime, limit: int) -> list[tuple[str, datetime]]:
    """Return the records whose last version lies before an instant, each with that version's, the oldest first."""
    table = AGED[kind]
    key, day = quoted(table.key[0]), quoted(table.day)
    latest = f"SELECT {key}, epoch_us(max({day})) AS last FROM {quoted(table.name)} GROUP BY 1"
    query = f"{latest} HAVING last < ? ORDER BY 2, 1 LIMIT ?"
    before_us = (before - _EPOCH) // timedelta(microseconds=1)
    with duckdb.connect(config={"threads": 2}) as connection:
        snapshot.register(connection)
        found = connection.execute(query, [before_us, limit]).fetchall()
    return [(number, _EPOCH + timedelta(microseconds=last)) for number, last in found]


def named_by_digest(snapshot: Snapshot, kind: str, digests: Collection[str]) -> list[str]:
    """Return the records of a kind whose reference `kind:NUMBER` has one of these SHA-256 digests (hexadecimal)."""
    table: Table = AGED[kind]
    key = quoted(table.key[0])
    query = (
        f"SELECT DISTINCT {key} FROM {quoted(table.name)} "
        f"WHERE sha256(concat(?::VARCHAR, {key})) IN (SELECT unnest(?::VARCHAR[])) ORDER BY 1"
    )
    with duckdb.connect(config={"threads": 2}) as connection:
        snapshot.register(connection)
        found = connection.execute(query, [f"{kind}:", sorted(digests)]).fetchall()
    return [number for (number,) in found]
