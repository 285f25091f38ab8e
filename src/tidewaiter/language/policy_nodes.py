"""Reads the values a routing policy is made of; every problem is noted with its place, and something sound returned."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import time
from difflib import get_close_matches
from enum import StrEnum

from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import Place, Problem
from tidewaiter.language.documents import Entries, Items, Node, Scalar
from tidewaiter.language.fields import text_of

_WHOLE = re.compile(r"[1-9][0-9]{0,8}")
_WHOLE_FROM_0 = re.compile(r"[0-9]{1,9}")
_SHARE = re.compile(r"[01]|0?\.\d+|1\.0+|0\.\d+")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
EMPTY = Entries((), Place(), {})


class Nodes:
    """Reads nodes of one document; problems are gathered in `problems`."""

    def __init__(self) -> None:
        """Start without problems."""
        self.problems: list[Problem] = []

    def say(self, message: str, node: Node, suggestion: str | None = None) -> None:
        """Note a problem at that node."""
        self.problems.append(Problem(message, node.place, suggestion))

    def entries(self, node: Node | None, known: Sequence[str] | None, what: str) -> Entries:
        """Return written keys and values; every key that is not known is noted (None: any key is)."""
        if isinstance(node, Entries):
            for key, _ in node.pairs:
                if known is not None and key.text not in known:
                    near = get_close_matches(key.text, known, n=1)
                    advice = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(known)}"
                    self.say(f"'{key.text}' is no part of {what}", key, advice)
            return node
        if is_written(node):
            assert node is not None
            self.say(f"{what or 'this'} is written as keys and values", node)
        return EMPTY

    def items(self, node: Node | None) -> tuple[Node, ...]:
        """Return the members of a list; one value alone is a list of one, nothing written an empty one."""
        if node is None or not is_written(node):
            return ()
        return node.nodes if isinstance(node, Items) else (node,)

    def lines(self, node: Node | None) -> tuple[str, ...]:
        """Return a list of texts."""
        found: list[str] = []
        for line in self.items(node):
            if isinstance(line, Scalar) and text_of(line):
                found.append(text_of(line))
            else:
                self.say("a line is one text", line, "put quotes around a text that contains ': '")
        return tuple(found)

    def text(self, entry: Entries, key: str) -> str:
        """Return the text under a key; empty when nothing is written."""
        value = entry.get(key)
        if value is not None and not isinstance(value, Scalar):
            self.say(f"{key} is one text", value, "put quotes around a text that contains ': '")
        return text_of(value) if isinstance(value, Scalar) and not value.missing else ""

    def whole(self, entry: Entries, key: str) -> int:
        """Return a whole number from 1; 1 when nothing is written."""
        text = self.text(entry, key) or "1"
        if not _WHOLE.fullmatch(text):
            self.say(f"{key} is a whole number from 1", entry.get(key) or entry)
            return 1
        return int(text)

    def count(self, node: Node | None, what: str, default: int) -> int:
        """Return a whole number from 0; the default when nothing is written."""
        if node is None or not is_written(node):
            return default
        if not isinstance(node, Scalar) or not _WHOLE_FROM_0.fullmatch(node.text):
            self.say(f"{what} is a whole number from 0", node)
            return default
        return int(node.text)

    def share(self, node: Node | None, default: float) -> float:
        """Return a share; the default when the key is not there."""
        if node is None:
            return default
        if not isinstance(node, Scalar) or not _SHARE.fullmatch(node.text):
            self.say("a share is a number from 0 to 1", node, "write 2 % as 0.02")
            return default
        return float(node.text)

    def time(self, entry: Entries, key: str) -> time:
        """Return a local time of day; midnight when it cannot be read."""
        text = self.text(entry, key)
        found = _TIME.fullmatch(text)
        if found is None:
            self.say(f"{key}: '{text}' is no time of the day", entry.get(key) or entry, 'write for example "06:00"')
            return time(0)
        return time(int(found[1]), int(found[2]))

    def channel(self, entry: Entries, default: Channel, key: str = "channel") -> Channel:
        """Return the channel under a key; the default when nothing is written."""
        text = self.text(entry, key)
        if text and text not in tuple(Channel):
            self.say(f"'{text}' is not a channel", entry.get(key) or entry, f"use one of {', '.join(Channel)}")
        return Channel(text) if text in tuple(Channel) else default

    def word[E: StrEnum](self, node: Node, kinds: type[E], default: E) -> E:
        """Return one of the words of an enumeration."""
        words = [str(kind) for kind in kinds]
        text = text_of(node) if isinstance(node, Scalar) else ""
        if text not in words:
            near = get_close_matches(text, words, n=1)
            advice = f"did you mean '{near[0]}'?" if near else f"use one of {', '.join(words)}"
            self.say(f"'{text}' is not known here", node, advice)
            return default
        return kinds(text)

    def by[K: StrEnum, V](
        self, node: Node | None, kinds: Sequence[K], what: str, read: Callable[[Node], V], default: Mapping[K, V]
    ) -> Mapping[K, V]:
        """Return values by the words of an enumeration; the default when nothing is written."""
        if node is None or not is_written(node):
            return default
        words = {str(kind): kind for kind in kinds}
        pairs = self.entries(node, tuple(words), what).pairs
        return {words[key.text]: read(value) for key, value in pairs if key.text in words}


def is_written(node: Node | None) -> bool:
    """Tell whether anything is written there."""
    return node is not None and not (isinstance(node, Scalar) and node.missing)
