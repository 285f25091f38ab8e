"""Findings turned into nothing, by whom and whose they were."""

from collections import Counter
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
class EnteredFinding(Done):
    """Something found, entered by the officer as the result of an act; `withdrawn_by` are who turned it into nothing.

    That may be the same officer, a manager, or who was given the act afterwards; more than one where it was put right
    in between.
    """

    withdrawn_by: tuple[str, ...] = ()


def withdrawn_findings(findings: Iterable[EnteredFinding]) -> Screening:
    """Return by officer the findings that he or she turned into nothing, with who had entered them.

    These are facts, not tests: a typing error is mended so, and an answer of a laboratory entered. What became of the
    findings that other officers had entered stands beside it.
    """
    held = list(findings)
    found = [_finding(officer, held) for officer in sorted({who for one in held for who in one.withdrawn_by})]
    return listed(Kind.WITHDRAWN, "findings entered", ranked(found), tested=len(held))


def _finding(officer: str, held: Sequence[EnteredFinding]) -> IntegrityFinding:
    gone = [one for one in held if officer in one.withdrawn_by]
    entered = Counter(one.officer for one in gone)
    count = sum(one.officer in entered for one in held)
    rest = [bool(one.withdrawn_by) for one in held if one.officer not in entered]
    by = ", ".join(f"{who} ({number})" for who, number in sorted(entered.items()))
    return finding_of(
        Kind.WITHDRAWN,
        officer,
        gone,
        sentence=(
            f"Officer {officer} turned {len(gone)} of {counted(count, 'finding')} into nothing, entered by {by}, "
            f"of {counted(len(declarants_of(gone)), 'declarant')}."
        ),
        figures=share("findings of these officers turned into nothing", len(gone), count, as_the_others(count, rest)),
    )
