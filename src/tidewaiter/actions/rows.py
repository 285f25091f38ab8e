"""Rows of the canonical tables as JSON text and back, and the digest that tells equal content.

Absent fields are left out, decimals are written plainly, instants in UTC, keys in order: two rows with the same values
have the same text, however their fields were given.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from tidewaiter.core.tables.field import Field, FieldType, Table, instant, integer

type Row = Mapping[str, object]

_KEPT_BESIDE = {
    "version": integer("version", "Version of the declaration or consignment"),
    "known_at": instant("known_at", "When it became known"),
}
_ENCODER = msgspec.json.Encoder(order="sorted")


def rows_to_json(rows: Iterable[Row]) -> str:
    """Return rows as canonical JSON: a list of objects with sorted keys. Raises ValueError for unpaired surrogates."""
    return _ENCODER.encode([_written(row) for row in rows]).decode()


def rows_from_json(text: str, table: Table) -> list[dict[str, object]]:
    """Return the rows of a canonical JSON text of that table; absent fields stay absent.

    `version` and `known_at` are kept where they are given.
    """
    fields = {field.name: field for field in table.fields} | _KEPT_BESIDE
    return [{name: _value(value, fields[name]) for name, value in row.items()} for row in msgspec.json.decode(text)]


def content_digest(rows: Sequence[Row]) -> str:
    """Return SHA-256 (hexadecimal) of the rows in the order of their item numbers, without version."""
    return text_digest(rows_to_json(in_order(rows)))


def in_order(rows: Sequence[Row]) -> list[Row]:
    """Return the rows in the order of their item numbers."""
    return sorted(rows, key=lambda row: int(str(row.get("item_number") or 0)))


def text_digest(text: str) -> str:
    """Return SHA-256 of a text, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _written(row: Row) -> dict[str, object]:
    return {
        name: value if (kind := type(value)) in _AS_IT_IS else _PLAIN.get(kind, _plain)(value)
        for name, value in row.items()
        if value is not None
    }


_AS_IT_IS = frozenset({str, int, bool})


def _plain(value: object) -> object:
    match value:
        case str() | bool() | int() | float():
            return value
        case Decimal():
            return decimal_text(value)
        case datetime():
            return _instant_text(value)
        case date():
            return value.isoformat()
        case Mapping():
            return _written(value)
        case Iterable():
            return [_plain(part) for part in value]
        case _:
            msg = f"{type(value).__name__} is no value of a row"
            raise TypeError(msg)


def decimal_text(value: Decimal) -> str:
    """Return a decimal plainly, without zeros that say nothing: 12.3, 0, 1200."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


@lru_cache(maxsize=1024)
def _instant_text(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds")


_PLAIN: Mapping[type, Callable[[Any], object]] = {Decimal: decimal_text, datetime: _instant_text}
"""The kinds that come most, without asking for the others first."""


def _value(value: object, field: Field) -> object:
    match field.type:
        case FieldType.DECIMAL:
            return Decimal(str(value))
        case FieldType.INSTANT:
            return datetime.fromisoformat(str(value))
        case FieldType.DATE:
            return date.fromisoformat(str(value))
        case FieldType.RECORDS:
            inner = {part.name: part for part in field.fields}
            records = value if isinstance(value, list) else []
            return [{name: _value(part, inner[name]) for name, part in record.items()} for record in records]
        case _:
            return value
