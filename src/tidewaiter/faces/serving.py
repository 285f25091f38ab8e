"""The service: the API, the queue of what is to be decided, and the process beside this one that decides.

Order of starting: the set in force and the day's history are made ready in the background, the Decider begins, the
address is opened; until all is ready declarations are answered 503. Order of stopping (SIGTERM or SIGINT): the address
is closed, calls under way get their answers, the Decider decides what it took, all ends.
"""

import gc
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import structlog
from django.core.wsgi import get_wsgi_application
from django.db import connection
from granian.constants import HTTPModes, Interfaces
from granian.server.mt import MTServer

from tidewaiter.actions.acting import Actor
from tidewaiter.actions.decisions.apart import deciding_apart, making_apart
from tidewaiter.actions.decisions.consignments import assess as assess_consignments
from tidewaiter.actions.decisions.deciding import Decider
from tidewaiter.actions.decisions.readying import Readying
from tidewaiter.actions.decisions.requests import RequestText, raise_request
from tidewaiter.actions.draws import Keys, check_keys
from tidewaiter.core.errors import InputError, Problem
from tidewaiter.faces.apart import COLLECT_AFTER, COMMAND
from tidewaiter.faces.api.problems import NotReadyError
from tidewaiter.faces.api.service import Assessing, InForce, Requesting, Service, use
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.records.alone import alone
from tidewaiter.storage.records.models import ControlRequest

THREADS: Final = 32
"""Calls answered at the same time; those of a group wait together for one commit."""

WAITING: Final = 512
"""Calls taken in beyond which the server lets connections wait."""

_SWITCH_SECONDS: Final = 0.002
"""How long a thread may keep the interpreter from others: shorter than Python's 5 ms, as calls wait for the Decider."""

_log = structlog.get_logger()


class OneProcess(MTServer):
    """Granian with its one worker as a thread of this process, so that killing the process kills the service.

    Granian offers this to builds of Python without the interpreter lock only, as its gain lies there; one worker whose
    calls mostly wait runs as well with the lock.
    """

    def _check_gil(self) -> None:
        """Take any build of Python."""


@dataclass(slots=True)
class Running:
    """What runs beside the API in one process."""

    readying: Readying
    decider: Decider

    def start(self) -> None:
        """Begin to make ready and to decide."""
        self.readying.start()
        self.decider.start()

    def stop(self) -> None:
        """Decide what was taken, and end."""
        self.decider.stop()
        self.readying.stop()


def now() -> datetime:
    """Return the present, in UTC."""
    return datetime.now(UTC)


def running_on(lake: Path, keys: Keys, clock: Callable[[], datetime] = now) -> Running:
    """Make what runs beside the API, on the lake in that folder, and put the service in place; nothing starts yet."""
    catalogue = load_catalogue()
    readying = Readying(
        lake,
        catalogue,
        clock=clock,
        make=making_apart(lake, catalogue, COMMAND, keys),
        told=lambda problem: _log.error("cannot use what is new", problem=problem),
    )
    decider = Decider(
        lambda group, at: deciding_apart(readying.standing(), group, at),
        clock=clock,
        ready=readying.why_not_ready,
    )
    administration = Lake.open(lake).administration
    use(
        Service(
            decider=decider,
            assess=assessing_with(readying, keys),
            request=requesting_with(readying, keys),
            time_zone=administration.time_zone,
            clock=clock,
            in_force=lambda: in_force(readying),
            lake=lake,
            material_duty=administration.material_duty,
            policy=lambda: readying.current.content.policy if readying.current else None,
        )
    )
    return Running(readying, decider)


def assessing_with(readying: Readying, keys: Keys) -> Assessing:
    """Return what assesses advance cargo by what decides at the moment."""

    def assess(*, rows: Sequence[Mapping[str, object]], by: Actor, at: datetime) -> list[dict[str, object]]:
        if readying.current is None:
            raise NotReadyError(readying.problem)
        return assess_consignments(rows=rows, standing=readying.current, keys=keys, by=by, at=at)

    return assess


def requesting_with(readying: Readying, keys: Keys) -> Requesting:
    """Return what raises requests for control, and decides the goods they name by what decides at the moment."""

    def request(*, text: RequestText, expires_at: datetime, by: Actor, at: datetime) -> ControlRequest:
        if readying.current is None:
            raise NotReadyError(readying.problem)
        return raise_request(text=text, expires_at=expires_at, standing=readying.current, keys=keys, by=by, at=at)

    return request


def in_force(readying: Readying) -> InForce | None:
    """Return what is decided by now; None before anything is ready."""
    standing = readying.current
    if standing is None:
        return None
    return InForce(
        set_digest=standing.content.digest,
        policy=standing.content.policy.version,
        on=standing.on,
        statistics_on=standing.image.statistics_on,
        image=standing.image.name,
        behind=readying.problem,
    )


def serve(lake: Path, keys: Keys, *, host: str, port: int) -> None:
    """Serve until told to stop. Raises InputError when the address cannot be used, LakeError when the lake cannot.

    Raises ConflictError where another process serves the same SQLite file. On PostgreSQL any number may: all writers
    are of one order, and each decides by what the others have committed.
    """
    check_free(host, port)
    check_keys(keys)
    with nullcontext() if connection.vendor == "postgresql" else alone("serve"):
        _serve(lake, keys, host, port)


def _serve(lake: Path, keys: Keys, host: str, port: int) -> None:
    running = running_on(lake, keys)
    server = server_of(whole_answers(get_wsgi_application()), host, port)
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    running.start()
    _log.info("serving", host=host, port=port, threads=THREADS)
    try:
        server()
    finally:
        running.stop()
        gc.unfreeze()
        _log.info("stopped")


def check_free(host: str, port: int) -> None:
    """Raise InputError when the address cannot be listened at: the server itself would end without a word."""
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        advice = "is the service running already? --port names another"
        raise InputError(Problem(f"cannot listen at {host}:{port}: {error.strerror}", suggestion=advice)) from error


def whole_answers(application: Any) -> Callable[[Any, Any], Any]:
    """Return the application giving its answers in one piece, so that they go out with their length."""

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        response = application(environ, start_response)
        if response.streaming:
            return response
        content = response.content
        response.close()
        return [content]

    return answer


def server_of(application: Any, host: str, port: int) -> Callable[[], None]:
    """Return what serves the application until SIGTERM or SIGINT and then lets calls under way end."""
    server = OneProcess(
        "tidewaiter",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=1,
        blocking_threads=THREADS,
        backlog=1024,
        backpressure=WAITING,
        log_enabled=False,
    )
    return lambda: server.serve(target_loader=lambda: application, wrap_loader=False)
