"""How texts are kept in records: compressed, and the same bytes for the same text."""

import zlib
from typing import Final

import msgspec
import pyarrow as pa

_CODEC: Final = pa.Codec("zstd", compression_level=1)
"""Texts of a few kilobytes: half the time of zlib's quickest and a tenth less room; higher levels save a fiftieth."""

_SIZED: Final = 5
"""Bytes before what is compressed: a mark that no zlib stream begins with, and the text's length."""

_MARK: Final = b"\x01"

_LONGEST: Final = 1 << 28
"""Bytes: no text comes near it."""

_SORTED = msgspec.json.Encoder(order="sorted")


def packed(text: str | bytes) -> bytes:
    """Return the text compressed."""
    data = text.encode() if isinstance(text, str) else text
    return _MARK + len(data).to_bytes(_SIZED - 1, "little") + bytes(_CODEC.compress(data, asbytes=True))


def unpacked(data: bytes | memoryview) -> str:
    """Return the text that was packed, also by earlier versions, which used zlib. Raises ValueError when damaged."""
    held = bytes(data)
    try:
        return (_within(held) if held[:1] == _MARK else zlib.decompress(held)).decode()
    except (OSError, zlib.error) as error:
        raise ValueError(f"a packed text is damaged: {error}") from error


def _within(held: bytes) -> bytes:
    size = int.from_bytes(held[1:_SIZED], "little")
    if size > _LONGEST:
        raise ValueError(f"a packed text is damaged: it says {size:,} bytes")
    return bytes(_CODEC.decompress(held[_SIZED:], size, asbytes=True))


def to_json(value: object) -> str:
    """Return canonical JSON: sorted keys, no blanks."""
    return _SORTED.encode(value).decode()
