"""Mapping files: YAML in, values of core.mapping out. The shipped ones stand in the folder beside this module."""

import codecs
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo

from tidewaiter.core.administration import Administration
from tidewaiter.core.codes import CURRENCIES
from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.core.mapping import FileFormat, FileMapping, KnownAt, Source, TableMapping
from tidewaiter.core.tables import TABLES, Field, FieldType, Table
from tidewaiter.language.documents import Entries, Items, Node, Scalar, read_document, read_text
from tidewaiter.language.mapping_nodes import Reader

SHIPPED = Path(__file__).with_name("mappings")
MADE_KEYS = frozenset(("act_id", "event_id", "consignment_id"))
"""Keys that ingest makes of other fields where no column holds them (see `Table.fields`)."""

_SETTINGS = ("name", "title", "source", "format", "administration", "tables")
_FORMAT = (
    "encoding", "delimiter", "sheet", "decimal_mark", "thousands_mark", "dates", "instants", "null_words",
    "true_words", "false_words", "time_zone",
)  # fmt: skip
_SOURCE = (
    "column", "columns", "joined_with", "constant", "translate", "split", "pad", "format", "formats", "times",
    "plus_days", "optional",
)  # fmt: skip
_KNOWN_AT = (*_SOURCE, "after", "days", "assumed")
_EXTRA = ("known_at", "version", "where")


