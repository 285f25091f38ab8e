"""Referrals: the audit worklist by trader, and cases for investigation with their disclosure schedule."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Path, Query, Router, Schema, Status

from tidewaiter.actions.examinations import referrals as kept
from tidewaiter.core.tables.results import CATEGORIES, OUTCOMES
from tidewaiter.faces.api.calling import LARGEST_NUMBER, Given, caller, moment, needs
from tidewaiter.faces.api.exhibits import About
from tidewaiter.faces.api.worklist import NO_NUL
from tidewaiter.storage.records.models import Referral

router = Router(tags=["referrals"])

type Number = Annotated[int, Path(ge=1, le=LARGEST_NUMBER, description="Number of a referral")]
type Amount = Annotated[Decimal | None, Field(description="National currency")]
type Trader = Annotated[str, Field(max_length=64, pattern=NO_NUL, description="Code of the trader as declared")]


class AuditAnswer(Schema):
    """One declaration referred to post-clearance audit."""

    number: int
    declaration_id: str
    state: str = Field(description="open, taken or closed")
    officer: str
    referred_at: datetime
    outcome: str


class TraderAnswer(Schema):
    """What waits to be audited of one trader, the oldest first."""

    trader: str
    referrals: list[AuditAnswer]


class TraderGiven(Given):
    """One trader."""

    trader: Trader


class TraderWanted(Given):
    """One trader, or all."""

    trader: Annotated[str, Field(max_length=64, pattern=NO_NUL, description="Code of the trader as declared")] = ""


@router.get("/audits", auth=needs("referral.audit"), response=list[TraderAnswer], summary="Read the audit worklist")
def audits(request: HttpRequest, wanted: Query[TraderWanted]) -> list[dict[str, Any]]:
    """Return what waits by trader, the trader with most to look at first."""
    found = kept.audits_waiting(by=caller(request), at=moment(), trader=wanted.trader)
    return [{"trader": one.trader, "referrals": [_audit(each) for each in one.referrals]} for one in found]


@router.post("/audits/taken", auth=needs("referral.audit"), response=list[AuditAnswer], summary="Take up a trader")
def audits_taken(request: HttpRequest, given: TraderGiven) -> list[dict[str, Any]]:
    """Take up all that waits of a trader."""
    return [_audit(one) for one in kept.take_audits(trader=given.trader, by=caller(request), at=moment())]


class AuditGiven(Given):
    """What an audit established."""

    outcome: Annotated[str, Field(max_length=40, json_schema_extra={"enum": list(OUTCOMES)})]
    not_inspected_reason: Annotated[str | None, Field(max_length=4000)] = None
    categories: Annotated[
        list[str] | None,
        Field(max_length=40, json_schema_extra={"items": {"type": "string", "enum": list(CATEGORIES)}}),
    ] = None
    duty_assessed: Amount = None
    duty_collected: Amount = None
    duty_refunded: Amount = None
    penalty: Amount = None
    officer_minutes: Annotated[Decimal | None, Field(description="Minutes, one decimal place")] = None

    def fields(self) -> Mapping[str, object]:
        """Return the fields that were given."""
        return self.model_dump(exclude_none=True)


@router.post("/audits/{number}/outcome", auth=needs("referral.audit"), response=AuditAnswer, summary="Close an audit")
def audit_outcome(request: HttpRequest, number: Number, given: AuditGiven) -> dict[str, Any]:
    """Close an audit with what it established."""
    return _audit(kept.close_audit(referral=number, given=given.fields(), by=caller(request), at=moment()))


def _audit(one: Referral) -> dict[str, Any]:
    return {
        "number": one.pk,
        "declaration_id": one.declaration_id,
        "state": one.state,
        "officer": one.officer.login if one.officer else "",
        "referred_at": one.referred_at,
        "outcome": one.outcome,
    }


class EntryGiven(Given):
    """One entry of a disclosure schedule."""

    record: Annotated[str, Field(max_length=220)]
    description: Annotated[str, Field(max_length=4000)]
    disclosure: Annotated[str, Field(max_length=12, json_schema_extra={"enum": list(kept.DISCLOSURES)})]
    reason: Annotated[str, Field(max_length=4000)] = ""


type Entries = Annotated[list[EntryGiven], Field(max_length=1000)]


class CaseGiven(Given):
    """A case for investigation."""

    about: About
    cause: Annotated[str, Field(max_length=4000)]
    schedule: Annotated[list[EntryGiven], Field(max_length=1000, default_factory=list)]


class ScheduleGiven(Given):
    """Further entries of a disclosure schedule."""

    schedule: Entries


class CaseOutcomeGiven(Given):
    """What became of a case."""

    outcome: Annotated[str, Field(max_length=20, json_schema_extra={"enum": list(kept.INVESTIGATED_AS)})]
    note: Annotated[str, Field(max_length=4000)] = ""


class CaseAnswer(Schema):
    """A case with its disclosure schedule. Intelligence, not evidence."""

    number: int
    about: str
    cause: str
    state: str
    outcome: str
    referred_at: datetime
    schedule: list[dict[str, str]]
    marking: str


@router.post(
    "/investigations", auth=needs("referral.investigate"), response={201: CaseAnswer}, summary="Refer to investigation"
)
def investigation(request: HttpRequest, given: CaseGiven) -> Status[Any]:
    """Refer a case to investigation, with its disclosure schedule so far."""
    made = kept.refer_to_investigation(
        about=given.about,
        cause=given.cause,
        schedule=[one.model_dump() for one in given.schedule],
        by=caller(request),
        at=moment(),
    )
    return Status(201, _case(made))


@router.get("/investigations/{number}", auth=needs("referral.read"), response=CaseAnswer, summary="Read a case")
def case(request: HttpRequest, number: Number) -> dict[str, Any]:
    """Return a case; the reading is recorded."""
    return _case(kept.investigation(referral=number, by=caller(request), at=moment()))


@router.post(
    "/investigations/{number}/schedule",
    auth=needs("referral.investigate"),
    response=CaseAnswer,
    summary="Add to a disclosure schedule",
)
def schedule(request: HttpRequest, number: Number, given: ScheduleGiven) -> dict[str, Any]:
    """Add entries to a disclosure schedule; what stands in it stays."""
    entries = [one.model_dump() for one in given.schedule]
    return _case(kept.add_to_schedule(referral=number, schedule=entries, by=caller(request), at=moment()))


@router.post(
    "/investigations/{number}/outcome",
    auth=needs("referral.investigate"),
    response=CaseAnswer,
    summary="Close a case",
)
def case_outcome(request: HttpRequest, number: Number, given: CaseOutcomeGiven) -> dict[str, Any]:
    """Close a case with what became of it."""
    return _case(
        kept.close_investigation(
            referral=number, outcome=given.outcome, note=given.note, by=caller(request), at=moment()
        )
    )


@router.get(
    "/investigations/{number}/disclosure",
    auth=needs("referral.export"),
    response={200: None},
    summary="Export a disclosure schedule",
)
def disclosure(request: HttpRequest, number: Number) -> HttpResponse:
    """Return the disclosure schedule as text, marked as intelligence and no evidence; the export is recorded."""
    text = kept.disclosure_text(referral=number, by=caller(request), at=moment())
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


def _case(one: Referral) -> dict[str, Any]:
    return {
        "number": one.pk,
        "about": one.row["about"],
        "cause": one.row["cause"],
        "state": one.state,
        "outcome": one.outcome,
        "referred_at": one.referred_at,
        "schedule": one.schedule,
        "marking": kept.NO_EVIDENCE,
    }
