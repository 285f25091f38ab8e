"""The manifest: what belongs to the lake. It is replaced last and as a whole, so a crash leaves the old or the new."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tidewaiter.core.administration import Administration
from tidewaiter.core.errors import LakeError
from tidewaiter.storage.lake.schema import SCHEMA_VERSION

MANIFEST = "manifest.json"
DERIVED = "derived"
FORMAT = 1
GRACE = timedelta(hours=6)
"""How long a file stays after a commit has superseded it, so that a reader's snapshot can be read to its end."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One Parquet file: its path inside the lake, its rows, its bytes, the SHA-256 of its content."""

    path: str
    rows: int
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Superseded:
    """A file no longer named, kept until the grace period after `since` is over."""

    path: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One committed state. `tables` maps table, then partition, to its files in the order they were added.

    `purges` counts the commits that took rows away for good: what was derived before the last of them is void.
    """

    administration: Administration
    commit: int = 0
    closed_through: date | None = None
    tables: Mapping[str, Mapping[str, tuple[StoredFile, ...]]] = field(default_factory=dict)
    superseded: tuple[Superseded, ...] = ()
    purges: int = 0

    @property
    def digest(self) -> str:
        """Return what names this state: equal content under equal settings has an equal digest."""
        state = _as_json(self)
        for passing in ("commit", "superseded", "purges"):
            del state[passing]
        return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()

    @property
    def derived(self) -> str:
        """Return the name of the folder for what is worked out from this state and kept."""
        return f"{DERIVED}-{self.purges}" if self.purges else DERIVED

    def files(self, table: str) -> tuple[StoredFile, ...]:
        """Return a table's files: partitions in order, within one the order of adding."""
        partitions = self.tables.get(table, {})
        return tuple(file for name in sorted(partitions) for file in partitions[name])

    def named(self) -> frozenset[str]:
        """Return the path of every file that must not be swept: what belongs and what a reader may still read."""
        current = (file.path for table in self.tables for file in self.files(table))
        return frozenset(current) | {old.path for old in self.superseded}

    def with_files(self, table: str, partition: str, files: Iterable[StoredFile]) -> "Manifest":
        """Return the manifest with that partition holding exactly these files; an empty partition is left out."""
        partitions = {**self.tables.get(table, {}), partition: tuple(files)}
        kept = {name: held for name, held in partitions.items() if held}
        return replace(self, tables={**self.tables, table: kept})


def read_manifest(folder: Path) -> Manifest:
    """Return the committed state of the lake in that folder.

    Raises LakeError when there is no lake, when it is damaged, or when a newer program wrote it.
    """
    path = folder / MANIFEST
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LakeError(f"{folder} holds no lake; make one by ingesting a file with --lake {folder}") from None
    except (OSError, ValueError) as error:
        raise LakeError(f"the manifest {path} cannot be read: {error}") from error
    try:
        if stored["format"] != FORMAT or stored["schema"] > SCHEMA_VERSION:
            raise LakeError(f"the lake in {folder} was written by another version of this program; update the program")
        return _from_json(stored)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LakeError(f"the manifest {path} is damaged: {error!r}") from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest in one step that survives a loss of power."""
    aside = folder / f"{MANIFEST}.aside"
    with aside.open("w", encoding="utf-8") as file:
        json.dump(_as_json(manifest), file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(folder / MANIFEST)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _as_json(manifest: Manifest) -> dict[str, Any]:
    administration = manifest.administration
    return {
        "format": FORMAT,
        "schema": SCHEMA_VERSION,
        "administration": {
            "name": administration.name,
            "currency": administration.currency,
            "time_zone": administration.time_zone,
            "material_duty": str(administration.material_duty),
        },
        "commit": manifest.commit,
        "closed_through": manifest.closed_through and manifest.closed_through.isoformat(),
        "tables": {
            table: {
                partition: [{"path": f.path, "rows": f.rows, "size": f.size, "digest": f.digest} for f in files]
                for partition, files in partitions.items()
            }
            for table, partitions in manifest.tables.items()
        },
        "superseded": [{"path": old.path, "since": old.since.isoformat()} for old in manifest.superseded],
        "purges": manifest.purges,
    }


def _from_json(stored: dict[str, Any]) -> Manifest:
    closed = stored["closed_through"]
    administration = dict(stored["administration"])
    administration["material_duty"] = Decimal(administration["material_duty"])
    return Manifest(
        administration=Administration(**administration),
        commit=int(stored["commit"]),
        closed_through=None if closed is None else date.fromisoformat(closed),
        tables={
            table: {partition: tuple(StoredFile(**f) for f in files) for partition, files in partitions.items()}
            for table, partitions in stored["tables"].items()
        },
        superseded=tuple(
            Superseded(old["path"], datetime.fromisoformat(old["since"]).astimezone(UTC))
            for old in stored["superseded"]
        ),
        purges=int(stored.get("purges", 0)),
    )
