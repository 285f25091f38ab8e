"""What a post-clearance audit found reaches the history of its importer, and no measure of what selected goods."""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.examined import a_declaration, opened
from tests.office import NOON, an_officer
from tests.trade import at, item, lake_of, result

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.examinations.acts import AUDIT, CLOSED
from tidewaiter.actions.examinations.referrals import close_audit, take_audits
from tidewaiter.actions.lake import lake_rows
from tidewaiter.actions.lake.copying import anything_uncopied, copy_to_lake
from tidewaiter.actions.retention.purged_records import going, waiting_for_copy
from tidewaiter.core.channel import Channel
from tidewaiter.core.role import Role
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.storage.lake.facts.table import fact_batches
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.lake.outcomes import outcomes

pytestmark = pytest.mark.django_db

FIRST = at(0).date()
KNOWN = at(60)
FOUND = {"outcome": "found_other", "categories": ["ORIGIN"], "duty_assessed": "9000"}


def a_lake(folder: Path, **more: list[dict[str, Any]]) -> Lake:
    """Return a lake with goods of one importer: let go, audited, and lodged before and after the audit was closed."""
    days = {"LET-GO": 0, "BEFORE": 60, "AFTER": 62}
    rows = [item(number, day, importer_code="T1") for number, day in days.items()]
    return lake_of(folder, declarations=rows, **more)


def audited(outcome: Mapping[str, object], *, times: int = 1) -> None:
    """Close audits of the goods that were let go, with what they established."""
    auditor = an_officer(Role.POST_CLEARANCE_AUDITOR)
    decision = a_declaration("LET-GO", Channel.BLUE, importer="T1")
    for _ in range(times):
        opened(decision)
        (taken,) = take_audits(trader="T1", by=auditor, at=NOON)
        close_audit(referral=taken.pk, given=outcome, by=auditor, at=KNOWN)


def history_of(lake: Lake) -> dict[str, tuple[int, int]]:
    """Return the importer's results and findings as each declaration's facts."""
    wanted = ("declaration_id", "version", "importer_results", "importer_findings")
    batches = fact_batches(lake.snapshot(), load_catalogue(), FIRST, FIRST + timedelta(days=365), only=wanted)
    rows = [row for batch in batches for row in batch.to_pylist()]
    return {row["declaration_id"]: (row["importer_results"], row["importer_findings"]) for row in rows}


def counted(lake: Lake) -> list[tuple[bool, bool]]:
    """Return for each declaration whether it counts as examined, and as a hit."""
    found = outcomes(Lake.open(lake.folder).snapshot(), FIRST, date(2024, 12, 31)).to_pylist()
    return [(row["labelled"], row["offence"]) for row in found]


def test_the_names_of_audits_are_those_of_referrals() -> None:
    assert (lake_rows.AUDITED, lake_rows.CLOSED) == (AUDIT, CLOSED)


@pytest.mark.slow
def test_an_audits_finding_is_history_from_the_day_after_it_was_known(tmp_path: Path) -> None:
    lake = a_lake(tmp_path / "lake")
    audited(FOUND)
    assert anything_uncopied()
    copied = copy_to_lake(lake=lake.folder, by=SERVICE, at=KNOWN)
    assert (dict(copied.rows), copied.rejected) == ({"results": 1}, 0)
    assert not anything_uncopied()
    known = history_of(Lake.open(lake.folder))
    assert (known["BEFORE"], known["AFTER"]) == ((0, 0), (1, 1))


def test_what_an_audit_found_is_no_hit_and_no_examination(tmp_path: Path) -> None:
    lake = a_lake(tmp_path / "lake")
    audited(FOUND)
    before = counted(lake)
    copy_to_lake(lake=lake.folder, by=SERVICE, at=KNOWN)
    assert counted(lake) == before == [(False, False)] * 3


@pytest.mark.slow
def test_goods_found_twice_by_audits_and_once_by_an_examiner_count_once(tmp_path: Path) -> None:
    lake = a_lake(tmp_path / "lake", results=[result("R1", "LET-GO", 1, found=True)])
    audited(FOUND, times=2)
    copied = copy_to_lake(lake=lake.folder, by=SERVICE, at=KNOWN)
    assert dict(copied.rows) == {"results": 2}
    assert history_of(Lake.open(lake.folder))["AFTER"] == (1, 1)
    assert counted(lake) == [(True, True), (False, False), (False, False)]


@pytest.mark.slow
def test_what_was_closed_unaudited_is_no_result(tmp_path: Path) -> None:
    lake = a_lake(tmp_path / "lake")
    audited({"outcome": "not_inspected", "not_inspected_reason": "the books burnt"})
    copy_to_lake(lake=lake.folder, by=SERVICE, at=KNOWN)
    assert history_of(Lake.open(lake.folder))["AFTER"] == (0, 0)


def test_a_purge_waits_for_an_audit_that_is_not_in_the_lake() -> None:
    audited(FOUND)
    found = list(going(["declaration:LET-GO"]))
    assert waiting_for_copy(found) == {"declaration:LET-GO"}
