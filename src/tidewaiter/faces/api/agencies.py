"""What a partner agency reads of its own: holds and requests, and what was found in the goods."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from tidewaiter.actions.decisions.agencies import Asked, own_holds, own_requests
from tidewaiter.actions.decisions.requests import state_of
from tidewaiter.faces.api.calling import Page, caller, moment, needs

router = Router(tags=["partner agencies"])


class FoundAnswer(Schema):
    """What a control established."""

    kind: str = Field(description="documents, scan or physical")
    outcome: str
    state: str
    known_at: datetime
    categories: list[str]


class GoodsAnswer(Schema):
    """Goods, and what was found in them: nothing while anything is open about them."""

    declaration_id: str
    results: list[FoundAnswer]


class HoldAnswer(Schema):
    """A hold of the agency."""

    event_id: str
    placed_at: datetime
    standing: bool = Field(description="Whether the agency holds the goods now")
    goods: GoodsAnswer


class HoldPage(Schema):
    """A page of holds."""

    entries: list[HoldAnswer]
    next: int | None


class AskedAnswer(Schema):
    """A request of the agency, with the goods that it named."""

    reference: str
    source_reference: str
    subject_kind: str
    subject: str
    items: list[int]
    raised_at: datetime
    expires_at: datetime
    state: str = Field(description="in force, expired (what came of it is owed) or ended")
    outcome: str
    goods: list[GoodsAnswer]


class AskedPage(Schema):
    """A page of requests."""

    entries: list[AskedAnswer]
    next: int | None


@router.get("/agency/holds", auth=needs("agency.read"), response=HoldPage, summary="Read the own agency's holds")
def agency_holds(request: HttpRequest, asked: Query[Page]) -> dict[str, Any]:
    """Return what the caller's agency held or holds, the latest first; the reading is recorded."""
    return _page(own_holds(after=asked.after, limit=asked.limit, by=caller(request), at=moment()), asked)


@router.get("/agency/requests", auth=needs("agency.read"), response=AskedPage, summary="Read the own agency's requests")
def agency_requests(request: HttpRequest, asked: Query[Page]) -> dict[str, Any]:
    """Return what the caller's agency asked to be controlled, the latest first; the reading is recorded."""
    found = own_requests(after=asked.after, limit=asked.limit, by=caller(request), at=moment())
    return _page([_asked(one) for one in found], asked)


def _page(found: list[Any], asked: Page) -> dict[str, Any]:
    return {"entries": found, "next": asked.after + asked.limit if len(found) >= asked.limit else None}


def _asked(one: Asked) -> dict[str, Any]:
    plain = (
        "reference", "source_reference", "subject_kind", "subject", "items", "raised_at", "expires_at", "outcome",
    )  # fmt: skip
    told = {name: getattr(one.request, name) for name in plain}
    return {**told, "state": state_of(one.request, moment()), "goods": list(one.goods)}
