"""Every reading of a condition says the same: text, SQL, plain evaluation, normal form."""

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import arrow_rows, conditions, fact_rows, small_catalogue

from tidewaiter.core.condition import Condition, in_negation_normal_form, not_true
from tidewaiter.core.facts import FactValue
from tidewaiter.language.evaluate import truth
from tidewaiter.language.parse import parse_condition
from tidewaiter.language.sql import sql_text
from tidewaiter.language.text import text, text_in_lines

CATALOGUE = small_catalogue()
Rows = list[dict[str, FactValue]]


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@given(condition=conditions(CATALOGUE))
def test_the_canonical_text_reads_back_as_the_same_condition(condition: Condition) -> None:
    written = text(condition)
    assert parse_condition(written, CATALOGUE) == condition
    assert parse_condition(text_in_lines(condition), CATALOGUE) == condition
    assert text(parse_condition(written, CATALOGUE)) == written


@given(condition=conditions(CATALOGUE), rows=fact_rows(CATALOGUE))
def test_duckdb_finds_what_the_plain_reading_finds(
    duck: duckdb.DuckDBPyConnection, condition: Condition, rows: Rows
) -> None:
    duck.register("facts", arrow_rows(CATALOGUE, rows))
    found = duck.execute(f"SELECT {sql_text(condition)} FROM facts ORDER BY declaration_id").fetchall()
    assert [answer for (answer,) in found] == [truth(condition, row) for row in rows]


@given(condition=conditions(CATALOGUE), rows=fact_rows(CATALOGUE, max_size=4), negate=st.booleans())
def test_pushing_not_to_the_literals_changes_no_answer(condition: Condition, rows: Rows, negate: bool) -> None:
    normal = in_negation_normal_form(condition, negate=negate)
    for row in rows:
        before = truth(condition, row)
        assert truth(normal, row) == (before if not negate or before is None else not before)


@given(condition=conditions(CATALOGUE), rows=fact_rows(CATALOGUE, max_size=4))
def test_not_true_is_true_wherever_the_condition_is_not(condition: Condition, rows: Rows) -> None:
    assert [truth(not_true(condition), row) for row in rows] == [truth(condition, row) is not True for row in rows]
