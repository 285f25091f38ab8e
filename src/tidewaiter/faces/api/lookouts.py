"""Lookouts: raised, read, acknowledged, settled, ended. What a caller may not see is answered as if it were not there.

Pages of lookouts are counted in what the caller sees, never in numbers of records, so that no gap tells of the rest.
"""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema, Status

from tidewaiter.actions.decisions import matches as met
from tidewaiter.actions.profiles import lookouts
from tidewaiter.actions.profiles.lookouts import LookoutText
from tidewaiter.core.lookout import LookoutAction, LookoutKind
from tidewaiter.core.role import Role
from tidewaiter.faces.api.calling import Given, Page, caller, moment, needs, officer
from tidewaiter.faces.api.forms import Code, ReasonText, login_of
from tidewaiter.storage.records.models import Lookout, LookoutMatch, Officer

router = Router(tags=["lookouts"])

_ONE = "/lookouts/{reference}"
_REASON_ROLES = (Role.INTELLIGENCE_OFFICER, Role.ANALYST, Role.RISK_MANAGER, Role.INSPECTORATE)

type Reference = Path[Annotated[str, Field(max_length=20, description="Reference of a lookout")]]
type Met = Annotated[str, Field(min_length=1, max_length=200)]
type Moment = Annotated[datetime, Field(description="An instant with its offset, 2026-03-02T12:00:00Z")]


class NewLookout(Given):
    """A lookout to be raised. Monitoring makes it covert. No offices: all."""

    kind: LookoutKind
    action: LookoutAction
    reason: ReasonText
    contact: Annotated[str, Field(max_length=200, description="Who answers at any hour")]
    values: list[Met] = Field([], max_length=1000, description="Codes and numbers, met exactly")
    names: list[Met] = Field([], max_length=1000, description="Names, met possibly")
    instruction: Annotated[
        str, Field(max_length=4000, description="What an examiner is shown: what to do, not why")
    ] = ""
    safety_warning: Annotated[str, Field(max_length=4000)] = ""
    offices: list[Code] = Field([], max_length=1000)
    rank: Annotated[int, Field(ge=0, le=32767, description="Classification that seeing it needs")] = 0
    valid_from: Moment | None = None
    expires_at: Moment

    def text(self) -> LookoutText:
        """Return what the lookout says."""
        return LookoutText(
            kind=self.kind,
            action=self.action,
            reason=self.reason,
            contact=self.contact,
            values=tuple(self.values),
            names=tuple(self.names),
            instruction=self.instruction,
            safety_warning=self.safety_warning,
            offices=tuple(self.offices),
            rank=self.rank,
        )


class LookoutAnswer(Schema):
    """A lookout as the caller may see it. `reason` is null for the front line."""

    reference: str
    kind: str
    action: str
    values: list[str]
    names: list[str]
    instruction: str
    reason: str | None
    safety_warning: str
    contact: str
    offices: list[str]
    acknowledged_by: list[str]
    rank: int
    raised_at: datetime
    valid_from: datetime
    expires_at: datetime
    shorten_to: datetime | None = Field(description="An earlier expiry that waits for a second person")
    state: str = Field(description="in force, expired (its outcome is owed) or ended")
    ending: bool = Field(description="Its end, or an earlier expiry, waits for a second person")
    outcome: str


class LookoutPage(Schema):
    """A page of lookouts."""

    entries: list[LookoutAnswer]
    next: int | None


class MatchAnswer(Schema):
    """Where a lookout was met."""

    reference: str
    lookout: str | None = Field(description="Null where the caller may not know why the goods were selected")
    declaration_id: str
    consignment_id: str
    certainty: str
    value: str
    state: str
    met_at: datetime
    settled_by: str | None
    settled_at: datetime | None
    reason: str


class MatchPage(Schema):
    """A page of matches."""

    entries: list[MatchAnswer]
    next: int | None


class LookoutsAsked(Page):
    """Which lookouts are asked for."""

    state: Annotated[str, Field(max_length=12, description="in force, expired or ended")] | None = None
    unacknowledged_by: Annotated[Code, Field(description="Not yet acknowledged by this office")] | None = None


