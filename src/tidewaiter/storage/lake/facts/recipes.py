"""How each fact is made, as the catalogue's `source` states it, read into values."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from tidewaiter.core.errors import InputError, Problem
from tidewaiter.core.facts import Catalogue, Fact

_NAME = re.compile(r"[a-z_][a-z0-9_]*")

METRICS = ("declarations", "items", "net_mass", "results", "findings")
"""What a day-close statistic adds up for an entity."""


@dataclass(frozen=True, slots=True)
class FieldOf:
    """The declared field of that name."""

    field: str


@dataclass(frozen=True, slots=True)
class Expression:
    """A DuckDB expression over declared fields, working columns and facts above it in the catalogue."""

    sql: str


@dataclass(frozen=True, slots=True)
class Count:
    """A sum over the `days` up to the statistics day (None: all) for the entity named by the columns `of`."""

    metric: str
    of: tuple[str, ...]
    days: int | None


@dataclass(frozen=True, slots=True)
class Since:
    """Days since the first or last time the metric of the entity rose."""

    mark: str
    metric: str
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Distinct:
    """How many different values of the columns `what` the entity has been seen with."""

    what: tuple[str, ...]
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seizures:
    """Seizures with the item's value of column `at` in one of their columns; within `days`, or halving with age."""

    columns: tuple[str, ...]
    at: str
    days: int | None
    half_life: int | None


@dataclass(frozen=True, slots=True)
class Peers:
    """A figure of the item's peers: `p10` and the like, `rows` or `level`."""

    figure: str
    of: str


@dataclass(frozen=True, slots=True)
class SameDay:
    """Declarations of the entity lodged earlier the same day."""

    of: tuple[str, ...]


type Recipe = FieldOf | Expression | Count | Since | Distinct | Seizures | Peers | SameDay


def recipes(catalogue: Catalogue) -> dict[str, Recipe]:
    """Return how each fact is made, in the order of the catalogue. Raises InputError naming every unreadable source."""
    made, problems = {}, []
    for fact in catalogue:
        recipe = _recipe(fact)
        if recipe is None:
            problems.append(Problem(f"fact '{fact.name}': its source {dict(fact.source)} cannot be read"))
        else:
            made[fact.name] = recipe
    if problems:
        raise InputError(problems)
    return made


def needed(made: Mapping[str, Recipe], names: Collection[str]) -> dict[str, Recipe]:
    """Return how these facts, and all that their expressions read, are made; in the order of the catalogue."""
    wanted = set(names)
    for name, recipe in reversed(list(made.items())):
        if name in wanted and isinstance(recipe, Expression):
            wanted |= set(_NAME.findall(recipe.sql)) & made.keys()
    return {name: recipe for name, recipe in made.items() if name in wanted}


def _recipe(fact: Fact) -> Recipe | None:
    source = fact.source
    of = _columns(source.get("of"))
    days = _number(source.get("days"))
    match source:
        case {"field": str(field)}:
            return FieldOf(field)
        case {"sql": str(sql)}:
            return Expression(sql)
        case {"count": str(metric)} if metric in METRICS and of:
            return Count(metric, of, days)
        case {"since": ("first" | "last") as mark, "what": str(metric)} if metric in METRICS and of:
            return Since(str(mark), metric, of)
        case {"distinct": what} if of:
            return Distinct(_columns(what), of)
        case {"seizures": columns, "at": str(at)}:
            return Seizures(_columns(columns), at, days, _number(source.get("half_life")))
        case {"percentile": int(share), "of": str(measure)}:
            return Peers(f"p{share}", measure)
        case {"peers": ("rows" | "level") as figure, "of": str(measure)}:
            return Peers(str(figure), measure)
        case {"same_day": of_day}:
            return SameDay(_columns(of_day))
    return None


def _columns(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(name) for name in value) if isinstance(value, Iterable) else ()


def _number(value: object) -> int | None:
    return int(str(value)) if value is not None else None
