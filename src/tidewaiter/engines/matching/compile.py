"""A set of conditions compiled once: distinct literals, then AND, OR and counts that share what they have in common.

NOT is pushed to the literals, so that "true or not" is all an engine has to keep and SQL's three values still hold.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidewaiter.core.condition import (
    Always,
    And,
    CompareFact,
    Condition,
    HasWord,
    InList,
    Not,
    Or,
    Points,
    Use,
    facts_of,
    in_negation_normal_form,
)
from tidewaiter.core.facts import Fact, FactType
from tidewaiter.engines.matching.classes import Classes, classes_for, table_type


@dataclass(frozen=True, slots=True)
class Ask:
    """A literal, or NOT of one."""

    literal: Condition


@dataclass(frozen=True, slots=True)
class Known:
    """True or false of every row."""

    truth: bool


@dataclass(frozen=True, slots=True)
class AllOf:
    """All of the nodes with these numbers (two or more)."""

    parts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Any of the nodes with these numbers (two or more)."""

    parts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """The weights of those nodes that are true add up to k or more; `parts` are pairs of node and weight."""

    k: int
    parts: tuple[tuple[int, int], ...]


type Node = Ask | Known | AllOf | AnyOf | Reach


@dataclass(frozen=True, slots=True)
class ClassedLiterals:
    """The literals about one text or flag that depend on the class of its value alone.

    `asks` are node numbers. With w bits to a number, bit j of `tables[g, c]` tells whether literal w g + j is true for
    class c.
    """

    classes: Classes
    asks: tuple[int, ...]
    tables: NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True, slots=True)
class NumberLiterals:
    """The literals about one number or date: node numbers with the literal."""

    fact: Fact
    asks: tuple[tuple[int, Condition], ...]


@dataclass(frozen=True, slots=True)
class WordLiterals:
    """The word searches in one fact: node numbers, and for each its phrases and whether it is NOT of them."""

    fact: Fact
    asks: tuple[int, ...]
    searches: tuple[tuple[tuple[str, ...], bool], ...]


@dataclass(frozen=True, slots=True)
class CompiledSet:
    """Conditions ready for the batch engine. A node stands after all it is made of; `roots` go with `names`."""

    names: tuple[str, ...]
    roots: tuple[int, ...]
    nodes: tuple[Node, ...]
    facts: tuple[Fact, ...]
    classed: tuple[ClassedLiterals, ...]
    numbers: tuple[NumberLiterals, ...]
    words: tuple[WordLiterals, ...]
    compared: tuple[tuple[int, CompareFact], ...]


def compile_set(conditions: Mapping[str, Condition]) -> CompiledSet:
    """Return the compiled form of conditions by name: indicators linked and lists resolved before.

    Raises TypeError for an indicator or a list still named, ValueError for a constant beyond its fact's scale.
    """
    graph = _Graph()
    roots = tuple(graph.add(in_negation_normal_form(condition)) for condition in conditions.values())
    asks = [(number, node.literal) for number, node in enumerate(graph.nodes) if isinstance(node, Ask)]
    facts = {fact for _, literal in asks for fact in facts_of(literal)}
    by_fact = _of_one_fact(asks)
    return CompiledSet(
        names=tuple(conditions),
        roots=roots,
        nodes=tuple(graph.nodes),
        facts=tuple(sorted(facts, key=lambda fact: fact.name)),
        classed=tuple(_classed(fact, some) for fact, some in by_fact.items() if _by_class(fact)),
        numbers=tuple(NumberLiterals(fact, tuple(some)) for fact, some in by_fact.items() if not _by_class(fact)),
        words=_words(asks),
        compared=tuple((number, literal) for number, literal in asks if isinstance(literal, CompareFact)),
    )


