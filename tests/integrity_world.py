"""A small customs service for integrity checks: honest officers, uneven declarants, and collusion where asked for."""

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np

from tidewaiter.engines.integrity.cleared import Clearance

DAY_ONE = date(2026, 1, 5)
DAYS, OFFICERS = 90, 7


def clearance(number: int, declarant: str = "B1", officer: str = "O1", **fields: object) -> Clearance:
    """Return a clearance at one office with a roster of four equal officers, cleared by one of them."""
    given: dict[str, object] = {"office": "PORT", "cleared_on": DAY_ONE, "found": False}
    given |= {"roster": {"O1": 1.0, "O2": 1.0, "O3": 1.0, "O4": 1.0}}
    given |= fields
    return Clearance(declaration_id=f"D{number:05d}", declarant=declarant, officer=officer, **given)  # type: ignore[arg-type]


def honest_period(seed: int, *, cleared: int = 1500, declarants: int = 40, offices: int = 2) -> list[Clearance]:
    """Return a period of honest work: the draw is kept, and what is found depends on declarant and officer apart.

    Declarants differ much in size and in how often they err, officers in workload, in keenness and in the days they
    work.
    """
    rng = np.random.default_rng(seed)
    size = rng.pareto(1.2, declarants) + 0.3
    error = rng.normal(-1.8, 0.8, declarants)
    keenness = rng.normal(0, 0.5, (offices, OFFICERS))
    weights = rng.uniform(0.5, 2, (offices, OFFICERS))
    days = np.arange(cleared) * DAYS // cleared
    working = rng.random((DAYS, offices, OFFICERS)).argsort(axis=2)[:, :, :5]
    declarant = rng.choice(declarants, cleared, p=size / size.sum())
    office = rng.integers(offices, size=cleared)
    drawn, luck = rng.random(cleared), rng.random(cleared)
    rosters = [[_roster(at, working[day, at], weights[at]) for at in range(offices)] for day in range(DAYS)]
    made = []
    for n in range(cleared):
        roster = rosters[days[n]][office[n]]
        officer = _drawn(roster, float(drawn[n]))
        odds = error[declarant[n]] + keenness[office[n], int(officer[-1])]
        made.append(
            Clearance(
                declaration_id=f"D{n:05d}",
                declarant=f"B{declarant[n]:02d}",
                office=f"OFFICE{office[n]}",
                officer=officer,
                cleared_on=DAY_ONE + timedelta(days=int(days[n])),
                found=bool(luck[n] < 1 / (1 + np.exp(-odds))),
                roster=roster,
            )
        )
    return made


def _roster(office: int, working: np.ndarray, weights: np.ndarray) -> Mapping[str, float]:
    return {f"O{office}{officer}": float(weights[officer]) for officer in sorted(working)}


def _drawn(roster: Mapping[str, float], fraction: float) -> str:
    left = fraction * sum(roster.values())
    for officer, weight in roster.items():
        left -= weight
        if left < 0:
            return officer
    return officer
