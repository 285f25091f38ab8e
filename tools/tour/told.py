"""What happens, told as it happens: Markdown to the terminal, and kept for the recorded page."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

MOST_LINES = 40
WIDTH = 110


@dataclass(slots=True)
class Told:
    """The text of a tour so far; `out` takes every piece as it comes."""

    out: Callable[[str], None] = print
    pieces: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Tell a piece of Markdown."""
        self.pieces.append(text)
        self.out(text)

    def chapter(self, title: str, text: str = "") -> None:
        """Begin a chapter."""
        self.say(f"\n## {title}\n" + (f"\n{text}" if text else ""))

    def console(self, lines: Sequence[str]) -> None:
        """Tell what a terminal showed."""
        self.say("\n```console\n" + "\n".join(lines) + "\n```")

    def exchange(self, request: str, sent: object, answer: str, received: object) -> None:
        """Tell one call: the line asked, the body sent (None: none), the status, the body that came back."""
        body = [] if sent is None else [pretty(shortened(sent))]
        told = [] if received is None else [pretty(shortened(received))]
        self.say("\n```http\n" + "\n".join([request, *body, "", answer, *told]) + "\n```")

    @property
    def text(self) -> str:
        """Return everything told."""
        return "\n".join(self.pieces) + "\n"


def clipped(lines: Sequence[str], most: int = MOST_LINES) -> list[str]:
    """Return the lines, those in the middle left out where there are many."""
    if len(lines) <= most:
        return list(lines)
    return [*lines[: most // 2], f"... {len(lines) - most} lines ...", *lines[-(most // 2) :]]


def shortened(value: object, most: int = 3, longest: int = 160) -> object:
    """Return a document with long lists and texts cut, each saying how much was left out."""
    match value:
        case dict():
            return {name: shortened(one, most, longest) for name, one in value.items()}
        case list() if len(value) > most and isinstance(value[0], dict | list):
            return [*(shortened(one, most, longest) for one in value[:most]), f"... {len(value) - most} more"]
        case list():
            return [shortened(one, most, longest) for one in value]
        case str() if len(value) > longest:
            return f"{value[:longest].rstrip()} ... {len(value) - longest:,} more characters"
        case _:
            return value


def pretty(value: object, indent: int = 0) -> str:
    """Return JSON in which what fits on a line stands on one."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + indent <= WIDTH or not isinstance(value, dict | list):
        return line
    pad = " " * (indent + 2)
    if isinstance(value, dict):
        parts = [f"{pad}{json.dumps(name)}: {pretty(one, indent + 2)}" for name, one in value.items()]
        return "{\n" + ",\n".join(parts) + "\n" + " " * indent + "}"
    return "[\n" + ",\n".join(pad + pretty(one, indent + 2) for one in value) + "\n" + " " * indent + "]"
