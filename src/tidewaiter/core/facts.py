"""A fact: something a condition can ask about one item, with its type, unit, meaning and when it is known."""

import math
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum

MAX_DIGITS = 18


class FactType(StrEnum):
    """How a fact is held and compared."""

    TEXT = "text"
    """Unicode NFC, compared exactly."""
    WORDS = "words"
    """Text normalised for word search (`normalised_words`); asked with has_word only."""
    DECIMAL = "decimal"
    """A decimal of fixed scale, held as scaled int64."""
    INTEGER = "integer"
    """A whole number, held as int64."""
    RATIO = "ratio"
    """A float64 computed once upstream; NaN and infinity are missing."""
    DATE = "date"
    """A calendar day of the administration."""
    FLAG = "flag"
    """True, false or missing."""


class KnownWhen(StrEnum):
    """The earliest moment a fact can be known."""

    PRE_ARRIVAL = "pre-arrival"
    LODGING = "lodging"


class Origin(StrEnum):
    """Where a fact comes from."""

    FIELD = "field"
    DERIVED = "derived"
    CONSIGNMENT = "consignment"
    HISTORY = "history"
    SAME_DAY = "same-day"


@dataclass(frozen=True, slots=True)
class Fact:
    """One entry of the fact catalogue. `scale` is the number of decimals (decimal facts only, else 0)."""

    name: str
    type: FactType
    meaning: str = field(default="", compare=False)
    unit: str = field(default="", compare=False)
    scale: int = 0
    known: KnownWhen = field(default=KnownWhen.LODGING, compare=False)
    origin: Origin = field(default=Origin.FIELD, compare=False)
    always_known: bool = field(default=False, compare=False)
    """The fact is never missing, so that NOT and <> hold no surprise."""
    source: Mapping[str, object] = field(default_factory=dict, compare=False, hash=False)
    """How the fact is made, as the catalogue file states it; read by the lake only."""

    @property
    def numeric(self) -> bool:
        """Tell whether the fact is ordered by number (decimal, integer, ratio)."""
        return self.type in (FactType.DECIMAL, FactType.INTEGER, FactType.RATIO)

    @property
    def exact(self) -> bool:
        """Tell whether the fact is held as a scaled integer (decimal, integer)."""
        return self.type in (FactType.DECIMAL, FactType.INTEGER)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All facts a condition may use. The version changes whenever the meaning of any fact does."""

    version: str
    facts: Mapping[str, Fact]
    text: str = field(default="", compare=False, repr=False)
    """The file it was read from, from which it can be read again; empty where it was made otherwise."""

    def __getitem__(self, name: str) -> Fact:
        """Return the fact of that name; KeyError when there is none."""
        return self.facts[name]

    def __contains__(self, name: str) -> bool:
        """Tell whether there is a fact of that name."""
        return name in self.facts

    def __iter__(self) -> Iterator[Fact]:
        """Walk the facts in the order of the catalogue file."""
        return iter(self.facts.values())

    def nearest(self, name: str) -> str | None:
        """Return the fact whose name looks most like this one; None when none is near."""
        return next(iter(get_close_matches(name, self.facts, n=1)), None)


type FactValue = str | int | float | bool | None
"""One fact of one item as the engine holds it: text as str, decimals as scaled int, dates as days since
1970-01-01, ratios as float, flags as bool; None is missing."""

_EPOCH = date(1970, 1, 1).toordinal()


def days_since_epoch(day: date) -> int:
    """Return the day as the number of days since 1970-01-01."""
    return day.toordinal() - _EPOCH


def scaled(value: Decimal, scale: int) -> int:
    """Return the decimal as an integer of that scale; ValueError when it has more decimals than that."""
    shifted = value.scaleb(scale)
    if shifted != shifted.to_integral_value():
        raise ValueError(f"{value} has more than {scale} decimals")
    return int(shifted)


def nearest_double(value: int, scale: int) -> float:
    """Return the double nearest to an exact fact (an integer of that scale), as used beside a ratio."""
    return float(value / 10**scale)


def held(value: object, fact: Fact) -> FactValue:
    """Return an outside value (str, Decimal, int, float, date, bool, None) as the engine holds it.

    NaN and infinity become missing. Raises ValueError where a decimal does not fit the scale of the fact.
    """
    if value is None:
        return None
    if fact.exact:
        return scaled(Decimal(str(value)), fact.scale)
    if fact.type is FactType.RATIO:
        number = float(str(value))
        return number if math.isfinite(number) else None
    if fact.type is FactType.DATE:
        return days_since_epoch(value if isinstance(value, date) else date.fromisoformat(str(value)))
    return bool(value) if fact.type is FactType.FLAG else str(value)


def normalised_words(text: str) -> str:
    """Return text ready for word search: lower case, no accents, letters and digits kept, one space around each word.

    The result starts and ends with a space, so that a whole word or phrase is found as ` word `. Empty when no
    word remains. Normalising twice changes nothing.
    """
    folded = unicodedata.normalize("NFKD", text).casefold()
    plain = unicodedata.normalize("NFKD", folded)
    kept = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    words = kept.split()
    return f" {' '.join(words)} " if words else ""
