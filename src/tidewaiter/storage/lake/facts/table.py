"""The fact table: every fact of the catalogue for every item, with the figures that the day of decision could know.

A back-test and a live decision read the same query over the same tables, so both have the same numbers: history as
of the close of the day before, filings known at the moment of lodging, declarations lodged earlier the same day.
"""

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tidewaiter.core.errors import NotKnownError
from tidewaiter.core.facts import Catalogue, FactType
from tidewaiter.core.progress import Progress, unheard
from tidewaiter.storage.lake.facts.derived import is_kept, keeping, key_of, place_of
from tidewaiter.storage.lake.facts.filings import make_filings
from tidewaiter.storage.lake.facts.history import asked_of, make_history
from tidewaiter.storage.lake.facts.items import make_items, open_lake, view_part
from tidewaiter.storage.lake.facts.peers import make_peers
from tidewaiter.storage.lake.facts.query import KEY, fact_query, texts_read
from tidewaiter.storage.lake.facts.recipes import Peers, Recipe, SameDay, Seizures, needed, recipes
from tidewaiter.storage.lake.facts.same_day import make_same_day
from tidewaiter.storage.lake.facts.seized import make_seized
from tidewaiter.storage.lake.facts.standing import make_standing
from tidewaiter.storage.lake.facts.statistics import kinds_of, movements
from tidewaiter.storage.lake.lake import Snapshot

BATCH_ROWS = 131_072
ROW_GROUP = 65_536
ROWS_AT_ONCE = 120_000
MEMORY = "900MB"
FORMAT = 3
"""Grows when the making of facts changes, so that rows kept by an older program are not read."""

_SOURCES = ("declarations", "events", "consignments", "results", "seizures")


def statistics_day(snapshot: Snapshot, on: date) -> date:
    """Return the day at whose close statistics are taken for a decision on that day.

    It is the day before or, in a lake whose days are closed one by one, the last closed day if that is earlier.
    """
    before = on - timedelta(days=1)
    return before if snapshot.closed_through is None else min(before, snapshot.closed_through)


def fact_schema(catalogue: Catalogue) -> pa.Schema:
    """Return the Arrow schema of fact rows: declaration_id, version, item_number, then the facts in order."""
    key = [
        pa.field("declaration_id", pa.string()),
        pa.field("version", pa.int64()),
        pa.field("item_number", pa.int64()),
    ]
    return pa.schema([*key, *(pa.field(fact.name, _arrow_type(fact.type, fact.scale)) for fact in catalogue)])


def fact_batches(
    snapshot: Snapshot,
    catalogue: Catalogue,
    start: date,
    end: date,
    *,
    only: Collection[str] | None = None,
    memory: str = MEMORY,
    progress: Progress = unheard,
) -> Iterator[pa.RecordBatch]:
    """Give the fact rows of the declarations lodged from start to end (both included), in order of lodging.

    Each declaration comes once, in the version known at the close of its day of lodging (its first, when none was),
    its rows together in one batch of at most 131,072 rows. `only` names the facts wanted; the key columns always
    come. Months not asked for before are made first and kept. Raises NotKnownError for a name that is no fact.
    """
    names = wanted_facts(catalogue, only)
    months = [m for m in snapshot.partitions("declarations") if f"{start:%Y-%m}" <= m <= f"{end:%Y-%m}"]
    paths = {month: place_of(snapshot.derived, "facts", _key(snapshot, catalogue, month)) for month in months}
    missing = [month for month in months if not is_kept(paths[month])]
    if missing:
        _make_months(snapshot, catalogue, {month: paths[month] for month in missing}, memory, progress)
    schema = pa.schema([field for field in fact_schema(catalogue) if field.name in (*KEY, *names)])
    yield from _whole_declarations(_rows(paths.values(), schema, start, end))


