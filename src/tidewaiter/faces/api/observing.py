"""What is seen of every request from outside: figures for Prometheus and one line of log, nothing personal in either.

A line holds the template of the route, the status, the milliseconds and the client system; never a body, a query, an
address with its values, or who a person is. What officers call is not told apart: neither a figure nor a line says that
a lookout was raised. What is refused to a caller not known is not told apart either: it may have been an officer
whose token had ended.
"""

import time
from collections.abc import Callable
from http import HTTPStatus

import structlog
from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Counter, Histogram

from tidewaiter.actions.acting import Caller
from tidewaiter.faces.api.problems import refusal
from tidewaiter.storage.records.models import ClientSystem

REGISTRY = CollectorRegistry()
REQUESTS = Counter("tidewaiter_requests", "Requests answered", ("method", "route", "status"), registry=REGISTRY)
SECONDS = Histogram(
    "tidewaiter_request_seconds",
    "Time from the first byte read by the application to its answer",
    ("route",),
    registry=REGISTRY,
    buckets=(0.002, 0.005, 0.01, 0.02, 0.03, 0.045, 0.06, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
OFFICERS = "officers"
"""Stands for the route of whatever an officer calls, so that covert work looks like any other."""
REFUSED = "refused"
"""Stands for the route of what is refused to a caller not known: it may have been an officer whose token had ended."""

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})

_log = structlog.get_logger("tidewaiter.requests")


class Observed:
    """Middleware: refuses what no route could read, counts and logs every request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Take what answers."""
        self._answer = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the answer."""
        started = time.perf_counter()
        response = _refused_at_once(request) or self._answer(request)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED and response.get("Content-Type") != _JSON:
            response = _not_allowed(response)
        _note(request, response, time.perf_counter() - started)
        return response


_JSON = "application/json; charset=utf-8"


def _refused_at_once(request: HttpRequest) -> HttpResponse | None:
    meta = request.META
    if "\x00" in request.path_info or "%00" in meta.get("QUERY_STRING", ""):
        return refusal(400, "the address holds NUL")
    if "HTTP_TRANSFER_ENCODING" in meta and not meta.get("CONTENT_LENGTH"):
        return refusal(411, "the length of the body is not stated: send Content-Length")
    return None


def _not_allowed(response: HttpResponse) -> HttpResponse:
    refused = refusal(405, f"this address takes {response['Allow']}")
    refused["Allow"] = response["Allow"]
    return refused


def _note(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    client = _client(getattr(request, "auth", None))
    method, route, status = _told(request, response, client)
    REQUESTS.labels(method, route, status).inc()
    SECONDS.labels(route).observe(seconds)
    _log.info("request", method=method, route=route, status=status, ms=round(seconds * 1000, 2), client=client)


def _told(request: HttpRequest, response: HttpResponse, client: str | None) -> tuple[str, str, int]:
    match, status = request.resolver_match, response.status_code
    well = status < HTTPStatus.BAD_REQUEST
    if client == _A_PERSON:
        return "any", OFFICERS, HTTPStatus.OK.value if well else status
    if client is None and match and match.route.startswith(_API) and not well:
        return "any", REFUSED, status
    method = request.method if request.method in _METHODS else "other"
    return str(method), "/" + match.route if match else "none", status


_API = "api/"
_A_PERSON = "officer"


def _client(caller: object) -> str | None:
    """Return the reference of a client system; that a person called, not which."""
    if not isinstance(caller, Caller):
        return None
    return caller.reference if isinstance(caller.who, ClientSystem) else _A_PERSON
