"""Seizures: goods taken, with or without a declaration, as versions that never change."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tidewaiter.actions.acting import Actor, action, officer_of, record, require
from tidewaiter.actions.reading import Row, read_row, stored
from tidewaiter.actions.rights import granting
from tidewaiter.core.errors import ConflictError, InputError, NotKnownError, Place, Problem
from tidewaiter.core.tables import SEIZURES
from tidewaiter.core.tables.results import CATEGORIES
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Officer, Seizure
from tidewaiter.storage.records.visibility import limited, visible_to


@dataclass(frozen=True, slots=True, kw_only=True)
class SeizureVersion:
    """One version of a seizure record as it is shown; `fields` are those of core.tables.SEIZURES."""

    number: str
    version: int
    fields: Mapping[str, Any]
    reason: str
    by: str
    known_at: datetime


@action("seizure.record")
def record_seizure(*, given: Mapping[str, object], by: Actor, at: datetime) -> SeizureVersion:
    """Record a seizure: fields of core.tables.SEIZURES; without a number it gets one of its office and year.

    Raises InputError with every problem, ConflictError when the number is taken.
    """
    officer = officer_of(by)
    stated = {"office": officer.office_id} | {name: value for name, value in given.items() if value is not None}
    row = _checked(stated, officer, "seizure.record", at)
    lock_chain()
    row.setdefault("seizure_number", _next_number(row["office"], at))
    if Seizure.objects.filter(seizure_number=row["seizure_number"]).exists():
        raise ConflictError(f"seizure {row['seizure_number']} is recorded; a correction needs its reason")
    return _keep(row, 1, "", officer, at)


@action("seizure.correct")
def correct_seizure(
    *, number: str, given: Mapping[str, object], reason: str, by: Actor, at: datetime
) -> SeizureVersion:
    """Add a version to a seizure record; `given` is the whole of it as it stands now.

    Raises NotKnownError for a seizure the officer may not see, InputError with every problem.
    """
    officer = officer_of(by)
    lock_chain()
    latest = _latest(number, officer, "seizure.correct")
    stated = {"office": latest.office} | {name: value for name, value in given.items() if value is not None}
    row = _checked({**stated, "seizure_number": number}, officer, "seizure.correct", at, reason=reason)
    return _keep(row, latest.version + 1, reason, officer, at)


def _checked(stated: Mapping[str, object], officer: Officer, action: str, at: datetime, reason: str = "first") -> Row:
    row, problems = read_row(SEIZURES, stated, later=("seizure_number",))
    problems += _problems(row, officer, action, at)
    if not reason.strip():
        problems.append(Problem("a new version needs its reason", Place("reason")))
    if problems:
        raise InputError(problems)
    return row


def _problems(row: Row, officer: Officer, action: str, at: datetime) -> Iterator[Problem]:
    for name in ("legal_basis", "goods", "office"):
        if name not in row:
            yield Problem("is required of a seizure", Place(name))
    if "office" in row and limited(officer, granting(action)) and row["office"] != officer.office_id:
        yield Problem("is not your office", Place("office"))
    if row.get("category", CATEGORIES[0]) not in CATEGORIES:
        yield Problem(f"is none of {', '.join(CATEGORIES)}", Place("category"))
    for name in ("quantity", "value"):
        if row.get(name, Decimal(0)) < 0:
            yield Problem("is not negative", Place(name))
    if "quantity" in row and "quantity_unit" not in row:
        yield Problem("say in which unit", Place("quantity_unit"))
    if "seized_at" in row and row["seized_at"] > at:
        yield Problem("lies in the future", Place("seized_at"))
    if len(row.get("seizure_number", "")) > 80:
        yield Problem("is at most 80 characters long", Place("seizure_number"))


def _next_number(office: str, at: datetime) -> str:
    """Return the number after the last of that office and year; called with the chain held, so no two are alike."""
    start = f"{office}-{at.year}-"
    taken = Seizure.objects.filter(seizure_number__startswith=start, version=1).values_list("seizure_number", flat=True)
    counts = [int(rest) for number in taken if (rest := number.removeprefix(start)).isdecimal()]
    return f"{start}{max(counts, default=0) + 1:05d}"


def _keep(row: Row, version: int, reason: str, officer: Officer, at: datetime) -> SeizureVersion:
    seizure = Seizure.objects.create(
        seizure_number=row["seizure_number"],
        version=version,
        declaration_id=row.get("declaration_id", ""),
        office=row["office"],
        row=stored(row),
        reason=reason,
        by=officer,
        known_at=at,
    )
    record(f"seizure:{seizure.seizure_number}", seizure_content(seizure))
    return _shown(seizure)


def seizure_content(seizure: Seizure) -> bytes:
    """Return what the audit chain holds of a version of a seizure record."""
    return json.dumps([seizure.row, seizure.reason, seizure.by_id], sort_keys=True).encode()


def _latest(number: str, officer: Officer, action: str) -> Seizure:
    versions = visible_to(officer, Seizure.objects.select_for_update(of=("self",)), granting(action))
    latest = versions.filter(seizure_number=number).order_by("-version").first()
    if latest is None:
        raise NotKnownError(f"no seizure {number} is known")
    return latest


@action("seizure.read")
def seizure_versions(*, number: str, by: Actor, at: datetime) -> list[SeizureVersion]:
    """Return every version of a seizure, the first first; the reading is recorded, for it names persons."""
    versions = visible_to(officer_of(by), Seizure.objects.select_related("by"), granting("seizure.read"))
    found = [_shown(one) for one in versions.filter(seizure_number=number).order_by("version")]
    if not found:
        raise NotKnownError(f"no seizure {number} is known")
    record(f"seizure:{number}")
    return found


def seizures(*, by: Actor, at: datetime, after: int = 0, limit: int = 100) -> list[tuple[int, SeizureVersion]]:
    """Return first versions of seizures the officer may see, each with its cursor, without parties."""
    require("seizure.read", by, at)
    held = visible_to(officer_of(by), Seizure.objects.select_related("by"), granting("seizure.read"))
    found = held.filter(version=1, pk__gt=after).order_by("pk")[:limit]
    return [(one.pk, _without_parties(_shown(one))) for one in found]


def _without_parties(shown: SeizureVersion) -> SeizureVersion:
    kept = {name: value for name, value in shown.fields.items() if name != "parties"}
    return SeizureVersion(
        number=shown.number,
        version=shown.version,
        fields=kept,
        reason=shown.reason,
        by=shown.by,
        known_at=shown.known_at,
    )


def _shown(seizure: Seizure) -> SeizureVersion:
    return SeizureVersion(
        number=seizure.seizure_number,
        version=seizure.version,
        fields=seizure.row,
        reason=seizure.reason,
        by=seizure.by.login,
        known_at=seizure.known_at,
    )
