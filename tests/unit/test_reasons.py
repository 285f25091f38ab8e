"""What each reason gives: channel, controls, the items it rests on and the line an examiner is shown."""

from dataclasses import replace

import pytest
from tests.selectivity import CHAPTERS, CHECKLISTS, ITEMS, KEY, OFFICE, POLICY, lookout, met, profile

from tidewaiter.core.channel import Channel
from tidewaiter.core.decision import (
    AgencyHold,
    Carried,
    Circumstances,
    ControlRequest,
    Decision,
    GivenTreatment,
    Override,
    Reason,
    ReasonKind,
    carry,
    settled_by,
)
from tidewaiter.core.lookout import Certainty
from tidewaiter.core.policy import TrustedTrader
from tidewaiter.core.profile import Treatment
from tidewaiter.engines.selection.draw import Draw
from tidewaiter.engines.selection.routing import Hits, Selectivity, Subject, route

NEVER = replace(POLICY, random_share=0.0)
SHOES = profile("PRF-1X", Treatment(Channel.ORANGE), instruction="Weigh a pair.", risk_area="valuation")


def decided(
    beside: Circumstances,
    hits: Hits = Hits(),  # noqa: B008
) -> Decision:
    subject = Subject(declaration_id="D1", version=1, office=OFFICE, trusted_trader=None, chapters=ITEMS)
    watched = {"LKT-1X": lookout("LKT-1X")}
    return route(subject, hits, Selectivity({"PRF-1X": SHOES}, NEVER, CHAPTERS, watched), Draw(KEY, "x"), beside)


def reason_of(decision: Decision, kind: ReasonKind) -> Reason:
    return next(one for one in decision.reasons if one.kind is kind)


def test_a_request_holds_every_item_unless_it_names_some() -> None:
    whole = ControlRequest(reference="R-1", channel=Channel.ORANGE, instruction="Take a sample.")
    named = replace(whole, reference="R-2", items=(2,), controls=("scan", "laboratory"))
    decision = decided(Circumstances(requests=(named, whole)))
    assert [(one.code, one.items, one.controls) for one in decision.reasons if one.kind is ReasonKind.REQUEST] == [
        ("R-1", (1, 2, 3), ("scan",)),
        ("R-2", (2,), ("scan", "laboratory")),
    ]
    assert all("Take a sample." in item.instructions for item in decision.items)
    assert decision.treatments[0].controls == ("laboratory", "scan")


def test_a_request_of_two_versions_shows_the_line_of_each() -> None:
    first = ControlRequest(reference="R-1", channel=Channel.RED, instruction="Take a sample.", items=(1,))
    second = replace(first, version=2, instruction="Take two samples.")
    lines = decided(Circumstances(requests=(first, second))).items[0].instructions
    assert {"Take a sample.", "Take two samples."} <= set(lines)


@pytest.mark.parametrize(("agency", "channel"), [("FOODX", Channel.RED), ("PLANTX", Channel.YELLOW)])
def test_a_hold_is_a_reason_of_its_own_in_the_channel_of_the_policy(agency: str, channel: Channel) -> None:
    decision = decided(Circumstances(holds=(AgencyHold(reference="H-1", agency=agency, items=(3,)),)))
    reason = reason_of(decision, ReasonKind.AGENCY_HOLD)
    assert (decision.channel, reason.probability, reason.items) == (channel, 1.0, (3,))
    assert decision.items[2].reasons == (reason,)


@pytest.mark.parametrize(
    ("certainty", "beside", "channel"),
    [
        (Certainty.EXACT, Circumstances(), Channel.RED),
        (Certainty.EXACT, Circumstances(cleared=frozenset({"LKT-1X"})), Channel.RED),
        (Certainty.POSSIBLE, Circumstances(), Channel.YELLOW),
        (Certainty.POSSIBLE, Circumstances(confirmed=frozenset({"LKT-1X"})), Channel.RED),
        (Certainty.POSSIBLE, Circumstances(cleared=frozenset({"LKT-1X"})), Channel.GREEN),
    ],
)
def test_a_possible_match_waits_in_its_channel_until_a_person_confirms_or_clears_it(
    certainty: Certainty, beside: Circumstances, channel: Channel
) -> None:
    decision = decided(beside, Hits(lookouts=(met("LKT-1X", certainty),)))
    assert decision.channel is channel
    assert [one.reference for one in decision.lookouts] == ["LKT-1X"]


