"""Declarant-officer pairs that meet more often than the rosters explain.

The chance that honest work gives any finding at all was measured on 1,000 simulated honest periods: see
docs/reference/integrity.md. A test repeats it with fewer.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tidewaiter.engines.integrity.chance import adjusted, poisson_binomial_tails
from tidewaiter.engines.integrity.cleared import Clearance, Meeting, meetings, only_office
from tidewaiter.engines.integrity.finding import LEVEL, IntegrityFinding, Kind, Screening, in_words, ranked, share

LEAST_MEETINGS = 10
"""A declarant needs so many meetings at which the officer could have been assigned."""


@dataclass(frozen=True, slots=True)
class _Met:
    """One pair: its meetings, those of the declarant at which it could have met, what chance expects, and p."""

    declarant: str
    officer: str
    met: tuple[Meeting, ...]
    possible: int
    expected: float
    p: float


def frequent_pairs(clearances: Iterable[Clearance], *, level: float = LEVEL, least: int = LEAST_MEETINGS) -> Screening:
    """Return the pairs that meet more often than the draw over the rosters of the time makes likely.

    Exact: each meeting of a declarant falls to an officer with his or her share of the weights on that roster, and
    the number that falls to one officer is Poisson-binomial. All pairs that could have met `least` times are tested,
    those that never met included. Clearances without a roster, or by an officer who was not on it, are left out and
    counted in the notes: the latter are for `off_draw`.
    """
    held = meetings(clearances)
    on_roster = [one for one in held if one.officer in one.first.roster]
    by_declarant: defaultdict[str, list[Meeting]] = defaultdict(list)
    for one in on_roster:
        by_declarant[one.declarant].append(one)
    compared, small = [], 0
    for declarant in sorted(by_declarant):
        pairs = list(_pairs_of(by_declarant[declarant]))
        large = [pair for pair in pairs if pair[1] >= least]
        small += len(pairs) - len(large)
        compared += _compared(declarant, by_declarant[declarant], large)
    p_adjusted = adjusted([one.p for one in compared])
    found = [_frequent(one, after) for one, after in zip(compared, p_adjusted, strict=True) if after <= level]
    return Screening(
        kind=Kind.MEETINGS,
        unit="declarant-officer pairs",
        findings=ranked(found),
        tested=len(compared),
        too_small=small,
        least=least,
        level=level,
        notes=_left_out(held),
    )


def _pairs_of(held: Sequence[Meeting]) -> Iterator[tuple[str, int]]:
    """Give every officer the declarant could have met, with at how many meetings."""
    possible: defaultdict[str, int] = defaultdict(int)
    for one in held:
        for officer in one.first.roster:
            possible[officer] += 1
    yield from sorted(possible.items())


def _compared(declarant: str, held: Sequence[Meeting], pairs: Sequence[tuple[str, int]]) -> list[_Met]:
    if not pairs:
        return []
    officers = [officer for officer, _ in pairs]
    chances = np.array([_chances(one, officers) for one in held])
    met = [tuple(one for one in held if one.officer == officer) for officer in officers]
    tails = poisson_binomial_tails(chances, [len(one) for one in met])
    expected = chances.sum(axis=0)
    return [
        _Met(declarant, officer, met[at], possible, float(expected[at]), tails[at])
        for at, (officer, possible) in enumerate(pairs)
    ]


def _chances(one: Meeting, officers: Sequence[str]) -> list[float]:
    roster = one.first.roster
    total = sum(roster.values())
    return [roster.get(officer, 0.0) / total for officer in officers]


def _frequent(one: _Met, p_adjusted: float) -> IntegrityFinding:
    count = len(one.met)
    off_draw = sum(not meeting.by_draw for meeting in one.met)
    return IntegrityFinding(
        kind=Kind.MEETINGS,
        office=only_office(one.met),
        officer=one.officer,
        party=one.declarant,
        sentence=(
            f"Officer {one.officer} cleared {count} of the {one.possible} consignments of declarant {one.declarant} "
            f"that could have been assigned to the officer, where the rosters make {one.expected:.1f} likely "
            f"(chance of as many: {in_words(one.p)}; adjusted {in_words(p_adjusted)}); "
            f"{off_draw} of them were not assigned by the draw."
        ),
        figures=(
            *share("cleared by this officer", count, one.possible, one.expected),
            *share("of these not by the draw", off_draw, count),
        ),
        evidence=tuple(name for meeting in one.met for name in meeting.declaration_ids),
        p=one.p,
        p_adjusted=p_adjusted,
    )


def _left_out(held: Sequence[Meeting]) -> tuple[str, ...]:
    unknown = sum(not one.first.roster for one in held)
    outside = sum(bool(one.first.roster) and one.officer not in one.first.roster for one in held)
    notes = []
    if unknown:
        notes.append(f"{unknown:,} without a known roster left out")
    if outside:
        notes.append(f"{outside:,} cleared by an officer who was not on the roster left out")
    return tuple(notes)
