"""Declarants and importers whom an officer's lowering overrides favour."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tidewaiter.engines.integrity.chance import NOTHING, Distribution, adjusted, hypergeometric
from tidewaiter.engines.integrity.finding import LEVEL, IntegrityFinding, Kind, Screening, in_words, ranked, share
from tidewaiter.engines.integrity.overrides import Lowered, Override, Selected, consignments_lowered

LEAST_LOWERED = 5
"""An officer needs so many lowering overrides before it is asked whom they favour."""


def favoured_parties(
    overrides: Iterable[Override],
    selected: Iterable[Selected],
    *,
    level: float = LEVEL,
    least: int = LEAST_LOWERED,
) -> Screening:
    """Return the declarants and importers whom an officer's lowering overrides favour.

    Exact and one-sided: which of the declarations selected at that office in that month the officer lowered is taken
    as a draw without return, months and offices added up. `selected` holds every selected declaration of the period,
    lowered or not. An officer with fewer than `least` lowered, and a party that could not stand out even if the
    officer had lowered all it could of them (p above the level), are not tested: both are known beforehand.
    Raises InputError naming every override whose declaration is not among the selected.
    """
    reach, lowered = consignments_lowered(overrides, selected)
    tests, small = [], 0
    for officer in sorted(lowered):
        pairs = _favours(officer, lowered[officer], reach)
        large = [one for one in pairs if len(lowered[officer]) >= least and one.likely.weights[-1] <= level]
        small += len(pairs) - len(large)
        tests += large
    p_adjusted = adjusted([one.p for one in tests])
    found = [_favoured(one, after) for one, after in zip(tests, p_adjusted, strict=True) if after <= level]
    return Screening(
        kind=Kind.FAVOURED_PARTY,
        unit="pairs of officer and party",
        findings=ranked(found),
        tested=len(tests),
        too_small=small,
        least=least,
        level=level,
    )


@dataclass(frozen=True, slots=True)
class _Favour:
    """One officer and party: the party's consignments lowered, its selected ones within reach, what chance gives."""

    officer: str
    party: str
    lowered: tuple[Lowered, ...]
    within_reach: int
    others_lowered: int
    others_within_reach: int
    likely: Distribution

    @property
    def p(self) -> float:
        """Return the chance of as many."""
        return self.likely.at_least(len(self.lowered))


def _favours(officer: str, lowered: Sequence[Lowered], reach: Mapping[str, Selected]) -> list[_Favour]:
    """Return every party that had a consignment within the officer's reach."""
    drawn = Counter(one.first.stratum for one in lowered)
    totals: Counter[tuple[str, int, int]] = Counter()
    marked: defaultdict[str, Counter[tuple[str, int, int]]] = defaultdict(Counter)
    for one in reach.values():
        if one.stratum in drawn:
            totals[one.stratum] += 1
            for party in one.parties:
                marked[party][one.stratum] += 1
    favours = []
    for party in sorted(marked):
        likely = NOTHING
        for stratum, count in marked[party].items():
            likely = likely.plus(hypergeometric(totals[stratum], count, drawn[stratum]))
        theirs, within = tuple(one for one in lowered if party in one.first.parties), marked[party].total()
        others = len(lowered) - len(theirs), totals.total() - within
        favours.append(_Favour(officer, party, theirs, within, *others, likely))
    return favours


def _favoured(one: _Favour, p_adjusted: float) -> IntegrityFinding:
    offices = {lowered.first.office for lowered in one.lowered}
    count = len(one.lowered)
    return IntegrityFinding(
        kind=Kind.FAVOURED_PARTY,
        office=offices.pop() if len(offices) == 1 else None,
        officer=one.officer,
        party=one.party,
        sentence=(
            f"Officer {one.officer} lowered the channel of {count} of {one.within_reach} consignments of {one.party}, "
            f"where the officer's overrides of all parties make {one.likely.expected:.1f} likely "
            f"(chance of as many: {in_words(one.p)}; adjusted {in_words(p_adjusted)})."
        ),
        figures=(
            *share("lowered for this party", count, one.within_reach, one.likely.expected),
            *share("lowered for all others", one.others_lowered, one.others_within_reach),
        ),
        evidence=tuple(name for lowered in one.lowered for name in lowered.override_ids),
        p=one.p,
        p_adjusted=p_adjusted,
    )
