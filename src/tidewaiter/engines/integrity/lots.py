"""Lots with one candidate: an examiner was drawn from a roster that left nobody else to draw."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tidewaiter.engines.integrity.finding import IntegrityFinding, Kind, Screening, ranked, share


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """One draw of an examiner: how many could have been drawn, and who was.

    `again` tells that it was for a second examination. `set_by` are those who had put the drawn officer on duty,
    sorted; empty where the office kept no roster at that moment.
    """

    declaration_id: str
    office: str
    officer: str
    candidates: int
    again: bool = False
    set_by: tuple[str, ...] = ()


def lone_lots(lots: Iterable[Lot]) -> Screening:
    """Return where one examiner alone could be drawn, by office, examiner and who set the duty.

    These are facts, not tests: an office with one examiner has no other lots, and a roster of one looks the same.
    """
    by_office: defaultdict[str, list[Lot]] = defaultdict(list)
    for lot in lots:
        by_office[lot.office].append(lot)
    found = [finding for office, held in sorted(by_office.items()) for finding in _findings(office, held)]
    return Screening(
        kind=Kind.LONE_LOT,
        unit="lots",
        findings=ranked(found),
        tested=sum(len(held) for held in by_office.values()),
        too_small=0,
        least=0,
        level=None,
    )


def _findings(office: str, held: Sequence[Lot]) -> list[IntegrityFinding]:
    alone: defaultdict[tuple[str, tuple[str, ...]], list[Lot]] = defaultdict(list)
    for lot in held:
        if lot.candidates == 1:
            alone[lot.officer, lot.set_by].append(lot)
    return [_finding(office, officer, set_by, lots, len(held)) for (officer, set_by), lots in sorted(alone.items())]


def _finding(office: str, officer: str, set_by: tuple[str, ...], lots: Sequence[Lot], drawn: int) -> IntegrityFinding:
    kinds = Counter(lot.again for lot in lots)
    duty = f"put on duty by {', '.join(set_by)}" if set_by else "with no roster kept for the moment"
    return IntegrityFinding(
        kind=Kind.LONE_LOT,
        office=office,
        officer=officer,
        sentence=(
            f"At {office} officer {officer}, {duty}, was the one candidate of {len(lots)} of {drawn} lots, "
            f"{kinds[True]} of them for second examinations."
        ),
        figures=share("one candidate only", len(lots), drawn),
        evidence=tuple(sorted({lot.declaration_id for lot in lots})),
    )
