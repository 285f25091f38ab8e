"""A small trade for back-tests: declarations lodged, examined and decided, each made in one call."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from tidewaiter.core.administration import Administration
from tidewaiter.core.condition import Compare, Condition, OneOf, Op, StartsWith
from tidewaiter.core.facts import Fact, FactType
from tidewaiter.storage.lake.lake import Lake, Snapshot

HS = Fact("hs_code", FactType.TEXT)
VALUE = Fact("value", FactType.DECIMAL, scale=2)
DAY_ONE = date(2024, 3, 1)


def instant(day: date, hour: int = 9) -> datetime:
    """Return an hour of a day in UTC."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def hs(*prefixes: str) -> Condition:
    """Return the condition that the commodity code begins with one of these."""
    return StartsWith(HS, tuple(sorted(prefixes)))


def codes(*exact: str) -> Condition:
    """Return the condition that the commodity code is one of these."""
    return OneOf(HS, tuple(sorted(exact)))


def dearer_than(amount: str) -> Condition:
    """Return the condition that the value is above an amount."""
    return Compare(VALUE, Op.GT, Decimal(amount))


def fact_rows(rows: Sequence[tuple[str, int, date, str | None, str, str]]) -> pa.RecordBatch:
    """Return a batch of the fact table: declaration, item, day of lodging, office, commodity code, value."""
    ids, items, days, offices, goods, values = zip(*rows, strict=True) if rows else ((),) * 6
    return pa.record_batch(
        {
            "declaration_id": pa.array(ids, pa.string()),
            "version": pa.array([1] * len(rows), pa.int64()),
            "item_number": pa.array(items, pa.int64()),
            "lodged_on": pa.array(days, pa.date32()),
            "office": pa.array(offices, pa.string()),
            "hs_code": pa.array(goods, pa.string()),
            "value": pa.array([Decimal(value) for value in values], pa.decimal128(18, 2)),
        }
    )


def lake_with(
    folder: Path, *, administration: Administration | None = None, **tables: Sequence[Mapping[str, object]]
) -> Snapshot:
    """Return the snapshot of a new lake that holds these rows of these tables."""
    lake = Lake.create(folder, administration or Administration(currency="EUR", material_duty=Decimal(100)))
    with lake.writing() as writer:
        for name, rows in tables.items():
            writer.add(name, pa.Table.from_pylist([dict(row) for row in rows]))
    return lake.snapshot()


def lodged(number: str, day: date = DAY_ONE, item: int = 1, **fields: object) -> dict[str, object]:
    """Return an item of a declaration."""
    return {
        "declaration_id": number,
        "item_number": item,
        "lodged_at": instant(day),
        "flow": "import",
        "office": "NORTH",
        "known_at": instant(day),
        "version": 1,
    } | fields


def examined(number: str, day: date = DAY_ONE + timedelta(days=2), **fields: object) -> dict[str, object]:
    """Return a completed physical act that found nothing."""
    return {
        "act_id": f"{number}-physical",
        "declaration_id": number,
        "act": "physical",
        "completed_at": instant(day),
        "known_at": instant(day),
        "state": "final",
        "outcome": "nothing_found",
        "version": 1,
        "items": None,
        "categories": None,
        "duty_assessed": None,
        "duty_collected": None,
        "duty_refunded": None,
        "seizure_value": None,
        "officer_minutes": Decimal("30.0"),
    } | fields


def found(number: str, duty: str = "500", **fields: object) -> dict[str, object]:
    """Return a completed act that found undervaluation and collected the duty."""
    return (
        examined(
            number,
            outcome="found_as_suspected",
            categories=["UNDERVALUATION"],
            duty_assessed=Decimal(duty),
            duty_collected=Decimal(duty),
        )
        | fields
    )


OUTCOMES = pa.schema(
    {
        "declaration_id": pa.string(),
        "lodged_on": pa.date32(),
        "labelled": pa.bool_(),
        "offence": pa.bool_(),
        "immaterial": pa.bool_(),
        "pending": pa.bool_(),
        "not_inspected": pa.bool_(),
        "looked_at": pa.list_(pa.int64()),
        "found_in": pa.list_(pa.int64()),
        "categories": pa.list_(pa.string()),
        "recovered": pa.decimal128(18, 3),
        "officer_minutes": pa.decimal128(18, 1),
        "trader_hours": pa.float64(),
        "known_on": pa.date32(),
        "incumbent_channel": pa.string(),
        "criterion": pa.string(),
        "selection_probability": pa.float64(),
        "in_random_sample": pa.bool_(),
    }
)


def outcome(number: str, day: date = DAY_ONE, **fields: Any) -> dict[str, object]:
    """Return what became of a declaration: nothing known, unless said."""
    blank: dict[str, object] = dict.fromkeys(OUTCOMES.names)
    flags = dict.fromkeys(("labelled", "offence", "immaterial", "pending", "not_inspected"), False)
    return blank | flags | {"declaration_id": number, "lodged_on": day} | fields


def clean(number: str, day: date = DAY_ONE, **fields: Any) -> dict[str, object]:
    """Return a declaration examined with nothing found, half an hour's work."""
    known = {"labelled": True, "recovered": Decimal("0.000"), "officer_minutes": Decimal("30.0")}
    return outcome(number, day, known_on=day + timedelta(days=2), **known) | fields


def offence(number: str, day: date = DAY_ONE, **fields: Any) -> dict[str, object]:
    """Return a declaration examined with a material finding worth 500, half an hour's work."""
    return clean(number, day, offence=True, recovered=Decimal("500.000"), categories=["ORIGIN"]) | fields


def outcome_table(rows: Sequence[Mapping[str, object]]) -> pa.Table:
    """Return the outcomes as a table."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=OUTCOMES)
