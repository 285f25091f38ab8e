"""Same-day figures: what is asked of the service's records, and what a batch counts in itself."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import NamedTuple

from tidewaiter.core.facts import days_since_epoch
from tidewaiter.storage.lake.facts.live_rows import microseconds
from tidewaiter.storage.lake.facts.live_shapes import Column
from tidewaiter.storage.lake.facts.recipes import Recipe, SameDay

BETWEEN = "\x1f"
"""Stands between the parts of an entity's name, as in items.BETWEEN."""

_BOXES = ("containers",)
NO_RECEIPTS: Mapping[str, "Receipt"] = MappingProxyType({})


class Receipt(NamedTuple):
    """When a declaration came: the administration's day (days since 1970-01-01), and microseconds since then."""

    day: int
    moment: int

    @classmethod
    def of(cls, moment: datetime, day: date) -> "Receipt":
        """Return it for an instant and the administration's day of it."""
        return cls(days_since_epoch(day), microseconds(moment))


class SameDayAsked(NamedTuple):
    """The question how many declarations of these entities came earlier the same day.

    `fact` names the same-day fact, `entities` the one entity, or all containers of the declaration: then a declaration
    that names any of them counts, once. Earlier are those of the same `lodged_on` (days since 1970-01-01) with a
    smaller (`received_at`, `lodged_at`, `declaration_id`); moments are in microseconds since 1970-01-01. The day is
    that of receipt; where nobody tells when declarations came it is that of lodging, and `received_at` is 0.
    """

    fact: str
    declaration_id: str
    entities: tuple[str, ...]
    lodged_on: int
    lodged_at: int
    received_at: int = 0

    @property
    def place(self) -> tuple[int, int, str]:
        """Return where the declaration stands among those of its day."""
        return self.received_at, self.lodged_at, self.declaration_id


def entity_names(parts: Sequence[Column]) -> Column:
    """Return the names of entities of one or several columns; None where a part is missing."""
    match parts:
        case [only]:
            return only
        case [left, right]:
            pairs = zip(left, right, strict=True)
            return [None if a is None or b is None else f"{a}{BETWEEN}{b}" for a, b in pairs]
        case _:
            return [None if None in several else BETWEEN.join(several) for several in zip(*parts, strict=True)]


def is_of_boxes(recipe: Recipe) -> bool:
    """Tell whether a same-day fact is about the containers of the whole declaration."""
    return isinstance(recipe, SameDay) and recipe.of == _BOXES


def same_day_asked(
    recipes: Mapping[str, Recipe], columns: Mapping[str, Column], receipts: Mapping[str, Receipt] = NO_RECEIPTS
) -> list[SameDayAsked]:
    """Return what the same-day facts ask about the declarations of these items, each question once.

    `receipts` tells by number when declarations came; one that it leaves out counts by its day of lodging.
    """
    asked: dict[SameDayAsked, None] = {}
    for fact, recipe in recipes.items():
        if isinstance(recipe, SameDay):
            questions = _of_boxes(fact, columns) if is_of_boxes(recipe) else _of_entities(fact, recipe.of, columns)
            asked |= dict.fromkeys(questions)
    return [_as_received(one, receipts) for one in asked] if receipts else list(asked)


def _as_received(asked: SameDayAsked, receipts: Mapping[str, Receipt]) -> SameDayAsked:
    came = receipts.get(asked.declaration_id)
    return asked if came is None else asked._replace(lodged_on=came.day, received_at=came.moment)


_LODGED = ("declaration_id", "lodged_on", "lodged_at")


def _of_entities(fact: str, of: tuple[str, ...], columns: Mapping[str, Column]) -> Iterator[SameDayAsked]:
    names = entity_names([columns[column] for column in of])
    for name, number, day, moment in zip(names, *(columns[column] for column in _LODGED), strict=True):
        if name is not None:
            yield SameDayAsked(fact, number, (name,), day, moment)


def _of_boxes(fact: str, columns: Mapping[str, Column]) -> Iterator[SameDayAsked]:
    boxes: dict[tuple[str, int, int], set[str]] = {}
    for listed, *lodged in zip(columns["containers"], *(columns[column] for column in _LODGED), strict=True):
        if listed:
            boxes.setdefault(tuple(lodged), set()).update(box for box in listed if box is not None)
    for (number, day, moment), own in boxes.items():
        yield SameDayAsked(fact, number, tuple(sorted(own)), day, moment)


class Counted:
    """How many declarations came earlier: those of the questions themselves, and those counted elsewhere."""

    def __init__(
        self, recipes: Mapping[str, Recipe], asked: Sequence[SameDayAsked], elsewhere: Mapping[SameDayAsked, int]
    ) -> None:
        """Count for every question; what `elsewhere` leaves out is 0 there."""
        self._recipes = {fact: recipe for fact, recipe in recipes.items() if isinstance(recipe, SameDay)}
        self._earlier: dict[tuple[str, str, str | None], int] = {}
        sharing = _sharing(asked)
        for one in asked:
            name = None if is_of_boxes(recipes[one.fact]) else one.entities[0]
            self._earlier[one.fact, one.declaration_id, name] = _earlier(one, sharing) + elsewhere.get(one, 0)

    def columns(self, columns: Mapping[str, Column]) -> dict[str, Column]:
        """Return the columns of the same-day facts; None where the entity is missing."""
        numbers = columns["declaration_id"]
        nobody: Column = [None] * len(numbers)
        found: dict[str, Column] = {}
        for fact, recipe in self._recipes.items():
            names = nobody if is_of_boxes(recipe) else entity_names([columns[column] for column in recipe.of])
            found[fact] = [self._earlier.get((fact, *key)) for key in zip(numbers, names, strict=True)]
        return found


type Sharing = Mapping[tuple[str, int, str], list[tuple[int, int, str]]]
"""By fact, day and entity the declarations that have it, by moments of receipt and lodging and number, in order."""


def _sharing(asked: Sequence[SameDayAsked]) -> Sharing:
    sharing: dict[tuple[str, int, str], list[tuple[int, int, str]]] = {}
    for one in asked:
        for name in one.entities:
            sharing.setdefault((one.fact, one.lodged_on, name), []).append(one.place)
    for others in sharing.values():
        others.sort()
    return sharing


def _earlier(one: SameDayAsked, sharing: Sharing) -> int:
    mine = one.place
    lists = [sharing[one.fact, one.lodged_on, name] for name in one.entities]
    if len(lists) == 1:
        return bisect_left(lists[0], mine)
    return len({other for others in lists for other in others[: bisect_left(others, mine)]})
