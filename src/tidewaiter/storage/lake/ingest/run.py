"""A file into the lake: every input row is accepted, unchanged or rejected, and nothing else happens to it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tidewaiter.core.administration import Administration
from tidewaiter.core.errors import InputError, LakeError
from tidewaiter.core.mapping import FileMapping
from tidewaiter.core.progress import Progress
from tidewaiter.core.tables import TABLES
from tidewaiter.storage.lake.complete import counted_on, first_open_day
from tidewaiter.storage.lake.formats.chunk import InputFile
from tidewaiter.storage.lake.ingest.choose import opened
from tidewaiter.storage.lake.ingest.staging import Staged, stage
from tidewaiter.storage.lake.ingest.versions import settle
from tidewaiter.storage.lake.lake import Lake, Snapshot
from tidewaiter.storage.lake.manifest import MANIFEST
from tidewaiter.storage.lake.schema import path_literal, quoted
from tidewaiter.storage.lake.writer import LakeWriter

REJECTS = "rejects"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableReport:
    """What one table got: rows added, and the versions they make up, of which `amended` follow an earlier one."""

    rows: int = 0
    versions: int = 0
    amended: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """What became of the input rows: `accepted + unchanged + rejected == read`.

    `rejects_file` is None when nothing was rejected. `ignored_columns` are those of the file that the mapping does not
    read; `assumed_known_at` names the tables whose known_at is the mapping's guess.
    """

    read: int
    accepted: int
    unchanged: int
    rejected: int
    rejects_file: Path | None
    mapping: str
    tables: Mapping[str, TableReport]
    ignored_columns: tuple[str, ...] = ()
    assumed_known_at: tuple[str, ...] = ()


def ingest_file(
    lake_folder: Path | str,
    file: Path | str,
    mapping: FileMapping | None = None,
    *,
    loaded_at: datetime | None = None,
    administration: Administration | None = None,
    progress: Progress | None = None,
) -> IngestReport:
    """Load a file into the lake in that folder, which is made when there is none, in one commit.

    Without a mapping the one shipped mapping is used whose columns the file has. `administration` is that of a lake
    that has to be made (else the mapping's, else the default one). `loaded_at` is the present when left out.
    Raises InputError when the file or the mapping cannot be used, LakeError when the lake cannot.
    """
    path = Path(file)
    mapping, source = opened(path, mapping)
    made = not (Path(lake_folder) / MANIFEST).exists()
    lake = Lake.open_or_create(lake_folder, administration or mapping.administration or Administration())
    _check_same(lake, mapping)
    try:
        return _load(lake, path, source, mapping, loaded_at or datetime.now(UTC), progress)
    except InputError:
        if made:
            lake.discard_unused()
        raise


def _load(
    lake: Lake, path: Path, source: InputFile, mapping: FileMapping, loaded: datetime, progress: Progress | None
) -> IngestReport:
    with lake.writing() as writer:
        staged = stage(source, mapping, lake.administration.time_zone, writer.staging_folder(), progress)
        try:
            if progress is not None:
                progress("comparing versions", staged.read, staged.read)
            settle(staged, Snapshot(lake.folder, writer.manifest))
            tables = {name: _write(staged, name, writer, loaded, progress) for name in staged.tables}
            counts = line_counts(staged)
            rejects_file = _write_rejects(staged, lake.folder, path, loaded) if counts["rejected"] else None
        finally:
            staged.connection.close()
    return IngestReport(
        read=staged.read,
        **counts,
        rejects_file=rejects_file,
        mapping=mapping.name,
        tables=tables,
        ignored_columns=tuple(name for name in source.headers if name and name not in mapping.columns()),
        assumed_known_at=tuple(dict.fromkeys(one.table for one in mapping.tables if one.known_at.assumed)),
    )


def line_counts(staged: Staged) -> dict[str, int]:
    """Return how many input rows are accepted, unchanged and rejected."""
    found = dict(staged.connection.execute("SELECT state, count(*) FROM line_state GROUP BY state").fetchall())
    return {state: int(found.get(state, 0)) for state in ("accepted", "unchanged", "rejected")}


def _check_same(lake: Lake, mapping: FileMapping) -> None:
    """Raise LakeError when the file's national currency is not the lake's."""
    stated, held = mapping.administration, lake.administration
    if stated is not None and stated.currency != held.currency:
        raise LakeError(
            f"the lake in {lake.folder} is in {held.currency}, the mapping {mapping.name} in {stated.currency}: "
            "load the file into a lake of its own"
        )


def _write(staged: Staged, name: str, writer: LakeWriter, loaded: datetime, progress: Progress | None) -> TableReport:
    """Write the rows of new versions, month by month, and hand the files to the writer."""
    connection, table = staged.connection, TABLES[name]
    order = ", ".join(quoted(field) for field in (table.day, *table.key, *table.rows, "version"))
    fields = ", ".join(f"s.{quoted(field.name)}" for field in table.fields)
    counted = counted_on("s.known_at")
    connection.execute(f"""
        CREATE TABLE new_{name} AS SELECT r.line, r.feed, g.version, g.digest FROM rows_{name} r
        JOIN groups_{name} g USING ("group") WHERE g.state = 'new' AND NOT r.repeats
    """)
    chosen = f"""
        SELECT {fields}, n.version, s.known_at, CAST($loaded AS TIMESTAMPTZ) AS loaded_at, {counted} AS counted_on,
               n.digest AS content_digest
        FROM staged_{name} s JOIN new_{name} n ON s.line = n.line AND s.feed = n.feed
        WHERE s.partition = $partition ORDER BY {order}
    """
    marks = {
        "zone": writer.manifest.administration.time_zone,
        "open": first_open_day(writer.manifest),
        "loaded": loaded,
    }
    months = [
        month
        for (month,) in connection.execute(
            f"SELECT DISTINCT s.partition FROM staged_{name} s SEMI JOIN new_{name} USING (line) ORDER BY ALL"
        ).fetchall()
    ]
    for number, month in enumerate(months):
        path = writer.staging_file()
        connection.execute(
            f"COPY ({chosen}) TO {path_literal(str(path))} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)",
            {**marks, "partition": month},
        )
        writer.adopt(name, month, path)
        if progress is not None:
            progress(f"writing {name}", number + 1, len(months))
    return _report(staged, name)


def _report(staged: Staged, name: str) -> TableReport:
    ((rows, versions, amended),) = staged.connection.execute(f"""
        SELECT (SELECT count(*) FROM new_{name}), count(*), count(*) FILTER (version > 1)
        FROM groups_{name} WHERE state = 'new'
    """).fetchall()
    return TableReport(rows=rows, versions=versions, amended=amended)


def _write_rejects(staged: Staged, folder: Path, source: Path, loaded: datetime) -> Path:
    """Write what was rejected and why, one row a problem, and return the file."""
    target = folder / REJECTS
    target.mkdir(exist_ok=True)
    stem = re.sub(r"[^\w.-]+", "-", source.stem)[:80] or "input"
    path = target / f"{stem}-{loaded.astimezone(UTC):%Y%m%dT%H%M%S%f}.csv"
    aside = path.with_suffix(".aside")
    staged.connection.execute(
        f'COPY (SELECT line, "column", "value", reason FROM rejects ORDER BY line, "column" NULLS LAST, reason) '
        f"TO {path_literal(str(aside))} (FORMAT csv, HEADER)"
    )
    aside.replace(path)
    return path
