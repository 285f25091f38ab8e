"""Percentiles of an item's peers, as known on the first day of a month, over the twelve months before it.

Peers are the items of the same subheading and origin; with fewer than LEAST of them those of the subheading, else
those of the heading. The version counts that stood at the close of the month before.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from tidewaiter.storage.lake.facts.derived import is_kept, keeping, key_of, place_of
from tidewaiter.storage.lake.facts.items import WORKING
from tidewaiter.storage.lake.lake import Snapshot

LEAST = 20
"""Items below which a level says too little, and the next wider one is taken."""

MONTHS = 12
LEVELS = (("hs6-origin", ("hs6", "origin")), ("hs6", ("hs6",)), ("hs4", ("hs4",)))
"""Levels from narrow to wide, each with the columns that name a peer group."""

SHARES = (5, 10, 25, 50, 75, 90, 95)
FORMAT = 1

_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("level", "hs4", "hs6", "origin")),
        ("rows", pa.int64()),
        *((f"p{share}", pa.float64()) for share in SHARES),
    ]
)


def month_asked(statistics_day: str) -> str:
    """Return the expression for the month (its first day) whose percentiles are known at the close of that day."""
    return f"CAST(date_trunc('month', {statistics_day} + 1) AS DATE)"


def make_peers(
    connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, measures: Collection[str], source: str
) -> None:
    """Make the table `peers_MEASURE` for every month that the relation `source` asks about.

    The connection has the tables of `make_standing`; the figures of a month are kept in a derived file.
    """
    asked = [row[0] for row in connection.execute(
        f"SELECT DISTINCT {month_asked('statistics_day')} FROM {source} ORDER BY 1").fetchall()]  # fmt: skip
    for measure in measures:
        paths = [str(path) for path in _files(connection, snapshot, measure, asked)]
        connection.execute(f"DROP TABLE IF EXISTS peers_{measure}")
        tables = [
            pq.read_table(path).append_column("month", pa.array([month] * pq.read_metadata(path).num_rows, pa.date32()))
            for month, path in zip(asked, paths, strict=True)
        ]
        connection.register("peers_read", pa.concat_tables(tables) if tables else _SCHEMA.append(
            pa.field("month", pa.date32())).empty_table())  # fmt: skip
        connection.execute(f"CREATE OR REPLACE TEMP TABLE peers_{measure} AS SELECT * FROM peers_read")
        connection.unregister("peers_read")


def _files(
    connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, measure: str, asked: Sequence[date]
) -> Iterator[Path]:
    places = {month: place_of(snapshot.derived, "peers", _key(snapshot, measure, month)) for month in asked}
    missing = [month for month, path in places.items() if not is_kept(path)]
    made = _percentiles(connection, measure, missing) if missing else {}
    for month, path in places.items():
        if month in made:
            with keeping(path) as aside:
                pq.write_table(made[month], aside)
        yield path


def _key(snapshot: Snapshot, measure: str, month: date) -> str:
    """Return what names a month's figures: nothing that counts later than the month before is behind them."""
    administration = snapshot.administration
    inputs = {
        table: {name: held for name, held in snapshot.digests(table).items() if name < f"{month:%Y-%m}"}
        for table in ("declarations", "events")
    }
    settled = (administration.time_zone, administration.currency, LEAST, MONTHS, SHARES, FORMAT, WORKING[measure])
    return key_of(settled, measure, month, inputs)


