"""`tidewaiter audit`: exit codes, what it prints, and that it names what was changed."""

import json
from pathlib import Path

import pytest
from django.db import transaction
from tests.office import NOON, a_token, an_officer

from tidewaiter.core.role import Role
from tidewaiter.faces.cli.main import exit_code
from tidewaiter.storage.records.audit import Entry, append
from tidewaiter.storage.records.models import AuditEvent

pytestmark = pytest.mark.django_db


def _events(count: int) -> None:
    with transaction.atomic():
        append([Entry(actor="officer:1", action="act.read", record=f"act:{n}") for n in range(count)], at=NOON)


def test_a_whole_chain_ends_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _events(3)
    heads = tmp_path / "heads"
    assert exit_code(["audit", "lodge", str(heads)]) == 0
    assert exit_code(["audit", "verify", "--head", str(heads), "--json", str(tmp_path / "found.json")]) == 0
    assert "3 events" in capsys.readouterr().err
    found = json.loads((tmp_path / "found.json").read_text())
    assert (found["events"], found["heads"], found["problems"]) == (3, 1, 0)


def test_an_altered_event_is_named_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    _events(3)
    AuditEvent.objects.filter(sequence=2).update(actor="officer:2")
    assert exit_code(["audit", "verify"]) == 1
    assert capsys.readouterr().out.startswith("event 2 (act.read of act:1, 2026-03-02 12:00:00) was altered")


def test_a_file_that_holds_no_heads_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "heads").write_text("nothing of the kind\n")
    assert exit_code(["audit", "verify", "--head", str(tmp_path / "heads")]) == 2
    assert f"{tmp_path / 'heads'}:1" in capsys.readouterr().err


def test_events_are_searched_and_exported_with_a_token(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _events(3)
    assert exit_code(["audit", "search"]) == 2
    assert "who are you?" in capsys.readouterr().err
    inspector = an_officer(Role.INSPECTORATE, login="inspector")
    monkeypatch.setenv("TIDEWAITER_TOKEN", a_token(officer=inspector.login))
    assert exit_code(["audit", "search", "--record", "act:1"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert exit_code(["audit", "search", "--record", "act", "--csv", str(tmp_path / "events.csv")]) == 0
    assert len((tmp_path / "events.csv").read_text().splitlines()) == 4


def test_a_search_that_shows_a_part_says_so_and_how_to_go_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _events(5)
    monkeypatch.setenv("TIDEWAITER_TOKEN", a_token(officer=an_officer(Role.INSPECTORATE).login))
    assert exit_code(["audit", "search", "--record", "act", "--limit", "2"]) == 0
    assert "2 of 5 events; go on with --after 2" in capsys.readouterr().err
    assert exit_code(["audit", "search", "--record", "act", "--limit", "2", "--after", "3"]) == 0
    told = capsys.readouterr()
    assert (len(told.out.splitlines()), told.err) == (2, "")
