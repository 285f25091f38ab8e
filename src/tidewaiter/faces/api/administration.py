"""Offices, client systems, classifications and tokens. A token's text is answered once, when it is issued.

A token for another officer or for a client system lets nobody in before a second person confirmed it.
"""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema, Status

from tidewaiter.actions import administration
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
from tidewaiter.faces.api.forms import Login
from tidewaiter.storage.records.models import ClientSystem, Office, Token
from tidewaiter.storage.records.visibility import visible_to

router = Router(tags=["administration"])

type Label = Annotated[str, Field(min_length=1, max_length=80)]
type Number = Path[Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]]


class NewOffice(Given):
    """An office by the code declarations name it with."""

    code: Annotated[str, Field(min_length=1, max_length=35)]
    name: Annotated[str, Field(max_length=200)] = ""


class NewClient(Given):
    """A client system."""

    name: Label


class NewToken(Given):
    """A token for an officer or for a client system; `scopes` are names of actions."""

    label: Label
    officer: Login | None = None
    client: Label | None = None
    scopes: list[Annotated[str, Field(max_length=60)]] = Field([], max_length=200)
    expires_at: datetime | None = None


class NewClass(Given):
    """A step of the classification scheme."""

    rank: Annotated[int, Field(ge=1, le=32767)]
    code: Annotated[str, Field(min_length=1, max_length=20)]
    label: Label


class OfficeAnswer(Schema):
    """An office."""

    code: str
    name: str


class ClientAnswer(Schema):
    """A client system."""

    name: str
    active: bool


class TokenAnswer(Schema):
    """A token without its text."""

    number: int
    label: str
    officer: str | None
    client: str | None
    scopes: list[str]
    made_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    state: str = Field(description="good, waiting (for a second person), refused, revoked or expired")
    issued_by: str | None
    decided_by: str | None = Field(description="Who confirmed or refused it")
    decided_at: datetime | None


class IssuedAnswer(TokenAnswer):
    """A token just issued, with its text: shown this once."""

    token: str


class TokenPage(Schema):
    """A page of tokens."""

    entries: list[TokenAnswer]
    next: int | None


class ClassAnswer(Schema):
    """A step of the classification scheme."""

    rank: int
    code: str
    label: str


@router.get("/offices", auth=needs("office.add"), response=list[OfficeAnswer], summary="List offices")
def list_offices(request: HttpRequest) -> list[Office]:
    """Return all offices by their codes."""
    return list(visible_to(officer(request), Office.objects.order_by("code")))


@router.post("/offices", auth=needs("office.add"), response={201: OfficeAnswer}, summary="Add an office")
def add_office(request: HttpRequest, given: NewOffice) -> Status[Any]:
    """Add an office."""
    return Status(201, administration.add_office(code=given.code, name=given.name, by=caller(request), at=moment()))


@router.get("/clients", auth=needs("client.add"), response=list[ClientAnswer], summary="List client systems")
def list_clients(request: HttpRequest) -> list[ClientSystem]:
    """Return all client systems by their names."""
    return list(visible_to(officer(request), ClientSystem.objects.order_by("name")))


@router.post("/clients", auth=needs("client.add"), response={201: ClientAnswer}, summary="Add a client system")
def add_client(request: HttpRequest, given: NewClient) -> Status[Any]:
    """Add a client system; it can do nothing before it has a token."""
    return Status(201, administration.add_client(name=given.name, by=caller(request), at=moment()))


@router.get("/tokens", auth=needs("token.issue", "token.confirm"), response=TokenPage, summary="List tokens")
def list_tokens(request: HttpRequest, asked: Query[Page]) -> dict[str, Any]:
    """Return tokens, without their texts, in the order in which they were issued: who issued, who confirmed each."""
    found = visible_to(officer(request), administration.read_tokens(by=caller(request), at=moment()))
    page = paged(list(found.filter(pk__gt=asked.after)[: asked.limit]), asked, lambda one: one.pk)
    return {**page, "entries": [_token(one) for one in page["entries"]]}


@router.post("/tokens", auth=needs("token.issue"), response={201: IssuedAnswer}, summary="Issue a token")
def issue_token(request: HttpRequest, given: NewToken) -> Status[Any]:
    """Issue a token; its text is in this answer and nowhere else.

    One for somebody else is `waiting` until a second person confirms it, and lets nobody in before.
    """
    issued = administration.issue_token(
        label=given.label,
        officer=given.officer,
        client=given.client,
        scopes=given.scopes,
        expires_at=given.expires_at,
        by=caller(request),
        at=moment(),
    )
    return Status(201, {**_token(issued.token), "token": issued.text})


@router.post("/tokens/{number}/confirm", auth=needs("token.confirm"), response=TokenAnswer, summary="Confirm a token")
def confirm_token(request: HttpRequest, number: Number) -> dict[str, Any]:
    """Let a token that waits be used; not who issued it, nor whose it is."""
    return _token(administration.confirm_token(token=number, by=caller(request), at=moment()))


@router.post("/tokens/{number}/refuse", auth=needs("token.refuse"), response=TokenAnswer, summary="Refuse a token")
def refuse_token(request: HttpRequest, number: Number) -> dict[str, Any]:
    """Refuse a token that waits: it is never good."""
    return _token(administration.refuse_token(token=number, by=caller(request), at=moment()))


@router.post("/tokens/{number}/revoke", auth=needs("token.revoke"), response=TokenAnswer, summary="Revoke a token")
def revoke_token(request: HttpRequest, number: Number) -> dict[str, Any]:
    """Revoke a token for good."""
    revoked = administration.revoke_token(token=number, by=caller(request), at=moment())
    forget_tokens()
    return _token(revoked)


@router.get(
    "/classifications",
    auth=needs("classification.add", "officer.confirm"),
    response=list[ClassAnswer],
    summary="Read the classifications",
)
def list_classes(request: HttpRequest) -> list[Any]:
    """Return the classification scheme, lowest rank first."""
    found = administration.read_classifications(by=caller(request), at=moment())
    return list(visible_to(officer(request), found))


@router.post(
    "/classifications",
    auth=needs("classification.add"),
    response={201: ClassAnswer},
    summary="Add a step to the classifications",
)
def add_class(request: HttpRequest, given: NewClass) -> Status[Any]:
    """Add a step to the classification scheme."""
    made = administration.add_classification(
        rank=given.rank, code=given.code, label=given.label, by=caller(request), at=moment()
    )
    return Status(201, made)


def _token(found: Token) -> dict[str, Any]:
    return {
        "number": found.pk,
        "label": found.label,
        "officer": found.officer.login if found.officer else None,
        "client": found.client.name if found.client else None,
        "scopes": found.scopes,
        "made_at": found.made_at,
        "expires_at": found.expires_at,
        "revoked_at": found.revoked_at,
        "state": found.state(moment()),
        "issued_by": found.issued_by.login if found.issued_by else None,
        "decided_by": found.decided_by.login if found.decided_by else None,
        "decided_at": found.decided_at,
    }
