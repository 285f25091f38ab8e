"""Declarations, consignments and events as JSON documents, read into the canonical rows of their tables.

A declaration has the fields of the whole declaration at the top and `items`, a list. A field at the top holds for
every item that does not give its own (null and empty text give nothing); what identifies the declaration stands at the
top only. Every problem of a document is reported at once, with its place: `items[2].hs_code`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from tidewaiter.core.errors import InputError
from tidewaiter.core.tables import CONSIGNMENTS, DECLARATIONS, EVENTS, Table
from tidewaiter.faces.api.finding import Budget, Found
from tidewaiter.faces.api.spelling import (
    LONGEST_NAMED,
    Read,
    UnreadableError,
    made_moment,
    printable,
    reader,
    whole_number,
)
from tidewaiter.faces.api.wording import problem_at

type Row = dict[str, Any]
"""A canonical row: every field of the table, absent ones None."""

TOP_ONLY: Final = ("declaration_id", "lodged_at", "flow", "office")
"""The fields that hold for the whole declaration and no item may give its own of."""

MOST_ITEMS: Final = 999
_SUBJECTS: Final = ("declaration_id", "document", "container")
HIGHEST_VERSION: Final = 2**31 - 1
FARTHEST_AHEAD: Final = timedelta(days=1)
"""How far a declaration or event may be dated ahead of its receipt: a zone mistaken, never another day's counts."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration as given: its rows in the order of their numbers. `version` None: the next one."""

    declaration_id: str
    version: int | None
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Filed:
    """A consignment as given. `version` None: the next one."""

    version: int | None
    row: Row


class Documents:
    """Reads the documents of one administration; made once, used by every call."""

    def __init__(self, time_zone: str) -> None:
        """Take the zone of moments that are given without an offset."""
        zone = ZoneInfo(time_zone)
        every = _readers(DECLARATIONS, zone)
        self._top: Mapping[str, Read] = {name: read for name, read in every.items() if name != "item_number"}
        self._item: Mapping[str, Read] = {name: read for name, read in every.items() if name not in TOP_ONLY}
        self._nothing: Row = dict.fromkeys(every)
        self._consignment = _readers(CONSIGNMENTS, zone)
        self._event = _readers(EVENTS, zone)

    def declaration(
        self, document: object, place: str = "", budget: Budget | None = None, *, received_at: datetime | None = None
    ) -> Declared:
        """Return the declaration of a document. Raises InputError with every problem.

        One that comes at an instant may be dated `FARTHEST_AHEAD` of it and no farther.
        """
        found = Found(budget or Budget())
        given = _object(document, place)
        top = self._nothing.copy()
        version = _version(given, place, found)
        header = {name: value for name, value in given.items() if name not in ("items", "version")}
        self._fill(top, header, self._top, place, found)
        _require(top, ("declaration_id", "lodged_at", "flow"), place, found)
        _not_ahead(top, "lodged_at", received_at, place, found)
        rows = self._items(given.get("items"), top, f"{place}.items" if place else "items", found)
        found.refuse()
        rows.sort(key=_number)
        return Declared(top["declaration_id"], version, tuple(rows))

    def _items(self, items: object, top: Row, place: str, found: Found) -> list[Row]:
        if type(items) is not list or not 0 < len(items) <= MOST_ITEMS:
            found.add(place, f"is not a list of 1 to {MOST_ITEMS} items")
            return []
        rows: list[Row] = []
        seen: dict[int, int] = {}
        readers = self._item
        for position, item in enumerate(items):
            if type(item) is not dict:
                found.add(f"{place}[{position}]", "is not an object")
                continue
            row = top.copy()
            self._fill(row, item, readers, f"{place}[{position}]", found)
            number = row["item_number"]
            if number is None:
                _require(row, ("item_number",), f"{place}[{position}]", found)
            elif seen.setdefault(number, position) != position:
                where = f"{place}[{position}].item_number"
                found.add(where, f"is the number of items[{seen[number]}] too", "number each item")
            rows.append(row)
        return rows

    def _fill(
        self, row: Row, given: Mapping[str, object], readers: Mapping[str, Read], place: str, found: Found
    ) -> None:
        """Read the fields given into the row. The place is put into words only where there is a problem."""
        for name, value in given.items():
            read = readers.get(name)
            if read is None:
                _unknown(name, readers, place, found)
            elif value is not None:
                try:
                    got = read(value)
                except UnreadableError as error:
                    found.add(_joined(place, name) + error.within, error.message, error.suggestion)
                else:
                    if got is not None:
                        row[name] = got

    def consignment(self, document: object, place: str = "", budget: Budget | None = None) -> Filed:
        """Return the consignment of a document; without a number it has that of its document. Raises InputError."""
        found = Found(budget or Budget())
        given = _object(document, place)
        version = _version(given, place, found)
        row: Row = dict.fromkeys(self._consignment)
        self._fill(row, _without_version(given), self._consignment, place, found)
        row["consignment_id"] = row["consignment_id"] or row["house_document"] or row["master_document"]
        if row["consignment_id"] is None:
            found.add(place, "names no document", "give house_document or master_document")
        _require(row, ("filed_at",), place, found)
        found.refuse()
        return Filed(version, row)

    def event(
        self, document: object, place: str = "", budget: Budget | None = None, *, received_at: datetime | None = None
    ) -> Row:
        """Return the event of a document; without a number one is made of what it says. Raises InputError.

        One that comes at an instant may be dated `FARTHEST_AHEAD` of it and no farther.
        """
        found = Found(budget or Budget())
        given = _object(document, place)
        row: Row = dict.fromkeys(self._event)
        self._fill(row, given, self._event, place, found)
        subject = next((row[name] for name in _SUBJECTS if row[name] is not None), None)
        if subject is None and not any(found.at(_joined(place, name)) for name in _SUBJECTS):
            found.add(place, "names nothing it happened to", "give declaration_id or document")
        _require(row, ("kind", "occurred_at"), place, found)
        _not_ahead(row, "occurred_at", received_at, place, found)
        found.refuse()
        row["event_id"] = row["event_id"] or f"{row['kind']}/{made_moment(row['occurred_at'])}/{subject}"
        if len(row["event_id"]) > LONGEST_NAMED["event_id"]:
            found.add(
                _joined(place, "event_id"), "would be too long when made of the event", "give a number of your own"
            )
            found.refuse()
        return row