def facts_of_rows(
    snapshot: Snapshot,
    catalogue: Catalogue,
    rows: pa.Table,
    on: date,
    statistics_on: date,
    *,
    only: Collection[str] | None = None,
    memory: str = MEMORY,
) -> pa.Table:
    """Return the fact rows of declarations about to be decided on that day, in order of lodging.

    `rows` are declaration rows with the columns of the canonical table (absent columns are absent values), in the
    lake or not; `statistics_on` is the day at whose close history is taken, see `statistics_day`. The lake's rows of
    the same declarations are left out of the same-day counts. Raises NotKnownError for a name that is no fact.
    """
    names = wanted_facts(catalogue, only)
    made = needed(recipes(catalogue), names)
    with _opened(snapshot, memory) as connection:
        connection.register("given", rows)
        _choose_given(connection, rows, on, statistics_on)
        make_standing(connection, snapshot.administration)
        _prepare(connection, snapshot, made, "chosen")
        make_items(connection, texts_read(catalogue, made))
        make_filings(connection)
        if any(isinstance(recipe, SameDay) for recipe in made.values()):
            _make_same_day(connection, made, _day_rows(connection, snapshot))
        table = connection.sql(fact_query(catalogue, made, asked_of(made))).to_arrow_table()
    schema = pa.schema([field for field in fact_schema(catalogue) if field.name in (*KEY, *names)])
    return table.select(schema.names).cast(schema)


def wanted_facts(catalogue: Catalogue, only: Collection[str] | None) -> list[str]:
    """Return the names of these facts, or of all, in the order of the catalogue.

    Names of key columns are passed over; raises NotKnownError for any other name that is no fact.
    """
    names = [fact.name for fact in catalogue]
    if only is None:
        return names
    unknown = sorted(name for name in only if name not in catalogue and name not in KEY)
    if unknown:
        raise NotKnownError(f"no fact is named {', '.join(unknown)}")
    return [name for name in names if name in only]


def _key(snapshot: Snapshot, catalogue: Catalogue, month: str) -> str:
    """Return what names the facts of a month: the catalogue, and all that could have been known in the month."""
    administration, closed = snapshot.administration, snapshot.closed_through
    known = {
        table: {name: held for name, held in snapshot.digests(table).items() if name <= month} for table in _SOURCES
    }
    settings = (administration.currency, administration.time_zone, str(administration.material_duty))
    stale = None if closed is None or f"{closed + timedelta(days=1):%Y-%m}" > month else closed.isoformat()
    return key_of(FORMAT, duckdb.__version__, catalogue.version, settings, stale, month, known)


@contextmanager
def _opened(snapshot: Snapshot, memory: str) -> Iterator[duckdb.DuckDBPyConnection]:
    with tempfile.TemporaryDirectory(prefix="tidewaiter-") as spill, open_lake(snapshot, memory, spill) as connection:
        connection.execute("SET VARIABLE closed_through = ?", [snapshot.closed_through])
        yield connection


def _make_months(
    snapshot: Snapshot, catalogue: Catalogue, paths: Mapping[str, Path], memory: str, progress: Progress
) -> None:
    made, done = recipes(catalogue), 0
    progress("history of the period, kept for next time", 0, None)
    with _opened(snapshot, memory) as connection:
        make_standing(connection, snapshot.administration)
        connection.execute(_CHOSEN_HEADS)
        partitions = snapshot.partitions("declarations")
        view_part(connection, "declarations", [path for month in paths for path in partitions[month]], "asked_part")
        connection.execute(f"CREATE OR REPLACE TEMP VIEW wanted AS {_CHOSEN.format(part='asked_part')}")
        _prepare(connection, snapshot, made, "wanted")
        for months in _in_turn(snapshot, list(paths)):
            progress("months of facts, kept for next time", done, len(paths))
            _write_months(connection, snapshot, catalogue, {month: paths[month] for month in months})
            done += len(months)


