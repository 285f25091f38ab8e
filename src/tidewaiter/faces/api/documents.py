"""Declarations, consignments and events as JSON documents, read into the canonical rows of their tables.

A declaration has the fields of the whole declaration at the top and `items`, a list. A field at the top holds for
every item that does not give its own (null and empty text give nothing); what identifies the declaration stands at the
top only. Every problem of a document is reported at once, with its place: `items[2].hs_code`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from tidewaiter.core.errors import InputError, Problem
from tidewaiter.core.tables import CONSIGNMENTS, DECLARATIONS, EVENTS, Table
from tidewaiter.faces.api.spelling import Read, UnreadableError, made_moment, printable, reader, whole_number
from tidewaiter.faces.api.wording import did_you_mean, problem_at

type Row = dict[str, Any]
"""A canonical row: every field of the table, absent ones None."""

TOP_ONLY: Final = ("declaration_id", "lodged_at", "flow", "office")
"""The fields that hold for the whole declaration and no item may give its own of."""

MOST_ITEMS: Final = 999
MOST_PROBLEMS: Final = 200
HIGHEST_VERSION: Final = 2**31 - 1


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

    def declaration(self, document: object, place: str = "") -> Declared:
        """Return the declaration of a document. Raises InputError with every problem."""
        problems: list[Problem] = []
        given = _object(document, place)
        top = self._nothing.copy()
        version = _version(given, place, problems)
        header = {name: value for name, value in given.items() if name not in ("items", "version")}
        self._fill(top, header, self._top, place, problems)
        _require(top, ("declaration_id", "lodged_at", "flow"), given, place, problems)
        rows = self._items(given.get("items"), top, f"{place}.items" if place else "items", problems)
        _raise(problems)
        rows.sort(key=_number)
        return Declared(top["declaration_id"], version, tuple(rows))

    def _items(self, items: object, top: Row, place: str, problems: list[Problem]) -> list[Row]:
        if type(items) is not list or not 0 < len(items) <= MOST_ITEMS:
            problems.append(problem_at(place, f"is not a list of 1 to {MOST_ITEMS} items"))
            return []
        rows: list[Row] = []
        seen: dict[int, int] = {}
        readers = self._item
        for position, item in enumerate(items):
            if type(item) is not dict:
                problems.append(problem_at(f"{place}[{position}]", "is not an object"))
                continue
            row = top.copy()
            self._fill(row, item, readers, f"{place}[{position}]", problems)
            number = row["item_number"]
            if number is None:
                _require(row, ("item_number",), item, f"{place}[{position}]", problems)
            elif seen.setdefault(number, position) != position:
                where = f"{place}[{position}].item_number"
                problems.append(problem_at(where, f"is the number of items[{seen[number]}] too", "number each item"))
            rows.append(row)
        return rows

    def _fill(
        self, row: Row, given: Mapping[str, object], readers: Mapping[str, Read], place: str, problems: list[Problem]
    ) -> None:
        """Read the fields given into the row. The place is put into words only where there is a problem."""
        for name, value in given.items():
            read = readers.get(name)
            if read is None:
                problems.append(_unknown(name, readers, place))
            elif value is not None:
                try:
                    found = read(value)
                except UnreadableError as error:
                    problems.append(_unreadable(error, name, place))
                else:
                    if found is not None:
                        row[name] = found

    def consignment(self, document: object, place: str = "") -> Filed:
        """Return the consignment of a document; without a number it has that of its document. Raises InputError."""
        problems: list[Problem] = []
        given = _object(document, place)
        version = _version(given, place, problems)
        row: Row = dict.fromkeys(self._consignment)
        self._fill(row, _without_version(given), self._consignment, place, problems)
        row["consignment_id"] = row["consignment_id"] or row["house_document"] or row["master_document"]
        if row["consignment_id"] is None:
            problems.append(problem_at(place, "names no document", "give house_document or master_document"))
        _require(row, ("filed_at",), given, place, problems)
        _raise(problems)
        return Filed(version, row)

    def event(self, document: object, place: str = "") -> Row:
        """Return the event of a document; without a number one is made of what it says. Raises InputError."""
        problems: list[Problem] = []
        given = _object(document, place)
        row: Row = dict.fromkeys(self._event)
        self._fill(row, given, self._event, place, problems)
        subject = row["declaration_id"] or row["document"] or row["container"]
        if subject is None and not {"declaration_id", "document", "container"} & given.keys():
            problems.append(problem_at(place, "names nothing it happened to", "give declaration_id or document"))
        _require(row, ("kind", "occurred_at"), given, place, problems)
        _raise(problems)
        row["event_id"] = row["event_id"] or f"{row['kind']}/{made_moment(row['occurred_at'])}/{subject}"
        return row


def several[D](document: object, name: str, most: int, read: Callable[[object, str], D]) -> list[D | InputError]:
    """Return what each document of `{name: [...]}` is read as, or why it cannot be.

    Raises InputError where the list itself is not as it should be.
    """
    given = _object(document, "")
    problems = [_unknown(other, {name: read}, "") for other in given if other != name]
    listed = given.get(name)
    entries: list[object] = listed if type(listed) is list else []
    if not 0 < len(entries) <= most:
        problems.append(problem_at(name, f"is not a list of 1 to {most:,} entries"))
    _raise(problems)
    return [_one(entry, f"{name}[{number}]", read) for number, entry in enumerate(entries)]


def _one[D](document: object, place: str, read: Callable[[object, str], D]) -> D | InputError:
    try:
        return read(document, place)
    except InputError as error:
        return error


def _readers(table: Table, zone: ZoneInfo) -> dict[str, Read]:
    return {field.name: reader(field, zone) for field in table.fields}


def _version(given: Mapping[str, object], place: str, problems: list[Problem]) -> int | None:
    value = given.get("version")
    if value is None:
        return None
    try:
        number = whole_number(value)
    except UnreadableError as error:
        problems.append(_unreadable(error, "version", place))
        return None
    if number is not None and not 1 <= number <= HIGHEST_VERSION:
        problems.append(problem_at(_joined(place, "version"), f"is not between 1 and {HIGHEST_VERSION:,}"))
        return None
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


def _require(
    row: Row, names: tuple[str, ...], given: Mapping[str, object], place: str, problems: list[Problem]
) -> None:
    """Add a problem for each required field that is absent; an unreadable one has its problem already."""
    absent = [name for name in names if row[name] is None and given.get(name) in (None, "")]
    problems += [problem_at(_joined(place, name), "is required and absent") for name in absent]


def _joined(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _unknown(name: str, known: Mapping[str, object], place: str) -> Problem:
    where = _joined(place, printable(name))
    if name in TOP_ONLY or name == "version":
        return problem_at(where, "stands at the top only: it holds for the whole declaration", "move it to the top")
    if name == "item_number":
        return problem_at(where, "belongs to an item", "move it into each of items")
    return problem_at(where, "is not a field", did_you_mean(name, known.keys()))


def _unreadable(error: UnreadableError, name: str, place: str) -> Problem:
    return problem_at(_joined(place, name) + error.within, error.message, error.suggestion)


def _raise(problems: list[Problem]) -> None:
    if len(problems) > MOST_PROBLEMS:
        rest = len(problems) - MOST_PROBLEMS
        problems = [*problems[:MOST_PROBLEMS], problem_at("", f"and {rest:,} problems more")]
    if problems:
        raise InputError(problems)
