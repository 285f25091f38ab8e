"""Each figure of a back-test, worked out by hand on a trade small enough to count on fingers."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from tests.backtest_world import (
    DAY_ONE,
    clean,
    codes,
    dearer_than,
    fact_rows,
    hs,
    offence,
    outcome,
    outcome_table,
)

from tidewaiter.core.condition import Always, Condition
from tidewaiter.core.rate import rate
from tidewaiter.engines.backtest.report import Count, Pair, Period, ProfileFigures, Report
from tidewaiter.engines.backtest.report_json import report_json
from tidewaiter.engines.backtest.run import backtest, needed_facts

DAY_TWO = DAY_ONE + timedelta(days=1)
PERIOD = Period(DAY_ONE, DAY_ONE + timedelta(days=3))

FACTS = fact_rows(
    [
        ("D1", 1, DAY_ONE, "NORTH", "640399", "100.00"),
        ("D1", 2, DAY_ONE, "NORTH", "640411", "900.00"),
        ("D1", 3, DAY_ONE, "NORTH", "870323", "50.00"),
        ("D2", 1, DAY_ONE, "SOUTH", "640399", "20.00"),
        ("D3", 1, DAY_TWO, None, "640399", "20.00"),
        ("D4", 1, DAY_TWO, "SOUTH", "640110", "20.00"),
        ("D5", 1, DAY_TWO, "SOUTH", "870323", "7000.00"),
        ("D6", 1, DAY_TWO, "SOUTH", "870323", "20.00"),
    ]
)
KNOWN = outcome_table(
    [
        offence("D1", looked_at=[1, 3], found_in=[1], trader_hours=10.0),
        clean("D2", trader_hours=4.0),
        outcome("D3", DAY_TWO),
        outcome("D4", DAY_TWO, not_inspected=True),
        offence("D5", DAY_TWO),
        clean("D6", DAY_TWO, immaterial=True),
    ]
)
SHOES, CARS, DEAR, NONE = "SHOES", "CARS", "DEAR", "NONE"
CONDITIONS: dict[str, Condition] = {
    SHOES: hs("64"),
    CARS: hs("87"),
    DEAR: dearer_than("500"),
    NONE: codes("000000"),
}


def report(**changes: Any) -> Report:
    given: dict[str, Any] = {"in_force": [CARS], "period": PERIOD, "currency": "EUR"} | changes
    return backtest([FACTS], KNOWN, CONDITIONS, **given)


def figures(code: str, of: Report | None = None) -> ProfileFigures:
    return next(one for one in (of or report()).profiles if one.code == code)


def test_items_and_declarations_are_counted_apart() -> None:
    assert (report().items, report().declarations) == (8, 6)
    assert (figures(SHOES).matches, figures(SHOES).declarations) == (5, 4)


def test_the_hit_rate_is_of_declarations_examined() -> None:
    assert figures(SHOES).results.hit_rate == rate(1, 2)
    assert figures(CARS).results.hit_rate == rate(2, 3)


def test_the_item_rate_is_of_items_looked_at() -> None:
    assert figures(SHOES).results.hit_rate_items == rate(1, 2)
    assert figures(CARS).results.hit_rate_items == rate(1, 3)


def test_what_was_never_examined_has_no_rate() -> None:
    assert figures(NONE).results.hit_rate is None
    assert figures(NONE).labelled_share is None
    assert figures(NONE).results.recovered is None


def test_the_examined_share_is_of_all_declarations_matched() -> None:
    assert figures(SHOES).labelled_share == rate(2, 4)


def test_known_offences_are_caught_or_missed() -> None:
    assert figures(SHOES).caught == rate(1, 2)
    assert figures(SHOES).missed == 1
    assert (figures(CARS).caught, figures(CARS).missed) == (rate(2, 2), 0)


def test_value_and_hours_are_those_of_examined_declarations() -> None:
    results = figures(CARS).results
    assert results.recovered == Decimal(1000)
    assert results.officer_hours == Decimal("1.5")
    assert results.value_per_officer_hour == Decimal("666.67")
    assert figures(SHOES).results.trader_hours == 14


def test_the_cost_to_the_honest_leaves_out_clerical_findings() -> None:
    assert figures(SHOES).results.false_positive_officer_hours == Decimal("0.5")
    assert figures(SHOES).results.false_positive_trader_hours == 4
    assert figures(CARS).results.false_positive_officer_hours is None
    assert figures(CARS).results.immaterial == 1


def test_an_act_that_did_not_take_place_is_told_apart() -> None:
    assert figures(SHOES).results.not_inspected == 1


def test_matches_are_told_by_day_month_and_office() -> None:
    shoes = figures(SHOES)
    assert shoes.by_day == (Count(3, 2), Count(2, 2), Count(0, 0), Count(0, 0))
    assert shoes.by_month == {"2024-03": Count(5, 4)}
    assert shoes.by_office == {"": Count(1, 1), "NORTH": Count(2, 1), "SOUTH": Count(2, 2)}
    assert shoes.last_match_on == DAY_TWO


def test_marginal_is_what_no_other_profile_matches() -> None:
    assert figures(SHOES).marginal == Count(4, 3)
    assert figures(CARS).marginal == Count(2, 1)
    assert figures(DEAR).marginal == Count(0, 0)


def test_marginal_in_force_looks_only_at_profiles_in_force() -> None:
    assert figures(SHOES).marginal_in_force == Count(5, 3)
    assert figures(CARS).marginal_in_force == Count(3, 3)
    assert figures(DEAR).marginal_in_force == Count(1, 0)


def test_overlap_counts_items_both_match() -> None:
    assert report().overlap == (Pair(CARS, DEAR, 1, 3, 2), Pair(DEAR, SHOES, 1, 2, 5))


def test_the_set_together_counts_each_declaration_once() -> None:
    assert (report().united.matches, report().united.declarations) == (8, 6)
    assert report().united.results.hit_rate == rate(2, 4)


def test_examples_are_of_each_kind_with_the_facts_asked_about() -> None:
    shoes = figures(SHOES).examples
    assert [(one.kind, one.declaration_id) for one in shoes if one.kind != "not inspected"] == [
        ("hit", "D1"),
        ("nothing found", "D2"),
    ]
    assert {one.declaration_id for one in shoes if one.kind == "not inspected"} == {"D3", "D4"}
    assert (shoes[0].items, shoes[0].facts, shoes[0].categories) == ((1, 2), {"hs_code": "640399"}, ("ORIGIN",))


def test_an_idle_profile_is_to_be_retired() -> None:
    assert [(one.action, one.codes) for one in report().advice] == [("retire", (DEAR,)), ("retire", (NONE,))]
    assert "matched nothing in 4 days" in report().advice[1].reason


def test_twins_are_to_be_merged_not_both_retired() -> None:
    twins: dict[str, Condition] = {"A": hs("64"), "B": hs("64")}
    (advice,) = backtest([FACTS], KNOWN, twins, period=PERIOD).advice
    assert (advice.action, advice.codes) == ("merge", ("A", "B"))


def test_days_the_author_tuned_on_are_told_apart() -> None:
    whole = report(tuned_until=DAY_ONE)
    tuned, later = whole.parts
    assert (tuned.period, later.period) == (Period(DAY_ONE, DAY_ONE), Period(DAY_TWO, PERIOD.end))
    assert figures(SHOES, tuned).results.hit_rate == rate(1, 2)
    assert figures(SHOES, later).results.hit_rate is None
    assert figures(CARS, later).results.hit_rate == rate(1, 2)
    assert figures(CARS, whole) == figures(CARS)
    assert len(figures(SHOES, later).by_day) == 3


def test_a_split_after_the_last_day_leaves_one_part() -> None:
    assert [part.period for part in report(tuned_until=PERIOD.end).parts] == [PERIOD]


def test_days_whose_results_are_not_all_known_are_marked() -> None:
    late = report(as_of=DAY_ONE + timedelta(days=2))
    assert late.immature_from == DAY_TWO
    assert figures(SHOES, late).immature == 2
    assert report().immature_from is None


def test_a_declaration_without_any_outcome_row_counts_as_not_examined() -> None:
    strangers = fact_rows([("X9", 1, DAY_ONE, "NORTH", "640399", "1.00")])
    (shoes, *_) = backtest([strangers], KNOWN, CONDITIONS, period=PERIOD).profiles
    assert (shoes.declarations, shoes.results.labelled) == (1, 0)


def test_an_empty_period_has_no_rates() -> None:
    empty = backtest([], outcome_table([]), CONDITIONS, period=PERIOD)
    assert empty.items == 0
    assert all(one.results.hit_rate is None and one.matches == 0 for one in empty.profiles)


def test_only_the_facts_asked_about_are_needed() -> None:
    assert needed_facts(CONDITIONS) == ("hs_code", "lodged_on", "office", "value")


def test_the_json_keeps_the_keys_other_programs_rely_on() -> None:
    written: Any = report_json(report(tuned_until=DAY_ONE))
    assert written["period"] == {"from": "2024-03-01", "to": "2024-03-04", "days": 4}
    assert (written["items"], written["declarations"]) == (8, 6)
    shoes = written["profiles"][0]
    low, high = rate(1, 2).low, rate(1, 2).high  # type: ignore[union-attr]
    assert shoes["hit_rate"] == {"numerator": 1, "denominator": 2, "low": round(low, 6), "high": round(high, 6)}
    assert [shoes[key] for key in ("code", "matches", "declarations", "labelled", "offences", "marginal_matches")] == [
        "SHOES",
        5,
        4,
        2,
        1,
        4,
    ]
    assert shoes["recovered"] == "500.000"
    assert written["profiles"][3]["hit_rate"] is None
    assert [part["period"]["to"] for part in written["parts"]] == ["2024-03-01", "2024-03-04"]


def test_amounts_unknown_for_every_offence_are_not_zero() -> None:
    known = outcome_table([offence("D1", recovered=None), clean("D2")])
    (shoes, *_) = backtest([FACTS], known, CONDITIONS, period=PERIOD).profiles
    assert shoes.results.offences == 1
    assert shoes.results.recovered is None


# A larger trade, for what needs thirty cases.


def many(count: int) -> tuple[pa.RecordBatch, list[str]]:
    numbers = [f"M{number:04}" for number in range(count)]
    return fact_rows([(number, 1, DAY_ONE, "NORTH", "640399", "1.00") for number in numbers]), numbers


def test_the_random_sample_alone_gives_a_rate_from_thirty_cases_on() -> None:
    facts, numbers = many(90)
    known = outcome_table(
        [(offence if i % 10 == 0 else clean)(n, in_random_sample=i < 40) for i, n in enumerate(numbers)]
    )
    (one,) = backtest([facts], known, {"P": hs("64")}, period=PERIOD).profiles
    assert one.random is not None
    assert (one.random.labelled, one.random.hit_rate, one.random.lift) == (40, rate(4, 40), 1.0)
    fewer = outcome_table([clean(n, in_random_sample=i < 29) for i, n in enumerate(numbers)])
    (few,) = backtest([facts], fewer, {"P": hs("64")}, period=PERIOD).profiles
    assert few.random is not None
    assert (few.random.labelled, few.random.hit_rate) == (29, None)


def test_probabilities_undo_the_choice_of_what_was_examined() -> None:
    """Of 400, half with offences 1 in 5 all selected, half clean, selected 1 in 4: 40 offences of 400."""
    facts, numbers = many(400)
    risky: dict[str, Any] = {"incumbent_channel": "red", "selection_probability": 1.0}
    rows = [(offence if i % 5 == 0 else clean)(n, **risky) for i, n in enumerate(numbers[:200])]
    plain: dict[str, Any] = {"selection_probability": 0.25}
    rows += [
        clean(n, incumbent_channel="red", **plain) if i % 4 == 0 else outcome(n, incumbent_channel="green", **plain)
        for i, n in enumerate(numbers[200:])
    ]
    (one,) = backtest([facts], outcome_table(rows), {"P": hs("64")}, period=PERIOD).profiles
    assert one.results.hit_rate == rate(40, 250)
    assert one.weighted is not None
    assert one.weighted.hit_rate is not None
    assert one.weighted.hit_rate.value == pytest.approx(40 / 400)
    assert one.weighted.hit_rate.low < 0.1 < one.weighted.hit_rate.high
    assert one.weighted.hit_rate.effective == pytest.approx(400**2 / (200 + 50 * 16))


def test_selected_but_not_examined_widens_the_bounds() -> None:
    facts, numbers = many(60)
    drawn: dict[str, Any] = {"incumbent_channel": "red", "selection_probability": 0.5}
    rows = [(offence if i < 10 else clean if i < 50 else outcome)(n, **drawn) for i, n in enumerate(numbers)]
    (one,) = backtest([facts], outcome_table(rows), {"P": hs("64")}, period=PERIOD).profiles
    assert one.weighted is not None
    assert one.weighted.hit_rate is not None
    assert one.weighted.hit_rate.value == pytest.approx(10 / 50)
    assert (one.weighted.hit_rate.worst, one.weighted.hit_rate.best) == pytest.approx((10 / 60, 20 / 60))


def test_without_support_the_corrected_rate_is_refused() -> None:
    facts, numbers = many(60)
    rows = [
        clean(n, incumbent_channel="red", selection_probability=0.5 if i % 2 else None) for i, n in enumerate(numbers)
    ]
    (one,) = backtest([facts], outcome_table(rows), {"P": hs("64")}, period=PERIOD).profiles
    assert one.weighted is not None
    assert one.weighted.hit_rate is None
    assert one.weighted.refused == "30 of 60 matched declarations have no logged probability above 0"


def test_with_few_cases_the_corrected_rate_is_refused() -> None:
    facts, numbers = many(40)
    rows = [
        (clean if i < 29 else outcome)(n, incumbent_channel="red", selection_probability=0.5)
        for i, n in enumerate(numbers)
    ]
    (one,) = backtest([facts], outcome_table(rows), {"P": hs("64")}, period=PERIOD).profiles
    assert one.weighted is not None
    assert one.weighted.refused == "too few cases: 29 of 30"


def test_zero_offences_bound_the_corrected_rate_by_three_over_n() -> None:
    facts, numbers = many(60)
    rows = [clean(n, incumbent_channel="red", selection_probability=0.5) for n in numbers]
    (one,) = backtest([facts], outcome_table(rows), {"P": hs("64")}, period=PERIOD).profiles
    assert one.weighted is not None
    assert one.weighted.hit_rate is not None
    assert one.weighted.hit_rate.low == 0
    assert one.weighted.hit_rate.high == pytest.approx(3 / 60)


def test_the_system_in_use_is_cut_to_as_many_examinations() -> None:
    """It found 20 in 100; a profile of 40 examinations is set against what 40 of these would find: about 8."""
    numbers = [f"M{number:04}" for number in range(100)]
    facts = fact_rows([(n, 1, DAY_ONE, "NORTH", "64" if i < 40 else "87", "1.00") for i, n in enumerate(numbers)])
    rows = [(offence if i < 20 else clean)(n, incumbent_channel="red", criterion="C1") for i, n in enumerate(numbers)]
    (one,) = backtest([facts], outcome_table(rows), {"P": codes("64")}, period=PERIOD).profiles
    against = one.against
    assert against is not None
    assert (against.examinations, against.both) == (40, 40)
    assert (against.ours.low, against.ours.mean, against.ours.high) == (20, 20, 20)
    assert against.theirs.low < 8 < against.theirs.high
    assert against.theirs.mean == pytest.approx(8, abs=0.6)
    assert against.our_bounds == (0.5, 0.5)


def test_random_picks_are_not_the_system_in_use() -> None:
    facts, numbers = many(40)
    rows = [
        clean(n, incumbent_channel="red", in_random_sample=True, criterion="C1" if i < 10 else None)
        for i, n in enumerate(numbers)
    ]
    (one,) = backtest([facts], outcome_table(rows), {"P": hs("64")}, period=PERIOD).profiles
    assert one.against is not None
    assert one.against.their_labelled_share == rate(10, 10)


def test_a_profile_everything_falls_under_is_to_be_narrowed_towards_a_better_one() -> None:
    numbers = [f"M{number:04}" for number in range(200)]
    facts = fact_rows([(n, 1, DAY_ONE, "NORTH", "6403" if i < 50 else "6404", "1.00") for i, n in enumerate(numbers)])
    known = outcome_table([(offence if i < 40 else clean)(n) for i, n in enumerate(numbers)])
    advice = backtest([facts], known, {"ALL": hs("64"), "GOOD": hs("6403")}, period=PERIOD).advice
    assert ("narrow", ("ALL", "GOOD")) in [(one.action, one.codes) for one in advice]


def test_a_profile_worse_than_chance_is_to_be_retired() -> None:
    numbers = [f"M{number:04}" for number in range(200)]
    facts = fact_rows([(n, 1, DAY_ONE, "NORTH", "64" if i < 100 else "87", "1.00") for i, n in enumerate(numbers)])
    known = outcome_table([(clean if i < 100 else offence)(n, in_random_sample=True) for i, n in enumerate(numbers)])
    (advice,) = backtest([facts], known, {"P": codes("64")}, period=PERIOD).advice
    assert advice.action == "retire"
    assert "less than the random sample's 100 of 200" in advice.reason


def test_a_month_is_named_by_year() -> None:
    facts = fact_rows([("D1", 1, date(2023, 12, 31), "N", "64", "1"), ("D2", 1, date(2024, 1, 1), "N", "64", "1")])
    period = Period(date(2023, 12, 1), date(2024, 1, 31))
    (one,) = backtest([facts], outcome_table([]), {"P": hs("64")}, period=period).profiles
    assert one.by_month == {"2023-12": Count(1, 1), "2024-01": Count(1, 1)}


def test_a_profile_of_all_goods_matches_all() -> None:
    (one,) = backtest([FACTS], KNOWN, {"P": Always(True)}, period=PERIOD).profiles
    assert (one.matches, one.declarations) == (8, 6)


def test_a_profile_that_asks_what_nobody_stated_is_not_to_be_blamed() -> None:
    facts = fact_rows([("D1", 1, DAY_ONE, "NORTH", "640399", "1.00")])
    blank = facts.set_column(5, "hs_code", pa.nulls(1, pa.string()))
    (advice,) = backtest(
        [blank], outcome_table([]), {"P": codes("870323"), "Q": dearer_than("0")}, period=PERIOD
    ).advice
    assert (advice.action, advice.codes) == ("supply", ("P",))
    assert advice.reason.endswith("hs_code")


def test_a_smaller_system_in_use_cuts_the_profile_down() -> None:
    """The profile finds 30 in 90; at the 30 examinations of the system in use that is about 10."""
    facts, numbers = many(90)
    rows = [
        (offence if i % 3 == 0 else clean)(n, incumbent_channel="yellow" if i < 30 else "green", criterion="C1")
        for i, n in enumerate(numbers)
    ]
    (one,) = backtest([facts], outcome_table(rows), {"P": hs("64")}, period=PERIOD).profiles
    assert one.against is not None
    assert (one.against.examinations, one.against.theirs.mean) == (30, 10)
    assert one.against.ours.low < 10 < one.against.ours.high


def test_the_json_carries_corrected_figures_with_their_cases() -> None:
    facts, numbers = many(60)
    drawn: dict[str, Any] = {"incumbent_channel": "red", "criterion": "C1", "selection_probability": 0.5}
    rows = [(offence if i < 40 else clean)(n, in_random_sample=i % 2 == 0, **drawn) for i, n in enumerate(numbers)]
    written: Any = report_json(backtest([facts], outcome_table(rows), {"P": hs("64")}, period=PERIOD))
    (one,) = written["profiles"]
    assert one["weighted"]["hit_rate"]["value"] == pytest.approx(40 / 60, abs=1e-6)
    assert one["weighted"]["hit_rate"]["cases"] == 60
    assert one["weighted"]["recall"]["value"] == 1
    assert one["weighted"]["refused"] is None
    assert (one["random_sample"]["labelled"], one["random_sample"]["hit_rate"]["numerator"]) == (30, 20)
    assert one["incumbent"]["offences"] == {"mean": 40.0, "low": 40.0, "high": 40.0}
    assert one["incumbent"]["bounds"] == {"low": round(40 / 60, 6), "high": round(40 / 60, 6)}
    assert json.loads(json.dumps(written)) == written
