"""Facts of declarations about to be decided, from what an image of the day holds in memory.

Equal to `facts_of_rows` over the same lake, day and facts, and hundreds of times faster: nothing is read and no query
is planned for a declaration.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

import pyarrow as pa

from tidewaiter.core.facts import FactValue, days_since_epoch
from tidewaiter.storage.lake.facts.live_doubt import Doubts
from tidewaiter.storage.lake.facts.live_filings import Filings, chosen_filings, filing_rows, words
from tidewaiter.storage.lake.facts.live_index import MISSING, Figures
from tidewaiter.storage.lake.facts.live_plan import CONSIGNMENT, Plan
from tidewaiter.storage.lake.facts.live_rows import ROWS, fact_table, held_columns
from tidewaiter.storage.lake.facts.live_same_day import (
    SameDayAsked,
    counted_in_batch,
    entity_name,
    same_day_asked,
)
from tidewaiter.storage.lake.facts.recipes import SameDay

CHUNK = 2_000
"""Rows worked on at once, so that memory stays flat."""

type Row = dict[str, Any]
"""The columns of one item, and what was worked out of them, as held values."""

type LiveFacts = dict[str, FactValue]
"""The facts asked of one item, as `engines.matching` reads them."""

_NONE: Mapping[SameDayAsked, int] = {}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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

    def same_day_asked(self, rows: pa.Table) -> list[SameDayAsked]:
        """Return what the same-day facts will ask about these declarations, to be counted in the records.

        The declarations of the batch themselves are not to be counted: `facts` adds them.
        """
        return same_day_asked(self.plan.recipes, self._worked(rows, self.statistics_on, None))

    def facts(
        self,
        rows: pa.Table,
        *,
        on: date,
        moment: datetime | None = None,
        filings: pa.Table | None = None,
        same_day: Mapping[SameDayAsked, int] = _NONE,
    ) -> list[LiveFacts]:
        """Return the facts asked of each item, in the order of `rows`, for a decision on that day.

        `rows` are whole declarations, one version of each, with the columns of the canonical table. `moment` is the
        instant up to which filings are known; without it the moment of lodging or, if later, the beginning of the
        day. `filings` are the consignments of the service's records: the canonical columns with version and known_at
        (and counted_on, if it is later than the day of decision for some). `same_day` answers `same_day_asked`;
        what it leaves out is 0. The batch's own declarations are counted besides.
        """
        worked = self._worked(rows, on, moment)
        self._same_day(worked, same_day)
        self._look_up(worked, on)
        self._file(worked, filings)
        return [self._results(row) for row in worked]

    def fact_table(
        self,
        rows: pa.Table,
        *,
        on: date,
        moment: datetime | None = None,
        filings: pa.Table | None = None,
        same_day: Mapping[SameDayAsked, int] = _NONE,
    ) -> pa.Table:
        """Return the same facts as a fact table for the batch engine: the key columns, then the facts asked."""
        facts = self.facts(rows, on=on, moment=moment, filings=filings, same_day=same_day)
        keys = held_columns(rows, {name: shape for name, shape in self.plan.columns.items() if name in _KEY}, ROWS)
        versions = [1 if version is None else version for version in keys["version"]]
        listed = zip(keys["declaration_id"], versions, keys["item_number"], strict=True)
        return fact_table(listed, facts, self.schema)

    def _worked(self, rows: pa.Table, on: date, moment: datetime | None) -> list[Row]:
        """Return the items as held values with their working columns."""
        plan = self.plan
        columns = held_columns(rows, plan.columns, ROWS)
        self._settle(columns, on, moment)
        if "importer_address" in columns:
            self.doubts.remember_places(address for name in _ADDRESSES if name in columns for address in columns[name])
        worked = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        for row in worked:
            for name, ask in plan.working:
                row[name] = ask(row)
            for name, ask in plan.words:
                text = ask(row)
                row[name] = None if text is None else words(text)
        if plan.whole:
            for items in _declarations(worked):
                whole = {name: ask(items) for name, ask in plan.whole}
                for row in items:
                    row.update(whole)
        return worked

    def _settle(self, columns: dict[str, list[Any]], on: date, moment: datetime | None) -> None:
        """Fill in what rows leave out, and the days and moments of the decision."""
        lodged = columns["lodged_at"]
        columns["version"] = [1 if version is None else version for version in columns["version"]]
        columns["known_at"] = [at if known is None else known
                               for known, at in zip(columns["known_at"], lodged, strict=True)]  # fmt: skip
        if moment is None:
            begins = self.doubts.midnight(on)
            columns["moment"] = [max(at, begins) for at in lodged]
        else:
            columns["moment"] = [(moment - _EPOCH) // timedelta(microseconds=1)] * len(lodged)
        columns["decided_on"] = [days_since_epoch(on)] * len(lodged)
        columns["statistics_day"] = [days_since_epoch(self.statistics_on)] * len(lodged)

    def _look_up(self, worked: Sequence[Row], on: date) -> None:
        decided_on = days_since_epoch(on)
        for one in self.history:
            figures = one.figures.rows_of([entity_name([row[column] for column in one.kind]) for row in worked])
            for row, own in zip(worked, figures, strict=True):
                row.update(zip(one.figures.names, own, strict=True))
                for name in one.since:
                    day = row[name]
                    row[name] = None if day is None or day == MISSING else decided_on - day
        for touched in self.touched:
            for row in worked:
                value = row[touched.column]
                row[touched.fact] = None if value is None else touched.figures.get(value, touched.unseen)
        for peers in self.peers:
            missing = (None,) * len(peers.facts)
            for row in worked:
                row.update(zip(peers.facts, _of_peers(peers, row) or missing, strict=True))

    def _same_day(self, worked: Sequence[Row], counted: Mapping[SameDayAsked, int]) -> None:
        asked = same_day_asked(self.plan.recipes, worked)
        earlier = {
            (one.fact, one.declaration_id, None if one.fact in self._of_boxes else one.entities[0]):
            own + counted.get(one, 0) for one, own in counted_in_batch(asked).items()
        }  # fmt: skip
        for fact, recipe in self.plan.recipes.items():
            if isinstance(recipe, SameDay):
                for row in worked:
                    name = None if fact in self._of_boxes else entity_name([row[column] for column in recipe.of])
                    row[fact] = earlier.get((fact, row["declaration_id"], name))

    @property
    def _of_boxes(self) -> frozenset[str]:
        return frozenset(
            fact for fact, recipe in self.plan.recipes.items()
            if isinstance(recipe, SameDay) and recipe.of == ("containers",)
        )  # fmt: skip

    def _file(self, worked: Sequence[Row], records: pa.Table | None) -> None:
        if self.filings is None:
            return
        wanted = [(row["previous_document"], row["moment"], row["decided_on"]) for row in worked]
        known = filing_rows(records, self.filings.read) if records is not None else []
        chosen = chosen_filings(self.filings, known, wanted, self.plan.filed, self.plan.filed_words)
        for row, one in zip(worked, wanted, strict=True):
            row[CONSIGNMENT] = chosen.get(one)

    def _results(self, row: Row) -> LiveFacts:
        plan = self.plan
        facts = {}
        for name, ask in plan.made:
            value = facts[name] = ask(row)
            if name in plan.passed_on:
                row[name] = value
        return {name: row[plan.plain[name]] if name in plan.plain else facts[name] for name in plan.names}


_KEY = ("declaration_id", "version", "item_number")
_ADDRESSES = ("importer_address", "exporter_address", "seller_address")


def _declarations(worked: Sequence[Row]) -> Iterator[list[Row]]:
    """Give the items of each version of a declaration."""
    key = itemgetter("declaration_id", "version")
    whole: dict[Any, list[Row]] = {}
    for own, items in groupby(worked, key):
        whole.setdefault(own, []).extend(items)
    yield from whole.values()


def _of_peers(peers: PeerFigures, row: Row) -> tuple[FactValue, ...] | None:
    for columns, groups in peers.levels:
        found = groups.get(tuple([row[column] for column in columns]))
        if found is not None:
            return found
    return None
