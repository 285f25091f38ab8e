"""Files that hold a secret: for their owner alone, written whole or not at all, refused where others may read them."""

import os
import stat
from pathlib import Path

from tidewaiter.core.errors import InputError, Place, Problem

OWNER_ALONE = 0o600
LARGEST = 1 << 20
"""Bytes; no secret of ours comes near it."""


def create_secret(path: Path, content: bytes) -> None:
    """Write a new file. Raises InputError where one of that name exists (it is left as it is) or none can be made."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ALONE)
    except FileExistsError as error:
        advice = "name a new file; a share is never written over another"
        raise InputError(Problem("this file exists already", Place(str(path)), advice)) from error
    except OSError as error:
        raise _refusal(path, "written", error) from error
    _fill(handle, content)
    _keep_name(path)


def replace_secret(path: Path, content: bytes) -> None:
    """Write a file aside and rename it, so that a crash leaves the old one or the new one, whole.

    Raises InputError where it cannot be written.
    """
    aside = path.with_name(f".{path.name}.new")
    try:
        aside.unlink(missing_ok=True)
        _fill(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ALONE), content)
        aside.replace(path)
    except OSError as error:
        raise _refusal(path, "written", error) from error
    _keep_name(path)


def read_secret(path: Path) -> bytes:
    """Return what a file holds. Raises InputError where it cannot be read, is too large, or others may read it."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise _refusal(path, "read", error) from error
    if os.name == "posix" and mode & 0o077:
        advice = f"run `chmod 600 {path}`, and think about who may have read it"
        raise InputError(
            Problem(f"others than its owner may read this file (mode {mode:04o})", Place(str(path)), advice)
        )
    if len(content) > LARGEST:
        raise InputError(Problem("this file is too large to hold a secret of the draw", Place(str(path))))
    return content


def _refusal(path: Path, done: str, error: OSError) -> InputError:
    return InputError(Problem(f"this file cannot be {done}: {error.strerror}", Place(str(path))))


def _fill(handle: int, content: bytes) -> None:
    """Write and close an open file; return when it is on the disk."""
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _keep_name(path: Path) -> None:
    """Return when the file's name is on the disk, where the system can say so."""
    if os.name != "posix":
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
