"""How written text becomes typed values, as DuckDB expressions over whole columns. Values go in as marks only.

Every reader gives absent for what it cannot read, so that "there was text, and no value came of it" is the one test of
what must be rejected.
"""

import re
from dataclasses import dataclass, field

import pyarrow as pa

from tidewaiter.core.mapping import FileFormat, Source
from tidewaiter.core.tables import Field, FieldType
from tidewaiter.storage.lake.schema import DECIMAL_DIGITS, duckdb_type, quoted

_NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?"
_WHOLE = r"[+-]?[0-9]{1,18}(\.0*)?"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?"
_WITH_ZONE = r"[T ].*(Z|[+-][0-9]{2}(:?[0-9]{2})?)$"
_BETWEEN_CODES = r"\s*[|;]\s*"

REASONS = {
    FieldType.INTEGER: "is no whole number",
    FieldType.DECIMAL: "is no number, or too large",
    FieldType.RATIO: "is no number",
    FieldType.DATE: "is no date",
    FieldType.INSTANT: "is no date and time",
    FieldType.FLAG: "is neither true nor false",
    FieldType.CODES: "is no list of codes",
    FieldType.RECORDS: "is no list of records",
    FieldType.TEXT: "is no text",
    FieldType.CODE: "is no code",
}


@dataclass(slots=True)
class Marks:
    """The values behind the marks of one statement."""

    values: dict[str, object] = field(default_factory=dict)

    def mark(self, value: object) -> str:
        """Return the mark that stands for the value; equal values share one."""
        for name, known in self.values.items():
            if type(known) is type(value) and known == value:
                return f"${name}"
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"${name}"

    def used_by(self, statement: str) -> dict[str, object]:
        """Return the values of the marks that stand in the statement: DuckDB refuses others."""
        named = set(re.findall(r"\$(\w+)", statement))
        return {name: value for name, value in self.values.items() if name in named}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the chunk: its name there, and the type the file gave it."""

    name: str
    type: pa.DataType

    @property
    def is_text(self) -> bool:
        """Tell whether the cells are text."""
        return bool(pa.types.is_string(self.type) or pa.types.is_large_string(self.type))

    @property
    def is_list(self) -> bool:
        """Tell whether the cells are lists."""
        return bool(pa.types.is_list(self.type) or pa.types.is_large_list(self.type))


@dataclass(frozen=True, slots=True)
class Spelling:
    """Reads the cells of one file: its format, the administration's time zone, and where marks are kept."""

    form: FileFormat
    time_zone: str
    marks: Marks

    def text(self, column: Column) -> str:
        """Return a (cleaned) cell as text; absent when empty or a null word."""
        value = column.name
        if pa.types.is_floating(column.type):
            whole = f"abs({value}) < 1e15 AND {value} = trunc({value})"
            value = (
                f"CASE WHEN isnan({value}) THEN NULL WHEN {whole} THEN CAST(CAST({value} AS BIGINT) AS VARCHAR) "
                f"ELSE CAST({value} AS VARCHAR) END"
            )
        elif not column.is_text:
            value = f"CAST({value} AS VARCHAR)"
        kept = f"nullif({value}, '')"
        if self.form.null_words:
            kept = f"CASE WHEN NOT list_contains({self.marks.mark(list(self.form.null_words))}, {kept}) THEN {kept} END"
        return kept

    def read(self, spec: Field, source: Source, text: str, column: Column | None) -> str:
        """Return the typed value of a field whose clean text is `text`; `column` is the one it came from, if one."""
        typed = self._typed(spec, source, column) if column is not None else None
        return typed if typed is not None else self.parsed(spec, source, text)

    def parsed(self, spec: Field, source: Source, text: str) -> str:
        """Return the value of a field read from clean text."""
        match spec.type:
            case FieldType.TEXT:
                return f"lower({text})" if spec.values else text
            case FieldType.CODE:
                return f"upper({self._padded(text, source.pad)})"
            case FieldType.INTEGER:
                plain = self._plain_number(text)
                whole = f"TRY_CAST(split_part({plain}, '.', 1) AS BIGINT)"
                return f"CASE WHEN regexp_full_match({plain}, '{_WHOLE}') THEN {whole} END"
            case FieldType.DECIMAL | FieldType.RATIO:
                return self._number(spec, source, text)
            case FieldType.DATE:
                return self._date(source, text)
            case FieldType.INSTANT:
                return self._instant(source, text)
            case FieldType.FLAG:
                yes, no = (self.marks.mark(list(words)) for words in (self.form.true_words, self.form.false_words))
                word = f"lower({text})"
                return (
                    f"CASE WHEN list_contains({yes}, {word}) THEN true WHEN list_contains({no}, {word}) THEN false END"
                )
            case FieldType.CODES:
                return self._codes(source, text)
            case FieldType.RECORDS:
                return self._records_from_json(spec, text)

    def _padded(self, text: str, pad: int) -> str:
        return f"CASE WHEN length({text}) < {pad} THEN lpad({text}, {pad}, '0') ELSE {text} END" if pad else text

    def _plain_number(self, text: str) -> str:
        plain = text
        if self.form.thousands_mark:
            plain = f"replace({plain}, {self.marks.mark(self.form.thousands_mark)}, '')"
        return f"replace({plain}, ',', '.')" if self.form.decimal_mark == "," else plain

    def _number(self, spec: Field, source: Source, text: str) -> str:
        plain = self._plain_number(text)
        kind = duckdb_type(spec)
        guarded = f"CASE WHEN regexp_full_match({plain}, '{_NUMBER}') THEN {plain} END"
        if source.times is None:
            read = f"TRY_CAST({guarded} AS {kind})"
        else:
            factor = self.marks.mark(source.times)
            read = f"TRY_CAST(TRY(TRY_CAST({guarded} AS DECIMAL(26, 8)) * CAST({factor} AS DECIMAL(12, 6))) AS {kind})"
        return f"CASE WHEN isfinite({read}) THEN {read} END" if spec.type is FieldType.RATIO else read

    def _date(self, source: Source, text: str) -> str:
        iso = f"CASE WHEN regexp_full_match({text}, '{_DAY}') THEN TRY_CAST(left({text}, 10) AS DATE) END"
        formats = source.formats or self.form.dates
        return (
            f"coalesce(CAST(try_strptime({text}, {self.marks.mark(list(formats))}) AS DATE), {iso})" if formats else iso
        )

    def _instant(self, source: Source, text: str) -> str:
        zone = self.marks.mark(self.form.time_zone or self.time_zone)
        iso = (
            f"CASE WHEN regexp_matches({text}, '{_WITH_ZONE}') THEN TRY_CAST({text} AS TIMESTAMPTZ) "
            f"ELSE timezone({zone}, TRY_CAST({text} AS TIMESTAMP)) END"
        )
        read = f"CASE WHEN regexp_full_match({text}, '{_DAY}') THEN {iso} END"
        formats = list(source.formats or (*self.form.instants, *self.form.dates))
        if formats:
            read = f"coalesce(timezone({zone}, try_strptime({text}, {self.marks.mark(formats)})), {read})"
        return self.moved(read, source.plus_days)

    def moved(self, instant: str, days: int) -> str:
        """Return the instant moved by whole days of 24 hours."""
        return f"({instant} + to_hours({24 * days}))" if days else instant

    def _codes(self, source: Source, text: str) -> str:
        cut = (
            f"string_split({text}, {self.marks.mark(source.split)})"
            if source.split
            else f"string_split_regex({text}, '{_BETWEEN_CODES}')"
        )
        return self._code_list(cut)

    def _code_list(self, values: str) -> str:
        each = f"list_transform({values}, lambda code: nullif(upper(trim(code)), ''))"
        kept = f"list_filter({each}, lambda code: code IS NOT NULL)"
        return f"CASE WHEN len({kept}) > 0 THEN {kept} END"

    def _records_from_json(self, spec: Field, text: str) -> str:
        shape = ", ".join(f'"{part.name}": "VARCHAR"' for part in spec.fields)
        read = f"from_json(CASE WHEN json_valid({text}) THEN {text} END, '[{{{shape}}}]')"
        return self._records(spec, read)

    def _records(self, spec: Field, values: str, present: frozenset[str] | None = None) -> str:
        """Return the list of records; absent where a part of one was there but could not be read."""
        names = frozenset(part.name for part in spec.fields) if present is None else present
        read = {part.name: self._part(part, part.name in names) for part in spec.fields}
        entry = ", ".join(f"{quoted(name)} := {value}" for name, value in read.items())
        made = f"list_transform({values}, lambda part: struct_pack({entry}))"
        bad = " OR ".join(
            f"(nullif(trim(CAST(part.{quoted(name)} AS VARCHAR)), '') IS NOT NULL AND {value} IS NULL)"
            for name, value in read.items()
            if name in names
        )
        failed = f"list_bool_or(list_transform({values}, lambda part: {bad or 'false'}))"
        return f"CASE WHEN len({values}) > 0 AND NOT coalesce({failed}, false) THEN {made} END"

    def _part(self, part: Field, present: bool) -> str:
        if not present:
            return f"CAST(NULL AS {duckdb_type(part)})"
        cell = f"part.{quoted(part.name)}"
        if part.type is FieldType.CODES:
            return f"CAST({cell} AS VARCHAR[])"
        return self.parsed(part, Source(), f"nullif(trim(CAST({cell} AS VARCHAR)), '')")

    def _typed(self, spec: Field, source: Source, column: Column) -> str | None:
        """Return the value straight from a typed cell where no text is needed; None otherwise."""
        name, kind = column.name, column.type
        if source.translate or source.times is not None:
            return None
        if spec.type is FieldType.DECIMAL and (
            pa.types.is_decimal(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)
        ):
            return f"TRY_CAST({name} AS DECIMAL({DECIMAL_DIGITS}, {spec.scale}))"
        if spec.type is FieldType.INTEGER and pa.types.is_integer(kind):
            return f"TRY_CAST({name} AS BIGINT)"
        if spec.type is FieldType.RATIO and (
            pa.types.is_decimal(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)
        ):
            return f"CASE WHEN isfinite(CAST({name} AS DOUBLE)) THEN CAST({name} AS DOUBLE) END"
        if spec.type is FieldType.FLAG and pa.types.is_boolean(kind):
            return name
        if spec.type is FieldType.INSTANT and pa.types.is_timestamp(kind):
            zone = self.marks.mark(self.form.time_zone or self.time_zone)
            read = f"CAST({name} AS TIMESTAMPTZ)" if kind.tz else f"timezone({zone}, CAST({name} AS TIMESTAMP))"
            return self.moved(read, source.plus_days)
        if spec.type is FieldType.CODES and column.is_list and not pa.types.is_nested(kind.value_type):
            return self._code_list(f"CAST({name} AS VARCHAR[])")
        if spec.type is FieldType.RECORDS and column.is_list and pa.types.is_struct(kind.value_type):
            names = frozenset(kind.value_type.field(number).name for number in range(kind.value_type.num_fields))
            return self._records(spec, name, names)
        return None