def test_a_lookout_met_in_the_consignment_rests_on_every_item() -> None:
    decision = decided(Circumstances(), Hits(lookouts=(met("LKT-1X", items=()),)))
    assert reason_of(decision, ReasonKind.LOOKOUT).items == (1, 2, 3)
    assert all("Open it." in item.instructions for item in decision.items)


def test_a_match_of_a_lookout_no_longer_in_force_counts_for_nothing() -> None:
    decision = decided(Circumstances(), Hits(lookouts=(met("LKT-GONE"),)))
    assert (decision.channel, decision.lookouts) == (Channel.GREEN, ())


def test_what_is_carried_keeps_its_controls_and_lines_and_follows_goods_to_other_items() -> None:
    scan = GivenTreatment(channel=Channel.ORANGE, controls=("scan", "seals"))
    earlier = {1: (*CHECKLISTS[Channel.ORANGE], "Look behind the panel."), 7: ("Count again.",)}
    decision = decided(Circumstances(carried=Carried(channel=Channel.ORANGE, treatments=(scan,), instructions=earlier)))
    assert (decision.channel, decision.treatments, decision.decided_channel) == (Channel.ORANGE, (scan,), Channel.GREEN)
    standard = CHECKLISTS[Channel.ORANGE]
    assert [item.instructions for item in decision.items] == [
        (*standard, "Count again.", "Look behind the panel."),
        (*standard, "Count again."),
        (*standard, "Count again."),
    ]
    assert reason_of(decision, ReasonKind.CARRIED).code == "CARRIED:orange"


def test_nothing_is_carried_from_green() -> None:
    assert carry([]) is None
    assert carry([decided(Circumstances())]) is None
    assert [one.kind for one in decided(Circumstances(carried=Carried(channel=Channel.GREEN))).reasons] == [
        ReasonKind.RANDOM
    ]


def test_an_override_that_settled_a_carried_yellow_settles_no_carried_red() -> None:
    settled = frozenset({(ReasonKind.CARRIED, "CARRIED:yellow", 1)})
    override = Override(reference="O-1", channel=Channel.GREEN, settled=settled)
    lowered, raised = (
        decided(Circumstances(carried=Carried(channel=channel), override=override))
        for channel in (Channel.YELLOW, Channel.RED)
    )
    assert (lowered.channel, raised.channel) == (Channel.GREEN, Channel.RED)


def test_raising_to_red_does_not_drop_the_permit_that_was_to_be_checked() -> None:
    hits = Hits(mandatory={"MND-1X": (1,)}, profiles={"PRF-1X": (1,)})
    first = decided(Circumstances(), hits)
    raised, lowered = (
        decided(Circumstances(override=Override(reference="O", channel=channel, settled=settled_by(first))), hits)
        for channel in (Channel.RED, Channel.YELLOW)
    )
    assert [one.channel for one in first.treatments] == [Channel.ORANGE, Channel.YELLOW]
    assert [one.channel for one in raised.treatments] == [Channel.RED, Channel.ORANGE, Channel.YELLOW]
    assert [one.channel for one in lowered.treatments] == [Channel.YELLOW]


def test_status_lowers_the_profiles_of_its_risk_areas_only() -> None:
    hits = Hits(profiles={"PRF-1X": (1,)})
    policies = [
        replace(NEVER, trusted_traders={"AEOX": TrustedTrader(profile_factor=0.5, risk_areas=(area,))})
        for area in ("valuation", "security")
    ]
    subject = Subject(declaration_id="D1", version=1, office=OFFICE, trusted_trader="AEOX", chapters=ITEMS)
    found = [route(subject, hits, Selectivity({"PRF-1X": SHOES}, policy), Draw(KEY, "x")) for policy in policies]
    assert [reason_of(one, ReasonKind.PROFILE).probability for one in found] == [0.5, 1.0]
