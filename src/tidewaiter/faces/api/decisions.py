"""Decisions: declarations in, channels out; the feed of changes; what stands behind a decision.

The two routes that take declarations read the body themselves and send the stored text of the answer as it stands:
at hundreds a second, reading and writing JSON twice would be most of the work.
"""

import json
import queue
from collections.abc import Iterable, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Field, Path, Query, Router
from prometheus_client import Counter

from tidewaiter.actions.acting import Caller
from tidewaiter.actions.decisions import tracing
from tidewaiter.actions.decisions.deciding import Answer, Lodged
from tidewaiter.actions.decisions.weighing import WeigherGoneError
from tidewaiter.core.errors import InputError, Problem
from tidewaiter.faces.api.calling import LARGEST_NUMBER, Given, caller, moment, needs
from tidewaiter.faces.api.documents import Declared, several
from tidewaiter.faces.api.json_reading import read_json
from tidewaiter.faces.api.observing import REGISTRY
from tidewaiter.faces.api.problems import CONTENT_TYPE, NotReadyError, problem_json, refusal
from tidewaiter.faces.api.schemas import BatchAnswer, Changes, DecisionAnswer, Declaration, batch, body
from tidewaiter.faces.api.service import decider, documents

MOST_IN_BATCH: Final = 5_000
ANSWERED_WITHIN: Final = 60.0
"""Seconds a call waits for its answers; the declarations are decided all the same, and sending again gives them."""

DECISIONS = Counter("tidewaiter_decisions", "Declarations answered", ("status", "channel"), registry=REGISTRY)

router = Router(tags=["decisions"])

type DecisionId = Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9-]+$", description="Number of a decision")]


@router.post(
    "/decisions",
    auth=needs("decision.take"),
    response={201: DecisionAnswer, 200: DecisionAnswer},
    openapi_extra=body(Declaration),
    summary="Decide one declaration",
)
def decide(request: HttpRequest) -> HttpResponse:
    """Give a declaration its channel.

    201: decided now, and on the disk. 200: the same number, version and content was decided before; the stored answer
    again, with the channel in force now. 409: the version was lodged with other content.
    """
    (answer,) = _answers([documents().declaration(read_json(request.body), received_at=moment())], caller(request))
    if answer.status == "conflict":
        return refusal(HTTPStatus.CONFLICT, [_problem(answer)])
    status = HTTPStatus.CREATED if answer.status == "decided" else HTTPStatus.OK
    return HttpResponse(_told(answer), status=status, content_type=CONTENT_TYPE)


@router.post(
    "/decisions/batch",
    auth=needs("decision.take"),
    response=BatchAnswer,
    openapi_extra=batch("declarations", Declaration, MOST_IN_BATCH),
    summary="Decide many declarations",
)
def decide_batch(request: HttpRequest) -> HttpResponse:
    """Give many declarations their channels; each stands for itself.

    200 where at least one could be read: each entry has its answer or its problems, in the order sent. 422 where none
    could, with all problems.
    """
    read = partial(documents().declaration, received_at=moment())
    found = several(read_json(request.body), "declarations", MOST_IN_BATCH, read)
    readable = [one for one in found if isinstance(one, Declared)]
    if not readable:
        raise InputError([problem for one in found if isinstance(one, InputError) for problem in one.problems])
    answers = iter(_answers(readable, caller(request)))
    entries = (_refused(one.problems) if isinstance(one, InputError) else _entry(next(answers)) for one in found)
    return HttpResponse(f'{{"answers":[{",".join(entries)}]}}', content_type=CONTENT_TYPE)


def _answers(declared: Sequence[Declared], by: Caller) -> list[Answer]:
    """Return the answers once they are on the disk. Raises NotReadyError where the Decider cannot give them now."""
    lodged = [Lodged.written(one.declaration_id, one.version, one.rows) for one in declared]
    deciding = decider()
    try:
        answers = deciding.submit(lodged, by).result(ANSWERED_WITHIN)
    except queue.Full:
        raise _not_ready("too many declarations wait") from None
    except FutureTimeoutError:
        raise _not_ready("the answer takes too long") from None
    except WeigherGoneError as error:
        raise _not_ready(str(error)) from None
    except RuntimeError:
        reasons = deciding.ready()
        if not reasons:
            raise
        raise NotReadyError([Problem(reason) for reason in reasons]) from None
    for answer in answers:
        DECISIONS.labels(answer.status, answer.current_channel).inc()
    return answers


def _not_ready(why: str) -> NotReadyError:
    return NotReadyError(
        Problem(why, suggestion="send the same again: what was decided meanwhile is answered as it is")
    )


def _told(answer: Answer) -> str:
    """Return the stored answer with where the declaration stands now, without reading it."""
    now = f'"current_channel":"{answer.current_channel}","current_decision":"{answer.current_decision}"'
    return f'{answer.text[:-1]},{now},"acts_open":{"true" if answer.acts_open else "false"}}}'


def _entry(answer: Answer) -> str:
    if answer.status == "conflict":
        return _refused([_problem(answer)], "conflict")
    return f'{{"status":"{answer.status}","decision":{_told(answer)}}}'


def _refused(problems: Iterable[Problem], status: str = "invalid") -> str:
    return json.dumps({"status": status, "problems": [problem_json(problem) for problem in problems]})


def _problem(answer: Answer) -> Problem:
    return Problem(answer.problem, suggestion=None)


class After(Given):
    """Where in the feed to go on."""

    after: Annotated[int, Field(ge=0, le=LARGEST_NUMBER, description="The last cursor read; 0 begins")] = 0
    limit: Annotated[int, Field(ge=1, le=1000, description="How many entries at most")] = 100


@router.get(
    "/decisions/changes", auth=needs("decision.changes"), response=Changes, summary="Follow channels that change"
)
def changes(request: HttpRequest, asked: Query[After]) -> dict[str, Any]:
    """Return what changed after a cursor, in one order; every change comes at least once.

    Ask again from `next`; where nothing is new it is the cursor asked from.
    """
    entries = tracing.changes(after=asked.after, limit=asked.limit, by=caller(request), at=moment())
    return {"changes": entries, "next": entries[-1]["cursor"] if entries else asked.after}


@router.get(
    "/decisions/{decision_id}", auth=needs("decision.read"), response=DecisionAnswer, summary="Read a decision again"
)
def decision(request: HttpRequest, decision_id: Path[DecisionId]) -> dict[str, Any]:
    """Return the answer that was given, with where the declaration stands now."""
    return tracing.decision(decision_id=decision_id, by=caller(request), at=moment())


@router.get(
    "/decisions/{decision_id}/trace",
    auth=needs("decision.trace"),
    response=dict[str, Any],
    summary="See all that stands behind a decision",
)
def trace(request: HttpRequest, decision_id: Path[DecisionId]) -> dict[str, Any]:
    """Return every reason with its probability, the draw, and every fact as it was known. Each read is recorded."""
    return tracing.trace(decision_id=decision_id, by=caller(request), at=moment())
