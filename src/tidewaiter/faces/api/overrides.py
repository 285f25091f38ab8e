"""Overrides: a person raises or lowers a channel, with a reason; the decision stays as it is."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema, Status

from tidewaiter.actions.examinations import overrides as kept
from tidewaiter.core.channel import Channel
from tidewaiter.faces.api.calling import LARGEST_NUMBER, Given, Page, caller, moment, needs, paged, today
from tidewaiter.faces.api.service import policy
from tidewaiter.faces.api.worklist import NO_NUL
from tidewaiter.storage.records.models import Override

router = Router(tags=["overrides"])

type Number = Annotated[int, Path(ge=1, le=LARGEST_NUMBER, description="Number of an override")]


class LoweringGiven(Given):
    """Another channel for goods in flight, and why."""

    declaration_id: Annotated[str, Field(max_length=200)]
    channel: Channel
    reason_code: Annotated[str, Field(max_length=40, description="One of GET /override-reasons")]
    reason: Annotated[str, Field(max_length=4000)]


class RaiseGiven(LoweringGiven):
    """A stricter channel, and what the examiner is to check besides."""

    instruction: Annotated[str, Field(max_length=4000)] = ""


class SettlingGiven(Given):
    """What the second person says to a proposed lowering."""

    reason: Annotated[str, Field(max_length=4000)] = ""


class OverrideAnswer(Schema):
    """One override; `outcome` is what an examination established later, empty until then."""

    number: int
    declaration_id: str
    decision_id: str
    before: str
    after: str
    state: str = Field(description="proposed, in force, refused, superseded or overtaken")
    reason_code: str
    reason: str
    by: str
    at: datetime
    second: str
    second_at: datetime | None
    second_reason: str
    outcome: str
    result_state: str


class OverridePage(Schema):
    """A part of the list."""

    entries: list[OverrideAnswer]
    next: int | None


class ReasonAnswer(Schema):
    """One reason that may be given."""

    code: str
    direction: str
    meaning: str


@router.post(
    "/overrides/raises", auth=needs("override.raise"), response={201: OverrideAnswer}, summary="Raise a channel"
)
def raising(request: HttpRequest, given: RaiseGiven) -> Status[Any]:
    """Raise the channel of goods in flight, at once."""
    made = kept.raise_channel(
        declaration=given.declaration_id,
        channel=given.channel,
        reason_code=given.reason_code,
        reason=given.reason,
        instruction=given.instruction,
        policy=policy(),
        on=today(),
        by=caller(request),
        at=moment(),
    )
    return Status(201, _override(kept.ShownOverride(override=made, outcome="", result_state="")))


@router.post(
    "/overrides/lowerings", auth=needs("override.lower"), response={201: OverrideAnswer}, summary="Lower a channel"
)
def lowering(request: HttpRequest, given: LoweringGiven) -> Status[Any]:
    """Lower the channel of goods in flight: at once, or as a proposal that a second person confirms."""
    made = kept.lower_channel(
        declaration=given.declaration_id,
        channel=given.channel,
        reason_code=given.reason_code,
        reason=given.reason,
        policy=policy(),
        on=today(),
        by=caller(request),
        at=moment(),
    )
    return Status(201, _override(kept.ShownOverride(override=made, outcome="", result_state="")))


@router.post(
    "/overrides/{number}/confirmation",
    auth=needs("override.confirm"),
    response=OverrideAnswer,
    summary="Confirm a lowering",
)
def confirmation(request: HttpRequest, number: Number, given: SettlingGiven) -> dict[str, Any]:
    """Put a proposed lowering in force, as the second person."""
    made = kept.confirm_lowering(
        override=number, reason=given.reason, policy=policy(), on=today(), by=caller(request), at=moment()
    )
    return _override(kept.ShownOverride(override=made, outcome="", result_state=""))


@router.post(
    "/overrides/{number}/refusal", auth=needs("override.confirm"), response=OverrideAnswer, summary="Refuse a lowering"
)
def lowering_refusal(request: HttpRequest, number: Number, given: SettlingGiven) -> dict[str, Any]:
    """Refuse a proposed lowering, as the second person; the channel stays."""
    made = kept.refuse_lowering(override=number, reason=given.reason, by=caller(request), at=moment())
    return _override(kept.ShownOverride(override=made, outcome="", result_state=""))


class OverridesWanted(Page):
    """Which overrides are asked for."""

    declaration_id: Annotated[str, Field(max_length=200, pattern=NO_NUL)] = ""
    state: Annotated[str, Field(max_length=12, pattern=NO_NUL)] = ""


@router.get("/overrides", auth=needs("override.read"), response=OverridePage, summary="List overrides")
def overrides(request: HttpRequest, wanted: Query[OverridesWanted]) -> dict[str, Any]:
    """Return overrides with the later result of the goods."""
    found = kept.overrides(
        by=caller(request),
        at=moment(),
        declaration=wanted.declaration_id,
        state=wanted.state,
        after=wanted.after,
        limit=wanted.limit,
    )
    return paged([_override(one) for one in found], wanted, lambda one: one["number"])


@router.get(
    "/override-reasons",
    auth=needs("override.raise", "override.lower", "override.confirm", "override.read"),
    response=list[ReasonAnswer],
    summary="List the reasons of overrides",
)
def reasons(request: HttpRequest) -> list[kept.OverrideReason]:  # noqa: ARG001  # ninja's form
    """Return the reasons that may be given, and for which direction."""
    return list(kept.override_reasons().values())


def _override(shown: kept.ShownOverride) -> dict[str, Any]:
    one: Override = shown.override
    return {
        "number": one.pk,
        "declaration_id": one.declaration_id,
        "decision_id": one.decision_id,
        "before": one.before,
        "after": one.after,
        "state": one.state,
        "reason_code": one.reason_code,
        "reason": one.reason,
        "by": one.by.login,
        "at": one.at,
        "second": one.second.login if one.second else "",
        "second_at": one.second_at,
        "second_reason": one.second_reason,
        "outcome": shown.outcome,
        "result_state": shown.result_state,
    }
