"""Facts from the image of a day are those that the fact table's queries give."""

from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from tests.trade import Row, add, arrow, at, item, lake_of, result

from tidewaiter.core.errors import NotKnownError
from tidewaiter.core.facts import Catalogue
from tidewaiter.language.catalogue import catalogue_from_text, load_catalogue
from tidewaiter.storage.lake.facts import live
from tidewaiter.storage.lake.facts.live import DayImage
from tidewaiter.storage.lake.facts.live_image import image_name, make_image
from tidewaiter.storage.lake.facts.live_rows import rows_to_table
from tidewaiter.storage.lake.facts.live_same_day import SameDayAsked
from tidewaiter.storage.lake.facts.live_syntax import NotUnderstoodError, parse
from tidewaiter.storage.lake.facts.table import facts_of_rows, statistics_day
from tidewaiter.storage.lake.lake import Lake

KEY = [("declaration_id", "ascending"), ("version", "ascending"), ("item_number", "ascending")]
DAY = 9
ON = at(DAY).date()

ODD = """facts:
- {name: flow, type: text, source: {field: flow}}
- {name: office, type: text, source: {field: office}}
- {name: lodged_on, type: date, source: {sql: lodged_on}}
- {name: likeness, type: integer, source: {sql: "levenshtein(importer_code, exporter_code)"}}
- {name: week, type: text, source: {sql: "strftime(lodged_local, '%G-W%V')"}}
- {name: kinds, type: text, source: {sql: "list_aggregate([line.type for line in tax_lines], 'string_agg', '+')"}}
- {name: whole_mass, type: decimal, scale: 1, source: {sql: "declaration_net_mass * (1 + seen)"}}
- {name: manifested, type: decimal, scale: 3, source: {sql: "least(consignment.gross_mass, 100)"}}
- {name: seen, type: integer, source: {count: declarations, of: [importer_code]}}
- {name: week_of_mass, type: text, source: {sql: "upper(week) || CAST(whole_mass AS VARCHAR)"}}
- {name: dear, type: flag, source: {sql: "unit_value BETWEEN 1 AND 5"}}
"""


@pytest.fixture(scope="module")
def shipped() -> Catalogue:
    return load_catalogue()


@contextmanager
def image_of(lake: Lake, catalogue: Catalogue, *only: str, on: date = ON) -> Iterator[DayImage]:
    snapshot = lake.snapshot()
    with closing(make_image(snapshot, catalogue, statistics_day(snapshot, on), only=only or None)) as image:
        yield image


def differences(
    lake: Lake, catalogue: Catalogue, rows: pa.Table, on: date = ON, only: Collection[str] | None = None
) -> dict[str, tuple[object, object]]:
    """Return the facts that differ between the image and the queries, each with both columns."""
    snapshot = lake.snapshot()
    until = statistics_day(snapshot, on)
    expected = facts_of_rows(snapshot, catalogue, rows, on, until, only=only).sort_by(KEY)
    with closing(make_image(snapshot, catalogue, until, only=only)) as image:
        given = image.fact_table(rows, on=on).sort_by(KEY)
    assert given.schema == expected.schema
    return {
        name: (expected[name].to_pylist(), given[name].to_pylist())
        for name in expected.column_names
        if not given[name].equals(expected[name])
    }


def filing(document: str, version: int, day: int, **fields: object) -> Row:
    base: Row = {"consignment_id": document, "filed_at": at(day), "known_at": at(day), "version": version}
    return base | fields


def test_a_known_and_an_unknown_importer_have_the_facts_of_the_queries(tmp_path: Path, shipped: Catalogue) -> None:
    lake = lake_of(
        tmp_path / "lake",
        declarations=[item("A", 0), item("B", 1, importer_code="I2"), item("C", 3, hs_code="0101")],
        results=[result("R1", "A", 2, found=True)],
    )
    about = [item("N", DAY), item("M", DAY, importer_code="NEW"), item("O", DAY, importer_code=None)]
    only = [name for name in shipped.facts if name.startswith(("importer", "hs6"))]
    assert differences(lake, shipped, arrow("declarations", about), only=only) == {}


