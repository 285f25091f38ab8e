"""What holds of every back-test, whatever was lodged, examined and asked."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backtest_world import (
    DAY_ONE,
    HS,
    VALUE,
    clean,
    codes,
    dearer_than,
    fact_rows,
    hs,
    offence,
    outcome,
    outcome_table,
)

from tidewaiter.core.condition import Condition
from tidewaiter.engines.backtest.open_period import OpenPeriod
from tidewaiter.engines.backtest.report import Period
from tidewaiter.engines.backtest.run import backtest

PERIOD = Period(DAY_ONE, DAY_ONE + timedelta(days=9))
QUESTIONS: dict[str, tuple[Condition, str]] = {
    "SHOES": (hs("64"), "starts_with(hs_code, '64')"),
    "CARS": (codes("870323", "870324"), "hs_code IN ('870323', '870324')"),
    "DEAR": (dearer_than("500"), "value > 500"),
    "BOOTS": (hs("6402", "6403"), "starts_with(hs_code, '6402') OR starts_with(hs_code, '6403')"),
    "NEVER": (codes("000000"), "hs_code = '000000'"),
}
CONDITIONS = {code: condition for code, (condition, _) in QUESTIONS.items()}

ITEM = st.tuples(
    st.sampled_from(["640299", "640399", "640411", "870323", "010121"]), st.sampled_from(["1.00", "500.00", "500.01"])
)
DECIDED = st.fixed_dictionaries(
    {
        "incumbent_channel": st.sampled_from(["red", "green", None]),
        "criterion": st.sampled_from(["C1", None]),
        "selection_probability": st.sampled_from([0.1, 0.5, 1.0]),
        "in_random_sample": st.booleans(),
    }
)
DECLARATION = st.tuples(
    st.integers(0, 9),
    st.sampled_from(["NORTH", "SOUTH", None]),
    st.lists(ITEM, min_size=1, max_size=4),
    st.sampled_from([clean, offence, outcome]),
    DECIDED,
)


@st.composite
def trades(draw: st.DrawFn) -> tuple[list[pa.RecordBatch], pa.Table]:
    """A trade: one batch a declaration, in order of lodging, and what became of each."""
    declarations = sorted(draw(st.lists(DECLARATION, min_size=1, max_size=25)), key=lambda one: one[0])
    batches, known = [], []
    for number, (day, office, items, kind, decided) in enumerate(declarations):
        on = DAY_ONE + timedelta(days=day)
        rows = [(f"D{number:03}", place, on, office, *item) for place, item in enumerate(items, 1)]
        batches.append(fact_rows(rows))
        known.append(kind(f"D{number:03}", on, **decided))
    return batches, outcome_table(known)


def joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    """Return the batches as one."""
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def regrouped(batches: list[pa.RecordBatch], cuts: set[int]) -> list[pa.RecordBatch]:
    """Return the same rows with a new batch at each cut."""
    edges = sorted({0, len(batches), *(cut for cut in cuts if cut < len(batches))})
    return [joined(batches[a:b]) for a, b in pairwise(edges)]


@pytest.mark.slow
@settings(deadline=None, max_examples=20)
@given(trades(), st.sets(st.integers(0, 25)))
def test_where_blocks_are_cut_changes_nothing(trade: Any, cuts: set[int]) -> None:
    batches, known = trade
    whole = backtest([joined(batches)], known, CONDITIONS, period=PERIOD, tuned_until=DAY_ONE + timedelta(days=4))
    cut = backtest(regrouped(batches, cuts), known, CONDITIONS, period=PERIOD, tuned_until=DAY_ONE + timedelta(days=4))
    assert cut == whole


@settings(deadline=None, max_examples=20)
@given(trades(), st.permutations(sorted(CONDITIONS)))
def test_the_order_of_profiles_changes_no_figure(trade: Any, order: list[str]) -> None:
    batches, known = [joined(trade[0])], trade[1]
    plain = backtest(batches, known, CONDITIONS, period=PERIOD)
    turned = backtest(batches, known, {code: CONDITIONS[code] for code in order}, period=PERIOD)
    assert {one.code: one for one in turned.profiles} == {one.code: one for one in plain.profiles}
    assert turned.overlap == plain.overlap


@pytest.mark.slow
@settings(deadline=None, max_examples=20)
@given(trades(), st.sets(st.sampled_from(sorted(CONDITIONS)), min_size=1))
def test_a_profile_added_changes_no_other_profiles_own_figures(trade: Any, some: set[str]) -> None:
    batches, known = [joined(trade[0])], trade[1]
    fewer = backtest(batches, known, {code: CONDITIONS[code] for code in sorted(some)}, period=PERIOD)
    more = {one.code: one for one in backtest(batches, known, CONDITIONS, period=PERIOD).profiles}
    for one in fewer.profiles:
        other = more[one.code]
        assert (one.matches, one.by_day, one.by_office, one.results, one.examples) == (
            other.matches,
            other.by_day,
            other.by_office,
            other.results,
            other.examples,
        )
        assert one.marginal.items >= other.marginal.items


@settings(deadline=None, max_examples=20)
@given(trades())
def test_counts_add_up_over_days_months_offices_and_parts(trade: Any) -> None:
    batches, known = [joined(trade[0])], trade[1]
    report = backtest(batches, known, CONDITIONS, period=PERIOD, tuned_until=DAY_ONE + timedelta(days=4))
    for place, one in enumerate(report.profiles):
        for counts in (one.by_day, one.by_month.values(), one.by_office.values()):
            assert sum(count.items for count in counts) == one.matches
            assert sum(count.declarations for count in counts) == one.declarations
        assert sum(part.profiles[place].matches for part in report.parts) == one.matches
        assert sum(part.profiles[place].results.offences for part in report.parts) == one.results.offences
    assert sum(one.marginal.items for one in report.profiles) <= report.united.matches
    assert report.united.matches <= sum(one.matches for one in report.profiles)


@pytest.mark.slow
@settings(deadline=None, max_examples=15)
@given(trades())
def test_duckdb_counts_the_same(trade: Any) -> None:
    batches, known = [joined(trade[0])], trade[1]
    report = backtest(batches, known, CONDITIONS, period=PERIOD)
    with duckdb.connect() as connection:
        connection.register("facts", pa.Table.from_batches(batches))
        connection.register("known", known)
        for one in report.profiles:
            where = QUESTIONS[one.code][1]
            told = connection.sql(
                f"""WITH matched AS (SELECT * FROM facts JOIN known USING (declaration_id) WHERE {where}),
                    declared AS (SELECT DISTINCT declaration_id, labelled, offence, recovered FROM matched)
                SELECT (SELECT count(*) FROM matched), count(*), count(*) FILTER (labelled), count(*) FILTER (offence),
                    sum(recovered) FROM declared"""
            ).fetchall()
            results = one.results
            assert told == [(one.matches, one.declarations, results.labelled, results.offences, results.recovered)]


@settings(deadline=None, max_examples=20)
@given(trades(), st.sampled_from(sorted(CONDITIONS)), st.sets(st.sampled_from(sorted(CONDITIONS))))
def test_an_edited_profile_says_what_a_whole_back_test_says(trade: Any, code: str, in_force: set[str]) -> None:
    batches, known = [joined(trade[0])], trade[1]
    whole = backtest(batches, known, CONDITIONS, period=PERIOD, in_force=in_force)
    opened = OpenPeriod(batches, known, [HS, VALUE], CONDITIONS, period=PERIOD, in_force=in_force)
    edited = opened.edited(code, CONDITIONS[code])
    assert edited.profiles == tuple(one for one in whole.profiles if one.code == code)
    assert {(frozenset((p.a, p.b)), p.both) for p in edited.overlap} == {
        (frozenset((p.a, p.b)), p.both) for p in whole.overlap if code in (p.a, p.b)
    }
    assert edited.everything == whole.everything


def test_an_edit_may_ask_what_no_profile_asked_before() -> None:
    facts = fact_rows([("D1", 1, DAY_ONE, "NORTH", "640399", "7.00")])
    opened = OpenPeriod([facts], outcome_table([offence("D1")]), [HS, VALUE], {}, period=PERIOD)
    (one,) = opened.edited("NEW", dearer_than("6.99")).profiles
    assert (one.matches, one.results.recovered) == (1, Decimal(500))
