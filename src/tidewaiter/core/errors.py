"""What can go wrong, as one tree; every problem of an input is reported at once, each with its place.

TidewaiterError
+-- InputError        a file, mapping, profile or argument cannot be used as it stands
+-- LakeError         the lake is missing, damaged, of another administration, or being written
+-- NotKnownError     something named does not exist (a fact, a list, a profile, a day, a record)
+-- NotAllowedError   the one who asks may not do or see this
+-- ConflictError     the record is not in a state in which this can be done, or another has changed it
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where a problem stands. Lines and columns count from 1; None means unknown or not applicable."""

    file: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """Return `file:line:column`, leaving out what is unknown."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what, and what to do about it (None when nothing better can be said)."""

    message: str
    place: Place = Place()
    suggestion: str | None = None
    warning: bool = False

    def __str__(self) -> str:
        """Return one line: place, message, suggestion."""
        where = f"{self.place}: " if str(self.place) else ""
        kind = "warning: " if self.warning else ""
        advice = f"; {self.suggestion}" if self.suggestion else ""
        return f"{where}{kind}{self.message}{advice}"


class TidewaiterError(Exception):
    """Any error of ours. Carries every problem found, in the order of their places."""

    def __init__(self, problems: str | Problem | Iterable[Problem]) -> None:
        """Take one message, one problem, or all problems of an input."""
        if isinstance(problems, str):
            problems = [Problem(problems)]
        elif isinstance(problems, Problem):
            problems = [problems]
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class InputError(TidewaiterError):
    """What was given cannot be used as it stands."""


class LakeError(TidewaiterError):
    """The lake is missing, damaged, of another administration, or being written by another process."""


class NotKnownError(TidewaiterError):
    """Something named does not exist."""


class NotAllowedError(TidewaiterError):
    """The one who asks may not do or see this."""


class ConflictError(TidewaiterError):
    """The record is not in a state in which this can be done, or holds other content under the same key."""
