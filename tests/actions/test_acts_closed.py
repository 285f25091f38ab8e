"""The feed tells that officers have nothing to do about goods any more: not what was done, by whom, nor how often."""

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.examined import KEYS, POLICY, SECRET_CODE, TODAY, a_declaration, day, examiners, given, opened
from tests.office import NOON, a_client, an_officer

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.audit.auditing import verify
from tidewaiter.actions.decisions.tracing import changes
from tidewaiter.actions.examinations.capacity import waive_hit
from tidewaiter.actions.examinations.lapses import expire_yellow
from tidewaiter.actions.examinations.overrides import lower_channel
from tidewaiter.actions.examinations.reexaminations import draw_again
from tidewaiter.actions.examinations.results import correct_result, record_result
from tidewaiter.actions.examinations.waiting import with_open_acts
from tidewaiter.core.channel import Channel
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import Act, Decision, Declaration, Officer, Rise

pytestmark = pytest.mark.django_db

FOUND = {"outcome": "found_other", "categories": ["OTHER"]}
NOTHING = {"outcome": "nothing_found"}


def told() -> list[dict[str, Any]]:
    """Return the entries of the feed that say so, as a client system reads them."""
    return [one for one in changes(after=0, by=a_client(), at=NOON) if one["kind"] == "acts_closed"]


def altered() -> list[str]:
    """Return the declarations about which verifying names something."""
    return [one.record for one in verify().findings if one.record.startswith("declaration:")]


def entered(act: Act, result: dict[str, Any] = FOUND) -> None:
    assert act.officer is not None
    record_result(act_id=act.pk, given=result, by=act.officer, at=NOON)


def drawn(share: float) -> None:
    draw_again(keys=KEYS, policy=replace(POLICY, re_examined_share=share), on=TODAY, by=SERVICE, at=NOON)


@pytest.fixture
def ann() -> Officer:
    """Return one of two examiners of the office."""
    return examiners("ann", "bob")[0]


def test_goods_are_told_when_the_last_of_their_acts_closed(ann: Officer) -> None:
    physical, documents = given(a_declaration(channel=Channel.RED), ann)
    entered(physical)
    assert told() == []
    entered(documents)
    (entry,) = told()
    assert (entry["declaration_id"], entry["before"], entry["after"]) == ("D1", "red", "red")
    assert altered() == []


def test_the_lot_is_drawn_first_and_the_second_look_waited_for(ann: Officer) -> None:
    entered(given(a_declaration("D1", Channel.ORANGE), ann)[0], NOTHING)
    assert told() == []
    drawn(1.0)
    assert told() == []
    entered(Act.objects.get(reexamines__isnull=False), NOTHING)
    assert [one["declaration_id"] for one in told()] == ["D1"]
    assert with_open_acts(["D1"], NOON) == set()


def test_goods_that_the_lot_spared_are_told_when_it_was_drawn(ann: Officer) -> None:
    entered(given(a_declaration("D1", Channel.ORANGE), ann)[0], NOTHING)
    drawn(0.0)
    assert [one["declaration_id"] for one in told()] == ["D1"]


def test_an_answer_that_is_awaited_holds_the_word_back(ann: Officer) -> None:
    (act,) = given(a_declaration("D1", Channel.ORANGE), ann)
    entered(act, {**FOUND, "state": "provisional"})
    assert told() == []
    correct_result(act_id=act.pk, given=FOUND, reason="laboratory", by=ann, at=NOON)
    correct_result(act_id=act.pk, given=FOUND, reason="a slip", by=ann, at=NOON)
    assert len(told()) == 1


def test_a_hit_waived_a_channel_lowered_and_a_yellow_lapsed_are_told_alike(ann: Officer) -> None:
    entered(given(a_declaration("D1", Channel.ORANGE), ann)[0])
    boss = an_officer(Role.MANAGER, office="MAIN")
    beyond = a_declaration("D2", Channel.ORANGE)
    opened(beyond)
    Decision.objects.filter(pk=beyond.pk).update(within_capacity=False)
    waive_hit(decision=beyond.pk, reason="no officer", by=boss, at=NOON)
    opened(a_declaration("D3", Channel.YELLOW))
    lower_channel(
        declaration="D3", channel=Channel.GREEN, reason_code="FALSE_MATCH", reason="other goods",
        policy=POLICY, on=TODAY, by=boss, at=NOON,
    )  # fmt: skip
    opened(a_declaration("D4", Channel.YELLOW))
    expire_yellow(policy=POLICY, on=day(5).date(), by=SERVICE, at=day(5))
    entries = told()
    assert [one["declaration_id"] for one in entries] == ["D1", "D2", "D3", "D4"]
    own = {"cursor", "at", "declaration_id", "decision", "before", "after"}
    assert len({json.dumps({name: one[name] for name in one if name not in own}) for one in entries}) == 1
    assert all(one["before"] == one["after"] for one in entries)


def test_goods_that_left_are_not_told(ann: Officer) -> None:
    (act,) = given(a_declaration("D1", Channel.ORANGE), ann)
    Declaration.objects.update(in_flight=False)
    entered(act)
    assert told() == []


def test_the_entry_names_nobody_no_kind_of_act_and_no_number(ann: Officer) -> None:
    act = given(a_declaration("D1", Channel.ORANGE), ann)[0]
    entered(act)
    (entry,) = told()
    said = json.dumps({name: value for name, value in entry.items() if name != "decision"})
    assert entry["decision"] == json.loads(Decision.objects.get().answer)
    assert [word for word in ("ann", "scan", "found", act.pk, SECRET_CODE) if word in said] == []


def test_an_entry_taken_away_or_changed_is_named(ann: Officer) -> None:
    entered(given(a_declaration("D1", Channel.ORANGE), ann)[0])
    Rise.objects.update(after="green")
    assert altered() == ["declaration:D1"]
    Rise.objects.all().delete()
    assert altered() == ["declaration:D1"]
