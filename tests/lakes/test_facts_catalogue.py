"""The catalogue as shipped: readable, documented, and its small functions equal to those of core."""

import math
import string
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewaiter.core.administration import Administration
from tidewaiter.core.codes import container_check_digit, is_container, is_hs_code
from tidewaiter.core.errors import InputError
from tidewaiter.core.facts import KnownWhen, Origin, normalised_words
from tidewaiter.language.catalogue import catalogue_from_text, load_catalogue
from tidewaiter.storage.lake.facts.items import settle
from tidewaiter.storage.lake.facts.macros import words_columns
from tidewaiter.storage.lake.facts.page import facts_page
from tidewaiter.storage.lake.facts.recipes import needed, recipes

NEEDED = """facts:
- {name: flow, type: text, source: {field: flow}}
- {name: office, type: text, source: {field: office}}
- {name: lodged_on, type: date, source: {sql: lodged_on}}
"""


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        settle(opened, Administration(currency="EUR", time_zone="Europe/Lisbon"))
        yield opened


def value(connection: duckdb.DuckDBPyConnection, expression: str, *marks: object) -> object:
    row = connection.execute(f"SELECT {expression}", list(marks)).fetchone()
    assert row is not None
    return row[0]


def test_every_shipped_fact_can_be_made() -> None:
    assert list(recipes(load_catalogue())) == list(load_catalogue().facts)


def test_every_shipped_fact_says_what_it_means() -> None:
    assert [fact.name for fact in load_catalogue() if len(fact.meaning) < 10] == []


def test_a_consignment_is_known_before_arrival_and_history_at_lodging() -> None:
    known = {fact.origin: fact.known for fact in load_catalogue()}
    assert known[Origin.CONSIGNMENT] is KnownWhen.PRE_ARRIVAL
    assert known[Origin.HISTORY] is KnownWhen.LODGING


def test_the_reference_page_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "facts.md"
    assert page.read_text(encoding="utf-8") == facts_page(load_catalogue())


def test_every_fact_that_cannot_be_made_is_named() -> None:
    wrong = NEEDED + (
        "- {name: a, type: integer, source: {count: smiles, of: [importer_code]}}\n"
        "- {name: b, type: integer, source: {count: items}}\n"
        "- {name: c, type: integer}\n"
    )
    with pytest.raises(InputError) as raised:
        recipes(catalogue_from_text(wrong))
    assert [str(problem)[:8] for problem in raised.value.problems] == ["fact 'a'", "fact 'b'", "fact 'c'"]


def test_what_an_expression_reads_is_made_too() -> None:
    assert list(needed(recipes(load_catalogue()), ["unit_value_to_median"])) == [
        "unit_value",
        "unit_value_p50",
        "unit_value_to_median",
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=20))
def test_words_are_the_same_in_sql_and_in_python(texts: list[str]) -> None:
    with duckdb.connect() as connection:
        settle(connection, Administration())
        connection.register("given", pa.table({"n": range(len(texts)), "t": pa.array(texts, pa.string())}))
        columns, joins = words_columns(connection, "given", {"t_words": "t"})
        read = connection.execute(f"SELECT {columns} FROM given {joins} ORDER BY n").fetchall()
        assert [words for (words,) in read] == [normalised_words(text) for text in texts]


@settings(max_examples=60, deadline=None)
@given(number=st.from_regex(r"[A-Z]{3}[UJZA][0-9]{7}|[A-Z0-9]{0,12}", fullmatch=True), right=st.booleans())
def test_a_check_digit_is_judged_as_in_core(connection: duckdb.DuckDBPyConnection, number: str, right: bool) -> None:
    if right and len(number) == 11 and number[:4].isalpha() and number[4:].isdigit():
        number = number[:10] + str(container_check_digit(number))
    assert value(connection, "container_valid(?)", number) == is_container(number)


@settings(max_examples=60, deadline=None)
@given(st.text(string.digits, max_size=14))
def test_a_commodity_code_is_judged_as_in_core(connection: duckdb.DuckDBPyConnection, code: str) -> None:
    assert value(connection, "known_hs(?)", code) == is_hs_code(code)


@pytest.mark.parametrize("name", ["To Order", "TO THE ORDER OF BANK X", "N/A", "Same as consignee", "...", "xxx"])
def test_a_name_that_stands_for_nobody_is_a_placeholder(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    assert value(connection, "placeholder(plain_words(?))", name) is True


@pytest.mark.parametrize("name", ["Order Logistics Ltd", "Unknown Pleasures Trading", "Nilsson AB"])
def test_a_trader_is_no_placeholder(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    assert value(connection, "placeholder(plain_words(?))", name) is False


@pytest.mark.parametrize(("text", "vague"), [("General cargo", True), ("STC: parts & accessories", True), ("", True)])
def test_a_description_without_goods_is_vague(connection: duckdb.DuckDBPyConnection, text: str, vague: bool) -> None:
    assert value(connection, "vague(plain_words(?))", text) is vague


def test_a_description_with_goods_is_not_vague(connection: duckdb.DuckDBPyConnection) -> None:
    assert value(connection, "vague(plain_words('parts of bicycles'))") is False


@pytest.mark.parametrize("address", ["P.O. Box 12, Harbour", "PO BOX 7", "Postfach 100"])
def test_a_post_box_is_seen(connection: duckdb.DuckDBPyConnection, address: str) -> None:
    assert value(connection, "post_box(place_of(?))", address) is True


def test_a_street_is_no_post_box(connection: duckdb.DuckDBPyConnection) -> None:
    assert value(connection, "post_box(place_of('Boxer Street 12'))") is False


def test_national_money_needs_no_rate_and_foreign_money_does(connection: duckdb.DuckDBPyConnection) -> None:
    assert value(connection, "in_national(10.5, 'EUR', 'EUR', NULL)") == pytest.approx(10.5)
    assert value(connection, "in_national(10.5, 'USD', 'USD', NULL)") is None
    assert float(str(value(connection, "in_national(10.5, 'USD', 'USD', 0.9::DECIMAL(18,8))"))) == 9.45
    assert value(connection, "in_national(10.5, 'CHF', 'USD', 0.9)") is None


@pytest.mark.parametrize("figure", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_missing(connection: duckdb.DuckDBPyConnection, figure: float) -> None:
    assert value(connection, "finite(?)", figure) is None


def test_words_shared_with_the_manifest_are_counted_once(connection: duckdb.DuckDBPyConnection) -> None:
    assert value(connection, "word_overlap(' red red shoes ', ' shoes of leather ')") == 0.5
    assert value(connection, "word_overlap('', ' shoes ')") is None
