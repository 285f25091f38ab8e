"""The catalogue's SQL expressions as a tree: the part of DuckDB's grammar that they are written in.

What is outside it is refused with NotUnderstoodError; such a fact is made by DuckDB alone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

type Node = (
    Literal | Name | Member | Call | Negation | Minus | Operation | Missing | Case | Comprehension | Cast | Every
)


class NotUnderstoodError(Exception):
    """An expression uses what the translation does not know."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: text, number as written, true, false or NULL."""

    value: str | bool | None
    number: bool = False


@dataclass(frozen=True, slots=True)
class Name:
    """A column, or the variable of a comprehension."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """A field of a record."""

    of: Node
    field: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function of arguments; `distinct` for an aggregate over different values."""

    function: str
    arguments: tuple[Node, ...]
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class Every:
    """The star of count(*)."""


@dataclass(frozen=True, slots=True)
class Negation:
    """NOT."""

    of: Node


@dataclass(frozen=True, slots=True)
class Minus:
    """A number with its sign turned."""

    of: Node


@dataclass(frozen=True, slots=True)
class Operation:
    """Two values and what stands between them; `is` and `is not` are IS NOT DISTINCT FROM and IS DISTINCT FROM."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Missing:
    """IS NULL."""

    of: Node


@dataclass(frozen=True, slots=True)
class Case:
    """CASE: conditions with their values in turn, and what holds otherwise."""

    turns: tuple[tuple[Node, Node], ...]
    otherwise: Node | None


@dataclass(frozen=True, slots=True)
class Comprehension:
    """[made FOR variable IN source IF kept]."""

    made: Node
    variable: str
    source: Node
    kept: Node | None


@dataclass(frozen=True, slots=True)
class Cast:
    """CAST or TRY_CAST (`attempt`) to a type as written, in capitals."""

    of: Node
    type: str
    attempt: bool


_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|'(?P<text>(?:[^']|'')*)'|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<mark><>|!=|<=|>=|\|\||[=<>+\-*/%(),.\[\]]))"
)
_STRENGTH = {
    **dict.fromkeys(("=", "<>", "<", "<=", ">", ">="), 4),
    "OR": 1,
    "AND": 2,
    "||": 5,
    "+": 6,
    "-": 6,
    "*": 7,
    "/": 7,
    "%": 7,
}


def parse(text: str) -> Node:
    """Return the tree of an expression. Raises NotUnderstoodError where the text leaves the grammar."""
    reader = _Reader(list(_tokens(text)))
    node = reader.expression(0)
    if reader.peek() != ("end", ""):
        raise NotUnderstoodError(f"{text}: {reader.peek()[1]} is not understood")
    return node


def parts_of(node: Node) -> tuple[Node, ...]:
    """Return the nodes right below a node."""
    match node:
        case Literal() | Every() | Name():
            return ()
        case Member(of) | Negation(of) | Minus(of) | Missing(of) | Cast(of):
            return (of,)
        case Call(_, arguments):
            return arguments
        case Operation(_, left, right):
            return (left, right)
        case Case(turns, otherwise):
            return (*(part for turn in turns for part in turn), *((otherwise,) if otherwise else ()))
        case Comprehension(made, _, source, kept):
            return (made, source, *((kept,) if kept else ()))
    assert_never(node)


def names_of(node: Node) -> frozenset[str]:
    """Return the names of the columns that an expression reads."""
    own = {node.name} if isinstance(node, Name) else set()
    read = frozenset(own).union(*map(names_of, parts_of(node)))
    return read - {node.variable} if isinstance(node, Comprehension) else read


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotUnderstoodError(f"{text}: {text[at:]} is not understood")
        at = found.end()
        kind = str(found.lastgroup)
        value = found[kind]
        if kind == "word" and value.upper() in _KEYWORDS:
            yield "mark", value.upper()
        else:
            yield kind, value.replace("''", "'") if kind == "text" else "<>" if value == "!=" else value
    yield "end", ""


_KEYWORDS = frozenset(("AND", "OR", "NOT", "IS", "NULL", "TRUE", "FALSE", "CASE", "WHEN", "THEN", "ELSE", "END",
                       "CAST", "TRY_CAST", "AS", "DISTINCT", "FROM", "FOR", "IN", "IF"))  # fmt: skip


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    def peek(self) -> tuple[str, str]:
        return self._tokens[self._at]

    def _next(self) -> tuple[str, str]:
        token = self._tokens[self._at]
        self._at += token[0] != "end"
        return token

    def _took(self, mark: str) -> bool:
        taken = self.peek() == ("mark", mark)
        self._at += taken
        return taken

    def _expect(self, mark: str) -> None:
        if not self._took(mark):
            raise NotUnderstoodError(f"{mark} is expected before {self.peek()[1]}")

    def expression(self, strength: int) -> Node:
        node = self._first()
        while True:
            kind, mark = self.peek()
            if kind != "mark":
                return node
            if mark == "IS" and strength < 4:
                node = self._is(node)
            elif _STRENGTH.get(mark, 0) > strength:
                self._next()
                node = Operation(mark, node, self.expression(_STRENGTH[mark]))
            else:
                return node

    def _is(self, node: Node) -> Node:
        self._expect("IS")
        negated = self._took("NOT")
        if self._took("NULL"):
            return Negation(Missing(node)) if negated else Missing(node)
        self._expect("DISTINCT")
        self._expect("FROM")
        return Operation("is" if negated else "is not", node, self.expression(4))

    def _first(self) -> Node:
        kind, value = self._next()
        match kind, value:
            case "number", _:
                return Literal(value, number=True)
            case "text", _:
                return Literal(value)
            case "mark", "TRUE" | "FALSE":
                return Literal(value == "TRUE")
            case "mark", "NULL":
                return Literal(None)
            case "mark", "NOT":
                return Negation(self.expression(3))
            case "mark", "-":
                return Minus(self.expression(8))
        return self._rest_of(self._compound(kind, value))

    def _compound(self, kind: str, value: str) -> Node:
        match kind, value:
            case "mark", "(":
                node = self.expression(0)
                self._expect(")")
                return node
            case "mark", "CASE":
                return self._case()
            case "mark", "CAST" | "TRY_CAST":
                return self._cast(attempt=value == "TRY_CAST")
            case "mark", "[":
                return self._comprehension()
            case "word", _:
                return self._call(value) if self._took("(") else Name(value)
        raise NotUnderstoodError(f"{value} is not understood")

    def _rest_of(self, node: Node) -> Node:
        while self._took("."):
            kind, field = self._next()
            if kind != "word":
                raise NotUnderstoodError("a part is expected after a point")
            node = Member(node, field)
        return node

    def _call(self, function: str) -> Node:
        if self._took(")"):
            return Call(function.lower(), ())
        if self._took("*"):
            self._expect(")")
            return Call(function.lower(), (Every(),))
        distinct = self._took("DISTINCT")
        arguments = [self.expression(0)]
        while self._took(","):
            arguments.append(self.expression(0))
        self._expect(")")
        return Call(function.lower(), tuple(arguments), distinct)

    def _case(self) -> Node:
        turns: list[tuple[Node, Node]] = []
        while self._took("WHEN"):
            condition = self.expression(0)
            self._expect("THEN")
            turns.append((condition, self.expression(0)))
        otherwise = self.expression(0) if self._took("ELSE") else None
        self._expect("END")
        return Case(tuple(turns), otherwise)

    def _cast(self, *, attempt: bool) -> Node:
        self._expect("(")
        node = self.expression(0)
        self._expect("AS")
        written = ""
        depth = 0
        while depth or self.peek() != ("mark", ")"):
            kind, value = self._next()
            if kind == "end":
                raise NotUnderstoodError("a type is not closed")
            depth += (value == "(") - (value == ")")
            written += value.upper()
        self._expect(")")
        return Cast(node, written, attempt)

    def _comprehension(self) -> Node:
        made = self.expression(0)
        self._expect("FOR")
        variable = self._next()[1]
        self._expect("IN")
        source = self.expression(0)
        kept = self.expression(0) if self._took("IF") else None
        self._expect("]")
        return Comprehension(made, variable, source, kept)
