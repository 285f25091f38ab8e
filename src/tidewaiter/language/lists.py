"""Reads a named list: entries in the YAML file or in a CSV file beside it, with their validity."""

import csv
import io
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.core.profile import Entry, Match, NamedList
from tidewaiter.language.documents import Entries, Node, Scalar, read_text
from tidewaiter.language.fields import Fields, text_of
from tidewaiter.language.functions import searched_phrase
from tidewaiter.language.literals import day_of

KEYS = ("list", "title", "source", "match", "entries", "file")
_ENTRY_KEYS = ("value", "valid_from", "valid_to", "note")


def read_list(fields: Fields, folder: Path | None) -> NamedList | None:
    """Return the list of a file; None, with the problem noted, when it has no name.

    `folder` is where a CSV file of entries is looked for; None for a text that stands in no folder.
    """
    fields.refuse_unknown(KEYS, "a list")
    name = fields.text("list")
    if not name:
        fields.say("the list has no name", fields.node.get("list") or fields.node, "write 'list: watched-exporters'")
        return None
    match = fields.one_of("match", Match, Match.EXACT)
    entries = [entry for node in fields.items("entries") if (entry := _entry(fields, node, match))]
    if "file" in fields.node.by_key:
        entries += _entries_of_file(fields, match, folder)
    elif "entries" not in fields.node.by_key:
        fields.say(f"list '{name}' has no entries", fields.node, "write 'entries:' or 'file: name.csv'")
    return NamedList(
        name=name,
        entries=tuple(entries),
        match=match,
        title=fields.text("title"),
        source=fields.text("source"),
        place=(fields.node.get("list") or fields.node).place,
    )


def _entry(fields: Fields, node: Node, match: Match) -> Entry | None:
    if isinstance(node, Scalar):
        return _checked(Entry(text_of(node)), match, node.place, fields.problems)
    record = fields.record(node, "an entry")
    if record is None:
        return None
    record.refuse_unknown(_ENTRY_KEYS, "an entry")
    entry = Entry(record.text("value"), record.day("valid_from"), record.day("valid_to"), record.text("note"))
    return _checked(entry, match, node.place, fields.problems)


def _checked(entry: Entry, match: Match, place: Place, problems: list[Problem]) -> Entry | None:
    if not entry.value:
        problems.append(Problem("an entry has no value", place, "write 'value:', or remove it"))
        return None
    if match is Match.WORDS and searched_phrase(entry.value) is None:
        advice = "write letters or digits; a final * stands directly after them"
        problems.append(Problem(f"'{entry.value}' is no word to search", place, advice))
        return None
    if entry.valid_from and entry.valid_to and entry.valid_from > entry.valid_to:
        problems.append(Problem(f"entry '{entry.value}' ends before it begins", place, "exchange the two days"))
    return entry


def _entries_of_file(fields: Fields, match: Match, folder: Path | None) -> list[Entry]:
    node = fields.scalar("file")
    if node is None:
        return []
    if folder is None:
        fields.say("a list kept as a text has no file beside it", node, "write the entries under 'entries:'")
        return []
    name = Path(node.text)
    if name.is_absolute() or ".." in name.parts:
        fields.say(f"'{node.text}' is not beside the list", node, "name a CSV file in the folder of this file")
        return []
    path = folder / name
    try:
        text = read_text(path)
    except InputError as error:
        for problem in error.problems:
            fields.say(f"file '{node.text}' {problem.message}", node, problem.suggestion)
        return []
    return _entries_of_csv(text, str(path), match, fields.problems)


def _entries_of_csv(text: str, file: str, match: Match, problems: list[Problem]) -> list[Entry]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, restval="")
    entries: list[Entry] = []
    try:
        names = list(reader.fieldnames or ())
        unknown = [name for name in names if name not in _ENTRY_KEYS]
        if "value" not in names or unknown or len(set(names)) != len(names):
            problem = f"columns are {', '.join(names) or 'missing'}"
            problems.append(Problem(problem, Place(file, 1), f"use value and, if needed, {', '.join(_ENTRY_KEYS[1:])}"))
            return []
        for row in reader:
            entry = _entry_of_row(row, Place(file, reader.line_num), problems)
            if entry and (checked := _checked(entry, match, Place(file, reader.line_num), problems)):
                entries.append(checked)
    except csv.Error as error:
        problems.append(Problem(f"is not CSV: {error}", Place(file, reader.line_num + 1), "check quotes"))
    return entries


def _entry_of_row(row: Mapping[str | None, object], place: Place, problems: list[Problem]) -> Entry | None:
    if None in row:
        problems.append(Problem("the line has more cells than columns", place, "quote values that contain commas"))
        return None
    cells = {str(key): unicodedata.normalize("NFC", str(value).strip()) for key, value in row.items()}
    days = {key: day_of(cells.get(key, "")) for key in ("valid_from", "valid_to")}
    for key, day in days.items():
        if cells.get(key) and day is None:
            problems.append(Problem(f"{key}: '{cells[key]}' is no day of the calendar", place, "write YYYY-MM-DD"))
    return Entry(cells["value"], days["valid_from"], days["valid_to"], cells.get("note", ""))


def is_list(node: Node) -> bool:
    """Tell whether a document is a named list."""
    return isinstance(node, Entries) and "list" in node.by_key
