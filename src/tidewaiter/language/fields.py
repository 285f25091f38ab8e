"""Reads the keys of a written record: each value as its field wants it, and every problem with its place."""

import math
import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from difflib import get_close_matches
from enum import StrEnum

from tidewaiter.core.errors import Problem
from tidewaiter.language.documents import Entries, Items, Node, Scalar
from tidewaiter.language.literals import day_of

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


class Fields:
    """One written record. Problems go to the list given; a value that cannot be read is taken as not written."""

    def __init__(self, node: Entries, problems: list[Problem]) -> None:
        """Take the mapping and where problems go."""
        self.node = node
        self.problems = problems

    def say(self, message: str, node: Node, suggestion: str | None = None) -> None:
        """Note a problem at that node."""
        self.problems.append(Problem(message, node.place, suggestion))

    def refuse_unknown(self, known: Sequence[str], what: str) -> None:
        """Note every key that is not known, with the nearest one that is."""
        for key, _ in self.node.pairs:
            if key.text not in known:
                near = get_close_matches(key.text, known, n=1)
                advice = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(known)}"
                self.say(f"'{key.text}' is no key of {what}", key, advice)

    def scalar(self, key: str) -> Scalar | None:
        """Return the one value under that key; None when nothing is written there."""
        node = self.node.get(key)
        if node is None or (isinstance(node, Scalar) and node.missing):
            return None
        if not isinstance(node, Scalar):
            self.say(f"'{key}' is one value", node, "write text on one line, or as a block after |")
            return None
        return node

    def text(self, key: str) -> str:
        """Return the text (NFC, outer white space removed); empty when nothing is written."""
        node = self.scalar(key)
        return "" if node is None else text_of(node)

    def lines(self, key: str) -> tuple[str, ...]:
        """Return a written list of texts; one value alone is a list of one."""
        node = self.node.get(key)
        if node is None or (isinstance(node, Scalar) and node.missing):
            return ()
        found: list[str] = []
        for item in node.nodes if isinstance(node, Items) else (node,):
            if isinstance(item, Scalar) and text_of(item):
                found.append(text_of(item))
            else:
                self.say(f"'{key}' is a list of texts", item, "write one text after each '- '")
        return tuple(found)

    def day(self, key: str) -> date | None:
        """Return the day; None when nothing is written."""
        node = self.scalar(key)
        if node is None:
            return None
        day = day_of(text_of(node))
        if day is None:
            self.say(f"{key}: '{node.text}' is no day of the calendar", node, "write YYYY-MM-DD")
        return day

    def whole(self, key: str, otherwise: int) -> int:
        """Return a whole number from 1."""
        node = self.scalar(key)
        if node is None:
            return otherwise
        if not re.fullmatch("[1-9][0-9]{0,8}", text_of(node)):
            self.say(f"{key}: '{node.text}' is no whole number from 1", node)
            return otherwise
        return int(text_of(node))

    def number(self, key: str) -> float | None:
        """Return a number from 0; None when nothing is written."""
        node = self.scalar(key)
        if node is None:
            return None
        value = float(text_of(node)) if _NUMBER.fullmatch(text_of(node)) else math.inf
        if not math.isfinite(value):
            self.say(f"{key}: '{node.text}' is no number from 0", node, "write for example 2.5")
            return None
        return value

    def flag(self, key: str) -> bool:
        """Return true or false; false when nothing is written."""
        node = self.scalar(key)
        if node is not None and text_of(node) not in ("true", "false"):
            self.say(f"{key}: '{node.text}' is neither true nor false", node, "write true or false")
        return node is not None and text_of(node) == "true"

    def one_of[E: StrEnum](self, key: str, kinds: type[E], otherwise: E) -> E:
        """Return one of the words of an enumeration."""
        node = self.scalar(key)
        if node is None:
            return otherwise
        words = [str(kind) for kind in kinds]
        if text_of(node) in words:
            return kinds(text_of(node))
        near = get_close_matches(text_of(node).lower(), words, n=1)
        advice = f"did you mean '{near[0]}'?" if near else f"use one of {', '.join(words)}"
        self.say(f"{key}: '{node.text}' is not known", node, advice)
        return otherwise

    def items(self, key: str) -> tuple[Node, ...]:
        """Return the members of a written list; none when nothing is written."""
        node = self.node.get(key)
        if node is None or (isinstance(node, Scalar) and node.missing):
            return ()
        if not isinstance(node, Items):
            self.say(f"'{key}' is a list", node, "write each member after '- '")
            return ()
        return node.nodes

    def record(self, node: Node, what: str) -> "Fields | None":
        """Return a member as a record of its own; None, with the problem noted, when it is none."""
        if isinstance(node, Entries):
            return Fields(node, self.problems)
        self.say(f"{what} is written as keys and values", node)
        return None


def text_of(node: Scalar) -> str:
    """Return the text of a value: NFC, outer white space removed."""
    return unicodedata.normalize("NFC", node.text.strip())
