"""The one writer of the lake: files written aside, synced, moved into place, and the manifest replaced last."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tidewaiter.core.errors import LakeError
from tidewaiter.core.tables import TABLES
from tidewaiter.storage.lake.complete import completed
from tidewaiter.storage.lake.manifest import (
    DERIVED,
    GRACE,
    Manifest,
    StoredFile,
    Superseded,
    sync_folder,
    write_manifest,
)

DATA = "data"
STAGING = "staging"
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
COMPRESSION = "zstd"


class LakeWriter:
    """Collects what one commit changes. Made by `Lake.writing()`, which holds the lock."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        """The state the commit starts from."""
        self._next = manifest
        self._moves: list[tuple[Path, str]] = []
        self._staging = Path()

    def __enter__(self) -> Self:
        """Make the writer's own staging folder."""
        (self.folder / STAGING).mkdir(exist_ok=True)
        self._staging = Path(tempfile.mkdtemp(dir=self.folder / STAGING))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Commit, or leave the lake as it was when the block ended in an error; a full disk is a LakeError."""
        try:
            if error is None and self._next != self.manifest:
                self._commit()
            elif _disk_failed(error):
                raise self._unwritable(error) from error
        except OSError as failed:
            raise self._unwritable(failed) from failed
        finally:
            shutil.rmtree(self._staging, ignore_errors=True)

    def _unwritable(self, error: BaseException | None) -> LakeError:
        return LakeError(f"the lake in {self.folder} could not be written and is as it was: {error}")

    def staging_folder(self) -> Path:
        """Return a new folder on the lake's own disk for files in the making; gone after the block."""
        return Path(tempfile.mkdtemp(dir=self._staging))

    def staging_file(self) -> Path:
        """Return a new path on the lake's own disk for a file that may be adopted; gone after the block."""
        handle, name = tempfile.mkstemp(dir=self._staging, suffix=".parquet")
        os.close(handle)
        return Path(name)

    def add(self, table: str, rows: pa.Table) -> None:
        """Add rows to a table of core.tables, in files of their month.

        Columns that are left out are absent; of the added ones, version is then 1, known_at the table's day field,
        loaded_at the present, counted_on and content_digest as ingest makes them.
        """
        full = completed(TABLES[table], rows, self.manifest)
        for partition, part in full:
            path = self.staging_file()
            pq.write_table(part, path, compression=COMPRESSION)
            self.adopt(table, partition, path)

    def adopt(self, table: str, partition: str, path: Path) -> None:
        """Add a Parquet file, written at a `staging_file`, to a partition."""
        held = self._next.tables.get(table, {}).get(partition, ())
        self._next = self._next.with_files(table, partition, (*held, self._stored(table, partition, path)))

    def replace(self, table: str, partition: str, rows: pa.Table | Path | str | None) -> None:
        """Put these rows (or this Parquet file, which is copied) in place of a partition; None takes it away.

        Meant for derived tables, whose names are not those of core.tables; the partition's name is free.
        """
        files = () if rows is None else (self._stored(table, partition, self._written(rows)),)
        self._next = self._next.with_files(table, partition, files)

    def close_days(self, through: date) -> None:
        """Seal the days up to and including this one; a day once closed stays closed."""
        closed = self._next.closed_through
        if closed is None or through > closed:
            self._next = replace(self._next, closed_through=through)

    def purge(self) -> None:
        """Leave nothing of what this commit takes away: superseded files go at once, and all that is derived.

        A snapshot taken before such a commit can no longer be read.
        """
        self._next = replace(self._next, purges=self.manifest.purges + 1)

    def _written(self, rows: pa.Table | Path | str) -> Path:
        path = self.staging_file()
        if isinstance(rows, pa.Table):
            pq.write_table(rows, path, compression=COMPRESSION)
        else:
            shutil.copyfile(rows, path)
        return path

    def _stored(self, table: str, partition: str, path: Path) -> StoredFile:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        name = f"{self.manifest.commit + 1:08d}-{len(self._moves):04d}-{digest[:12]}.parquet"
        final = f"{DATA}/{table}/{partition or 'all'}/{name}"
        self._moves.append((path, final))
        return StoredFile(final, pq.read_metadata(path).num_rows, path.stat().st_size, digest)

    def _commit(self) -> None:
        now = datetime.now(UTC)
        kept = self._next.named()
        gone = tuple(Superseded(path, now) for path in sorted(self.manifest.named() - kept))
        standing = tuple(old for old in self.manifest.superseded if now - old.since < GRACE)
        if self._next.purges > self.manifest.purges:
            standing = gone = ()
        moved = [(path, final) for path, final in self._moves if final in kept]
        _move(self.folder, moved)
        state = replace(self._next, commit=self.manifest.commit + 1, superseded=standing + gone)
        write_manifest(self.folder, state)
        self.manifest = self._next = state
        sweep_data(self.folder, state)


def _move(folder: Path, moves: Iterable[tuple[Path, str]]) -> None:
    changed: set[Path] = set()
    for path, final in moves:
        target = folder / final
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
        changed |= {target.parent, target.parent.parent, folder / DATA, folder}
    for parent in sorted(changed):
        sync_folder(parent)


def sweep(folder: Path, manifest: Manifest) -> None:
    """Remove what a writer that was killed left behind. The caller holds the lock, so no writer is alive."""
    shutil.rmtree(folder / STAGING, ignore_errors=True)
    sweep_data(folder, manifest)


def sweep_data(folder: Path, manifest: Manifest) -> None:
    """Remove every data file the manifest names neither as belonging nor as lately superseded, and void derived ones.

    Such a file was never part of a committed state, or its grace period is over: no snapshot in use may need it.
    What was derived before the last purge is void, also where a process wrote it after that purge.
    """
    named = manifest.named()
    for path in (folder / DATA).rglob("*.parquet"):
        if path.relative_to(folder).as_posix() not in named:
            path.unlink(missing_ok=True)
    for path in folder.glob(f"{DERIVED}*"):
        if path.name != manifest.derived:
            shutil.rmtree(path, ignore_errors=True)


def _disk_failed(error: BaseException | None) -> bool:
    """Tell whether an error is one of the disk (full, over quota, read-only, failing), not of what was asked."""
    return isinstance(error, duckdb.IOException) or (isinstance(error, OSError) and error.errno in DISK_ERRORS)
