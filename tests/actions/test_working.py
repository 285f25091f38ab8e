"""Advance cargo, the copy into the lake, and the worker's turns."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.office import an_officer
from tests.service_world import CATALOGUE, KEYS, NOW, a_profile, history, lodged, published
from tests.trade import Row

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.decisions.consignments import assess
from tidewaiter.actions.decisions.events import record_events
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.lake.copying import anything_uncopied, copy_to_lake
from tidewaiter.actions.operation.working import Worker
from tidewaiter.actions.profiles.publishing import republish
from tidewaiter.core.errors import ConflictError
from tidewaiter.core.role import Role
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.records.models import Consignment, Declaration, Lookout, LookoutMatch, Publication

pytestmark = pytest.mark.django_db


def a_filing(number: str = "BL1", version: int | None = None, **fields: Any) -> Row:
    base = {"consignment_id": number, "filed_at": NOW, "description": "steel pipes", "version": version}
    return base | {"consignor_name": "Acme Ltd", "consignee_name": "Best Stores"} | fields


def test_a_filing_is_assessed_once_and_repeated_after(tmp_path: Path) -> None:
    standing = published(history(tmp_path / "lake"))
    (first,) = assess(rows=[a_filing()], standing=standing, keys=KEYS, by=SERVICE, at=NOW)
    (again,) = assess(rows=[a_filing()], standing=standing, keys=KEYS, by=SERVICE, at=NOW)
    assert (first.pop("status"), again.pop("status")) == ("assessed", "repeated")
    assert first == again
    assert Consignment.objects.count() == 1


def test_a_filing_with_other_content_under_its_version_is_refused(tmp_path: Path) -> None:
    standing = published(history(tmp_path / "lake"))
    assess(rows=[a_filing(version=1)], standing=standing, keys=KEYS, by=SERVICE, at=NOW)
    with pytest.raises(ConflictError, match="other content"):
        assess(rows=[a_filing(version=1, description="toys")], standing=standing, keys=KEYS, by=SERVICE, at=NOW)


def test_a_manifest_fact_raises_the_declaration_in_flight(tmp_path: Path) -> None:
    a_profile("MF-1", "has_word(manifest_description, 'fireworks')")
    standing = published(history(tmp_path / "lake"))
    decide_group(standing, KEYS, [(lodged("A", previous_document="BL1"), SERVICE)], NOW)
    before = Declaration.objects.get().channel
    later = NOW + timedelta(minutes=5)
    filing = a_filing(description="fireworks", filed_at=later)
    assess(rows=[filing], standing=standing, keys=KEYS, by=SERVICE, at=later)
    assert before != "red" or Declaration.objects.get().channel == "red"
    assert Declaration.objects.get().channel == "red"


def test_an_answer_to_a_filing_says_nothing_of_a_lookout(tmp_path: Path) -> None:
    Lookout.objects.create(
        reference="SECRET-1", kind="consignment", subject={"values": ["BL1"], "names": []}, action="do not load",
        instruction="Keep ashore.", reason="informant", contact="x", raised_by=an_officer(Role.INTELLIGENCE_OFFICER),
        raised_at=NOW, valid_from=NOW, expires_at=NOW + timedelta(days=3),
    )  # fmt: skip
    standing = published(history(tmp_path / "lake"))
    (answer,) = assess(rows=[a_filing()], standing=standing, keys=KEYS, by=SERVICE, at=NOW)
    assert answer["outcome"] == "do not load"
    assert "SECRET-1" not in json.dumps(answer)
    assert LookoutMatch.objects.get().consignment_id == "BL1"


def _held(lake: Lake, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        lake.snapshot().register(connection)
        return connection.execute(query).fetchall()


def test_what_was_received_reaches_the_lake_once(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    standing = published(lake)
    decide_group(standing, KEYS, [(lodged("A", items=3), SERVICE), (lodged("A", origin="CN"), SERVICE)], NOW)
    assess(rows=[a_filing()], standing=standing, keys=KEYS, by=SERVICE, at=NOW)
    released = {"kind": "released", "occurred_at": NOW, "declaration_id": "A"}
    record_events(events=[released], by=SERVICE, at=NOW)
    copied = copy_to_lake(lake=lake.folder, by=SERVICE, at=NOW)
    assert (dict(copied.rows), copied.rejected) == ({"declarations": 4, "consignments": 1, "events": 1}, 0)
    assert not anything_uncopied()
    query = (
        "SELECT version, count(*), min(known_at) = ? FROM declarations WHERE declaration_id = 'A' GROUP BY 1 ORDER BY 1"
    )
    held = _held(lake, query.replace("?", f"TIMESTAMPTZ '{NOW.isoformat()}'"))
    assert held == [(1, 3, True), (2, 1, True)]


def test_a_copy_made_twice_changes_nothing(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    standing = published(lake)
    decide_group(standing, KEYS, [(lodged("A"), SERVICE)], NOW)
    copy_to_lake(lake=lake.folder, by=SERVICE, at=NOW)
    Declaration.objects.get().lodgements.update(copied_at=None)
    copy_to_lake(lake=lake.folder, by=SERVICE, at=NOW)
    assert _held(lake, "SELECT count(*) FROM declarations WHERE declaration_id = 'A'") == [(1,)]


@pytest.mark.slow
def test_the_worker_asks_what_was_published_of_goods_in_flight(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    republish(cause="start", by=SERVICE, at=NOW)
    worker = Worker(lake.folder, CATALOGUE, KEYS, lambda: NOW)
    worker.turn()
    decide_group(worker.readying.standing(), KEYS, [(lodged("A"), SERVICE)], NOW)
    a_profile("VN-1", "origin = 'VN'")
    republish(cause="a new profile", by=SERVICE, at=NOW)
    worker.turn()
    assert Declaration.objects.get().channel == "red"
    assert not Publication.objects.filter(redecided_at=None).exists()


def test_what_comes_while_a_day_is_closed_is_not_waited_for(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    standing = published(lake)
    decide_group(standing, KEYS, [(lodged("A"), SERVICE)], NOW)
    later = NOW + timedelta(seconds=1)
    assert anything_uncopied(NOW)
    copy_to_lake(lake=lake.folder, by=SERVICE, at=later)
    decide_group(standing, KEYS, [(lodged("B"), SERVICE)], later)
    assert not anything_uncopied(NOW)
    assert anything_uncopied(later)


@pytest.mark.slow
def test_the_worker_closes_the_day_that_has_ended(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    republish(cause="start", by=SERVICE, at=NOW)
    clock = [NOW]
    worker = Worker(lake.folder, CATALOGUE, KEYS, lambda: clock[0])
    worker.turn()
    decide_group(worker.readying.standing(), KEYS, [(lodged("A", importer_code="NEW"), SERVICE)], NOW)
    clock[0] = datetime(2024, 3, 5, 0, 1, tzinfo=UTC)
    worker.turn()
    assert lake.snapshot().closed_through == NOW.date()
    standing = worker.readying.standing()
    assert (standing.on, standing.image.statistics_on) == (clock[0].date(), NOW.date())


@pytest.mark.slow
def test_a_confirmed_match_raises_the_declaration_in_flight(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    a_lookout = Lookout.objects.create(
        reference="L-1", kind="party", subject={"values": [], "names": ["Acme Trading"]}, action="examine",
        instruction="Open the packages.", reason="report", contact="x", raised_by=an_officer(Role.INTELLIGENCE_OFFICER),
        raised_at=NOW, valid_from=NOW, expires_at=NOW + timedelta(days=3),
    )  # fmt: skip
    republish(cause="start", by=SERVICE, at=NOW)
    clock = [NOW]
    worker = Worker(lake.folder, CATALOGUE, KEYS, lambda: clock[0])
    worker.turn()
    met = lodged("A", exporter_name="Acme Trading Co")
    decide_group(worker.readying.standing(), KEYS, [(met, SERVICE)], NOW)
    clock[0] = NOW + timedelta(minutes=2)
    LookoutMatch.objects.filter(lookout=a_lookout).update(state="confirmed", settled_at=clock[0])
    worker.turn()
    assert Declaration.objects.get().channel == "red"
