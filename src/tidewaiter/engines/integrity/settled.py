"""Goods listed for recall that an officer, alone, said were back under control or not pursued."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tidewaiter.engines.integrity.done import Done, declarants_of, finding_of
from tidewaiter.engines.integrity.finding import (
    IntegrityFinding,
    Kind,
    Screening,
    as_the_others,
    counted,
    listed,
    ranked,
    share,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement(Done):
    """An entry of the recall list that an officer settled; `audited`: the goods were referred to audit instead."""

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
    return listed(Kind.RECALL_SETTLED, "entries of the recall list settled", ranked(found), tested=len(held))


def _finding(officer: str, own: Sequence[Settlement], held: Sequence[Settlement]) -> IntegrityFinding:
    gone = [one for one in own if not one.audited]
    declarants = declarants_of(gone)
    expected = as_the_others(len(own), [not one.audited for one in held if one.officer != officer])
    most = max(declarants, key=lambda code: sum(one.declarant == code for one in gone))
    count = sum(one.declarant == most for one in gone)
    return finding_of(
        Kind.RECALL_SETTLED,
        officer,
        gone,
        sentence=(
            f"Officer {officer} alone settled {len(gone)} of {counted(len(own), 'entry', 'entries')} of the recall "
            f"list without an audit, of {counted(len(declarants), 'declarant')}, most of them ({count}) of "
            f"{most or 'an unknown one'}."
        ),
        figures=share("entries settled without an audit", len(gone), len(own), expected),
    )
