"""An examiner never sees why; nobody but the inspectorate sees that an act is a second look."""

import json
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest
from tests.examined import (
    INSTRUCTION,
    KEYS,
    POLICY,
    SECRET_CODE,
    SECRET_LOOKOUT,
    TODAY,
    a_declaration,
    day,
    examiners,
    given,
    opened,
)
from tests.office import NOON, an_officer

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.examinations.acts import OPEN
from tidewaiter.actions.examinations.assignments import replace_officer
from tidewaiter.actions.examinations.reexaminations import draw_again, drawn_of
from tidewaiter.actions.examinations.results import correct_result, record_result, results_of
from tidewaiter.actions.examinations.waiting import with_open_acts
from tidewaiter.actions.examinations.worklist import task, worklist
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import ConflictError, NotKnownError, TidewaiterError
from tidewaiter.core.policy import Policy
from tidewaiter.core.role import Role
from tidewaiter.engines.selection.assignment import re_examined
from tidewaiter.engines.selection.draw import Draw
from tidewaiter.storage.records.models import Act, Declaration, Officer, Reexamination, Result

pytestmark = pytest.mark.django_db

ALWAYS = replace(POLICY, re_examined_share=1.0)
NEVER = replace(POLICY, re_examined_share=0.0)
NOTHING = {"outcome": "nothing_found"}

GIVEN_AWAY = (SECRET_CODE, SECRET_LOOKOUT, "random", "profile", "lookout", "probability", "reason", "score", "reexam")


def said(answer: object) -> str:
    """Return an answer with the names of all its fields as text."""
    held: Any = [asdict(one) for one in answer] if isinstance(answer, list) else asdict(answer)  # type: ignore[call-overload]
    return json.dumps(held, default=str)


def draws(policy: Policy = ALWAYS) -> list[Reexamination]:
    return draw_again(keys=KEYS, policy=policy, on=TODAY, by=SERVICE, at=NOON)


def a_clean_scan(officer: Officer, number: str = "D1") -> Act:
    act = given(a_declaration(number, Channel.ORANGE), officer)[0]
    record_result(act_id=act.pk, given=NOTHING, by=officer, at=NOON)
    return act


def test_the_worklist_tells_what_to_check_and_nothing_of_why() -> None:
    (ann,) = examiners("ann")
    given(a_declaration(), ann)
    answer = said(worklist(by=ann, at=NOON))
    assert INSTRUCTION in answer
    assert [word for word in GIVEN_AWAY if word in answer] == []


def test_a_closed_result_tells_no_more_of_why() -> None:
    (ann,) = examiners("ann")
    act = a_clean_scan(ann)
    answer = said(results_of(act_id=act.pk, by=ann, at=NOON)) + said(worklist(closed=True, by=ann, at=NOON))
    left = [word for word in GIVEN_AWAY if word in answer.replace('"reason": ""', "")]
    assert left == []


def test_errors_tell_nothing_of_why() -> None:
    ann, bob = examiners("ann", "bob")
    act = given(a_declaration(), ann)[0]
    told = []
    for officer in (ann, bob):
        with pytest.raises(TidewaiterError) as refused:
            record_result(act_id=act.pk, given={"outcome": "found"}, by=officer, at=NOON)
        told.append(str(refused.value))
    assert [word for word in GIVEN_AWAY if word in " ".join(told)] == []


def test_an_examiner_sees_the_own_acts_only() -> None:
    ann, bob = examiners("ann", "bob")
    mine = given(a_declaration("D1", Channel.ORANGE), ann)[0]
    given(a_declaration("D2", Channel.ORANGE), bob)
    assert [one.act_id for one in worklist(by=ann, at=NOON)] == [mine.pk]


def test_a_manager_sees_what_the_office_has_to_do() -> None:
    ann, bob = examiners("ann", "bob")
    given(a_declaration("D1", Channel.ORANGE), ann)
    given(a_declaration("D2", Channel.ORANGE), bob)
    opened(a_declaration("D3", Channel.ORANGE, office="PORT"))
    boss = an_officer(Role.MANAGER, office="MAIN")
    assert [one.officer for one in worklist(by=boss, at=NOON)] == ["ann", "bob"]


