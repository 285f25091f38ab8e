"""Goods listed for recall that an officer, alone, said were back under control or not pursued."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tidewaiter.engines.integrity.finding import IntegrityFinding, Kind, Screening, ranked, share


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """An entry of the recall list that an officer settled; `audited`: the goods were referred to audit instead."""

    recall_id: str
    declaration_id: str
    office: str
    officer: str
    declarant: str
    audited: bool


def unaudited_recalls(settlements: Iterable[Settlement]) -> Screening:
    """Return by officer the entries settled without an audit, which nobody looks at again.

    These are facts, not tests: one officer settles an entry. What the others settled so stands beside it.
    """
    by_officer: defaultdict[str, list[Settlement]] = defaultdict(list)
    for one in settlements:
        by_officer[one.officer].append(one)
    held = [one for own in by_officer.values() for one in own]
    found = [_finding(officer, own, held) for officer, own in by_officer.items() if not all(one.audited for one in own)]
    return Screening(
        kind=Kind.RECALL_SETTLED,
        unit="entries of the recall list settled",
        findings=ranked(found),
        tested=len(held),
        too_small=0,
        least=0,
        level=None,
    )


def _finding(officer: str, own: Sequence[Settlement], held: Sequence[Settlement]) -> IntegrityFinding:
    gone = [one for one in own if not one.audited]
    rest = [one for one in held if one.officer != officer]
    expected = len(own) * sum(not one.audited for one in rest) / len(rest) if rest else None
    declarants, offices = ({one.declarant for one in gone}, {one.office for one in gone})
    most = max(sorted(declarants), key=lambda code: sum(one.declarant == code for one in gone))
    count = sum(one.declarant == most for one in gone)
    return IntegrityFinding(
        kind=Kind.RECALL_SETTLED,
        office=gone[0].office if len(offices) == 1 else None,
        officer=officer,
        party=most if len(declarants) == 1 else None,
        sentence=(
            f"Officer {officer} alone settled {len(gone)} of {len(own)} entries of the recall list without an audit, "
            f"of {len(declarants)} declarants, most of them ({count}) of {most or 'an unknown one'}."
        ),
        figures=share("entries settled without an audit", len(gone), len(own), expected),
        evidence=tuple(dict.fromkeys(number for one in gone for number in (one.recall_id, one.declaration_id))),
    )
