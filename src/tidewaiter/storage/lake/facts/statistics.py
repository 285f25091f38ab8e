"""Day-close statistics: by entity and day, what was added to and taken from its counts.

A movement says: from the close of `counted_on` on, the counts of the entity for the day `window_on` change by so
much. An amendment takes the old version away and adds the new one on the day it counts; a cancellation takes away; a
result adds when it became known. Movements are kept per kind of entity and month of lodging, in files named by what
they were made from: a month is made again only when its declarations, or what became of them, changed, and making
all from scratch gives the same files.
"""

import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tidewaiter.core.facts import Catalogue
from tidewaiter.storage.lake.facts.derived import is_kept, keeping, key_of, place_of, sweep_derived
from tidewaiter.storage.lake.facts.items import BETWEEN, WORKING, entity, open_lake, view_part
from tidewaiter.storage.lake.facts.recipes import Count, Distinct, Recipe, Since, recipes
from tidewaiter.storage.lake.facts.standing import make_standing
from tidewaiter.storage.lake.lake import Lake, Snapshot

FORMAT = 1
"""Grows when a movement's meaning changes, so that files of an older program are not read."""

type Kind = tuple[str, ...]
"""The columns that name an entity."""


def kinds_of(made: Iterable[Recipe]) -> tuple[Kind, ...]:
    """Return the kinds of entity that these facts rest on, each once, in order."""
    kinds: dict[Kind, None] = {}
    for recipe in made:
        match recipe:
            case Count(of=of) | Since(of=of):
                kinds[of] = None
            case Distinct(what=what, of=of):
                kinds[of + what] = None
            case _:
                pass
    return tuple(kinds)


def update_statistics(lake: Lake, catalogue: Catalogue, *, memory: str = "1GB") -> int:
    """Bring the day-close statistics up to the lake's present state and remove what it no longer needs.

    Returns the number of files it made: 0 when nothing changed.
    """
    snapshot = lake.snapshot()
    kinds = kinds_of(recipes(catalogue).values())
    before = set(snapshot.derived.glob("movements/*.parquet"))
    with tempfile.TemporaryDirectory(prefix="tidewaiter-") as spill, open_lake(snapshot, memory, spill) as connection:
        make_standing(connection, snapshot.administration)
        held = movements(connection, snapshot, kinds)
    current = {path for paths in held.values() for path in paths}
    sweep_derived(snapshot.derived, current)
    return len(current - before)


def movements(
    connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, kinds: Collection[Kind]
) -> dict[Kind, list[Path]]:
    """Return the files of movements of each kind, a file a month, making those that are not there.

    The connection has the tables of `make_standing`.
    """
    digests, fates = snapshot.digests("declarations"), _fates(connection)
    held = {
        kind: {month: _place(snapshot, kind, digests[month], fates.get(month)) for month in digests} for kind in kinds
    }
    for months in _in_turn(list(digests)):
        todo = {kind: [month for month in months if not is_kept(held[kind][month])] for kind in kinds}
        for listed in dict.fromkeys(tuple(months) for months in todo.values() if months):
            view_part(connection, "declarations", _files(snapshot, listed), "part")
            lacking = [kind for kind in kinds if tuple(todo[kind]) == listed]
            _make_units(connection, lacking)
            for kind in lacking:
                _write(connection, kind, {month: held[kind][month] for month in listed})
    return {kind: list(places.values()) for kind, places in held.items()}


def _in_turn(months: Sequence[str]) -> Iterator[Sequence[str]]:
    """Give the months a year at a time, so that memory does not grow with the lake."""
    for at in range(0, len(months), 12):
        yield months[at : at + 12]


def _files(snapshot: Snapshot, months: Iterable[str]) -> list[str]:
    partitions = snapshot.partitions("declarations")
    return [path for month in months for path in partitions[month]]


def _place(snapshot: Snapshot, kind: Kind, digests: Sequence[str], fates: str | None) -> Path:
    settings = (snapshot.administration.time_zone, str(snapshot.administration.material_duty))
    key = key_of(FORMAT, entity(kind), WORKING["lodged_on"], settings, list(digests), fates)
    return place_of(snapshot.derived, "movements", key)


