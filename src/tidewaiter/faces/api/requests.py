"""Requests for control: raised for an operation or a partner, read, ended by two persons."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema, Status
from pydantic import AwareDatetime

from tidewaiter.actions.decisions import requests as kept
from tidewaiter.actions.decisions.requests import RequestText, Source, SubjectKind
from tidewaiter.core.channel import Channel
from tidewaiter.faces.api.calling import Given, Page, caller, moment, needs, officer
from tidewaiter.faces.api.forms import ReasonText
from tidewaiter.faces.api.service import requesting
from tidewaiter.storage.records.models import ControlRequest

router = Router(tags=["requests for control"])

type Reference = Path[Annotated[str, Field(max_length=20, description="Reference of a request")]]
type Item = Annotated[int, Field(ge=1, le=99_999)]


class NewRequest(Given):
    """A request for control to be raised."""

    source: Source
    source_reference: Annotated[str, Field(max_length=80, description="Its number in the operation or at the partner")]
    asked_by: Annotated[str, Field(max_length=200, description="The operation, or the administration that asks")]
    legal_basis: Annotated[str, Field(max_length=200)]
    subject_kind: SubjectKind
    subject: Annotated[str, Field(max_length=200, description="Number of the declaration, document or container")]
    items: list[Item] = Field([], max_length=1000, description="Of a declaration only; none: all")
    channel: Annotated[Channel, Field(description="red, orange or yellow")]
    controls: list[Annotated[str, Field(max_length=80)]] = Field([], max_length=100, description="None: the channel's")
    instruction: Annotated[str, Field(max_length=4000, description="What an examiner is shown: what to do, not why")]
    reason: ReasonText
    rank: Annotated[int, Field(ge=0, le=32767, description="Classification that seeing it needs")] = 0
    expires_at: Annotated[AwareDatetime, Field(description="An instant with its offset, 2026-03-02T12:00:00Z")]

    def text(self) -> RequestText:
        """Return what the request says."""
        return RequestText(
            source=self.source,
            source_reference=self.source_reference,
            asked_by=self.asked_by,
            legal_basis=self.legal_basis,
            subject_kind=self.subject_kind,
            subject=self.subject,
            items=tuple(self.items),
            channel=self.channel,
            controls=tuple(self.controls),
            instruction=self.instruction,
            reason=self.reason,
            rank=self.rank,
        )


class RequestAnswer(Schema):
    """A request for control."""

    reference: str
    source: str
    source_reference: str
    asked_by: str
    legal_basis: str
    subject_kind: str
    subject: str
    items: list[int]
    channel: str
    controls: list[str]
    instruction: str
    reason: str
    rank: int
    raised_by: str
    raised_at: AwareDatetime
    expires_at: AwareDatetime
    state: str = Field(description="in force, expired (what came of it is owed) or ended")
    ending: bool = Field(description="Its end waits for a second person")
    outcome: str


class RequestPage(Schema):
    """A page of requests."""

    entries: list[RequestAnswer]
    next: int | None


class Ending(Given):
    """What came of a request."""

    outcome: Annotated[str, Field(max_length=4000)]


class EndingAgreed(Given):
    """Whether the second person agrees."""

    agreed: bool


@router.post("/requests", auth=needs("request.raise"), response={201: RequestAnswer}, summary="Ask for control")
def raise_request(request: HttpRequest, given: NewRequest) -> Status[Any]:
    """Put a request in force at once; goods in flight that it names are decided again before the answer."""
    made = requesting()(text=given.text(), expires_at=given.expires_at, by=caller(request), at=moment())
    return Status(201, _answer(made))


@router.get("/requests", auth=needs("request.read"), response=RequestPage, summary="List requests for control")
def list_requests(request: HttpRequest, asked: Query[Page]) -> dict[str, Any]:
    """Return the requests that the caller may see, the latest first; the reading is recorded."""
    found = kept.seen_requests(officer(request)).select_related("raised_by")[asked.after : asked.after + asked.limit]
    read = kept.read_requests(found=found, by=caller(request), at=moment())
    return {
        "entries": [_answer(one) for one in read],
        "next": asked.after + asked.limit if len(read) >= asked.limit else None,
    }


@router.get("/requests/{reference}", auth=needs("request.read"), response=RequestAnswer, summary="Read a request")
def get_request(request: HttpRequest, reference: Reference) -> dict[str, Any]:
    """Return a request; the reading is recorded."""
    return _answer(kept.read_request(reference=reference, by=caller(request), at=moment()))


@router.post("/requests/{reference}/end", auth=needs("request.end"), response=RequestAnswer, summary="End a request")
def end_request(request: HttpRequest, reference: Reference, given: Ending) -> dict[str, Any]:
    """Ask for the end of a request, with what came of it; a second person confirms it. No channel falls by it."""
    return _answer(kept.end_request(reference=reference, outcome=given.outcome, by=caller(request), at=moment()))


@router.post(
    "/requests/{reference}/end/confirm",
    auth=needs("request.confirm_end"),
    response=RequestAnswer,
    summary="Confirm the end of a request",
)
def confirm_request_end(request: HttpRequest, reference: Reference, given: EndingAgreed) -> dict[str, Any]:
    """Confirm or refuse the end that another person asked for."""
    found = kept.confirm_request_end(reference=reference, agreed=given.agreed, by=caller(request), at=moment())
    return _answer(found)


def _answer(found: ControlRequest) -> dict[str, Any]:
    plain = (
        "reference", "source", "source_reference", "asked_by", "legal_basis", "subject_kind", "subject", "items",
        "channel", "controls", "instruction", "reason", "rank", "raised_at", "expires_at", "outcome",
    )  # fmt: skip
    return {
        **{name: getattr(found, name) for name in plain},
        "raised_by": found.raised_by.login,
        "state": kept.state_of(found, moment()),
        "ending": found.ended_by_id is not None and found.ended_at is None,
    }
