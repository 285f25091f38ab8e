"""A mapping proposed for a file from headers and a sample of its cells; it loads as it stands, a person checks it."""

import json
import re
from collections.abc import Mapping
from difflib import SequenceMatcher
from pathlib import Path

import pyarrow as pa

from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.core.mapping import FileFormat
from tidewaiter.core.tables import TABLES, Field, FieldType, Table
from tidewaiter.storage.lake.formats.chunk import InputFile
from tidewaiter.storage.lake.formats.opened import open_input
from tidewaiter.storage.lake.ingest.samples import Looks, looks

SAMPLE = 2000
NEAR_ENOUGH = 0.82
MADE = {"results": "act_id", "events": "event_id", "consignments": "consignment_id"}
USUAL = {"item_number": "1", "flow": "import", "act": "physical", "state": "final", "kind": "released"}

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "declaration_id": (
        "declaration number",
        "declaration no",
        "decl id",
        "sad number",
        "mrn",
        "entry number",
        "reference",
    ),
    "item_number": ("item", "item no", "line number", "line no", "article"),
    "lodged_at": ("date", "declaration date", "registration date", "lodgement date", "reg date", "entry date"),
    "flow": ("direction", "regime type", "import export"),
    "office": ("office id", "office code", "customs office", "station", "port of entry"),
    "declaration_type": ("process type", "regime", "type of declaration"),
    "requested_procedure": ("procedure", "cpc", "procedure code"),
    "nature_of_transaction": ("import type", "transaction type"),
    "purpose": ("import use", "use"),
    "payment_terms": ("payment type", "payment method", "terms of payment"),
    "transport_mode": ("mode of transport", "mode"),
    "declarant_code": ("declarant id", "declarant", "broker", "broker id", "broker code", "agent"),
    "importer_code": (
        "importer id",
        "importer",
        "importer tin",
        "consignee id",
        "consignee code",
        "taxpayer id",
        "tin",
    ),
    "importer_name": ("name of importer", "consignee name", "consignee"),
    "exporter_code": ("exporter id", "exporter", "shipper id"),
    "exporter_name": ("shipper", "shipper name", "supplier", "supplier name"),
    "seller_code": ("seller id", "seller", "overseas supplier"),
    "carrier_code": ("courier id", "carrier id", "carrier", "courier"),
    "hs_code": ("hs", "hs6 code", "hs6", "hs10", "commodity code", "tariff code", "tariff", "commodity", "hscode"),
    "description": ("goods description", "description of goods", "commercial description", "goods"),
    "origin": ("country of origin", "origin country", "origin code", "cty orig"),
    "departure": ("country of departure", "country of export", "country of dispatch", "export country"),
    "destination": ("country of destination",),
    "net_mass": ("net weight", "net mass kg", "net weight kg", "net kg"),
    "gross_mass": ("gross weight", "gross mass kg", "gross weight kg", "gross kg"),
    "customs_value": ("item price", "cif value", "statistical value", "value", "assessed value", "cif"),
    "invoice_value": ("invoice amount", "fob value", "price"),
    "invoice_currency": ("currency", "currency code"),
    "exchange_rate": ("rate of exchange",),
    "previous_document": ("bill of lading", "bl number", "awb", "transport document", "house bill"),
    "containers": ("container", "container number", "container no"),
    "proof_of_origin": ("country of origin indicator",),
    "completed_at": ("inspection date", "examination date", "date"),
    "outcome": ("result", "finding", "inspection result"),
    "decided_at": ("decision date", "date"),
    "channel": ("lane", "colour", "color", "selectivity"),
    "occurred_at": ("event date", "timestamp", "date"),
    "seized_at": ("seizure date", "date"),
    "filed_at": ("manifest date", "filing date", "date"),
}


def suggest_mapping(file: Path | str) -> str:
    """Return the text of a mapping for the file, with a comment at each column saying why it was taken.

    Raises InputError when the file cannot be read, or when no column can be the key or the day of any table.
    """
    path = Path(file)
    opened = open_input(path, FileFormat(), ())
    seen = _sample(opened)
    choices = {name: _choose(table, seen) for name, table in TABLES.items()}
    complete = {name: chosen for name, chosen in choices.items() if not _missing(TABLES[name], chosen)}
    if not complete:
        lacks = ", ".join(_missing(TABLES["declarations"], choices["declarations"]))
        raise InputError(
            Problem(
                f"no column was found for {lacks} of table declarations",
                Place(str(path), 1),
                f"write a mapping by hand; the columns are {', '.join(seen)}",
            )
        )
    name = max(complete, key=lambda table: sum(score for _, score, _ in complete[table].values()))
    return _written(path, TABLES[name], complete[name], seen)


