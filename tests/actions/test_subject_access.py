"""Subject access: all that is held on a party, and nothing that law exempts."""

import csv
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.office import an_officer
from tests.service_world import KEYS, NOW, a_profile, history, lodged, published
from tests.trade import add, item

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.profiles.lookouts import LookoutText, raise_lookout
from tidewaiter.actions.retention.subject_access import SubjectData, subject_data, write_export
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError
from tidewaiter.core.lookout import LookoutAction, LookoutKind
from tidewaiter.core.role import Role
from tidewaiter.storage.records import models
from tidewaiter.storage.records.models import AuditEvent, Classification, Officer

pytestmark = pytest.mark.django_db


def _privacy() -> Officer:
    return an_officer(Role.PRIVACY_OFFICER)


def _declared(folder: Path) -> Path:
    a_profile("SECRET-PROFILE", "origin = 'CN'")
    lake = history(folder / "lake")
    add(lake, declarations=[item("OLD", 1, exporter_code="T-77", exporter_name="Gregor  Samsa")])
    group = [
        (lodged("D1", origin="CN", importer_code="T-77", importer_name="GREGOR SAMSA"), SERVICE),
        (lodged("D2", importer_code="T-78", importer_name="Gregor Samsa & Sons"), SERVICE),
    ]
    decide_group(published(lake), KEYS, group, NOW)
    return lake.folder


def _lookout(action: LookoutAction, rank: int) -> None:
    Classification.objects.get_or_create(rank=rank, defaults={"code": f"C{rank}", "label": f"Rank {rank}"})
    text = LookoutText(
        kind=LookoutKind.PARTY,
        action=action,
        reason="a secret report",
        contact="+1",
        instruction="look",
        names=("Gregor Samsa",),
        rank=rank,
    )
    by = an_officer(Role.INTELLIGENCE_OFFICER, clearance=9)
    raise_lookout(text=text, expires_at=NOW + timedelta(days=9), by=by, at=NOW)


@pytest.mark.parametrize("asked", ["gregor  samsa", "GREGOR SAMSA"])
def test_a_party_is_found_by_name_in_records_and_lake_however_it_is_written(asked: str, tmp_path: Path) -> None:
    found = subject_data(party=asked, lake=_declared(tmp_path), by=_privacy(), at=NOW).records
    assert [row["declaration_id"] for row in found["declarations"]] == ["D1"]
    assert [row["declaration_id"] for row in found["lake declarations"]] == ["OLD"]
    assert [row["channel"] for row in found["decisions"]] == ["red"]


def test_a_party_is_found_by_code(tmp_path: Path) -> None:
    found = subject_data(party="t-78", lake=_declared(tmp_path), by=_privacy(), at=NOW).records
    assert [row["declaration_id"] for row in found["declarations"]] == ["D2"]


def test_why_goods_were_selected_is_not_in_an_export(tmp_path: Path) -> None:
    data = subject_data(party="T-77", lake=_declared(tmp_path), by=_privacy(), at=NOW)
    assert "SECRET" not in "".join(path.read_text() for path in write_export(data, tmp_path / "export"))


def test_restricted_and_covert_lookouts_are_counted_for_the_privacy_officer_and_in_no_file(tmp_path: Path) -> None:
    for action, rank in ((LookoutAction.MONITOR, 1), (LookoutAction.EXAMINE, 2), (LookoutAction.EXAMINE, 0)):
        _lookout(action, rank)
    models.Lookout.objects.filter(rank=0).update(state="ended", ended_at=NOW)
    cleared = an_officer(Role.PRIVACY_OFFICER, Role.INSPECTORATE, clearance=2)
    data = subject_data(party="Gregor Samsa", by=cleared, at=NOW)
    assert data.withheld == {"lookouts": 2}
    assert len(data.records["lookouts"]) == 1
    text = "".join(path.read_text() for path in write_export(data, tmp_path / "export"))
    assert "withheld" not in text
    assert "secret report" not in text


@pytest.mark.parametrize("withheld_from", [0, 1, 9])
def test_a_lookout_above_the_clearance_is_neither_given_nor_counted_whatever_is_asked(withheld_from: int) -> None:
    for action, rank in ((LookoutAction.MONITOR, 0), (LookoutAction.MONITOR, 3), (LookoutAction.EXAMINE, 3)):
        _lookout(action, rank)
    models.Lookout.objects.update(state="ended", ended_at=NOW)
    data = subject_data(party="Gregor Samsa", withheld_from=withheld_from, by=_privacy(), at=NOW)
    assert (data.withheld, data.records) == ({}, {})


def test_an_export_is_json_a_page_and_a_table_of_each_kind(tmp_path: Path) -> None:
    _declared(tmp_path)
    data = subject_data(party="T-77", by=_privacy(), at=NOW)
    written = {path.name for path in write_export(data, tmp_path / "export")}
    assert written == {"data.json", "data.html", "declarations.csv", "decisions.csv"}
    held = json.loads((tmp_path / "export" / "data.json").read_text())["records"]["declarations"]
    with (tmp_path / "export" / "declarations.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [Decimal(row["customs_value"]) for row in rows] == [Decimal(one["customs_value"]) for one in held]
    with pytest.raises(ConflictError):
        write_export(data, tmp_path / "export")


def test_names_are_shown_as_text_on_the_page(tmp_path: Path) -> None:
    group = [(lodged("D1", importer_name="<script>alert(1)</script>"), SERVICE)]
    decide_group(published(history(tmp_path / "lake")), KEYS, group, NOW)
    data = subject_data(party="<script>alert(1)</script>", by=_privacy(), at=NOW)
    write_export(data, tmp_path / "export")
    assert "<script>" not in (tmp_path / "export" / "data.html").read_text()


def test_an_export_is_recorded_without_saying_on_whom() -> None:
    officer = _privacy()
    subject_data(party="Gregor Samsa", by=officer, at=NOW)
    event = AuditEvent.objects.latest("sequence")
    assert (event.actor, event.action, event.record) == (officer.reference, "subject.export", "subject:export")
    assert event.digest


def test_only_the_privacy_officer_makes_an_export_and_of_a_whole_name() -> None:
    with pytest.raises(NotAllowedError):
        subject_data(party="Gregor Samsa", by=an_officer(Role.ADMINISTRATOR), at=NOW)
    with pytest.raises(InputError):
        subject_data(party=" . ", by=_privacy(), at=NOW)


def test_what_was_declared_is_no_formula_in_a_table(tmp_path: Path) -> None:
    rows = [{"name": '=HYPERLINK("http://x")', "description": "@SUM(A1)", "code": "+cmd", "value": "-12.50"}]
    data = SubjectData(party="T-77", at=NOW, records={"declarations": rows})
    write_export(data, tmp_path / "export")
    with (tmp_path / "export" / "declarations.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row == {
        "name": "'=HYPERLINK(\"http://x\")", "description": "'@SUM(A1)", "code": "'+cmd", "value": "-12.50"
    }  # fmt: skip
