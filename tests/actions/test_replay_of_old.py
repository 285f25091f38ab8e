"""Decisions of this and earlier versions, kept as files: the program of today comes to the identical decision."""

import json
from pathlib import Path

import pytest
from tests.golden.replay.fixtures import SETS, kept, taken_in
from tests.office import NOON, an_officer
from tests.service_world import CATALOGUE

from tidewaiter.actions.decisions.replaying import replay_decision
from tidewaiter.core.decision import ReasonKind
from tidewaiter.core.decision_json import decision_from_json, outward
from tidewaiter.core.role import Role

pytestmark = pytest.mark.django_db

FIXTURES = list(kept())


@pytest.mark.parametrize("file", FIXTURES, ids=lambda file: file.stem)
def test_a_decision_of_an_earlier_version_replays_identically(file: Path) -> None:
    stored = taken_in(json.loads(file.read_text(encoding="utf-8")))
    analyst = an_officer(Role.ANALYST)
    found = replay_decision(decision_id=stored.pk, lake=None, catalogue=CATALOGUE, by=analyst, at=NOON)
    assert found.routing == ()
    assert found.identical


@pytest.mark.parametrize("file", FIXTURES, ids=lambda file: file.stem)
def test_what_was_answered_then_is_what_the_decision_says_now(file: Path) -> None:
    fixture = json.loads(file.read_text(encoding="utf-8"))
    told = outward(decision_from_json(fixture["body"]["decision"]))
    assert {name: value for name, value in json.loads(fixture["answer"]).items() if name in told} == told


def test_decisions_of_every_kind_are_kept() -> None:
    decisions = [json.loads(file.read_text(encoding="utf-8"))["body"]["decision"] for file in FIXTURES]
    kinds = {reason["kind"] for one in decisions for reason in one["reasons"]}
    assert kinds == {kind.value for kind in ReasonKind} - {ReasonKind.SCORE.value}
    assert {one["channel"] for one in decisions} == {"red", "orange", "yellow", "blue", "green"}
    assert {one["capacity"] for one in decisions} >= {"within", "beyond", "reserved", "not needed"}


def test_every_published_set_that_is_kept_is_named_by_a_decision() -> None:
    named = {json.loads(file.read_text(encoding="utf-8"))["set"] for file in FIXTURES}
    assert named == {file.stem for file in SETS.glob("*.json")}
