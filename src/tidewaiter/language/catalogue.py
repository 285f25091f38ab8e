"""Reads the fact catalogue, which is data: `catalogue.yaml` beside this module."""

import hashlib
import json
import re
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from pathlib import Path

from tidewaiter.core.errors import InputError, Problem
from tidewaiter.core.facts import MAX_DIGITS, Catalogue, Fact, FactType, KnownWhen, Origin
from tidewaiter.language.documents import Entries, Items, Node, Scalar, read_document, read_text
from tidewaiter.language.syntax import RESERVED

SHIPPED = Path(__file__).with_name("catalogue.yaml")
_KEYS = ("name", "type", "scale", "unit", "meaning", "known", "origin", "always_known", "source")
_NAME = re.compile("[a-z][a-z0-9_]*")
_NEEDED = {"flow": FactType.TEXT, "office": FactType.TEXT, "lodged_on": FactType.DATE}


@cache
def load_catalogue(path: Path = SHIPPED) -> Catalogue:
    """Return the catalogue of the file; by default the shipped one. Raises InputError with every problem."""
    return catalogue_from_text(read_text(path), str(path))


def catalogue_from_text(text: str, file: str | None = None) -> Catalogue:
    """Return the catalogue written in the text: a list `facts:` of entries. Raises InputError with every problem.

    Its version is the first 12 hex digits of the SHA-256 of the entries' content; comments and layout do not count.
    """
    root = read_document(text, file)
    listed = root.get("facts") if isinstance(root, Entries) else root
    if not isinstance(listed, Items):
        raise InputError(Problem("a catalogue is a list of facts", root.place, "begin with 'facts:'"))
    reader = _Reader()
    facts: dict[str, Fact] = {}
    for node in listed.nodes:
        fact = reader.fact(node)
        if fact is not None and fact.name in facts:
            reader.say(f"fact '{fact.name}' stands twice", node, "keep one of them")
        elif fact is not None:
            facts[fact.name] = fact
    for name, kind in _NEEDED.items():
        if name not in facts or facts[name].type is not kind:
            reader.say(f"the {kind} fact '{name}' is not there", root, "every catalogue has it")
    if reader.problems:
        raise InputError(reader.problems)
    content = json.dumps([plain(node) for node in listed.nodes], sort_keys=True, ensure_ascii=False)
    return Catalogue(hashlib.sha256(content.encode()).hexdigest()[:12], facts, text)


def plain(node: Node) -> object:
    """Return the node as plain values: dict, list, text, and unquoted whole numbers, true, false and null."""
    match node:
        case Entries(pairs):
            return {key.text: plain(value) for key, value in pairs}
        case Items(nodes):
            return [plain(item) for item in nodes]
        case Scalar() if node.missing:
            return None
        case Scalar(text=("true" | "false") as word) if node.plain:
            return word == "true"
        case Scalar(text=text) if node.plain and re.fullmatch("-?(0|[1-9][0-9]{0,17})", text):
            return int(text)
        case Scalar():
            return node.text.strip() if node.style in ("|", ">") else node.text


class _Reader:
    """Reads entries and collects what is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def say(self, message: str, node: Node, suggestion: str | None = None) -> None:
        self.problems.append(Problem(message, node.place, suggestion))

    def fact(self, node: Node) -> Fact | None:
        if not isinstance(node, Entries):
            self.say("an entry is a mapping with name, type and meaning", node)
            return None
        for key, _ in node.pairs:
            if key.text not in _KEYS:
                near = get_close_matches(key.text, _KEYS, n=1)
                self.say(f"'{key.text}' is no key of a fact", key, f"did you mean '{near[0]}'?" if near else None)
        name, kind = self._name(node), self._one_of(node, "type", FactType)
        if name is None or kind is None:
            return None
        source = node.get("source")
        return Fact(
            name=name,
            type=kind,
            meaning=self._text(node, "meaning"),
            unit=self._text(node, "unit"),
            scale=self._scale(node, kind),
            known=self._one_of(node, "known", KnownWhen) or KnownWhen.LODGING,
            origin=self._one_of(node, "origin", Origin) or Origin.FIELD,
            always_known=self._text(node, "always_known") == "true",
            source=self._source(source) if source is not None else {},
        )

    def _source(self, node: Node) -> dict[str, object]:
        read = plain(node)
        if isinstance(read, dict):
            return read
        return {"field": read} if isinstance(read, str) else {}

    def _text(self, node: Entries, key: str) -> str:
        value = node.get(key)
        if value is None:
            return ""
        if not isinstance(value, Scalar):
            self.say(f"'{key}' is one value", value)
            return ""
        return "" if value.missing else value.text.strip()

    def _name(self, node: Entries) -> str | None:
        name = self._text(node, "name")
        if not _NAME.fullmatch(name):
            self.say(f"'{name}' is not a name of a fact", node.get("name") or node, "use a-z, 0-9 and _")
            return None
        if name in RESERVED:
            self.say(f"'{name}' is a word of the condition language", node.get("name") or node, "choose another name")
            return None
        return name

    def _one_of[E: StrEnum](self, node: Entries, key: str, kinds: type[E]) -> E | None:
        text = self._text(node, key)
        if not text and key != "type":
            return None
        try:
            return kinds(text)
        except ValueError:
            self.say(f"'{text}' is no {key} of a fact", node.get(key) or node, f"use one of {', '.join(kinds)}")
            return None

    def _scale(self, node: Entries, kind: FactType) -> int:
        text = self._text(node, "scale")
        if kind is not FactType.DECIMAL:
            if text not in ("", "0"):
                self.say("only decimal facts have a scale", node.get("scale") or node)
            return 0
        if not text.isascii() or not text.isdigit() or int(text) > MAX_DIGITS:
            self.say(f"a decimal fact has a scale from 0 to {MAX_DIGITS}", node.get("scale") or node)
            return 0
        return int(text)
