"""What a translated expression gives: the shape of its values, fixed before any row is read, and their column.

Values are held as the engine holds them: decimals as integers of their scale, days as days since 1970-01-01, instants
as microseconds since then; None is missing. An expression is worked out column by column, for all rows of a batch.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tidewaiter.core.facts import Fact, FactType
from tidewaiter.core.tables import Field, FieldType
from tidewaiter.storage.lake.facts.live_syntax import NotUnderstoodError

type Column = Sequence[Any]
"""One held value a row."""


class Kind(StrEnum):
    """The kinds of value."""

    TEXT = "text"
    FLAG = "flag"
    INTEGER = "integer"
    DECIMAL = "decimal"
    RATIO = "ratio"
    DATE = "date"
    INSTANT = "instant"
    CLOCK = "clock"
    """A moment by the clock of the administration, as a datetime without a zone."""
    LIST = "list"
    RECORD = "record"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of value; `scale` of a decimal, `of` what a list holds, `fields` of a record."""

    kind: Kind
    scale: int = 0
    of: "Shape | None" = None
    fields: Mapping[str, "Shape"] = field(default_factory=dict, hash=False)

    @property
    def exact(self) -> bool:
        """Tell whether the value is an integer of a scale."""
        return self.kind in (Kind.INTEGER, Kind.DECIMAL)


TEXT, FLAG, INTEGER = Shape(Kind.TEXT), Shape(Kind.FLAG), Shape(Kind.INTEGER)
RATIO, DATE, INSTANT, CLOCK = Shape(Kind.RATIO), Shape(Kind.DATE), Shape(Kind.INSTANT), Shape(Kind.CLOCK)
NOTHING = Shape(Kind.NOTHING)

_SHAPES = {
    FieldType.TEXT: TEXT,
    FieldType.CODE: TEXT,
    FieldType.INTEGER: INTEGER,
    FieldType.RATIO: RATIO,
    FieldType.DATE: DATE,
    FieldType.INSTANT: INSTANT,
    FieldType.FLAG: FLAG,
    FieldType.CODES: Shape(Kind.LIST, of=TEXT),
}


def shape_of(declared: Field) -> Shape:
    """Return the shape of a field of a table."""
    match declared.type:
        case FieldType.DECIMAL:
            return Shape(Kind.DECIMAL, declared.scale)
        case FieldType.RECORDS:
            parts = {part.name: shape_of(part) for part in declared.fields}
            return Shape(Kind.LIST, of=Shape(Kind.RECORD, fields=parts))
        case plain:
            return _SHAPES[plain]


def shape_of_fact(fact: Fact) -> Shape:
    """Return the shape of a fact's values."""
    match fact.type:
        case FactType.TEXT | FactType.WORDS:
            return TEXT
        case FactType.DECIMAL:
            return Shape(Kind.DECIMAL, fact.scale)
        case FactType.INTEGER:
            return INTEGER
        case FactType.RATIO:
            return RATIO
        case FactType.DATE:
            return DATE
        case FactType.FLAG:
            return FLAG


@dataclass(slots=True)
class Batch:
    """Rows worked on together: their columns so far, and how many rows there are."""

    columns: dict[str, Column]
    size: int


type Ask = Callable[[Batch], Column]


@dataclass(frozen=True, slots=True)
class Made:
    """The shape of an expression's values and the function that gives their column."""

    shape: Shape
    ask: Ask


def as_double(made: Made) -> Ask:
    """Return the function with its values as float64, converted as DuckDB does."""
    ask = made.ask
    match made.shape.kind:
        case Kind.RATIO | Kind.NOTHING:
            return ask
        case Kind.INTEGER:
            return lambda batch: [None if value is None else float(value) for value in ask(batch)]
        case Kind.DECIMAL:
            scale = made.shape.scale
            return lambda batch: [None if value is None else double_of(value, scale) for value in ask(batch)]
    raise NotUnderstoodError(f"a {made.shape.kind} is no number")


_MOST_EXACT = 1 << 53
_POWERS = tuple(10**scale for scale in range(39))


def double_of(value: int, scale: int) -> float:
    """Return a decimal as float64: beyond 2^53 its whole part and its rest are converted apart, as in DuckDB."""
    if -_MOST_EXACT <= value <= _MOST_EXACT or not scale:
        return float(value / _POWERS[scale])
    whole, rest = divmod(abs(value), _POWERS[scale])
    return math.copysign(float(whole) + rest / _POWERS[scale], value)


def at_scale(made: Made, scale: int) -> Ask:
    """Return the function of exact values with their integers at that scale, not smaller than their own."""
    if made.shape.kind is Kind.NOTHING or made.shape.scale == scale:
        return made.ask
    ask, factor = made.ask, 10 ** (scale - made.shape.scale)
    return lambda batch: [None if value is None else value * factor for value in ask(batch)]


def rescaled(value: int, scale: int, wanted: int) -> int:
    """Return an integer of one scale at another, halves rounded away from zero."""
    if wanted >= scale:
        return int(value * _POWERS[wanted - scale])
    power = _POWERS[scale - wanted]
    rounded = (abs(value) + power // 2) // power
    return int(rounded if value >= 0 else -rounded)


def together(several: Sequence[Made]) -> tuple[Shape, list[Ask]]:
    """Return the one shape that all values have or can be brought to, and the functions so brought."""
    shapes = [made.shape for made in several if made.shape.kind is not Kind.NOTHING]
    if not shapes:
        return NOTHING, [made.ask for made in several]
    if all(shape.exact for shape in shapes):
        scale = max(shape.scale for shape in shapes)
        shape = Shape(Kind.DECIMAL, scale) if any(s.kind is Kind.DECIMAL for s in shapes) else INTEGER
        return shape, [at_scale(made, scale) for made in several]
    if all(shape.exact or shape.kind is Kind.RATIO for shape in shapes):
        return RATIO, [as_double(made) for made in several]
    if any(shape.kind is not shapes[0].kind for shape in shapes):
        raise NotUnderstoodError("values of different kinds stand together")
    return shapes[0], [made.ask for made in several]
