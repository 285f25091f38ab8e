"""Ends of the audit chain, lodged outside the database: a file that only grows, one line a head.

    15230 6f1c... 2026-03-02T12:00:00+00:00

Whoever rewrites the chain in the database would have to rewrite the file too: keep it where the database's keepers
cannot (another account, another machine, paper).
"""

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.storage.records.chain import Head
from tidewaiter.storage.records.models import ChainHead, LodgedHead

_LINE: Final = re.compile(r"(\d{1,18}) ([0-9a-f]{64}) (\S+)")
_LONGEST_LINE: Final = 200


def lodge_head(place: Path, at: datetime) -> Head | None:
    """Append the chain's present end to the file, on the disk before it returns; None where there is nothing new.

    Idempotent: an end that is the file's last line already is not written again. Raises OSError where the file cannot
    be written.
    """
    end = ChainHead.objects.first()
    if end is None or end.sequence == 0:
        return None
    head = Head(end.sequence, end.hash, at.astimezone(UTC), str(place))
    last = _last(place)
    if last is not None and (last.sequence, last.hash) == (head.sequence, head.hash):
        return None
    _append(place, f"{head.sequence} {head.hash} {head.at.isoformat()}\n")
    LodgedHead.objects.create(sequence=head.sequence, hash=head.hash, lodged_at=at, place=str(place)[-200:])
    return head


def read_heads(file: Path) -> list[Head]:
    """Return the heads lodged in a file; a last line cut short by a crash is left out.

    Raises InputError naming every line that is none.
    """
    heads, problems = [], []
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(Problem(f"cannot be read: {error.strerror}", Place(str(file)))) from error
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        head = _read(line.rstrip("\n"), file)
        if head is not None:
            heads.append(head)
        elif line.endswith("\n") and line.strip():
            problems.append(Problem("is no lodged head: number, hash, instant", Place(str(file), number)))
    if problems:
        raise InputError(problems)
    return heads


def noted_heads() -> list[Head]:
    """Return the heads of which the database itself knows that they were lodged."""
    return [Head(one.sequence, one.hash, one.lodged_at, one.place) for one in LodgedHead.objects.order_by("sequence")]


def _read(line: str, file: Path) -> Head | None:
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    try:
        at = datetime.fromisoformat(found[3])
    except ValueError:
        return None
    return Head(int(found[1]), found[2], at, str(file)) if at.tzinfo else None


def _last(place: Path) -> Head | None:
    if not place.exists():
        return None
    with place.open("rb") as file:
        file.seek(max(0, place.stat().st_size - _LONGEST_LINE))
        lines = file.read().decode("utf-8", "replace").splitlines(keepends=True)
    return _read(lines[-1].rstrip("\n"), place) if lines and lines[-1].endswith("\n") else None


def _append(place: Path, line: str) -> None:
    """Append a line in one write; what a crash left of a line before it is cut off first."""
    new = not place.exists()
    handle = os.open(place, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        size = os.fstat(handle).st_size
        tail = os.pread(handle, _LONGEST_LINE, max(0, size - _LONGEST_LINE))
        if tail and not tail.endswith(b"\n"):
            os.ftruncate(handle, size - len(tail) + tail.rfind(b"\n") + 1)
        os.write(handle, line.encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    if new:
        _sync_folder(place.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
