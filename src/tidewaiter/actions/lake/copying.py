"""Copies what the records received into the lake, with the time it became known, and again without harm.

Rows go through the same ingest as a file: what the lake holds already is "unchanged", so a copy that was cut off is
made again. A record counts as copied when the lake has committed; rows the lake rejects go to its rejects file, are
told, and stay in the records.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tidewaiter.actions.acting import Actor, action, record, require
from tidewaiter.actions.lake.lake_rows import (
    Uncopied,
    audits_to_copy,
    mark_audits_copied,
    mark_copied,
    uncopied_audits,
    uncopied_results,
    uncopied_seizures,
)
from tidewaiter.actions.packing import to_json, unpacked
from tidewaiter.actions.rows import rows_from_json
from tidewaiter.core.tables import CONSIGNMENTS, DECLARATIONS, EVENTS, Table
from tidewaiter.language.mappings import load_mapping
from tidewaiter.storage.lake.ingest.run import IngestReport, ingest_file
from tidewaiter.storage.lake.schema import row_schema
from tidewaiter.storage.records import models

MOST_AT_ONCE = 20_000
"""Records copied in one commit of the lake."""


def anything_uncopied(until: datetime | None = None) -> bool:
    """Tell whether anything was received that is not in the lake, up to an instant (None: at all)."""
    received = [
        (models.Lodgement.objects, "received_at"),
        (models.Consignment.objects, "received_at"),
        (models.Event.objects, "received_at"),
        (models.Result.objects, "known_at"),
        (models.Seizure.objects, "known_at"),
    ]
    waiting = [(held.filter(copied_at=None), at) for held, at in received] + [(audits_to_copy(), "closed_at")]
    return any((found if until is None else found.filter(**{f"{at}__lte": until})).exists() for found, at in waiting)


@dataclass(frozen=True, slots=True)
class Copied:
    """What one copy did: rows by table, and what the lake rejected."""

    rows: Mapping[str, int]
    rejected: int
    rejects_files: tuple[str, ...]


def copy_to_lake(*, lake: Path, by: Actor, at: datetime) -> Copied:
    """Copy what was received and not copied yet: declarations, consignments, events, results, audits, seizures.

    The lake is written before the transaction that notes it, so that no decision waits for a file. Raises LakeError
    when another process writes the lake.
    """
    require("lake.copy", by, at)
    written = [(one, settle, _ingest(lake, one, at)) for one, settle in _waiting() if one.rows]
    return _note(written=written, by=by, at=at)


type Settle = Callable[[Uncopied, datetime], None]


@action("lake.copy")
def _note(*, written: Sequence[tuple[Uncopied, Settle, IngestReport]], by: Actor, at: datetime) -> Copied:
    """Note what the lake has committed."""
    rows: dict[str, int] = {}
    rejected, files = 0, []
    for uncopied, settle, report in written:
        rows[uncopied.table.name] = rows.get(uncopied.table.name, 0) + report.accepted + report.unchanged
        rejected += report.rejected
        if report.rejects_file:
            files.append(report.rejects_file.name)
        settle(uncopied, at)
    done = Copied(rows, rejected, tuple(files))
    record("lake", to_json({"rows": rows, "rejected": rejected}).encode())
    return done


def _waiting() -> list[tuple[Uncopied, Settle]]:
    return [
        (_declarations(), _settle(models.Lodgement)),
        (_consignments(), _settle(models.Consignment)),
        (_events(), _settle(models.Event)),
        (uncopied_results(MOST_AT_ONCE), mark_copied),
        (uncopied_audits(MOST_AT_ONCE), mark_audits_copied),
        (uncopied_seizures(MOST_AT_ONCE), mark_copied),
    ]


def _settle(model: type[models.Lodgement] | type[models.Consignment] | type[models.Event]) -> Settle:
    def settle(copied: Uncopied, at: datetime) -> None:
        for start in range(0, len(copied.numbers), 500):
            model.objects.filter(pk__in=copied.numbers[start : start + 500]).update(copied_at=at)

    return settle


def _declarations() -> Uncopied:
    held = list(models.Lodgement.objects.filter(copied_at=None).order_by("pk")[:MOST_AT_ONCE])
    rows = [
        {**row, "version": one.version, "known_at": one.received_at}
        for one in held
        for row in rows_from_json(unpacked(one.rows), DECLARATIONS)
    ]
    return Uncopied(DECLARATIONS, tuple(rows), tuple(one.pk for one in held))


def _consignments() -> Uncopied:
    held = list(models.Consignment.objects.filter(copied_at=None).order_by("pk")[:MOST_AT_ONCE])
    rows = [
        {**rows_from_json(unpacked(one.row), CONSIGNMENTS)[0], "version": one.version, "known_at": one.received_at}
        for one in held
    ]
    return Uncopied(CONSIGNMENTS, tuple(rows), tuple(one.pk for one in held))


def _events() -> Uncopied:
    held = list(models.Event.objects.filter(copied_at=None).order_by("pk")[:MOST_AT_ONCE])
    rows = [
        {**one.row, "event_id": one.event_id, "occurred_at": one.occurred_at, "known_at": one.received_at, "version": 1}
        for one in held
    ]
    return Uncopied(EVENTS, tuple(rows), tuple(one.pk for one in held))


def _ingest(lake: Path, uncopied: Uncopied, at: datetime) -> IngestReport:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"service-{uncopied.table.name}.parquet"
        pq.write_table(_table(uncopied.table, uncopied.rows), file)
        return ingest_file(lake, file, load_mapping(uncopied.table.name), loaded_at=at)


def _table(table: Table, rows: Sequence[Mapping[str, object]]) -> pa.Table:
    schema = row_schema(table)
    names = [field.name for field in table.fields] + ["version", "known_at"]
    fields = [schema.field(name) for name in names]
    return pa.Table.from_arrays(
        [pa.array([row.get(field.name) for row in rows], field.type) for field in fields], schema=pa.schema(fields)
    )