def test_tasks_stand_by_due_day_then_by_lodging_whatever_opened_them_first() -> None:
    (ann,) = examiners("ann")
    late = a_declaration("D2", Channel.ORANGE, decided_on=day(3).date())
    early = a_declaration("D1", Channel.ORANGE)
    given(late, ann)
    given(early, ann)
    assert [one.declaration_id for one in worklist(by=ann, at=NOON)] == ["D1", "D2"]


def test_nothing_found_is_drawn_and_the_undrawn_are_kept_too() -> None:
    ann, _ = examiners("ann", "bob")
    half = replace(POLICY, re_examined_share=0.5)
    for number in range(8):
        a_clean_scan(ann, f"D{number}")
    lots = draws(half)
    expected = [re_examined(Draw(KEYS.day_key(TODAY), f"D{number}"), 0.5) for number in range(8)]
    by_declaration = {Act.objects.get(pk=lot.act_id).declaration_id: lot.drawn for lot in lots}
    assert [by_declaration[f"D{number}"] for number in range(8)] == expected
    assert set(expected) == {True, False}


def test_a_result_is_drawn_once() -> None:
    ann, _ = examiners("ann", "bob")
    a_clean_scan(ann)
    assert len(draws()) == 1
    assert draws() == []


@pytest.mark.parametrize("state", ["provisional", "pending"])
def test_nothing_found_that_is_not_final_yet_is_drawn_too_and_once(state: str) -> None:
    ann, _ = examiners("ann", "bob")
    act = given(a_declaration("D1", Channel.ORANGE), ann)[0]
    record_result(act_id=act.pk, given={**NOTHING, "state": state}, by=ann, at=NOON)
    (lot,) = draws()
    assert (lot.act_id, lot.drawn) == (act.pk, True)
    correct_result(act_id=act.pk, given=NOTHING, reason="laboratory", by=ann, at=NOON)
    assert draws() == []


def test_what_was_left_unfinal_for_long_is_not_drawn_since_its_key_may_be_open() -> None:
    ann, _ = examiners("ann", "bob")
    act = given(a_declaration("D1", Channel.ORANGE), ann)[0]
    record_result(act_id=act.pk, given={**NOTHING, "state": "provisional"}, by=ann, at=NOON - timedelta(days=41))
    assert draws() == []


def test_goods_have_open_acts_until_the_lot_of_every_result_was_drawn_and_the_second_look_done() -> None:
    ann, bob = examiners("ann", "bob")
    first = given(a_declaration("D1", Channel.ORANGE), ann)[0]
    a_declaration("D2", Channel.ORANGE)
    assert with_open_acts(["D1", "D2"], NOON) == {"D1"}
    record_result(act_id=first.pk, given=NOTHING, by=ann, at=NOON)
    assert with_open_acts(["D1"], NOON) == {"D1"}
    draws()
    assert with_open_acts(["D1"], NOON) == {"D1"}
    again = Act.objects.get(reexamines=first)
    record_result(act_id=again.pk, given=NOTHING, by=bob, at=NOON)
    assert with_open_acts(["D1"], NOON) == set()


def test_goods_have_no_open_acts_where_the_lot_fell_otherwise_or_none_is_drawn() -> None:
    ann, _ = examiners("ann", "bob")
    a_clean_scan(ann, "D1")
    draws(NEVER)
    found = given(a_declaration("D2", Channel.ORANGE), ann)[0]
    record_result(act_id=found.pk, given={"outcome": "found_other", "categories": ["OTHER"]}, by=ann, at=NOON)
    a_clean_scan(ann, "D3")
    assert with_open_acts(["D1", "D2", "D3"], NOON) == {"D3"}
    assert with_open_acts(["D1", "D2", "D3"], NOON + timedelta(days=41)) == set()
    assert with_open_acts([], NOON) == set()


def test_what_was_found_or_not_inspected_is_not_drawn() -> None:
    (ann,) = examiners("ann")
    found = given(a_declaration("D1", Channel.ORANGE), ann)[0]
    record_result(act_id=found.pk, given={"outcome": "found_other", "categories": ["OTHER"]}, by=ann, at=NOON)
    unseen = given(a_declaration("D2", Channel.ORANGE), ann)[0]
    record_result(act_id=unseen.pk, given={"outcome": "not_inspected", "not_inspected_reason": "rain"}, by=ann, at=NOON)
    assert draws() == []


