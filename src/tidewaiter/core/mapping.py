"""A mapping: how the columns of a file become the fields of tables."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from tidewaiter.core.administration import Administration
from tidewaiter.core.errors import Place

TRUE_WORDS = ("true", "t", "yes", "y", "1")
FALSE_WORDS = ("false", "f", "no", "n", "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the value of one field comes from: columns (joined when there are several) or a constant.

    What is done, in this order: `translate` replaces a whole text (one that is not among the keys stays as it is),
    `split` makes a list, `pad` fills up with zeros on the left to that length, the text is read as the type of the
    field, a number is multiplied by `times`, an instant moved by `plus_days`. `formats` are strptime formats tried in
    order before ISO 8601. An `optional` source may name a column that the file has not.
    """

    columns: tuple[str, ...] = ()
    joined_with: str = ""
    constant: str | None = None
    translate: Mapping[str, str] = field(default_factory=dict)
    split: str = ""
    pad: int = 0
    formats: tuple[str, ...] = ()
    times: Decimal | None = None
    plus_days: int = 0
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAt:
    """When the administration knew a row: a source of its own, or `days` after another instant field.

    `assumed` marks a time that is a stated guess, not in the data.
    """

    source: Source | None = None
    after: str = ""
    days: int = 0
    assumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TableMapping:
    """How a row of the file becomes at most one row of a table.

    `records` holds, for each field that is a list of records, the sources of each record. The row feeds the table
    only where the column `where` is not blank (empty: always). Without a version source the next number is given.
    """

    table: str
    fields: Mapping[str, Source]
    records: Mapping[str, tuple[Mapping[str, Source], ...]] = field(default_factory=dict)
    version: Source | None = None
    known_at: KnownAt = KnownAt()
    where: str = ""
    place: Place = field(default=Place(), compare=False)

    def sources(self) -> Iterator[Source]:
        """Walk every source."""
        yield from self.fields.values()
        for entries in self.records.values():
            for entry in entries:
                yield from entry.values()
        for extra in (self.version, self.known_at.source):
            if extra is not None:
                yield extra

    def columns(self) -> frozenset[str]:
        """Return every column of the file that is read."""
        named = {column for source in self.sources() for column in source.columns}
        return frozenset(named | ({self.where} if self.where else set()))

    def required_columns(self) -> frozenset[str]:
        """Return the columns the file must have."""
        named = {column for source in self.sources() if not source.optional for column in source.columns}
        return frozenset(named | ({self.where} if self.where else set()))


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFormat:
    """How the file is written. Empty text and None mean: find out, or the usual.

    `delimiter` empty: the one of comma, semicolon, tab and bar that gives the mapping's columns. `time_zone` is that of
    instants without one (empty: the administration's). A cell equal to one of `null_words` is absent, as is an empty
    one and NaN in a number.
    """

    encoding: str = "utf-8"
    delimiter: str = ""
    sheet: str = ""
    decimal_mark: str = "."
    thousands_mark: str = ""
    dates: tuple[str, ...] = ()
    instants: tuple[str, ...] = ()
    null_words: tuple[str, ...] = ()
    true_words: tuple[str, ...] = TRUE_WORDS
    false_words: tuple[str, ...] = FALSE_WORDS
    time_zone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMapping:
    """A saved mapping: one row of the file feeds each of its tables. `administration` is used when a lake is made."""

    name: str
    tables: tuple[TableMapping, ...]
    title: str = ""
    source: str = ""
    format: FileFormat = FileFormat()
    administration: Administration | None = None
    place: Place = field(default=Place(), compare=False)

    def columns(self) -> frozenset[str]:
        """Return every column of the file that is read."""
        return frozenset().union(*(table.columns() for table in self.tables))

    def required_columns(self) -> frozenset[str]:
        """Return the columns the file must have."""
        return frozenset().union(*(table.required_columns() for table in self.tables))
