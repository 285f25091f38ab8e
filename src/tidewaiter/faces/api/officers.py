"""Officers, and what is asked for them: more than one has takes effect when a second person confirms it."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema, Status

from tidewaiter.actions import officers
from tidewaiter.core.role import Role
from tidewaiter.faces.api.calling import (
    LARGEST_NUMBER,
    Given,
    Page,
    caller,
    forget_tokens,
    moment,
    needs,
    officer,
    paged,
)
from tidewaiter.faces.api.forms import Because, Code, Login
from tidewaiter.storage.records.models import Grant, Officer
from tidewaiter.storage.records.visibility import visible_to

router = Router(tags=["administration"])

type Clearance = Annotated[int, Field(ge=0, le=32767, description="Rank of the classification scheme")]
type Roles = Annotated[list[Role], Field(max_length=20)]
type Number = Path[Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]]


class NewOfficer(Given):
    """An officer. No office: one who works for all."""

    login: Annotated[str, Field(min_length=1, max_length=80)]
    name: Annotated[str, Field(max_length=200)]
    roles: Roles
    clearance: Clearance = 0
    office: Code | None = None


class OfficerChange(Given):
    """What an officer may do from now on. Without `office` the officer stays at the own one; null is all."""

    roles: Roles
    clearance: Clearance
    active: bool
    office: Code | None = None


class PowersAnswer(Schema):
    """What an officer has, or would have."""

    roles: list[str]
    clearance: int
    office: str | None
    active: bool


class GrantAnswer(Schema):
    """What was asked for an officer, by whom, and who decided."""

    number: int
    login: str
    name: str
    has: PowersAnswer = Field(description="What the officer has now")
    asked: PowersAnswer = Field(description="What the officer has once it is confirmed")
    state: str = Field(description="waiting, confirmed, refused, or overtaken by a later change")
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str


class OfficerAnswer(PowersAnswer):
    """An officer; `waiting` is what a second person has to confirm."""

    login: str
    name: str
    waiting: GrantAnswer | None


class OfficerPage(Schema):
    """A page of officers."""

    entries: list[OfficerAnswer]
    next: int | None


class GrantPage(Schema):
    """A page of what was asked for officers."""

    entries: list[GrantAnswer]
    next: int | None


class AskedGrants(Page):
    """Which of what was asked for officers."""

    waiting: Annotated[bool, Field(description="Only what waits for a second person")] = False


@router.get("/officers", auth=needs("officer.add", "officer.confirm"), response=OfficerPage, summary="List officers")
def list_officers(request: HttpRequest, asked: Query[Page]) -> dict[str, Any]:
    """Return officers in the order in which they were added."""
    found = visible_to(officer(request), officers.read_officers(by=caller(request), at=moment()))
    page = paged(list(found.filter(pk__gt=asked.after)[: asked.limit]), asked, lambda one: one.pk)
    waiting = officers.waiting_grants(page["entries"])
    return {**page, "entries": [_officer(one, waiting.get(one.pk)) for one in page["entries"]]}


@router.post("/officers", auth=needs("officer.add"), response={201: OfficerAnswer}, summary="Add an officer")
def add_officer(request: HttpRequest, given: NewOfficer) -> Status[Any]:
    """Add an officer with roles and clearance. The account is not in use before a second person confirms it."""
    made = officers.add_officer(
        login=given.login,
        name=given.name,
        roles=given.roles,
        clearance=given.clearance,
        office=given.office,
        by=caller(request),
        at=moment(),
    )
    return Status(201, _answer(made))


@router.put("/officers/{login}", auth=needs("officer.change"), response=OfficerAnswer, summary="Change an officer")
def change_officer(request: HttpRequest, login: Path[Login], given: OfficerChange) -> dict[str, Any]:
    """Take rights from an officer, at once; what is more than before waits for a second person."""
    changed = officers.change_officer(
        login=login,
        roles=given.roles,
        clearance=given.clearance,
        active=given.active,
        office=given.office if "office" in given.model_fields_set else officers.AS_IT_IS,
        by=caller(request),
        at=moment(),
    )
    forget_tokens()
    return _answer(changed)


@router.get(
    "/grants", auth=needs("officer.add", "officer.confirm"), response=GrantPage, summary="List what was asked for"
)
def list_grants(request: HttpRequest, asked: Query[AskedGrants]) -> dict[str, Any]:
    """Return what was asked for officers, in order: by whom, and who decided."""
    found = visible_to(officer(request), officers.read_grants(by=caller(request), at=moment()))
    found = found.filter(pk__gt=asked.after, **({"state": officers.WAITING} if asked.waiting else {}))
    page = paged(list(found[: asked.limit]), asked, lambda one: one.pk)
    return {**page, "entries": [_grant(one) for one in page["entries"]]}


@router.post("/grants/{number}/confirm", auth=needs("officer.confirm"), response=GrantAnswer, summary="Confirm a grant")
def confirm_grant(request: HttpRequest, number: Number) -> dict[str, Any]:
    """Let an officer have what was asked for; not who asked, nor whom it concerns."""
    confirmed = officers.confirm_grant(grant=number, by=caller(request), at=moment())
    forget_tokens()
    return _grant(confirmed)


@router.post("/grants/{number}/refuse", auth=needs("officer.refuse"), response=GrantAnswer, summary="Refuse a grant")
def refuse_grant(request: HttpRequest, number: Number, given: Because) -> dict[str, Any]:
    """Refuse what was asked for an officer: what stood stays."""
    return _grant(officers.refuse_grant(grant=number, reason=given.reason, by=caller(request), at=moment()))


def _answer(found: Officer) -> dict[str, Any]:
    return _officer(found, officers.waiting_grants([found]).get(found.pk))


def _officer(found: Officer, waiting: Grant | None) -> dict[str, Any]:
    named = {"login": found.login, "name": found.name}
    return {**named, **_powers(found), "waiting": waiting and _grant(waiting)}


def _powers(of: Officer | Grant) -> dict[str, Any]:
    return {"roles": of.roles, "clearance": of.clearance, "office": of.office_id, "active": of.active}


def _grant(found: Grant) -> dict[str, Any]:
    return {
        "number": found.pk,
        "login": found.officer.login,
        "name": found.officer.name,
        "has": _powers(found.officer),
        "asked": _powers(found),
        "state": found.state,
        "proposed_by": found.proposed_by.login,
        "proposed_at": found.proposed_at,
        "decided_by": found.decided_by.login if found.decided_by else None,
        "decided_at": found.decided_at,
        "reason": found.reason,
    }