@pytest.mark.slow
def test_an_expression_that_is_not_translated_is_asked_of_duckdb(tmp_path: Path) -> None:
    lake = lake_of(
        tmp_path / "lake",
        declarations=[item("A", 0), item("B", 1)],
        consignments=[filing("H1", 1, 1, gross_mass=Decimal("250.5"))],
    )
    lines: list[Row] = [{"type": "A00"}, {"type": "VAT"}]
    about = [
        item("N", DAY, exporter_code="I12", tax_lines=lines, previous_document="H1", customs_value=Decimal(20)),
        item("M", DAY, hour=23),
        item("M", DAY, hour=23, item_number=2, net_mass=Decimal("0.125")),
    ]
    assert differences(lake, catalogue_from_text(ODD), arrow("declarations", about)) == {}


@pytest.mark.parametrize("text", ["a ? b", "a b", "CASE WHEN a", "[a]", "CAST(a AS", "a.b.", "count(a", "x IN (1)"])
def test_what_leaves_the_grammar_is_not_understood(text: str) -> None:
    with pytest.raises(NotUnderstoodError):
        parse(text)


def test_only_the_facts_asked_for_come_in_the_order_of_the_catalogue(tmp_path: Path, shipped: Catalogue) -> None:
    lake = lake_of(tmp_path / "lake", declarations=[item("A", 0)])
    with image_of(lake, shipped, "importer_declarations", "hs2", "description") as image:
        (facts,) = image.facts([item("N", DAY, description="Größe 38")], on=ON)
    assert list(facts.items()) == [("description", " grosse 38 "), ("hs2", "64"), ("importer_declarations", 1)]


def test_values_come_as_the_engine_holds_them(tmp_path: Path, shipped: Catalogue) -> None:
    lake = lake_of(tmp_path / "lake")
    with image_of(lake, shipped, "net_mass", "lodged_on", "net_to_gross", "net_reaches_gross", "packages") as image:
        (facts,) = image.facts([item("N", DAY, gross_mass=Decimal(20), packages=3)], on=ON)
    days = (ON - date(1970, 1, 1)).days
    assert facts == {"net_mass": 10_000, "lodged_on": days, "net_to_gross": 0.5, "net_reaches_gross": False,
                     "packages": 3}  # fmt: skip


@pytest.mark.slow
def test_rows_are_taken_as_arrow_and_as_mappings(tmp_path: Path, shipped: Catalogue) -> None:
    rows = [item("N", DAY, containers=["CSQU3054383"]), item("M", DAY, hs_code=None, tax_lines=[{"type": "A00"}])]
    with image_of(lake_of(tmp_path / "lake"), shipped) as image:
        assert image.facts(rows_to_table(rows), on=ON) == image.facts(rows, on=ON)
        assert image.facts([], on=ON) == []
        assert image.fact_table(rows_to_table([]), on=ON).num_rows == 0


def test_a_decimal_with_too_many_digits_is_refused(tmp_path: Path, shipped: Catalogue) -> None:
    with (
        image_of(lake_of(tmp_path / "lake"), shipped, "net_mass") as image,
        pytest.raises(ValueError, match="decimals"),
    ):
        image.facts([item("N", DAY, net_mass=Decimal("0.0001"))], on=ON)


def test_a_name_that_is_no_fact_is_refused(tmp_path: Path, shipped: Catalogue) -> None:
    with pytest.raises(NotKnownError, match="unit_valeu"):
        make_image(lake_of(tmp_path / "lake").snapshot(), shipped, ON, only=["unit_valeu"])


def test_declarations_of_the_batch_count_by_their_hour_and_those_of_the_records_besides(
    tmp_path: Path, shipped: Catalogue
) -> None:
    box = {"containers": ["CSQU3054383"]}
    rows = [item("C", DAY, hour=12, **box), item("A", DAY, hour=8, **box), item("B", DAY, hour=9, importer_code="I2")]
    with image_of(lake_of(tmp_path / "lake"), shipped, "importer_same_day", "container_same_day") as image:
        asked = image.same_day_asked(rows)
        alone = image.facts(rows, on=ON)
        answered = image.facts(rows, on=ON, same_day=dict.fromkeys(asked, 3))
    assert [(facts["importer_same_day"], facts["container_same_day"]) for facts in alone] == [(1, 1), (0, 0), (0, None)]
    assert [facts["importer_same_day"] for facts in answered] == [4, 3, 3]
    lodged = int((at(DAY, 8) - at(0, 0)) / timedelta(microseconds=1)) + int(at(0, 0).timestamp()) * 10**6
    own = [one for one in asked if one.declaration_id == "A"]
    assert own == [
        SameDayAsked("importer_same_day", "A", ("I1",), (ON - date(1970, 1, 1)).days, lodged),
        SameDayAsked("container_same_day", "A", ("CSQU3054383",), (ON - date(1970, 1, 1)).days, lodged),
    ]


