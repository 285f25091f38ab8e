"""The one place of a process that holds what every call needs: the clock and the Decider.

`tidewaiter serve` puts the service in place before the first request; a test puts its own in place with `use`.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from tidewaiter.actions.acting import Actor
from tidewaiter.faces.api.problems import NotReadyError


class Answered(Protocol):
    """What became of one lodged declaration (actions.deciding.Answer)."""

    @property
    def status(self) -> str:
        """Return decided, repeated, conflict or invalid."""

    @property
    def text(self) -> str:
        """Return the stored JSON answer, to be sent as it stands; empty when there is none."""

    @property
    def current_channel(self) -> str | None:
        """Return the channel now, which may have risen since the answer."""

    @property
    def current_decision(self) -> str | None:
        """Return the number of the decision now in force."""

    @property
    def problem(self) -> str | None:
        """Return why there is no answer (conflict, invalid); None when there is one."""


class Lodging(Protocol):
    """One declaration as it goes to the Decider (actions.deciding.Lodged)."""

    declaration_id: str
    version: int | None
    rows: tuple[Mapping[str, object], ...]


class Deciding(Protocol):
    """What takes declarations in groups, decides, commits and answers (actions.deciding.Decider)."""

    def submit(self, lodged: Sequence[Lodging], by: Actor) -> "Future[list[Answered]]":
        """Take declarations; the future gives their answers once these are on the disk."""

    def ready(self) -> list[str]:
        """Return why it cannot answer now; empty when it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What the calls of this process share. `time_zone` is the administration's; `decider` None: none is running."""

    decider: Deciding | None = None
    time_zone: str = "UTC"
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


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
