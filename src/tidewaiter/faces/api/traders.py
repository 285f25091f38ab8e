"""Trusted traders: granted and restored by two persons, suspended by one at once."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema, Status

from tidewaiter.actions.profiles import traders
from tidewaiter.faces.api.calling import Given, Page, caller, moment, needs, officer, paged, today
from tidewaiter.faces.api.forms import (
    Because,
    Code,
    Day,
    ProposalAnswer,
    ProposalPage,
    ReasonText,
    Version,
    login_of,
    proposal_answer,
    proposal_page,
)
from tidewaiter.faces.api.known import catalogue
from tidewaiter.storage.records.models import Proposal, TrustedTrader
from tidewaiter.storage.records.visibility import visible_to

router = Router(tags=["trusted traders"])

_WAITING = "/traders/{party_code}/proposals/{number}"

type PartyCode = Path[Code]
type Number = Path[Version]


class NewStatus(Given):
    """A status to be granted. `kind` is a trusted-trader type of the routing policy in force."""

    kind: Annotated[str, Field(max_length=20)]
    scope: Literal["simplification", "security", "both"]
    valid_from: Day
    valid_to: Day | None = None
    reason: ReasonText


class TraderAnswer(Schema):
    """The latest version of a trader's status."""

    party_code: str
    number: int
    kind: str
    scope: str
    suspended: bool
    counts: bool = Field(description="Whether it counts today")
    valid_from: date
    valid_to: date | None
    reason: str
    by: str
    second: str | None
    at: datetime


class TraderPage(Schema):
    """A page of traders."""

    entries: list[TraderAnswer]
    next: int | None


@router.get("/traders", auth=needs("trader.read"), response=TraderPage, summary="List trusted traders")
def list_traders(request: HttpRequest, asked: Query[Page]) -> dict[str, Any]:
    """Return the latest status of every trader that ever had one."""
    found = visible_to(officer(request), traders.latest_statuses()).filter(pk__gt=asked.after).order_by("pk")
    page = paged(list(found.select_related("by", "second")[: asked.limit]), asked, lambda one: one.pk)
    return {**page, "entries": [_answer(one) for one in page["entries"]]}


@router.get("/traders/proposals", auth=needs("trader.read"), response=ProposalPage, summary="List proposals of status")
def list_trader_proposals(request: HttpRequest, asked: Query[Page]) -> dict[str, Any]:
    """Return what waits for a second person, oldest first."""
    return proposal_page(request, Proposal.objects.filter(kind="trader", state="proposed"), asked, text=True)


@router.post(
    "/traders/{party_code}/grant", auth=needs("trader.grant"), response={201: ProposalAnswer}, summary="Grant a status"
)
def grant_status(request: HttpRequest, party_code: PartyCode, given: NewStatus) -> Status[Any]:
    """Propose a status, new or changed; a second person puts it in force."""
    status = traders.Status(
        party_code=party_code,
        kind=given.kind,
        scope=given.scope,
        valid_from=given.valid_from,
        valid_to=given.valid_to,
    )
    found = traders.grant_status(
        status=status, reason=given.reason, catalogue=catalogue(), on=today(), by=caller(request), at=moment()
    )
    return Status(201, proposal_answer(found))


@router.post(
    "/traders/{party_code}/restore",
    auth=needs("trader.restore"),
    response={201: ProposalAnswer},
    summary="Restore a suspended status",
)
def restore_status(request: HttpRequest, party_code: PartyCode, given: Because) -> Status[Any]:
    """Propose that a suspended status count again."""
    found = traders.restore_status(party_code=party_code, reason=given.reason, by=caller(request), at=moment())
    return Status(201, proposal_answer(found))


@router.post(
    "/traders/{party_code}/suspend", auth=needs("trader.suspend"), response=TraderAnswer, summary="Suspend a status"
)
def suspend_status(request: HttpRequest, party_code: PartyCode, given: Because) -> dict[str, Any]:
    """Suspend a status, at once."""
    return _answer(traders.suspend_status(party_code=party_code, reason=given.reason, by=caller(request), at=moment()))


@router.post(f"{_WAITING}/approve", auth=needs("trader.approve"), response=TraderAnswer, summary="Approve a status")
def approve_status(request: HttpRequest, party_code: PartyCode, number: Number, given: Because) -> dict[str, Any]:
    """Put a proposed status in force, as the second person."""
    found = traders.approve_status(
        party_code=party_code, number=number, reason=given.reason, by=caller(request), at=moment()
    )
    return _answer(found)


@router.post(f"{_WAITING}/refuse", auth=needs("trader.refuse"), response=ProposalAnswer, summary="Refuse a status")
def refuse_status(request: HttpRequest, party_code: PartyCode, number: Number, given: Because) -> dict[str, Any]:
    """Refuse a proposed status, or take the own proposal back."""
    found = traders.refuse_status(
        party_code=party_code, number=number, reason=given.reason, by=caller(request), at=moment()
    )
    return proposal_answer(found)


def _answer(found: TrustedTrader) -> dict[str, Any]:
    return {
        "party_code": found.party_code,
        "number": found.number,
        "kind": found.kind,
        "scope": found.scope,
        "suspended": found.suspended,
        "counts": traders.counts_on(found, today()),
        "valid_from": found.valid_from,
        "valid_to": found.valid_to,
        "reason": found.reason,
        "by": found.by.login,
        "second": login_of(found.second),
        "at": found.at,
    }
