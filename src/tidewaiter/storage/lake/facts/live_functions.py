"""The functions of the catalogue's expressions as functions of Python values, each equal to DuckDB's of that name."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from tidewaiter.core.codes import COUNTRIES, CURRENCIES, is_container, is_hs_code
from tidewaiter.storage.lake.facts.live_shapes import (
    CLOCK,
    FLAG,
    INTEGER,
    RATIO,
    TEXT,
    Ask,
    Kind,
    Made,
    Shape,
    as_double,
    rescaled,
    together,
)
from tidewaiter.storage.lake.facts.live_syntax import NotUnderstoodError
from tidewaiter.storage.lake.facts.macros import PLACEHOLDERS, POST_BOXES, VAGUE_WORDS

MOST = 10**18
"""Decimals are held with fewer digits than this."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Settings:
    """What functions know besides their arguments: the administration's currency and time zone.

    `place_of` is the words of an address, `whole` the number that a text writes: asked of DuckDB where in doubt.
    """

    currency: str
    zone: str
    place_of: Callable[[str], str | None]
    whole: Callable[[str], int | None]


type Builder = Callable[[Sequence[Made], Settings], Made]


def function_named(name: str) -> Builder:
    """Return how a call of that function is built. Raises NotUnderstoodError for a name that is not known."""
    if name not in _FUNCTIONS:
        raise NotUnderstoodError(f"the function {name} is not known")
    return _FUNCTIONS[name]


def _plain(shape: Shape, function: Callable[..., Any], *kinds: Kind) -> Builder:
    """Return the builder of a function that is missing where an argument is."""

    def build(arguments: Sequence[Made], _: Settings) -> Made:
        if [made.shape.kind for made in arguments] != list(kinds):
            raise NotUnderstoodError(f"{function.__name__} is asked of other kinds of value")
        return Made(shape, _present([made.ask for made in arguments], function))

    return build


def _present(asks: Sequence[Ask], function: Callable[..., Any]) -> Ask:
    if len(asks) == 1:
        (only,) = asks
        return lambda row: None if (value := only(row)) is None else function(value)

    def ask(row: Any) -> Any:
        values = [each(row) for each in asks]
        return None if None in values else function(*values)

    return ask


def _ratio(arguments: Sequence[Made], _: Settings) -> Made:
    part, whole = (as_double(made) for made in arguments)
    divisor = arguments[1].ask

    def ask(row: Any) -> float | None:
        if not divisor(row):
            return None
        above = part(row)
        return None if above is None else above / whole(row)

    return Made(RATIO, ask)


def _coalesce(arguments: Sequence[Made], _: Settings) -> Made:
    shape, asks = together(arguments)

    def ask(row: Any) -> Any:
        for each in asks:
            value = each(row)
            if value is not None:
                return value
        return None

    return Made(shape, ask)


def _in_national(arguments: Sequence[Made], settings: Settings) -> Made:
    amount, currency, invoiced, rate = (made.ask for made in arguments)
    scales, national = (arguments[0].shape.scale, arguments[3].shape.scale), settings.currency

    def ask(row: Any) -> int | None:
        unit = currency(row)
        if unit is None or (value := amount(row)) is None:
            return None
        if unit == national:
            return rescaled(value, scales[0], 3)
        if unit != invoiced(row) or (price := rate(row)) is None:
            return None
        product = rescaled(value * price, sum(scales), 3)
        return product if -MOST < product < MOST else None

    return Made(Shape(Kind.DECIMAL, 3), ask)


def _timezone(arguments: Sequence[Made], settings: Settings) -> Made:
    zone, instant = ZoneInfo(settings.zone), arguments[1].ask

    @lru_cache(maxsize=4096)
    def local(microseconds: int) -> datetime:
        return (_EPOCH + timedelta(microseconds=microseconds)).astimezone(zone).replace(tzinfo=None)

    return Made(CLOCK, lambda row: None if (value := instant(row)) is None else local(value))


def _getvariable(arguments: Sequence[Made], settings: Settings) -> Made:
    name = arguments[0].ask({})
    known = {"zone": settings.zone, "currency": settings.currency}
    if name not in known:
        raise NotUnderstoodError(f"the variable {name} is not known")
    value = known[name]
    return Made(TEXT, lambda _: value)


def _place_of(arguments: Sequence[Made], settings: Settings) -> Made:
    return Made(TEXT, _present([arguments[0].ask], settings.place_of))


