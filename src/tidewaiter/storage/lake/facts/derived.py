"""What is worked out from the lake and kept, so that it is worked out once: files named by the digest of their inputs.

A file's name is its content's cause, so it is never stale and never changed: it is written aside and renamed, and any
number of processes may read, or make the same file at the same moment. Nothing here is needed to recover the lake;
the whole folder may be removed at any time, and every purge begins a new one.
"""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

_SPARED_SECONDS = 7 * 24 * 3600


def key_of(*inputs: object) -> str:
    """Return the digest that names what is made from these inputs (anything JSON can write)."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True, default=str).encode()).hexdigest()[:24]


def place_of(derived: Path, kind: str, key: str) -> Path:
    """Return where the file of that kind and key is or would be kept in that folder (`Snapshot.derived`)."""
    return derived / kind / f"{key}.parquet"


def is_kept(path: Path) -> bool:
    """Tell whether the derived file is there; if so, note that it was asked for."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


@contextmanager
def keeping(path: Path) -> Iterator[Path]:
    """Give a path to write aside; what was written is put in place on leaving the block, nothing on an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix="aside-", suffix=".part")
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def sweep_derived(derived: Path, keep: Collection[Path]) -> int:
    """Remove what no current state needs and nobody has asked for in a week; return how many files went."""
    gone = 0
    for path in sorted(derived.rglob("*.par*")):
        if path not in keep and time.time() - path.stat().st_mtime > _SPARED_SECONDS:
            path.unlink(missing_ok=True)
            gone += 1
    return gone
