"""What a tour carries from chapter to chapter, and what came out of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Any, Final

from tools.tour.client import Client
from tools.tour.country import Country
from tools.tour.place import Place, TourError
from tools.tour.told import Told

WAITS: Final = 90.0
"""Seconds a tour waits for what the service does on its own."""


@dataclass(slots=True)
class Outcome:
    """What came out, step by step, for whoever checks it."""

    activated: int = 0
    channels: dict[str, str] = field(default_factory=dict)
    repeated: bool = False
    suspicious: dict[str, Any] = field(default_factory=dict)
    risen: dict[str, Any] = field(default_factory=dict)
    seconds_to_rise: float = 0.0
    refused: dict[str, int] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    examiner_saw: list[Any] = field(default_factory=list)
    stopped: dict[str, int] = field(default_factory=dict)
    drawn: str = ""
    audit: str = ""
    tampered: str = ""
    replays: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Tour:
    """A tour under way: its place, its country, whoever calls, and what came out so far."""

    place: Place
    told: Told
    country: Country
    client: Client
    outcome: Outcome = field(default_factory=Outcome)

    def wait_until(self, what: str, found: Callable[[], Any]) -> Any:
        """Return the first true answer of `found`. Raises TourError where none comes, or a process is gone."""
        until = monotonic() + WAITS
        while monotonic() < until:
            gone = [name for name in self.place.started if not self.place.running(name)]
            if gone:
                raise TourError(f"{gone[0]} ended by itself:\n{self.place.log(gone[0])}")
            answer = found()
            if answer:
                return answer
            sleep(0.2)
        raise TourError(f"{what}: not within {WAITS:.0f} seconds")


def instant() -> str:
    """Return the present, as a clearance system writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
