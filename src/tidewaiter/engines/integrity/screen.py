"""All integrity checks over one period. What comes out is for the inspectorate, never for the line manager."""

from dataclasses import dataclass

from tidewaiter.engines.integrity.assignments import Assignment, off_draw
from tidewaiter.engines.integrity.clean import clean_pairs
from tidewaiter.engines.integrity.cleared import Clearance
from tidewaiter.engines.integrity.edits import Filing, ListEdit, WorkingHours, quiet_edits
from tidewaiter.engines.integrity.favoured import favoured_parties
from tidewaiter.engines.integrity.finding import LEVEL, Screening
from tidewaiter.engines.integrity.frequent import frequent_pairs
from tidewaiter.engines.integrity.lenient import lenient_officers
from tidewaiter.engines.integrity.lots import Lot, lone_lots
from tidewaiter.engines.integrity.overrides import Override, OverrideSuccess, Selected, override_success
from tidewaiter.engines.integrity.settled import Settlement, unaudited_recalls
from tidewaiter.engines.integrity.withdrawn import EnteredFinding, withdrawn_findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What officers did in one period; `edit_notes` say how edits were looked at."""

    clearances: tuple[Clearance, ...] = ()
    selected: tuple[Selected, ...] = ()
    overrides: tuple[Override, ...] = ()
    edits: tuple[ListEdit, ...] = ()
    edit_notes: tuple[str, ...] = ()
    filings: tuple[Filing, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    lots: tuple[Lot, ...] = ()
    findings: tuple[EnteredFinding, ...] = ()
    settlements: tuple[Settlement, ...] = ()


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """The checks in the order of finding.Kind, and how often overrides were borne out."""

    screenings: tuple[Screening, ...]
    success: tuple[OverrideSuccess, ...]


def screen(work: Work, *, hours: WorkingHours, level: float = LEVEL) -> IntegrityReport:
    """Return the findings of every check; each check corrects for all that it tested, at that level.

    Raises InputError when the values contradict each other, as the single checks say.
    """
    return IntegrityReport(
        screenings=(
            frequent_pairs(work.clearances, level=level),
            clean_pairs(work.clearances, level=level),
            favoured_parties(work.overrides, work.selected, level=level),
            lenient_officers(work.overrides, work.selected, level=level),
            quiet_edits(work.edits, work.filings, hours=hours, notes=work.edit_notes),
            off_draw(work.assignments, level=level),
            lone_lots(work.lots),
            withdrawn_findings(work.findings),
            unaudited_recalls(work.settlements),
        ),
        success=override_success(work.overrides),
    )
