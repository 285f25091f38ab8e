"""The recall list: goods released before what would select them now was known, and what became of them."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema
from pydantic import AwareDatetime

from tidewaiter.actions.decisions import recalls as kept
from tidewaiter.actions.decisions.recalls import RecallOutcome, RecallState
from tidewaiter.faces.api.calling import LARGEST_NUMBER, Given, Page, caller, moment, needs, paged
from tidewaiter.faces.api.forms import ReasonText, login_of
from tidewaiter.faces.api.worklist import NO_NUL

router = Router(tags=["recall list"])

type Number = Annotated[int, Path(ge=1, le=LARGEST_NUMBER, description="Number of an entry of the recall list")]


class RecallReason(Schema):
    """One reason that would select the goods now."""

    kind: str
    code: str
    channel: str | None


class RecallAnswer(Schema):
    """Goods listed for recall. `cause` and `reasons` are null for who may not see why goods are selected."""

    number: int
    declaration_id: str
    office: str
    channel: str = Field(description="The channel that the goods would be given now")
    listed_at: AwareDatetime
    released_at: AwareDatetime | None
    cause: str | None
    reasons: list[RecallReason] | None
    state: RecallState
    settled_by: str | None
    settled_at: AwareDatetime | None
    outcome: RecallOutcome | None
    outcome_reason: str


class RecallPage(Schema):
    """A part of the list."""

    entries: list[RecallAnswer]
    next: int | None


class RecallsWanted(Page):
    """Which entries are asked for."""

    state: Annotated[RecallState, Field(description="open or settled")] | None = None
    office: Annotated[str, Field(max_length=35, pattern=NO_NUL, description="Goods of this office only")] = ""


class RecallSettled(Given):
    """What became of the goods; a reason is asked for where they are not audited."""

    outcome: RecallOutcome
    reason: ReasonText = ""


@router.get("/recalls", auth=needs("recall.read"), response=RecallPage, summary="Read the recall list")
def recalls(request: HttpRequest, wanted: Query[RecallsWanted]) -> dict[str, Any]:
    """Return goods listed for recall that the caller may see, the oldest first; the reading is recorded."""
    found = kept.read_recalls(
        after=wanted.after,
        limit=wanted.limit,
        state=wanted.state,
        office=wanted.office,
        by=caller(request),
        at=moment(),
    )
    return paged([_recall(one) for one in found], wanted, lambda one: one["number"])


@router.post("/recalls/{number}/settle", auth=needs("recall.settle"), response=RecallAnswer, summary="Settle a recall")
def recall_settled(request: HttpRequest, number: Number, given: RecallSettled) -> dict[str, Any]:
    """Say what became of the goods; those audited instead are referred to post-clearance audit."""
    made = kept.settle_recall(
        recall=number, outcome=given.outcome, reason=given.reason, by=caller(request), at=moment()
    )
    return _recall(made)


def _recall(one: kept.Listed) -> dict[str, Any]:
    found = one.recall
    return {
        "number": found.pk,
        "declaration_id": found.declaration_id,
        "office": found.declaration.office,
        "channel": found.channel,
        "listed_at": found.listed_at,
        "released_at": found.declaration.released_at,
        "cause": one.cause,
        "reasons": None if one.reasons is None else list(one.reasons),
        "state": one.state,
        "settled_by": login_of(found.settled_by),
        "settled_at": found.settled_at,
        "outcome": found.settled_as or None,
        "outcome_reason": found.settled_reason,
    }
