"""What kind of file some content is, told from the content itself."""

from typing import Final

PLAIN_TEXT: Final = "text/plain"

_STARTS: Final = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypmif1", "image/heic"),
    (4, b"ftypqt  ", "video/quicktime"),
    (4, b"ftyp", "video/mp4"),
)
"""Where a mark stands, the mark, and the media type it tells; the first that fits counts."""

FILE_KINDS: Final = (*dict.fromkeys(kind for _, _, kind in _STARTS), PLAIN_TEXT)
"""The media types that can be told."""

_TEXT_CONTROLS: Final = frozenset(b"\t\n\r\f")


def kind_of(content: bytes) -> str | None:
    """Return the media type of the content; None where it is none of those that can be told.

    Text is what reads as UTF-8 without control characters but tab and line ends.
    """
    for offset, mark, kind in _STARTS:
        if content.startswith(mark, offset):
            return kind
    return PLAIN_TEXT if content and _is_text(content) else None


def _is_text(content: bytes) -> bool:
    if any(byte < 0x20 and byte not in _TEXT_CONTROLS for byte in set(content)) or b"\x7f" in content:
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
