"""Facts from the image of a day are those that the fact table's queries give."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from tests.trade import Row, arrow, at, item, lake_of, result

from tidewaiter.core.facts import Catalogue
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.storage.lake.facts.live_image import make_image
from tidewaiter.storage.lake.facts.table import facts_of_rows, statistics_day
from tidewaiter.storage.lake.lake import Lake

KEY = [("declaration_id", "ascending"), ("version", "ascending"), ("item_number", "ascending")]


@pytest.fixture(scope="module")
def shipped() -> Catalogue:
    return load_catalogue()


def differences(lake: Lake, catalogue: Catalogue, rows: pa.Table, on: date) -> dict[str, tuple[object, object]]:
    """Return the facts that differ between the image and the queries, each with both columns."""
    snapshot = lake.snapshot()
    until = statistics_day(snapshot, on)
    expected = facts_of_rows(snapshot, catalogue, rows, on, until).sort_by(KEY)
    given = make_image(snapshot, catalogue, until).fact_table(rows, on=on).sort_by(KEY)
    assert given.schema == expected.schema
    return {
        name: (expected[name].to_pylist(), given[name].to_pylist())
        for name in expected.column_names
        if not given[name].equals(expected[name])
    }


def test_a_known_and_an_unknown_importer_have_the_facts_of_the_queries(tmp_path: Path, shipped: Catalogue) -> None:
    lake = lake_of(
        tmp_path / "lake",
        declarations=[item("A", 0), item("B", 1, importer_code="I2"), item("C", 3, hs_code="0101")],
        results=[result("R1", "A", 2, found=True)],
    )
    about: list[Row] = [
        item("N", 9),
        item("M", 9, importer_code="NEW", item_number=1),
        item("O", 9, importer_code=None),
    ]
    assert differences(lake, shipped, arrow("declarations", about), at(9).date()) == {}