_CHOSEN_HEADS = """
    CREATE OR REPLACE TEMP TABLE chosen_head AS
    SELECT declaration_id, version FROM (
        SELECT declaration_id, version,
            from_on <= min(lodged_on) OVER (PARTITION BY declaration_id) AS in_time FROM head)
    QUALIFY row_number() OVER (
        PARTITION BY declaration_id ORDER BY in_time DESC, CASE WHEN in_time THEN -version ELSE version END) = 1
"""

# An administration's day decides; a lake with closed days has no statistics after the last of them.
_CHOSEN = """
    SELECT *, lodged_day AS decided_on, least(lodged_day - 1, coalesce(getvariable('closed_through'),
        DATE '9999-12-31')) AS statistics_day, lodged_at AS moment
    FROM (SELECT *, CAST(timezone(getvariable('zone'), lodged_at) AS DATE) AS lodged_day FROM {part})
    SEMI JOIN chosen_head USING (declaration_id, version)
"""


def _prepare(
    connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, made: Mapping[str, Recipe], source: str
) -> None:
    """Make every table that is looked up by entity and statistics day, for all that `source` asks."""
    held = movements(connection, snapshot, kinds_of(made.values()))
    for asked in asked_of(made):
        make_history(connection, asked, held, source)
    for name, recipe in made.items():
        if isinstance(recipe, Seizures):
            make_seized(connection, name, recipe, source)
    measures = dict.fromkeys(recipe.of for recipe in made.values() if isinstance(recipe, Peers))
    make_peers(connection, snapshot, tuple(measures), source)


def _in_turn(snapshot: Snapshot, months: Sequence[str]) -> Iterator[list[str]]:
    """Give the months in groups of at most ROWS_AT_ONCE stored rows, one month at least."""
    stored = {month: sum(pq.read_metadata(path).num_rows for path in paths)
              for month, paths in snapshot.partitions("declarations").items()}  # fmt: skip
    group: list[str] = []
    for month in months:
        if group and sum(stored[held] for held in group) + stored[month] > ROWS_AT_ONCE:
            yield group
            group = []
        group.append(month)
    yield group


def _write_months(
    connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, catalogue: Catalogue, paths: Mapping[str, Path]
) -> None:
    made, schema = recipes(catalogue), fact_schema(catalogue)
    partitions = snapshot.partitions("declarations")
    view_part(connection, "declarations", [path for month in paths for path in partitions[month]], "month_part")
    connection.execute(f"CREATE OR REPLACE TEMP VIEW chosen AS {_CHOSEN.format(part='month_part')}")
    make_items(connection, texts_read(catalogue, made))
    make_filings(connection)
    _make_same_day(connection, made, "item")
    rows = connection.sql(fact_query(catalogue, made, asked_of(made))).to_arrow_reader(ROW_GROUP)
    with ExitStack() as stack:
        asides = {month: stack.enter_context(keeping(path)) for month, path in paths.items()}
        writers = {
            month: stack.enter_context(pq.ParquetWriter(aside, schema, compression="zstd"))
            for month, aside in asides.items()
        }
        for batch in rows:
            for month, part in _by_month(batch.select(schema.names).cast(schema)):
                writers[month].write_batch(part)


def _by_month(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    months = pc.strftime(batch.column("lodged_on"), "%Y-%m")
    for month in pc.unique(months).to_pylist():
        yield month, batch.filter(pc.equal(months, month))


def _make_same_day(connection: duckdb.DuckDBPyConnection, made: Mapping[str, Recipe], source: str) -> None:
    for name, recipe in made.items():
        if isinstance(recipe, SameDay):
            make_same_day(connection, name, recipe.of, source)


def _choose_given(connection: duckdb.DuckDBPyConnection, rows: pa.Table, on: date, statistics_on: date) -> None:
    columns = set(rows.column_names)
    version = "coalesce(version, 1)" if "version" in columns else "1"
    known_at = "coalesce(known_at, lodged_at)" if "known_at" in columns else "lodged_at"
    connection.execute("SET VARIABLE decided_on = ?", [on])
    connection.execute("SET VARIABLE statistics_on = ?", [statistics_on])
    left_out = ", ".join(columns & {"version", "known_at"})
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE chosen AS SELECT *, getvariable('decided_on') AS decided_on, "
        "getvariable('statistics_on') AS statistics_day, greatest(lodged_at, "
        "timezone(getvariable('zone'), CAST(getvariable('decided_on') AS TIMESTAMP))) AS moment FROM ("
        "SELECT * FROM declarations WHERE false UNION ALL BY NAME "
        f"SELECT * {f'EXCLUDE ({left_out})' if left_out else ''}, CAST({version} AS BIGINT) AS version, "
        f"{known_at} AS known_at FROM given)"
    )