class MatchesAsked(Page):
    """Which matches are asked for."""

    state: Annotated[str, Field(max_length=12, description="open, confirmed or cleared")] | None = None


class Acknowledged(Given):
    """Which office has read a lookout; nothing given: the officer's own."""

    office: Code | None = None


class Settled(Given):
    """Whether a possible match is one."""

    confirmed: bool
    reason: ReasonText


class OtherExpiry(Given):
    """Another expiry, and why."""

    expires_at: Moment
    reason: ReasonText


class Outcome(Given):
    """What came of a lookout."""

    outcome: ReasonText


class Agreed(Given):
    """Whether the second person agrees."""

    agreed: bool
    reason: ReasonText = ""


@router.post("/lookouts", auth=needs("lookout.raise"), response={201: LookoutAnswer}, summary="Raise a lookout")
def raise_lookout(request: HttpRequest, given: NewLookout) -> Status[Any]:
    """Put a lookout in force at once; declarations not yet released are decided again."""
    lookout = lookouts.raise_lookout(
        text=given.text(),
        valid_from=given.valid_from,
        expires_at=given.expires_at,
        by=caller(request),
        at=moment(),
    )
    return Status(201, _answer(lookout, officer(request)))


@router.get("/lookouts", auth=needs("lookout.read"), response=LookoutPage, summary="List lookouts")
def list_lookouts(request: HttpRequest, asked: Query[LookoutsAsked]) -> dict[str, Any]:
    """Return the lookouts that the caller may see, the latest first; the reading is recorded."""
    reader = officer(request)
    found = lookouts.seen_lookouts(reader)
    if asked.unacknowledged_by is not None:
        found = lookouts.unacknowledged(reader, asked.unacknowledged_by)
    if asked.state is not None:
        found = found.filter(state=asked.state)
    part = found.order_by("-raised_at", "reference")[asked.after : asked.after + asked.limit]
    read = lookouts.read_lookouts(found=part, by=caller(request), at=moment())
    return _counted([_answer(one, reader) for one in read], asked)


@router.get("/lookouts/matches", auth=needs("lookout.read"), response=MatchPage, summary="List matches of lookouts")
def list_matches(request: HttpRequest, asked: Query[MatchesAsked]) -> dict[str, Any]:
    """Return where lookouts that the caller may see were met, the latest first; the reading is recorded.

    An examiner, or a manager, is shown possible matches to be settled without their lookout, and more only of goods
    whose own examination is closed. An officer with an office is shown those of its goods.
    """
    found = met.seen_matches(officer(request))
    if asked.state is not None:
        found = found.filter(state=asked.state)
    ordered = found.select_related("lookout", "settled_by").order_by("-met_at", "reference")
    part = ordered[asked.after : asked.after + asked.limit]
    read = met.read_matches(found=part, by=caller(request), at=moment())
    return _counted([_match(one) for one in read], asked)


@router.post(
    "/lookouts/matches/{reference}/settle",
    auth=needs("lookout.settle"),
    response=MatchAnswer,
    summary="Confirm or clear a possible match",
)
def settle_match(request: HttpRequest, reference: Reference, given: Settled) -> dict[str, Any]:
    """Say whether what was met is what the lookout names."""
    match = met.settle_match(
        match=reference, confirmed=given.confirmed, reason=given.reason, by=caller(request), at=moment()
    )
    return _match(match)


@router.get(_ONE, auth=needs("lookout.read"), response=LookoutAnswer, summary="Read a lookout")
def get_lookout(request: HttpRequest, reference: Reference) -> dict[str, Any]:
    """Return a lookout; the reading is recorded."""
    lookout = lookouts.read_lookout(reference=reference, by=caller(request), at=moment())
    return _answer(lookout, officer(request))


