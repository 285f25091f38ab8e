"""Facts of declarations about to be decided, from what an image of the day holds in memory.

Equal to `facts_of_rows` over the same lake, day and facts, and hundreds of times faster: nothing is read and no query
is planned for a declaration.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa

from tidewaiter.core.facts import FactValue, days_since_epoch
from tidewaiter.storage.lake.facts.live_doubt import Doubts
from tidewaiter.storage.lake.facts.live_filings import Filing, Filings, chosen_filings, filing_rows, words
from tidewaiter.storage.lake.facts.live_index import Figures
from tidewaiter.storage.lake.facts.live_plan import CONSIGNMENT, Plan
from tidewaiter.storage.lake.facts.live_reading import Declarations
from tidewaiter.storage.lake.facts.live_rows import ROWS, Given, fact_table, held_columns, microseconds
from tidewaiter.storage.lake.facts.live_same_day import (
    NO_RECEIPTS,
    Counted,
    Receipt,
    SameDayAsked,
    entity_names,
    same_day_asked,
)
from tidewaiter.storage.lake.facts.live_shapes import Batch, Column
from tidewaiter.storage.lake.facts.query import KEY

type LiveFacts = dict[str, FactValue]
"""The facts asked of one item, as `engines.matching` reads them."""

CHUNK = 4_096
"""About how many rows are worked on at once, so that memory stays flat."""

_NONE: Mapping[SameDayAsked, int] = {}


@dataclass(frozen=True, slots=True)
class History:
    """The figures of one kind of entity; `since` names those that are days, told as days before the decision."""

    kind: tuple[str, ...]
    figures: Figures
    since: frozenset[str]


@dataclass(frozen=True, slots=True)
class Touched:
    """A seizure fact: its figure by the value of a column."""

    fact: str
    column: str
    figures: Mapping[str, int | float]
    unseen: int | float


@dataclass(frozen=True, slots=True)
class PeerFigures:
    """The facts of one measure's peers: by level from narrow to wide, the figures of each group."""

    facts: tuple[str, ...]
    levels: tuple[tuple[tuple[str, ...], Mapping[tuple[str | None, ...], tuple[FactValue, ...]]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayImage:
    """All that facts need of the lake, as of the close of a statistics day. One thread may use it at a time.

    `name` is the digest of what it was made from: lake, statistics day, fact catalogue and facts asked.
    """

    name: str
    snapshot_id: str
    catalogue_version: str
    statistics_on: date
    plan: Plan
    schema: pa.Schema
    history: tuple[History, ...]
    touched: tuple[Touched, ...]
    peers: tuple[PeerFigures, ...]
    filings: Filings | None
    doubts: Doubts

    @property
    def facts_asked(self) -> tuple[str, ...]:
        """Return the names of the facts it gives, in the order of the catalogue."""
        return self.plan.names

    @property
    def bytes_held(self) -> int:
        """Return the bytes of history and filings; the rest is small."""
        filed = self.filings.bytes_held if self.filings else 0
        return filed + sum(one.figures.bytes_held for one in self.history)

    def close(self) -> None:
        """Let go of what it asks in doubt; it gives no facts afterwards."""
        self.doubts.close()

    def same_day_asked(self, rows: Given, receipts: Mapping[str, Receipt] = NO_RECEIPTS) -> list[SameDayAsked]:
        """Return what the same-day facts will ask about these declarations, to be counted in the records.

        The declarations of the batch themselves are not to be counted: `facts` adds them. `receipts` tells by number
        when declarations came: they count on that day, whatever they say of their lodging.
        """
        batch = Batch(held_columns(rows, self.plan.day_columns, ROWS), len(rows))
        for name, ask in self.plan.day_working:
            batch.columns[name] = ask(batch)
        return same_day_asked(self.plan.recipes, batch.columns, receipts)

    def facts(
        self,
        rows: Given,
        *,
        on: date,
        moment: datetime | None = None,
        filings: Given | None = None,
        same_day: Mapping[SameDayAsked, int] = _NONE,
        receipts: Mapping[str, Receipt] = NO_RECEIPTS,
    ) -> list[LiveFacts]:
        """Return the facts asked of each item, in the order of `rows`, for a decision on that day.

        `rows` are whole declarations, one version of each, with the columns of the canonical table. `moment` is the
        instant up to which filings are known; without it the moment of lodging or, if later, the beginning of the
        day. `filings` are the consignments of the service's records: the canonical columns with version and known_at
        (and counted_on, if it is later than the day of decision for some). `same_day` answers `same_day_asked` of
        the same `receipts`; what it leaves out is 0. The batch's own declarations are counted besides.
        """
        names, found = self.plan.names, list[LiveFacts]()
        for batch in self._batches(rows, on, moment, filings, same_day, receipts):
            values = zip(*self._results(batch), strict=True)
            found += [dict(zip(names, row, strict=True)) for row in values]
        return found

    def fact_table(
        self,
        rows: Given,
        *,
        on: date,
        moment: datetime | None = None,
        filings: Given | None = None,
        same_day: Mapping[SameDayAsked, int] = _NONE,
    ) -> pa.Table:
        """Return the same facts as a fact table for the batch engine: the key columns, then the facts asked."""
        tables = [
            fact_table([*(batch.columns[name] for name in KEY), *self._results(batch)], self.schema)
            for batch in self._batches(rows, on, moment, filings, same_day, NO_RECEIPTS)
        ]
        return pa.concat_tables(tables) if tables else self.schema.empty_table()

    def _batches(
        self, rows: Given, on: date, moment: datetime | None, filings: Given | None,
        same_day: Mapping[SameDayAsked, int], receipts: Mapping[str, Receipt],
    ) -> Iterator[Batch]:  # fmt: skip
        """Give batches of whole declarations with all columns that expressions read."""
        records = filing_rows(filings, self.filings.read) if self.filings and filings is not None else []
        parts = [rows] if len(rows) <= CHUNK else list(_parts(rows))
        counted = None
        if len(parts) > 1:
            counted = Counted(self.plan.recipes, self.same_day_asked(rows, receipts), same_day)
        for part in parts:
            if not len(part):
                continue
            batch = self._worked(part, on, moment)
            own = counted
            if own is None:
                asked = same_day_asked(self.plan.recipes, batch.columns, receipts)
                own = Counted(self.plan.recipes, asked, same_day)
            batch.columns |= own.columns(batch.columns)
            self._look_up(batch, days_since_epoch(on))
            self._file(batch, records)
            yield batch

    def _worked(self, rows: Given, on: date, moment: datetime | None) -> Batch:
        """Return the items as held columns with their working columns."""
        plan = self.plan
        columns = held_columns(rows, plan.columns, ROWS)
        batch = Batch(columns, len(columns["declaration_id"]))
        self._settle(columns, on, moment)
        for name, ask in plan.working:
            columns[name] = ask(batch)
        for name, ask in plan.words:
            columns[name] = [None if text is None else words(text) for text in ask(batch)]
        if plan.whole:
            own, places = _declarations(columns)
            declarations = Declarations({}, len(places), batch, places)
            for name, ask in plan.whole:
                whole = ask(declarations)
                columns[name] = [whole[place] for place in own]
        return batch

    def _settle(self, columns: dict[str, Column], on: date, moment: datetime | None) -> None:
        """Fill in what rows leave out, and the days and moments of the decision."""
        lodged, size = columns["lodged_at"], len(columns["lodged_at"])
        columns["version"] = [1 if version is None else version for version in columns["version"]]
        columns["known_at"] = [at if known is None else known
                               for known, at in zip(columns["known_at"], lodged, strict=True)]  # fmt: skip
        if moment is None:
            begins = self.doubts.midnight(on)
            columns["moment"] = [max(at, begins) for at in lodged]
        else:
            columns["moment"] = [microseconds(moment)] * size
        columns["decided_on"] = [days_since_epoch(on)] * size
        columns["statistics_day"] = [days_since_epoch(self.statistics_on)] * size

    def _look_up(self, batch: Batch, decided_on: int) -> None:
        columns = batch.columns
        for one in self.history:
            names = entity_names([columns[column] for column in one.kind])
            for name, figures in zip(one.figures.names, one.figures.columns_of(names), strict=True):
                since = name in one.since
                columns[name] = [None if day is None else decided_on - day for day in figures] if since else figures
        for touched in self.touched:
            figure, unseen = touched.figures.get, touched.unseen
            columns[touched.fact] = [
                None if value is None else figure(value, unseen) for value in columns[touched.column]
            ]
        for peers in self.peers:
            missing = (None,) * len(peers.facts)
            found = _peers_found(peers, columns)
            columns |= zip(peers.facts, map(list, zip(*(each or missing for each in found), strict=True)), strict=True)

    def _file(self, batch: Batch, records: Sequence[Filing]) -> None:
        if self.filings is not None:
            columns = (batch.columns[name] for name in ("previous_document", "moment", "decided_on"))
            wanted = list(zip(*columns, strict=True))
            chosen = chosen_filings(self.filings, records, wanted, self.plan.filed, self.plan.filed_words)
            batch.columns[CONSIGNMENT] = [chosen.get(one) for one in wanted]

    def _results(self, batch: Batch) -> list[Column]:
        """Return the columns of the facts asked."""
        plan, columns = self.plan, batch.columns
        results = {}
        for name, ask in plan.made:
            results[name] = ask(batch)
            if name in plan.passed_on:
                columns[name] = results[name]
        return [columns[plan.plain[name]] if name in plan.plain else results[name] for name in plan.names]


def _parts(rows: Given) -> Iterator[Given]:
    """Give the rows in parts of about CHUNK that split no declaration, in their order."""
    ids = rows["declaration_id"].to_pylist() if isinstance(rows, pa.Table) else [row["declaration_id"] for row in rows]
    last = {number: place for place, number in enumerate(ids)}
    start = until = 0
    for place, number in enumerate(ids):
        until = max(until, last[number])
        if until == place and (place - start + 1 >= CHUNK or place + 1 == len(ids)):
            yield rows.slice(start, place + 1 - start) if isinstance(rows, pa.Table) else rows[start : place + 1]
            start = place + 1


def _declarations(columns: Mapping[str, Column]) -> tuple[list[int], list[list[int]]]:
    """Return for each item the number of its declaration's version, and for each of these the places of its items."""
    numbers: dict[tuple[str, int], int] = {}
    own: list[int] = []
    places: list[list[int]] = []
    for place, key in enumerate(zip(columns["declaration_id"], columns["version"], strict=True)):
        number = numbers.setdefault(key, len(numbers))
        if number == len(places):
            places.append([place])
        else:
            places[number].append(place)
        own.append(number)
    return own, places


def _peers_found(peers: PeerFigures, columns: Mapping[str, Column]) -> Iterable[tuple[FactValue, ...] | None]:
    found: list[tuple[FactValue, ...] | None] = [None] * len(columns["declaration_id"])
    for named, groups in reversed(peers.levels):
        keys = zip(*(columns[column] for column in named), strict=True)
        found = [groups.get(key, wider) for key, wider in zip(keys, found, strict=True)]
    return found