def _summed(arguments: Sequence[Made], _: Settings) -> Made:
    shape = _element(arguments[0])
    if not shape.exact:
        raise NotUnderstoodError("only exact numbers are summed")
    return Made(shape, _over_present(arguments[0].ask, sum))


def _greatest(arguments: Sequence[Made], _: Settings) -> Made:
    return Made(_element(arguments[0]), _over_present(arguments[0].ask, max))


def _all_true(arguments: Sequence[Made], _: Settings) -> Made:
    return Made(FLAG, _over_present(arguments[0].ask, all))


def _over_present(listed: Ask, function: Callable[[list[Any]], Any]) -> Ask:
    def ask(row: Any) -> Any:
        values = [value for value in listed(row) or () if value is not None]
        return function(values) if values else None

    return ask


def _element(made: Made) -> Shape:
    if made.shape.of is None:
        raise NotUnderstoodError("a list is expected")
    return made.shape.of


def _has_all(arguments: Sequence[Made], _: Settings) -> Made:
    def has_all(listed: list[Any], sought: list[Any]) -> bool:
        return {value for value in sought if value is not None} <= set(listed)

    return Made(FLAG, _present([made.ask for made in arguments], has_all))


def _joined(listed: list[str | None], between: str) -> str:
    return between.join(text for text in listed if text is not None)


def _microseconds(arguments: Sequence[Made], _: Settings) -> Made:
    unit, *instants = arguments
    if unit.ask({}) != "microsecond" or any(made.shape.kind is not Kind.INSTANT for made in instants):
        raise NotUnderstoodError("only microseconds between instants are counted")
    return Made(INTEGER, _present([made.ask for made in instants], lambda start, end: end - start))


def _word_count(arguments: Sequence[Made], _: Settings) -> Made:
    words = arguments[0].ask
    return Made(INTEGER, lambda row: text.count(" ") - 1 if (text := words(row)) else 0)


def _overlap(words: str, others: str) -> float | None:
    listed = set(words.strip(" ").split(" "))
    return sum(f" {word} " in others for word in listed) / len(listed) if words else None


_NOBODY = frozenset(PLACEHOLDERS)
_VAGUE = frozenset(VAGUE_WORDS)
_POST_BOX = re.compile(rf"(^| )({'|'.join(POST_BOXES)})( |\Z)")


def _placeholder(words: str) -> bool:
    return not words or words.strip(" ") in _NOBODY or words.startswith((" to order ", " to the order "))


def _vague(words: str) -> bool:
    return _VAGUE.issuperset(words.split())


def _left(text: str, length: int) -> str:
    return text[:length]


def _known_country(code: str) -> bool:
    return code in COUNTRIES


def _known_currency(code: str) -> bool:
    return code in CURRENCIES


def _post_box(place: str) -> bool:
    return _POST_BOX.search(place) is not None


def _isodow(clock: datetime) -> int:
    return clock.isoweekday()


def _hour(clock: datetime) -> int:
    return clock.hour


def _month(clock: datetime) -> int:
    return clock.month


_FUNCTIONS: Mapping[str, Builder] = {
    "ratio": _ratio,
    "coalesce": _coalesce,
    "in_national": _in_national,
    "timezone": _timezone,
    "getvariable": _getvariable,
    "place_of": _place_of,
    "list_sum": _summed,
    "list_max": _greatest,
    "list_bool_and": _all_true,
    "list_has_all": _has_all,
    "date_diff": _microseconds,
    "word_count": _word_count,
    "word_overlap": _plain(RATIO, _overlap, Kind.TEXT, Kind.TEXT),
    "array_to_string": _plain(TEXT, _joined, Kind.LIST, Kind.TEXT),
    "placeholder": _plain(FLAG, _placeholder, Kind.TEXT),
    "vague": _plain(FLAG, _vague, Kind.TEXT),
    "post_box": _plain(FLAG, _post_box, Kind.TEXT),
    "known_country": _plain(FLAG, _known_country, Kind.TEXT),
    "known_currency": _plain(FLAG, _known_currency, Kind.TEXT),
    "known_hs": _plain(FLAG, is_hs_code, Kind.TEXT),
    "container_valid": _plain(FLAG, is_container, Kind.TEXT),
    "left": _plain(TEXT, _left, Kind.TEXT, Kind.INTEGER),
    "length": _plain(INTEGER, len, Kind.TEXT),
    "len": _plain(INTEGER, len, Kind.LIST),
    "isodow": _plain(INTEGER, _isodow, Kind.CLOCK),
    "hour": _plain(INTEGER, _hour, Kind.CLOCK),
    "month": _plain(INTEGER, _month, Kind.CLOCK),
}
