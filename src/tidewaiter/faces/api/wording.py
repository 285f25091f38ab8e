"""Problems in words: where, what, and what was probably meant."""

from collections.abc import Collection
from difflib import get_close_matches

from tidewaiter.core.errors import Place, Problem

_LONGEST = 60


def problem_at(place: str, message: str, suggestion: str | None = None) -> Problem:
    """Return a problem at a place of a document: `items[2].hs_code`; empty means the whole of it."""
    return Problem(message, Place(place or None), suggestion)


def did_you_mean(name: str, known: Collection[str]) -> str | None:
    """Return the known word that looks most like this one, as a question; None when none does."""
    near = get_close_matches(name[:_LONGEST], known, n=1)
    return f"did you mean '{near[0]}'?" if near else None
