"""Advance cargo: what a consignment lacks, what it hits, and what comes of it."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tidewaiter.core.cargo import CargoAssessment, CargoOutcome, CargoPolicy
from tidewaiter.core.channel import Channel
from tidewaiter.core.condition import And, Compare, Condition, HasWord, IsMissing, Op
from tidewaiter.core.decision import ORDINARY, Circumstances, ReasonKind
from tidewaiter.core.decision_json import assessment_from_json, assessment_to_json, outward_assessment
from tidewaiter.core.facts import normalised_words
from tidewaiter.core.lookout import Lookout, LookoutAction, LookoutKind
from tidewaiter.core.policy import MandatoryControl, Policy
from tidewaiter.core.profile import Profile, ProfileSet, Status, Treatment
from tidewaiter.engines.selection.cargo import FACTS, CargoForce, assess, cargo_force, facts_of_consignment
from tidewaiter.engines.selection.draw import Draw
from tidewaiter.engines.selection.live import decide_live, live_force
from tidewaiter.language.catalogue import load_catalogue

ON = date(2026, 3, 2)
CATALOGUE = load_catalogue()
SHOES = HasWord(CATALOGUE["manifest_description"], ("shoes",))
FROM_HAIPHONG = Compare(CATALOGUE["port_of_loading"], Op.EQ, "VNHPH")
POLICY = Policy(
    name="p",
    version=4,
    random_share=0.0,
    cargo=CargoPolicy(required=("consignee_name", "gross_mass", "containers"), placeholders=("to order", "n/a")),
)
FILED: dict[str, Any] = {
    "consignment_id": "HBL-1",
    "house_document": "HBL-1",
    "consignee_name": "Global Trading",
    "notify_code": "N5",
    "description": "Shoes, leather",
    "port_of_loading": "VNHPH",
    "gross_mass": Decimal("1200.500"),
    "packages": 40,
    "containers": [{"number": "MSCU1234567", "status": "FULL"}],
}


def profile(code: str, condition: Condition, channel: Channel = Channel.RED, **fields: Any) -> Profile:
    given: dict[str, Any] = {"status": Status.ACTIVE, "treatments": (Treatment(channel),)} | fields
    return Profile(code=code, condition=condition, **given)


def lookout(action: LookoutAction, **fields: Any) -> Lookout:
    return Lookout(reference="LKT-1", kind=LookoutKind.PARTY, action=action, **fields)


def force(*profiles: Profile, lookouts: tuple[Lookout, ...] = (), policy: Policy = POLICY) -> CargoForce:
    held = ProfileSet({one.code: one for one in profiles}, {}, {})
    live = live_force(held, policy, CATALOGUE, lookouts, ON)
    return cargo_force(live.force, live.lookouts, CATALOGUE)


def assessed(cargo: CargoForce, beside: Circumstances = ORDINARY, **fields: Any) -> CargoAssessment:
    return assess(cargo, {**FILED, **fields}, draw=Draw(b"key", "HBL-1"), circumstances=beside)


def test_a_consignment_that_states_all_and_hits_nothing_is_complete() -> None:
    found = assessed(force())
    assert (found.outcome, found.outcomes, found.missing, found.requested) == (CargoOutcome.COMPLETE, (), (), ())


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({"consignee_name": "TO ORDER."}, ("consignee_name",)),
        ({"consignee_name": "N / A", "gross_mass": None}, ("consignee_name", "gross_mass")),
        ({"consignee_name": "--", "containers": []}, ("consignee_name", "containers")),
        ({"gross_mass": Decimal(0)}, ("gross_mass",)),
        ({"consignee_name": "To order of Global Trading"}, ()),
    ],
)
def test_what_is_missing_or_a_placeholder_is_asked_for_by_name(
    fields: dict[str, Any], missing: tuple[str, ...]
) -> None:
    found = assessed(force(), **fields)
    assert (found.missing, found.requested) == (missing, missing)
    assert found.outcome is (CargoOutcome.REQUEST_INFORMATION if missing else CargoOutcome.COMPLETE)


@pytest.mark.parametrize(
    ("channel", "outcome"),
    [
        (Channel.RED, CargoOutcome.REQUEST_SCREENING),
        (Channel.YELLOW, CargoOutcome.CONTROL_ON_ARRIVAL),
        (Channel.BLUE, CargoOutcome.COMPLETE),
    ],
)
def test_a_hit_gives_the_outcome_of_its_channel(channel: Channel, outcome: CargoOutcome) -> None:
    found = assessed(force(profile("SHOES", And((SHOES, FROM_HAIPHONG)), channel)))
    assert found.outcome is outcome
    assert [reason.code for reason in found.reasons if reason.fired] == ["SHOES"]


def test_a_profile_that_asks_for_what_a_consignment_does_not_know_does_not_hit() -> None:
    asks_more = profile("ORIGIN", IsMissing(CATALOGUE["origin"]))
    local = profile("LOCAL", SHOES, offices=("040",))
    exported, imported = (profile(f"FLOW-{flow}", SHOES, flow=(flow,)) for flow in ("export", "import"))
    cargo = force(asks_more, local, exported, imported)
    assert cargo.unknown == ("LOCAL", "ORIGIN")
    assert [reason.code for reason in assessed(cargo).reasons] == ["FLOW-import", "RANDOM"]


def test_a_mandatory_control_counts_where_it_can_be_answered() -> None:
    control = MandatoryControl(code="SHOE", condition=SHOES, treatment=Treatment(Channel.YELLOW), instruction="look")
    found = assessed(force(policy=replace(POLICY, mandatory=(control,))))
    assert (found.outcome, found.reasons[0].kind) == (CargoOutcome.CONTROL_ON_ARRIVAL, ReasonKind.MANDATORY)


@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        (LookoutAction.DO_NOT_LOAD, CargoOutcome.DO_NOT_LOAD),
        (LookoutAction.INTERCEPT, CargoOutcome.CONTROL_ON_ARRIVAL),
        (LookoutAction.MONITOR, CargoOutcome.COMPLETE),
    ],
)
def test_a_lookout_gives_the_outcome_of_its_action_and_a_covert_one_none(
    action: LookoutAction, outcome: CargoOutcome
) -> None:
    found = assessed(force(lookouts=(lookout(action, values=("N5",)),)))
    assert found.outcome is outcome
    assert bool(found.lookouts) == (action is not LookoutAction.MONITOR)


def test_a_possible_match_asks_for_information_until_it_is_confirmed_or_cleared() -> None:
    cargo = force(lookouts=(lookout(LookoutAction.DO_NOT_LOAD, names=("Global Trading",)),))
    waiting = assessed(cargo)
    assert (waiting.outcome, waiting.missing) == (CargoOutcome.REQUEST_INFORMATION, ())
    assert waiting.requested == POLICY.cargo.required
    assert assessed(cargo, Circumstances(confirmed=frozenset({"LKT-1"}))).outcome is CargoOutcome.DO_NOT_LOAD
    assert assessed(cargo, Circumstances(cleared=frozenset({"LKT-1"}))).outcome is CargoOutcome.COMPLETE


def test_all_outcomes_are_kept_and_the_strictest_is_told() -> None:
    cargo = force(profile("SHOES", SHOES), lookouts=(lookout(LookoutAction.DO_NOT_LOAD, values=("N5",)),))
    found = assessed(cargo, gross_mass=None)
    assert found.outcomes == (
        CargoOutcome.REQUEST_INFORMATION, CargoOutcome.REQUEST_SCREENING, CargoOutcome.DO_NOT_LOAD,
    )  # fmt: skip
    assert outward_assessment(found) == {
        "consignment_id": "HBL-1", "outcome": "do not load", "requested": ["gross_mass"],
    }  # fmt: skip


def test_a_consignment_in_the_random_sample_is_controlled_on_arrival_by_the_draw_of_its_declaration() -> None:
    policy = replace(POLICY, random_share=0.5, cargo=replace(POLICY.cargo, random_share=0.5))
    live = live_force(ProfileSet({}, {}, {}), policy, CATALOGUE, (), ON)
    cargo = cargo_force(live.force, live.lookouts, CATALOGUE)
    for number in range(20):
        draw = Draw(b"key", f"HBL-{number}")
        declared = decide_live(live, [{"declaration_id": "D1", "version": 1, "item_number": 1}], draw=draw)
        found = assess(cargo, FILED, draw=draw)
        assert found.in_random_sample == declared.in_random_sample
        assert (found.outcome is CargoOutcome.CONTROL_ON_ARRIVAL) == found.in_random_sample
        assert (found.random_probability, found.selection_probability) == (0.5, 0.5)


def test_an_assessment_kept_as_json_is_read_back_the_same() -> None:
    found = assessed(force(profile("SHOES", SHOES), lookouts=(lookout(LookoutAction.EXAMINE, values=("N5",)),)))
    assert assessment_from_json(json.loads(json.dumps(assessment_to_json(found)))) == found


def test_the_facts_of_a_consignment_are_facts_of_the_catalogue() -> None:
    found = facts_of_consignment(FILED, CATALOGUE)
    assert found.keys() == FACTS.keys()
    assert found["manifest_gross_mass"] == 1_200_500
    assert found["manifest_description"] == normalised_words("Shoes, leather")
    assert (found["previous_document"], found["manifest_containers"], found["voyage"]) == ("HBL-1", 1, None)
