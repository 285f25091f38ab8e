"""Backup and restore of everything, while others write; what was purged since does not come back."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

WORDS = ("SAMSAGREGOR", "BLSAMSA77", "SAMU7777770", "Charlottenstrasse", "SAMSA GMBH", "cockroach costume")
"""What the purged declaration names: party, document, container, and words of descriptions and notes."""


@pytest.fixture
def second_database(tmp_path: Path, worker_id: str) -> Iterator[str]:
    """Name an empty database beside that of the service, to restore into."""
    store = os.environ.get("TIDEWAITER_DATABASE", "")
    if not store.startswith("postgresql://"):
        yield str(tmp_path / "restored.sqlite3")
        return
    from tests.postgres_server import drop_database, own_database  # noqa: PLC0415 - psycopg only where it is used

    yield own_database(store, name := f"restored_{worker_id}")
    drop_database(store, name)


def _environment(database: str, folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "TIDEWAITER_DATABASE": database,
        "DJANGO_SETTINGS_MODULE": "tidewaiter.faces.settings",
        "TIDEWAITER_ATTACHMENTS": str(folder / "attachments"),
        "TIDEWAITER_LAKE": str(folder / "lake"),
        "BACKUP": str(folder / "backups" / "one"),
        "LISTS": str(folder / "backups" / "purges.json"),
    }


def _scene(name: str, environment: dict[str, str]) -> Any:
    command = [sys.executable, "-m", "tests.backup_scenes", name]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def _command(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from tidewaiter.faces.cli.main import run; run()", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _live(service_database: str, tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "live"
    (folder / "backups").mkdir(parents=True)
    return _environment(service_database, folder)


def _restored(second_database: str, live: dict[str, str], tmp_path: Path) -> dict[str, str]:
    kept = {name: live[name] for name in ("BACKUP", "LISTS")}
    return _environment(second_database, tmp_path / "restored") | kept


@pytest.mark.records
@pytest.mark.slow
def test_what_was_backed_up_while_others_wrote_is_brought_back_whole(
    service_database: str, second_database: str, tmp_path: Path
) -> None:
    live = _live(service_database, tmp_path)
    _scene("fill", live)
    written = _scene("backup_while_writing", live)
    restored = _restored(second_database, live, tmp_path)
    (tmp_path / "restored").mkdir()
    ran = _command(restored, "restore", live["BACKUP"])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    held = _scene("verified", restored)
    assert held["problems"] == []
    assert written["ended"] > written["begun"], "nobody wrote meanwhile"
    assert written["before"] + written["begun"] <= len(held["decisions"]) <= written["before"] + written["ended"] + 1
    assert held["decisions"].items() <= written["decisions"].items()
    assert (len(held["attachments"]), held["lake"]) == (1, 20)
    again = _command(restored, "restore", live["BACKUP"])
    assert again.returncode == 2
    assert "empty" in again.stderr


@pytest.mark.records
@pytest.mark.slow
def test_what_was_purged_is_gone_from_every_file_and_does_not_come_back_with_a_backup(
    service_database: str, second_database: str, tmp_path: Path
) -> None:
    live = _live(service_database, tmp_path)
    words = [*(word.encode() for word in WORDS), *map(bytes.fromhex, _scene("fill", live))]
    assert {b"SAMSAGREGOR", b"Charlottenstrasse", *words[len(WORDS) :]} <= set(_found(live, words))
    assert _command(live, "backup", live["BACKUP"]).returncode == 0
    with _sampled_and_read_by_another(live["TIDEWAITER_DATABASE"]):
        purged = _scene("purge", live)
    assert purged == {"records": 1, "stayed": {}, "backups": 1}
    assert _found(live, words) == []
    assert _scene("verified", live)["problems"] == []
    listed = _command(live, "backup", "list")
    assert "rotate it" in listed.stdout
    assert "backups made and not destroyed: 1" in listed.stderr
    restored = _restored(second_database, live, tmp_path)
    (tmp_path / "restored").mkdir()
    ran = _command(restored, "restore", live["BACKUP"])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 records taken away again" in ran.stderr
    assert _found(restored, words) == []
    held = _scene("verified", restored)
    assert (held["problems"], held["attachments"], len(held["decisions"])) == ([], [], 20)


@contextlib.contextmanager
def _sampled_and_read_by_another(database: str) -> Iterator[None]:
    """On PostgreSQL, let the planner keep values of every column, and another read on while rows are removed."""
    if not database.startswith("postgresql://"):
        yield
        return
    import psycopg  # noqa: PLC0415 - psycopg only where it is used

    def read_on() -> None:
        while not watcher.execute("SELECT 1 FROM records_tombstone").fetchone() and not ended.wait(0.1):
            pass
        ended.wait(2)
        reader.rollback()

    ended = threading.Event()
    with psycopg.connect(database, autocommit=True) as watcher, psycopg.connect(database) as reader:
        watcher.execute("ANALYZE")
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT 1")
        reading = threading.Thread(target=read_on)
        reading.start()
        try:
            yield
        finally:
            ended.set()
            reading.join()


def _found(environment: dict[str, str], words: list[bytes]) -> list[bytes]:
    """Return which of these words stand in any file of an installation."""
    folders = [Path(environment["TIDEWAITER_LAKE"]), Path(environment["TIDEWAITER_ATTACHMENTS"])]
    database = environment["TIDEWAITER_DATABASE"]
    if database.startswith("postgresql://"):
        folders.append(Path(_scene("data_folder", environment)))
        files = []
    else:
        files = [Path(f"{database}{end}") for end in ("", "-wal", "-shm", "-journal")]
    files += [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    content = [path.read_bytes() for path in files if path.exists()]
    return [word for word in words if any(word in held for held in content)]


@pytest.mark.records
@pytest.mark.slow
def test_a_damaged_backup_is_named_and_not_restored(
    service_database: str, second_database: str, tmp_path: Path
) -> None:
    live = _live(service_database, tmp_path)
    _scene("fill", live)
    made = _command(live, "backup", live["BACKUP"])
    assert made.returncode == 0
    told = dict(line.split(": ", 1) for line in made.stdout.splitlines() if ": " in line)
    assert list(told) == ["records", "lake", "attachments"]
    assert told["attachments"].startswith("1 files, ")
    assert not any(part.startswith("0 files") for part in told.values())
    assert _command(live, "backup", "verify", live["BACKUP"]).returncode == 0
    backup = Path(live["BACKUP"])
    victim = next(path for path in sorted((backup / "records").iterdir()) if path.stat().st_size > 0)
    victim.write_bytes(victim.read_bytes()[:-1] + b"!")
    next(path for path in (backup / "attachments").rglob("*") if path.is_file()).unlink()
    (backup / "records" / "extra").write_text("x")
    ran = _command(live, "backup", "verify", live["BACKUP"])
    assert ran.returncode == 1
    assert [line.rpartition(" ")[2] for line in ran.stdout.splitlines()] == ["backup", "backup", "made"]
    restored = _restored(second_database, live, tmp_path)
    (tmp_path / "restored").mkdir()
    assert _command(restored, "restore", live["BACKUP"]).returncode == 2
    assert not (tmp_path / "restored" / "lake").exists()
    shutil.rmtree(backup / "records")
    assert _command(live, "backup", "verify", live["BACKUP"]).returncode == 1
