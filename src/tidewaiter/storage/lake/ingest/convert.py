"""A mapping made into two statements over a chunk: the converted rows, and what was wrong with which cell."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from tidewaiter.core.mapping import FileMapping, Source, TableMapping
from tidewaiter.core.tables import TABLES, Field, FieldType, Table
from tidewaiter.core.tables.field import instant, integer
from tidewaiter.storage.lake.complete import month
from tidewaiter.storage.lake.digest import row_digest
from tidewaiter.storage.lake.formats.chunk import Chunk
from tidewaiter.storage.lake.ingest.cleaning import cleaned
from tidewaiter.storage.lake.ingest.spelling import REASONS, Column, Marks, Spelling
from tidewaiter.storage.lake.schema import duckdb_type, path_literal, quoted

STAGED = ("given_version", "known_at", "line", "feed", "partition", "row_digest", "bad")
"""The columns a converted row has besides its table's fields."""

PROBLEM_SCHEMA = pa.schema(
    [("line", pa.int64()), ("column", pa.string()), ("value", pa.string()), ("reason", pa.string())]
)


@dataclass(frozen=True, slots=True)
class Conversion:
    """The statements for one table; both read the chunk as the relation `chunk` with line, fault and cells."""

    table: Table
    rows: str
    problems: str
    marks: Marks

    def converted(self, connection: duckdb.DuckDBPyConnection, target: str) -> None:
        """Write the converted rows of the registered chunk to the Parquet file `target`."""
        form = "FORMAT parquet, COMPRESSION lz4_raw"
        connection.execute(f"COPY ({self.rows}) TO {path_literal(target)} ({form})", self.marks.used_by(self.rows))

    def wrong(self, connection: duckdb.DuckDBPyConnection) -> pa.Table:
        """Return what is wrong with the rows of the registered chunk, one row per cell."""
        return (
            connection.sql(self.problems, params=self.marks.used_by(self.problems))
            .to_arrow_table()
            .cast(PROBLEM_SCHEMA)
        )


@dataclass(slots=True)
class _Builder:
    """Collects the columns of a conversion: cleaned texts first, values over them, and tests of the values."""

    spelling: Spelling
    columns: Mapping[str, Column]
    texts: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    tests: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Condition, column as the user knows it, expression of the raw value, reason."""

    def value(self, spec: Field, source: Source | None, label: str) -> str:
        """Add a field's value and its tests; return the name it can be asked for by."""
        name = f"v{len(self.values)}"
        used = [self.columns[column] for column in source.columns if column in self.columns] if source else []
        if source is None or (not used and source.constant is None):
            self.values.append(f"CAST(NULL AS {duckdb_type(spec)}) AS {name}")
            raw, shown = "NULL", label
        else:
            raw = self._text(source, used)
            only = used[0] if len(used) == 1 else None
            self.values.append(f"{self.spelling.read(spec, source, raw, only)} AS {name}")
            shown = " + ".join(source.columns) or label
            self._test_read(spec, name, raw, only, shown)
        if spec.values:
            self._test_words(spec, name, raw, shown)
        return name

    def _text(self, source: Source, used: list[Column]) -> str:
        """Add the clean text of a source; return its name."""
        name = f"t{len(self.texts)}"
        if source.constant is not None:
            text = f"CAST({self.spelling.marks.mark(source.constant)} AS VARCHAR)"
        elif len(used) == 1 and used[0].is_list:
            text = f"CAST({used[0].name} AS VARCHAR)"
        elif len(used) == 1:
            text = self.spelling.text(used[0])
        else:
            parts = ", ".join(self.spelling.text(column) for column in used)
            text = f"nullif(concat_ws({self.spelling.marks.mark(source.joined_with)}, {parts}), '')"
        if source.translate:
            marks = self.spelling.marks
            known = f"map({marks.mark(list(source.translate))}, {marks.mark(list(source.translate.values()))})"
            text = f"coalesce({known}[{text}], {text})"
        self.texts.append(f"{text} AS {name}")
        return name

    def _test_read(self, spec: Field, name: str, raw: str, only: Column | None, shown: str) -> None:
        there = f"{raw} IS NOT NULL"
        if spec.type in (FieldType.DECIMAL, FieldType.RATIO):
            there += f" AND lower({raw}) <> 'nan'"
        if spec.type is FieldType.RECORDS and only is not None and not only.is_list:
            there += f" AND {raw} <> '[]'"
        if spec.type is FieldType.CODES or (only is not None and only.is_list):
            there += f" AND {raw} <> '[]'" if spec.type is FieldType.RECORDS else " AND false"
        if spec.type not in (FieldType.TEXT, FieldType.CODE):
            self.tests.append((f"{there} AND {name} IS NULL", shown, raw, REASONS[spec.type]))

    def _test_words(self, spec: Field, name: str, raw: str, shown: str) -> None:
        words = self.spelling.marks.mark(list(spec.values))
        outside = f"NOT list_contains({words}, {name})"
        if spec.type is FieldType.CODES:
            outside = f"len(list_filter({name}, lambda code: NOT list_contains({words}, code))) > 0"
        self.tests.append((f"{name} IS NOT NULL AND {outside}", shown, raw, f"is none of {', '.join(spec.values)}"))

    def required(self, expression: str, label: str) -> None:
        """Add the test that a required field is there."""
        failed = " OR ".join(f"({test})" for test, shown, _, _ in self.tests if shown == label)
        test = f"{expression} IS NULL" + (f" AND NOT coalesce({failed}, false)" if failed else "")
        self.tests.append((test, label, "NULL", "is required and absent"))


