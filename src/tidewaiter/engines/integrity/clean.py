"""Declarant-officer pairs with too few findings for what each of the two shows with others.

The chance that honest work gives any finding at all was measured on simulated honest periods: see
docs/reference/integrity.md. A test repeats it with fewer.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from tidewaiter.engines.integrity.chance import NOTHING, Crossed, Distribution, adjusted, common_odds
from tidewaiter.engines.integrity.cleared import Clearance, Meeting, meetings, only_office
from tidewaiter.engines.integrity.finding import LEVEL, IntegrityFinding, Kind, Screening, in_words, ranked, share

LEAST_RESULTS = 10
"""A pair needs so many meetings with a result."""


@dataclass(frozen=True, slots=True)
class _Clean:
    """One pair: its meetings with a result, and what the officer's and the declarant's own rates make likely."""

    declarant: str
    officer: str
    held: tuple[Meeting, ...]
    found: int
    likely: Distribution
    declarant_elsewhere: tuple[int, int]
    officer_elsewhere: tuple[int, int]

    @property
    def p(self) -> float:
        """Return the chance of so few findings."""
        return self.likely.at_most(self.found)


def clean_pairs(clearances: Iterable[Clearance], *, level: float = LEVEL, least: int = LEAST_RESULTS) -> Screening:
    """Return the pairs with fewer findings than that officer's and that declarant's own rates make likely.

    Exact and one-sided: within an office and kind of control, given how often the officer finds with others, how
    often the declarant is found out by others, and the declarant's findings in all, the number that falls to the pair
    is known if the declarant's odds against others do not depend on the officer (Zelen). Offices are added up.
    A pair is tested when it has `least` results and when no finding at all, the most it could show, would be
    unlikely enough (p at most the level): both are settled by the margins, before the pair's own result is seen.
    A declarant who meets one officer only has nothing to be compared with; `frequent_pairs` looks at that.
    """
    pairs = _results(clearances)
    large = [pair for pair in pairs if len(pair.held) >= least and pair.likely.weights[0] <= level]
    p_adjusted = adjusted([pair.p for pair in large])
    found = [_too_clean(pair, after) for pair, after in zip(large, p_adjusted, strict=True) if after <= level]
    return Screening(
        kind=Kind.CLEAN,
        unit="declarant-officer pairs",
        findings=ranked(found),
        tested=len(large),
        too_small=len(pairs) - len(large),
        least=least,
        level=level,
        notes=("too few cases: also where even a pair without any finding could not have stood out",),
    )


def _results(clearances: Iterable[Clearance]) -> list[_Clean]:
    """Return every pair that has a result, in order of declarant and officer."""
    tables: defaultdict[tuple[str, str], _Table] = defaultdict(_Table.empty)
    held: defaultdict[tuple[str, str], list[Meeting]] = defaultdict(list)
    for one in meetings(clearances):
        if one.found is not None:
            tables[one.first.office, one.first.control].add(one.declarant, one.officer, found=one.found)
            held[one.declarant, one.officer].append(one)
    return [_clean(pair, tuple(held[pair]), tables) for pair in sorted(held)]


@dataclass(slots=True)
class _Table:
    """Examinations and findings of one office and kind of control: of pairs, declarants, officers, and in all."""

    pairs: dict[tuple[str, str], tuple[int, int]]
    declarants: dict[str, tuple[int, int]]
    officers: dict[str, tuple[int, int]]
    total: tuple[int, int]

    @classmethod
    def empty(cls) -> "_Table":
        return cls({}, {}, {}, (0, 0))

    def add(self, declarant: str, officer: str, *, found: bool) -> None:
        one = (1, int(found))
        self.pairs[declarant, officer] = _sum(self.pairs.get((declarant, officer), (0, 0)), one)
        self.declarants[declarant] = _sum(self.declarants.get(declarant, (0, 0)), one)
        self.officers[officer] = _sum(self.officers.get(officer, (0, 0)), one)
        self.total = _sum(self.total, one)

    def crossed(self, declarant: str, officer: str) -> tuple[Crossed, Crossed]:
        """Return the declarant against all others: with this officer, and with the other officers."""
        pair = self.pairs[declarant, officer]
        theirs_elsewhere = _less(self.declarants[declarant], pair)
        others_here = _less(self.officers[officer], pair)
        others_elsewhere = _less(_less(self.total, self.declarants[declarant]), others_here)
        return Crossed(*pair, *others_here), Crossed(*theirs_elsewhere, *others_elsewhere)


def _clean(pair: tuple[str, str], held: tuple[Meeting, ...], tables: dict[tuple[str, str], _Table]) -> _Clean:
    likely, by_declarant, by_officer = NOTHING, (0, 0), (0, 0)
    for place in sorted({(one.first.office, one.first.control) for one in held}):
        here, elsewhere = tables[place].crossed(*pair)
        likely = likely.plus(common_odds(here, elsewhere))
        by_declarant = _sum(by_declarant, (elsewhere.theirs, elsewhere.their_findings))
        by_officer = _sum(by_officer, (here.others, here.other_findings))
    return _Clean(*pair, held, sum(bool(one.found) for one in held), likely, by_declarant, by_officer)


def _too_clean(pair: _Clean, p_adjusted: float) -> IntegrityFinding:
    count = len(pair.held)
    return IntegrityFinding(
        kind=Kind.CLEAN,
        office=only_office(pair.held),
        officer=pair.officer,
        party=pair.declarant,
        sentence=(
            f"Officer {pair.officer} found something in {pair.found} of {count} consignments of declarant "
            f"{pair.declarant}, where the officer's rate with others and the declarant's with other officers make "
            f"{pair.likely.expected:.1f} likely (chance of so few: {in_words(pair.p)}; "
            f"adjusted {in_words(p_adjusted)})."
        ),
        figures=(
            *share("findings of the pair", pair.found, count, pair.likely.expected),
            *share("findings of the officer with other declarants", *pair.officer_elsewhere[::-1]),
            *share("findings with the declarant by other officers", *pair.declarant_elsewhere[::-1]),
        ),
        evidence=tuple(name for one in pair.held if one.found is False for name in one.declaration_ids),
        p=pair.p,
        p_adjusted=p_adjusted,
    )


def _sum(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] + other[0], one[1] + other[1]


def _less(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] - other[0], one[1] - other[1]
