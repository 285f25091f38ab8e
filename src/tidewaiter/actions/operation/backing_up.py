"""Backup and restore of everything: records, lake and attachments, with a list of every file and its SHA-256.

The records are copied first, in one snapshot, then the lake, then the attachments: what is in both stores stays in
both, and every file that a record names is there. `manifest.json` is written last; without it a folder is no backup.
A restore goes into empty places only, purges again what purge lists name, and verifies the audit chain at its end.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tidewaiter import __version__
from tidewaiter.actions.acting import SERVICE, Actor, action, record
from tidewaiter.actions.audit.auditing import Verification, verify
from tidewaiter.actions.retention.purge_lists import PurgeList, applied_lists, lists_to_json, purge_again
from tidewaiter.actions.retention.purging import SCRUBBED
from tidewaiter.core.errors import ConflictError, InputError, NotKnownError, Place, Problem
from tidewaiter.storage.attachments import ASIDE, Attachments
from tidewaiter.storage.lake.backup import backup_lake, read_backup, restore_lake, verify_backup
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.lake.manifest import MANIFEST as LAKE_MANIFEST
from tidewaiter.storage.records import models
from tidewaiter.storage.records.chain import Head
from tidewaiter.storage.records.copies import Copy, copy_database, loaded, migrate, refuse_filled
from tidewaiter.storage.records.scrub import scrub

MANIFEST: Final = "manifest.json"
LISTS: Final = "purges.json"
"""The purge lists kept beside backups, in the folder they stand in."""

FORMAT: Final = 1
RECORDS, LAKE, FILES = "records", "lake", "attachments"


@dataclass(frozen=True, slots=True)
class _File:
    """One file of a backup."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Part:
    """How many files a part of a backup has, and their bytes."""

    files: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupMade:
    """A backup as its manifest tells. `digest` is the manifest's: kept elsewhere, it shows that nothing was changed."""

    folder: Path
    made_at: datetime
    program: str
    copy: Copy
    lake: str | None
    files: tuple[_File, ...]
    digest: str

    @property
    def parts(self) -> dict[str, Part]:
        """Return what it holds of records, lake (left out where there was none) and attachments."""
        held = {name: [one for one in self.files if one.path.startswith(f"{name}/")] for name in (RECORDS, FILES)}
        told = {name: Part(len(files), sum(one.size for one in files)) for name, files in held.items()}
        if self.lake is None:
            return told
        lake = read_backup(self.folder / LAKE)
        return {RECORDS: told[RECORDS], LAKE: Part(lake.files, lake.size), FILES: told[FILES]}

    @property
    def size(self) -> int:
        """Return the bytes of all of it."""
        return sum(part.size for part in self.parts.values())


def make_backup(*, folder: Path, lake: Path, store: Attachments, by: Actor, at: datetime) -> BackupMade:
    """Copy everything into a new folder while others go on writing, and return it, read back and verified.

    Raises ConflictError when the folder is not empty, or the copy is not as it was read.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConflictError(f"{folder} is not empty; name another folder for a backup")
    folder.mkdir(parents=True, exist_ok=True)
    copy = copy_database(folder / RECORDS)
    lake_digest = None
    if (lake / LAKE_MANIFEST).exists():
        lake_digest = backup_lake(Lake.open(lake), folder / LAKE, made_at=at).digest
    _copy_files(store.folder, folder / FILES)
    _write_manifest(folder, copy, lake_digest, at)
    problems = check_backup(folder)
    if problems:
        raise ConflictError(problems)
    made = read_manifest(folder)
    note_backup(made=made, by=by, at=at)
    return made


@action("backup.make")
def note_backup(*, made: BackupMade, by: Actor, at: datetime) -> models.Backup:
    """Note that a backup was made, and where: purges say which backups still hold what went."""
    noted = models.Backup.objects.create(
        place=str(made.folder.absolute())[-500:],
        made_at=at,
        digest=made.digest,
        size=made.size,
        sequence=made.copy.sequence,
    )
    record(f"backup:{noted.pk}", made.digest.encode())
    return noted


@action("backup.gone")
def note_gone(*, backup: int, by: Actor, at: datetime) -> models.Backup:
    """Note that a backup was destroyed. Raises NotKnownError, ConflictError for one that was before."""
    found = models.Backup.objects.select_for_update().filter(pk=backup).first()
    if found is None:
        raise NotKnownError(f"there is no backup {backup}")
    if found.gone_at is not None:
        raise ConflictError(f"backup {backup} is gone")
    found.gone_at = at
    found.save(update_fields=["gone_at"])
    record(f"backup:{found.pk}", found.digest.encode())
    return found


def keep_lists_beside(backups: Iterable[models.Backup]) -> list[Path]:
    """Write the purge lists beside every backup that can be reached, and return where."""
    text = lists_to_json(applied_lists())
    written = []
    for folder in sorted({Path(one.place).parent for one in backups}):
        if folder.is_dir():
            aside = folder / f"{LISTS}.aside"
            aside.write_text(text, encoding="utf-8")
            _sync(aside)
            aside.replace(folder / LISTS)
            _sync(folder)
            written.append(folder / LISTS)
    return written


def _copy_files(source: Path, target: Path) -> None:
    """Copy the attachments; one that goes meanwhile is being purged, and is left out."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        if path.is_file() and name.parts[0] != ASIDE:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copyfile(path, target / name)
            except FileNotFoundError:
                (target / name).unlink(missing_ok=True)
                continue
            _sync(target / name)


