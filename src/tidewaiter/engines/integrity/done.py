"""What officers did about goods, each alone: told for each officer, with what the others did beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

from tidewaiter.engines.integrity.finding import Figure, IntegrityFinding, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Something an officer did about goods; `record_id` is the record of it that the inspectorate finds it by."""

    record_id: str
    declaration_id: str
    office: str
    officer: str
    declarant: str


def finding_of(
    kind: Kind, officer: str, gone: Sequence[Done], *, sentence: str, figures: tuple[Figure, ...]
) -> IntegrityFinding:
    """Return the finding about an officer that rests on these (at least one); it names office and declarant if one."""
    offices, declarants = sorted({one.office for one in gone}), declarants_of(gone)
    return IntegrityFinding(
        kind=kind,
        office=offices[0] if len(offices) == 1 else None,
        officer=officer,
        party=declarants[0] if len(declarants) == 1 else None,
        sentence=sentence,
        figures=figures,
        evidence=tuple(dict.fromkeys(number for one in gone for number in (one.record_id, one.declaration_id))),
    )


def declarants_of(done: Sequence[Done]) -> list[str]:
    """Return the declarants of the goods, sorted, each once."""
    return sorted({one.declarant for one in done})