@router.post(
    f"{_ONE}/acknowledge", auth=needs("lookout.acknowledge"), response=LookoutAnswer, summary="Acknowledge a lookout"
)
def acknowledge_lookout(request: HttpRequest, reference: Reference, given: Acknowledged) -> dict[str, Any]:
    """Note that an office has read a lookout."""
    made = lookouts.acknowledge_lookout(reference=reference, office=given.office, by=caller(request), at=moment())
    return _answer(made.lookout, officer(request))


@router.post(f"{_ONE}/extend", auth=needs("lookout.extend"), response=LookoutAnswer, summary="Let it expire later")
def extend_lookout(request: HttpRequest, reference: Reference, given: OtherExpiry) -> dict[str, Any]:
    """Extend a lookout, at once."""
    lookout = lookouts.extend_lookout(
        reference=reference, expires_at=given.expires_at, reason=given.reason, by=caller(request), at=moment()
    )
    return _answer(lookout, officer(request))


@router.post(f"{_ONE}/shorten", auth=needs("lookout.shorten"), response=LookoutAnswer, summary="Let it expire earlier")
def shorten_lookout(request: HttpRequest, reference: Reference, given: OtherExpiry) -> dict[str, Any]:
    """Ask for an earlier expiry; a second person confirms it."""
    lookout = lookouts.shorten_lookout(
        reference=reference, expires_at=given.expires_at, reason=given.reason, by=caller(request), at=moment()
    )
    return _answer(lookout, officer(request))


@router.post(f"{_ONE}/end", auth=needs("lookout.end"), response=LookoutAnswer, summary="End a lookout")
def end_lookout(request: HttpRequest, reference: Reference, given: Outcome) -> dict[str, Any]:
    """Ask for the end of a lookout, with its outcome; a second person confirms it while it is in force."""
    lookout = lookouts.end_lookout(reference=reference, outcome=given.outcome, by=caller(request), at=moment())
    return _answer(lookout, officer(request))


@router.post(
    f"{_ONE}/end/confirm", auth=needs("lookout.confirm_end"), response=LookoutAnswer, summary="Confirm the end"
)
def confirm_end(request: HttpRequest, reference: Reference, given: Agreed) -> dict[str, Any]:
    """Confirm or refuse the end, or the earlier expiry, that another person asked for."""
    lookout = lookouts.confirm_end(
        reference=reference, agreed=given.agreed, reason=given.reason, by=caller(request), at=moment()
    )
    return _answer(lookout, officer(request))


def _counted(entries: list[dict[str, Any]], page: Page) -> dict[str, Any]:
    more = len(entries) >= page.limit
    return {"entries": entries, "next": page.after + page.limit if more else None}


def _answer(lookout: Lookout, reader: Officer) -> dict[str, Any]:
    return {
        "reference": lookout.reference,
        "kind": lookout.kind,
        "action": lookout.action,
        "values": lookout.subject.get("values", []),
        "names": lookout.subject.get("names", []),
        "instruction": lookout.instruction,
        "reason": lookout.reason if reader.holds(*_REASON_ROLES) else None,
        "safety_warning": lookout.safety_warning,
        "contact": lookout.contact,
        "offices": sorted(lookout.offices.values_list("pk", flat=True)),
        "acknowledged_by": list(lookouts.acknowledged_by(lookout)),
        "rank": lookout.rank,
        "raised_at": lookout.raised_at,
        "valid_from": lookout.valid_from,
        "expires_at": lookout.expires_at,
        "shorten_to": lookout.shorten_to,
        "state": lookout.state,
        "ending": lookout.ended_by_id is not None and lookout.ended_at is None,
        "outcome": lookout.outcome,
    }


def _match(match: LookoutMatch) -> dict[str, Any]:
    return {
        "reference": match.reference,
        "lookout": met.lookout_of(match),
        "declaration_id": match.declaration_id,
        "consignment_id": match.consignment_id,
        "certainty": match.certainty,
        "value": match.value,
        "state": match.state,
        "met_at": match.met_at,
        "settled_by": login_of(match.settled_by),
        "settled_at": match.settled_at,
        "reason": match.reason,
    }
