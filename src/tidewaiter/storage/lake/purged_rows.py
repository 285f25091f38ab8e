"""What a purge does to the rows of a table, written as DuckDB expressions over the purged words.

The words stand in temporary tables and variables of the connection, made by `note_words`.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import duckdb

from tidewaiter.core.tables import Field, FieldType, Table
from tidewaiter.storage.lake.digest import BETWEEN_FIELDS, row_digest
from tidewaiter.storage.lake.schema import quoted

LEAST_BYTES = 4
"""A word shorter than this in UTF-8 is looked for in its own columns only: free text would hold it by accident."""

_WORDS_A_PATTERN = 500
KEYS = ("declaration", "consignment", "act", "seizure")
_LONG_TABLES = frozenset({"declarations", "consignments"})
"""Tables whose texts describe goods and parties: numbers of records are not looked for in them."""
_DOCUMENTS = ("house_document", "master_document", "previous_document", "document")
"""Columns that name a consignment and stand in records that outlive it."""

_GONE = {
    "declarations": "declaration_id IN (FROM purged_declaration)",
    "events": "declaration_id IN (FROM purged_declaration) OR (document IN (FROM purged_consignment) AND ("
    "declaration_id IS NULL OR ends_with(event_id, '/' || document)))",
    "consignments": "consignment_id IN (FROM purged_consignment)",
    "results": "declaration_id IN (FROM purged_declaration) OR act_id IN (FROM purged_act)",
    "incumbent": "declaration_id IN (FROM purged_declaration)",
    "seizures": "seizure_number IN (FROM purged_seizure)",
}
"""By table the rows that go, as SQL; a row that names no purged key may still lose single fields."""


@dataclass(frozen=True, slots=True)
class Noted:
    """How many patterns there are of keys and of parties, each held in a variable of the connection."""

    keys: int
    parties: int


def note_words(
    connection: duckdb.DuckDBPyConnection,
    *,
    keys: Mapping[str, Collection[str]],
    codes: Collection[str],
    names: Collection[str],
) -> Noted:
    """Make the tables and variables that the expressions read. `keys` is by declaration, consignment, act, seizure."""
    for kind in KEYS:
        word = "upper(word)" if kind == "consignment" else "word"
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE purged_{kind} AS SELECT {word} AS word FROM "
            "(SELECT unnest(?::VARCHAR[]) AS word)",
            [sorted({tidy(word) for word in keys.get(kind, ())})],
        )
    numbers = [word for words in keys.values() for word in words]
    texts = [word for word in (*codes, *names) if is_long(word)]
    long = [word for word in numbers if is_long(word)]
    listed = {"party_codes": codes, "party_names": names, "party_words": texts, "key_words": long}
    for name, words in listed.items():
        connection.execute(
            f"SET VARIABLE {name} = (SELECT coalesce(list({_folded('word')}), []) "
            "FROM (SELECT unnest(?::VARCHAR[]) AS word))",
            [sorted({tidy(word) for word in words})],
        )
    noted = {
        "key": list(patterns(long)),
        "party": list(patterns(texts)),
    }
    for kind, found in noted.items():
        for at, pattern in enumerate(found):
            connection.execute(f"SET VARIABLE {kind}_pattern_{at} = ?", [pattern])
    return Noted(len(noted["key"]), len(noted["party"]))


def patterns(words: Collection[str]) -> Iterator[str]:
    """Yield regular expressions that find any of the words as whole words, in any case and any white space.

    Letters outside ASCII end a word too: many scripts write endings, or the next word, without a space.
    """
    tidied = sorted({tidy(word) for word in words})
    for at in range(0, len(tidied), _WORDS_A_PATTERN):
        chosen = tidied[at : at + _WORDS_A_PATTERN]
        either = "|".join(r"\s+".join(re.escape(part) for part in word.split()) for word in chosen)
        yield rf"(?i)(^|[^0-9A-Za-z])({either})($|[^0-9A-Za-z])"


def is_long(word: str) -> bool:
    """Tell whether a word is long enough to be looked for in free text."""
    return len(tidy(word).encode()) >= LEAST_BYTES


def tidy(word: str) -> str:
    """Return a word as ingest keeps texts: Unicode NFC, outer white space removed; white space within made single."""
    return " ".join(unicodedata.normalize("NFC", word).split())


def gone(table: Table) -> str:
    """Return the expression that says of a row that it goes."""
    return f"coalesce({_GONE[table.name]}, false)"


def has_party(table: Table) -> str:
    """Return the expression that says of a row that a purged party is one of its parties."""
    tests = [_is_party(role) for role in _roles(table)]
    if table.name == "seizures":
        tests.append(_an_entry_is_party("parties"))
    return " OR ".join(f"coalesce({test}, false)" for test in tests) or "false"


def purged_rows(table: Table, noted: Noted) -> str:
    """Return the query for the rows of the view `part` that stay, with the columns of the table, digests made anew."""
    columns = _emptied(table)
    new = ", ".join(
        f"CASE WHEN {test} THEN {value} ELSE {quoted(name)} END AS {quoted(name)}"
        for name, (test, value) in columns.items()
    )
    version = ", ".join(quoted(name) for name in (*table.key, "version"))
    order = ", ".join(quoted(name) for name in (table.day, *table.key, *table.rows, "version"))
    return f"""
        WITH marked AS ({_marked(table, noted)}),
             kept AS (SELECT *, {_changed(columns)} AS purge_changed FROM marked WHERE NOT {gone(table)}),
             emptied AS (SELECT * REPLACE ({new}) FROM kept),
             digested AS (SELECT *, {row_digest(table)} AS purge_digest FROM emptied)
        SELECT * EXCLUDE (purge_party, purge_key, purge_changed, purge_digest) REPLACE (
            CASE WHEN bool_or(purge_changed) OVER (PARTITION BY {version})
                 THEN md5(string_agg(purge_digest, '' ORDER BY purge_digest) OVER (PARTITION BY {version}))
                 ELSE content_digest END AS content_digest)
        FROM digested ORDER BY {order}
    """


def touched(table: Table, noted: Noted) -> str:
    """Return the query for how many rows of the view `part` go, and how many of the others lose something."""
    return f"""
        WITH marked AS ({_marked(table, noted)})
        SELECT count(*) FILTER (goes), count(*) FILTER (NOT goes AND changes)
        FROM (SELECT {gone(table)} AS goes, {_changed(_emptied(table))} AS changes FROM marked)
    """


def _marked(table: Table, noted: Noted) -> str:
    """Return the query for the rows of `part`, saying of each whether its free texts name a party, or a key.

    A row's texts are searched as one: making a pattern ready takes longer than running it over thousands of rows.
    """
    texts = ", ".join(quoted(field.name) for field in table.fields if _is_free(field))
    of = {"party": noted.parties, "key": 0 if table.name in _LONG_TABLES else noted.keys}
    named = {
        kind: " OR ".join(f"regexp_matches(purge_texts, getvariable('{kind}_pattern_{at}'))" for at in range(count))
        for kind, count in of.items()
    }
    marks = ", ".join(f"{test or 'false'} AS purge_{kind}" for kind, test in named.items())
    return f"""
        SELECT * EXCLUDE (purge_texts), {marks}
        FROM (SELECT *, concat_ws({BETWEEN_FIELDS}, {texts}) AS purge_texts FROM part)
    """


def _changed(columns: Mapping[str, tuple[str, str]]) -> str:
    return " OR ".join(test for test, _ in columns.values())


def _emptied(table: Table) -> dict[str, tuple[str, str]]:
    """Return by column the test for a value that must not stay, and the expression for what stands in its place."""
    result = {}
    for field in table.fields:
        test = _must_go(table, field)
        if test:
            result[field.name] = (f"coalesce({test}, false)", "NULL")
    if table.name == "seizures":
        nobody = "struct_pack(role := one.role, code := NULL::VARCHAR, name := NULL::VARCHAR)"
        kept = f"list_transform(parties, lambda one: CASE WHEN {_entry_is_party('one')} THEN {nobody} ELSE one END)"
        result["parties"] = (f"coalesce({_an_entry_is_party('parties')}, false)", kept)
    return result


def _must_go(table: Table, field: Field) -> str:
    """Return when a field's value must go; empty when never: a key, a word of ours, a figure."""
    name, role = quoted(field.name), field.name.rpartition("_")[0]
    if field.required or field.values:
        return ""
    tests = [_is_party(role)] if role in _roles(table) else []
    if _is_free(field):
        tests += [_names(name, kind) for kind in ("party", "key")]
    if field.name == "declaration_id":
        tests.append(f"{name} IN (FROM purged_declaration)")
    if field.name in _DOCUMENTS:
        tests.append(f"{name} IN (FROM purged_consignment)")
    return " OR ".join(tests)


