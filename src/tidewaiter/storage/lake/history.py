"""History facts: the counts of an entity at the close of a day, from its movements."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from tidewaiter.storage.lake.items import BETWEEN, entity
from tidewaiter.storage.lake.recipes import Count, Distinct, Recipe, Since
from tidewaiter.storage.lake.statistics import Kind


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted of one kind of entity: facts by name."""

    kind: Kind
    counts: dict[str, Count] = field(default_factory=dict)
    marks: dict[str, Since] = field(default_factory=dict)
    distinct: dict[str, Distinct] = field(default_factory=dict)

    @property
    def table(self) -> str:
        """Return the name of the table that holds the facts, by entity and day."""
        return "history_" + "_".join(self.kind)


def asked_of(made: Mapping[str, Recipe]) -> tuple[Asked, ...]:
    """Return what is wanted of each kind of entity."""
    kinds: dict[Kind, Asked] = {}
    for name, recipe in made.items():
        if not isinstance(recipe, Count | Since | Distinct):
            continue
        asked = kinds.setdefault(recipe.of, Asked(recipe.of))
        match recipe:
            case Count():
                asked.counts[name] = recipe
            case Since():
                asked.marks[name] = recipe
            case Distinct():
                asked.distinct[name] = recipe
    return tuple(kinds.values())


def make_history(
    connection: duckdb.DuckDBPyConnection, asked: Asked, held: Mapping[Kind, Sequence[Path]], source: str
) -> None:
    """Make the table of one kind: a row for every entity and statistics day that the relation `source` has.

    Counts are 0 for an entity never seen; days of first and last are None.
    """
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE ask AS SELECT DISTINCT {entity(asked.kind)} AS entity, statistics_day AS day "
        f"FROM {source} WHERE {entity(asked.kind)} IS NOT NULL"
    )
    _move(connection, held.get(asked.kind, ()), "moved", "entity IN (SELECT entity FROM ask)")
    columns, joins = _columns(connection, asked, held)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {asked.table} AS SELECT ask.entity, ask.day{columns} FROM ask {joins}"
    )


def _move(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path], name: str, where: str) -> None:
    connection.execute(f"DROP TABLE IF EXISTS {name}")
    if paths:
        connection.read_parquet([str(path) for path in paths]).create_view("movement", replace=True)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT entity, counted_on, window_on, "
            "CAST(sum(declarations) AS BIGINT) AS declarations, CAST(sum(items) AS BIGINT) AS items, "
            "CAST(sum(net_mass) AS DECIMAL(38, 3)) AS net_mass, CAST(sum(results) AS BIGINT) AS results, "
            f"CAST(sum(findings) AS BIGINT) AS findings FROM movement WHERE {where} GROUP BY ALL"
        )
        return
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} (entity VARCHAR, counted_on DATE, window_on DATE, declarations BIGINT, "
        "items BIGINT, net_mass DECIMAL(38, 3), results BIGINT, findings BIGINT)"
    )


def _columns(
    connection: duckdb.DuckDBPyConnection, asked: Asked, held: Mapping[Kind, Sequence[Path]]
) -> tuple[str, str]:
    columns, joins = "", ""
    if asked.counts:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE counted AS {_counts(asked.counts)}")
        columns += "".join(f", counted.{name}" for name in asked.counts)
        joins += " JOIN counted USING (entity, day)"
    for name, since in asked.marks.items():
        connection.execute(f"CREATE OR REPLACE TEMP TABLE spell AS {_spells(since.metric)}")
        connection.execute(f"CREATE OR REPLACE TEMP TABLE mark_{name} AS {_mark(since.mark)}")
        columns += f", mark_{name}.marked_on AS {name}"
        joins += f" LEFT JOIN mark_{name} USING (entity, day)"
    for name, distinct in asked.distinct.items():
        owner = _owner(asked.kind)
        _move(connection, held.get(asked.kind + distinct.what, ()), "met", f"{owner} IN (SELECT entity FROM ask)")
        connection.execute(f"CREATE OR REPLACE TEMP TABLE breadth_{name} AS {_breadth(owner)}")
        columns += f", breadth_{name}.met AS {name}"
        joins += f" JOIN breadth_{name} USING (entity, day)"
    return columns, joins


