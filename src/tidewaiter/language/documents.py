"""Reads one YAML document into a plain tree that keeps every place, and guesses no types.

Refused, each with its place: tags, anchors and aliases (no bombs), duplicate keys, several documents, control
characters, deep nesting, files over 5 MB, text that is not UTF-8.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.language.places import Source, scalar_offsets

MAX_BYTES = 5_000_000
MAX_DEPTH = 20

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_MISSING = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class Scalar:
    """One written value, as text. `plain` tells that it stands without quotes."""

    text: str
    start: int
    style: str
    source: Source

    @property
    def place(self) -> Place:
        """Return where the value begins."""
        return self.source.place(self.start)

    @property
    def plain(self) -> bool:
        """Tell whether the value is written without quotes and not as a block."""
        return self.style == ""

    @property
    def missing(self) -> bool:
        """Tell whether nothing is written: an empty value, `~` or `null` without quotes."""
        return self.plain and self.text in _MISSING

    def place_of(self, offset: int) -> Place:
        """Return where in the file the character of the value at that offset stands."""
        return self.source.place(scalar_offsets(self.text, self.source.text, self.start, self.style)[offset])


@dataclass(frozen=True, slots=True)
class Items:
    """A written list."""

    nodes: tuple["Node", ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Entries:
    """A written mapping: keys with their values, in the order of the file, without repeats."""

    pairs: tuple[tuple[Scalar, "Node"], ...]
    place: Place
    by_key: dict[str, "Node"] = field(compare=False, repr=False)

    def get(self, key: str) -> "Node | None":
        """Return the value of that key; None when the key is not there."""
        return self.by_key.get(key)


type Node = Scalar | Items | Entries


def read_text(path: Path) -> str:
    """Return the file's text (UTF-8, a byte order mark is allowed). Raises InputError with the place otherwise."""
    name = str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(Problem(f"cannot be read: {error.strerror or error}", Place(name))) from error
    if len(raw) > MAX_BYTES:
        raise InputError(Problem(f"is larger than {MAX_BYTES:,} bytes", Place(name), "split it into several files"))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        problem = f"byte {raw[error.start]:#04x} is not UTF-8 text"
        raise InputError(Problem(problem, Place(name, line, column), "save the file as UTF-8")) from error


def read_document(text: str, file: str | None = None, problems: list[Problem] | None = None) -> Node:
    """Return the one document of the text as a tree; an empty text is an empty mapping.

    Duplicate keys, tags and anchors go to `problems` where a list is given, so that they are told beside what else is
    wrong; without one they raise InputError. So does always the first thing that makes the text unreadable.
    """
    source = Source(text, file)
    if found := _CONTROL.search(text):
        problem = f"control character U+{ord(found[0]):04X} is not allowed"
        raise InputError(Problem(problem, source.place(found.start()), "remove it"))
    builder = _Builder(source)
    try:
        node = builder.document(iter(yaml.parse(text, Loader=_LOADER)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file) if mark is None else Place(file, mark.line + 1, mark.column + 1)
        message = " ".join(part for part in (error.context, error.problem) if part)
        raise InputError(
            [*builder.problems, Problem(f"is not YAML: {message}", place, _yaml_advice(message))]
        ) from error
    if problems is not None:
        problems += builder.problems
    elif builder.problems:
        raise InputError(builder.problems)
    return node


def _yaml_advice(message: str) -> str:
    if "tab" in message or "\\t" in message:
        return "indent with spaces, not tabs"
    return "check the indentation, and quote values that contain ': ' or '#' or start with a sign"


def _start(event: yaml.Event) -> int:
    return event.start_mark.index if event.start_mark else 0


class _Builder:
    """Builds the tree from the parser's events; collects what can be collected."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []

    def document(self, events: Iterator[yaml.Event]) -> Node:
        node: Node = Entries((), Place(self.source.file, 1, 1), {})
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._problem("a second document starts here", event, "keep one document a file, without '---'")
            elif isinstance(event, yaml.NodeEvent):
                built = self._node(event, events, 0)
                node = built if documents == 1 and not (isinstance(built, Scalar) and built.missing) else node
        return node

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
        start = _start(event)
        if depth > MAX_DEPTH:
            place = self.source.place(start)
            raise InputError([*self.problems, Problem(f"nested deeper than {MAX_DEPTH} levels", place)])
        self._refuse_references(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return Items(self._items(events, depth), self.source.place(start))
        if isinstance(event, yaml.MappingStartEvent):
            return self._entries(events, depth, self.source.place(start))
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(event.value, start, event.style or "", self.source)
        return Scalar("", start, "", self.source)

    def _refuse_references(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._problem(f"alias '*{event.anchor}' is not allowed", event, "write the value out")
        elif anchor := getattr(event, "anchor", None):
            self._problem(f"anchor '&{anchor}' is not allowed", event, "write the value out where it is used")
        elif tag := getattr(event, "tag", None):
            self._problem(f"tag '{tag}' is not allowed", event, "write the plain value")

    def _items(self, events: Iterator[yaml.Event], depth: int) -> tuple[Node, ...]:
        nodes: list[Node] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            nodes.append(self._node(event, events, depth + 1))
        return tuple(nodes)

    def _entries(self, events: Iterator[yaml.Event], depth: int, place: Place) -> Entries:
        pairs: list[tuple[Scalar, Node]] = []
        by_key: dict[str, Node] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._node(event, events, depth + 1)
            value = self._node(next(events), events, depth + 1)
            if not isinstance(key, Scalar):
                self.problems.append(Problem("a key must be a single word", key.place))
            elif key.text in by_key:
                self.problems.append(Problem(f"key '{key.text}' stands twice", key.place, "keep one of them"))
            else:
                by_key[key.text] = value
                pairs.append((key, value))
        return Entries(tuple(pairs), place, by_key)

    def _problem(self, message: str, event: yaml.Event, suggestion: str) -> None:
        self.problems.append(Problem(message, self.source.place(_start(event)), suggestion))
