"""History facts: what was known at the close of the day before, and nothing else."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.trade import FIRST, Row, add, arrow, at, cancelled, item, lake_of, result

from tidewaiter.core.facts import Catalogue
from tidewaiter.language.catalogue import catalogue_from_text, load_catalogue
from tidewaiter.storage.lake.facts.statistics import update_statistics
from tidewaiter.storage.lake.facts.table import fact_batches, facts_of_rows, statistics_day
from tidewaiter.storage.lake.lake import Lake

DAYS = 40

SMALL = """facts:
- {name: flow, type: text, source: {field: flow}}
- {name: office, type: text, source: {field: office}}
- {name: lodged_on, type: date, source: {sql: lodged_on}}
- {name: seen_7d, type: integer, source: {count: declarations, of: [importer_code], days: 7}}
- {name: seen, type: integer, source: {count: declarations, of: [importer_code]}}
- {name: items_7d, type: integer, source: {count: items, of: [importer_code, hs4], days: 7}}
- {name: mass, type: decimal, scale: 3, source: {count: net_mass, of: [importer_code], days: 30}}
- {name: results, type: integer, source: {count: results, of: [importer_code]}}
- {name: findings, type: integer, source: {count: findings, of: [importer_code]}}
- {name: findings_7d, type: integer, source: {count: findings, of: [importer_code], days: 7}}
- {name: first, type: integer, source: {since: first, what: declarations, of: [importer_code]}}
- {name: last, type: integer, source: {since: last, what: declarations, of: [importer_code]}}
- {name: last_finding, type: integer, source: {since: last, what: findings, of: [importer_code]}}
- {name: headings, type: integer, source: {distinct: [hs4], of: [importer_code]}}
- {name: today, type: integer, source: {same_day: [importer_code]}}
"""


@pytest.fixture(scope="module")
def small() -> Catalogue:
    return catalogue_from_text(SMALL)


def rows_of(lake: Lake, catalogue: Catalogue, **kwargs: Any) -> list[Row]:
    batches = list(fact_batches(lake.snapshot(), catalogue, FIRST, FIRST + timedelta(days=400), **kwargs))
    return pa.Table.from_batches(batches).to_pylist() if batches else []


def facts_by_id(lake: Lake, catalogue: Catalogue) -> dict[str, Row]:
    return {row["declaration_id"]: row for row in rows_of(lake, catalogue)}


def test_an_amendment_counts_for_the_new_importer_from_the_day_it_is_known(tmp_path: Path, small: Catalogue) -> None:
    amended = item("D1", 0, version=2, importer_code="I2", known_at=at(3))
    later = [item(f"A{day}", day) for day in (3, 4)] + [item(f"B{day}", day, importer_code="I2") for day in (3, 4)]
    facts = facts_by_id(lake_of(tmp_path / "lake", declarations=[item("D1", 0), amended, *later]), small)
    assert [facts[name]["seen"] for name in ("A3", "A4", "B3", "B4")] == [1, 1, 0, 2]


def test_a_cancelled_declaration_counts_nowhere_from_its_cancellation(tmp_path: Path, small: Catalogue) -> None:
    lake = lake_of(
        tmp_path / "lake",
        declarations=[item("D1", 0), item("A2", 2), item("A3", 3)],
        results=[result("R1", "D1", 1, found=True)],
        events=[cancelled("D1", 2)],
    )
    facts = facts_by_id(lake, small)
    assert (facts["A2"]["seen"], facts["A2"]["findings"], facts["A2"]["first"]) == (1, 1, 2)
    assert (facts["A3"]["seen"], facts["A3"]["findings"], facts["A3"]["first"]) == (1, 0, 1)


def test_a_result_counts_from_the_close_of_the_day_it_became_known(tmp_path: Path, small: Catalogue) -> None:
    late = result("R1", "D1", 1, found=True, known_at=at(5))
    lake = lake_of(tmp_path / "lake", declarations=[item("D1", 0), item("A5", 5), item("A6", 6)], results=[late])
    facts = facts_by_id(lake, small)
    assert [facts[name]["findings"] for name in ("A5", "A6")] == [0, 1]
    assert facts["A6"]["last_finding"] == 1


def test_two_acts_on_one_declaration_count_once(tmp_path: Path, small: Catalogue) -> None:
    acts = [result("R1", "D1", 1, found=True), result("R2", "D1", 2, found=True, act="scan")]
    facts = facts_by_id(lake_of(tmp_path / "lake", declarations=[item("D1", 0), item("A5", 5)], results=acts), small)
    assert (facts["A5"]["results"], facts["A5"]["findings"]) == (1, 1)


@pytest.mark.slow
def test_a_row_that_arrives_after_its_day_was_closed_counts_from_the_next_close(
    tmp_path: Path, small: Catalogue
) -> None:
    lake = lake_of(tmp_path / "lake", declarations=[item("A5", 5), item("A7", 7)])
    lake.close_days(FIRST + timedelta(days=5))
    add(lake, declarations=[item("D1", 0)])
    live = facts_of_rows(
        lake.snapshot(), small, arrow("declarations", [item("N", 6), item("N2", 7, hour=9)]), at(7).date(), at(5).date()
    )
    assert live["seen"].to_pylist() == [1, 1]
    lake.close_days(FIRST + timedelta(days=6))
    assert facts_by_id(lake, small)["A7"]["seen"] == 2


def test_statistics_are_taken_at_the_last_closed_day_before_the_decision(tmp_path: Path) -> None:
    lake = lake_of(tmp_path / "lake", declarations=[item("D1", 0)])
    assert statistics_day(lake.snapshot(), date(2024, 3, 1)) == date(2024, 2, 29)
    lake.close_days(date(2024, 2, 20))
    assert statistics_day(lake.snapshot(), date(2024, 3, 1)) == date(2024, 2, 20)
    assert statistics_day(lake.snapshot(), date(2024, 2, 10)) == date(2024, 2, 9)


def test_a_declaration_without_an_importer_has_no_history_of_one(tmp_path: Path, small: Catalogue) -> None:
    lake = lake_of(tmp_path / "lake", declarations=[item("D1", 0, importer_code=None), item("D2", 1)])
    facts = facts_by_id(lake, small)
    assert (facts["D1"]["seen"], facts["D2"]["seen"], facts["D2"]["first"]) == (None, 0, None)


def test_declarations_of_the_same_day_count_by_their_hour(tmp_path: Path, small: Catalogue) -> None:
    lodged = [item("C", 3, hour=8), item("A", 3, hour=12), item("B", 3, hour=9), item("D", 4)]
    facts = facts_by_id(lake_of(tmp_path / "lake", declarations=lodged), small)
    assert [facts[name]["today"] for name in "CBAD"] == [0, 1, 2, 0]


def test_a_live_declaration_sees_those_of_the_lake_lodged_earlier_that_day(tmp_path: Path, small: Catalogue) -> None:
    lake = lake_of(tmp_path / "lake", declarations=[item("A", 3, hour=8), item("B", 3, hour=12), item("C", 2)])
    about = arrow("declarations", [item("N", 3, hour=11), item("A", 3, hour=8)])
    live = facts_of_rows(lake.snapshot(), small, about, at(3).date(), at(2).date())
    assert dict(zip(live["declaration_id"].to_pylist(), live["today"].to_pylist(), strict=True)) == {"A": 0, "N": 1}


def test_the_net_mass_of_a_window_is_exact(tmp_path: Path, small: Catalogue) -> None:
    masses = [item(f"D{n}", n, net_mass=Decimal("0.001") * n) for n in range(1, 4)]
    lake = lake_of(tmp_path / "lake", declarations=[*masses, item("A", 5), item("B", 32), item("C", 5, net_mass=None)])
    facts = facts_by_id(lake, small)
    assert [facts[name]["mass"] for name in "AB"] == [Decimal("0.006"), Decimal("10.005")]


def any_trade(seed: int) -> dict[str, list[Row]]:
    """Return a random trade of forty days: amendments, cancellations, corrected and overturned results, late rows."""
    random = Random(seed)
    tables: dict[str, list[Row]] = {"declarations": [], "results": [], "events": []}
    for number in range(random.randint(5, 40)):
        name, day = f"D{number:02d}", random.randrange(DAYS)
        hour = random.randrange(24)
        for version in range(1, random.choice((2, 2, 2, 3, 4))):
            importer = random.choice(("I1", "I2", None))
            known = at(day, hour) if version == 1 else at(day + random.randrange(12))
            for place in range(1, random.randint(2, 4)):
                heading = random.choice(("640399", "640299", "0101"))
                tables["declarations"].append(
                    item(name, day, hour=hour, version=version, item_number=place, importer_code=importer,
                         hs_code=heading, known_at=known)
                )  # fmt: skip
        if random.random() < 0.2:
            tables["events"].append(cancelled(name, day + random.randrange(8)))
        for act in range(random.choice((0, 0, 1, 2))):
            for version in range(1, random.randint(2, 4)):
                tables["results"].append(
                    result(f"R{number}-{act}", name, day + 1, found=random.random() < 0.6, version=version,
                           known_at=at(day + 1 + random.randrange(12)),
                           state=random.choice(("final", "final", "provisional", "overturned")))
                )  # fmt: skip
    return tables


class Ledger:
    """Reads the trade plainly, day by day: what stood at the close of a day. Slow, and made otherwise than the lake."""

    def __init__(self, tables: dict[str, list[Row]]) -> None:
        self.versions: dict[str, dict[int, list[Row]]] = {}
        for row in tables["declarations"]:
            self.versions.setdefault(row["declaration_id"], {}).setdefault(row["version"], []).append(row)
        self.cancelled = {row["declaration_id"]: row["known_at"].date() for row in tables["events"]}
        self.acts: dict[str, list[Row]] = {}
        for row in tables["results"]:
            self.acts.setdefault(row["declaration_id"], []).append(row)

    def standing(self, name: str, day: date) -> list[Row]:
        known = [v for v, rows in self.versions[name].items() if rows[0]["known_at"].date() <= day]
        if not known or self.cancelled.get(name, date.max) <= day:
            return []
        return self.versions[name][max(known)]

    def holds(self, name: str, day: date, test: Callable[[Row], bool]) -> bool:
        latest: dict[str, Row] = {}
        for row in sorted(self.acts.get(name, ()), key=lambda row: row["version"]):
            if row["known_at"].date() <= day:
                latest[row["act_id"]] = row
        return any(test(row) for row in latest.values())

    def known_on(self, name: str, day: date, test: Callable[[Row], bool]) -> date:
        while self.holds(name, day - timedelta(days=1), test):
            day -= timedelta(days=1)
        return day

    def facts(self, row: Row, day: date) -> Row:
        importer, heading = row["importer_code"], row["hs_code"][:4]
        if importer is None:
            return dict.fromkeys(("seen_7d", "seen", "items_7d", "results", "findings", "findings_7d", "first",
                                  "last", "last_finding", "headings"))  # fmt: skip
        close, week = day - timedelta(days=1), day - timedelta(days=8)
        held = {name: rows for name in self.versions if (rows := self.standing(name, close))}
        own = {name: rows for name, rows in held.items() if rows[0]["importer_code"] == importer}
        lodged = [rows[0]["lodged_at"].date() for rows in own.values()]
        found = [self.known_on(n, close, is_found) for n in own if self.holds(n, close, is_found)]
        return {
            "seen_7d": sum(on > week for on in lodged),
            "seen": len(lodged),
            "items_7d": sum(
                entry["hs_code"][:4] == heading
                for rows in own.values() for entry in rows if entry["lodged_at"].date() > week
            ),
            "results": sum(self.holds(name, close, is_result) for name in own),
            "findings": len(found),
            "findings_7d": sum(on > week for on in found),
            "first": (day - min(lodged)).days if lodged else None,
            "last": (day - max(lodged)).days if lodged else None,
            "last_finding": (day - max(found)).days if found else None,
            "headings": len({entry["hs_code"][:4] for rows in own.values() for entry in rows}),
        }  # fmt: skip


def is_result(row: Row) -> bool:
    return row["state"] in ("final", "overturned")


def is_found(row: Row) -> bool:
    return bool(row["state"] == "final" and row["outcome"] == "found_as_suspected")


def version_of_the_day(ledger: Ledger, name: str) -> list[Row]:
    versions = ledger.versions[name]
    day = versions[1][0]["lodged_at"].date()
    return versions[max(v for v, rows in versions.items() if rows[0]["known_at"].date() <= day)]


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_history_is_what_a_plain_reading_of_the_days_gives(
    tmp_path_factory: pytest.TempPathFactory, small: Catalogue, seed: int
) -> None:
    tables = any_trade(seed)
    ledger = Ledger(tables)
    lake = lake_of(tmp_path_factory.mktemp("trade") / "lake", **tables)
    read = {(row["declaration_id"], row["item_number"]): row for row in rows_of(lake, small)}
    chosen = [row for name in ledger.versions for row in version_of_the_day(ledger, name)]
    assert set(read) == {(row["declaration_id"], row["item_number"]) for row in chosen}
    for row in chosen:
        facts = read[row["declaration_id"], row["item_number"]]
        plain = ledger.facts(row, row["lodged_at"].date())
        assert {name: facts[name] for name in plain} == plain, row


@pytest.mark.slow
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_back_test_uses_the_numbers_the_live_path_would_have_used(
    tmp_path_factory: pytest.TempPathFactory, small: Catalogue, seed: int
) -> None:
    tables = any_trade(seed)
    lake = lake_of(tmp_path_factory.mktemp("trade") / "lake", **tables)
    ledger, back = Ledger(tables), rows_of(lake, small)
    day = back[len(back) // 2]["lodged_on"]
    about = [
        row for name in ledger.versions for row in version_of_the_day(ledger, name) if row["lodged_at"].date() == day
    ]
    snapshot = lake.snapshot()
    live = facts_of_rows(snapshot, small, arrow("declarations", about), day, statistics_day(snapshot, day))
    assert live.to_pylist() == [row for row in back if row["lodged_on"] == day]


@pytest.mark.slow
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 2**32), day=st.integers(1, DAYS))
def test_nothing_that_became_known_later_changes_the_facts_of_a_day(
    tmp_path_factory: pytest.TempPathFactory, small: Catalogue, seed: int, day: int
) -> None:
    tables = any_trade(seed)
    folder = tmp_path_factory.mktemp("trade")
    close = at(day).date()
    known = {name: [row for row in rows if row["known_at"].date() < close] for name, rows in tables.items()}
    today = [row for row in tables["declarations"] if row["lodged_at"].date() == row["known_at"].date() == close]
    before = {name: [*rows, *(today if name == "declarations" else ())] for name, rows in known.items()}
    with_future = facts_on(lake_of(folder / "all", **tables), small, close)
    without = facts_on(lake_of(folder / "before", **before), small, close)
    assert with_future == without


def facts_on(lake: Lake, catalogue: Catalogue, day: date) -> list[Row]:
    batches = list(fact_batches(lake.snapshot(), catalogue, day, day))
    return pa.Table.from_batches(batches).to_pylist() if batches else []


def kept_files(lake: Lake) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in lake.folder.glob("derived/movements/*.parquet")}


@pytest.mark.slow
def test_statistics_built_day_by_day_are_those_built_from_scratch(tmp_path: Path, small: Catalogue) -> None:
    tables = any_trade(7)
    grown = lake_of(tmp_path / "grown")
    for first in range(0, 60, 15):
        part = {
            name: [row for row in rows if first <= (row["known_at"].date() - FIRST).days < first + 15]
            for name, rows in tables.items()
        }
        add(grown, **part)
        update_statistics(grown, small)
    whole = lake_of(tmp_path / "whole", **tables)
    update_statistics(whole, small)
    assert rows_of(grown, small) == rows_of(whole, small)


def test_statistics_of_an_unchanged_lake_are_not_built_again(tmp_path: Path, small: Catalogue) -> None:
    lake = lake_of(tmp_path / "lake", declarations=[item("D1", 0), item("D2", 40)])
    assert update_statistics(lake, small) > 0
    before = kept_files(lake)
    assert update_statistics(lake, small) == 0
    assert kept_files(lake) == before


@pytest.mark.slow
def test_a_month_that_nothing_touched_is_not_built_again(tmp_path: Path, small: Catalogue) -> None:
    lake = lake_of(tmp_path / "lake", declarations=[item("D1", 0), item("D2", 40)])
    made = update_statistics(lake, small)
    before = kept_files(lake)
    add(lake, declarations=[item("D3", 41)])
    assert update_statistics(lake, small) == made // 2
    assert before.items() <= kept_files(lake).items()


@pytest.mark.slow
def test_every_shipped_fact_is_free_of_the_future(tmp_path: Path) -> None:
    tables = any_trade(11)
    catalogue = load_catalogue()
    close = at(25).date()
    known = {name: [row for row in rows if row["known_at"].date() < close] for name, rows in tables.items()}
    today = [item("TODAY", 25, item_number=n, invoice_value=100, invoice_currency="EUR") for n in (1, 2)]
    seizures = [
        {"seizure_number": f"Z{n}", "seized_at": at(n), "known_at": at(n), "origin": "VN", "version": 1}
        for n in (20, 25, 30)
    ]
    everything = tables | {"declarations": [*tables["declarations"], *today], "seizures": seizures}
    before = known | {"declarations": [*known["declarations"], *today], "seizures": seizures[:1]}
    of_today = [
        {**row, "importer_same_day": None, "shipment_same_day": None, "container_same_day": None}
        for lake in (lake_of(tmp_path / "all", **everything), lake_of(tmp_path / "before", **before))
        for row in facts_on(lake, catalogue, close)
        if row["declaration_id"] == "TODAY"
    ]
    assert len(of_today) == 4
    assert of_today[:2] == of_today[2:]
    assert of_today[0]["origin_seizures_365d"] == 1
