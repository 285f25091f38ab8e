"""What went wrong as an answer: one table from errors to status codes, one form of body for every refusal.

    {"problems": [{"place": "items[2].hs_code", "message": "...", "suggestion": "..."}]}

`place` and `suggestion` are null where there is none. No answer holds a stack trace or the text of an unforeseen error.
"""

import json
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationErrorContext
from pydantic_core import ErrorDetails

from tidewaiter.actions.administration import WaitingError
from tidewaiter.actions.decisions.weighing import WeigherGoneError
from tidewaiter.core.errors import (
    ConflictError,
    InputError,
    LakeError,
    NotAllowedError,
    NotKnownError,
    Problem,
    TidewaiterError,
)
from tidewaiter.faces.api.spelling import AS_MOMENT
from tidewaiter.faces.api.wording import did_you_mean, problem_at
from tidewaiter.faces.logs import where

STATUS: Final[Mapping[type[TidewaiterError], HTTPStatus]] = {
    InputError: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotKnownError: HTTPStatus.NOT_FOUND,
    NotAllowedError: HTTPStatus.FORBIDDEN,
    ConflictError: HTTPStatus.CONFLICT,
    LakeError: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The status each of our errors is answered with; a kind that is not here has that of the kind it is made from."""

CONTENT_TYPE: Final = "application/json; charset=utf-8"

_MOST_LET_PASS: Final = 128 * 1024 * 1024
"""Bytes of a refused body that are read; a client that sends more has its connection closed."""

_NO_MOMENT: Final = ("is no date and time", AS_MOMENT)
_NO_DAY: Final = ("is no day", "write it as 2026-01-31")
_WORDS: Final[Mapping[str, tuple[str, str | None]]] = {
    "missing": ("is required and absent", None),
    "datetime_type": _NO_MOMENT,
    "datetime_parsing": _NO_MOMENT,
    "datetime_from_date_parsing": _NO_MOMENT,
    "date_type": _NO_DAY,
    "date_parsing": _NO_DAY,
    "date_from_datetime_parsing": _NO_DAY,
    "date_from_datetime_inexact": _NO_DAY,
}
"""Our words, those of declarations and events, for pydantic's kinds of errors."""

_log = structlog.get_logger()


class NotReadyError(TidewaiterError):
    """The service cannot do this now: it is starting, stopping, or a part it needs is not there."""


_UNAVAILABLE: Final = Problem("the records cannot be reached now", suggestion="send the request again in a moment")


def status_of(error: TidewaiterError) -> HTTPStatus:
    """Return the status an error of ours is answered with."""
    if isinstance(error, NotReadyError):
        return HTTPStatus.SERVICE_UNAVAILABLE
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return HTTPStatus.INTERNAL_SERVER_ERROR


def refusal(status: int, problems: Iterable[Problem] | str) -> HttpResponse:
    """Return the answer that refuses with these problems, or with one message."""
    listed = [Problem(problems)] if isinstance(problems, str) else list(problems)
    headers = {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    elif status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "1"
    return HttpResponse(refusal_text(listed), status=status, content_type=CONTENT_TYPE, headers=headers)


def refusal_text(problems: Iterable[Problem]) -> str:
    """Return the body of a refusal."""
    return json.dumps({"problems": [problem_json(problem) for problem in problems]})


def problem_json(problem: Problem) -> dict[str, str | None]:
    """Return one problem as it is answered."""
    return {"place": str(problem.place) or None, "message": problem.message, "suggestion": problem.suggestion}


def handle_errors(api: NinjaAPI) -> None:
    """Let the API answer every error with problems."""
    api.add_exception_handler(TidewaiterError, _ours)
    api.add_exception_handler(HttpError, _http)
    api.add_exception_handler(Http404, lambda _request, _error: refusal(404, "there is nothing at this address"))
    api.add_exception_handler(RequestDataTooBig, _too_big)
    api.add_exception_handler(SuspiciousOperation, lambda _request, _error: refusal(400, "the request is malformed"))
    api.add_exception_handler(OperationalError, _unavailable)
    api.add_exception_handler(WeigherGoneError, _being_made_again)
    api.add_exception_handler(RecursionError, lambda _request, _error: refusal(400, "the body is nested too deeply"))
    api.add_exception_handler(Exception, _unforeseen)


def _ours(_request: HttpRequest, error: Any) -> HttpResponse:
    status = status_of(error)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unforeseen(_request, error)
    return refusal(status, error.problems)


def _being_made_again(_request: HttpRequest, error: Any) -> HttpResponse:
    advice = "send the same again: what was decided meanwhile is answered as it is"
    return refusal(HTTPStatus.SERVICE_UNAVAILABLE, [Problem(str(error), suggestion=advice)])


def _http(_request: HttpRequest, error: Any) -> HttpResponse:
    cause = error.__cause__
    if isinstance(cause, InputError | WaitingError):
        return refusal(error.status_code, cause.problems)
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        advice = "send the header Authorization: Bearer TOKEN, with a token that is known, not expired, not revoked"
        return refusal(401, [Problem("who asks is not known", suggestion=advice)])
    return refusal(error.status_code, str(error))


def _too_big(request: HttpRequest, _error: Any) -> HttpResponse:
    _let_pass(request)
    return refusal(413, [Problem("the body is larger than 32 MB", suggestion="send it in several requests")])


def _let_pass(request: HttpRequest) -> None:
    """Read a refused body and forget it: a client that is still sending would not see the answer."""
    stream, left = request.META["wsgi.input"], min(int(request.META.get("CONTENT_LENGTH") or 0), _MOST_LET_PASS)
    while left > 0 and (part := stream.read(min(left, 1 << 16))):
        left -= len(part)


def _unavailable(_request: HttpRequest, error: Any) -> HttpResponse:
    _log.error("records unavailable", error=type(error).__name__, where=where(error))
    return refusal(503, [_UNAVAILABLE])


def _unforeseen(_request: HttpRequest, error: Any) -> HttpResponse:
    """Answer an error nobody thought of; the log gets its kind and the lines it passed, never its text."""
    _log.error("unforeseen error", error=type(error).__name__, where=where(error))
    return refusal(500, "the service failed; the operator finds the cause in its log")


def validation_problems(contexts: Iterable[ValidationErrorContext[Any]]) -> list[Problem]:
    """Return what pydantic found wrong with the parameters and the body of a call."""
    return [
        _validation_problem(context.model, error)
        for context in contexts
        for error in context.pydantic_validation_error.errors(include_url=False, include_context=True)
    ]


def _validation_problem(model: Any, error: ErrorDetails) -> Problem:
    """Return one of pydantic's problems: without the value, which might be personal."""
    found = tuple(error["loc"])
    location = tuple(getattr(model, "__ninja_flatten_map_reverse__", {}).get(found, found))
    source = str(model.__ninja_param_source__)
    if source == "body" and getattr(model, "__read_from_single_attr__", None) and location:
        location = location[1:]
    place = _spelled(location)
    if source != "body":
        place = f"{source}.{place}"
    if error["type"] == "extra_forbidden":
        name = str(location[-1])
        return problem_at(place, f"'{name}' is not a field", did_you_mean(name, _known_fields(model, found)))
    if error["type"] in _WORDS:
        return problem_at(place, *_WORDS[error["type"]])
    if error["type"] in ("enum", "literal_error") and isinstance(error["input"], str):
        known = re.findall("'([^']*)'", str(error["ctx"]["expected"]))
        return problem_at(place, _lower_first(error["msg"]), did_you_mean(error["input"], known))
    return problem_at(place, _lower_first(error["msg"].removeprefix("Value error, ")))


def _spelled(location: Iterable[int | str]) -> str:
    written = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return re.sub(r"[\x00-\x1f\x7f]", " ", written.removeprefix("."))[:200]


def _known_fields(model: Any, location: tuple[int | str, ...]) -> list[str]:
    """Return the names a document might have had beside the unknown one at this location."""
    for part in location[:-1]:
        field = getattr(model, "model_fields", {}).get(part)
        if field is not None:
            model = _model_within(field.annotation) or model
    return list(getattr(model, "model_fields", {}))


def _model_within(annotation: Any) -> Any:
    """Return the model that an annotation holds, however deep in lists and alternatives; None when it holds none."""
    if hasattr(annotation, "model_fields"):
        return annotation
    found = (_model_within(argument) for argument in getattr(annotation, "__args__", ()))
    return next((one for one in found if one is not None), None)


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def bad_request(_request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001  # Django's name
    """Answer a request that is malformed before any route sees it."""
    return refusal(400, "the request is malformed")


def forbidden(_request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001  # Django's name
    """Answer what may not be done, outside the API."""
    return refusal(403, "you may not do this")


def nothing_here(_request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001  # Django's name
    """Answer a request for an address where there is nothing."""
    advice = "the addresses are listed in /api/v1/openapi.json"
    return refusal(404, [Problem("there is nothing at this address", suggestion=advice)])


def failed(_request: HttpRequest) -> HttpResponse:
    """Answer an unforeseen error outside the API."""
    return refusal(500, "the service failed; the operator finds the cause in its log")
