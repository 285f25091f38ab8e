"""What a field and a table are."""

from dataclasses import dataclass
from enum import StrEnum

MONEY_SCALE = 3
MASS_SCALE = 3
QUANTITY_SCALE = 3
EXCHANGE_RATE_SCALE = 8
TAX_RATE_SCALE = 4

BLANKS = (
    " \t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""What is taken off both ends of a text: Unicode's white space, and the byte-order mark."""


class FieldType(StrEnum):
    """How a field is stored in the lake."""

    TEXT = "text"
    """Unicode NFC, outer white space removed; empty is absent."""
    CODE = "code"
    """Text, upper-cased."""
    INTEGER = "integer"
    """int64."""
    DECIMAL = "decimal"
    """decimal128(18, scale)."""
    RATIO = "ratio"
    """float64, finite."""
    DATE = "date"
    """A calendar day of the administration."""
    INSTANT = "instant"
    """Microseconds in UTC."""
    FLAG = "flag"
    """True or false."""
    CODES = "codes"
    """A list of CODE; empty is absent."""
    RECORDS = "records"
    """A list of records with the sub-fields in `fields`; empty is absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One column. Absent is absent (null), never 0 or empty text.

    `codes` names the code list whose members are known (`core.codes.KNOWN`): an unknown code is kept and shows as
    a fact. `values` is a closed vocabulary: anything else is rejected, as it cannot be read. `currency` names the
    field that holds the currency of a money field; "national" is the administration's own.
    """

    name: str
    type: FieldType
    meaning: str
    unit: str = ""
    scale: int = 0
    required: bool = False
    codes: str = ""
    values: tuple[str, ...] = ()
    currency: str = ""
    fields: tuple["Field", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table: its fields in order, and what identifies a row.

    `key` names the fields that identify one record over all its versions; `rows` the further fields that tell the
    rows of one version apart (empty: one row a version). Every table has three columns more, added at ingest:
    `version` (integer from 1), `known_at` (when the administration knew it) and `loaded_at` (when the lake got it).
    `day` is the instant field by which the table is partitioned.
    """

    name: str
    meaning: str
    key: tuple[str, ...]
    day: str
    fields: tuple[Field, ...]
    rows: tuple[str, ...] = ()

    def field(self, name: str) -> Field:
        """Return the field of that name; KeyError when there is none."""
        for candidate in self.fields:
            if candidate.name == name:
                return candidate
        raise KeyError(name)


def text(name: str, meaning: str, *, required: bool = False) -> Field:
    """Return a free-text field."""
    return Field(name=name, type=FieldType.TEXT, meaning=meaning, required=required)


def code(name: str, meaning: str, *, codes: str = "", values: tuple[str, ...] = (), required: bool = False) -> Field:
    """Return a code field."""
    return Field(name=name, type=FieldType.CODE, meaning=meaning, codes=codes, values=values, required=required)


def word(name: str, meaning: str, values: tuple[str, ...], *, required: bool = False) -> Field:
    """Return a field of a closed vocabulary of ours, in lower case."""
    return Field(name=name, type=FieldType.TEXT, meaning=meaning, values=values, required=required)


def money(name: str, meaning: str, currency: str) -> Field:
    """Return an amount of money."""
    return Field(name=name, type=FieldType.DECIMAL, meaning=meaning, unit="money", scale=MONEY_SCALE, currency=currency)


def mass(name: str, meaning: str) -> Field:
    """Return a mass in kilograms."""
    return Field(name=name, type=FieldType.DECIMAL, meaning=meaning, unit="kg", scale=MASS_SCALE)


def decimal(name: str, meaning: str, scale: int, unit: str = "") -> Field:
    """Return a decimal of fixed scale."""
    return Field(name=name, type=FieldType.DECIMAL, meaning=meaning, unit=unit, scale=scale)


def integer(name: str, meaning: str, unit: str = "", *, required: bool = False) -> Field:
    """Return a whole number."""
    return Field(name=name, type=FieldType.INTEGER, meaning=meaning, unit=unit, required=required)


def ratio(name: str, meaning: str, unit: str = "") -> Field:
    """Return a float64."""
    return Field(name=name, type=FieldType.RATIO, meaning=meaning, unit=unit)


def instant(name: str, meaning: str, *, required: bool = False) -> Field:
    """Return a moment in time."""
    return Field(name=name, type=FieldType.INSTANT, meaning=meaning, unit="UTC", required=required)


def flag(name: str, meaning: str) -> Field:
    """Return a true-or-false field."""
    return Field(name=name, type=FieldType.FLAG, meaning=meaning)


def code_list(name: str, meaning: str) -> Field:
    """Return a list of codes."""
    return Field(name=name, type=FieldType.CODES, meaning=meaning)


def records(name: str, meaning: str, fields: tuple[Field, ...]) -> Field:
    """Return a list of records."""
    return Field(name=name, type=FieldType.RECORDS, meaning=meaning, fields=fields)


def party(role: str, meaning: str) -> tuple[Field, ...]:
    """Return the three fields of a party: code, name and address."""
    return (
        code(f"{role}_code", f"{meaning}: registration or tax code"),
        text(f"{role}_name", f"{meaning}: name"),
        text(f"{role}_address", f"{meaning}: address"),
    )