def shipped_names() -> tuple[str, ...]:
    """Return the names of the shipped mappings, sorted."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.yaml")))


def shipped_mappings() -> tuple[FileMapping, ...]:
    """Return the shipped mappings, by name."""
    return tuple(read_mapping(SHIPPED / f"{name}.yaml") for name in shipped_names())


def load_mapping(name_or_file: str | Path) -> FileMapping:
    """Return the shipped mapping of that name, else the one in that file.

    Raises InputError with every problem of the file, or when neither exists.
    """
    if str(name_or_file) in shipped_names():
        return read_mapping(SHIPPED / f"{name_or_file}.yaml")
    path = Path(name_or_file)
    if not path.is_file():
        names = ", ".join(shipped_names())
        raise InputError(Problem(f"there is no mapping {str(name_or_file)!r}", suggestion=f"a file, or one of {names}"))
    return read_mapping(path)


def read_mapping(path: Path) -> FileMapping:
    """Return the mapping in a file. Raises InputError with every problem found, each with line and column."""
    return parse_mapping(read_text(path), file=str(path))


def parse_mapping(text: str, *, file: str) -> FileMapping:
    """Return the mapping a YAML text holds; `file` is what its problems are placed in."""
    reader = Reader(file)
    node = read_document(text, file, reader.problems)
    if isinstance(node, Entries) and not node.pairs:
        raise InputError(Problem("the mapping is empty", Place(file)))
    mapping = _mapping(reader, node)
    if reader.problems:
        raise InputError(
            sorted(reader.problems, key=lambda problem: (problem.place.line or 0, problem.place.column or 0))
        )
    return mapping


def _mapping(reader: Reader, node: Node) -> FileMapping:
    found = reader.record(node, "a mapping", _SETTINGS)
    if "tables" not in found and not reader.problems:
        reader.wrong(node, "a mapping needs 'tables'")
    tables: list[TableMapping] = []
    if "tables" in found:
        for name, (key, value) in reader.entries(found["tables"], "tables").items():
            if name not in TABLES:
                reader.unknown(key, "table", name, TABLES)
            else:
                tables += _tables(reader, TABLES[name], value)
    return FileMapping(
        name=reader.text(found.get("name"), "name") or Path(reader.file).stem,
        title=reader.text(found.get("title"), "title"),
        source=reader.text(found.get("source"), "source"),
        format=_format(reader, found.get("format")),
        administration=_administration(reader, found.get("administration")),
        tables=tuple(tables),
        place=node.place,
    )


def _format(reader: Reader, node: Node | None) -> FileFormat:
    if node is None:
        return FileFormat()
    found = reader.record(node, "format", _FORMAT)
    usual = FileFormat()
    read = FileFormat(
        encoding=reader.text(found.get("encoding"), "encoding", usual.encoding),
        delimiter=reader.text(found.get("delimiter"), "delimiter").replace("\\t", "\t"),
        sheet=reader.text(found.get("sheet"), "sheet"),
        decimal_mark=reader.text(found.get("decimal_mark"), "decimal_mark", usual.decimal_mark),
        thousands_mark=reader.text(found.get("thousands_mark"), "thousands_mark"),
        dates=reader.texts(found.get("dates"), "dates"),
        instants=reader.texts(found.get("instants"), "instants"),
        null_words=reader.texts(found.get("null_words"), "null_words"),
        true_words=reader.texts(found.get("true_words"), "true_words", usual.true_words),
        false_words=reader.texts(found.get("false_words"), "false_words", usual.false_words),
        time_zone=reader.text(found.get("time_zone"), "time_zone"),
    )
    _check_format(reader, read, found)
    return read


def _check_format(reader: Reader, read: FileFormat, found: dict[str, Node]) -> None:
    try:
        codecs.lookup(read.encoding)
    except LookupError:
        reader.wrong(found["encoding"], f"{read.encoding!r} is no encoding", "usual are utf-8, cp1252, utf-16")
    if len(read.delimiter) > 1:
        reader.wrong(found["delimiter"], "the delimiter must be one character")
    if read.decimal_mark not in (".", ","):
        reader.wrong(found["decimal_mark"], "the decimal mark must be . or ,")
    if read.thousands_mark == read.decimal_mark or len(read.thousands_mark) > 1:
        reader.wrong(found["thousands_mark"], "the thousands mark must be one character other than the decimal mark")
    if read.time_zone:
        _check_zone(reader, found["time_zone"], read.time_zone)


def _check_zone(reader: Reader, node: Node, zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        reader.wrong(node, f"{zone!r} is no time zone", "write it as 'Europe/Lisbon' or 'UTC'")


def _administration(reader: Reader, node: Node | None) -> Administration | None:
    if node is None:
        return None
    usual = Administration()
    found = reader.record(node, "administration", ("name", "currency", "time_zone", "material_duty"))
    currency = reader.text(found.get("currency"), "currency", usual.currency)
    if currency not in CURRENCIES:
        reader.unknown(found["currency"], "ISO 4217 currency", currency, CURRENCIES)
    zone = reader.text(found.get("time_zone"), "time_zone", usual.time_zone)
    if "time_zone" in found:
        _check_zone(reader, found["time_zone"], zone)
    return Administration(
        name=reader.text(found.get("name"), "name", usual.name),
        currency=currency,
        time_zone=zone,
        material_duty=_decimal(reader, found.get("material_duty"), "material_duty") or Decimal(0),
    )


def _decimal(reader: Reader, node: Node | None, what: str) -> Decimal | None:
    if node is None:
        return None
    try:
        number = Decimal(reader.text(node, what))
    except InvalidOperation:
        reader.wrong(node, f"{what} must be a number")
        return None
    if not number.is_finite():
        reader.wrong(node, f"{what} must be a finite number")
        return None
    return number


def _tables(reader: Reader, table: Table, node: Node) -> list[TableMapping]:
    if isinstance(node, Items):
        return [one for part in node.nodes for one in _tables(reader, table, part)]
    if isinstance(node, Scalar):
        if node.text != "canonical":
            reader.wrong(node, f"table {table.name} must be a map of fields to columns, or the word 'canonical'")
        return [canonical(table)]
    return [_table(reader, table, node)]


def canonical(table: Table) -> TableMapping:
    """Return the mapping of a file whose columns bear the names of the fields; only the required ones must be there."""
    fields = {
        field.name: Source(columns=(field.name,), optional=not field.required or field.name in MADE_KEYS)
        for field in table.fields
    }
    return TableMapping(
        table=table.name,
        fields=fields,
        version=Source(columns=("version",), optional=True),
        known_at=KnownAt(source=Source(columns=("known_at",), optional=True)),
    )


def _table(reader: Reader, table: Table, node: Node) -> TableMapping:
    known = {field.name: field for field in table.fields}
    fields: dict[str, Source] = {}
    records: dict[str, tuple[dict[str, Source], ...]] = {}
    extra: dict[str, Node] = {}
    for name, (key, value) in reader.entries(node, f"table {table.name}").items():
        if name in _EXTRA:
            extra[name] = value
        elif name not in known:
            reader.unknown(key, f"field of {table.name}", name, known.keys() | set(_EXTRA))
        elif known[name].type is FieldType.RECORDS and isinstance(value, Items):
            records[name] = tuple(_record(reader, known[name], part) for part in value.nodes)
        else:
            fields[name] = _source(reader, value, name)
    for field in table.fields:
        if field.required and field.name not in fields and field.name not in MADE_KEYS:
            advice = f"map a column, or write {field.name}: {{constant: ...}}"
            reader.wrong(node, f"table {table.name} requires {field.name!r}", advice)
    return TableMapping(
        table=table.name,
        fields=fields,
        records=records,
        version=_source(reader, extra["version"], "version") if "version" in extra else None,
        known_at=_known_at(reader, table, extra.get("known_at")),
        where=reader.text(extra.get("where"), "where"),
        place=node.place,
    )


def _record(reader: Reader, field: Field, node: Node) -> dict[str, Source]:
    parts = reader.record(node, f"an entry of {field.name}", tuple(part.name for part in field.fields))
    return {name: _source(reader, value, f"{field.name}.{name}") for name, value in parts.items()}


def _source(reader: Reader, node: Node, what: str) -> Source:
    if isinstance(node, Scalar):
        return Source(columns=(node.text,))
    return _source_of(reader, node, reader.record(node, what, _SOURCE), what)


def _source_of(reader: Reader, node: Node, found: dict[str, Node], what: str) -> Source:
    columns = reader.texts(found.get("column"), f"{what}: column") + reader.texts(
        found.get("columns"), f"{what}: columns"
    )
    constant = reader.text(found["constant"], f"{what}: constant") if "constant" in found else None
    if bool(columns) == (constant is not None):
        reader.wrong(node, f"{what} needs either a column or a constant")
    translate = {}
    if "translate" in found:
        entries = reader.entries(found["translate"], f"{what}: translate")
        translate = {key: reader.text(value, f"{what}: translate") for key, (_, value) in entries.items()}
    formats = reader.texts(found.get("format"), f"{what}: format") + reader.texts(
        found.get("formats"), f"{what}: formats"
    )
    return Source(
        columns=columns,
        joined_with=reader.text(found.get("joined_with"), f"{what}: joined_with"),
        constant=constant,
        translate=translate,
        split=reader.text(found.get("split"), f"{what}: split"),
        pad=reader.whole(found.get("pad"), f"{what}: pad"),
        formats=formats,
        times=_decimal(reader, found.get("times"), f"{what}: times"),
        plus_days=reader.whole(found.get("plus_days"), f"{what}: plus_days"),
        optional=reader.flag(found.get("optional"), f"{what}: optional"),
    )


def _known_at(reader: Reader, table: Table, node: Node | None) -> KnownAt:
    if node is None:
        return KnownAt()
    if isinstance(node, Scalar):
        return KnownAt(source=Source(columns=(node.text,)))
    found = reader.record(node, "known_at", _KNOWN_AT)
    lag = {name: found.pop(name) for name in ("after", "days", "assumed") if name in found}
    instants = [field.name for field in table.fields if field.type is FieldType.INSTANT]
    after = reader.text(lag.get("after"), "known_at: after")
    if after and after not in instants:
        reader.unknown(lag["after"], f"instant of {table.name}", after, instants)
    known = KnownAt(
        after=after,
        days=reader.whole(lag.get("days"), "known_at: days"),
        assumed=reader.flag(lag.get("assumed"), "known_at: assumed"),
    )
    return known if not found else replace(known, source=_source_of(reader, node, found, "known_at"))
