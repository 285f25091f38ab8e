"""Laws of selection with everything that can come together: order, monotony, independence, what is told outside."""

import json
from collections.abc import Iterator
from dataclasses import replace
from math import isclose, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.selectivity import CHANNELS, Routing, lookout, met, profile, routings

from tidewaiter.core.channel import Channel
from tidewaiter.core.decision import ORDINARY, Capacity, Circumstances, Override, ReasonKind, carry, settled_by
from tidewaiter.core.decision_json import decision_from_json, decision_to_json, outward
from tidewaiter.core.lookout import Certainty, LookoutAction
from tidewaiter.core.profile import Treatment
from tidewaiter.engines.selection.draw import RecordedDraw
from tidewaiter.engines.selection.routing import Hits

OVERRIDE = Override(reference="OVR-ZX", channel=Channel.YELLOW)


@given(routings())
def test_neither_the_order_of_profiles_nor_that_of_lookouts_matters(routing: Routing) -> None:
    hits = replace(
        routing.hits,
        profiles=dict(reversed(list(routing.hits.profiles.items()))),
        lookouts=tuple(reversed(routing.hits.lookouts)),
    )
    other = replace(routing, active=dict(reversed(list(routing.active.items()))), hits=hits).decided()
    assert replace(other, lookouts=routing.hits.lookouts) == routing.decided()


@given(routings(), CHANNELS, st.sampled_from([0.3, 1.0]))
def test_adding_a_profile_never_lowers_the_channel(routing: Routing, channel: Channel, share: float) -> None:
    before, after = routing.decided(), routing.adding(profile("PRF-ZX", Treatment(channel, share))).decided()
    assert after.channel.strictness >= before.channel.strictness
    assert after.decided_channel.strictness >= before.decided_channel.strictness
    assert after.selection_probability >= before.selection_probability


@given(routings(), CHANNELS, st.sampled_from(Certainty))
def test_adding_a_lookout_never_lowers_the_channel(routing: Routing, channel: Channel, certainty: Certainty) -> None:
    after = routing.watching(lookout("LKT-ZX", channel=channel), met("LKT-ZX", certainty)).decided()
    assert after.channel.strictness >= routing.decided().channel.strictness


@given(routings(), st.sampled_from(Certainty))
def test_a_covert_lookout_changes_nothing_even_where_its_match_is_handed_in(
    routing: Routing, certainty: Certainty
) -> None:
    covert = lookout("LKT-ZX", LookoutAction.MONITOR)
    assert routing.watching(covert, met("LKT-ZX", certainty)).decided() == routing.decided()


@given(routings())
def test_membership_of_the_random_sample_depends_on_the_draw_alone(routing: Routing) -> None:
    alone = nothing_else(routing, ORDINARY).decided()
    assert routing.decided().in_random_sample == alone.in_random_sample
    assert routing.decided().random_probability == alone.random_probability


@given(routings())
def test_trusted_status_lowers_no_lookout_request_hold_or_mandatory_control(routing: Routing) -> None:
    kept = (ReasonKind.LOOKOUT, ReasonKind.REQUEST, ReasonKind.AGENCY_HOLD, ReasonKind.MANDATORY)
    plain, trusted = (replace(routing, trader=trader).decided() for trader in (None, "AEOX"))
    assert [one for one in plain.reasons if one.kind in kept] == [one for one in trusted.reasons if one.kind in kept]


@pytest.mark.slow
@given(routings())
def test_probabilities_are_a_distribution_that_agrees_with_the_selection(routing: Routing) -> None:
    decision = routing.decided()
    assert isclose(sum(decision.channel_probabilities.values()), 1, abs_tol=1e-9)
    selecting = sum(share for channel, share in decision.channel_probabilities.items() if channel.selects)
    assert isclose(selecting, decision.selection_probability, abs_tol=1e-9)
    left = prod(1 - reason.probability for reason in decision.reasons)
    assert isclose(decision.selection_probability, 1 - left, abs_tol=1e-9)


@given(routings())
def test_what_was_carried_or_overridden_leaves_the_probabilities_of_the_draw_alone(routing: Routing) -> None:
    bare = replace(routing, beside=replace(routing.beside, carried=None, override=None)).decided()
    decision = routing.decided()
    assert decision.selection_probability == bare.selection_probability
    assert decision.channel_probabilities == bare.channel_probabilities
    assert decision.decided_channel == bare.channel


@given(routings())
def test_the_channel_is_never_below_what_was_carried_unless_a_person_settled_it(routing: Routing) -> None:
    decision = replace(routing, beside=replace(routing.beside, override=None)).decided()
    carried = routing.beside.carried
    assert decision.channel.strictness >= (carried.channel if carried else Channel.GREEN).strictness


@given(routings(), CHANNELS)
def test_an_override_stands_until_a_reason_comes_that_it_did_not_know(routing: Routing, channel: Channel) -> None:
    first = replace(routing, beside=replace(routing.beside, override=None)).decided()
    override = replace(OVERRIDE, channel=channel, settled=settled_by(first))
    settled = replace(routing, beside=replace(routing.beside, override=override))
    assert settled.decided().channel is channel
    later = replace(settled, trader=None).adding(profile("PRF-ZX", Treatment(Channel.RED))).decided()
    assert later.channel is Channel.RED


