"""Seizures: goods taken, with or without a declaration."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema, Status

from tidewaiter.actions.examinations import seizures as kept
from tidewaiter.core.tables.results import CATEGORIES
from tidewaiter.faces.api.calling import Given, Page, caller, moment, needs, paged
from tidewaiter.faces.api.worklist import NO_NUL

router = Router(tags=["seizures"])

type Code = Annotated[str | None, Field(max_length=200)]
type Text = Annotated[str | None, Field(max_length=4000)]


class PartyGiven(Given):
    """A party to the goods."""

    role: Code = None
    code: Code = None
    name: Text = None


class SeizureGiven(Given):
    """The fields of core.tables.SEIZURES. Without a number it gets one; without an office it is the officer's."""

    seized_at: Annotated[datetime, Field(description="With its time zone")]
    legal_basis: Annotated[str, Field(max_length=4000)]
    goods: Annotated[str, Field(max_length=4000)]
    seizure_number: Annotated[str | None, Field(max_length=80)] = None
    office: Annotated[str | None, Field(max_length=35)] = None
    declaration_id: Code = None
    document: Code = None
    category: Annotated[str | None, Field(max_length=40, json_schema_extra={"enum": list(CATEGORIES)})] = None
    hs_code: Code = None
    quantity: Decimal | None = None
    quantity_unit: Code = None
    value: Annotated[Decimal | None, Field(description="National currency")] = None
    concealment: Text = None
    detection_means: Text = None
    conveyance: Text = None
    origin: Code = None
    departure: Code = None
    port_of_loading: Code = None
    transit_port: Code = None
    parties: Annotated[list[PartyGiven] | None, Field(max_length=1000)] = None

    def fields(self) -> Mapping[str, object]:
        """Return the fields of core.tables.SEIZURES that were given."""
        return self.model_dump(exclude={"reason"}, exclude_none=True)


class SeizureCorrectionGiven(SeizureGiven):
    """The whole record as it stands now, and why there is a new version. Its number is the one corrected."""

    seizure_number: Annotated[str, Field(max_length=80)]
    reason: Annotated[str, Field(max_length=4000)]


class SeizureAnswer(Schema):
    """One version of a seizure record."""

    number: str
    version: int
    fields: dict[str, Any]
    reason: str
    by: str
    known_at: datetime


class SeizurePage(Schema):
    """A part of the list, without parties."""

    entries: list[SeizureAnswer]
    next: int | None


@router.post("/seizures", auth=needs("seizure.record"), response={201: SeizureAnswer}, summary="Record a seizure")
def seizure(request: HttpRequest, given: SeizureGiven) -> Status[Any]:
    """Record a seizure; every problem is told at once."""
    return Status(201, kept.record_seizure(given=given.fields(), by=caller(request), at=moment()))


@router.post(
    "/seizures/corrections",
    auth=needs("seizure.correct"),
    response={201: SeizureAnswer},
    summary="Correct a seizure record",
)
def seizure_correction(request: HttpRequest, given: SeizureCorrectionGiven) -> Status[Any]:
    """Add a version to a seizure record; the earlier ones stay as they are."""
    made = kept.correct_seizure(
        number=given.seizure_number, given=given.fields(), reason=given.reason, by=caller(request), at=moment()
    )
    return Status(201, made)


@router.get("/seizures", auth=needs("seizure.read"), response=SeizurePage, summary="List seizures")
def seizures(request: HttpRequest, page: Query[Page]) -> dict[str, Any]:
    """Return seizures as first recorded, without their parties."""
    found = kept.seizures(by=caller(request), at=moment(), after=page.after, limit=page.limit)
    shown = paged(found, page, lambda pair: pair[0])
    return {**shown, "entries": [one for _, one in shown["entries"]]}


class Numbered(Given):
    """The number of a record."""

    number: Annotated[str, Field(max_length=80, pattern=NO_NUL)]


@router.get(
    "/seizures/versions", auth=needs("seizure.read"), response=list[SeizureAnswer], summary="Read a seizure record"
)
def seizure_versions(request: HttpRequest, asked: Query[Numbered]) -> list[kept.SeizureVersion]:
    """Return every version with its parties; the reading is recorded."""
    return kept.seizure_versions(number=asked.number, by=caller(request), at=moment())
