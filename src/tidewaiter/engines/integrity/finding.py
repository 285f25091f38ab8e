"""What an integrity check gives out: findings with figures and evidence, and how much was looked at for them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tidewaiter.core.rate import Rate, rate

LEVEL = 0.05
"""False-discovery level of each check unless another is given."""


class Kind(StrEnum):
    """What an integrity finding is about."""

    MEETINGS = "meets more often than chance"
    CLEAN = "too many clean results"
    FAVOURED_PARTY = "overrides favour one party"
    LENIENT_OFFICER = "lowers more than peers"
    QUIET_EDIT = "quiet list edit"
    OFF_DRAW = "assignment off the draw"
    LONE_LOT = "lot with one candidate"
    WITHDRAWN = "finding turned into nothing"
    RECALL_SETTLED = "goods listed for recall not audited"


@dataclass(frozen=True, slots=True)
class Figure:
    """A share with its counts and interval, and the count that chance would give (None: no such comparison)."""

    name: str
    rate: Rate
    expected: float | None = None

    def __str__(self) -> str:
        """Return `name 12 of 61 (19.7 %, 11.7-31.2), expected 6.1`."""
        beside = "" if self.expected is None else f", expected {self.expected:.1f}"
        return f"{self.name} {self.rate}{beside}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityFinding:
    """Something the inspectorate should look at; it is no proof.

    `officer`, `party` (a declarant's or importer's code) and `office` are those concerned, None where the finding is
    not about one. `p` is the chance of at least as much in honest work, `p_adjusted` the same after the
    Benjamini-Hochberg correction over all that the check tested; both None for what is a fact and not a test.
    `evidence` are the ids of the records (declarations, overrides, list edits) that it rests on, in order.
    """

    kind: Kind
    office: str | None = None
    officer: str | None = None
    party: str | None = None
    sentence: str
    figures: tuple[Figure, ...] = ()
    evidence: tuple[str, ...] = ()
    p: float | None = None
    p_adjusted: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """One check over one period: its findings, the least probable first, and what they were picked from.

    `tested` are the pairs (officers, edits) compared; `too_small` those with too little to say anything about, which
    were left out before their results were looked at; `least` the fewest cases that one needs; `level` the
    false-discovery level that the adjusted p-values were held against (None: facts are listed, nothing is tested);
    `notes` what else was left out, and why.
    """

    kind: Kind
    unit: str
    findings: tuple[IntegrityFinding, ...]
    tested: int
    too_small: int
    least: int
    level: float | None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return one line that says how much was looked at and how it was corrected."""
        left = f"; {self.too_small:,} not tested, with too few cases (at least {self.least})" if self.too_small else ""
        notes = "".join(f"; {note}" for note in self.notes)
        how = "looked at" if self.level is None else f"tested (Benjamini-Hochberg at {self.level:g})"
        return f"{self.kind}: {len(self.findings):,} findings among {self.tested:,} {self.unit} {how}{left}{notes}"


def share(name: str, part: int, whole: int, expected: float | None = None) -> tuple[Figure, ...]:
    """Return the figure of a share as a tuple of one; empty when the whole is nothing, which has no rate."""
    shown = rate(part, whole)
    return () if shown is None else (Figure(name, shown, expected),)


def counted(count: int, one: str, many: str = "") -> str:
    """Return a count with its word: 1 declarant, 2 declarants; `many` where the plural takes more than an s."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def as_the_others(count: int, rest: Sequence[bool]) -> float | None:
    """Return how many of so many there would be at the others' share; None where there are no others."""
    return count * sum(rest) / len(rest) if rest else None


def listed(
    kind: Kind, unit: str, findings: Sequence[IntegrityFinding], *, tested: int, notes: tuple[str, ...] = ()
) -> Screening:
    """Return the screening of a check that lists facts, in the order given, and tests nothing."""
    return Screening(
        kind=kind, unit=unit, findings=tuple(findings), tested=tested, too_small=0, least=0, level=None, notes=notes
    )


def ranked(findings: Iterable[IntegrityFinding]) -> tuple[IntegrityFinding, ...]:
    """Return findings with the least probable first, facts before tests, ties by who is concerned."""
    return tuple(
        sorted(
            findings,
            key=lambda one: (-1.0 if one.p is None else one.p, one.officer or "", one.party or "", one.evidence),
        )
    )


def in_words(p: float) -> str:
    """Return a probability as it is said in a sentence: `0.04`, `0.0003`, `less than 1 in a million`."""
    return "less than 1 in a million" if p < 1e-6 else f"{p:.1g}" if p < 0.001 else f"{p:.3f}"