@given(routings())
def test_treatments_of_all_reasons_that_stand_are_united(routing: Routing) -> None:
    routing = replace(routing, beside=replace(routing.beside, override=None))
    decision = routing.decided()
    given_controls = {one.channel: set(one.controls) for one in decision.treatments}
    for reason in decision.reasons:
        if reason.fired and reason.channel not in (None, Channel.GREEN):
            assert set(reason.controls) <= given_controls[reason.channel]
    if routing.beside.carried:
        for treatment in routing.beside.carried.treatments:
            assert set(treatment.controls) <= given_controls[treatment.channel]


@given(routings())
def test_capacity_is_a_state_and_never_the_channel(routing: Routing) -> None:
    full = replace(routing.beside.queue, minutes_available=0, minutes_committed=10_000)
    open_queue = replace(full, minutes_available=None)
    # no lane is topped up in either, so that nothing but the cut-off differs
    policy = replace(routing.policy, offices={}, expected_rates={})
    routing = replace(routing, policy=policy)
    crowded, free = (
        replace(routing, beside=replace(routing.beside, queue=queue)).decided() for queue in (full, open_queue)
    )
    assert (crowded.channel, crowded.treatments, crowded.items) == (free.channel, free.treatments, free.items)
    assert free.capacity is not Capacity.BEYOND
    if crowded.capacity is Capacity.BEYOND:
        fired = {one.kind for one in crowded.reasons if one.fired and one.channel and one.channel.selects}
        assert fired <= {ReasonKind.PROFILE, ReasonKind.EXPLORATION, ReasonKind.CARRIED, ReasonKind.RANDOM}


@given(routings())
def test_a_decision_kept_as_json_is_read_back_the_same(routing: Routing) -> None:
    decision = routing.decided()
    assert decision_from_json(json.loads(json.dumps(decision_to_json(decision)))) == decision


@given(routings())
def test_a_decision_is_replayed_from_the_fractions_it_drew_without_the_key(routing: Routing) -> None:
    decision = routing.decided()
    kept = decision_from_json(json.loads(json.dumps(decision_to_json(decision))))
    replayed = replace(routing, beside=kept.circumstances).decided(RecordedDraw(kept.draw_identity, kept.draws))
    assert replayed == decision


@pytest.mark.slow
@given(routings())
def test_nothing_restricted_is_told_outside(routing: Routing) -> None:
    decision = routing.decided()
    told = list(words(outward(decision)))
    codes = {reason.code for reason in decision.reasons} | {match.reference for match in decision.lookouts}
    restricted = codes | {"LKT", "PRF", "TAXQ77", "SHF-DAYX", "AEOX", "POL-NAMEX", "FOODX", str(decision.capacity)}
    restricted |= {str(kind) for kind in ReasonKind} - {"mandatory"}
    for text in told:
        assert not any(secret in text for secret in restricted), text
    numbers = {reason.probability for reason in decision.reasons} | set(decision.draws.values())
    assert not [one for one in values(outward(decision)) if isinstance(one, float) or one in numbers - {0.0, 1.0}]


@given(routings())
def test_every_selected_item_has_lines_of_one_form_whatever_selected_it(routing: Routing) -> None:
    decision = routing.decided()
    for item in decision.items:
        standard = routing.policy.checklists.get(decision.channel, ())
        assert item.instructions[: len(standard)] == standard
        if decision.channel.selects and item.item_number in (1, 2):
            assert len(item.instructions) > len(standard)


@pytest.mark.slow
@given(routings())
def test_amending_hands_on_the_strictest_channel_and_all_treatments(routing: Routing) -> None:
    first = replace(routing, beside=ORDINARY).decided()
    amended = nothing_else(routing, Circumstances(carried=carry([first]))).decided()
    assert amended.channel.strictness >= first.channel.strictness
    if first.channel is not Channel.GREEN:
        kept = {one.channel: set(one.controls) for one in amended.treatments}
        assert all(set(one.controls) <= kept[one.channel] for one in first.treatments)
        for before, after in zip(first.items, amended.items, strict=True):
            assert set(before.instructions) <= set(after.instructions) or amended.channel is not first.channel


def nothing_else(routing: Routing, beside: Circumstances) -> Routing:
    """Return the same declaration and policy with no hits at all."""
    return Routing({}, routing.policy, Hits(), routing.identity, beside, trader=routing.trader)


def words(value: object) -> Iterator[str]:
    """Give every text anywhere in the JSON, keys included."""
    match value:
        case dict():
            for key, held in value.items():
                yield key
                yield from words(held)
        case list():
            for held in value:
                yield from words(held)
        case str():
            yield value


def values(value: object) -> Iterator[object]:
    """Give everything in the JSON that is no key."""
    match value:
        case dict():
            for held in value.values():
                yield from values(held)
        case list():
            for held in value:
                yield from values(held)
        case _:
            yield value
