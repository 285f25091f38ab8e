"""Results, seizures and audits as the lake wants them: canonical rows with version and the time they became known.

What copies them calls `uncopied_results`, writes the rows, and marks them with `mark_copied` once the copy is verified;
a row copied twice by a crash in between has the same key and version, so that nothing changes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from tidewaiter.actions.reading import Row, typed
from tidewaiter.core.tables import RESULTS, SEIZURES, Table
from tidewaiter.core.tables.results import AUDIT
from tidewaiter.storage.records.models import Referral, Result, Seizure

CLOSED = "closed"
AUDITED = "post-clearance audit"
"""State and kind of the referrals that are copied."""


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


def audits_to_copy() -> QuerySet[Referral]:
    """Return the post-clearance audits that are closed and not in the lake."""
    return Referral.objects.filter(kind=AUDITED, state=CLOSED, copied_at=None).exclude(closed_at=None)


def uncopied_audits(limit: int = 10_000) -> Uncopied:
    """Return audits not copied yet as results of the act `audit`, known since they were closed.

    An audit counts once however many of them a declaration had, or examinations: history counts declarations.
    """
    found = list(audits_to_copy().select_related("officer").order_by("pk")[:limit])
    return Uncopied(RESULTS, tuple(map(_audit, found)), tuple(one.pk for one in found))


def _audit(one: Referral) -> Row:
    stated = {
        "act_id": f"audit {one.pk} of {one.declaration_id}",
        "declaration_id": one.declaration_id,
        "act": AUDIT,
        "state": "final",
        "outcome": one.outcome,
    }
    if one.officer is not None:
        stated["officer"] = one.officer.login.upper()
    absent = dict.fromkeys(field.name for field in RESULTS.fields)
    moments = {"completed_at": one.closed_at, "known_at": one.closed_at}
    return absent | typed(RESULTS, one.row) | stated | moments | {"version": 1}


def mark_copied(copied: Uncopied, at: datetime) -> None:
    """Note that the rows are in the lake, within the action that copied them."""
    _mark(Result if copied.table is RESULTS else Seizure, copied, at)


def mark_audits_copied(copied: Uncopied, at: datetime) -> None:
    """Note that the rows of audits are in the lake, as `mark_copied` does."""
    _mark(Referral, copied, at)


def _mark(model: type[Result] | type[Seizure] | type[Referral], copied: Uncopied, at: datetime) -> None:
    for start in range(0, len(copied.numbers), 500):
        model.objects.filter(pk__in=copied.numbers[start : start + 500]).update(copied_at=at)


def _uncopied(table: Table, held: Iterable[Result | Seizure]) -> Uncopied:
    found = list(held)
    return Uncopied(table, tuple(_row(table, one) for one in found), tuple(one.pk for one in found))


def _row(table: Table, one: Result | Seizure) -> Row:
    absent = dict.fromkeys(field.name for field in table.fields)
    return absent | typed(table, one.row) | {"version": one.version, "known_at": one.known_at}
