"""How texts are kept in records: compressed, and the same bytes for the same text."""

import json
import zlib

_LEVEL = 1
"""Texts of a kilobyte or two: higher levels cost more time than they save room."""


def packed(text: str) -> bytes:
    """Return the text compressed."""
    return zlib.compress(text.encode("utf-8", "surrogatepass"), _LEVEL)


def unpacked(data: bytes | memoryview) -> str:
    """Return the text that was packed."""
    return zlib.decompress(data).decode("utf-8", "surrogatepass")


def to_json(value: object) -> str:
    """Return canonical JSON: sorted keys, no blanks."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
