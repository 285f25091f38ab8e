"""What became of the declarations of a period, read from the lake."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.backtest_world import DAY_ONE, examined, found, instant, lake_with, lodged

from tidewaiter.core.administration import Administration
from tidewaiter.core.finding import is_material
from tidewaiter.core.tables.results import CATEGORIES, OUTCOMES, STATES
from tidewaiter.storage.lake.outcomes import outcomes

LATER = DAY_ONE + timedelta(days=40)


def only(table: pa.Table) -> dict[str, Any]:
    (row,) = table.to_pylist()
    return dict(row)


def one_declaration(folder: Path, *results: dict[str, object], **tables: Any) -> dict[str, Any]:
    snapshot = lake_with(folder / "lake", declarations=[lodged("D1")], results=list(results), **tables)
    return only(outcomes(snapshot, DAY_ONE, DAY_ONE))


def test_a_declaration_nobody_examined_has_no_outcome(tmp_path: Path) -> None:
    snapshot = lake_with(tmp_path / "lake", declarations=[lodged("D1")])
    row = only(outcomes(snapshot, DAY_ONE, DAY_ONE))
    assert not row["labelled"]
    assert row["recovered"] is None
    assert row["in_random_sample"] is None


def test_a_material_finding_is_an_offence_with_what_was_recovered(tmp_path: Path) -> None:
    row = one_declaration(tmp_path, found("D1", duty_refunded=Decimal(120)))
    assert (row["labelled"], row["offence"], row["immaterial"]) == (True, True, False)
    assert row["recovered"] == Decimal(380)
    assert row["categories"] == ["UNDERVALUATION"]


def test_a_finding_below_the_material_duty_is_immaterial(tmp_path: Path) -> None:
    row = one_declaration(tmp_path, found("D1", duty="99"))
    assert (row["labelled"], row["offence"], row["immaterial"]) == (True, False, True)


def test_nothing_found_recovers_nothing_but_is_known(tmp_path: Path) -> None:
    assert one_declaration(tmp_path, examined("D1"))["recovered"] == 0


def test_an_offence_without_any_amount_recovers_nobody_knows_what(tmp_path: Path) -> None:
    row = one_declaration(tmp_path, found("D1", duty_assessed=None, duty_collected=None))
    assert row["offence"]
    assert row["recovered"] is None


@pytest.mark.parametrize(
    ("state", "outcome", "told"),
    [
        ("pending", "nothing_found", "pending"),
        ("provisional", "found_as_suspected", "pending"),
        ("final", "not_inspected", "not_inspected"),
        ("overturned", "found_as_suspected", "labelled"),
    ],
)
def test_an_act_that_is_no_final_look_is_told_apart(tmp_path: Path, state: str, outcome: str, told: str) -> None:
    row = one_declaration(tmp_path, examined("D1", state=state, outcome=outcome))
    assert [name for name in ("labelled", "pending", "not_inspected", "offence") if row[name]] == [told]


def test_items_an_act_names_are_the_only_ones_looked_at(tmp_path: Path) -> None:
    row = one_declaration(
        tmp_path,
        examined("D1", items=["3", "1"]),
        found("D1", act_id="D1-scan", items=["2"]),
    )
    assert row["looked_at"] == [1, 2, 3]
    assert row["found_in"] == [2]


def test_one_act_of_all_items_looks_at_all(tmp_path: Path) -> None:
    row = one_declaration(tmp_path, examined("D1"), found("D1", act_id="D1-scan", items=["2"]))
    assert row["looked_at"] is None
    assert row["found_in"] == [2]


def test_only_the_latest_version_known_by_the_day_counts(tmp_path: Path) -> None:
    first = found("D1")
    overturned = found("D1", version=2, state="overturned", known_at=instant(LATER), duty_refunded=Decimal(500))
    snapshot = lake_with(tmp_path / "lake", declarations=[lodged("D1")], results=[first, overturned])
    before = only(outcomes(snapshot, DAY_ONE, DAY_ONE, as_of=LATER - timedelta(days=1)))
    after = only(outcomes(snapshot, DAY_ONE, DAY_ONE))
    assert (before["offence"], before["recovered"]) == (True, Decimal(500))
    assert (after["labelled"], after["offence"], after["recovered"]) == (True, False, Decimal(0))


def test_a_result_not_yet_known_does_not_label(tmp_path: Path) -> None:
    snapshot = lake_with(tmp_path / "lake", declarations=[lodged("D1")], results=[found("D1")])
    assert not only(outcomes(snapshot, DAY_ONE, DAY_ONE, as_of=DAY_ONE))["labelled"]


def test_the_day_is_that_of_the_administration(tmp_path: Path) -> None:
    east = Administration(currency="KRW", time_zone="Asia/Seoul")
    late = lodged("D1", lodged_at=instant(DAY_ONE, 20))
    snapshot = lake_with(tmp_path / "lake", administration=east, declarations=[late])
    assert outcomes(snapshot, DAY_ONE, DAY_ONE).num_rows == 0
    assert only(outcomes(snapshot, date(2024, 3, 2), date(2024, 3, 2)))["lodged_on"] == date(2024, 3, 2)


def test_trader_time_runs_from_arrival_of_the_document_to_gate_out(tmp_path: Path) -> None:
    events = [
        {
            "event_id": "1",
            "kind": "arrived",
            "occurred_at": instant(DAY_ONE, 5),
            "document": "BL1",
            "declaration_id": None,
        },
        {
            "event_id": "2",
            "kind": "gate_out",
            "occurred_at": instant(DAY_ONE, 17),
            "document": None,
            "declaration_id": "D1",
        },
    ]
    snapshot = lake_with(tmp_path / "lake", declarations=[lodged("D1", previous_document="BL1")], events=events)
    assert only(outcomes(snapshot, DAY_ONE, DAY_ONE))["trader_hours"] == 12


def test_without_gate_out_trader_time_runs_from_lodging_to_release(tmp_path: Path) -> None:
    released = {"event_id": "1", "kind": "released", "occurred_at": instant(DAY_ONE, 13), "declaration_id": "D1"}
    snapshot = lake_with(tmp_path / "lake", declarations=[lodged("D1")], events=[released])
    assert only(outcomes(snapshot, DAY_ONE, DAY_ONE))["trader_hours"] == 4


def test_what_the_system_in_use_decided_stands_beside(tmp_path: Path) -> None:
    decided = {
        "declaration_id": "D1",
        "decided_at": instant(DAY_ONE),
        "channel": "red",
        "criterion": "C7",
        "selection_probability": 0.25,
        "in_random_sample": False,
    }
    row = one_declaration(tmp_path, examined("D1"), incumbent=[decided])
    assert (row["incumbent_channel"], row["criterion"], row["selection_probability"]) == ("red", "C7", 0.25)


def test_a_declaration_of_many_items_and_versions_is_one_row(tmp_path: Path) -> None:
    rows = [lodged("D1", item=item, version=version) for item in (1, 2) for version in (1, 2)]
    snapshot = lake_with(tmp_path / "lake", declarations=rows)
    assert outcomes(snapshot, DAY_ONE, DAY_ONE).num_rows == 1


AMOUNTS = st.sampled_from([None, Decimal(0), Decimal("99.999"), Decimal(100), Decimal(5000)])
ACTS = st.fixed_dictionaries(
    {
        "state": st.sampled_from(STATES),
        "outcome": st.sampled_from(OUTCOMES),
        "categories": st.none() | st.lists(st.sampled_from(CATEGORIES), min_size=1, max_size=3, unique=True),
        "duty_assessed": AMOUNTS,
        "seizure_value": AMOUNTS,
    }
)


@pytest.mark.slow
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ACTS, min_size=40, max_size=80))
def test_material_means_the_same_in_the_lake_as_in_the_rule(
    tmp_path_factory: pytest.TempPathFactory, acts: list[dict[str, Any]]
) -> None:
    numbers = [f"D{number:03}" for number in range(len(acts))]
    rows = [examined(number, **act) for number, act in zip(numbers, acts, strict=True)]
    snapshot = lake_with(tmp_path_factory.mktemp("lake"), declarations=[lodged(n) for n in numbers], results=rows)
    told = outcomes(snapshot, DAY_ONE, DAY_ONE)["offence"].to_pylist()
    assert told == [
        is_material(**{**act, "categories": act["categories"] or ()}, material_duty=Decimal(100)) for act in acts
    ]
