"""Results and seizures as the lake wants them: canonical rows with version and the time they became known.

What copies them calls `uncopied_results`, writes the rows, and marks them with `mark_copied` once the copy is verified;
a row copied twice by a crash in between has the same key and version, so that nothing changes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tidewaiter.actions.reading import Row, typed
from tidewaiter.core.tables import RESULTS, SEIZURES, Table
from tidewaiter.storage.records.models import Result, Seizure


@dataclass(frozen=True, slots=True)
class Uncopied:
    """Rows of one table to be copied, oldest first, and the numbers of the records they stand for."""

    table: Table
    rows: tuple[Row, ...]
    numbers: tuple[int, ...]


def uncopied_results(limit: int = 10_000) -> Uncopied:
    """Return results not copied yet: every field of the table (None where absent), `version` and `known_at`."""
    return _uncopied(RESULTS, Result.objects.filter(copied_at=None).order_by("pk")[:limit])


def uncopied_seizures(limit: int = 10_000) -> Uncopied:
    """Return seizures not copied yet, in the same form."""
    return _uncopied(SEIZURES, Seizure.objects.filter(copied_at=None).order_by("pk")[:limit])


def mark_copied(copied: Uncopied, at: datetime) -> None:
    """Note that the rows are in the lake, within the action that copied them."""
    model = Result if copied.table is RESULTS else Seizure
    for start in range(0, len(copied.numbers), 500):
        model.objects.filter(pk__in=copied.numbers[start : start + 500]).update(copied_at=at)


def _uncopied(table: Table, held: Iterable[Result | Seizure]) -> Uncopied:
    found = list(held)
    return Uncopied(table, tuple(_row(table, one) for one in found), tuple(one.pk for one in found))


def _row(table: Table, one: Result | Seizure) -> Row:
    absent = dict.fromkeys(field.name for field in table.fields)
    return absent | typed(table, one.row) | {"version": one.version, "known_at": one.known_at}
