"""Who looks: officers by the keyed draw, weighted by free capacity, and whose results are examined again."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tidewaiter.core.errors import InputError
from tidewaiter.engines.selection.draw import ASSIGNMENT, RE_EXAMINATION, Drawn

RE_EXAMINER = f"{RE_EXAMINATION}:officer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """An officer by lot, with all that the lot was drawn from, so that it can be checked.

    `roster` are the officers who could be drawn with their weights: free minutes, whole and not negative. `purpose` is
    what was drawn for: "assignment", or the re-examination's.
    """

    officer: str
    roster: Mapping[str, int]
    purpose: str = ASSIGNMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class ReExamination:
    """Whether a result that found nothing is examined again, the share it was drawn with, and by whom (None: not)."""

    share: float
    drawn: bool
    first_officer: str
    assignment: Assignment | None = None


def assign(draw: Drawn, roster: Mapping[str, int], *, purpose: str = ASSIGNMENT) -> Assignment:
    """Return the officer the draw falls on, each as likely as its free minutes; all alike where nobody has any.

    Neither the order of the roster nor anything but the draw and the weights counts. Raises InputError for an empty
    roster or a negative weight.
    """
    return Assignment(officer=officer_for(draw.fraction(purpose), roster), roster=dict(roster), purpose=purpose)


def officer_for(fraction: float, roster: Mapping[str, int]) -> str:
    """Return the officer of the roster, taken in the order of their names, whose part of 1 holds the fraction."""
    if not roster or min(roster.values()) < 0:
        raise InputError("an officer is drawn from a roster of at least one, with free minutes that are not negative")
    officers = sorted(roster)
    weights = [roster[officer] for officer in officers] if any(roster.values()) else [1] * len(officers)
    numerator, denominator = fraction.as_integer_ratio()
    place = numerator * sum(weights) // denominator
    for officer, weight in zip(officers, weights, strict=True):
        if place < weight:
            return officer
        place -= weight
    raise AssertionError("a fraction is below 1")


def re_examined(draw: Drawn, share: float) -> bool:
    """Tell whether the draw falls within the share that is examined again."""
    return draw.fraction(RE_EXAMINATION) < share


def re_examination(draw: Drawn, share: float, first_officer: str, roster: Mapping[str, int]) -> ReExamination:
    """Return whether a result that found nothing is examined again, and by which other officer.

    Raises InputError where it is drawn and the roster holds nobody but the first officer.
    """
    if not re_examined(draw, share):
        return ReExamination(share=share, drawn=False, first_officer=first_officer)
    others = others_than(first_officer, roster)
    assignment = assign(draw, others, purpose=RE_EXAMINER)
    return ReExamination(share=share, drawn=True, first_officer=first_officer, assignment=assignment)


def others_than(officer: str, roster: Mapping[str, int]) -> dict[str, int]:
    """Return the roster without that officer."""
    return {name: weight for name, weight in roster.items() if name != officer}


def free_minutes(available: Mapping[str, int], assigned: Mapping[str, int], present: Collection[str]) -> dict[str, int]:
    """Return the roster of a shift: for each officer present the minutes not yet given away, never below 0."""
    return {officer: max(0, available.get(officer, 0) - assigned.get(officer, 0)) for officer in present}