def conversions(mapping: FileMapping, zone: str, columns: Mapping[str, Column]) -> Iterator[Conversion]:
    """Return the conversion of each table of the mapping for a file with these columns."""
    for feed, table_mapping in enumerate(mapping.tables):
        yield _conversion(feed, table_mapping, Spelling(mapping.format, zone, Marks()), columns)


def _conversion(feed: int, mapping: TableMapping, spelling: Spelling, columns: Mapping[str, Column]) -> Conversion:
    table = TABLES[mapping.table]
    builder = _Builder(spelling, columns)
    fields = {spec.name: _field(builder, mapping, spec) for spec in table.fields}
    fields |= _made_keys(table, fields)
    for spec in table.fields:
        if spec.required:
            source = mapping.fields.get(spec.name)
            builder.required(fields[spec.name], " + ".join(source.columns) if source and source.columns else spec.name)
    version = builder.value(integer("version", ""), mapping.version, "version")
    builder.tests.append((f"{version} < 1", "version", version, "must be 1 or more"))
    known = _known_at(builder, mapping, table, fields)
    where = "true" if not mapping.where else f"{spelling.text(columns[mapping.where])} IS NOT NULL"
    fields |= {"given_version": version, "known_at": known, "line": "line", "feed": str(feed)}
    return Conversion(
        table=table,
        rows=_rows(builder, table, fields, where),
        problems=_problems(builder, where),
        marks=spelling.marks,
    )


def _field(builder: _Builder, mapping: TableMapping, spec: Field) -> str:
    """Add a field; return the expression of its value over the named values."""
    entries = mapping.records.get(spec.name)
    if entries is None:
        return builder.value(spec, mapping.fields.get(spec.name), spec.name)
    packed = []
    for entry in entries:
        parts = {part.name: builder.value(part, entry.get(part.name), spec.name) for part in spec.fields}
        there = " OR ".join(f"{name} IS NOT NULL" for name in parts.values())
        inner = ", ".join(f"{quoted(name)} := {value}" for name, value in parts.items())
        packed.append(f"CASE WHEN {there} THEN struct_pack({inner}) END")
    kept = f"list_filter([{', '.join(packed)}], lambda entry: entry IS NOT NULL)"
    return f"CASE WHEN len({kept}) > 0 THEN {kept} END"


def _made_keys(table: Table, fields: Mapping[str, str]) -> dict[str, str]:
    """Return the keys that are made of other fields where no column holds them."""
    match table.name:
        case "results":
            made = f"{fields['declaration_id']} || '/' || {fields['act']}"
        case "events":
            subject = f"coalesce({fields['declaration_id']}, {fields['document']}, {fields['container']})"
            moment = f"CAST(epoch_ms({fields['occurred_at']}) AS VARCHAR)"
            made = f"{fields['kind']} || '/' || {moment} || '/' || {subject}"
        case "consignments":
            made = f"coalesce({fields['house_document']}, {fields['master_document']})"
        case _:
            return {}
    return {table.key[0]: f"coalesce({fields[table.key[0]]}, {made})"}


def _known_at(builder: _Builder, mapping: TableMapping, table: Table, fields: Mapping[str, str]) -> str:
    rule = mapping.known_at
    otherwise = builder.spelling.moved(fields[rule.after or table.day], rule.days)
    if rule.source is None:
        return otherwise
    own = builder.value(instant("known_at", ""), rule.source, "known_at")
    return f"coalesce({own}, {otherwise})"


def _rows(builder: _Builder, table: Table, fields: Mapping[str, str], where: str) -> str:
    named = ", ".join(f"{expression} AS {quoted(name)}" for name, expression in fields.items())
    bad = " OR ".join(f"coalesce({test}, false)" for test, *_ in builder.tests)
    builder.spelling.marks.values["zone"] = builder.spelling.time_zone
    return f"""
        WITH {_values(builder, where)},
             fields AS (SELECT {named}, fault IS NOT NULL OR {bad} AS bad FROM typed)
        SELECT * EXCLUDE (bad), {month(quoted(table.day))} AS partition, {row_digest(table)} AS row_digest, bad
        FROM fields
    """


def _problems(builder: _Builder, where: str) -> str:
    marks = builder.spelling.marks
    found = ", ".join(
        f'CASE WHEN {test} THEN struct_pack("column" := {marks.mark(shown)}, "value" := CAST({raw} AS VARCHAR), '
        f"reason := {marks.mark(reason)}) END"
        for test, shown, raw, reason in builder.tests
    )
    absent = "CAST(NULL AS VARCHAR)"
    whole = f'struct_pack("column" := {absent}, "value" := {absent}, reason := fault)'
    listed = f"list_filter([{found}], lambda one: one IS NOT NULL)"
    kept = f"CASE WHEN fault IS NOT NULL THEN [{whole}] ELSE {listed} END"
    return f"""
        WITH {_values(builder, where)},
             found AS (SELECT line, unnest({kept}) AS problem FROM typed)
        SELECT line, problem."column" AS "column", problem."value" AS "value", problem.reason AS reason FROM found
    """


def _values(builder: _Builder, where: str) -> str:
    texts = ", ".join(["*", *builder.texts])
    values = ", ".join(["*", *builder.values])
    used = f"SELECT * FROM chunk WHERE fault IS NOT NULL OR {where}"
    return f"cleaned AS (SELECT {texts} FROM ({used})), typed AS (SELECT {values} FROM cleaned)"


def register_chunk(connection: duckdb.DuckDBPyConnection, chunk: Chunk) -> None:
    """Make the chunk readable as the relation `chunk`, in two halves for two threads."""
    table = cleaned(chunk.cells).append_column("line", chunk.lines).append_column("fault", chunk.faults)
    halves = table.to_batches(max_chunksize=table.num_rows // 2 + 1)
    connection.register("chunk", pa.Table.from_batches(halves, schema=table.schema))
