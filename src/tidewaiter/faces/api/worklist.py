"""What examiners are given to do, and who does it. Nothing here tells why goods were selected."""

from datetime import date, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema, Status
from pydantic import AwareDatetime

from tidewaiter.actions.examinations import duties
from tidewaiter.actions.examinations import worklist as tasks
from tidewaiter.actions.examinations.assignments import replace_officer
from tidewaiter.actions.examinations.conduct import Conduct, note_conduct
from tidewaiter.faces.api.calling import LARGEST_NUMBER, Given, Page, caller, moment, needs, paged, today
from tidewaiter.storage.records.models import Duty

router = Router(tags=["examination"])

NO_NUL = r"^[^\u0000]*$"

type ActId = Annotated[str, Path(max_length=80, pattern=r"^[0-9A-Za-z-]+$", description="Number of an act")]
type DutyNumber = Annotated[int, Path(ge=1, le=LARGEST_NUMBER, description="Number of a duty")]
type Text = Annotated[str, Field(max_length=4000)]
type Name = Annotated[str, Field(max_length=200, pattern=NO_NUL)]


class ChecklistAnswer(Schema):
    """The control instruction of one item."""

    item_number: int
    lines: list[str]


class TaskAnswer(Schema):
    """One act to be done: what to check, in the same form whatever selected the goods."""

    act_id: str
    declaration_id: str
    office: str
    kind: str = Field(description="documents, scan or physical")
    state: str = Field(description="open, pending (an answer is awaited) or closed")
    channel: str
    due_on: date
    officer: str = Field(description="Login of who has it; empty: nobody yet")
    place: str = Field(description="Where the goods are to be looked at, where that was agreed")
    detention_notice: str = Field(description="Number of the detention notice given; empty: none")
    detention_notice_at: datetime | None
    declarant_present: bool | None = Field(description="Whether the declarant was there; null: nobody has said")
    checklist: list[ChecklistAnswer]


class Wanted(Given):
    """Which acts are asked for."""

    office: Annotated[str, Field(max_length=35, pattern=NO_NUL, description="Only this office")] = ""
    closed: Annotated[bool, Field(description="What was done last instead of what waits")] = False


@router.get("/acts", auth=needs("act.read"), response=list[TaskAnswer], summary="Read the worklist")
def acts(request: HttpRequest, wanted: Query[Wanted]) -> list[tasks.Task]:
    """Return an examiner's own acts, or the office's for its manager, the most urgent first; at most 1,000."""
    return tasks.worklist(by=caller(request), at=moment(), on=today(), office=wanted.office, closed=wanted.closed)


@router.get("/acts/{act_id}", auth=needs("act.read"), response=TaskAnswer, summary="Read one act")
def act(request: HttpRequest, act_id: ActId) -> tasks.Task:
    """Return one act with its checklist."""
    return tasks.task(act_id=act_id, by=caller(request), at=moment())


class ConductGiven(Given):
    """How an act is conducted; what is left out stays as it is."""

    place: Annotated[str, Field(max_length=200, description="Chosen by a trusted trader")] | None = None
    detention_notice: Annotated[str, Field(max_length=80, description="Number of the notice given")] | None = None
    detention_notice_at: Annotated[AwareDatetime, Field(description="When it was given")] | None = None
    declarant_present: Annotated[bool, Field(description="Whether the declarant was there")] | None = None


@router.post(
    "/acts/{act_id}/conduct", auth=needs("act.conduct"), response=TaskAnswer, summary="Note how an act is conducted"
)
def conduct(request: HttpRequest, act_id: ActId, given: ConductGiven) -> tasks.Task:
    """Note the place, a detention notice, and whether the declarant was there."""
    noted = Conduct(
        place=given.place,
        detention_notice=given.detention_notice,
        detention_notice_at=given.detention_notice_at,
        declarant_present=given.declarant_present,
    )
    note_conduct(act_id=act_id, conduct=noted, on=today(), by=caller(request), at=moment())
    return tasks.task(act_id=act_id, by=caller(request), at=moment())


class ReplacementGiven(Given):
    """Who does the act instead of the officer drawn, and why."""

    officer: Annotated[str, Field(max_length=80, description="Login of another examiner of the office")]
    reason: Annotated[str, Field(max_length=4000, description="Why; the inspectorate sees it")]


class ReplacementAnswer(Schema):
    """An act that was given to another."""

    act_id: str
    officer: str


@router.post(
    "/acts/{act_id}/officer",
    auth=needs("act.replace"),
    response={201: ReplacementAnswer},
    summary="Give an act to another examiner",
)
def replacement(request: HttpRequest, act_id: ActId, given: ReplacementGiven) -> Status[Any]:
    """Give an act to another examiner than the draw did, for a reason."""
    made = replace_officer(act_id=act_id, officer=given.officer, reason=given.reason, by=caller(request), at=moment())
    return Status(201, {"act_id": act_id, "officer": made.after.login})


class DutyGiven(Given):
    """An examiner's duty at an office."""

    officer: Annotated[str, Field(max_length=80, description="Login of an examiner of the office")]
    office: Annotated[str, Field(max_length=35)]
    starts_at: Annotated[datetime, Field(description="With its time zone; at most 14 days ahead")]
    ends_at: Annotated[datetime, Field(description="With its time zone, not included; at most 24 hours later")]


class DutyAnswer(Schema):
    """A duty as it stands."""

    number: int
    officer: str
    office: str
    starts_at: datetime
    ends_at: datetime
    set_by: str
    set_at: datetime


class DutyPage(Schema):
    """A page of duties."""

    entries: list[DutyAnswer]
    next: int | None


class DutiesAsked(Page):
    """Which duties are asked for."""

    office: Annotated[str, Field(max_length=35, pattern=NO_NUL, description="Only this office")] = ""
    over: Annotated[bool, Field(description="What is over or was ended, instead of what lasts or is to come")] = False


@router.post("/duties", auth=needs("roster.set"), response={201: DutyAnswer}, summary="Put an examiner on duty")
def duty(request: HttpRequest, given: DutyGiven) -> Status[Any]:
    """Put an examiner on duty at the own office: the draw gives acts to those on duty."""
    made = duties.set_duty(
        officer=given.officer,
        office=given.office,
        starts_at=given.starts_at,
        ends_at=given.ends_at,
        by=caller(request),
        at=moment(),
    )
    return Status(201, _duty(made))


@router.get("/duties", auth=needs("duty.read"), response=DutyPage, summary="List duties")
def list_duties(request: HttpRequest, asked: Query[DutiesAsked]) -> dict[str, Any]:
    """Return the duties of the own office, in the order in which they were set; the reading is recorded."""
    read = duties.duties(
        office=asked.office, over=asked.over, after=asked.after, limit=asked.limit, by=caller(request), at=moment()
    )
    page = paged(read, asked, lambda one: one.pk)
    return {**page, "entries": [_duty(one) for one in page["entries"]]}


@router.post("/duties/{number}/end", auth=needs("duty.end"), response=DutyAnswer, summary="End a duty")
def end_duty(request: HttpRequest, number: DutyNumber) -> dict[str, Any]:
    """End a duty now; one that has not begun never will."""
    return _duty(duties.end_duty(duty=number, by=caller(request), at=moment()))


def _duty(one: Duty) -> dict[str, Any]:
    return {
        "number": one.pk,
        "officer": one.officer.login,
        "office": one.office,
        "starts_at": one.starts_at,
        "ends_at": one.ends_at,
        "set_by": one.by.login,
        "set_at": one.at,
    }
