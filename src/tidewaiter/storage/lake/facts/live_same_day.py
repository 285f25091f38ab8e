"""Same-day figures: what is asked of the service's records, and what a batch counts in itself."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tidewaiter.storage.lake.facts.recipes import Recipe, SameDay

BETWEEN = "\x1f"
"""Stands between the parts of an entity's name, as in items.BETWEEN."""

_BOXES = ("containers",)


class SameDayAsked(NamedTuple):
    """The question how many declarations of these entities came earlier the same day.

    `fact` names the same-day fact, `entities` the one entity, or all containers of the declaration: then a declaration
    that names any of them counts, once. Earlier are those of the same `lodged_on` (days since 1970-01-01) with a
    smaller (`lodged_at`, `declaration_id`); `lodged_at` is in microseconds since 1970-01-01.
    """

    fact: str
    declaration_id: str
    entities: tuple[str, ...]
    lodged_on: int
    lodged_at: int


def entity_name(parts: Sequence[str | None]) -> str | None:
    """Return the name of an entity of several columns; None where a part is missing."""
    return None if None in parts else BETWEEN.join(parts)  # type: ignore[arg-type]


def same_day_asked(recipes: Mapping[str, Recipe], rows: Sequence[Mapping[str, Any]]) -> list[SameDayAsked]:
    """Return what the same-day facts ask about the declarations of these rows, each question once."""
    asked: dict[tuple[Any, ...], SameDayAsked] = {}
    for fact, recipe in recipes.items():
        if isinstance(recipe, SameDay):
            questions = _of_boxes(fact, rows) if recipe.of == _BOXES else _of_entities(fact, recipe.of, rows)
            asked |= {question[:3]: question for question in questions}
    return list(asked.values())


def _of_entities(fact: str, of: tuple[str, ...], rows: Sequence[Mapping[str, Any]]) -> list[SameDayAsked]:
    found = []
    for row in rows:
        name = entity_name([row[column] for column in of])
        if name is not None:
            found.append(SameDayAsked(fact, row["declaration_id"], (name,), row["lodged_on"], row["lodged_at"]))
    return found


def _of_boxes(fact: str, rows: Sequence[Mapping[str, Any]]) -> list[SameDayAsked]:
    boxes: dict[str, set[str]] = {}
    lodged: dict[str, tuple[int, int]] = {}
    for row in rows:
        own = {box for box in row["containers"] or () if box is not None}
        if row["containers"]:
            boxes.setdefault(row["declaration_id"], set()).update(own)
            lodged[row["declaration_id"]] = (row["lodged_on"], row["lodged_at"])
    return [SameDayAsked(fact, name, tuple(sorted(own)), *lodged[name]) for name, own in boxes.items()]


def counted_in_batch(asked: Sequence[SameDayAsked]) -> dict[SameDayAsked, int]:
    """Return for each question how many declarations of the questions themselves came earlier."""
    sharing: dict[tuple[str, int, str], list[tuple[int, str]]] = {}
    for one in asked:
        for name in one.entities:
            sharing.setdefault((one.fact, one.lodged_on, name), []).append((one.lodged_at, one.declaration_id))
    for others in sharing.values():
        others.sort()
    return {one: _earlier(one, sharing) for one in asked}


def _earlier(one: SameDayAsked, sharing: Mapping[tuple[str, int, str], list[tuple[int, str]]]) -> int:
    mine = (one.lodged_at, one.declaration_id)
    lists = [sharing[one.fact, one.lodged_on, name] for name in one.entities]
    if len(lists) == 1:
        return bisect_left(lists[0], mine)
    return len({other for others in lists for other in others[: bisect_left(others, mine)]})