def _percentiles(connection: duckdb.DuckDBPyConnection, measure: str, months: Sequence[date]) -> dict[date, pa.Table]:
    rows = connection.sql(
        f"""
        SELECT {WORKING["hs4"]} AS hs4, {WORKING["hs6"]} AS hs6, origin, {WORKING[measure]} AS figure,
            head.lodged_on - DATE '1970-01-01' AS lodged_on, head.from_on - DATE '1970-01-01' AS from_on,
            coalesce(ended.until_on - DATE '1970-01-01', 2147483647) AS until_on
        FROM declarations JOIN head USING (declaration_id, version) LEFT JOIN ended USING (declaration_id, version)
        WHERE isfinite({WORKING[measure]}) AND {WORKING["hs4"]} IS NOT NULL
            AND head.lodged_on >= ? AND head.lodged_on < ?
        """,
        params=[_months_before(min(months), MONTHS), max(months)],
    ).to_arrow_table()
    grown = {level: _Groups(rows, columns) for level, columns in LEVELS}
    return {
        month: pa.concat_tables([groups.figures(level, month) for level, groups in grown.items()]) for month in months
    }


def _months_before(month: date, months: int) -> date:
    count = month.year * 12 + month.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)


class _Groups:
    """Rows sorted once by peer group and figure, so that a month's percentiles are positions in a masked copy."""

    def __init__(self, rows: pa.Table, columns: tuple[str, ...]) -> None:
        self._columns = columns
        group = self._numbered(rows)
        figure = _numpy(rows, "figure")
        order = np.lexsort((figure, group))
        order = order[group[order] >= 0]
        self._group, self._figure = group[order], figure[order]
        self._lodged, self._from, self._until = (
            _numpy(rows, name)[order] for name in ("lodged_on", "from_on", "until_on")
        )

    def _numbered(self, rows: pa.Table) -> npt.NDArray[np.int64]:
        """Return the number of each row's group, -1 where a column is missing; keep what the numbers mean."""
        number = np.zeros(rows.num_rows, dtype=np.int64)
        absent = np.zeros(rows.num_rows, dtype=bool)
        self._names: list[list[str]] = []
        for column in self._columns:
            coded = rows[column].combine_chunks().dictionary_encode()
            codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
            self._names.append(coded.dictionary.to_pylist())
            absent |= codes < 0
            number = number * max(len(coded.dictionary), 1) + codes
        return np.where(absent, -1, number)

    def figures(self, level: str, month: date) -> pa.Table:
        """Return one row a group that has items in the months before the month: rows and percentiles."""
        first, day = _day(_months_before(month, MONTHS)), _day(month)
        inside = (self._lodged >= first) & (self._lodged < day) & (self._from < day) & (self._until >= day)
        group, figure = self._group[inside], self._figure[inside]
        starts = np.flatnonzero(np.diff(group, prepend=-1))
        sizes = np.diff(starts, append=len(group))
        columns: dict[str, object] = {"level": [level] * len(starts), "rows": sizes}
        for share in SHARES:
            columns[f"p{share}"] = _at_share(figure, starts, sizes, share / 100)
        return self._named(group[starts], columns)

    def _named(self, groups: npt.NDArray[np.int64], columns: dict[str, object]) -> pa.Table:
        left = groups
        for column, names in reversed(list(zip(self._columns, self._names, strict=True))):
            left, code = np.divmod(left, max(len(names), 1))
            columns[column] = [names[i] for i in code]
        for name in ("hs4", "hs6", "origin"):
            columns.setdefault(name, pa.nulls(len(groups), pa.string()))
        return pa.table({name: columns[name] for name in _SCHEMA.names}, schema=_SCHEMA)


def _at_share(
    figure: npt.NDArray[np.float64], starts: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64], share: float
) -> npt.NDArray[np.float64]:
    """Return the percentile of each sorted run, interpolated between neighbours (Hyndman and Fan's type 7)."""
    if not len(starts):
        return np.zeros(0)
    place = share * (sizes - 1)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, sizes - 1)
    low, high = figure[starts + below], figure[starts + above]
    between: npt.NDArray[np.float64] = low + (high - low) * (place - below)
    return between


def _numpy(rows: pa.Table, name: str) -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = np.asarray(rows[name].combine_chunks().to_numpy(zero_copy_only=False))
    return values


def _day(day: date) -> int:
    return (day - date(1970, 1, 1)) // timedelta(days=1)
