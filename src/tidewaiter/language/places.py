"""Where a character of a text stands: lines and columns, and the way from a YAML value back to its file."""

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property

from tidewaiter.core.errors import Place

_ESCAPE_LENGTHS = {"x": 4, "u": 6, "U": 10}


class Source:
    """A text with the file it is from; gives the place of any offset."""

    def __init__(self, text: str, file: str | None = None) -> None:
        """Take the whole text of the file; None when it is from no file."""
        self.text = text
        self.file = file

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(i + 1 for i, character in enumerate(self.text) if character == "\n")]

    def place(self, offset: int) -> Place:
        """Return the place of the character at that offset; past the end counts as the end."""
        offset = min(offset, len(self.text))
        line = bisect_right(self._line_starts, offset)
        return Place(self.file, line, offset - self._line_starts[line - 1] + 1)


def shifted(start: Place, text: str, offset: int) -> Place:
    """Return the place of `text[offset]` when the text begins at `start` (line 1, column 1 where unknown)."""
    before = text[:offset]
    line, first_column = (start.line or 1) + before.count("\n"), start.column or 1
    column = offset - (before.rfind("\n") + 1) + 1
    return Place(start.file, line, column + first_column - 1 if "\n" not in before else column)


def scalar_offsets(value: str, raw: str, start: int, style: str) -> list[int]:
    """Return for each character of a YAML value, and for its end, its offset in the file's text.

    `start` is where the value is written and `style` how: plain "", quoted ' or ", block | or >. White space that
    YAML folds is given the offset of what follows it.
    """
    if style == '"':
        return _escaped_offsets(value, raw, start + 1)
    position = start
    if style in ("|", ">"):
        position = raw.find("\n", start) + 1 or len(raw)
    elif style == "'":
        position += 1
    return list(_aligned(value, raw, position, doubled=style == "'"))


def _aligned(value: str, raw: str, position: int, *, doubled: bool) -> Iterator[int]:
    """Walk the value and the file side by side; only white space may differ between them."""
    for character in value:
        if character.isspace():
            yield min(position, len(raw))
            position += raw[position : position + 1].isspace()
            continue
        position = _skip_space(raw, position)
        yield position
        position += 2 if doubled and character == "'" else 1
    yield min(position, len(raw))


def _skip_space(raw: str, position: int) -> int:
    while position < len(raw) and raw[position].isspace():
        position += 1
    return position


def _escaped_offsets(value: str, raw: str, position: int) -> list[int]:
    offsets: list[int] = []
    for character in value:
        if not character.isspace() and raw[position : position + 1].isspace():
            position = _skip_space(raw, position)
        while raw[position : position + 1] == "\\" and raw[position + 1 : position + 2] in ("\n", "\r"):
            position = _skip_space(raw, position + 1)
        offsets.append(min(position, len(raw)))
        if raw[position : position + 1] == "\\":
            position += _ESCAPE_LENGTHS.get(raw[position + 1 : position + 2], 2)
        elif not character.isspace() or raw[position : position + 1].isspace():
            position += 1
    return [*offsets, min(position, len(raw))]
