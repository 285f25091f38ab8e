"""The fact table: its shape, its order, and the facts joined from consignments, peers and seizures."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests.trade import FIRST, Row, arrow, at, item, lake_of

from tidewaiter.core.errors import NotKnownError
from tidewaiter.core.facts import Catalogue
from tidewaiter.language.catalogue import catalogue_from_text, load_catalogue
from tidewaiter.storage.lake.facts import table as fact_module
from tidewaiter.storage.lake.facts.table import fact_batches, fact_schema, facts_of_rows
from tidewaiter.storage.lake.lake import Lake

PEERS = """facts:
- {name: flow, type: text, source: {field: flow}}
- {name: office, type: text, source: {field: office}}
- {name: lodged_on, type: date, source: {sql: lodged_on}}
- {name: unit_value, type: ratio, source: {sql: unit_value}}
- {name: low, type: ratio, source: {percentile: 10, of: unit_value}}
- {name: middle, type: ratio, source: {percentile: 50, of: unit_value}}
- {name: peers, type: integer, source: {peers: rows, of: unit_value}}
- {name: level, type: text, source: {peers: level, of: unit_value}}
"""


@pytest.fixture(scope="module")
def shipped() -> Catalogue:
    return load_catalogue()


def all_rows(lake: Lake, catalogue: Catalogue, start: date = FIRST, days: int = 400) -> list[Row]:
    batches = fact_batches(lake.snapshot(), catalogue, start, start + timedelta(days=days))
    return [row for batch in batches for row in batch.to_pylist()]


CONSIGNMENT: Row = {
    "consignment_id": "H1",
    "house_document": "H1",
    "master_document": "M1",
    "filed_at": at(0),
    "known_at": at(0),
    "version": 1,
    "description": "Leather shoes",
    "consignee_name": "Somebody Else",
    "notify_name": "To order",
    "gross_mass": Decimal("200.000"),
    "packages": 10,
    "port_of_loading": "VNSGN",
    "containers": [{"number": "CSQU3054383", "status": "EMPTY", "seals": ["S1"]}],
    "eta": at(2),
}


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory, shipped: Catalogue) -> dict[str, Row]:
    declared: Row = {
        "previous_document": "H1",
        "description": "Shoes of rubber",
        "importer_name": "Importer Ltd",
        "gross_mass": Decimal("150.000"),
        "packages": 12,
        "port_of_loading": "VNHPH",
        "containers": ["CSQU3054383", "CSQU3054384"],
    }
    seals = {"containers": [{"number": "CSQU3054383", "status": "EMPTY", "seals": ["S2"]}]}
    amended = CONSIGNMENT | seals | {"version": 2, "known_at": at(2)}
    house = CONSIGNMENT | {"consignment_id": "H2", "house_document": "H2"}
    lake = lake_of(
        tmp_path_factory.mktemp("joined") / "lake",
        declarations=[item("A", 1, **declared), item("B", 3, **declared), item("C", 3, **declared | {
            "previous_document": "H9", "containers": ["CSQU3054384"]})],
        consignments=[CONSIGNMENT, amended, house],
    )  # fmt: skip
    return {row["declaration_id"]: row for row in all_rows(lake, shipped)}


def test_a_declaration_is_joined_to_the_filing_known_when_it_was_lodged(joined: dict[str, Row]) -> None:
    assert [joined[name]["manifest_amendments"] for name in "AB"] == [0, 1]
    assert [joined[name]["seals_changed"] for name in "AB"] == [False, True]


def test_a_declaration_without_a_filing_says_so(joined: dict[str, Row]) -> None:
    assert joined["C"]["consignment_found"] is False
    assert joined["C"]["manifest_gross_mass"] is None


def test_what_the_manifest_contradicts_shows(joined: dict[str, Row]) -> None:
    facts = joined["A"]
    assert facts["gross_mass_difference"] == -0.25
    assert facts["packages_difference"] == 2
    assert facts["description_overlap"] == pytest.approx(1 / 3)
    assert (facts["consignee_differs"], facts["port_of_loading_differs"], facts["containers_differ"]) == (True,) * 3
    assert (facts["notify_placeholder"], facts["empty_but_heavy"]) == (True, True)
    assert (facts["houses_under_master"], facts["seal_count"], facts["unsealed_containers"]) == (2, 1, 0)
    assert (facts["filed_hours_before_arrival"], facts["filed_hours_before_lodging"]) == (48.0, 24.0)


def test_a_container_declared_twice_on_a_day_shows_on_the_later(joined: dict[str, Row]) -> None:
    assert [joined[name]["container_same_day"] for name in "ABC"] == [0, 0, 1]
    assert [joined[name]["container_numbers_valid"] for name in "ABC"] == [False, False, False]


@pytest.mark.slow
def test_facts_of_one_declaration_need_no_lake(tmp_path: Path, shipped: Catalogue) -> None:
    lake = lake_of(tmp_path / "lake")
    tax = [{"type": "A00", "base": Decimal("900.000"), "rate": Decimal("8.0000"), "amount": Decimal("72.000")}]
    rows = [
        item("N", 2, invoice_value=Decimal("1000.000"), invoice_currency="USD", exchange_rate=Decimal("0.9"),
             gross_mass=Decimal("10.000"), tax_lines=tax, description="Größe 38, SHOES", packages=0)
    ]  # fmt: skip
    facts = facts_of_rows(lake.snapshot(), shipped, arrow("declarations", rows), at(2).date(), at(1).date())
    assert facts.schema == fact_schema(shipped)
    (row,) = facts.to_pylist()
    assert row["invoice_value_national"] == Decimal("900.000")
    assert (row["unit_value"], row["duty_share"], row["weight_per_package"]) == (90.0, 0.08, None)
    assert (row["net_reaches_gross"], row["highest_tax_rate"]) == (True, Decimal("8.0000"))
    assert (row["description"], row["tax_types"]) == (" grosse 38 shoes ", " a00 ")
    assert (row["lodged_weekday"], row["lodged_hour"], row["hs_chapter"]) == (3, 10, 64)
    assert (row["importer_declarations"], row["importer_first_seen_days"], row["unit_value_p10"]) == (0, None, None)


@pytest.mark.slow
def test_only_the_facts_asked_for_come_and_they_are_the_same(tmp_path: Path, shipped: Catalogue) -> None:
    lake = lake_of(tmp_path / "lake")
    rows = arrow("declarations", [item("N", 2, invoice_value=Decimal(5), invoice_currency="EUR")])
    whole = facts_of_rows(lake.snapshot(), shipped, rows, at(2).date(), at(1).date())
    some = ["unit_value_to_median", "importer_finding_share", "unit_value"]
    part = facts_of_rows(lake.snapshot(), shipped, rows, at(2).date(), at(1).date(), only=some)
    assert part.equals(whole.select(part.column_names))
    assert set(part.column_names) == {"declaration_id", "version", "item_number", *some}


def test_a_name_that_is_no_fact_is_refused(tmp_path: Path, shipped: Catalogue) -> None:
    lake = lake_of(tmp_path / "lake")
    with pytest.raises(NotKnownError, match="unit_valeu"):
        list(fact_batches(lake.snapshot(), shipped, FIRST, FIRST, only=["unit_valeu"]))


def test_facts_that_are_always_there_are(joined: dict[str, Row], shipped: Catalogue) -> None:
    always = [fact.name for fact in shipped if fact.always_known]
    assert [(name, row["declaration_id"]) for row in joined.values() for name in always if row[name] is None] == []


def prices(count: int, origin: str, first: int) -> list[Row]:
    return [
        item(f"{origin}{i}", i % 20, origin=origin, item_number=1, invoice_value=Decimal(first + i * i),
             invoice_currency="EUR") for i in range(count)
    ]  # fmt: skip


def test_percentiles_are_those_of_numpy_at_the_narrowest_level_with_enough_items(tmp_path: Path) -> None:
    catalogue = catalogue_from_text(PEERS)
    asked = [item("A", 40, origin="VN"), item("B", 45, origin="TH"), item("C", 41, origin="VN", hs_code="640399")]
    asked.append(item("E", 42, origin="VN", hs_code="640411"))
    many, few = prices(30, "VN", 100), prices(5, "TH", 900)
    lake = lake_of(tmp_path / "lake", declarations=[*many, *few, *asked])
    facts = {row["declaration_id"]: row for row in all_rows(lake, catalogue, at(31).date())}
    narrow = [(100 + i * i) / 10 for i in range(30)]
    wide = narrow + [(900 + i * i) / 10 for i in range(5)]
    for name, values, level in (("A", narrow, "hs6-origin"), ("B", wide, "hs6")):
        assert (facts[name]["level"], facts[name]["peers"]) == (level, len(values))
        assert facts[name]["low"] == pytest.approx(np.percentile(values, 10), rel=1e-12)
        assert facts[name]["middle"] == pytest.approx(np.percentile(values, 50), rel=1e-12)
    assert (facts["E"]["level"], facts["E"]["middle"]) == (None, None)


def test_percentiles_hold_for_a_month_and_know_nothing_of_it(tmp_path: Path) -> None:
    catalogue = catalogue_from_text(PEERS)
    early = prices(30, "VN", 100)
    late = [row | {"declaration_id": f"L{i}", "lodged_at": at(33), "known_at": at(33)} for i, row in enumerate(early)]
    lake = lake_of(tmp_path / "lake", declarations=[*early, *late, item("A", 50)])
    facts = {row["declaration_id"]: row for row in all_rows(lake, catalogue)}
    assert (facts["A"]["peers"], facts["VN3"]["peers"]) == (30, None)


def test_rows_come_in_order_of_lodging_and_no_declaration_is_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fact_module, "BATCH_ROWS", 4)
    catalogue = catalogue_from_text(PEERS)
    rows = [item(f"D{n}", 30 - n, item_number=i) for n in range(9) for i in range(1, 2 + n % 6)]
    lake = lake_of(tmp_path / "lake", declarations=rows)
    batches = list(fact_batches(lake.snapshot(), catalogue, FIRST, FIRST + timedelta(days=60)))
    ids = [batch["declaration_id"].to_pylist() for batch in batches]
    assert [name for part in ids for name in part] == [f"D{n}" for n in range(8, -1, -1) for _ in range(1 + n % 6)]
    assert all(not set(one) & set(other) for one, other in pairwise(ids))
    assert all(len(part) <= 4 or len(set(part)) == 1 for part in ids)


def test_the_period_includes_both_ends(tmp_path: Path) -> None:
    catalogue = catalogue_from_text(PEERS)
    lake = lake_of(tmp_path / "lake", declarations=[item(f"D{n}", n) for n in range(28, 36)])
    assert [row["declaration_id"] for row in all_rows(lake, catalogue, at(30).date(), 3)] == [
        "D30",
        "D31",
        "D32",
        "D33",
    ]


def test_facts_made_once_are_read_again_until_the_lake_changes(tmp_path: Path) -> None:
    catalogue = catalogue_from_text(PEERS)
    lake = lake_of(tmp_path / "lake", declarations=[item("D1", 1), item("D40", 40)])
    first = all_rows(lake, catalogue)
    stamps = dict(kept(lake))
    assert all_rows(lake, catalogue) == first
    assert dict(kept(lake)) == stamps


def kept(lake: Lake) -> Iterator[tuple[str, bytes]]:
    for path in sorted((lake.folder / "derived" / "facts").iterdir()):
        yield path.name, path.read_bytes()


def test_an_empty_lake_has_no_facts(tmp_path: Path, shipped: Catalogue) -> None:
    assert all_rows(lake_of(tmp_path / "lake"), shipped) == []


def test_the_schema_names_the_key_and_then_every_fact(shipped: Catalogue) -> None:
    names = fact_schema(shipped).names
    assert names == ["declaration_id", "version", "item_number", *shipped.facts]
    assert fact_schema(shipped).field("net_mass").type == pa.decimal128(18, 3)
