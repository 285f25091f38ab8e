"""Rows of the canonical tables read from what a person or a system gave, with every problem and its place."""

import json
import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any, Final

from tidewaiter.actions.rows import rows_from_json, rows_to_json
from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.core.tables.field import Field, FieldType, Table

type Row = dict[str, Any]

LONGEST_TEXT: Final = 4000
MOST_ENTRIES: Final = 1000
DECIMAL_DIGITS: Final = 18
SHORTEST_REASON: Final = 5
NO_REASON: Final = f"say the reason in words, at least {SHORTEST_REASON} characters"
"""Characters that a reason has at least where a person takes something off what selects or was drawn."""


class _UnreadableError(ValueError):
    """A value that cannot be read, with the reason in words."""


def read_row(table: Table, given: Mapping[str, object], *, later: Iterable[str] = ()) -> tuple[Row, list[Problem]]:
    """Return a row as values (absent fields left out), and every problem: its place is the field.

    Problems are unknown fields, values that cannot be read, words outside their vocabulary and required fields that
    are absent; `later` names required fields that the caller fills in.
    """
    return _read_fields(table.fields, given, "", frozenset(later))


def explained(reason: str) -> str:
    """Return a reason that says something. Raises InputError for one of fewer than 5 characters."""
    if len(reason.strip()) < SHORTEST_REASON:
        raise InputError(Problem(NO_REASON, Place("reason")))
    return reason


def stored(row: Mapping[str, object]) -> Row:
    """Return a row as it is kept in the records: canonical JSON values."""
    kept: Row = json.loads(rows_to_json([row]))[0]
    return kept


def typed(table: Table, row: Mapping[str, object]) -> Row:
    """Return a row kept in the records as values again: Decimal, datetime, lists; absent fields stay absent."""
    return rows_from_json(json.dumps([row]), table)[0]


def _read_fields(
    fields: Iterable[Field], given: Mapping[str, object], within: str, later: frozenset[str]
) -> tuple[Row, list[Problem]]:
    known = {field.name: field for field in fields}
    problems = [_unknown(name, within, known) for name in given if name not in known]
    row: Row = {}
    for name, field in known.items():
        value, wrong = _read_field(field, given.get(name), within + name)
        problems += wrong
        if value is not None:
            row[name] = value
        elif field.required and not wrong and name not in later:
            problems.append(Problem(f"is required: {field.meaning}", Place(within + name)))
    return row, problems


def _unknown(name: str, within: str, known: Mapping[str, Field]) -> Problem:
    near = get_close_matches(name[:60], known, n=1)
    return Problem(
        f"'{name[:60]}' is not a field", Place(within + name[:60]), f"did you mean '{near[0]}'?" if near else None
    )


def _read_field(field: Field, value: object, place: str) -> tuple[Any, list[Problem]]:
    if value is None or value in ("", []):
        return None, []
    if field.type is FieldType.RECORDS:
        return _records(field, value, place)
    try:
        read = _READERS[field.type](field, value)
        if isinstance(read, str):
            _check_word(field, read)
    except _UnreadableError as wrong:
        return None, [Problem(str(wrong), Place(place))]
    return read, []


def _records(field: Field, value: object, place: str) -> tuple[Any, list[Problem]]:
    if not isinstance(value, list | tuple) or len(value) > MOST_ENTRIES:
        return None, [Problem(f"is a list of at most {MOST_ENTRIES} records", Place(place))]
    read, problems = [], []
    for number, entry in enumerate(value):
        if not isinstance(entry, Mapping):
            problems.append(Problem("is a record with named fields", Place(f"{place}[{number}]")))
            continue
        row, wrong = _read_fields(field.fields, entry, f"{place}[{number}].", frozenset())
        read.append(row)
        problems += wrong
    return [row for row in read if row] or None, problems


def _check_word(field: Field, word: str) -> None:
    if field.values and word not in field.values:
        near = get_close_matches(word[:60], field.values, n=1)
        advice = f"; did you mean '{near[0]}'?" if near else ""
        raise _UnreadableError(f"'{word[:60]}' is none of {', '.join(field.values)}{advice}")


def _text(field: Field, value: object) -> str | None:
    if not isinstance(value, str):
        raise _UnreadableError("is a text")
    if "\x00" in value or len(value) > LONGEST_TEXT:
        raise _UnreadableError(f"is a text of at most {LONGEST_TEXT} characters without NUL")
    return unicodedata.normalize("NFC", value.strip()) or None


def _code(field: Field, value: object) -> str | None:
    text = _text(field, value)
    return text if text is None else text.upper()


def _codes(field: Field, value: object) -> list[str] | None:
    if not isinstance(value, list | tuple) or len(value) > MOST_ENTRIES:
        raise _UnreadableError(f"is a list of at most {MOST_ENTRIES} codes")
    codes = [code for one in value if (code := _code(field, one)) is not None]
    for code in codes:
        _check_word(field, code)
    return list(dict.fromkeys(codes)) or None


def _integer(field: Field, value: object) -> int:
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**63:
        raise _UnreadableError("is a whole number")
    return value


def _decimal(field: Field, value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise _UnreadableError("is a decimal number, as text or number")
    try:
        amount = Decimal(value)
        scaled = amount.quantize(Decimal(1).scaleb(-field.scale))
    except InvalidOperation as error:
        raise _UnreadableError(f"is a decimal number of at most {DECIMAL_DIGITS} digits") from error
    if scaled != amount:
        raise _UnreadableError(f"has more than {field.scale} decimal places")
    if len(scaled.as_tuple().digits) > DECIMAL_DIGITS:
        raise _UnreadableError(f"is a decimal number of at most {DECIMAL_DIGITS} digits")
    return scaled


def _ratio(field: Field, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _UnreadableError("is a number")
    try:
        number = float(value)
    except OverflowError as error:
        raise _UnreadableError("is a finite number") from error
    if not math.isfinite(number):
        raise _UnreadableError("is a finite number")
    return number


def _date(field: Field, value: object) -> date:
    try:
        return value if type(value) is date else date.fromisoformat(str(value))
    except ValueError as error:
        raise _UnreadableError("is a day written as 2026-03-01") from error


def _instant(field: Field, value: object) -> datetime:
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise _UnreadableError("is an instant written as 2026-03-01T12:00:00Z") from error
    if at.tzinfo is None:
        raise _UnreadableError("needs its time zone: 2026-03-01T12:00:00Z")
    return at


def _flag(field: Field, value: object) -> bool:
    if not isinstance(value, bool):
        raise _UnreadableError("is true or false")
    return value


_READERS: Final[Mapping[FieldType, Callable[[Field, object], Any]]] = {
    FieldType.TEXT: _text,
    FieldType.CODE: _code,
    FieldType.INTEGER: _integer,
    FieldType.DECIMAL: _decimal,
    FieldType.RATIO: _ratio,
    FieldType.DATE: _date,
    FieldType.INSTANT: _instant,
    FieldType.FLAG: _flag,
    FieldType.CODES: _codes,
}
