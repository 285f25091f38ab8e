"""The content of a row and of a version as a digest, written as SQL so that a million rows take a few seconds.

A row's content is the text `name=value` of every field that is not absent, in the order of the table; so a field added
later, absent in old rows, leaves their digest as it was. A version's content is the digest of its rows' digests in
sorted order: the order of the file does not matter. When it was known or loaded is no content.
"""

from tidewaiter.core.tables import Field, FieldType, Table
from tidewaiter.storage.lake.schema import quoted

BETWEEN_FIELDS = "chr(31)"
BETWEEN_ENTRIES = "chr(30)"
BETWEEN_PARTS = "chr(29)"
"""Information separators of ASCII, which ingest takes out of every text."""


def row_digest(table: Table) -> str:
    """Return the DuckDB expression for the digest of a row's content over the table's fields."""
    parts = ", ".join(f"'{field.name}=' || {_text(field, quoted(field.name))}" for field in table.fields)
    return f"md5(concat_ws({BETWEEN_FIELDS}, {parts}))"


def version_digest(row_digests: str) -> str:
    """Return the DuckDB aggregate that makes a version's digest of the column with its rows' digests."""
    return f"md5(string_agg({row_digests}, '' ORDER BY {row_digests}))"


def _text(field: Field, value: str) -> str:
    match field.type:
        case FieldType.INSTANT:
            return f"CAST(epoch_us({value}) AS VARCHAR)"
        case FieldType.CODES:
            return f"array_to_string({value}, {BETWEEN_ENTRIES})"
        case FieldType.RECORDS:
            parts = ", ".join(f"'{part.name}=' || {_text(part, f'part.{quoted(part.name)}')}" for part in field.fields)
            entry = f"concat_ws({BETWEEN_PARTS}, {parts})"
            return f"array_to_string(list_transform({value}, lambda part: {entry}), {BETWEEN_ENTRIES})"
        case FieldType.TEXT | FieldType.CODE:
            return value
        case _:
            return f"CAST({value} AS VARCHAR)"
