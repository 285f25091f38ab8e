import hashlib
import json
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.trade import add, item, lake_of, result

from tidewaiter.core.errors import LakeError
from tidewaiter.storage.lake.backup import backup_lake, read_backup, restore_lake, verify_backup
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.lake.manifest import read_manifest
from tidewaiter.storage.lake.purge import Purge, TablePurged, purge_lake

NIGHT = datetime(2026, 5, 6, 2, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = lake_of(
        tmp_path / "lake",
        declarations=[item("DECL-1", 1), item("DECL-2", 40)],
        results=[result("ACT-1", "DECL-1", 3, found=True)],
    )
    (made.folder / "rejects").mkdir()
    (made.folder / "rejects" / "may.csv").write_text("line,column,value,reason\n3,net_mass,x,not a number\n")
    return made


def test_a_lake_restored_is_the_lake_that_was_backed_up(lake: Lake, tmp_path: Path) -> None:
    made = backup_lake(lake, tmp_path / "backup", made_at=NIGHT)
    restored = restore_lake(tmp_path / "backup", tmp_path / "new").lake
    assert restored.snapshot().id == lake.snapshot().id == made.state
    for ours, theirs in zip(
        restored.snapshot().paths("declarations"), lake.snapshot().paths("declarations"), strict=True
    ):
        assert Path(ours).read_bytes() == Path(theirs).read_bytes()
    assert (tmp_path / "new" / "rejects" / "may.csv").exists()
    assert not list(tmp_path.glob(".new*"))
    add(restored, declarations=[item("DECL-3", 41)])
    assert restored.snapshot().rows("declarations") == 3


def test_a_backup_says_what_it_holds(lake: Lake, tmp_path: Path) -> None:
    made = backup_lake(lake, tmp_path / "backup", made_at=NIGHT)
    assert (made.made_at, made.files) == (NIGHT, 5)
    assert made.digest == hashlib.sha256((tmp_path / "backup" / "backup.json").read_bytes()).hexdigest()
    assert made == read_backup(tmp_path / "backup")
    held = [path for path in (tmp_path / "backup").rglob("*") if path.is_file() and path.name != "backup.json"]
    assert made.size == sum(path.stat().st_size for path in held)


def test_each_missing_changed_and_foreign_file_is_named(lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    backup_lake(lake, folder, made_at=NIGHT)
    assert verify_backup(folder) == ()
    missing, changed, *_ = sorted(folder.rglob("*.parquet"))
    missing.unlink()
    changed.write_bytes(changed.read_bytes()[:-1] + b"\0")
    (folder / "letter.txt").write_text("dear")
    said = [str(problem) for problem in verify_backup(folder)]
    assert said == [
        f"{missing} is missing from the backup",
        f"{changed} was changed after the backup was made",
        f"{folder / 'letter.txt'} is not of this backup",
    ]
    with pytest.raises(LakeError) as caught:
        restore_lake(folder, tmp_path / "new")
    assert len(caught.value.problems) == 3
    assert not (tmp_path / "new").exists()


def test_an_existing_lake_is_not_overwritten(lake: Lake, tmp_path: Path) -> None:
    backup_lake(lake, tmp_path / "backup", made_at=NIGHT)
    with pytest.raises(LakeError, match="not empty"):
        restore_lake(tmp_path / "backup", lake.folder)
    with pytest.raises(LakeError, match="not empty"):
        backup_lake(lake, tmp_path / "backup", made_at=NIGHT)


def test_a_copy_that_was_broken_off_is_no_backup(lake: Lake, tmp_path: Path) -> None:
    backup_lake(lake, tmp_path / "backup", made_at=NIGHT)
    (tmp_path / "backup" / "backup.json").unlink()
    with pytest.raises(LakeError, match="no finished backup"):
        restore_lake(tmp_path / "backup", tmp_path / "new")


@pytest.mark.parametrize("listed", ["/etc/hostname", "data/../../escape.parquet"])
def test_a_list_that_names_files_outside_is_refused(lake: Lake, tmp_path: Path, listed: str) -> None:
    backup_lake(lake, tmp_path / "backup", made_at=NIGHT)
    path = tmp_path / "backup" / "backup.json"
    content = json.loads(path.read_text())
    content["files"][0]["path"] = listed
    path.write_text(json.dumps(content))
    with pytest.raises(LakeError, match="is damaged"):
        verify_backup(tmp_path / "backup")


def test_a_list_that_cannot_be_read_is_one_clear_error(lake: Lake, tmp_path: Path) -> None:
    backup_lake(lake, tmp_path / "backup", made_at=NIGHT)
    (tmp_path / "backup" / "backup.json").write_text("{")
    with pytest.raises(LakeError, match="is damaged"):
        verify_backup(tmp_path / "backup")


def test_a_damaged_lake_is_not_backed_up_as_if_it_were_whole(lake: Lake, tmp_path: Path) -> None:
    Path(lake.snapshot().paths("results")[0]).write_bytes(b"PAR1")
    with pytest.raises(LakeError, match="is damaged"):
        backup_lake(lake, tmp_path / "backup", made_at=NIGHT)


def test_a_purge_list_is_applied_before_the_restored_lake_is_there(lake: Lake, tmp_path: Path) -> None:
    backup_lake(lake, tmp_path / "backup", made_at=NIGHT)
    purge = Purge(declarations=frozenset({"DECL-1"}))
    purge_lake(lake, purge)
    restored = restore_lake(tmp_path / "backup", tmp_path / "new", purges=[purge, purge])
    first, again = restored.purged
    assert first.tables == {"declarations": TablePurged(1, 0), "results": TablePurged(1, 0)}
    assert again.tables == {}
    assert restored.lake.snapshot().rows("declarations") == 1
    assert not any(b"DECL-1" in path.read_bytes() for path in (tmp_path / "new").rglob("*") if path.is_file())


def test_files_kept_for_readers_are_not_backed_up(lake: Lake, tmp_path: Path) -> None:
    with lake.writing() as writer:
        writer.replace("copy", "all", Path(lake.snapshot().paths("results")[0]))
    with lake.writing() as writer:
        writer.replace("copy", "all", None)
    backup_lake(lake, tmp_path / "backup", made_at=NIGHT)
    assert read_manifest(tmp_path / "backup").superseded == ()
    assert len(list((tmp_path / "backup").rglob("*.parquet"))) == 3


@pytest.mark.slow
def test_while_a_writer_works_the_backup_is_of_one_of_its_states(lake: Lake, tmp_path: Path) -> None:
    states, ended = {lake.snapshot().id}, threading.Event()

    def write() -> None:
        for number in range(6):
            add(lake, declarations=[item(f"MORE-{number}", 50 + number)])
            states.add(lake.snapshot().id)
        purge_lake(lake, Purge(declarations=frozenset({"MORE-1", "DECL-1"})))
        states.add(lake.snapshot().id)
        ended.set()

    writer = threading.Thread(target=write)
    writer.start()
    made, number = [], 0
    while not ended.is_set() or number == 0:
        made.append(backup_lake(lake, tmp_path / f"backup{number}", made_at=NIGHT).state)
        number += 1
    writer.join()
    assert set(made) <= states
    assert restore_lake(tmp_path / "backup0", tmp_path / "new").lake.snapshot().id == made[0]