def _fates(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return by month of lodging a digest of what became of its declarations later."""
    rows = connection.execute("""
        SELECT month, md5(string_agg(fate, ',' ORDER BY fate)) FROM (
            SELECT month, concat_ws('|', declaration_id, version, until_on) AS fate FROM ended
            UNION ALL
            SELECT month, concat_ws('|', declaration_id, metric, from_on, coalesce(CAST(until_on AS VARCHAR), '-'))
            FROM outcome JOIN (SELECT DISTINCT declaration_id, month FROM head) AS lodged USING (declaration_id))
        GROUP BY month
    """).fetchall()
    return dict(rows)


def _write(connection: duckdb.DuckDBPyConnection, kind: Kind, places: Mapping[str, Path]) -> None:
    rows = connection.sql(_movements(kind)).to_arrow_table()
    for month, path in places.items():
        with keeping(path) as aside:
            pq.write_table(rows.filter(pc.equal(rows["month"], month)).drop("month"), aside, compression="zstd")


def _make_units(connection: duckdb.DuckDBPyConnection, kinds: Iterable[Kind]) -> None:
    """Make, for the months of the view `part`, what every kind's movements are added up from.

    `stand`: the versions that ever stand, by number, with their days; `told`: their results; `unit_row`: their items
    with the columns that name entities.
    """
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE stand AS
        SELECT row_number() OVER () AS number, head.*, until_on
        FROM head SEMI JOIN part USING (declaration_id, version) LEFT JOIN ended USING (declaration_id, version)
        WHERE until_on IS NULL OR until_on > from_on
    """)
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE told AS
        SELECT number, month, metric, outcome.from_on AS known_on, greatest(stand.from_on, outcome.from_on) AS from_on,
            least(stand.until_on, outcome.until_on) AS until_on
        FROM stand JOIN outcome USING (declaration_id)
        WHERE least(stand.until_on, outcome.until_on) IS NULL
            OR least(stand.until_on, outcome.until_on) > greatest(stand.from_on, outcome.from_on)
    """)
    columns = dict.fromkeys(column for kind in kinds for column in kind)
    named = ", ".join(f"{WORKING.get(column, column)} AS key_{column}" for column in columns)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE unit_row AS SELECT number, net_mass, {named} "
        "FROM part JOIN (SELECT number, declaration_id, version FROM stand) USING (declaration_id, version)"
    )


def _movements(kind: Kind) -> str:
    named = f" || {BETWEEN} || ".join(f"key_{column}" for column in kind)
    return f"""
        WITH unit AS (
            SELECT number, entity, count(*) AS items, CAST(coalesce(sum(net_mass), 0) AS DECIMAL(38, 3)) AS net_mass
            FROM (SELECT number, {named} AS entity, net_mass FROM unit_row)
            WHERE entity IS NOT NULL GROUP BY number, entity),
        stood AS (
            SELECT entity, items, unit.net_mass, month, lodged_on, from_on, until_on
            FROM unit JOIN stand USING (number)),
        found AS (
            SELECT entity, month, metric, known_on, from_on, until_on FROM unit JOIN told USING (number)),
        moved AS (
            SELECT entity, month, from_on AS counted_on, lodged_on AS window_on, 1 AS declarations, items, net_mass,
                0 AS results, 0 AS findings FROM stood
            UNION ALL SELECT entity, month, until_on, lodged_on, -1, -items, -net_mass, 0, 0
            FROM stood WHERE until_on IS NOT NULL
            UNION ALL SELECT entity, month, from_on, known_on, 0, 0, 0, CAST(metric = 'results' AS INTEGER),
                CAST(metric = 'findings' AS INTEGER) FROM found
            UNION ALL SELECT entity, month, until_on, known_on, 0, 0, 0, -CAST(metric = 'results' AS INTEGER),
                -CAST(metric = 'findings' AS INTEGER) FROM found WHERE until_on IS NOT NULL)
        SELECT month, entity, counted_on, window_on, CAST(sum(declarations) AS BIGINT) AS declarations,
            CAST(sum(items) AS BIGINT) AS items, CAST(sum(net_mass) AS DECIMAL(38, 3)) AS net_mass,
            CAST(sum(results) AS BIGINT) AS results, CAST(sum(findings) AS BIGINT) AS findings
        FROM moved GROUP BY month, entity, counted_on, window_on
        HAVING sum(declarations) <> 0 OR sum(items) <> 0 OR sum(net_mass) <> 0 OR sum(results) <> 0
            OR sum(findings) <> 0
        ORDER BY month, entity, counted_on, window_on
    """