def _is_free(field: Field) -> bool:
    """Tell whether people write into the field as they like."""
    return field.type is FieldType.TEXT and not field.required and not field.values


def _names(column: str, kind: str) -> str:
    """Return the test that a text of a row that names a word of that kind is where it does."""
    inside = f"list_filter(getvariable('{kind}_words'), lambda word: contains({_folded(column)}, word))"
    return f"CASE WHEN purge_{kind} THEN len({inside}) > 0 ELSE false END"


def _roles(table: Table) -> tuple[str, ...]:
    """Return the parties that a table has columns for."""
    names = {field.name for field in table.fields}
    roles = (name.removesuffix("_code") for name in sorted(names) if name.endswith("_code"))
    return tuple(role for role in roles if f"{role}_name" in names)


def _is_party(role: str) -> str:
    code, name = _folded(f"{role}_code"), _folded(f"{role}_name")
    return f"({code} IN getvariable('party_codes') OR {name} IN getvariable('party_names'))"


def _an_entry_is_party(entries: str) -> str:
    return f"len(list_filter({entries}, lambda one: {_entry_is_party('one')})) > 0"


def _entry_is_party(entry: str) -> str:
    code, name = _folded(f"{entry}.code"), _folded(f"{entry}.name")
    return (
        f"(coalesce(list_contains(getvariable('party_codes'), {code}), false) "
        f"OR coalesce(list_contains(getvariable('party_names'), {name}), false))"
    )


def _folded(value: str) -> str:
    return f"upper(trim(regexp_replace({value}, '\\s+', ' ', 'g')))"
