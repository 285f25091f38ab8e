"""The lake: many rows read by column. One writer at a time, any number of readers, each with a frozen snapshot.

A folder holds `manifest.json` (what belongs), `data/TABLE/PARTITION/*.parquet`, `rejects/`, `staging/` (a writer's
files before its commit) and `lock`. A reader needs the manifest only; it never waits for a writer.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from tidewaiter.core.administration import Administration
from tidewaiter.core.codes import CURRENCIES
from tidewaiter.core.errors import InputError, LakeError, Problem
from tidewaiter.core.tables import TABLES
from tidewaiter.storage.lake.lock import LOCK, locked
from tidewaiter.storage.lake.manifest import MANIFEST, Manifest, read_manifest, write_manifest
from tidewaiter.storage.lake.schema import create_view
from tidewaiter.storage.lake.writer import LakeWriter, sweep


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One committed state of the lake; what it names stays readable for manifest.GRACE after a later commit."""

    folder: Path
    manifest: Manifest

    @property
    def id(self) -> str:
        """Return the digest that names this state."""
        return self.manifest.digest

    @property
    def administration(self) -> Administration:
        """Return the settings the lake was made with."""
        return self.manifest.administration

    @property
    def closed_through(self) -> date | None:
        """Return the last closed day; None when no day is closed."""
        return self.manifest.closed_through

    @property
    def derived(self) -> Path:
        """Return the folder for what is worked out from this state and kept."""
        return self.folder / self.manifest.derived

    def paths(self, table: str) -> list[str]:
        """Return the Parquet files of a table, partitions in order; empty when nothing is loaded."""
        return [str(self.folder / file.path) for file in self.manifest.files(table)]

    def partitions(self, table: str) -> dict[str, list[str]]:
        """Return the Parquet files of a table by partition (for the tables of core.tables a month, `2020-01`)."""
        held = self.manifest.tables.get(table, {})
        return {name: [str(self.folder / file.path) for file in held[name]] for name in sorted(held)}

    def digests(self, table: str) -> dict[str, tuple[str, ...]]:
        """Return by partition the digests of a table's files: equal digests, equal rows."""
        held = self.manifest.tables.get(table, {})
        return {name: tuple(file.digest for file in held[name]) for name in sorted(held)}

    def rows(self, table: str) -> int:
        """Return how many rows a table holds, all versions."""
        return sum(file.rows for file in self.manifest.files(table))

    def register(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make one view per table of core.tables in the connection: all versions, every column typed."""
        connection.execute("SET TimeZone = 'UTC'")
        for table in TABLES.values():
            create_view(connection, table, self.paths(table.name))


@dataclass(frozen=True, slots=True)
class Lake:
    """A folder that holds a lake."""

    folder: Path

    @classmethod
    def open(cls, folder: Path | str) -> "Lake":
        """Return the lake in that folder. Raises LakeError when there is none or it is damaged."""
        lake = cls(Path(folder).absolute())
        read_manifest(lake.folder)
        return lake

    @classmethod
    def create(cls, folder: Path | str, administration: Administration) -> "Lake":
        """Make an empty lake of that administration.

        Raises LakeError when there is one already, InputError when currency or time zone does not exist.
        """
        check_administration(administration)
        lake = cls(Path(folder).absolute())
        _make_folder(lake.folder)
        with locked(lake.folder):
            if (lake.folder / MANIFEST).exists():
                raise LakeError(f"{folder} holds a lake already")
            write_manifest(lake.folder, Manifest(administration=administration))
        return lake

    @classmethod
    def open_or_create(cls, folder: Path | str, administration: Administration) -> "Lake":
        """Return the lake in that folder, made with these settings when there is none."""
        if (Path(folder) / MANIFEST).exists():
            return cls.open(folder)
        return cls.create(folder, administration)

    @property
    def administration(self) -> Administration:
        """Return the settings the lake was made with."""
        return read_manifest(self.folder).administration

    def snapshot(self) -> Snapshot:
        """Return the committed state as it is now."""
        return Snapshot(self.folder, read_manifest(self.folder))

    @contextmanager
    def writing(self) -> Iterator[LakeWriter]:
        """Give the one writer of the lake; all it did is committed at once on leaving the block, nothing on an error.

        Raises LakeError, naming the process, while another one is writing.
        """
        with locked(self.folder):
            manifest = read_manifest(self.folder)
            sweep(self.folder, manifest)
            with LakeWriter(self.folder, manifest) as writer:
                yield writer

    def close_days(self, through: date) -> None:
        """Seal the days up to and including this one: a row that arrives later counts from the next day on."""
        with self.writing() as writer:
            writer.close_days(through)

    def discard_unused(self) -> None:
        """Take away a lake into which nothing was ever committed, so that a failed first load leaves no trace."""
        with locked(self.folder):
            manifest = read_manifest(self.folder)
            if manifest.commit == 0:
                sweep(self.folder, manifest)
                (self.folder / MANIFEST).unlink()
                (self.folder / LOCK).unlink()
                with suppress(OSError):
                    self.folder.rmdir()


def check_administration(administration: Administration) -> None:
    """Raise InputError where the currency is no ISO 4217 code or the time zone no IANA name."""
    problems = []
    if administration.currency not in CURRENCIES:
        problems.append(Problem(f"{administration.currency!r} is no ISO 4217 currency code"))
    try:
        ZoneInfo(administration.time_zone)
    except (KeyError, ValueError, OSError):
        problems.append(Problem(f"{administration.time_zone!r} is no time zone; write it as 'Europe/Lisbon' or 'UTC'"))
    if problems:
        raise InputError(problems)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LakeError(f"the folder {folder} cannot be made: {error.strerror}") from error
    if any(entry.name != "lock" for entry in folder.iterdir()):
        raise LakeError(f"{folder} is not empty and holds no lake; name another folder")
