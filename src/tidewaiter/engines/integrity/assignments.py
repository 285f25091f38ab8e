"""Assignments off the draw: the officer who examined is not the one drawn, and no reason was recorded."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tidewaiter.engines.integrity.chance import adjusted, hypergeometric
from tidewaiter.engines.integrity.finding import LEVEL, IntegrityFinding, Kind, Screening, in_words, ranked, share

LEAST_ASSIGNED = 10
"""An officer or declarant needs so many assignments to be compared with the others of the office."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One declaration's officer: whom the opened key draws from the roster of the time, and who examined.

    `reason` is what was recorded for a change; None or blank: nothing. `identity` is what the draw was drawn by ("":
    the declaration's own): declarations of one identity and officer count once.
    """

    declaration_id: str
    office: str
    declarant: str
    drawn: str
    standing: str
    reason: str | None = None
    identity: str = ""

    @property
    def off_draw(self) -> bool:
        """Tell whether another than the drawn officer examined without a recorded reason."""
        return self.drawn != self.standing and not (self.reason or "").strip()


@dataclass(frozen=True, slots=True)
class _Part:
    """What falls to one officer or declarant of an office."""

    office: str
    officer: str | None
    declarant: str | None
    whole: tuple[Assignment, ...]
    held: tuple[Assignment, ...]

    @property
    def off(self) -> tuple[Assignment, ...]:
        """Return those off the draw."""
        return tuple(one for one in self.held if one.off_draw)

    @property
    def expected(self) -> float:
        """Return how many would be off the draw at the office's own share."""
        return len(self.held) * sum(one.off_draw for one in self.whole) / len(self.whole)

    @property
    def p(self) -> float:
        """Return the chance that so many of the office's off the draw fall to this one."""
        off = sum(one.off_draw for one in self.whole)
        return hypergeometric(len(self.whole), off, len(self.held)).at_least(len(self.off))


def off_draw(assignments: Iterable[Assignment], *, level: float = LEVEL, least: int = LEAST_ASSIGNED) -> Screening:
    """Return the offices with assignments off the draw, and the officers and declarants they gather on.

    That an assignment is off the draw is a fact, listed once for its office with the declarations. That they gather
    on one officer (who examined) or declarant is tested, exact and one-sided, against the other assignments of the
    office; officers and declarants with fewer than `least` assignments there are not.
    """
    by_office: defaultdict[str, list[Assignment]] = defaultdict(list)
    for one in _units(assignments):
        by_office[one.office].append(one)
    facts, parts = [], []
    for office, held in sorted(by_office.items()):
        if any(one.off_draw for one in held):
            facts.append(_fact(office, held))
            parts += _parts(office, tuple(held))
    tests = [part for part in parts if len(part.held) >= least]
    raw = [part.p for part in tests]
    found = [
        _gathered(part, p, after) for part, p, after in zip(tests, raw, adjusted(raw), strict=True) if after <= level
    ]
    return Screening(
        kind=Kind.OFF_DRAW,
        unit="officers and declarants",
        findings=ranked([*facts, *found]),
        tested=len(tests),
        too_small=len(parts) - len(tests),
        least=least,
        level=level,
        notes=("offices: facts, not tests",),
    )


def _units(assignments: Iterable[Assignment]) -> list[Assignment]:
    """Return one assignment for each identity and officer, the unexplained one where there is one."""
    units: dict[tuple[str, str, str], Assignment] = {}
    for one in assignments:
        key = (one.identity or one.declaration_id, one.office, one.standing)
        if key not in units or one.off_draw:
            units[key] = one
    return list(units.values())


def _parts(office: str, whole: tuple[Assignment, ...]) -> list[_Part]:
    def by(name: Callable[[Assignment], str]) -> list[tuple[str, tuple[Assignment, ...]]]:
        grouped: defaultdict[str, list[Assignment]] = defaultdict(list)
        for one in whole:
            grouped[name(one)].append(one)
        return [(key, tuple(held)) for key, held in sorted(grouped.items())]

    officers = [_Part(office, name, None, whole, held) for name, held in by(lambda one: one.standing)]
    return officers + [_Part(office, None, name, whole, held) for name, held in by(lambda one: one.declarant)]


def _fact(office: str, held: Sequence[Assignment]) -> IntegrityFinding:
    off = [one for one in held if one.off_draw]
    excused = sum(one.drawn != one.standing for one in held) - len(off)
    most = Counter(one.standing for one in off).most_common(1)[0]
    return IntegrityFinding(
        kind=Kind.OFF_DRAW,
        office=office,
        sentence=(
            f"At {office} another than the drawn officer examined {len(off)} of {len(held)} consignments without a "
            f"recorded reason, {excused} with one; {most[1]} of the former went to officer {most[0]}."
        ),
        figures=share("off the draw without a reason", len(off), len(held)),
        evidence=tuple(one.declaration_id for one in off),
    )


def _gathered(part: _Part, p: float, p_adjusted: float) -> IntegrityFinding:
    off = part.off
    who = f"officer {part.officer}" if part.officer is not None else f"declarant {part.declarant}"
    return IntegrityFinding(
        kind=Kind.OFF_DRAW,
        office=part.office,
        officer=part.officer,
        party=part.declarant,
        sentence=(
            f"At {part.office} {len(off)} of {len(part.held)} consignments of {who} were examined off the draw without "
            f"a recorded reason, where the office's share makes {part.expected:.1f} likely "
            f"(chance of as many: {in_words(p)}; adjusted {in_words(p_adjusted)})."
        ),
        figures=(
            *share(f"off the draw, {who}", len(off), len(part.held), part.expected),
            *share(
                "off the draw, the rest of the office",
                sum(one.off_draw for one in part.whole) - len(off),
                len(part.whole) - len(part.held),
            ),
        ),
        evidence=tuple(one.declaration_id for one in off),
        p=p,
        p_adjusted=p_adjusted,
    )