def _write_manifest(folder: Path, copy: Copy, lake: str | None, at: datetime) -> None:
    content = {
        "format": FORMAT,
        "made_at": at.isoformat(),
        "program": __version__,
        "copy": asdict(copy),
        "lake": lake,
        "files": [asdict(_measured(folder, path)) for path in _held(folder)],
    }
    aside = folder / f"{MANIFEST}.aside"
    aside.write_text(json.dumps(content, indent=1), encoding="utf-8")
    _sync(aside)
    aside.replace(folder / MANIFEST)
    _sync(folder)


def _held(folder: Path) -> Iterator[str]:
    for part in (RECORDS, FILES):
        for path in sorted((folder / part).rglob("*")):
            if not path.is_dir():
                yield path.relative_to(folder).as_posix()


def _measured(folder: Path, name: str) -> _File:
    path = folder / name
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return _File(name, path.stat().st_size, digest)


def read_manifest(folder: Path) -> BackupMade:
    """Return what a backup's manifest tells. Raises InputError when there is none, or it cannot be read."""
    path = folder / MANIFEST
    try:
        text = path.read_bytes()
        stored: dict[str, Any] = json.loads(text)
        if stored["format"] != FORMAT:
            raise InputError(Problem("was written by another version of this program", Place(str(path))))
        copied = stored["copy"]
        return BackupMade(
            folder=folder,
            made_at=datetime.fromisoformat(stored["made_at"]),
            program=stored["program"],
            copy=Copy(**(copied | {"migrations": tuple(copied["migrations"])})),
            lake=stored["lake"],
            files=tuple(_File(**one) for one in stored["files"]),
            digest=hashlib.sha256(text).hexdigest(),
        )
    except FileNotFoundError:
        raise InputError(Problem(f"{folder} holds no finished backup: {MANIFEST} is missing")) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(Problem(f"cannot be read: {error!r}", Place(str(path)))) from error


def check_backup(folder: Path) -> list[Problem]:
    """Read every file of a backup and return each that is missing, changed or does not belong."""
    made = read_manifest(folder)
    known = {one.path: one for one in made.files}
    held = set(_held(folder))
    problems = [Problem(f"{folder / name} is missing from the backup") for name in sorted(known.keys() - held)]
    problems += [Problem(f"{folder / name} is not of this backup") for name in sorted(held - known.keys())]
    changed = [name for name in sorted(held & known.keys()) if _measured(folder, name) != known[name]]
    problems += [Problem(f"{folder / name} was changed after the backup was made") for name in changed]
    if made.lake is not None:
        problems += verify_backup(folder / LAKE)
        if read_backup(folder / LAKE).digest != made.lake:
            problems.append(Problem(f"the list of {folder / LAKE} was changed after the backup was made"))
    return problems


@dataclass(frozen=True, slots=True)
class RestoreDone:
    """What a restore did: records purged again, and what the audit found at the end."""

    made: BackupMade
    purged: int
    verified: Verification


def restore_backup(
    *, folder: Path, lake: Path, store: Attachments, lists: Sequence[PurgeList] = (), at: datetime
) -> RestoreDone:
    """Bring a verified backup back into empty places, purged again, and verify the audit chain.

    The database is put in place last. Raises ConflictError where anything is in the way or the backup is damaged; then
    nothing is left behind. A problem of the audit does not undo the restore: it is told.
    """
    problems = check_backup(folder)
    if problems:
        raise ConflictError(problems)
    made = read_manifest(folder)
    _refuse_filled(lake, store)
    try:
        with loaded(folder / RECORDS, made.copy):
            migrate()
            _copy_files(folder / FILES, store.folder)
            if made.lake is not None:
                restore_lake(folder / LAKE, lake)
            purged = purge_again(lists, lake=lake, store=store, at=at)
            if purged:
                scrub(SCRUBBED)
            note_restored(made=made, by=SERVICE, at=at)
            verified = verify([Head(made.copy.sequence, made.copy.hash, made.made_at, str(folder))])
    except BaseException:
        shutil.rmtree(store.folder, ignore_errors=True)
        shutil.rmtree(lake, ignore_errors=True)
        raise
    return RestoreDone(made, purged, verified)


@action("backup.restore")
def note_restored(*, made: BackupMade, by: Actor, at: datetime) -> None:
    """Record that the chain goes on from here on what a backup held: heads lodged after it are of another end."""
    record("backup:restored", made.digest.encode())


def _refuse_filled(lake: Path, store: Attachments) -> None:
    refuse_filled()
    for place in (lake, store.folder):
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise ConflictError(Problem(f"{place} is not empty", suggestion="restore into empty places"))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
