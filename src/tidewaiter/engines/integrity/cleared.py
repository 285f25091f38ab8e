"""Cleared declarations: who declared, who examined, who could have been assigned."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from tidewaiter.core.errors import InputError, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearance:
    """One selected declaration as an officer cleared it.

    `found`: an irregularity was found (True), nothing (False), or the result is not final or nothing was looked at
    (None). `roster` gives the weight (above 0) of every officer who could have been assigned at the time; empty when
    not known. `identity` is what the draw was drawn by: declarations of one identity get one officer by one draw, so
    they count as one meeting; "" when it is the declaration's own. `control` tells apart what is not compared with
    each other (physical, scan, documents; random sample or profile).
    """

    declaration_id: str
    declarant: str
    office: str
    officer: str
    cleared_on: date
    found: bool | None = None
    by_draw: bool = True
    roster: Mapping[str, float] = field(default_factory=dict)
    identity: str = ""
    control: str = ""


@dataclass(frozen=True, slots=True)
class Meeting:
    """The declarations of one declarant that one draw gave to one officer: one meeting, however many they are."""

    first: Clearance
    declaration_ids: tuple[str, ...]
    found: bool | None
    by_draw: bool

    @property
    def declarant(self) -> str:
        """Return the declarant's code."""
        return self.first.declarant

    @property
    def officer(self) -> str:
        """Return the officer's code."""
        return self.first.officer


def meetings(clearances: Iterable[Clearance]) -> list[Meeting]:
    """Return the meetings in the clearances, in order of the first declaration of each.

    A meeting found something when one of its declarations did, is clean when one is clean and none found, and has
    no result otherwise. Raises InputError naming every declaration that is given twice or whose roster has a weight
    that is not above 0.
    """
    given = list(clearances)
    _check(given)
    grouped: defaultdict[tuple[str, str, str, str, str], list[Clearance]] = defaultdict(list)
    for one in given:
        grouped[one.identity or one.declaration_id, one.declarant, one.office, one.officer, one.control].append(one)
    return [
        Meeting(
            first=group[0],
            declaration_ids=tuple(one.declaration_id for one in group),
            found=_result(one.found for one in group),
            by_draw=all(one.by_draw for one in group),
        )
        for group in grouped.values()
    ]


def with_observed_rosters(clearances: Sequence[Clearance]) -> list[Clearance]:
    """Return the clearances with rosters, where these are not known, taken from who cleared at the office that month.

    Each officer weighs as many as he or she cleared, this declarant's included: so a pair that meets too often makes
    its own meetings look a little more likely, which errs on the side of no finding.
    """
    worked: defaultdict[tuple[str, int, int], Counter[str]] = defaultdict(Counter)
    for one in clearances:
        worked[one.office, one.cleared_on.year, one.cleared_on.month][one.officer] += 1
    seen = {key: {officer: float(count) for officer, count in held.items()} for key, held in worked.items()}
    return [
        one if one.roster else replace(one, roster=seen[one.office, one.cleared_on.year, one.cleared_on.month])
        for one in clearances
    ]


def only_office(held: Iterable[Meeting]) -> str | None:
    """Return the office of the meetings; None when they were at several."""
    offices = {one.first.office for one in held}
    return offices.pop() if len(offices) == 1 else None


def _check(clearances: Sequence[Clearance]) -> None:
    counted = Counter(one.declaration_id for one in clearances)
    problems = [Problem(f"declaration {name!r} is given {count} times") for name, count in counted.items() if count > 1]
    problems += [
        Problem(f"declaration {one.declaration_id!r}: the weight of officer {officer!r} is {weight}, not above 0")
        for one in clearances
        for officer, weight in one.roster.items()
        if not weight > 0
    ]
    if problems:
        raise InputError(problems)


def _result(found: Iterable[bool | None]) -> bool | None:
    known = [one for one in found if one is not None]
    return any(known) if known else None
