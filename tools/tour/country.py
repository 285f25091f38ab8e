"""The trade of the tour: a fictional country whose history ends yesterday, and what is lodged there today."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from time import sleep
from typing import Any, Final
from zoneinfo import ZoneInfo

from pyarrow import compute, parquet

from tidewaiter.core.tables import DECLARATIONS, TABLES
from tidewaiter.engines.generate.country import OFFICES, TIME_ZONE

ZONE: Final = ZoneInfo(TIME_ZONE)
MOST_ITEMS: Final = 60
"""Of what is lodged today."""

NEAR_MIDNIGHT: Final = timedelta(minutes=5)
_WRITTEN_BY_THE_LAKE: Final = frozenset({"version", "known_at"})
_OF_THE_WHOLE: Final = tuple(
    field.name for field in DECLARATIONS.fields[: [one.name for one in DECLARATIONS.fields].index("containers")]
)


@dataclass(frozen=True, slots=True)
class Country:
    """What the tour trades with: the day it is, and the documents lodged on it."""

    today: date
    documents: list[dict[str, Any]]

    @property
    def offices(self) -> dict[str, str]:
        """Return the offices: code and town."""
        return {office.code: office.town for office in OFFICES}


def today_there(now: datetime) -> date:
    """Return the country's day."""
    return now.astimezone(ZONE).date()


def wait_for_midnight_to_pass() -> None:
    """Wait where the country's day is about to end: a tour is of one day."""
    there = datetime.now(UTC).astimezone(ZONE)
    if (there + NEAR_MIDNIGHT).date() != there.date():
        sleep((2 * NEAR_MIDNIGHT).total_seconds())


def first_month(today: date, months: int) -> date:
    """Return the first day of the period that ends with the month after today's."""
    month = today.year * 12 + today.month + 1 - months
    return date(month // 12, month % 12 + 1, 1)


def cut(folder: Path, today: date) -> Country:
    """Keep in the folder's files only what was known when yesterday ended; what was to come is lodged today."""
    midnight = datetime(today.year, today.month, today.day, tzinfo=ZONE)
    declared = parquet.read_table(folder / "declarations.parquet")
    for name in TABLES:
        file = folder / f"{name}.parquet"
        table = parquet.read_table(file)
        parquet.write_table(table.filter(compute.less(table["known_at"], midnight)), file)
    order = [("lodged_at", "ascending"), ("declaration_id", "ascending"), ("item_number", "ascending")]
    later = declared.filter(compute.greater_equal(declared["known_at"], midnight)).sort_by(order)
    first = later.filter(compute.equal(later["version"], 1)).slice(0, MOST_ITEMS)
    return Country(today, _documents(first.to_pylist()))


def _documents(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return declarations as a clearance system sends them: the whole at the top, the goods in items."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        given = {name: _written(value) for name, value in row.items() if value not in (None, [], ())}
        top = {name: given[name] for name in _OF_THE_WHOLE if name in given and name != "item_number"}
        items = {name: value for name, value in given.items() if name not in top.keys() | _WRITTEN_BY_THE_LAKE}
        found.setdefault(row["declaration_id"], {**top, "items": []})["items"].append(items)
    return list(found.values())


def _written(value: object) -> Any:
    match value:
        case Decimal():
            return float(value)
        case datetime():
            return value.astimezone(UTC).isoformat()
        case list():
            return [_written(one) for one in value]
        case dict():
            return {name: _written(one) for name, one in value.items()}
        case _:
            return value
