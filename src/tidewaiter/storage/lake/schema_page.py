"""The page that documents every table field by field, made from the tables themselves."""

from tidewaiter.core.tables import TABLES, Field, FieldType, Table

_TYPES = {
    FieldType.TEXT: "text",
    FieldType.CODE: "code",
    FieldType.INTEGER: "whole number",
    FieldType.DECIMAL: "decimal",
    FieldType.RATIO: "ratio",
    FieldType.DATE: "date",
    FieldType.INSTANT: "instant",
    FieldType.FLAG: "flag",
    FieldType.CODES: "list of codes",
    FieldType.RECORDS: "list of records",
}
_CODES = {
    "countries": "ISO 3166-1 alpha-2",
    "currencies": "ISO 4217",
    "locations": "UN/LOCODE",
    "hs": "Harmonized System: 2, 4 or 6 to 12 digits, chapter 01 to 99 without 77",
}

HEAD = """# Tables

*Made from `tidewaiter.core.tables`; `storage/lake/schema_page.py` writes this page and a test holds it up to date.*

How values are kept:

- **text**: Unicode NFC without outer white space. **code**: the same in upper case. Empty is absent.
- **decimal**: exact, 18 digits, of the scale stated; more decimals are rounded to the nearest, half away from zero.
  Money is in the currency stated: *national* is the administration's own.
- **instant**: microseconds in UTC. **date**: a calendar day of the administration. **ratio**: a finite double.
- Absent is absent (null), never 0. NaN in a number is absent; infinity is rejected.
- A code that its list does not know is kept and shows as a fact; only what cannot be read or keyed is rejected.

Every row has five columns more, added when it is loaded:

| column | type | meaning |
|---|---|---|
| `version` | whole number | counts from 1 within a key; a version is the complete set of rows of its key |
| `known_at` | instant | when the administration knew the row: given, or by the mapping's rule, else the day field |
| `loaded_at` | instant | when the lake got the row |
| `counted_on` | date | the day from whose close the row counts in statistics (see below) |
| `content_digest` | text | digest of the whole version, whatever the order of its rows and whenever known or loaded |

A row counts from the calendar day of its `known_at`, or from the day after the last closed day if that is later: what
comes late never alters a day that is closed.

Versions: content that equals the latest version is *unchanged*, and so is content that equals any version with the same
`known_at` (an old file loaded again). Other content is the next version. Where the file gives the version itself, the
same version with other content is rejected.

Rows lie in one partition a month, by the calendar of the administration, of the table's day field.
"""


def schema_page() -> str:
    """Return the page as Markdown."""
    return "\n".join([HEAD, *(_table(table) for table in TABLES.values())])


def _table(table: Table) -> str:
    keys = ", ".join(f"`{name}`" for name in table.key)
    rows = (
        f" The rows of one version are told apart by {', '.join(f'`{name}`' for name in table.rows)}."
        if table.rows
        else ""
    )
    lines = [
        f"## {table.name}",
        "",
        table.meaning,
        "",
        f"Key: {keys}.{rows} Day: `{table.day}`.",
        "",
        "| field | type | required | meaning |",
        "|---|---|---|---|",
        *(_row(field) for field in table.fields),
        "",
    ]
    return "\n".join(lines)


def _row(field: Field, within: str = "") -> str:
    required = "yes" if field.required else ""
    row = f"| `{within}{field.name}` | {_type(field)} | {required} | {_meaning(field)} |"
    return "\n".join([row, *(_row(part, f"{field.name}.") for part in field.fields)])


def _type(field: Field) -> str:
    scale = f", {field.scale} decimals" if field.type is FieldType.DECIMAL else ""
    return _TYPES[field.type] + scale


def _meaning(field: Field) -> str:
    parts = [field.meaning.rstrip(".")]
    if field.unit == "money":
        parts.append("national currency" if field.currency == "national" else f"currency in `{field.currency}`")
    elif field.unit and field.type is not FieldType.INSTANT:
        parts.append(f"unit: {field.unit}")
    if field.codes:
        parts.append(_CODES[field.codes])
    if field.values:
        parts.append("one of " + ", ".join(f"`{value}`" for value in field.values))
    return "; ".join(parts)
