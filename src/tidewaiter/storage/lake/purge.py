"""Purging: the one way in which what was loaded goes again, from the tables and from everything made of them.

What goes is settled by keys. Rows of the records themselves are removed with all their versions; other records that
name them lose that name. Statistics, facts and percentiles keep nothing: all that was derived is removed from disk and
is made again, when next asked for, from the rows that are left, so counts are then without the purged rows.
"""

import csv
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

import duckdb

from tidewaiter.core.errors import InputError, LakeError, Problem
from tidewaiter.core.tables import CONSIGNMENTS, DECLARATIONS, SEIZURES, TABLES, Table
from tidewaiter.storage.lake.lake import Lake, Snapshot
from tidewaiter.storage.lake.manifest import Manifest, sync_folder
from tidewaiter.storage.lake.purged_rows import (
    KEYS,
    Noted,
    has_party,
    is_long,
    note_words,
    purged_rows,
    tidy,
    touched,
)
from tidewaiter.storage.lake.schema import create_view, path_literal, quoted
from tidewaiter.storage.lake.writer import LakeWriter

REJECTS = "rejects"
PURGED = "purged"
"""Stands in a rejects file for the value and the reason of a row that named what was purged."""


class PartyRule(StrEnum):
    """What becomes of the records in which a purged party is a party."""

    BLANK = "blank"
    """They stay; code, name and address of that party go, and every free text that names it."""
    REMOVE = "remove"
    """They go: declarations with all items and versions, consignments, seizures, and what hangs on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyPurge:
    """A person or company to be purged: every code and every spelling of the name, matched in any case."""

    codes: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    rule: PartyRule = PartyRule.BLANK


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """What is to go.

    With a declaration go its items, events, results and the incumbent's decision; a seizure keeps, without its number.
    With a consignment go its own events; declarations, other consignments and seizures keep, without the document.
    The list itself names what must not be named: keep it as closely as the records it purges.
    """

    declarations: frozenset[str] = frozenset()
    consignments: frozenset[str] = frozenset()
    acts: frozenset[str] = frozenset()
    seizures: frozenset[str] = frozenset()
    parties: tuple[PartyPurge, ...] = ()


@dataclass(frozen=True, slots=True)
class TablePurged:
    """Rows removed from a table, and rows that stayed and lost something."""

    removed: int = 0
    blanked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeResult:
    """What was removed, by table (tables without a match are left out), and rows of rejects files made blank.

    `state` names the state of the lake after it.
    """

    tables: Mapping[str, TablePurged] = field(default_factory=dict)
    rejects: int = 0
    state: str = ""


def purge_lake(lake: Lake, purge: Purge) -> PurgeResult:
    """Purge the lake in one commit, and remove at once every file that still held what was purged.

    A process killed meanwhile leaves the tables as before or as after; what it left undeleted, the next purge or any
    other write removes first. Purging twice changes nothing. A snapshot taken before can no longer be read: let long
    reads end first, and take a new snapshot after. What is loaded again later must be purged again.
    Raises InputError for an empty word or a party without code and name, LakeError while another process writes.
    """
    _check(purge)
    with lake.writing() as writer:
        snapshot = Snapshot(lake.folder, writer.manifest)
        rejects = _purge_rejects(lake.folder / REJECTS, _words(purge))
        with duckdb.connect(config={"threads": 2, "temp_directory": str(writer.staging_folder())}) as connection:
            snapshot.register(connection)
            noted = _noted(connection, purge)
            tables = {table.name: _purge_table(connection, snapshot, table, noted, writer) for table in TABLES.values()}
        found = {name: counts for name, counts in tables.items() if counts != TablePurged()}
        if found or snapshot.manifest.superseded:
            writer.purge()
    after = lake.snapshot()
    _check_gone(lake.folder, snapshot.manifest, after.manifest)
    return PurgeResult(tables=found, rejects=rejects, state=after.id)


def _check(purge: Purge) -> None:
    problems = []
    named = {"declarations": purge.declarations, "consignments": purge.consignments}
    named |= {"acts": purge.acts, "seizures": purge.seizures}
    for at, party in enumerate(purge.parties):
        named |= {f"codes of party {at + 1}": party.codes, f"names of party {at + 1}": party.names}
        if not party.codes and not party.names:
            problems.append(Problem(f"party {at + 1} has neither code nor name"))
    problems += [Problem(f"{what}: a word is empty") for what, words in named.items() if not all(map(tidy, words))]
    if problems:
        raise InputError(problems)


def _words(purge: Purge) -> list[str]:
    parties = [word for party in purge.parties for word in (*party.codes, *party.names)]
    return [*purge.declarations, *purge.consignments, *purge.acts, *purge.seizures, *parties]


def _keys(purge: Purge) -> dict[str, frozenset[str]]:
    return dict(zip(KEYS, (purge.declarations, purge.consignments, purge.acts, purge.seizures), strict=True))


def _noted(connection: duckdb.DuckDBPyConnection, purge: Purge) -> Noted:
    """Note all words, the numbers of the records that go with a removed party among them."""
    keys = _keys(purge)
    removed = [party for party in purge.parties if party.rule is PartyRule.REMOVE]
    if removed:
        note_words(connection, keys={}, codes=_codes(removed), names=_names(removed))
        of = {"declaration": DECLARATIONS, "consignment": CONSIGNMENTS, "seizure": SEIZURES}
        keys |= {kind: keys[kind] | _numbers(connection, table) for kind, table in of.items()}
    return note_words(connection, keys=keys, codes=_codes(purge.parties), names=_names(purge.parties))


def _numbers(connection: duckdb.DuckDBPyConnection, table: Table) -> frozenset[str]:
    (key,) = table.key
    query = f"SELECT DISTINCT {quoted(key)} FROM {quoted(table.name)} WHERE {has_party(table)}"
    return frozenset(number for (number,) in connection.execute(query).fetchall())


def _codes(parties: Collection[PartyPurge]) -> frozenset[str]:
    return frozenset(code for party in parties for code in party.codes)


def _names(parties: Collection[PartyPurge]) -> frozenset[str]:
    return frozenset(name for party in parties for name in party.names)


def _purge_table(
    connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, table: Table, noted: Noted, writer: LakeWriter
) -> TablePurged:
    """Write anew every month of the table that holds what goes."""
    removed = blanked = 0
    for partition, paths in snapshot.partitions(table.name).items():
        _view_part(connection, table, paths)
        ((goes, changes),) = connection.execute(touched(table, noted)).fetchall()
        if goes or changes:
            path = writer.staging_file()
            connection.execute(
                f"COPY ({purged_rows(table, noted)}) TO {path_literal(str(path))} (FORMAT parquet, COMPRESSION zstd)"
            )
            rows = sum(file.rows for file in snapshot.manifest.tables[table.name][partition])
            writer.replace(table.name, partition, path if rows > goes else None)
            removed, blanked = removed + goes, blanked + changes
    return TablePurged(removed, blanked)


def _view_part(connection: duckdb.DuckDBPyConnection, table: Table, paths: list[str]) -> None:
    """Make the view `part` over these files of a table, with every column in its type."""
    create_view(connection, table, paths)
    name = quoted(table.name)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW part AS SELECT * FROM {name}")


def _purge_rejects(folder: Path, words: Collection[str]) -> int:
    """Make blank, in the files of rejected rows, what names a purged word; return how many rows did."""
    wanted = frozenset(tidy(word).casefold() for word in words)
    return sum(_purge_rejects_file(path, wanted) for path in sorted(folder.glob("*.csv"))) if wanted else 0


def _purge_rejects_file(path: Path, words: frozenset[str]) -> int:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    kept = [[*row[:2], PURGED, PURGED] if any(_names_any(cell, words) for cell in row[2:]) else row for row in rows]
    if kept == rows:
        return 0
    aside = path.with_suffix(".aside")
    with aside.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *kept])
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    sync_folder(path.parent)
    return sum(new != old for new, old in zip(kept, rows, strict=True))


def _names_any(cell: str, words: frozenset[str]) -> bool:
    text = tidy(cell).casefold()
    return text in words or any(is_long(word) and word in text for word in words)


def _check_gone(folder: Path, before: Manifest, after: Manifest) -> None:
    """Raise LakeError when a file that the purge made void could not be removed."""
    void = [folder / path for path in before.named() - after.named()]
    void += [folder / replace(after, purges=number).derived for number in range(after.purges)]
    left = [path for path in void if path.exists()]
    if left:
        raise LakeError(
            f"the purge is committed, but {len(left)} files that hold what was purged could not be removed, "
            f"as {left[0]}; see to the rights of the folder and purge again"
        )
