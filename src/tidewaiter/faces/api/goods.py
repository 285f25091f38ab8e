"""Advance cargo and events: what is known about goods beside their declarations."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.http import HttpRequest
from ninja import Router, Status

from tidewaiter.actions.decisions.events import LONGEST_BEFORE, before_lodging, record_events
from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.faces.api.calling import caller, moment, needs
from tidewaiter.faces.api.documents import Filed, Row, several
from tidewaiter.faces.api.json_reading import read_json
from tidewaiter.faces.api.schemas import (
    Consignment,
    ConsignmentAnswer,
    ConsignmentAnswers,
    Event,
    EventAnswer,
    EventAnswers,
    batch,
    body,
)
from tidewaiter.faces.api.service import assessing, documents

MOST_IN_BATCH: Final = 5_000

router = Router(tags=["goods"])

type Answers = list[dict[str, object]]


@router.post(
    "/events",
    auth=needs("event.record"),
    response={201: EventAnswer, 200: EventAnswer},
    openapi_extra=body(Event),
    summary="Say what happened to goods",
)
def event(request: HttpRequest) -> Status[Any]:
    """Keep one event: arrival, release, hold, gate-out and the like. 200: it was kept before."""
    at = moment()
    row = documents().event(read_json(request.body), received_at=at)
    (answer,) = _recorded([row], ["occurred_at"], request, at)
    return Status(201 if answer["status"] == "kept" else 200, answer)


@router.post(
    "/events/batch",
    auth=needs("event.record"),
    response=EventAnswers,
    openapi_extra=batch("events", Event, MOST_IN_BATCH),
    summary="Say what happened to goods, many at once",
)
def events(request: HttpRequest) -> dict[str, Answers]:
    """Keep events; all of them or none."""
    at = moment()
    read = partial(documents().event, received_at=at)
    rows = _all_readable(several(read_json(request.body), "events", MOST_IN_BATCH, read))
    return {"answers": _recorded(rows, [f"events[{n}].occurred_at" for n in range(len(rows))], request, at)}


def _recorded(rows: Sequence[Row], places: Sequence[str], request: HttpRequest, at: datetime) -> Answers:
    """Keep events, each with the place of its moment. Raises InputError for moments long before their declaration."""
    message = f"lies more than {LONGEST_BEFORE.days} days before its declaration was lodged"
    advice = "give the moment at which it happened, and the declaration it happened to"
    if early := before_lodging(rows):
        raise InputError(Problem(message, Place(places[number]), advice) for number in early)
    return record_events(events=rows, by=caller(request), at=at)


def _all_readable[D](found: list[D | InputError]) -> list[D]:
    """Return the documents. Raises InputError with the problems of all that cannot be read."""
    problems = [problem for one in found if isinstance(one, InputError) for problem in one.problems]
    if problems:
        raise InputError(problems)
    return [one for one in found if not isinstance(one, InputError)]


@router.post(
    "/consignments",
    auth=needs("consignment.assess"),
    response={201: ConsignmentAnswer, 200: ConsignmentAnswer},
    openapi_extra=body(Consignment),
    summary="File advance cargo",
)
def consignment(request: HttpRequest) -> Status[Any]:
    """Assess one consignment before loading or arrival. 200: the same filing was assessed before."""
    filed = documents().consignment(read_json(request.body))
    (answer,) = _assessed([filed], request)
    return Status(200 if answer.get("status") == "repeated" else 201, answer)


@router.post(
    "/consignments/batch",
    auth=needs("consignment.assess"),
    response=ConsignmentAnswers,
    openapi_extra=batch("consignments", Consignment, MOST_IN_BATCH),
    summary="File advance cargo, many at once",
)
def consignments(request: HttpRequest) -> dict[str, Answers]:
    """Assess consignments; all of them or none."""
    filed = several(read_json(request.body), "consignments", MOST_IN_BATCH, documents().consignment)
    return {"answers": _assessed(_all_readable(filed), request)}


def _assessed(filed: Sequence[Filed], request: HttpRequest) -> Answers:
    rows = [{**one.row, "version": one.version} for one in filed]
    return assessing()(rows=rows, by=caller(request), at=moment())
