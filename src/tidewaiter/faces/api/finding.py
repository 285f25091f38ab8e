"""The problems of a document as they are found: all are told, up to a limit beyond which they are counted.

A body of 32 MB can hold a million problems; what is said about them must stay small, and so must the time spent on
guessing what was meant.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from tidewaiter.core.errors import InputError, Problem
from tidewaiter.faces.api.wording import did_you_mean, problem_at

MOST_PROBLEMS = 200


@dataclass(slots=True)
class Budget:
    """What one call may still say about its documents: problems in full, and guesses at what was meant."""

    problems: int = 1_000
    guesses: int = 100


@dataclass(slots=True)
class Found:
    """The problems of one document."""

    budget: Budget = field(default_factory=Budget)
    listed: list[Problem] = field(default_factory=list)
    more: int = 0

    def add(self, place: str, message: str, suggestion: str | None = None) -> None:
        """Note a problem."""
        if len(self.listed) < MOST_PROBLEMS and self.budget.problems > 0:
            self.budget.problems -= 1
            self.listed.append(problem_at(place, message, suggestion))
        else:
            self.more += 1

    def unknown(self, place: str, name: str, known: Collection[str]) -> None:
        """Note a name that is not known."""
        guess = None
        if self.budget.guesses > 0 and len(self.listed) < MOST_PROBLEMS:
            self.budget.guesses -= 1
            guess = did_you_mean(name, known)
        self.add(place, "is not a field", guess)

    def at(self, place: str) -> bool:
        """Tell whether a problem of that place is listed."""
        return any(problem.place.file == place for problem in self.listed)

    def refuse(self) -> None:
        """Raise InputError with the problems, when there are any."""
        if self.more:
            raise InputError([*self.listed, Problem(f"and {self.more:,} problems more")])
        if self.listed:
            raise InputError(self.listed)
