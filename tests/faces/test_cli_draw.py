"""`tidewaiter draw` and `tidewaiter replay` as custodians and auditors use them."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.office import a_token, an_officer
from tests.service_world import NOW, ON, a_profile, history, lodged, published

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.decisions.events import record_events
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.core.role import Role
from tidewaiter.faces.cli.main import exit_code
from tidewaiter.faces.draw_keys import custody_of
from tidewaiter.storage.records.models import Decision

pytestmark = pytest.mark.django_db


@pytest.fixture
def shares(tmp_path: Path) -> list[str]:
    one, other = tmp_path / "a.share", tmp_path / "b.share"
    assert exit_code(["draw", "shares", "--from", "2024-01-01", "--out-a", str(one), "--out-b", str(other)]) == 0
    return ["--share", str(one), "--share", str(other)]


def _token(folder: Path, role: Role) -> str:
    officer = an_officer(role, login=f"the-{role}".replace(" ", "-"))
    file = folder / f"{role}.token".replace(" ", "-")
    file.write_text(a_token(officer=officer.login))
    return str(file)


def _decided(folder: Path, shares: list[str]) -> str:
    lake = history(folder / "lake")
    a_profile("VN-1", "origin = 'VN'", probability=0.5)
    keys = custody_of((Path(shares[1]), Path(shares[3])), None)
    decide_group(published(lake), keys, [(lodged(f"D{n}"), SERVICE) for n in range(6)], NOW)
    for number in range(6):
        released = {"kind": "released", "occurred_at": NOW, "declaration_id": f"D{number}"}
        record_events(events=[released], by=SERVICE, at=NOW + timedelta(hours=1))
    return str(lake.folder)


def test_a_day_is_opened_by_two_and_its_draw_is_right(
    tmp_path: Path, shares: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    lake = _decided(tmp_path, shares)
    inspector, other = _token(tmp_path, Role.INSPECTORATE), _token(tmp_path, Role.MANAGER)
    key = str(tmp_path / "day.key")
    tokens = ["--token-file", inspector, "--second-token-file", other]
    opening = ["draw", "open", "--day", str(ON), "--out", key, *tokens, *shares, "--lake", lake]
    assert exit_code(opening) == 0
    checking = ["draw", "verify", "--day", str(ON), "--key-file", key, "--token-file", inspector, "--lake", lake]
    assert exit_code(checking) == 0
    assert "0 discrepancies" in capsys.readouterr().out


def test_one_person_alone_does_not_open_a_day(tmp_path: Path, shares: list[str]) -> None:
    lake = _decided(tmp_path, shares)
    inspector = _token(tmp_path, Role.INSPECTORATE)
    key = tmp_path / "day.key"
    tokens = ["--token-file", inspector, "--second-token-file", inspector]
    assert exit_code(["draw", "open", "--day", str(ON), "--out", str(key), *tokens, *shares, "--lake", lake]) == 2
    assert not key.exists()


def test_a_decision_is_replayed_by_its_number(
    tmp_path: Path, shares: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    lake = _decided(tmp_path, shares)
    analyst = _token(tmp_path, Role.ANALYST)
    number = Decision.objects.filter(declaration_id="D1").get().pk
    assert exit_code(["replay", number, "--token-file", analyst, "--lake", lake]) == 0
    assert f"{number}: identical" in capsys.readouterr().out


def test_an_examiner_may_not_replay(tmp_path: Path, shares: list[str]) -> None:
    lake = _decided(tmp_path, shares)
    examiner = _token(tmp_path, Role.EXAMINER)
    number = Decision.objects.filter(declaration_id="D1").get().pk
    assert exit_code(["replay", number, "--token-file", examiner, "--lake", lake]) == 2


def test_a_key_that_is_none_is_refused_with_its_file(
    tmp_path: Path, shares: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    lake = _decided(tmp_path, shares)
    file = tmp_path / "no.key"
    file.write_text("hello")
    file.chmod(0o600)
    inspector = _token(tmp_path, Role.INSPECTORATE)
    checking = ["draw", "verify", "--day", str(date(2024, 3, 4)), "--key-file", str(file)]
    assert exit_code([*checking, "--token-file", inspector, "--lake", lake]) == 2
    assert "holds no key of a day" in capsys.readouterr().err