def test_a_filing_counts_from_the_moment_it_is_known(tmp_path: Path, shipped: Catalogue) -> None:
    rows = [item("N", DAY, previous_document="H1")]
    late = [filing("H1", 2, DAY, known_at=at(DAY, 15), packages=9)]
    lake = lake_of(tmp_path / "lake", consignments=[filing("H1", 1, 1, packages=5)])
    with image_of(lake, shipped, "manifest_packages", "manifest_amendments") as image:
        lodging, later = (image.facts(rows, on=ON, filings=late, moment=moment) for moment in (None, at(DAY, 16)))
        unknown = image.facts([item("N", DAY, previous_document="H2")], on=ON)
    assert [tuple(facts.values()) for facts in (*lodging, *later, *unknown)] == [(5, 0), (9, 1), (None, None)]


def test_an_old_filing_may_be_left_out(tmp_path: Path, shipped: Catalogue) -> None:
    lake = lake_of(tmp_path / "lake", consignments=[filing("H1", 1, 1), filing("H2", 1, 8)])
    rows = [item("N", DAY, previous_document="H1"), item("M", DAY, previous_document="H2")]
    with closing(
        make_image(lake.snapshot(), shipped, ON, only=["consignment_found"], filed_from=at(5).date())
    ) as image:
        assert [facts["consignment_found"] for facts in image.facts(rows, on=ON)] == [False, True]


def test_an_image_knows_nothing_that_counts_after_its_day(tmp_path: Path, shipped: Catalogue) -> None:
    lake = lake_of(tmp_path / "lake", declarations=[item("A", 3), item("B", 5), item("C", 8)])
    with image_of(lake, shipped, "importer_declarations", "importer_last_seen_days", on=at(6).date()) as image:
        assert list(image.facts([item("N", 6)], on=at(6).date())[0].values()) == [1, 2]
        assert image.statistics_on == at(5).date()


def test_the_name_of_an_image_changes_with_lake_day_and_facts(tmp_path: Path, shipped: Catalogue) -> None:
    lake = lake_of(tmp_path / "lake", declarations=[item("A", 3)])

    def name(day: date = ON, only: Collection[str] = ("hs2",)) -> str:
        return image_name(lake.snapshot(), shipped, day, only=only)

    first = name()
    with closing(make_image(lake.snapshot(), shipped, ON, only=["hs2"])) as image:
        assert image.name == first
    assert len({first, name(at(1).date()), name(only=("hs4",))}) == 3
    add(lake, declarations=[item("B", 4)])
    assert name() != first


def test_many_rows_are_worked_on_in_parts_without_a_trace(
    tmp_path: Path, shipped: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes: tuple[Row, ...] = ({"containers": ["CSQU3054383"]}, {"containers": ["CSQU3054383", "MSKU0000001"]}, {})
    rows = [item(f"D{n % 11}", DAY, hour=n % 11, item_number=n, **boxes[n % 3]) for n in range(25)]
    rows += [item(f"E{n}", DAY, hour=23 - n % 5, **boxes[n % 3]) for n in range(12)]
    only = ("importer_same_day", "container_same_day", "item_count", "lodged_hour", "description_length")
    with image_of(lake_of(tmp_path / "lake"), shipped, *only) as image:
        whole, table = image.facts(rows, on=ON), image.fact_table(arrow("declarations", rows), on=ON)
        monkeypatch.setattr(live, "CHUNK", 3)
        assert image.facts(rows, on=ON) == whole
        assert image.fact_table(arrow("declarations", rows), on=ON).equals(table)
    assert [facts["item_count"] for facts in whole[:3]] == [3, 3, 3]
