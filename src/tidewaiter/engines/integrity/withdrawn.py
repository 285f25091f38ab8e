"""Findings turned into nothing by the officer who had entered them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tidewaiter.engines.integrity.finding import IntegrityFinding, Kind, Screening, ranked, share


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFinding:
    """Something found, entered by an officer as the result of an act; `withdrawn` by the same officer afterwards."""

    act_id: str
    declaration_id: str
    office: str
    officer: str
    declarant: str
    withdrawn: bool


def withdrawn_findings(findings: Iterable[OwnFinding]) -> Screening:
    """Return by officer the own findings that were turned into nothing.

    These are facts, not tests: a typing error is mended so, and an answer of a laboratory entered. What the others
    withdrew of theirs stands beside it.
    """
    by_officer: defaultdict[str, list[OwnFinding]] = defaultdict(list)
    for one in findings:
        by_officer[one.officer].append(one)
    held = [one for own in by_officer.values() for one in own]
    found = [_finding(officer, own, held) for officer, own in by_officer.items() if any(one.withdrawn for one in own)]
    return Screening(
        kind=Kind.WITHDRAWN,
        unit="findings entered",
        findings=ranked(found),
        tested=len(held),
        too_small=0,
        least=0,
        level=None,
    )


def _finding(officer: str, own: Sequence[OwnFinding], held: Sequence[OwnFinding]) -> IntegrityFinding:
    gone = [one for one in own if one.withdrawn]
    rest = [one for one in held if one.officer != officer]
    expected = len(own) * sum(one.withdrawn for one in rest) / len(rest) if rest else None
    declarants, offices = ({one.declarant for one in gone}, {one.office for one in gone})
    return IntegrityFinding(
        kind=Kind.WITHDRAWN,
        office=gone[0].office if len(offices) == 1 else None,
        officer=officer,
        party=gone[0].declarant if len(declarants) == 1 else None,
        sentence=(
            f"Officer {officer} turned {len(gone)} of {len(own)} findings of the own into nothing, "
            f"of {len(declarants)} declarants."
        ),
        figures=share("own findings turned into nothing", len(gone), len(own), expected),
        evidence=tuple(dict.fromkeys(number for one in gone for number in (one.act_id, one.declaration_id))),
    )
