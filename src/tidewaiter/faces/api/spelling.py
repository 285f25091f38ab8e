"""How a JSON value becomes the value of a field: exactly what ingest makes of the same text in a file.

Plain functions without HTTP. Stricter than ingest where a client can be told at once: more decimal places than the
field has, NUL and unpaired surrogates, over-long text and moments outside 1970 to 2199 are refused, neither kept nor
rounded.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from tidewaiter.core.mapping import FALSE_WORDS, TRUE_WORDS
from tidewaiter.core.tables import BLANKS, Field, FieldType
from tidewaiter.faces.api.json_reading import storable
from tidewaiter.faces.api.wording import did_you_mean

type Read = Callable[[object], object]
"""Reads a JSON value that is not null; gives None for what is empty. Raises UnreadableError."""

DIGITS: Final = 18
LONGEST_LIST: Final = 500
LONGEST: Final[Mapping[FieldType, int]] = {FieldType.TEXT: 2_000, FieldType.CODE: 64, FieldType.CODES: 64}
LONGEST_NAMED: Final[Mapping[str, int]] = {
    "declaration_id": 200,
    "event_id": 200,
    "consignment_id": 200,
    "house_document": 200,
    "master_document": 200,
    "previous_document": 200,
    "document": 200,
    "description": 10_000,
    "office": 35,
}
"""How many characters a field may have, where it is not what LONGEST says for its type."""

ITEM_NUMBERS: Final = range(1, 100_000)
FIRST_MOMENT: Final = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS_END: Final = datetime(2200, 1, 1, tzinfo=UTC)

_EXACT = Context(prec=DIGITS, traps=[Inexact, InvalidOperation])
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}(?:\.0*)?")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LARGEST_RATIO = Decimal("1e308")
_SEPARATORS = re.compile(r"[\x1c-\x1f]")
_ASCII_BLANKS = " \t\n\v\f\r"
_CODES_REMEMBERED = 4_096
_ODD_CAPITALS = {"ß": "ẞ"}

AS_MOMENT: Final = "write it as 2026-01-31T10:00:00Z"


class UnreadableError(Exception):
    """A value cannot be read: what it is, what to do, and where within the value (`[2].base`; empty: all of it)."""

    def __init__(self, message: str, suggestion: str | None = None, within: str = "") -> None:
        """Take the message, what to do about it, and the place within the value."""
        super().__init__(message)
        self.message, self.suggestion, self.within = message, suggestion, within


def longest(field: Field) -> int:
    """Return how many characters a text or code field may have."""
    return LONGEST_NAMED.get(field.name, LONGEST.get(field.type, LONGEST[FieldType.TEXT]))


def reader(field: Field, zone: ZoneInfo) -> Read:
    """Return what reads a field; instants without an offset are in the zone."""
    match field.type:
        case FieldType.TEXT:
            return _words(field) if field.values else _texts(longest(field))
        case FieldType.CODE:
            return _words(field) if field.values else _codes_of_one(longest(field))
        case FieldType.INTEGER:
            return item_number if field.name == "item_number" else whole_number
        case FieldType.DECIMAL:
            return _decimals(field.scale)
        case FieldType.RATIO:
            return ratio
        case FieldType.DATE:
            return day
        case FieldType.INSTANT:
            return _moments(zone)
        case FieldType.FLAG:
            return flag
        case FieldType.CODES:
            return _code_lists(longest(field))
        case FieldType.RECORDS:
            return _record_lists(field, zone)
        case _:
            assert_never(field.type)


def clean(text: str) -> str:
    """Return text as the lake keeps it: NFC, without outer white space, without separators; may be empty."""
    if text.isascii() and text.isprintable():
        return text.strip(" ")
    if not storable(text):
        raise UnreadableError("holds NUL or an unpaired surrogate", "leave that character out")
    text = _SEPARATORS.sub(" ", text).strip(_ASCII_BLANKS)
    return text if text.isascii() else unicodedata.normalize("NFC", text).strip(BLANKS)


def capitals(text: str) -> str:
    """Return text upper-cased character by character, as DuckDB does: no character becomes two."""
    return text.upper() if text.isascii() else "".join(map(_capital, text))


def _capital(letter: str) -> str:
    upper = letter.upper()
    if len(upper) == 1:
        return upper
    title = letter.title()
    return _ODD_CAPITALS.get(letter) or (title if len(title) == 1 else letter)


def _clean_text(value: object, most: int) -> str:
    if type(value) is not str:
        raise UnreadableError(f"is {_kind(value)}, not text", _in_quotes(value))
    text = clean(value)
    if len(text) > most:
        raise UnreadableError(f"is longer than {most:,} characters")
    return text


def _kind(value: object) -> str:
    match value:
        case bool():
            return "true or false"
        case int() | Decimal():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return "null"


def _in_quotes(value: object) -> str | None:
    if type(value) not in (int, Decimal) or len(str(value)) > DIGITS:
        return None
    return f'write it in quotes, with its leading zeros: "{value}"'


def _texts(most: int) -> Read:
    def read(value: object) -> object:
        if type(value) is str and value.isascii() and value.isprintable() and len(value) <= most:
            return value.strip(" ") or None
        return _clean_text(value, most) or None

    return read


def _codes_of_one(most: int) -> Read:
    """Return what reads one code. Codes come again and again: the first few thousand spellings are remembered."""
    known: dict[str, str] = {}

    def read(value: object) -> object:
        if type(value) is not str:
            return _clean_text(value, most)
        code = known.get(value)
        if code is None:
            code = capitals(_clean_text(value, most))
            if code and len(value) <= most and len(known) < _CODES_REMEMBERED:
                known[value] = code
        return code or None

    return read


def _words(field: Field) -> Read:
    values = frozenset(field.values)
    spelled = str.upper if field.type is FieldType.CODE else str.lower

    def read(value: object) -> object:
        text = spelled(_clean_text(value, LONGEST[FieldType.TEXT]))
        if text and text not in values:
            raise UnreadableError(f"is none of {', '.join(field.values)}", did_you_mean(text, field.values))
        return text or None

    return read


def whole_number(value: object) -> int | None:
    """Return a whole number of at most 18 digits."""
    if type(value) is int:
        number = value
    elif type(value) is Decimal:
        if value != value.to_integral_value() or not -(10**DIGITS) < value < 10**DIGITS:
            raise UnreadableError("is no whole number of up to 18 digits")
        number = int(value)
    elif type(value) is str:
        text = clean(value)
        if not text:
            return None
        if _WHOLE.fullmatch(text) is None:
            raise UnreadableError("is no whole number of up to 18 digits")
        number = int(text.partition(".")[0])
    else:
        raise UnreadableError(f"is {_kind(value)}, not a whole number")
    if not -(10**DIGITS) < number < 10**DIGITS:
        raise UnreadableError("is no whole number of up to 18 digits")
    return number


def item_number(value: object) -> int | None:
    """Return the number of an item."""
    number = whole_number(value)
    if number is not None and number not in ITEM_NUMBERS:
        raise UnreadableError(f"is not between 1 and {ITEM_NUMBERS[-1]:,}")
    return number


def _decimals(scale: int) -> Read:
    unit = Decimal(1).scaleb(-scale)
    zero = Decimal(0).quantize(unit)

    def read(value: object) -> object:
        if type(value) is Decimal:
            number: Decimal | None = value
        elif type(value) is int:
            number = Decimal(value)
        else:
            number = _number_of(value)
        if not number:
            return None if number is None else zero
        try:
            return number.quantize(unit, None, _EXACT)
        except Inexact:
            raise UnreadableError(f"has more than {scale} decimal places", "round it to them") from None
        except InvalidOperation:
            raise UnreadableError(f"has more than {DIGITS - scale} digits before the point") from None

    return read


def _number_of(value: object) -> Decimal | None:
    if type(value) is not str:
        raise UnreadableError(f"is {_kind(value)}, not a number")
    text = clean(value)
    if not text:
        return None
    if len(text) > 100 or _NUMBER.fullmatch(text) is None:
        raise UnreadableError("is no number", "write digits and a point: 1234.56")
    return Decimal(text)


def ratio(value: object) -> object:
    """Return a float64."""
    number = Decimal(value) if type(value) is int else value if type(value) is Decimal else _number_of(value)
    if number is not None and abs(number) >= _LARGEST_RATIO:
        raise UnreadableError("is no number, or too large")
    return None if number is None else float(number)


def day(value: object) -> object:
    """Return a calendar day, written 2026-01-31."""
    text = _clean_text(value, 64)
    if not text:
        return None
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise UnreadableError("is no date", "write it as 2026-01-31")


def _moments(zone: ZoneInfo) -> Read:
    def read(value: object) -> object:
        text = _clean_text(value, 64)
        if not text:
            return None
        found = _MOMENT.fullmatch(text)
        if found is None:
            raise UnreadableError("is no date and time", AS_MOMENT)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise UnreadableError("is no date and time", AS_MOMENT) from None
        if not 1970 <= moment.year < 2200:
            raise UnreadableError("is not between 1970 and 2199", AS_MOMENT)
        return moment.astimezone(UTC) if found[1] else _in_zone(moment, zone)

    return read


def _in_zone(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return a local moment in UTC; one that the clock shows twice, or skips, is the later of the two readings."""
    return max(moment.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))


