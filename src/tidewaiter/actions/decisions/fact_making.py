"""The facts of declarations where they are asked for themselves: goods in flight, and facts made again for replay."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from tidewaiter.actions.decisions.gathering import Case
from tidewaiter.actions.decisions.same_day import earlier_in_records
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.actions.decisions.weighing import Here, Lot, Parcel, facts_of
from tidewaiter.core.facts import Catalogue
from tidewaiter.engines.selection.live import Facts
from tidewaiter.storage.lake.facts.live_image import make_image
from tidewaiter.storage.lake.facts.live_rows import rows_to_table
from tidewaiter.storage.lake.facts.live_same_day import Receipt
from tidewaiter.storage.lake.lake import Lake

type Row = Mapping[str, object]


def make_facts(standing: Standing, cases: Sequence[Case], filings: Sequence[Row], at: datetime) -> None:
    """Give every case the facts of its items, in their order, and what its same-day counts are kept under.

    `filings` are all versions of the consignments that the records hold under the cases' documents. For a process that
    weighs by itself. Raises TypeError for another.
    """
    weigher = standing.weigher
    if not isinstance(weigher, Here):
        raise TypeError("facts are made where declarations are weighed")
    lot = Lot([parcel_of(standing, case, at) for case in cases], filings, at)
    found = facts_of(weigher.image, lot, standing.on, lambda asked: earlier_in_records(asked, standing.mark_kinds))
    for case, (facts, counted) in zip(cases, found, strict=True):
        case.facts, case.counted = facts, counted


def parcel_of(standing: Standing, case: Case, at: datetime, filing: bytes = b"null") -> Parcel:
    """Return a declaration as it is weighed at an instant."""
    came = case.received_at(at)
    rows = standing.registered(case.lodged.rows)
    return Parcel(case.number, case.version, rows, filing, Receipt.of(came, standing.day_of(came)))


def rebuilt_facts(
    lake: Lake, catalogue: Catalogue, rows: Sequence[Row], on: date, statistics_on: date, names: Sequence[str]
) -> list[Facts]:
    """Return the facts of a declaration's items made again from the lake as it is now, in the order of the rows."""
    image = make_image(lake.snapshot(), catalogue, statistics_on, only=names)
    return list(image.facts(rows_to_table(rows), on=on))
