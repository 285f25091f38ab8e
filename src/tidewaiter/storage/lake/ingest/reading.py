"""Declarations read from a file without a lake, for a decision about them."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.core.mapping import FileMapping
from tidewaiter.core.progress import Progress
from tidewaiter.core.tables import DECLARATIONS
from tidewaiter.storage.lake.ingest.choose import opened
from tidewaiter.storage.lake.ingest.run import line_counts
from tidewaiter.storage.lake.ingest.staging import Staged, stage
from tidewaiter.storage.lake.ingest.versions import settle
from tidewaiter.storage.lake.lake import Snapshot
from tidewaiter.storage.lake.schema import quoted, row_schema


@dataclass(frozen=True, slots=True)
class Reject:
    """One problem of one input row; `column` and `value` are None where the whole row, or a sibling, is at fault."""

    line: int
    column: str | None
    value: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDeclarations:
    """Declarations read from a file without a lake.

    `rows` has the fields of the table, `version` (where the file gives none, the next one, from 1) and `known_at`, in
    the order of lodging; `undecided` names the declarations that were rejected as a whole, sorted.
    """

    rows: pa.Table
    read: int
    accepted: int
    rejected: int
    rejects: tuple[Reject, ...]
    undecided: tuple[str, ...]
    mapping: str


def read_declarations(
    file: Path | str,
    mapping: FileMapping | None = None,
    *,
    snapshot: Snapshot | None = None,
    progress: Progress | None = None,
) -> ReadDeclarations:
    """Return the declarations of a file, whole ones only: with one bad item none of its rows is there.

    Beside a snapshot of the lake versions go on from those it holds, content it holds keeps its version, and a
    version given with other content is rejected; instants without a zone are in the lake's (else the mapping's, else
    UTC). Raises InputError when the file or the mapping cannot be used, or the mapping gives no declarations.
    """
    path = Path(file)
    mapping, source = opened(path, mapping)
    tables = tuple(table for table in mapping.tables if table.table == DECLARATIONS.name)
    if not tables:
        raise InputError(Problem(f"the mapping {mapping.name} gives no declarations", Place(str(path))))
    only = FileMapping(name=mapping.name, tables=tables, format=mapping.format, administration=mapping.administration)
    administration = snapshot.administration if snapshot is not None else mapping.administration
    zone = administration.time_zone if administration else "UTC"
    with tempfile.TemporaryDirectory() as folder:
        staged = stage(source, only, zone, Path(folder), progress)
        try:
            settle(staged, snapshot)
            return _read(staged, mapping.name)
        finally:
            staged.connection.close()


def _read(staged: Staged, mapping: str) -> ReadDeclarations:
    counts = line_counts(staged)
    return ReadDeclarations(
        rows=_rows(staged),
        read=staged.read,
        accepted=counts["accepted"] + counts["unchanged"],
        rejected=counts["rejected"],
        rejects=_rejects(staged),
        undecided=_undecided(staged),
        mapping=mapping,
    )


def _rows(staged: Staged) -> pa.Table:
    fields = ", ".join(f"s.{quoted(field.name)}" for field in DECLARATIONS.fields)
    schema = row_schema(DECLARATIONS)
    kept = [schema.field(name) for name in (*(field.name for field in DECLARATIONS.fields), "version", "known_at")]
    rows = staged.connection.sql(f"""
        SELECT {fields}, g.version, s.known_at
        FROM staged_declarations s JOIN rows_declarations r ON s.line = r.line AND s.feed = r.feed
        JOIN groups_declarations g USING ("group")
        WHERE g.state <> 'rejected' AND NOT r.repeats ORDER BY s.lodged_at, s.declaration_id, g.version, s.item_number
    """)
    return rows.to_arrow_table().cast(pa.schema(kept))


def _rejects(staged: Staged) -> tuple[Reject, ...]:
    found = staged.connection.execute(
        'SELECT line, "column", "value", reason FROM rejects ORDER BY line, "column" NULLS LAST, reason'
    ).fetchall()
    return tuple(Reject(*row) for row in found)


def _undecided(staged: Staged) -> tuple[str, ...]:
    found = staged.connection.execute("""
        SELECT DISTINCT declaration_id FROM rows_declarations SEMI JOIN rejected USING (line)
        WHERE declaration_id IS NOT NULL ORDER BY declaration_id
    """).fetchall()
    return tuple(name for (name,) in found)
