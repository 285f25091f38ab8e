"""Results are entered in a moment, refused with every problem, and never change: they get versions."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

import pytest
from tests.examined import a_declaration, day, examiners, given
from tests.office import NOON, an_officer

from tidewaiter.actions.examinations.acts import CLOSED, PENDING
from tidewaiter.actions.examinations.results import correct_result, record_result, results_of
from tidewaiter.actions.lake.lake_rows import mark_copied, uncopied_results
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import Act, AuditEvent, Officer, Result

pytestmark = pytest.mark.django_db

FOUND: Mapping[str, object] = {
    "outcome": "found_as_suspected",
    "categories": ["UNDERVALUATION"],
    "duty_assessed": "1200.50",
    "officer_minutes": "45",
}


def a_scan(officer: Officer) -> Act:
    return given(a_declaration(channel=Channel.ORANGE), officer)[0]


def places(refused: pytest.ExceptionInfo[InputError]) -> list[str]:
    return sorted(str(problem.place) for problem in refused.value.problems)


def test_the_first_form_is_one_choice() -> None:
    (ann,) = examiners("ann")
    act = a_scan(ann)
    result = record_result(act_id=act.pk, given={"outcome": "nothing_found"}, by=ann, at=NOON)
    act.refresh_from_db()
    assert (result.state, result.version, act.state) == ("final", 1, CLOSED)
    assert result.row["officer"] == "ANN"


def test_what_was_found_is_kept_exactly() -> None:
    (ann,) = examiners("ann")
    act = a_scan(ann)
    record_result(act_id=act.pk, given=FOUND, by=ann, at=NOON)
    (row,) = uncopied_results().rows
    assert row["duty_assessed"] == Decimal("1200.50")
    assert row["categories"] == ["UNDERVALUATION"]
    assert (row["act"], row["act_id"], row["version"], row["known_at"]) == ("scan", act.pk, 1, NOON)


def test_every_problem_of_a_result_is_told_at_once() -> None:
    (ann,) = examiners("ann")
    wrong = {
        "outcome": "found_other",
        "state": "done",
        "duty_assessed": "-1",
        "share_examined": 1.5,
        "officer_minutes": "12.34",
        "outcom": "x",
        "items": ["7"],
        "act": "scan",
        "completed_at": (NOON + timedelta(days=1)).isoformat(),
    }
    with pytest.raises(InputError) as refused:
        record_result(act_id=a_scan(ann).pk, given=wrong, by=ann, at=NOON)
    assert places(refused) == sorted(
        ["state", "duty_assessed", "share_examined", "officer_minutes", "outcom", "items", "act", "completed_at"]
    )
    assert not Result.objects.exists()


@pytest.mark.parametrize(
    ("stated", "place"),
    [
        ({"outcome": "not_inspected"}, "not_inspected_reason"),
        ({"outcome": "found_other"}, "categories"),
        ({"outcome": "nothing_found", "categories": ["DRUGS"]}, "categories"),
        ({"outcome": "nothing_found", "seizure_value": "5"}, "seizure_value"),
        ({"outcome": "nothing_found", "not_inspected_reason": "rain"}, "not_inspected_reason"),
        ({"outcome": "nothing_found", "state": "overturned"}, "state"),
        ({"outcome": "not_inspected", "not_inspected_reason": "rain", "state": "pending"}, "state"),
        ({"outcome": "found_other", "categories": ["DRUG"]}, "categories"),
        ({}, "outcome"),
    ],
)
def test_what_cannot_be_true_together_is_refused(stated: Mapping[str, object], place: str) -> None:
    (ann,) = examiners("ann")
    with pytest.raises(InputError) as refused:
        record_result(act_id=a_scan(ann).pk, given=stated, by=ann, at=NOON)
    assert place in places(refused)


def test_a_misspelt_category_is_answered_with_the_nearest() -> None:
    (ann,) = examiners("ann")
    with pytest.raises(InputError, match="did you mean 'DRUGS'"):
        record_result(act_id=a_scan(ann).pk, given={**FOUND, "categories": ["DRUG"]}, by=ann, at=NOON)


def test_a_laboratory_s_answer_is_a_new_version_and_closes_the_act() -> None:
    (ann,) = examiners("ann")
    act = a_scan(ann)
    record_result(act_id=act.pk, given={**FOUND, "state": "pending"}, by=ann, at=NOON)
    act.refresh_from_db()
    assert act.state == PENDING
    correct_result(act_id=act.pk, given={"outcome": "nothing_found"}, reason="laboratory 77/26", by=ann, at=day(9))
    act.refresh_from_db()
    assert (act.state, act.closed_at) == (CLOSED, day(9))
    versions = results_of(act_id=act.pk, by=ann, at=day(9))
    assert [(one.version, one.outcome) for one in versions] == [(1, "found_as_suspected"), (2, "nothing_found")]


def test_a_correction_leaves_the_earlier_version_as_it_was() -> None:
    (ann,) = examiners("ann")
    act = a_scan(ann)
    first = record_result(act_id=act.pk, given=FOUND, by=ann, at=NOON)
    kept = Result.objects.filter(pk=first.pk).values().get()
    correct_result(act_id=act.pk, given={**FOUND, "duty_refunded": "1200.5"}, reason="appeal", by=ann, at=day(5))
    assert Result.objects.filter(pk=first.pk).values().get() == kept


def test_a_correction_needs_its_reason() -> None:
    (ann,) = examiners("ann")
    act = a_scan(ann)
    record_result(act_id=act.pk, given=FOUND, by=ann, at=NOON)
    with pytest.raises(InputError, match="reason"):
        correct_result(act_id=act.pk, given=FOUND, reason=" ", by=ann, at=day(5))


def test_a_final_result_does_not_become_provisional_again() -> None:
    (ann,) = examiners("ann")
    act = a_scan(ann)
    record_result(act_id=act.pk, given=FOUND, by=ann, at=NOON)
    with pytest.raises(InputError, match="after final comes final or overturned"):
        correct_result(act_id=act.pk, given={**FOUND, "state": "provisional"}, reason="x", by=ann, at=day(5))


def test_a_result_is_recorded_once() -> None:
    (ann,) = examiners("ann")
    act = a_scan(ann)
    record_result(act_id=act.pk, given=FOUND, by=ann, at=NOON)
    with pytest.raises(ConflictError):
        record_result(act_id=act.pk, given=FOUND, by=ann, at=NOON)


def test_an_act_of_another_examiner_does_not_exist_for_one() -> None:
    ann, bob = examiners("ann", "bob")
    with pytest.raises(NotKnownError):
        record_result(act_id=a_scan(ann).pk, given=FOUND, by=bob, at=NOON)


def test_a_manager_of_the_office_may_enter_what_the_examiner_did() -> None:
    (ann,) = examiners("ann")
    boss = an_officer(Role.MANAGER, office="MAIN")
    result = record_result(act_id=a_scan(ann).pk, given=FOUND, by=boss, at=NOON)
    assert (result.row["officer"], result.by) == ("ANN", boss)


def test_a_manager_of_another_office_may_not() -> None:
    (ann,) = examiners("ann")
    with pytest.raises(NotKnownError):
        record_result(act_id=a_scan(ann).pk, given=FOUND, by=an_officer(Role.MANAGER, office="PORT"), at=NOON)


def test_an_analyst_may_read_but_not_enter() -> None:
    (ann,) = examiners("ann")
    act = a_scan(ann)
    analyst = an_officer(Role.ANALYST)
    with pytest.raises(NotAllowedError):
        record_result(act_id=act.pk, given=FOUND, by=analyst, at=NOON)
    record_result(act_id=act.pk, given=FOUND, by=ann, at=NOON)
    assert results_of(act_id=act.pk, by=analyst, at=NOON)[0].outcome == "found_as_suspected"


def test_a_result_leaves_its_trace_without_its_content() -> None:
    (ann,) = examiners("ann")
    act = a_scan(ann)
    record_result(act_id=act.pk, given=FOUND, note="behind the panel", by=ann, at=NOON)
    event = AuditEvent.objects.order_by("-sequence").first()
    assert event is not None
    assert (event.action, event.record, event.actor) == ("result.record", f"act:{act.pk}", ann.reference)
    assert "panel" not in str(vars(event))


def test_what_was_copied_is_not_given_to_the_lake_again() -> None:
    (ann,) = examiners("ann")
    act = a_scan(ann)
    record_result(act_id=act.pk, given=FOUND, by=ann, at=NOON)
    mark_copied(uncopied_results(), NOON)
    assert uncopied_results().rows == ()
    correct_result(act_id=act.pk, given=FOUND, reason="typing error", by=ann, at=day(5))
    assert [row["version"] for row in uncopied_results().rows] == [2]