def test_the_second_look_goes_to_another_officer_by_lot() -> None:
    ann, _, _ = examiners("ann", "bob", "cid")
    first = a_clean_scan(ann)
    (lot,) = draws()
    assert "ann" not in lot.roster
    assert lot.officer is not None
    again = Act.objects.get(reexamines=first)
    assert (again.officer, again.state) == (lot.officer, OPEN)
    checked = drawn_of([first.decision_id])[first.decision_id][1][0]
    assert (checked.drawn, checked.first_officer) == (True, "ann")


def test_a_second_look_waits_where_there_is_no_other_officer() -> None:
    (ann,) = examiners("ann")
    first = a_clean_scan(ann)
    (lot,) = draws()
    assert (lot.drawn, lot.officer) == (True, None)
    (bob,) = examiners("bob")
    (late,) = draws()
    assert late.officer == bob
    assert Act.objects.get(reexamines=first).officer == bob


def test_goods_that_left_are_drawn_but_not_looked_at_again() -> None:
    ann, _ = examiners("ann", "bob")
    first = a_clean_scan(ann)
    Declaration.objects.update(in_flight=False)
    (lot,) = draws()
    assert lot.drawn
    assert Result.objects.get(act__reexamines=first).row["not_inspected_reason"] == "goods released"


def test_a_second_look_is_not_drawn_again() -> None:
    ann, bob = examiners("ann", "bob")
    first = a_clean_scan(ann)
    draws()
    record_result(act_id=Act.objects.get(reexamines=first).pk, given=NOTHING, by=bob, at=NOON)
    assert draws() == []


def test_a_second_look_has_the_form_of_any_other_act() -> None:
    ann, bob = examiners("ann", "bob")
    first = given(a_declaration("D1", Channel.ORANGE), ann)[0]
    before = asdict(task(act_id=first.pk, by=ann, at=NOON))
    record_result(act_id=first.pk, given=NOTHING, by=ann, at=NOON)
    draws()
    (again,) = worklist(by=bob, at=NOON)
    after = asdict(again)
    assert {name for name in after if after[name] != before[name]} == {"act_id", "officer"}
    assert len(after["act_id"]) == len(before["act_id"])


def test_the_second_officer_finds_nothing_of_the_first() -> None:
    ann, bob = examiners("ann", "bob")
    first = a_clean_scan(ann)
    draws()
    for ask in (task, results_of):
        with pytest.raises(NotKnownError):
            ask(act_id=first.pk, by=bob, at=NOON)
    assert worklist(closed=True, by=bob, at=NOON) == []


def test_the_first_officer_is_told_the_same_drawn_or_not() -> None:
    ann, _ = examiners("ann", "bob")
    a_clean_scan(ann, "D1")
    before = said(worklist(closed=True, by=ann, at=NOON))
    draws(ALWAYS)
    assert said(worklist(closed=True, by=ann, at=NOON)) == before
    assert worklist(by=ann, at=NOON) == []


def test_a_manager_cannot_hand_the_second_look_to_the_first_officer() -> None:
    ann, _ = examiners("ann", "bob")
    first = a_clean_scan(ann)
    draws()
    again = Act.objects.get(reexamines=first)
    boss = an_officer(Role.MANAGER, office="MAIN")
    examiners("zoe", office="PORT")
    refusals = []
    for login in ("ann", "bob", "zoe"):
        with pytest.raises(ConflictError) as refused:
            replace_officer(act_id=again.pk, officer=login, reason="leave", by=boss, at=NOON)
        refusals.append(str(refused.value))
    assert len(set(refusals)) == 1
    assert [word for word in GIVEN_AWAY if word in refusals[0]] == []


def test_with_no_share_nothing_is_looked_at_again() -> None:
    ann, _ = examiners("ann", "bob")
    a_clean_scan(ann)
    (lot,) = draws(NEVER)
    assert not lot.drawn
    assert not Act.objects.filter(reexamines__isnull=False).exists()
