"""The one place of a process that holds what every call needs: the clock and the Decider.

`tidewaiter serve` puts the service in place before the first request; a test puts its own in place with `use`.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Protocol

from tidewaiter.actions.acting import Actor
from tidewaiter.actions.decisions.deciding import Answer, Lodged
from tidewaiter.actions.decisions.requests import RequestText
from tidewaiter.core.policy import Policy
from tidewaiter.faces.api.documents import Documents
from tidewaiter.faces.api.problems import NotReadyError
from tidewaiter.storage.records.models import ControlRequest


class Deciding(Protocol):
    """What takes declarations in groups, decides, commits and answers (actions.decisions.deciding.Decider)."""

    def submit(self, lodged: Sequence[Lodged], by: Actor) -> Future[list[Answer]]:
        """Take declarations; the future gives their answers once these are on the disk."""

    def ready(self) -> list[str]:
        """Return why it cannot answer now; empty when it can."""

    @property
    def waiting(self) -> int:
        """Return how many calls wait."""

    @property
    def group_sizes(self) -> list[int]:
        """Return how many declarations each of the last groups had."""


@dataclass(frozen=True, slots=True)
class InForce:
    """What a process decides by now: the set, the policy, the day, and the history it looks up."""

    set_digest: str
    policy: int
    on: date
    statistics_on: date
    image: str
    behind: str = ""
    """Why what was published or closed since cannot be used; empty where this is the newest."""


class Assessing(Protocol):
    """What assesses filings of advance cargo (actions.decisions.consignments.assess with what decides now)."""

    def __call__(self, *, rows: Sequence[Mapping[str, object]], by: Actor, at: datetime) -> list[dict[str, object]]:
        """Return the answer to each filing, once all are on the disk."""


class Requesting(Protocol):
    """What raises requests for control (actions.decisions.requests.raise_request with what decides now)."""

    def __call__(self, *, text: RequestText, expires_at: datetime, by: Actor, at: datetime) -> ControlRequest:
        """Return the request once it and the decisions it brought about are on the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What the calls of this process share. `time_zone` is the administration's; `decider` None: none is running.

    `clock` gives the moment, `ticks` seconds from any start that only grow. `in_force` tells what is decided by, None
    before anything is; so does `policy` of the routing policy. `lake` is the folder of the lake (None: this process
    has none), `material_duty` the duty from which a finding is material.
    """

    decider: Deciding | None = None
    assess: Assessing | None = None
    request: Requesting | None = None
    time_zone: str = "UTC"
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ticks: Callable[[], float] = monotonic
    in_force: Callable[[], InForce | None] = lambda: None
    policy: Callable[[], Policy | None] = lambda: None
    lake: Path | None = None
    material_duty: Decimal = Decimal(0)


_held: list[Service] = [Service()]


def use(service: Service) -> None:
    """Put the service of this process in place."""
    _held[0] = service


def service() -> Service:
    """Return the service of this process."""
    return _held[0]


def decider() -> Deciding:
    """Return the running Decider. Raises NotReadyError when there is none."""
    found = _held[0].decider
    if found is None:
        raise NotReadyError("no decisions are taken by this process")
    return found


def policy() -> Policy:
    """Return the routing policy in force. Raises NotReadyError before there is one."""
    found = _held[0].policy()
    if found is None:
        raise NotReadyError("no routing policy is in force in this process yet")
    return found


def lake_in_use() -> Path:
    """Return the folder of the lake. Raises NotReadyError when this process has none."""
    found = _held[0].lake
    if found is None:
        raise NotReadyError("this process has no lake")
    return found


def assessing() -> Assessing:
    """Return what assesses advance cargo. Raises NotReadyError when there is none."""
    found = _held[0].assess
    if found is None:
        raise NotReadyError("no advance cargo is assessed by this process")
    return found


def requesting() -> Requesting:
    """Return what raises requests for control. Raises NotReadyError when this process decides nothing."""
    found = _held[0].request
    if found is None:
        raise NotReadyError("no decisions are taken by this process")
    return found


def documents() -> Documents:
    """Return what reads documents in the administration's time zone."""
    return _documents(_held[0].time_zone)


@cache
def _documents(time_zone: str) -> Documents:
    return Documents(time_zone)
