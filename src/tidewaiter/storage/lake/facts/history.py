"""History facts: the counts of an entity at the close of a day, from its movements."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewaiter.storage.lake.facts.items import BETWEEN, entity
from tidewaiter.storage.lake.facts.recipes import METRICS, Count, Distinct, Recipe, Since
from tidewaiter.storage.lake.facts.statistics import Kind
from tidewaiter.storage.lake.schema import path_literal


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
    name = entity(asked.kind)
    _make(connection, asked, held, f"SELECT DISTINCT {name} AS name, statistics_day AS day FROM {source} "
          f"WHERE {name} IS NOT NULL")  # fmt: skip


def make_history_of_all(
    connection: duckdb.DuckDBPyConnection, asked: Asked, held: Mapping[Kind, Sequence[Path]], on: date
) -> None:
    """Make the table of one kind: a row for every entity that anything is known of at the close of that day."""
    named = [f"SELECT entity AS name FROM {_files(held.get(asked.kind, ()))} WHERE counted_on <= DATE '{on}'"]
    named += [
        f"SELECT {_owner(asked.kind)} FROM (SELECT entity AS name, counted_on "
        f"FROM {_files(held.get(asked.kind + distinct.what, ()))}) AS movement WHERE counted_on <= DATE '{on}'"
        for distinct in asked.distinct.values()
    ]
    _make(connection, asked, held, f"SELECT DISTINCT name, DATE '{on}' AS day FROM ({' UNION ALL '.join(named)})")


def _files(paths: Sequence[Path]) -> str:
    if not paths:
        return "(SELECT NULL::VARCHAR AS entity, NULL::DATE AS counted_on WHERE false)"
    return f"read_parquet([{', '.join(path_literal(str(path)) for path in paths)}])"


def _make(connection: duckdb.DuckDBPyConnection, asked: Asked, held: Mapping[Kind, Sequence[Path]], query: str) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE named_ask AS {query}")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE named AS "
        "SELECT name, row_number() OVER () AS entity FROM (SELECT DISTINCT name FROM named_ask)"
    )
    connection.execute("CREATE OR REPLACE TEMP TABLE ask AS SELECT entity, day FROM named_ask JOIN named USING (name)")
    _move(connection, held.get(asked.kind, ()), "moved", "movement.name", "NULL")
    columns, joins = _columns(connection, asked, held)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {asked.table} AS SELECT named.name AS entity, ask.day{columns} "
        f"FROM ask JOIN named USING (entity) {joins}"
    )


def _move(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path], table: str, owner: str, pair: str) -> None:
    """Make the table of the movements of the entities asked about, by number; `owner` is their name in a movement."""
    sums = ", ".join(f"CAST(sum({metric}) AS {kind}) AS {metric}" for metric, kind in _METRIC_TYPES.items())
    columns = ", ".join(f"{metric} {kind}" for metric, kind in _METRIC_TYPES.items())
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} "
        f"(entity BIGINT, pair VARCHAR, counted_on DATE, window_on DATE, {columns})"
    )
    if not paths:
        return
    connection.read_parquet([str(path) for path in paths]).create_view("movement", replace=True)
    connection.execute(
        f"INSERT INTO {table} SELECT named.entity, {pair} AS pair, counted_on, window_on, {sums} "
        "FROM (SELECT * RENAME (entity AS name) FROM movement) AS movement "
        f"JOIN named ON named.name = {owner} GROUP BY ALL"
    )


_METRIC_TYPES = {metric: "DECIMAL(38, 3)" if metric == "net_mass" else "BIGINT" for metric in METRICS}


def _columns(
    connection: duckdb.DuckDBPyConnection, asked: Asked, held: Mapping[Kind, Sequence[Path]]
) -> tuple[str, str]:
    columns, joins = "", ""
    if asked.counts:
        _count(connection, asked.counts)
        columns += "".join(f", counted.{name}" for name in asked.counts)
        joins += " JOIN counted ON counted.entity = ask.entity AND counted.day = ask.day"
    for metric in dict.fromkeys(since.metric for since in asked.marks.values()):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE spell_{metric} AS {_spells(metric)}")
    for name, since in asked.marks.items():
        marked = _mark(since.mark).replace("FROM spell", f"FROM spell_{since.metric} AS spell")
        marked = marked.replace("JOIN spell ", f"JOIN spell_{since.metric} AS spell ")
        connection.execute(f"CREATE OR REPLACE TEMP TABLE mark_{name} AS {marked}")
        columns += f", mark_{name}.marked_on AS {name}"
        joins += f" LEFT JOIN mark_{name} ON mark_{name}.entity = ask.entity AND mark_{name}.day = ask.day"
    for name, distinct in asked.distinct.items():
        _move(connection, held.get(asked.kind + distinct.what, ()), "met", _owner(asked.kind), "movement.name")
        connection.execute(f"CREATE OR REPLACE TEMP TABLE breadth_{name} AS {_breadth()}")
        columns += f", breadth_{name}.met AS {name}"
        joins += f" JOIN breadth_{name} ON breadth_{name}.entity = ask.entity AND breadth_{name}.day = ask.day"
    return columns, joins


def _count(connection: duckdb.DuckDBPyConnection, counts: Mapping[str, Count]) -> None:
    """Make the table `counted`: every count by entity and day of `ask`.

    With a window of W days a movement counts from counted_on until the day before window_on + W: it enters on the
    one and leaves on the other, so that two running sums by entity and day give the count of any day.
    """
    metrics = ", ".join(
        "CAST(net_mass * 1000 AS BIGINT) AS net_mass" if metric == "net_mass" else metric
        for metric in dict.fromkeys(count.metric for count in counts.values())
    )
    moved = _arrays(connection, f"SELECT entity, {_DAY.format('counted_on')} AS counted_on, "
                    f"{_DAY.format('window_on')} AS window_on, {metrics} FROM moved")  # fmt: skip
    ask = _arrays(connection, f"SELECT entity, {_DAY.format('day')} AS day FROM ask ORDER BY ALL")
    figures = {name: _figure(moved, ask, count) for name, count in counts.items()}
    connection.register("figures", pa.table({**ask, **figures}))
    read = ", ".join(
        f"CAST({name} AS DECIMAL(36, 0)) * CAST(0.001 AS DECIMAL(4, 3)) AS {name}"
        if count.metric == "net_mass"
        else name
        for name, count in counts.items()
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE counted AS "
        f"SELECT entity, DATE '1970-01-01' + CAST(day AS INTEGER) AS day, {read} FROM figures"
    )
    connection.unregister("figures")


_DAY = "CAST({} - DATE '1970-01-01' AS BIGINT)"
_BITS, _SHIFT = 22, 1 << 21
"""A day fits in 22 bits, days before 1970 too; above it stands the number of the entity."""

type _Numbers = npt.NDArray[np.int64]


def _arrays(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, _Numbers]:
    read = connection.sql(query).to_arrow_table()
    return {name: np.asarray(read[name].combine_chunks().to_numpy(zero_copy_only=False)) for name in read.column_names}


def _figure(moved: Mapping[str, _Numbers], ask: Mapping[str, _Numbers], count: Count) -> _Numbers:
    entities, entered, amounts = moved["entity"], moved["counted_on"], moved[count.metric]
    if count.days is None:
        return _sum_until(entities, entered, amounts, ask)
    left = moved["window_on"] + count.days
    counts = (entered < left) & (amounts != 0)
    entities, entered, left, amounts = entities[counts], entered[counts], left[counts], amounts[counts]
    return _sum_until(entities, entered, amounts, ask) - _sum_until(entities, left, amounts, ask)


def _sum_until(entities: _Numbers, days: _Numbers, amounts: _Numbers, ask: Mapping[str, _Numbers]) -> _Numbers:
    """Return for each entity and day asked the sum of its amounts up to and including that day."""
    keys = (entities << _BITS) + days + _SHIFT
    order = np.argsort(keys, kind="stable")
    keys, sums = keys[order], np.concatenate(([0], np.cumsum(amounts[order])))
    until = np.searchsorted(keys, (ask["entity"] << _BITS) + ask["day"] + _SHIFT, side="right")
    first = np.searchsorted(keys, ask["entity"] << _BITS, side="left")
    figure: _Numbers = sums[until] - sums[first]
    return figure


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
        return f"split_part(movement.name, {BETWEEN}, 1)"
    return f"array_to_string(string_split(movement.name, {BETWEEN})[1:{len(kind)}], {BETWEEN})"


def _breadth() -> str:
    """Return the query for how many different partners an entity has at the close of each day asked."""
    return """
        WITH daily AS (
            SELECT entity, pair, counted_on, sum(declarations) AS change FROM met GROUP BY entity, pair, counted_on),
        held AS (
            SELECT *, sum(change) OVER (PARTITION BY entity, pair ORDER BY counted_on) AS held FROM daily),
        turns AS (
            SELECT entity, counted_on AS day, false AS wanted,
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
