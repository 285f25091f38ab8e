"""What every route shares: who calls and with what right, the moment of the call, the body as given, pages of a list.

To add routes, write `faces/api/SUBJECT.py` with `router = Router(tags=["subject"])`, give every route its action by
`auth=needs("profile.approve")` (several where the body says which: any of them lets the call in, the action itself
checks the exact one), and add the router to `faces/api/routes.py`, one line. A route calls one action:
`approve_profile(code=code, number=number, by=caller(request), at=moment())`; `officer(request)` is the officer where
the action wants one. What the action raises becomes the answer (`faces/api/problems.py`: InputError 422, NotKnownError
404, NotAllowedError 403, ConflictError 409), so a route catches nothing. Without a token the answer is 401; without the
right 403, before the body is looked at, and the refusal is recorded.

A body is a `Given` model (unknown fields are refused with the nearest name; numbers arrive as exact decimals; NUL,
unpaired surrogates, repeated names, NaN and documents nested beyond 32 levels are refused before). Give every field
`Field(description=..., max_length=...)` and every number its bounds, for the OpenAPI document is tested by fuzzing
against the routes. A list takes `page: Query[Page]` and answers `paged(rows, page, cursor)`. State the answer as
`response=Model` or `response={201: Model}`; the refusals are documented for all routes in one place. Days are those of
the administration: `today()`. Tests call in-process with `django.test.Client`; `tests/faces/test_api_rights.py` walks
every route with every role and fails for one without an action.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from ninja import Field, Schema
from ninja.errors import AuthenticationError
from ninja.security.http import HttpAuthBase
from pydantic import ConfigDict, ValidationInfo, field_validator

from tidewaiter.actions.acting import Caller, may, officer_of, require
from tidewaiter.actions.administration import caller_of, token_digest
from tidewaiter.core.errors import NotAllowedError
from tidewaiter.faces.api.service import service
from tidewaiter.storage.records.models import Officer

KEPT_SECONDS: Final = 2.0
"""How long a token once found good is taken without asking the records again: so long a revocation may take."""

_MOST_KEPT = 10_000
_LONGEST_TOKEN = 200
_YEARS = range(1900, 3000)
LARGEST_NUMBER: Final = 2**63 - 1

_kept: dict[str, tuple[Caller, float]] = {}


class BearerToken(HttpAuthBase):
    """Lets a call in when its token is good and allows one of the actions."""

    openapi_scheme = "bearer"

    def __init__(self, *actions: str) -> None:
        """Take the actions the route may use."""
        super().__init__()
        self.actions = actions

    def __call__(self, request: HttpRequest) -> Caller:
        """Return who calls. Raises AuthenticationError without a good token, NotAllowedError without the right.

        Who calls is noted before the right is asked for, so that a refused officer is told of as an officer.
        """
        caller = _caller_by(request.META.get("HTTP_AUTHORIZATION", ""))
        request.auth = caller  # type: ignore[attr-defined]
        if not any(may(action, caller) for action in self.actions):
            require(self.actions[0], caller, moment())
        return caller


def needs(*actions: str) -> BearerToken:
    """Return the check that the caller may use one of these actions (names of actions/rights.csv)."""
    return BearerToken(*actions)


def _caller_by(header: str) -> Caller:
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(text) <= _LONGEST_TOKEN:
        raise AuthenticationError
    digest, now = token_digest(text), service().ticks()
    known = _kept.get(digest)
    if known is not None and now < known[1]:
        return known[0]
    _kept.pop(digest, None)
    try:
        caller = caller_of(text, moment())
    except NotAllowedError as error:
        raise AuthenticationError from error
    if len(_kept) >= _MOST_KEPT:
        _kept.clear()
    _kept[digest] = (caller, now + KEPT_SECONDS)
    return caller


def forget_tokens() -> None:
    """Ask the records again about every token at its next call."""
    _kept.clear()


def caller(request: HttpRequest) -> Caller:
    """Return who calls."""
    found: Caller = request.auth  # type: ignore[attr-defined]
    return found


def officer(request: HttpRequest) -> Officer:
    """Return the officer who calls. Raises NotAllowedError for a client system."""
    return officer_of(caller(request))


def moment() -> datetime:
    """Return the moment of the call, in UTC."""
    return service().clock()


def today() -> date:
    """Return the administration's day of the call."""
    return moment().astimezone(ZoneInfo(service().time_zone)).date()


class Given(Schema):
    """A body as given: nothing but its fields, and no true or false where a number is asked for."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def no_flag_for_a_number(cls, value: object, info: ValidationInfo) -> object:
        """Return the value as it is. Raises ValueError for true and false in a field that is no flag."""
        if isinstance(value, bool) and not _takes_flag(cls.model_fields[str(info.field_name)].annotation):
            raise ValueError("true or false stands where something else is asked for")
        return value

    @field_validator("*")
    @classmethod
    def a_moment_that_can_be_kept(cls, value: object) -> object:
        """Return the value as it is. Raises ValueError for a moment without its time zone, or out of all reach."""
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise ValueError("needs its time zone: 2026-03-01T12:00:00Z")
            if value.year not in _YEARS:
                raise ValueError(f"lies before {_YEARS.start} or after {_YEARS.stop - 1}")
        return value


def _takes_flag(annotation: Any) -> bool:
    """Tell whether an annotation allows true and false, however deep in alternatives."""
    if annotation in (bool, Any, object):
        return True
    within = getattr(annotation, "__value__", None)
    return (within is not None and _takes_flag(within)) or any(map(_takes_flag, getattr(annotation, "__args__", ())))


class Page(Given):
    """Which part of a list is asked for."""

    after: Annotated[int, Field(ge=0, le=LARGEST_NUMBER, description="Cursor `next` of the page before; 0 begins")] = 0
    limit: Annotated[int, Field(ge=1, le=1000, description="How many entries at most")] = 100


def paged[T](rows: Sequence[T], page: Page, cursor: Callable[[T], int]) -> dict[str, Any]:
    """Return a page of rows (at most `page.limit`, in the order of their cursor) and the cursor the next begins after.

    `next` is null when fewer rows were found than asked for: the end of the list for now.
    """
    more = len(rows) >= page.limit
    return {"entries": list(rows[: page.limit]), "next": cursor(rows[page.limit - 1]) if more else None}
