"""Backup of a lake: a folder with the files of one committed state, each with its SHA-256, and restoring from it.

`backup.json` is written last: a folder without it is no backup, however much was copied. Derived files are left out, as
they are made again from the rows.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tidewaiter.core.errors import LakeError, Problem
from tidewaiter.storage.lake.lake import Lake, Snapshot
from tidewaiter.storage.lake.manifest import MANIFEST, sync_folder, write_manifest
from tidewaiter.storage.lake.purge import REJECTS, Purge, PurgeResult, purge_lake

BACKUP = "backup.json"
FORMAT = 1
_TRIES = 3
"""A purge that comes between takes away the files being copied; the state after it is then copied instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A backup as its list of files tells.

    `state` is the digest of the lake's state it holds; `size` in bytes, the list itself left out. `digest` is the
    SHA-256 of the list: kept elsewhere, it shows that neither a file nor the list was changed.
    """

    folder: Path
    made_at: datetime
    state: str
    files: int
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Restored:
    """The lake that was restored, and what each purge list took away from it before it was put in place."""

    lake: Lake
    purged: tuple[PurgeResult, ...]


@dataclass(frozen=True, slots=True)
class _Copied:
    """One file of a backup."""

    path: str
    size: int
    sha256: str


def backup_lake(lake: Lake, folder: Path, *, made_at: datetime) -> Backup:
    """Copy the lake's present state into a new folder and return it, read back and verified.

    Writers need not wait: what is copied is one committed state, that before or that after what they write.
    Raises LakeError when the folder is not empty, when the disk fails, or when the lake or the copy is damaged.
    """
    _check_empty(folder, "a backup")
    try:
        _copy_one_state(lake, folder, made_at)
    except OSError as error:
        raise LakeError(f"the backup in {folder} could not be written: {error}") from error
    problems = verify_backup(folder)
    if problems:
        raise LakeError(problems)
    return read_backup(folder)


def read_backup(folder: Path) -> Backup:
    """Return what the list of a backup tells. Raises LakeError when there is no finished backup in the folder."""
    stored, files = _listed(folder)
    return Backup(
        folder=folder,
        made_at=datetime.fromisoformat(stored["made_at"]),
        state=stored["state"],
        files=len(files),
        size=sum(one.size for one in files),
        digest=hashlib.sha256((folder / BACKUP).read_bytes()).hexdigest(),
    )


def verify_backup(folder: Path) -> tuple[Problem, ...]:
    """Read every file of a backup and return each that is missing, changed or does not belong; empty when all is well.

    Raises LakeError when there is no finished backup in the folder.
    """
    _, files = _listed(folder)
    problems = [problem for one in files for problem in _verified(folder, one)]
    known = {one.path for one in files} | {BACKUP}
    held = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    problems += [Problem(f"{folder / path} is not of this backup") for path in held if path not in known]
    return tuple(problems)


def restore_lake(folder: Path, into: Path, *, purges: Sequence[Purge] = ()) -> Restored:
    """Make a lake of a backup in a folder that holds none yet, with these purge lists applied, in order.

    The lake is put in place as a whole after everything else: a restore that ends before leaves nothing at `into`.
    Raises LakeError naming every missing or changed file, and when there is something at `into` already.
    """
    problems = verify_backup(folder)
    if problems:
        raise LakeError(problems)
    _check_empty(into, "a lake")
    into = into.absolute()
    aside = into.with_name(f".{into.name}.restoring")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        for one in _listed(folder)[1]:
            _copy(folder / one.path, aside / one.path, one.path)
        lake = Lake.open(aside)
        purged = tuple(purge_lake(lake, purge) for purge in purges)
        aside.replace(into)
        sync_folder(into.parent)
    except OSError as error:
        raise LakeError(f"the lake could not be restored into {into}: {error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Restored(Lake.open(into), purged)


def _check_empty(folder: Path, what: str) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LakeError(f"{folder} is not empty; name another folder for {what}")


def _copy_one_state(lake: Lake, folder: Path, made_at: datetime) -> None:
    for _ in range(_TRIES):
        snapshot = lake.snapshot()
        try:
            _copy_state(snapshot, folder, made_at)
        except FileNotFoundError:
            if lake.snapshot().manifest.purges == snapshot.manifest.purges:
                raise
            shutil.rmtree(folder)
        else:
            return
    raise LakeError(f"the lake in {lake.folder} was purged {_TRIES} times while it was copied; try again")


def _copy_state(snapshot: Snapshot, folder: Path, made_at: datetime) -> None:
    """Copy the files of a state, then its manifest, then the list that makes the folder a backup."""
    folder.mkdir(parents=True, exist_ok=True)
    expected = {file.path: file.digest for table in snapshot.manifest.tables for file in snapshot.manifest.files(table)}
    rejects = [path.relative_to(snapshot.folder).as_posix() for path in (snapshot.folder / REJECTS).glob("*.csv")]
    copied = []
    for path in sorted([*expected, *rejects]):
        one = _copy(snapshot.folder / path, folder / path, path)
        if expected.get(path, one.sha256) != one.sha256:
            raise LakeError(f"the file {snapshot.folder / path} is damaged: it is not as it was written")
        copied.append(one)
    write_manifest(folder, replace(snapshot.manifest, superseded=()))
    copied.append(_measured(folder / MANIFEST, MANIFEST))
    _write_list(folder, snapshot, made_at, copied)


def _copy(source: Path, target: Path, name: str) -> _Copied:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with source.open("rb") as read, target.open("wb") as written:
        while block := read.read(1 << 20):
            digest.update(block)
            written.write(block)
        written.flush()
        os.fsync(written.fileno())
        size = written.tell()
    sync_folder(target.parent)
    return _Copied(name, size, digest.hexdigest())


def _measured(path: Path, name: str) -> _Copied:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return _Copied(name, path.stat().st_size, digest)


def _write_list(folder: Path, snapshot: Snapshot, made_at: datetime, files: Iterable[_Copied]) -> None:
    content = {
        "format": FORMAT,
        "made_at": made_at.isoformat(),
        "state": snapshot.id,
        "files": [{"path": one.path, "size": one.size, "sha256": one.sha256} for one in files],
    }
    aside = folder / f"{BACKUP}.aside"
    with aside.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(folder / BACKUP)
    sync_folder(folder)


def _listed(folder: Path) -> tuple[dict[str, Any], list[_Copied]]:
    """Return the list of a backup, and its files."""
    path = folder / BACKUP
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["format"] != FORMAT:
            raise LakeError(f"the backup in {folder} was made by another version of this program; update the program")
        datetime.fromisoformat(stored["made_at"])
        files = [_Copied(str(one["path"]), int(one["size"]), str(one["sha256"])) for one in stored["files"]]
    except FileNotFoundError:
        raise LakeError(f"{folder} holds no finished backup: {BACKUP} is missing") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LakeError(f"the list of the backup {path} is damaged: {error!r}") from error
    named = {one.path for one in files}
    if MANIFEST not in named or any(Path(name).is_absolute() or ".." in Path(name).parts for name in named):
        raise LakeError(f"the list of the backup {path} is damaged: it lacks the manifest or names a file elsewhere")
    return stored, files


def _verified(folder: Path, one: _Copied) -> list[Problem]:
    path = folder / one.path
    try:
        found = _measured(path, one.path)
    except FileNotFoundError:
        return [Problem(f"{path} is missing from the backup")]
    except OSError as error:
        return [Problem(f"{path} cannot be read: {error.strerror}")]
    return [] if found == one else [Problem(f"{path} was changed after the backup was made")]
