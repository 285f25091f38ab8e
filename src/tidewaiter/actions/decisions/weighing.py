"""What the facts of declarations say: the conditions that each meets, and the facts as they are stored.

This is most of the work of a decision and needs neither the records nor the draw, so it may be done in this process
(`Here`) or in one beside it (actions.decisions.apart).
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

import msgspec
import pyarrow as pa

from tidewaiter.actions.packing import packed
from tidewaiter.core.tables import CONSIGNMENTS
from tidewaiter.engines.selection.deciding import split_hits
from tidewaiter.engines.selection.live import Facts, LiveForce, matched, shadow_hits, subject_of
from tidewaiter.engines.selection.routing import Hits, Subject
from tidewaiter.storage.lake.facts.live import DayImage
from tidewaiter.storage.lake.facts.live_same_day import Receipt, SameDayAsked
from tidewaiter.storage.lake.schema import row_schema

type Row = Mapping[str, object]
type Count = Callable[[Sequence[SameDayAsked]], Mapping[SameDayAsked, int]]
"""Counts in the records what same-day facts ask; what it leaves out is 0."""

_FILINGS = row_schema(CONSIGNMENTS)


@dataclass(frozen=True, slots=True)
class Parcel:
    """One declaration to be weighed: its rows, its latest filing as it is stored (JSON; null: none), when it came."""

    number: str
    version: int
    rows: Sequence[Row]
    filing: bytes
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Lot:
    """Declarations to be weighed together at an instant, with all versions of their filings that the records hold."""

    parcels: Sequence[Parcel]
    filings: Sequence[Row]
    at: datetime


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the facts of one declaration say: hits, those of profiles in shadow, the facts packed as they are stored.

    `counted` is what its same-day counts are kept under.
    """

    subject: Subject
    hits: Hits
    shadow: Mapping[str, tuple[int, ...]]
    facts: bytes
    counted: Sequence[SameDayAsked]


class Weigher(Protocol):
    """Whatever weighs declarations."""

    @property
    def sound(self) -> bool:
        """Tell whether it can weigh."""

    def weigh(self, lot: Lot, count: Count) -> Generator[Weighed]:
        """Give what the facts of each parcel say, in their order.

        Whoever stops before the end closes it: others may wait for their turn. Raises WeigherGoneError.
        """


class WeigherGoneError(RuntimeError):
    """What weighs declarations has ended or answers no more; another is made."""


@dataclass(frozen=True, slots=True)
class Here:
    """Weighs within this process."""

    force: LiveForce
    image: DayImage
    on: date

    @property
    def sound(self) -> bool:
        """Tell whether it can weigh: always."""
        return True

    def weigh(self, lot: Lot, count: Count) -> Generator[Weighed]:
        """Give what the facts of each parcel say, in their order."""
        found = facts_of(self.image, lot, self.on, count)
        for parcel, (facts, counted) in zip(lot.parcels, found, strict=True):
            yield Weighed(
                subject_of(facts),
                split_hits(matched(self.force.matching, facts)),
                shadow_hits(self.force, facts),
                packed(facts_text(facts, parcel.filing)),
                counted,
            )


def facts_of(image: DayImage, lot: Lot, on: date, count: Count) -> list[tuple[Sequence[Facts], list[SameDayAsked]]]:
    """Return for each parcel the facts of its items, in their order, and what its same-day counts are kept under."""
    rows = [row for parcel in lot.parcels for row in parcel.rows]
    receipts = {parcel.number: parcel.receipt for parcel in lot.parcels}
    asked = image.same_day_asked(rows, receipts)
    filings = filing_table(lot.filings) if lot.filings else None
    made = image.facts(rows, on=on, moment=lot.at, filings=filings, same_day=count(asked), receipts=receipts)
    counted: dict[str, list[SameDayAsked]] = {}
    for question in asked:
        counted.setdefault(question.declaration_id, []).append(question)
    found: list[tuple[Sequence[Facts], list[SameDayAsked]]] = []
    start = 0
    for parcel in lot.parcels:
        own = made[start : start + len(parcel.rows)]
        start += len(parcel.rows)
        for facts, row in zip(own, parcel.rows, strict=True):
            number = int(str(row["item_number"]))
            facts |= {"declaration_id": parcel.number, "version": parcel.version, "item_number": number}
        found.append((own, counted.get(parcel.number, [])))
    return found


def facts_text(facts: Sequence[Facts], filing: bytes) -> bytes:
    """Return what a decision read, as JSON: the facts of every item, and the filing asked for lookouts."""
    return b'{"items":' + msgspec.json.encode(facts) + b',"filing":' + filing + b"}"


def filing_table(filings: Sequence[Row]) -> pa.Table:
    """Return filings as rows of the consignments table."""
    fields = [field for field in _FILINGS if any(field.name in row for row in filings)]
    columns = [pa.array([row.get(field.name) for row in filings], field.type) for field in fields]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))