def _day_rows(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> str:
    """Make and name the relation of all declarations lodged on the days of `item`: the given ones and the lake's."""
    months = connection.execute("SELECT DISTINCT strftime(lodged_on, '%Y-%m') FROM item").fetchall()
    partitions = snapshot.partitions("declarations")
    view_part(
        connection, "declarations", [path for (month,) in months for path in partitions.get(month, [])], "same_part"
    )
    connection.execute(_CHOSEN_HEADS)
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE day_row AS
        SELECT * EXCLUDE (lodged_day), lodged_day AS lodged_on FROM (
            SELECT *, CAST(timezone(getvariable('zone'), lodged_at) AS DATE) AS lodged_day
            FROM same_part SEMI JOIN chosen_head USING (declaration_id, version)
            ANTI JOIN chosen USING (declaration_id))
        WHERE lodged_day IN (SELECT lodged_on FROM item)
        UNION ALL BY NAME SELECT * EXCLUDE (decided_on, statistics_day, moment),
            CAST(timezone(getvariable('zone'), lodged_at) AS DATE) AS lodged_on FROM chosen
    """)
    return "day_row"


def _rows(paths: Collection[Path], schema: pa.Schema, start: date, end: date) -> Iterator[pa.RecordBatch]:
    """Give the rows of the files that were lodged in the period."""
    read = list(dict.fromkeys([*schema.names, "lodged_on"]))
    for path in paths:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=read):
                days = batch.column("lodged_on")
                inside = pc.and_(pc.greater_equal(days, pa.scalar(start)), pc.less_equal(days, pa.scalar(end)))
                kept_rows = batch.filter(inside).select(schema.names)
                yield from kept_rows.cast(schema).to_batches() if isinstance(kept_rows, pa.Table) else [kept_rows]


def _whole_declarations(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Give the rows again in batches of at most BATCH_ROWS that split no declaration."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        while rows > BATCH_ROWS:
            whole = pa.Table.from_batches(held).combine_chunks()
            cut = _last_boundary(whole.column("declaration_id"))
            yield from _one(whole.slice(0, cut))
            rest = whole.slice(cut)
            held, rows = rest.to_batches(), rest.num_rows
            if cut == whole.num_rows:
                break
    if rows:
        yield from _one(pa.Table.from_batches(held))


def _one(table: pa.Table) -> list[pa.RecordBatch]:
    return [batch for batch in table.combine_chunks().to_batches() if batch.num_rows]


def _last_boundary(ids: pa.ChunkedArray) -> int:
    """Return how many rows make up whole declarations within BATCH_ROWS; the first declaration's, if it is longer."""
    at = BATCH_ROWS
    while at > 0 and ids[at] == ids[at - 1]:
        at -= 1
    if at:
        return at
    at = BATCH_ROWS
    while at < len(ids) and ids[at] == ids[at - 1]:
        at += 1
    return at


def _arrow_type(kind: FactType, scale: int) -> pa.DataType:
    match kind:
        case FactType.TEXT | FactType.WORDS:
            return pa.string()
        case FactType.DECIMAL:
            return pa.decimal128(18, scale)
        case FactType.INTEGER:
            return pa.int64()
        case FactType.RATIO:
            return pa.float64()
        case FactType.DATE:
            return pa.date32()
        case FactType.FLAG:
            return pa.bool_()
