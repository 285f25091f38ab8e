"""Parts of bodies and answers that several subjects share."""

from datetime import date, datetime
from typing import Annotated, Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Field, Schema

from tidewaiter.core.rate import Rate
from tidewaiter.faces.api.calling import Given, Page, officer, paged
from tidewaiter.storage.records.models import Officer, Proposal
from tidewaiter.storage.records.visibility import visible_to

LONGEST_TEXT: Final = 1_000_000
LARGEST_VERSION: Final = 2**31 - 1

type ReasonText = Annotated[str, Field(max_length=4000, description="Why, in a sentence")]
type YamlText = Annotated[str, Field(max_length=LONGEST_TEXT, description="The whole text (YAML)")]
type Version = Annotated[int, Field(ge=1, le=LARGEST_VERSION, description="Number of the version")]
type Code = Annotated[str, Field(min_length=1, max_length=64, description="Code or name")]
type Login = Annotated[str, Field(max_length=80, description="Login of an officer")]


class Because(Given):
    """A step with its reason."""

    reason: ReasonText = ""


class Share(Schema):
    """A share with its counts and its 95 % Wilson interval."""

    numerator: int
    denominator: int
    low: float
    high: float


class ProposalAnswer(Schema):
    """A version of a text that two persons put in force."""

    kind: str
    name: str
    number: int
    state: str = Field(description="proposed, in force, refused or superseded")
    direction: str = Field(description="Of a list edit: raises or lowers; empty for other kinds")
    effect: dict[str, Any] = Field(description="What it would change, as computed when it was proposed")
    reason: str
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decided_reason: str
    reviewed_by: str | None
    reviewed_at: datetime | None
    in_force_at: datetime | None
    digest: str
    text: str | None = Field(description="The text; null in lists")


def login_of(officer: Officer | None) -> str | None:
    """Return how an officer is named in answers; None for none."""
    return None if officer is None else officer.login


def proposal_answer(found: Proposal, *, text: bool = True) -> dict[str, Any]:
    """Return a proposal as it is answered; without its text in lists."""
    return {
        "kind": found.kind,
        "name": found.name,
        "number": found.number,
        "state": found.state,
        "direction": found.direction,
        "effect": found.lost,
        "reason": found.reason,
        "proposed_by": found.proposed_by.login,
        "proposed_at": found.proposed_at,
        "decided_by": login_of(found.decided_by),
        "decided_at": found.decided_at,
        "decided_reason": found.decided_reason,
        "reviewed_by": login_of(found.reviewed_by),
        "reviewed_at": found.reviewed_at,
        "in_force_at": found.in_force_at,
        "digest": found.digest,
        "text": found.text if text else None,
    }


def share_answer(found: Rate | None) -> dict[str, Any] | None:
    """Return a share as it is answered; null where nothing was tried."""
    if found is None:
        return None
    return {
        "numerator": found.numerator,
        "denominator": found.denominator,
        "low": found.low,
        "high": found.high,
    }


class ProposalPage(Schema):
    """A page of proposals."""

    entries: list[ProposalAnswer]
    next: int | None


type Day = Annotated[date, Field(description="A calendar day of the administration, 2026-03-02")]


def proposal_page(
    request: HttpRequest, found: QuerySet[Proposal], asked: Page, *, text: bool = False
) -> dict[str, Any]:
    """Return a page of proposals, in the order in which they were made."""
    rows = visible_to(officer(request), found).filter(pk__gt=asked.after).order_by("pk")
    page = paged(
        list(rows.select_related("proposed_by", "decided_by", "reviewed_by")[: asked.limit]), asked, lambda one: one.pk
    )
    return {**page, "entries": [proposal_answer(one, text=text) for one in page["entries"]]}