type ReadOne[D] = Callable[[object, str, Budget], D]
"""Reads one document at a place of a list."""


def several[D](document: object, name: str, most: int, read: ReadOne[D]) -> list[D | InputError]:
    """Return what each document of `{name: [...]}` is read as, or why it cannot be.

    Raises InputError where the list itself is not as it should be.
    """
    given = _object(document, "")
    found = Found()
    for other in given:
        if other != name:
            found.unknown(printable(other), other, (name,))
    listed = given.get(name)
    entries: list[object] = listed if type(listed) is list else []
    if not 0 < len(entries) <= most:
        found.add(name, f"is not a list of 1 to {most:,} entries")
    found.refuse()
    budget = Budget()
    return [_one(entry, f"{name}[{number}]", read, budget) for number, entry in enumerate(entries)]


def _one[D](document: object, place: str, read: ReadOne[D], budget: Budget) -> D | InputError:
    try:
        return read(document, place, budget)
    except InputError as error:
        return error


def _readers(table: Table, zone: ZoneInfo) -> dict[str, Read]:
    return {field.name: reader(field, zone) for field in table.fields}


def _version(given: Mapping[str, object], place: str, found: Found) -> int | None:
    value = given.get("version")
    if value is None:
        return None
    try:
        number = whole_number(value)
    except UnreadableError as error:
        found.add(_joined(place, "version"), error.message, error.suggestion)
        return None
    if number is not None and not 1 <= number <= HIGHEST_VERSION:
        found.add(_joined(place, "version"), f"is not between 1 and {HIGHEST_VERSION:,}")
    return number


def _without_version(given: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in given.items() if name != "version"}


def _object(document: object, place: str) -> dict[str, object]:
    if type(document) is not dict:
        raise InputError(problem_at(place or "body", "is not a JSON object"))
    return document


def _number(row: Row) -> int:
    number: int = row["item_number"]
    return number


def _require(row: Row, names: tuple[str, ...], place: str, found: Found) -> None:
    """Note each required field that is absent; an unreadable one has its problem already."""
    for name in names:
        if row[name] is None and not found.at(_joined(place, name)):
            found.add(_joined(place, name), "is required and absent")


def _not_ahead(row: Row, name: str, received_at: datetime | None, place: str, found: Found) -> None:
    if received_at is not None and row[name] is not None and row[name] > received_at + FARTHEST_AHEAD:
        advice = "give the moment with its offset from UTC"
        found.add(_joined(place, name), "lies more than a day ahead of its receipt", advice)


def _joined(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _unknown(name: str, known: Mapping[str, object], place: str, found: Found) -> None:
    where = _joined(place, printable(name))
    if name in TOP_ONLY or name == "version":
        found.add(where, "stands at the top only: it holds for the whole declaration", "move it to the top")
    elif name == "item_number":
        found.add(where, "belongs to an item", "move it into each of items")
    else:
        found.unknown(where, name, known.keys())