def _counts(counts: Mapping[str, Count]) -> str:
    """Return the query for counts by entity and day of `ask`.

    With a window of W days a movement counts from counted_on until the day before window_on + W: it enters on the
    one and leaves on the other, so that one running sum by entity gives every window.
    """
    inside = {name: _inside(count) for name, count in counts.items()}
    entries = ", ".join(f"{expression} AS {name}" for name, expression in inside.items())
    parts = [f"SELECT entity, counted_on AS day, false AS wanted, {entries} FROM moved"]
    for days in sorted({count.days for count in counts.values() if count.days is not None}):
        leaving = ", ".join(f"-({inside[name]})" if count.days == days else "0" for name, count in counts.items())
        parts.append(
            f"SELECT entity, window_on + {days}, false, {leaving} FROM moved WHERE counted_on < window_on + {days}"
        )
    parts.append("SELECT entity, day, true, " + ", ".join("0" for _ in counts) + " FROM ask")
    daily = ", ".join(f"sum({name}) AS {name}" for name in counts)
    running = ", ".join(f"sum({name}) OVER so_far AS {name}" for name in counts)
    return (
        f"WITH entered AS ({' UNION ALL '.join(parts)}), "
        f"daily AS (SELECT entity, day, bool_or(wanted) AS wanted, {daily} FROM entered GROUP BY entity, day) "
        f"SELECT * FROM (SELECT entity, day, wanted, {running} FROM daily "
        "WINDOW so_far AS (PARTITION BY entity ORDER BY day ROWS UNBOUNDED PRECEDING)) WHERE wanted"
    )


def _inside(count: Count) -> str:
    if count.days is None:
        return count.metric
    return f"CASE WHEN counted_on < window_on + {count.days} THEN {count.metric} ELSE 0 END"


def _spells(metric: str) -> str:
    """Return the query for the days from and until which the metric of an entity's day is above 0."""
    return f"""
        WITH held AS (
            SELECT entity, window_on, counted_on AS from_on,
                sum({metric}) OVER chain AS held, lead(counted_on) OVER chain AS until_on
            FROM (SELECT entity, window_on, counted_on, {metric} FROM moved WHERE {metric} <> 0)
            WINDOW chain AS (PARTITION BY entity, window_on ORDER BY counted_on)),
        settled AS (
            SELECT entity, window_on, min(from_on) FILTER (held > 0) AS from_on,
                min(held) FILTER (held > 0) IS NOT NULL AND bool_and(held > 0) AS lasting
            FROM held GROUP BY entity, window_on)
        SELECT entity, window_on, from_on, CAST(NULL AS DATE) AS until_on FROM settled WHERE lasting
        UNION ALL
        SELECT entity, window_on, held.from_on, until_on FROM held JOIN settled USING (entity, window_on)
        WHERE NOT lasting AND held > 0
    """


def _mark(mark: str) -> str:
    """Return the query for the earliest (first) or latest (last) day that stands at the close of each day asked."""
    best = "min" if mark == "first" else "max"
    return f"""
        WITH lasting AS (
            SELECT entity, from_on AS day, false AS wanted, window_on FROM spell WHERE until_on IS NULL
            UNION ALL SELECT entity, day, true, NULL FROM ask),
        daily AS (
            SELECT entity, day, bool_or(wanted) AS wanted, {best}(window_on) AS window_on
            FROM lasting GROUP BY entity, day),
        running AS (
            SELECT entity, day, wanted, {best}(window_on) OVER (
                PARTITION BY entity ORDER BY day ROWS UNBOUNDED PRECEDING) AS window_on FROM daily),
        passing AS (
            SELECT ask.entity, ask.day, {best}(window_on) AS window_on
            FROM ask JOIN spell ON spell.entity = ask.entity AND from_on <= day AND until_on > day
            WHERE until_on IS NOT NULL GROUP BY ask.entity, ask.day)
        SELECT entity, day, {"least" if mark == "first" else "greatest"}(running.window_on, passing.window_on)
            AS marked_on
        FROM running LEFT JOIN passing USING (entity, day) WHERE wanted
    """


def _owner(kind: Kind) -> str:
    if len(kind) == 1:
        return f"split_part(entity, {BETWEEN}, 1)"
    return f"array_to_string(string_split(entity, {BETWEEN})[1:{len(kind)}], {BETWEEN})"


def _breadth(owner: str) -> str:
    """Return the query for how many different partners an entity has at the close of each day asked."""
    return f"""
        WITH daily AS (SELECT entity, counted_on, sum(declarations) AS change FROM met GROUP BY entity, counted_on),
        held AS (
            SELECT *, sum(change) OVER (PARTITION BY entity ORDER BY counted_on) AS held FROM daily),
        turns AS (
            SELECT {owner} AS entity, counted_on AS day, false AS wanted,
                CAST(held > 0 AS INTEGER) - CAST(held - change > 0 AS INTEGER) AS change FROM held
            WHERE (held > 0) <> (held - change > 0)
            UNION ALL SELECT entity, day, true, 0 FROM ask),
        counted AS (
            SELECT entity, day, bool_or(wanted) AS wanted, sum(change) AS change FROM turns GROUP BY entity, day)
        SELECT entity, day, met FROM (
            SELECT entity, day, wanted, sum(change) OVER (
                PARTITION BY entity ORDER BY day ROWS UNBOUNDED PRECEDING) AS met FROM counted)
        WHERE wanted
    """


def history_tables(asked: Iterable[Asked]) -> tuple[str, ...]:
    """Return the names of the tables that `make_history` makes."""
    return tuple(one.table for one in asked)