class _Graph:
    """Nodes, each kept once."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._numbers: dict[Node, int] = {}

    def add(self, condition: Condition) -> int:
        """Return the number of the node for a condition in negation normal form."""
        match condition:
            case And(terms):
                return self._joined(AllOf, [self.add(term) for term in terms])
            case Or(terms):
                return self._joined(AnyOf, [self.add(term) for term in terms])
            case Points(k, weighted):
                return self._reach(k, [(self.add(term), weight) for term, weight in weighted])
            case Always(truth):
                return self._number(Known(truth))
            case Use() | InList():
                raise TypeError(f"{condition!r} must be linked and resolved before it is compiled")
            case _:
                return self._number(Ask(condition))

    def _number(self, node: Node) -> int:
        number = self._numbers.setdefault(node, len(self.nodes))
        if number == len(self.nodes):
            self.nodes.append(node)
        return number

    def _joined(self, kind: type[AllOf] | type[AnyOf], parts: Iterable[int]) -> int:
        decisive = kind is AnyOf
        kept: set[int] = set()
        for part in parts:
            node = self.nodes[part]
            if isinstance(node, Known):
                if node.truth is decisive:
                    return part
            elif isinstance(node, kind):
                kept.update(node.parts)
            else:
                kept.add(part)
        if not kept:
            return self._number(Known(not decisive))
        return kept.pop() if len(kept) == 1 else self._number(kind(tuple(sorted(kept))))

    def _reach(self, k: int, weighted: Sequence[tuple[int, int]]) -> int:
        weights: dict[int, int] = {}
        for part, weight in weighted:
            node = self.nodes[part]
            if not isinstance(node, Known):
                weights[part] = weights.get(part, 0) + weight
            elif node.truth:
                k -= weight
        parts = tuple(sorted((part, min(weight, k)) for part, weight in weights.items()))
        total = sum(weight for _, weight in parts)
        if k <= 0 or total < k:
            return self._number(Known(k <= 0))
        if total == k:
            return self._joined(AllOf, weights)
        if all(weight == k for _, weight in parts):
            return self._joined(AnyOf, weights)
        return self._number(Reach(k, parts))


type Asks = list[tuple[int, Condition]]


def _of_one_fact(asks: Asks) -> dict[Fact, Asks]:
    """Return by fact the literals that are neither word searches nor about two facts."""
    by_fact: dict[Fact, Asks] = {}
    for number, literal in asks:
        if not isinstance(_bare(literal), HasWord | CompareFact):
            (fact,) = facts_of(literal)
            by_fact.setdefault(fact, []).append((number, literal))
    return dict(sorted(by_fact.items(), key=lambda item: item[0].name))


def _by_class(fact: Fact) -> bool:
    return fact.type in (FactType.TEXT, FactType.WORDS, FactType.FLAG)


def _classed(fact: Fact, asks: Asks) -> ClassedLiterals:
    classes = classes_for(fact, [literal for _, literal in asks])
    held = table_type(len(asks))
    width = 8 * held.itemsize
    tables = np.zeros((-(-len(asks) // width), classes.count), held)
    for place, (_, literal) in enumerate(asks):
        tables[place // width, classes.members(literal)] |= held.type(1 << place % width)
    return ClassedLiterals(classes, tuple(number for number, _ in asks), tables)


def _words(asks: Iterable[tuple[int, Condition]]) -> tuple[WordLiterals, ...]:
    by_fact: dict[Fact, list[tuple[int, tuple[str, ...], bool]]] = {}
    for number, literal in asks:
        bare = _bare(literal)
        if isinstance(bare, HasWord):
            by_fact.setdefault(bare.fact, []).append((number, bare.phrases, isinstance(literal, Not)))
    return tuple(
        WordLiterals(fact, tuple(n for n, _, _ in found), tuple((phrases, negated) for _, phrases, negated in found))
        for fact, found in sorted(by_fact.items(), key=lambda item: item[0].name)
    )


def _bare(literal: Condition) -> Condition:
    return literal.term if isinstance(literal, Not) else literal
