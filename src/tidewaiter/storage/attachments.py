"""Files kept with records: under the SHA-256 of their content, written aside and moved, checked when they are read.

A file stands at `ab/abcd...` for the digest `abcd...`; it is never written over. What a crash leaves half written is
in `aside/` and belongs to nothing.
"""

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tidewaiter.core.errors import ConflictError, NotKnownError

ASIDE = "aside"
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Attachments:
    """The folder the files stand in."""

    folder: Path

    def keep(self, content: bytes) -> str:
        """Write content and return its digest once it is on the disk; the same content again changes nothing."""
        digest = hashlib.sha256(content).hexdigest()
        place = self._place(digest)
        if place.exists():
            return digest
        aside = self.folder / ASIDE
        aside.mkdir(parents=True, exist_ok=True)
        place.parent.mkdir(exist_ok=True)
        handle, name = tempfile.mkstemp(dir=aside)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(place)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        for parent in (place.parent, self.folder):
            _sync(parent)
        return digest

    def read(self, digest: str) -> bytes:
        """Return the content. Raises NotKnownError when there is none, ConflictError when it was altered."""
        place = self._place(digest)
        if not place.is_file():
            raise NotKnownError(f"the file {digest[:12]} is not kept here")
        content = place.read_bytes()
        if hashlib.sha256(content).hexdigest() != digest:
            raise ConflictError(f"the file {digest[:12]} is not what was captured: its content was altered")
        return content

    def remove(self, digest: str) -> None:
        """Take a file away for good, when its record is purged; nothing happens where there is none."""
        self._place(digest).unlink(missing_ok=True)
        if self._place(digest).parent.is_dir():
            _sync(self._place(digest).parent)

    def _place(self, digest: str) -> Path:
        if _DIGEST.fullmatch(digest) is None:
            raise NotKnownError("a file is named by its digest: 64 hexadecimal digits")
        return self.folder / digest[:2] / digest


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
