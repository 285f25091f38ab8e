"""Officers who lower more than their peers at the same office."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt
from statistics import fmean, variance

from tidewaiter.engines.integrity.chance import Distribution, adjusted, hypergeometric, student_tail
from tidewaiter.engines.integrity.finding import LEVEL, IntegrityFinding, Kind, Screening, in_words, ranked, share
from tidewaiter.engines.integrity.overrides import Lowered, Override, Selected, consignments_lowered

LEAST_HANDLED = 20
"""An officer needs so many consignments handled to be compared with peers."""
_FEWEST_PEERS = 3
"""How officers differ cannot be told from fewer; then the exact test stands alone."""


@dataclass(frozen=True, slots=True)
class _Lenient:
    """One officer at one office: consignments handled, those lowered, and what the office's rate makes likely."""

    office: str
    officer: str
    handled: int
    lowered: tuple[Lowered, ...]
    office_handled: int
    office_lowered: int

    @property
    def likely(self) -> Distribution:
        """Return how many of the office's lowered consignments chance would give to this officer."""
        return hypergeometric(self.office_handled, self.office_lowered, self.handled)


def lenient_officers(
    overrides: Iterable[Override],
    selected: Iterable[Selected],
    *,
    level: float = LEVEL,
    least: int = LEAST_HANDLED,
) -> Screening:
    """Return the officers who lower more of what they handle than their peers at the same office.

    p is the larger of two: the exact one (a draw without return), and that of a funnel as wide as honest officers
    differ in judgement: the ratio to what is likely is held against those of all other tested officers (a deleted
    residual, with Student's t; after D. Spiegelhalter, Statistics in Medicine 24 (2005), 1185-1202). Few officers, or
    several who lower much, make the funnel wide. Officers with fewer than `least` handled, and those without peers at
    their office, are not tested. Raises InputError as `favoured_parties` does.
    """
    reach, lowered = consignments_lowered(overrides, selected)
    officers = _handled(reach, lowered)
    tests = [
        one for one in officers if one.handled >= least and one.handled < one.office_handled and one.office_lowered
    ]
    laws = [one.likely for one in tests]
    ratios = [log((len(one.lowered) + 0.5) / (law.expected + 0.5)) for one, law in zip(tests, laws, strict=True)]
    raw = [
        max(law.at_least(len(one.lowered)), _beside(ratios, at, law.expected))
        for at, (one, law) in enumerate(zip(tests, laws, strict=True))
    ]
    p_adjusted = adjusted(raw)
    found = [
        _lowers_more(one, law.expected, p, after)
        for one, law, p, after in zip(tests, laws, raw, p_adjusted, strict=True)
        if after <= level
    ]
    return Screening(
        kind=Kind.LENIENT_OFFICER,
        unit="officers",
        findings=ranked(found),
        tested=len(tests),
        too_small=len(officers) - len(tests),
        least=least,
        level=level,
    )


def _beside(ratios: Sequence[float], at: int, expected: float) -> float:
    """Return the chance of so large a ratio, were officers as different as all the others are; 0 for few others.

    Judgement differs by factors, so logarithms are compared; their spread is at least that of counting.
    """
    others = [ratio for number, ratio in enumerate(ratios) if number != at]
    if len(others) < _FEWEST_PEERS:
        return 0.0
    spread = max(variance(others), 1 / (expected + 0.5)) * (1 + 1 / len(others))
    return student_tail((ratios[at] - fmean(others)) / sqrt(spread), len(others) - 1)


def _handled(reach: Mapping[str, Selected], lowered: Mapping[str, Sequence[Lowered]]) -> list[_Lenient]:
    """Return the officers of every office; a consignment lowered by another than its officer is handled by both."""
    handled: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    changed: defaultdict[tuple[str, str], list[Lowered]] = defaultdict(list)
    for one in reach.values():
        if one.officer is not None:
            handled[one.office, one.officer].add(one.unit)
    for officer, held in lowered.items():
        for low in held:
            handled[low.first.office, officer].add(low.first.unit)
            changed[low.first.office, officer].append(low)
    in_office: Counter[str] = Counter()
    low_in_office: Counter[str] = Counter()
    for (office, officer), units in handled.items():
        in_office[office] += len(units)
        low_in_office[office] += len(changed[office, officer])
    return [
        _Lenient(office, officer, len(units), tuple(changed[office, officer]), in_office[office], low_in_office[office])
        for (office, officer), units in sorted(handled.items())
    ]


def _lowers_more(one: _Lenient, expected: float, p: float, p_adjusted: float) -> IntegrityFinding:
    count = len(one.lowered)
    peers = one.office_lowered - count, one.office_handled - one.handled
    return IntegrityFinding(
        kind=Kind.LENIENT_OFFICER,
        office=one.office,
        officer=one.officer,
        sentence=(
            f"Officer {one.officer} lowered {count} of {one.handled} consignments handled at {one.office}, where the "
            f"office as a whole makes {expected:.1f} likely (chance of as many: {in_words(p)}; "
            f"adjusted {in_words(p_adjusted)})."
        ),
        figures=(*share("lowered by this officer", count, one.handled, expected), *share("lowered by peers", *peers)),
        evidence=tuple(name for lowered in one.lowered for name in lowered.override_ids),
        p=p,
        p_adjusted=p_adjusted,
    )
