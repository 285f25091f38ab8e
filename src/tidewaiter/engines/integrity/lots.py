"""Lots with one candidate, or as good as one: an examiner was drawn from a roster that left hardly anybody else."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tidewaiter.engines.integrity.finding import IntegrityFinding, Kind, Screening, listed, ranked, share

AS_GOOD_AS_ALONE: Final = 0.9
"""An examiner with this share of all weight was as good as the one candidate, whoever else stood on the roster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """One draw of an examiner: how many could have been drawn, who was, and how likely.

    `chance` is the share of all weight that the officer drawn had, 1 where nobody else could be drawn. `again` tells
    that it was for a second examination. `set_by` are those who had put the drawn officer on duty, sorted; empty where
    the office kept no roster at that moment. `ended_by` are those who had ended duties of others early that may have
    lasted until then, sorted.
    """

    declaration_id: str
    office: str
    officer: str
    candidates: int
    chance: float
    again: bool = False
    set_by: tuple[str, ...] = ()
    ended_by: tuple[str, ...] = ()


def lone_lots(lots: Iterable[Lot]) -> Screening:
    """Return where one examiner alone, or hardly anybody else, could be drawn: by office, examiner, and who set duties.

    These are facts, not tests: an office with one examiner has no other lots, and a roster of one looks the same.
    """
    by_office: defaultdict[str, list[Lot]] = defaultdict(list)
    for lot in lots:
        by_office[lot.office].append(lot)
    found = [finding for _, held in sorted(by_office.items()) for finding in _findings(held)]
    return listed(Kind.LONE_LOT, "lots", ranked(found), tested=sum(len(held) for held in by_office.values()))


def _findings(held: Sequence[Lot]) -> list[IntegrityFinding]:
    alone: defaultdict[tuple[str, tuple[str, ...], tuple[str, ...]], list[Lot]] = defaultdict(list)
    for lot in held:
        if lot.chance >= AS_GOOD_AS_ALONE:
            alone[lot.officer, lot.set_by, lot.ended_by].append(lot)
    return [_finding(lots, len(held)) for _, lots in sorted(alone.items())]


def _finding(lots: Sequence[Lot], drawn: int) -> IntegrityFinding:
    """Return the finding about lots of one officer, office, and of the same who set and ended duties."""
    first, kinds = lots[0], Counter(lot.again for lot in lots)
    nearly = sum(lot.candidates > 1 for lot in lots)
    beside = f", or as good as one ({nearly} with 90 % or more of all weight beside others)," if nearly else ""
    duty = f"put on duty by {', '.join(first.set_by)}" if first.set_by else "with no roster kept for the moment"
    ended = f" (duties of others that may have lasted were ended by {', '.join(first.ended_by)})"
    return IntegrityFinding(
        kind=Kind.LONE_LOT,
        office=first.office,
        officer=first.officer,
        sentence=(
            f"At {first.office} officer {first.officer}, {duty}{ended if first.ended_by else ''}, was the one candidate"
            f"{beside} of {len(lots)} of {drawn} lots, {kinds[True]} of them for second examinations."
        ),
        figures=share("one candidate, or as good as", len(lots), drawn),
        evidence=tuple(sorted({lot.declaration_id for lot in lots})),
    )
