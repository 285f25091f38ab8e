"""Declarations decided in groups: once each, repeatable, and kept with all they rest on."""

import json
from pathlib import Path

import pytest
from tests.service_world import KEYS, NOW, a_profile, history, lodged, published

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.storage.records.models import Act, AuditEvent, Decision, Declaration, Lodgement

pytestmark = pytest.mark.django_db


def test_a_declaration_that_a_profile_matches_is_red(tmp_path: Path) -> None:
    a_profile("FW-1", "hs4 = '6403'")
    standing = published(history(tmp_path / "lake"))
    (answer,) = decide_group(standing, KEYS, [(lodged("A"), SERVICE)], NOW)
    told = json.loads(answer.text)
    assert (answer.status, told["channel"]) == ("decided", "red")
    assert Declaration.objects.get().channel == "red"


def test_the_same_request_again_gives_the_same_answer(tmp_path: Path) -> None:
    standing = published(history(tmp_path / "lake"))
    first, again = decide_group(standing, KEYS, [(lodged("A"), SERVICE), (lodged("A"), SERVICE)], NOW)
    assert (first.status, again.status) == ("decided", "repeated")
    assert first.text == again.text
    assert Decision.objects.count() == Lodgement.objects.count() == 1


def test_an_answer_tells_that_acts_are_open_and_not_of_what_kind(tmp_path: Path) -> None:
    a_profile("CN-1", "origin = 'CN'")
    standing = published(history(tmp_path / "lake"))
    group = [(lodged("A", origin="CN"), SERVICE), (lodged("B"), SERVICE), (lodged("A", origin="CN"), SERVICE)]
    red, other, again = decide_group(standing, KEYS, group, NOW)
    assert (red.acts_open, again.acts_open) == (True, True)
    assert other.acts_open == Act.objects.filter(declaration_id="B").exists()
    Act.objects.update(state="closed", closed_at=NOW)
    (done,) = decide_group(standing, KEYS, [(lodged("A", origin="CN"), SERVICE)], NOW)
    assert (done.status, done.acts_open, done.text) == ("repeated", False, red.text)


def test_other_content_under_the_same_version_is_refused(tmp_path: Path) -> None:
    standing = published(history(tmp_path / "lake"))
    group = [(lodged("A", 1), SERVICE), (lodged("A", 1, origin="CN"), SERVICE)]
    assert [answer.status for answer in decide_group(standing, KEYS, group, NOW)] == ["decided", "conflict"]


def test_history_counts_in_a_decision(tmp_path: Path) -> None:
    a_profile("NEW-1", "importer_declarations_365d = 0")
    standing = published(history(tmp_path / "lake"))
    group = [(lodged("A"), SERVICE), (lodged("B", importer_code="NOBODY"), SERVICE)]
    channels = [json.loads(one.text)["channel"] for one in decide_group(standing, KEYS, group, NOW)]
    assert channels[1] == "red"
    assert channels[0] != "red" or Decision.objects.get(declaration_id="A").in_random_sample


def test_declarations_of_the_same_day_are_counted_in_the_order_of_lodging(tmp_path: Path) -> None:
    a_profile("MANY-1", "importer_same_day >= 2", channel="orange")
    standing = published(history(tmp_path / "lake"))
    decide_group(standing, KEYS, [(lodged("A"), SERVICE), (lodged("B"), SERVICE)], NOW)
    (third,) = decide_group(standing, KEYS, [(lodged("C"), SERVICE)], NOW)
    assert json.loads(third.text)["channel"] in ("orange", "red")


def test_a_declaration_lodged_again_for_the_same_goods_keeps_channel_and_draw(tmp_path: Path) -> None:
    a_profile("CN-1", "origin = 'CN'")
    standing = published(history(tmp_path / "lake"))
    first = lodged("A", origin="CN", previous_document="BL1")
    again = lodged("B", origin="VN", previous_document="BL1")
    answers = decide_group(standing, KEYS, [(first, SERVICE), (again, SERVICE)], NOW)
    assert [json.loads(answer.text)["channel"] for answer in answers] == ["red", "red"]
    one, two = Declaration.objects.order_by("pk")
    assert (one.identity, one.draw_day) == (two.identity, two.draw_day) == ("BL1", standing.on)


def test_an_amendment_does_not_lower_the_channel(tmp_path: Path) -> None:
    a_profile("CN-1", "origin = 'CN'")
    standing = published(history(tmp_path / "lake"))
    decide_group(standing, KEYS, [(lodged("A", origin="CN"), SERVICE)], NOW)
    (answer,) = decide_group(standing, KEYS, [(lodged("A", origin="VN"), SERVICE)], NOW)
    told = json.loads(answer.text)
    assert (told["version"], told["channel"]) == (2, "red")


def test_each_decision_has_its_event_in_the_chain(tmp_path: Path) -> None:
    standing = published(history(tmp_path / "lake"))
    (answer,) = decide_group(standing, KEYS, [(lodged("A"), SERVICE)], NOW)
    assert AuditEvent.objects.filter(action="decision.take", record=f"decision:{answer.current_decision}").count() == 1
