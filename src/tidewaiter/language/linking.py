"""Puts indicators into one another, and refuses rings and conditions that grow beyond use."""

from collections.abc import Mapping
from dataclasses import replace

from tidewaiter.core.condition import Always, Condition, Points, Use, children, linked, walk
from tidewaiter.core.errors import Place, Problem
from tidewaiter.core.profile import Indicator

MAX_TERMS = 20_000
MAX_DEPTH = 100
MAX_POINTS_DEPTH = 3


def linked_indicators(indicators: Mapping[str, Indicator]) -> tuple[dict[str, Indicator], list[Problem]]:
    """Return the indicators with every name in their conditions replaced, and the problems found.

    An indicator that uses itself, or grows too large, is taken as false, so that the rest can be checked.
    """
    problems: list[Problem] = []
    done: dict[str, Condition] = {}
    for name in sorted(indicators):
        _link(name, (), indicators, done, problems)
    return {name: replace(indicators[name], condition=done[name]) for name in indicators}, problems


def _link(
    name: str,
    path: tuple[str, ...],
    indicators: Mapping[str, Indicator],
    done: dict[str, Condition],
    problems: list[Problem],
) -> None:
    if name in done:
        return
    indicator = indicators[name]
    if name in path or len(path) > MAX_DEPTH:
        ring = " -> ".join((*path[path.index(name) :], name)) if name in path else ""
        message = f"indicator '{name}' uses itself: {ring}" if ring else f"indicator '{name}' is linked too deep"
        problems.append(Problem(message, indicator.place, "break the ring" if ring else "use fewer steps"))
        done[name] = Always(False)
        return
    for node in walk(indicator.condition):
        if isinstance(node, Use):
            _link(node.name, (*path, name), indicators, done, problems)
    if name in done:
        return
    whole = linked(indicator.condition, done)
    problem = too_large(whole, indicator.place)
    done[name] = whole if problem is None else Always(False)
    problems += [problem] if problem else []


def too_large(condition: Condition, place: Place) -> Problem | None:
    """Return what is wrong with the size of a linked condition; None when it can be used."""
    terms, depth, points = _size(condition, {})
    if terms > MAX_TERMS:
        return Problem(f"the condition has {terms:,} terms with its indicators put in", place, "use fewer, or simpler")
    if depth > MAX_DEPTH:
        return Problem(f"is nested deeper than {MAX_DEPTH} levels with its indicators put in", place, "flatten it")
    if points > MAX_POINTS_DEPTH:
        advice = "count simple indicators"
        return Problem(f"counts and points are nested deeper than {MAX_POINTS_DEPTH} levels", place, advice)
    return None


def _size(condition: Condition, known: dict[int, tuple[int, int, int]]) -> tuple[int, int, int]:
    """Return the number of nodes, the depth, and the depth of counts within counts; shared parts are walked once."""
    if id(condition) in known:
        return known[id(condition)]
    sizes = [_size(child, known) for child in children(condition)]
    known[id(condition)] = (
        1 + sum(terms for terms, _, _ in sizes),
        1 + max((depth for _, depth, _ in sizes), default=0),
        isinstance(condition, Points) + max((points for _, _, points in sizes), default=0),
    )
    return known[id(condition)]
