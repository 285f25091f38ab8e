"""Where a missing fact quietly decides: a NOT or <> is unknown then, and nothing is selected."""

from collections.abc import Iterator, Mapping

from tidewaiter.core.condition import (
    Compare,
    CompareFact,
    Condition,
    IsMissing,
    Not,
    Op,
    Use,
    children,
    facts_of,
    linked,
    walk,
)
from tidewaiter.core.errors import Place, Problem
from tidewaiter.core.facts import Fact
from tidewaiter.language.text import text


def surprises(condition: Condition, indicators: Mapping[str, Condition], place: Place) -> list[Problem]:
    """Return a warning for each fact that can be missing where a NOT or <> asks about it and no IS NULL provides."""
    provided = {node.fact for node in walk(condition) if isinstance(node, IsMissing)}
    found: dict[Fact, Problem] = {}
    for literal, negated in _literals(condition, negated=False):
        if not _refuses(literal, negated):
            continue
        whole = linked(literal, indicators)
        for fact in sorted(facts_of(whole) - provided, key=lambda fact: fact.name):
            if not fact.always_known and fact not in found:
                said = f"NOT {text(literal)}" if negated else text(literal)
                message = f"where '{fact.name}' is missing, {said} is unknown and does not match"
                advice = f"add OR {fact.name} IS NULL, or AND {fact.name} IS NOT NULL if that is meant"
                found[fact] = Problem(message, place, advice, warning=True)
    return list(found.values())


def _literals(condition: Condition, *, negated: bool) -> Iterator[tuple[Condition, bool]]:
    below = children(condition)
    if not below:
        yield condition, negated
    for child in below:
        yield from _literals(child, negated=negated != isinstance(condition, Not))


def _refuses(literal: Condition, negated: bool) -> bool:
    match literal:
        case IsMissing():
            return False
        case Compare(op=op) | CompareFact(op=op):
            return (op is Op.NE) != negated if op in (Op.EQ, Op.NE) else negated
        case Use():
            return negated
        case _:
            return negated