def _sample(opened: InputFile) -> dict[str, Looks]:
    names = [name for name in opened.headers if name]
    chunk = next(iter(opened.chunks(names)), None)
    if chunk is None:
        return {name: looks([]) for name in names}
    cells = [column.slice(0, SAMPLE) for column in chunk.cells.columns]
    return {name: looks(_texts(column)) for name, column in zip(names, cells, strict=True)}


def _texts(column: pa.ChunkedArray) -> list[str | None]:
    return [None if value is None else str(value) for value in column.to_pylist()]


def _plain(header: str) -> str:
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", header)
    return " ".join(re.sub(r"[^a-z0-9]+", " ", apart.lower()).split())


type Chosen = dict[str, tuple[str, float, str]]
"""By field: the column, how sure (0 to 1), and why."""


def _choose(table: Table, seen: Mapping[str, Looks]) -> Chosen:
    """Give each field at most one column and each column at most one field, the surest first."""
    rated = [
        (score, field.name, header, why)
        for field in table.fields
        for header, look in seen.items()
        for score, why in [_rating(field, header, look)]
        if score >= NEAR_ENOUGH
    ]
    chosen: Chosen = {}
    for score, name, header, why in sorted(rated, key=lambda one: (-one[0], one[1], one[2])):
        if name not in chosen and header not in {column for column, _, _ in chosen.values()}:
            chosen[name] = (header, score, why)
    return chosen


def _rating(field: Field, header: str, look: Looks) -> tuple[float, str]:
    """Return how sure it is that the column holds the field, and why; 0 where its cells could not be read as such."""
    if field.type is FieldType.RECORDS or not _readable(field, look):
        return 0.0, ""
    own, plain = _plain(field.name), _plain(header)
    if plain == own:
        return 1.0, "its name"
    if plain in SYNONYMS.get(field.name, ()):
        return 0.95, f"usual name of {field.name}"
    names = (own, *SYNONYMS.get(field.name, ()))
    nearest = max(SequenceMatcher(None, plain, name).ratio() for name in names)
    return nearest * 0.93, f"name like {field.name}"


def _readable(field: Field, look: Looks) -> bool:
    if not look.filled:
        return not field.required
    match field.type:
        case FieldType.INSTANT | FieldType.DATE:
            return bool(look.date_format)
        case FieldType.DECIMAL | FieldType.INTEGER | FieldType.RATIO:
            return look.number
        case FieldType.FLAG:
            return all(cell.lower() in ("true", "false", "0", "1", "yes", "no", "y", "n") for cell in look.examples)
        case _:
            known = {"countries": look.country, "currencies": look.currency, "hs": look.hs}.get(field.codes, True)
            return known and (
                not field.values or set(map(str.lower, look.examples)) <= set(map(str.lower, field.values))
            )


def _missing(table: Table, chosen: Chosen) -> list[str]:
    """Return the required fields for which there is neither a column nor a usual constant."""
    free = {*USUAL, MADE.get(table.name, "")}
    if table.name == "consignments" and not {"house_document", "master_document"} & chosen.keys():
        free.discard("consignment_id")
    return [
        field.name for field in table.fields if field.required and field.name not in chosen and field.name not in free
    ]


def _written(path: Path, table: Table, chosen: Chosen, seen: Mapping[str, Looks]) -> str:
    lines = [
        f"# Proposed from the headers and the first {SAMPLE:,} rows of {path.name}. Check every line before use.",
        f"name: {re.sub(r'[^a-z0-9]+', '-', path.stem.lower()).strip('-') or 'mapping'}",
        "tables:",
        f"  {table.name}:",
    ]
    for field in table.fields:
        if field.name in chosen:
            header, _, why = chosen[field.name]
            samples = ", ".join(seen[header].examples) or "nothing"
            lines.append(
                f"    {field.name}: {_source(field, header, seen[header])}  # {why}; holds {_comment(samples)}"
            )
        elif field.required and field.name in USUAL:
            constant = USUAL[field.name]
            lines.append(
                f"    {field.name}: {{constant: {constant}}}  # no column found: the same for every row; check"
            )
    used = {header for header, _, _ in chosen.values()}
    left = [header for header in seen if header not in used]
    if left:
        lines.append("# Columns without a field:")
        lines += [
            f"#   {_comment(header)}: holds {_comment(', '.join(seen[header].examples) or 'nothing')}"
            for header in left
        ]
    return "\n".join(lines) + "\n"


def _comment(text: str) -> str:
    """Return text that stays on one line of a comment."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:80]


def _source(field: Field, header: str, look: Looks) -> str:
    """Return the YAML of a source; JSON text is YAML, so any header is safe in quotes."""
    column = json.dumps(header, ensure_ascii=False)
    if field.codes == "hs" and look.short_hs:
        return f"{{column: {column}, pad: 6}}"
    if field.type in (FieldType.INSTANT, FieldType.DATE) and look.date_format not in ("", "iso", "%Y-%m-%d"):
        return f"{{column: {column}, format: {json.dumps(look.date_format)}}}"
    return column
