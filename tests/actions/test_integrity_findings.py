"""The inspectorate is told who turned a finding into nothing, and whose it was."""

from collections.abc import Mapping
from datetime import datetime

import pytest
from tests.examined import a_declaration, day, examiners, given
from tests.office import an_officer

from tidewaiter.actions.audit.integrity import integrity_report
from tidewaiter.actions.audit.integrity_findings import entered_findings
from tidewaiter.actions.examinations.assignments import replace_officer
from tidewaiter.actions.examinations.results import correct_result, record_result
from tidewaiter.core.channel import Channel
from tidewaiter.core.role import Role
from tidewaiter.engines.integrity.edits import WorkingHours
from tidewaiter.engines.integrity.finding import Kind
from tidewaiter.storage.records.models import Act, Officer

pytestmark = pytest.mark.django_db

FOUND: Mapping[str, object] = {"outcome": "found_other", "categories": ["OTHER"]}
NOTHING: Mapping[str, object] = {"outcome": "nothing_found"}
NOT_INSPECTED: Mapping[str, object] = {"outcome": "not_inspected", "not_inspected_reason": "rain"}


def seen(first: int = 1, last: int = 20) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.declaration_id, one.officer, one.withdrawn_by) for one in entered_findings(day(first), day(last))]


def an_act_found(officer: Officer, number: str = "D1", at: datetime | None = None) -> Act:
    act = given(a_declaration(number, Channel.ORANGE), officer)[0]
    record_result(act_id=act.pk, given=FOUND, by=officer, at=at or day(3))
    return act


def corrected(act: Act, to: Mapping[str, object], by: Officer, at: datetime | None = None) -> None:
    correct_result(act_id=act.pk, given=to, reason="wrong goods", by=by, at=at or day(4))


@pytest.mark.parametrize("to", [NOTHING, NOT_INSPECTED, {**FOUND, "state": "overturned"}])
def test_an_officer_who_turns_the_own_finding_into_nothing_is_told(to: Mapping[str, object]) -> None:
    (ann,) = examiners("ann")
    act = an_act_found(ann)
    assert seen() == [("D1", "ann", ())]
    corrected(act, to, ann)
    assert seen() == [("D1", "ann", ("ann",))]


def test_what_is_put_right_again_still_counts() -> None:
    (ann,) = examiners("ann")
    act = an_act_found(ann)
    corrected(act, NOTHING, ann)
    corrected(act, FOUND, ann, day(5))
    assert seen() == [("D1", "ann", ("ann",))]


def test_a_manager_who_turns_an_examiner_s_finding_into_nothing_is_told_with_who_entered_it() -> None:
    (ann,) = examiners("ann")
    boss = an_officer(Role.MANAGER, office="MAIN", login="boss")
    act = an_act_found(ann)
    corrected(act, NOTHING, boss)
    assert seen() == [("D1", "ann", ("boss",))]
    corrected(act, FOUND, boss, day(5))
    corrected(act, NOTHING, ann, day(6))
    assert sorted(seen()) == [("D1", "ann", ("boss",)), ("D1", "boss", ("ann",))]


def test_who_was_given_the_act_afterwards_and_turns_the_finding_into_nothing_is_told() -> None:
    ann, bob = examiners("ann", "bob")
    boss = an_officer(Role.MANAGER, office="MAIN", login="boss")
    act = given(a_declaration("D1", Channel.ORANGE), ann)[0]
    record_result(act_id=act.pk, given={**FOUND, "state": "provisional"}, by=ann, at=day(3))
    replace_officer(act_id=act.pk, officer=bob.login, reason="is ill", by=boss, at=day(4))
    corrected(act, {**FOUND, "state": "provisional"}, bob, day(5))
    corrected(act, NOTHING, bob, day(6))
    assert seen() == [("D1", "ann", ("bob",))]


def test_a_finding_put_right_and_withdrawn_by_another_again_names_both() -> None:
    (ann,) = examiners("ann")
    boss = an_officer(Role.MANAGER, office="MAIN", login="boss")
    act = an_act_found(ann)
    corrected(act, NOTHING, boss)
    corrected(act, FOUND, ann, day(5))
    corrected(act, NOTHING, ann, day(6))
    assert seen() == [("D1", "ann", ("boss", "ann"))]


def test_a_correction_that_finds_other_things_withdraws_nothing() -> None:
    (ann,) = examiners("ann")
    act = an_act_found(ann)
    corrected(act, {**FOUND, "outcome": "found_as_suspected"}, ann)
    assert seen() == [("D1", "ann", ())]


def test_what_was_turned_into_nothing_counts_in_the_period_in_which_it_was() -> None:
    (ann,) = examiners("ann")
    act = an_act_found(ann)
    corrected(act, NOTHING, ann, day(10))
    assert seen(1, 5) == [("D1", "ann", ())]
    assert seen(5, 20) == [("D1", "ann", ("ann",))]
    assert seen(11, 20) == []


def test_the_report_names_the_manager_to_the_inspectorate_and_whose_finding_it_was() -> None:
    (ann,) = examiners("ann")
    corrected(an_act_found(ann), NOTHING, an_officer(Role.MANAGER, office="MAIN", login="boss"))
    hours = WorkingHours(time_zone="Europe/Riga")
    reader = an_officer(Role.INSPECTORATE)
    report = integrity_report(start=day(1), end=day(20), hours=hours, by=reader, at=day(20))
    (found,) = [one for screening in report.screenings for one in screening.findings if one.kind is Kind.WITHDRAWN]
    assert (found.officer, found.party, found.evidence[1]) == ("boss", "DEC1", "D1")
    assert "entered by ann (1)" in found.sentence
