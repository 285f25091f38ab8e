"""The making of a day's image from a snapshot of the lake: the same queries as for fact rows, asked of every entity."""

import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from tidewaiter.core.facts import Catalogue
from tidewaiter.storage.lake.facts.derived import key_of
from tidewaiter.storage.lake.facts.history import Asked, make_history_of_all
from tidewaiter.storage.lake.facts.items import open_lake
from tidewaiter.storage.lake.facts.live import DayImage, History, PeerFigures, Touched
from tidewaiter.storage.lake.facts.live_doubt import Doubts
from tidewaiter.storage.lake.facts.live_filings import Filings
from tidewaiter.storage.lake.facts.live_index import DIGESTS, Figures
from tidewaiter.storage.lake.facts.live_plan import Plan, plan_of
from tidewaiter.storage.lake.facts.peers import LEAST, LEVELS, make_peers
from tidewaiter.storage.lake.facts.query import KEY
from tidewaiter.storage.lake.facts.recipes import Peers, Seizures, needed, recipes
from tidewaiter.storage.lake.facts.seized import make_seized_of_all
from tidewaiter.storage.lake.facts.standing import make_standing
from tidewaiter.storage.lake.facts.statistics import Kind, kinds_of, movements
from tidewaiter.storage.lake.facts.table import FORMAT, fact_schema, wanted_facts
from tidewaiter.storage.lake.lake import Snapshot

_SOURCES = ("declarations", "events", "consignments", "results", "seizures")


def image_name(
    snapshot: Snapshot, catalogue: Catalogue, statistics_on: date, *, only: Collection[str] | None = None
) -> str:
    """Return the name of the image of that lake, statistics day and facts: the same name, the same facts.

    A decision stores it. When it differs from the name of the image in use, a new image is needed.
    """
    administration = snapshot.administration
    settings = (administration.currency, administration.time_zone, str(administration.material_duty))
    held = {table: snapshot.digests(table) for table in _SOURCES}
    asked = wanted_facts(catalogue, only)
    return key_of(FORMAT, duckdb.__version__, catalogue.version, settings, statistics_on, asked, held)


def make_image(
    snapshot: Snapshot,
    catalogue: Catalogue,
    statistics_on: date,
    *,
    only: Collection[str] | None = None,
    filed_from: date | None = None,
    memory: str = "900MB",
) -> DayImage:
    """Return the image of a statistics day, made from the lake; `only` names the facts that will be asked.

    Filings before `filed_from` are left out (None: all are held). Raises NotKnownError for a name that is no fact.
    """
    names = wanted_facts(catalogue, only)
    made = needed(recipes(catalogue), names)
    doubts = Doubts(snapshot.administration)
    plan = plan_of(catalogue, made, names, doubts.settings)
    with tempfile.TemporaryDirectory(prefix="tidewaiter-") as spill, open_lake(snapshot, memory, spill) as connection:
        connection.execute("SET VARIABLE closed_through = ?", [snapshot.closed_through])
        make_standing(connection, snapshot.administration)
        held = movements(connection, snapshot, kinds_of(made.values()))
        return DayImage(
            name=image_name(snapshot, catalogue, statistics_on, only=only),
            snapshot_id=snapshot.id,
            catalogue_version=catalogue.version,
            statistics_on=statistics_on,
            plan=plan,
            schema=pa.schema([field for field in fact_schema(catalogue) if field.name in {*KEY, *names}]),
            history=tuple(_history(connection, asked, held, statistics_on) for asked in plan.asked),
            touched=tuple(_touched(connection, plan, statistics_on)),
            peers=tuple(_peers(connection, snapshot, plan, statistics_on)),
            filings=_filings(connection, plan, filed_from),
            doubts=doubts,
        )


def narrowed(image: DayImage, catalogue: Catalogue, names: Collection[str]) -> DayImage:
    """Return an image that makes only some of its facts, sharing what it holds: for asking many declarations little.

    Raises NotKnownError for a name that is no fact; the image must make all of them.
    """
    wanted = wanted_facts(catalogue, names)
    made = needed(recipes(catalogue), wanted)
    plan = plan_of(catalogue, made, wanted, image.doubts.settings)
    kinds = {asked.kind for asked in plan.asked}
    return replace(
        image,
        plan=plan,
        schema=pa.schema([field for field in image.schema if field.name in {*KEY, *wanted}]),
        history=tuple(one for one in image.history if one.kind in kinds),
        touched=tuple(one for one in image.touched if one.fact in made),
        peers=tuple(one for one in image.peers if not made.keys().isdisjoint(one.facts)),
        filings=image.filings if plan.reads_filings else None,
    )


def _history(
    connection: duckdb.DuckDBPyConnection, asked: Asked, held: Mapping[Kind, Sequence[Path]], on: date
) -> History:
    make_history_of_all(connection, asked, held, on)
    columns = [
        f"CAST(round({name} * 1000) AS BIGINT) AS {name}"
        if count.metric == "net_mass"
        else f"CAST({name} AS BIGINT) AS {name}"
        for name, count in asked.counts.items()
    ]
    columns += [f"CAST({name} - DATE '1970-01-01' AS BIGINT) AS {name}" for name in asked.marks]
    columns += [f"CAST({name} AS BIGINT) AS {name}" for name in asked.distinct]
    read = connection.sql(f"SELECT {DIGESTS.format(name='entity')}, {', '.join(columns)} FROM {asked.table}")
    unseen = {**dict.fromkeys(asked.counts, 0), **dict.fromkeys(asked.marks), **dict.fromkeys(asked.distinct, 0)}
    figures = Figures(read.to_arrow_table(), unseen)
    connection.execute(f"DROP TABLE {asked.table}")
    return History(asked.kind, figures, frozenset(asked.marks))


def _touched(connection: duckdb.DuckDBPyConnection, plan: Plan, on: date) -> Iterable[Touched]:
    for name, recipe in plan.recipes.items():
        if isinstance(recipe, Seizures):
            make_seized_of_all(connection, name, recipe, on)
            figures = dict(connection.execute(f"SELECT entity, seized FROM seized_{name}").fetchall())
            yield Touched(name, recipe.at, figures, 0 if recipe.half_life is None else 0.0)


def _peers(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, plan: Plan, on: date) -> Iterable[PeerFigures]:
    measures: dict[str, dict[str, str]] = {}
    for name, recipe in plan.recipes.items():
        if isinstance(recipe, Peers):
            measures.setdefault(recipe.of, {})[name] = recipe.figure
    connection.execute(f"CREATE OR REPLACE TEMP VIEW on_that_day AS SELECT DATE '{on}' AS statistics_day")
    make_peers(connection, snapshot, tuple(measures), "on_that_day")
    for measure, facts in measures.items():
        levels = []
        for level, columns in LEVELS:
            rows = connection.execute(
                f"SELECT {', '.join((*columns, *facts.values()))} FROM peers_{measure} WHERE level = ? AND rows >= ?",
                [level, LEAST],
            ).fetchall()
            levels.append((columns, {row[: len(columns)]: row[len(columns) :] for row in rows}))
        yield PeerFigures(tuple(facts), tuple(levels))


def _filings(connection: duckdb.DuckDBPyConnection, plan: Plan, filed_from: date | None) -> Filings | None:
    if not plan.reads_filings:
        return None
    since = "" if filed_from is None else f" WHERE filed_at >= TIMESTAMPTZ '{filed_from} 00:00:00+00'"
    rows = connection.sql(f"SELECT * FROM consignments{since}")
    return Filings(rows.to_arrow_table(), plan.filed)
