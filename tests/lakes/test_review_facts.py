"""Facts that a plain recomputation from the tables found wrong once: money, neighbours, containers, lodging again."""

from collections.abc import Collection
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.trade import FIRST, Row, at, item, lake_of, result

from tidewaiter.core.facts import KnownWhen
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.storage.lake.facts.table import fact_batches
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.lake.outcomes import outcomes

CATALOGUE = load_catalogue()
YEAR = FIRST + timedelta(days=365)


def facts(lake: Lake, *names: str) -> dict[str, Row]:
    """Return the named facts by declaration."""
    wanted: Collection[str] = ("declaration_id", "version", *names)
    batches = fact_batches(lake.snapshot(), CATALOGUE, FIRST, YEAR, only=wanted)
    return {row["declaration_id"]: row for batch in batches for row in batch.to_pylist()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("amount", "rate", "national"),
    [
        ("100000.000", "1350.12345678", "135012345.678"),
        ("250000000.000", "1.00000000", "250000000.000"),
        ("999999999999.999", "1.00000000", "999999999999.999"),
        ("999999999999.999", "9999999999.00000000", None),
    ],
)
def test_a_large_invoice_is_converted_exactly(tmp_path: Path, amount: str, rate: str, national: str | None) -> None:
    money = {"invoice_value": Decimal(amount), "invoice_currency": "KRW", "exchange_rate": Decimal(rate)}
    lake = lake_of(tmp_path / "lake", declarations=[item("A", 0, **money)])
    given = facts(lake, "invoice_value_national")["A"]["invoice_value_national"]
    assert given == (None if national is None else Decimal(national))


def neighbours(tmp_path: Path) -> Lake:
    """Return a lake where I1 was found out at the mill and I2 at the quay; then I1 moves to the quay."""
    rows = [
        item("MILL", 0, importer_address="Mill Lane 1"),
        item("QUAY", 1, importer_code="I2", importer_address="Quay 7"),
        item("MOVED", 20, importer_address="QUAY 7."),
        item("NOWHERE", 20),
    ]
    found = [result("R1", "MILL", 2, found=True), result("R2", "QUAY", 3, found=True)]
    return lake_of(tmp_path / "lake", declarations=rows, results=found)


@pytest.mark.slow
def test_what_an_importer_did_elsewhere_does_not_hide_what_its_neighbours_did(tmp_path: Path) -> None:
    moved = facts(neighbours(tmp_path), "address_findings", "importer_findings", "address_findings_of_others")["MOVED"]
    assert (moved["address_findings"], moved["importer_findings"]) == (1, 1)
    assert moved["address_findings_of_others"] == 1


@pytest.mark.slow
def test_without_an_address_nothing_is_said_of_neighbours(tmp_path: Path) -> None:
    assert facts(neighbours(tmp_path), "address_findings_of_others")["NOWHERE"]["address_findings_of_others"] is None


@pytest.mark.slow
@pytest.mark.parametrize(("other", "empty"), [("EMPTY", True), (None, False), ("FULL", False)])
def test_a_container_of_unknown_status_is_not_manifested_empty(tmp_path: Path, other: str | None, empty: bool) -> None:
    boxes = [{"number": "CSQU3054383", "status": "EMPTY"}, {"number": "MSKU0000001", "status": other}]
    filing: Row = {"consignment_id": "H1", "filed_at": at(0), "known_at": at(0), "version": 1, "containers": boxes}
    filing |= {"gross_mass": Decimal("500.000")}
    lake = lake_of(tmp_path / "lake", declarations=[item("A", 1, previous_document="H1")], consignments=[filing])
    assert facts(lake, "empty_but_heavy")["A"]["empty_but_heavy"] is empty


def test_a_tax_of_unknown_amount_is_not_taken_for_none(tmp_path: Path) -> None:
    duty: Row = {"type": "CUD", "amount": Decimal("50.000")}
    lake = lake_of(
        tmp_path / "lake",
        declarations=[
            item("BOTH", 0, tax_lines=[duty, {"type": "VAT", "amount": Decimal("7.500")}]),
            item("ONE", 0, tax_lines=[duty, {"type": "VAT", "amount": None}]),
        ],
    )
    given = facts(lake, "duty_total")
    assert (given["BOTH"]["duty_total"], given["ONE"]["duty_total"]) == (Decimal("57.500"), None)


@pytest.mark.slow
def test_an_amendment_that_states_its_own_moment_does_not_move_the_declaration(tmp_path: Path) -> None:
    """What was declared on the first day is tested, not what it was changed to after the examination."""
    later: dict[str, Any] = {"lodged_at": at(40), "known_at": at(40), "version": 2, "origin": "CN"}
    lake = lake_of(tmp_path / "lake", declarations=[item("A", 5), item("A", 5, **later)])
    given = facts(lake, "lodged_on", "origin")["A"]
    assert (given["version"], given["lodged_on"], given["origin"]) == (1, FIRST + timedelta(days=5), "VN")
    assert outcomes(lake.snapshot(), FIRST, YEAR)["lodged_on"].to_pylist() == [given["lodged_on"]]


def test_what_needs_the_declaration_is_not_known_before_arrival() -> None:
    for name in ("description_overlap", "gross_mass_difference", "consignee_differs", "containers_differ"):
        assert CATALOGUE[name].known is KnownWhen.LODGING
    assert CATALOGUE["manifest_gross_mass"].known is KnownWhen.PRE_ARRIVAL


@pytest.mark.slow
def test_an_item_without_a_net_mass_is_not_taken_to_weigh_nothing(tmp_path: Path) -> None:
    rows = [
        item("HEAVY", 0, hs_code="640391", net_mass=Decimal("10.000")),
        item("UNWEIGHED", 1, hs_code="640391", net_mass=None),
        item("NOW", 20, hs_code="640399", net_mass=Decimal("20.000")),
    ]
    lake = lake_of(tmp_path / "lake", declarations=rows)
    given = facts(lake, "net_mass_to_usual", "importer_heading_items_365d", "importer_heading_weighed_365d")["NOW"]
    assert (given["importer_heading_items_365d"], given["importer_heading_weighed_365d"]) == (2, 1)
    assert given["net_mass_to_usual"] == 2.0
