"""Notes what lookouts met, covert ones among them, so that nobody can tell whether one was met.

Whoever writes a group of decisions, a filing or an asking of goods in flight notes what was met, be it nothing: always
by one statement, and always with one event, whose salted digest holds the matches. So neither the events, their number
and place, nor what the database was asked, differ where a covert lookout was met.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.decisions.traces import met_content
from tidewaiter.core.lookout import LookoutMatch
from tidewaiter.storage.records.asking import ask
from tidewaiter.storage.records.audit import Entry
from tidewaiter.storage.records.models.lookout import match_reference, random_reference

NOTED: Final = "matches.note"
"""The action of the events that hold what was met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """A lookout met a declaration in some version, or a consignment."""

    match: LookoutMatch
    version: int
    declaration_id: str = ""
    consignment_id: str = ""


def note_met(met: Sequence[Met], at: datetime) -> Entry:
    """Write the matches that are not noted yet, and return the event that holds them; within the transaction of both.

    A lookout notes a value of a declaration once, of a consignment once a version. A lookout that is no longer in the
    records notes nothing.
    """
    key = random_reference("MN")
    rows = [
        (match_reference(), one.match.reference, one.declaration_id, one.consignment_id, one.version,
         one.match.certainty.value, one.match.value)
        for one in dict.fromkeys(met)
    ]  # fmt: skip
    here = connection.vendor == "sqlite"
    moment = connection.ops.adapt_datetimefield_value(at)
    written = {reference for (reference,) in ask(_NOTE_HERE if here else _NOTE, [moment, key, json.dumps(rows)])}
    names = ("reference", "lookout", "declaration_id", "consignment_id", "version", "certainty", "value")
    lines = [dict(zip(names, row, strict=True)) for row in rows if row[0] in written]
    return Entry(actor=SERVICE.reference, action=NOTED, record=f"matches:{key}", content=met_content(lines, at))


_WRITE = (
    "INSERT INTO records_lookoutmatch (reference, lookout_id, declaration_id, consignment_id, version, certainty, "
    "value, state, met_at, reason, noted) "
    "SELECT {reference}, l.id, {declaration}, {consignment}, {version}, {certainty}, {value}, 'open', %s, '', %s "
    "FROM {rows} JOIN records_lookout l ON l.reference = {lookout} "
    "WHERE NOT EXISTS (SELECT 1 FROM records_lookoutmatch m WHERE m.lookout_id = l.id "
    "AND m.declaration_id = {declaration} AND m.consignment_id = {consignment} AND m.value = {value} "
    "AND (m.declaration_id <> '' OR m.version = {version})) RETURNING reference"
)


def _written(rows: str, version: str) -> str:
    names = ("reference", "lookout", "declaration", "consignment", "version", "certainty", "value")
    places = {name: f"q.value ->> {number}" for number, name in enumerate(names)}
    return _WRITE.format(rows=rows, **places | {"version": version})


_NOTE_HERE: Final = _written("json_each(%s) q", "q.value ->> 4")
_NOTE: Final = _written("jsonb_array_elements(%s::jsonb) q (value)", "(q.value ->> 4)::int")
"""Notes any number of matches at once, on SQLite and on PostgreSQL."""