def flag(value: object) -> object:
    """Return true or false."""
    if isinstance(value, bool):
        return value
    word = _clean_text(value, 64).lower()
    if word and word not in (*TRUE_WORDS, *FALSE_WORDS):
        raise UnreadableError("is neither true nor false", "write true or false without quotes")
    return word in TRUE_WORDS if word else None


def _code_lists(most: int) -> Read:
    one = _codes_of_one(most)

    def read(value: object) -> object:
        if type(value) is not list:
            raise UnreadableError(f"is {_kind(value)}, not a list of codes", 'write it as ["A", "B"]')
        if len(value) > LONGEST_LIST:
            raise UnreadableError(f"has more than {LONGEST_LIST} entries")
        return _each(value, one) or None

    return read


def _each(values: list[object], read: Read) -> list[object]:
    found = []
    for number, value in enumerate(values):
        try:
            code = read(value)
        except UnreadableError as error:
            raise UnreadableError(error.message, error.suggestion, f"[{number}]{error.within}") from None
        if code is not None:
            found.append(code)
    return found


def _record_lists(field: Field, zone: ZoneInfo) -> Read:
    readers = {part.name: reader(part, zone) for part in field.fields}
    nothing: dict[str, object] = dict.fromkeys(readers)

    def one(value: object) -> object:
        if type(value) is not dict:
            raise UnreadableError(f"is {_kind(value)}, not an object", f"its fields are {', '.join(readers)}")
        row = dict(nothing)
        for name, part in value.items():
            read_part = readers.get(name)
            if read_part is None:
                known = f"its fields are {', '.join(readers)}"
                raise UnreadableError("is not a field", known, f".{printable(name)}")
            try:
                row[name] = None if part is None else read_part(part)
            except UnreadableError as error:
                raise UnreadableError(error.message, error.suggestion, f".{name}{error.within}") from None
        return row if any(part is not None for part in row.values()) else None

    def read(value: object) -> object:
        if type(value) is not list:
            raise UnreadableError(f"is {_kind(value)}, not a list of objects")
        if len(value) > LONGEST_LIST:
            raise UnreadableError(f"has more than {LONGEST_LIST} entries")
        return _each(value, one) or None

    return read


def printable(name: str) -> str:
    """Return a name as it can be shown: short, without control characters and surrogates."""
    return "".join(letter if letter.isprintable() else "?" for letter in name[:60])


def made_moment(moment: datetime) -> int:
    """Return the milliseconds since 1970, as keys that are made of a moment have them."""
    return (moment - FIRST_MOMENT) // timedelta(milliseconds=1)
