"""The functions of the catalogue's expressions over columns of Python values, each equal to DuckDB's of that name."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from tidewaiter.core.codes import COUNTRIES, CURRENCIES, is_container, is_hs_code
from tidewaiter.storage.lake.facts.live_shapes import (
    CLOCK,
    FLAG,
    INTEGER,
    RATIO,
    TEXT,
    Ask,
    Batch,
    Column,
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

    `places_of` gives the words of addresses, `whole` the number that a text writes: asked of DuckDB where in doubt.
    """

    currency: str
    zone: str
    places_of: Callable[[Column], Column]
    whole: Callable[[str], int | None]
    doubtful: duckdb.DuckDBPyConnection
    """What is not translated is asked here."""
    numbers: dict[object, int] = field(default_factory=dict)

    def number_of(self, call: object) -> int:
        """Return the number of a call; equal calls have the same."""
        return self.numbers.setdefault(call, len(self.numbers))


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
            raise NotUnderstoodError(f"a function is not asked of {', '.join(made.shape.kind for made in arguments)}")
        return Made(shape, _present([made.ask for made in arguments], function))

    return build


def _present(asks: Sequence[Ask], function: Callable[..., Any]) -> Ask:
    if len(asks) == 1:
        (only,) = asks
        return lambda batch: [None if value is None else function(value) for value in only(batch)]
    if len(asks) == 2:
        left, right = asks
        return lambda batch: [
            None if a is None or b is None else function(a, b) for a, b in zip(left(batch), right(batch), strict=True)
        ]
    raise NotUnderstoodError("so many arguments are not expected")


def _ratio(arguments: Sequence[Made], _: Settings) -> Made:
    part, whole = (as_double(made) for made in arguments)
    divisor = arguments[1].ask

    def ask(batch: Batch) -> Column:
        columns = zip(part(batch), whole(batch), divisor(batch), strict=True)
        return [above / below if by and above is not None else None for above, below, by in columns]

    return Made(RATIO, ask)


def _coalesce(arguments: Sequence[Made], _: Settings) -> Made:
    shape, asks = together(arguments)

    def ask(batch: Batch) -> Column:
        column = asks[0](batch)
        for each in asks[1:]:
            if None not in column:
                break
            column = [other if value is None else value for value, other in zip(column, each(batch), strict=True)]
        return column

    return Made(shape, ask)


def _in_national(arguments: Sequence[Made], settings: Settings) -> Made:
    asks = [made.ask for made in arguments]
    own, added, national = arguments[0].shape.scale, arguments[3].shape.scale, settings.currency

    def amount_of(value: int | None, unit: str | None, invoiced: str | None, rate: int | None) -> int | None:
        if value is None or unit is None:
            return None
        if unit == national:
            return rescaled(value, own, 3)
        if unit != invoiced or rate is None:
            return None
        product = rescaled(value * rate, own + added, 3)
        return product if -MOST < product < MOST else None

    return Made(Shape(Kind.DECIMAL, 3), lambda batch: list(map(amount_of, *(each(batch) for each in asks))))


def _timezone(arguments: Sequence[Made], settings: Settings) -> Made:
    zone, instant = ZoneInfo(settings.zone), arguments[1].ask

    @lru_cache(maxsize=4096)
    def local(microseconds: int) -> datetime:
        return (_EPOCH + timedelta(microseconds=microseconds)).astimezone(zone).replace(tzinfo=None)

    return Made(CLOCK, _present((instant,), local))


def _getvariable(arguments: Sequence[Made], settings: Settings) -> Made:
    (name,) = arguments[0].ask(ONE)
    known = {"zone": settings.zone, "currency": settings.currency}
    if name not in known:
        raise NotUnderstoodError(f"the variable {name} is not known")
    value = known[name]
    return Made(TEXT, lambda batch: [value] * batch.size)


ONE = Batch({}, 1)
"""One row without a column, to ask a constant of."""


def _place_of(arguments: Sequence[Made], settings: Settings) -> Made:
    places, address = settings.places_of, arguments[0].ask
    return Made(TEXT, lambda batch: places(address(batch)))


def _summed(arguments: Sequence[Made], _: Settings) -> Made:
    shape = _element(arguments[0])
    if not shape.exact:
        raise NotUnderstoodError("only exact numbers are summed")
    return Made(shape, _over_present(arguments[0].ask, sum))


def _greatest(arguments: Sequence[Made], _: Settings) -> Made:
    return Made(_element(arguments[0]), _over_present(arguments[0].ask, max))


def _all_true(arguments: Sequence[Made], _: Settings) -> Made:
    return Made(FLAG, _over_present(arguments[0].ask, all))


def _over_present(lists: Ask, function: Callable[[list[Any]], Any]) -> Ask:
    def over(listed: list[Any] | None) -> Any:
        if not listed:
            return None
        values = [value for value in listed if value is not None]
        return function(values) if values else None

    return lambda batch: [over(listed) for listed in lists(batch)]


def _element(made: Made) -> Shape:
    if made.shape.of is None:
        raise NotUnderstoodError("a list is expected")
    return made.shape.of


def _has_all(arguments: Sequence[Made], _: Settings) -> Made:
    def has_all(listed: list[Any], sought: list[Any]) -> bool:
        return {value for value in sought if value is not None} <= set(listed)

    return Made(FLAG, _present([made.ask for made in arguments], has_all))


def _joined(listed: list[str | None], between: str) -> str | None:
    texts = [text for text in listed if text is not None]
    return between.join(texts) if texts or not listed else None


def _microseconds(arguments: Sequence[Made], _: Settings) -> Made:
    unit, *instants = arguments
    if unit.ask(ONE) != ["microsecond"] or any(made.shape.kind is not Kind.INSTANT for made in instants):
        raise NotUnderstoodError("only microseconds between instants are counted")
    return Made(INTEGER, _present([made.ask for made in instants], lambda start, end: end - start))


def _word_count(arguments: Sequence[Made], _: Settings) -> Made:
    words = arguments[0].ask
    return Made(INTEGER, lambda batch: [text.count(" ") - 1 if text else 0 for text in words(batch)])


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


def _post_box(place: str) -> bool:
    return _POST_BOX.search(place) is not None


def _remembering(truth: Callable[[str], bool]) -> Callable[[str], bool]:
    """Return the function with its latest answers remembered: the items of a declaration ask the same again."""
    return lru_cache(maxsize=16_384)(truth)


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
    "placeholder": _plain(FLAG, _remembering(_placeholder), Kind.TEXT),
    "vague": _plain(FLAG, _remembering(_vague), Kind.TEXT),
    "post_box": _plain(FLAG, _remembering(_post_box), Kind.TEXT),
    "known_country": _plain(FLAG, COUNTRIES.__contains__, Kind.TEXT),
    "known_currency": _plain(FLAG, CURRENCIES.__contains__, Kind.TEXT),
    "known_hs": _plain(FLAG, _remembering(is_hs_code), Kind.TEXT),
    "container_valid": _plain(FLAG, _remembering(is_container), Kind.TEXT),
    "left": _plain(TEXT, _left, Kind.TEXT, Kind.INTEGER),
    "length": _plain(INTEGER, len, Kind.TEXT),
    "len": _plain(INTEGER, len, Kind.LIST),
    "isodow": _plain(INTEGER, _isodow, Kind.CLOCK),
    "hour": _plain(INTEGER, _hour, Kind.CLOCK),
    "month": _plain(INTEGER, _month, Kind.CLOCK),
}
