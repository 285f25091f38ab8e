"""The facts of a group of declarations: from the image of the day, the records' filings and their same-day counts."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import pyarrow as pa

from tidewaiter.actions.gathering import Case
from tidewaiter.actions.same_day import earlier_in_records
from tidewaiter.actions.standing import Standing
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.tables import CONSIGNMENTS
from tidewaiter.engines.selection.live import Facts
from tidewaiter.storage.lake.facts.live_image import make_image
from tidewaiter.storage.lake.facts.live_rows import rows_to_table
from tidewaiter.storage.lake.facts.live_same_day import SameDayAsked
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.lake.schema import row_schema

type Row = Mapping[str, object]

_FILINGS = row_schema(CONSIGNMENTS)


def make_facts(standing: Standing, cases: Sequence[Case], filings: Sequence[Row], at: datetime) -> None:
    """Give every case the facts of its items, in their order, and what its same-day counts are kept under.

    `filings` are all versions of the consignments that the records hold under the cases' documents.
    """
    rows = [row for case in cases for row in standing.registered(case.lodged.rows)]
    asked = standing.image.same_day_asked(rows)
    found = standing.image.facts(
        rows,
        on=standing.on,
        moment=at,
        filings=filing_table(filings) if filings else None,
        same_day=earlier_in_records(asked, standing.mark_kinds),
    )
    counted: dict[str, list[SameDayAsked]] = {}
    for question in asked:
        counted.setdefault(question.declaration_id, []).append(question)
    start = 0
    for case in cases:
        end = start + len(case.lodged.rows)
        for facts, number in zip(found[start:end], case.item_numbers, strict=True):
            facts |= {"declaration_id": case.number, "version": case.version, "item_number": number}
        case.facts = found[start:end]
        case.counted = counted.get(case.number, [])
        start = end


def filing_table(filings: Sequence[Row]) -> pa.Table:
    """Return filings as rows of the consignments table."""
    fields = [field for field in _FILINGS if any(field.name in row for row in filings)]
    columns = [pa.array([row.get(field.name) for row in filings], field.type) for field in fields]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def rebuilt_facts(
    lake: Lake, catalogue: Catalogue, rows: Sequence[Row], on: date, statistics_on: date, names: Sequence[str]
) -> list[Facts]:
    """Return the facts of a declaration's items made again from the lake as it is now, in the order of the rows."""
    image = make_image(lake.snapshot(), catalogue, statistics_on, only=names)
    return list(image.facts(rows_to_table(rows), on=on))
