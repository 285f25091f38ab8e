"""Minutes and lanes: top-up to the expected rates, what is beyond capacity, and yellows nobody looked at."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.selectivity import ITEMS, KEY, OFFICE, POLICY, lookout, met, profile

from tidewaiter.core.channel import Channel
from tidewaiter.core.decision import (
    ORDINARY,
    Capacity,
    Circumstances,
    ControlRequest,
    Decision,
    GivenTreatment,
    Queue,
    ReasonKind,
)
from tidewaiter.core.policy import Delay, Exploration, OfficePolicy, Policy
from tidewaiter.core.profile import Profile, Treatment
from tidewaiter.engines.selection.capacity import fits, minutes_of, top_up
from tidewaiter.engines.selection.cut_off import Lapse, cut_off, lapse
from tidewaiter.engines.selection.draw import Draw
from tidewaiter.engines.selection.routing import Hits, Selectivity, Subject, route

ON = date(2026, 3, 2)
PLAIN = replace(POLICY, random_share=0.0, checklists={})
RED, YELLOW = profile("PRF-R", Treatment(Channel.RED)), profile("PRF-Y", Treatment(Channel.YELLOW))


def decided(
    number: int,
    *profiles: Profile,
    policy: Policy = PLAIN,
    beside: Circumstances = ORDINARY,
    hits: Hits = Hits(),  # noqa: B008
) -> Decision:
    subject = Subject(declaration_id=f"D{number}", version=1, office=OFFICE, trusted_trader=None, chapters=ITEMS)
    own = replace(hits, profiles={one.code: (1,) for one in profiles})
    selectivity = Selectivity({one.code: one for one in profiles}, policy, {}, {"LKT-1X": lookout("LKT-1X")})
    return route(subject, own, selectivity, Draw(KEY, f"D{number}"), beside)


def with_minutes(available: int | None, committed: int = 0, reserved: int = 0) -> Circumstances:
    queue = Queue(minutes_available=available, minutes_committed=committed, reserved_committed=reserved)
    return Circumstances(queue=queue)


RESERVING = replace(PLAIN, offices={OFFICE: OfficePolicy(reserved_minutes=60)})


@pytest.mark.parametrize(
    ("available", "committed", "reserved", "state"),
    [
        (None, 9_999, 0, Capacity.WITHIN),
        (150, 0, 0, Capacity.WITHIN),
        (149, 0, 0, Capacity.BEYOND),
        (240, 91, 60, Capacity.BEYOND),
        (240, 90, 60, Capacity.WITHIN),
        (240, 90, 61, Capacity.BEYOND),
    ],
)
def test_a_hit_is_within_while_its_minutes_fit_beside_the_reserve(
    available: int | None, committed: int, reserved: int, state: Capacity
) -> None:
    decision = decided(1, RED, policy=RESERVING, beside=with_minutes(available, committed, reserved))
    assert (decision.channel, decision.capacity, decision.minutes) == (Channel.RED, state, 90)


def test_mandatory_controls_and_the_random_sample_have_minutes_of_their_own() -> None:
    beside = with_minutes(0)
    mandatory = decided(1, RED, beside=beside, hits=Hits(mandatory={"MND-1X": (1,)}))
    drawn = decided(1, policy=replace(PLAIN, random_share=1.0), beside=beside)
    assert (mandatory.capacity, drawn.capacity) == (Capacity.RESERVED, Capacity.RESERVED)


def test_a_lookout_or_a_request_is_never_cut() -> None:
    watched = decided(1, RED, beside=with_minutes(0), hits=Hits(lookouts=(met("LKT-1X"),)))
    asked = replace(with_minutes(0), requests=(ControlRequest(reference="R", channel=Channel.YELLOW),))
    assert (watched.capacity, decided(1, beside=asked).capacity) == (Capacity.WITHIN, Capacity.WITHIN)


def test_what_is_released_needs_no_minutes() -> None:
    decision = decided(1, profile("PRF-B", Treatment(Channel.BLUE)), beside=with_minutes(0))
    assert (decision.capacity, decision.minutes) == (Capacity.NOT_NEEDED, 0)


def test_the_queue_counts_every_decision_and_the_minutes_it_takes() -> None:
    queue = Queue(minutes_available=200)
    for decision in (decided(1, RED), decided(2), decided(3, policy=replace(PLAIN, random_share=1.0))):
        queue = queue.after(decision)
    beyond = decided(4, RED, beside=with_minutes(0))
    queue = queue.after(beyond)
    assert queue == Queue(
        counts={Channel.RED: 3, Channel.GREEN: 1}, minutes_committed=90, reserved_committed=90, minutes_available=200
    )
    assert queue.decided == 4


def test_a_treatment_that_a_stricter_one_contains_takes_no_more_minutes() -> None:
    red = GivenTreatment(channel=Channel.RED, controls=("documents", "physical"))
    scan, papers = (
        GivenTreatment(channel=channel, controls=(control,))
        for channel, control in ((Channel.ORANGE, "scan"), (Channel.YELLOW, "documents"))
    )
    assert minutes_of([red, scan, papers], PLAIN) == 90 + 20
    assert minutes_of([scan, papers], PLAIN) == 20 + 15


def test_a_lane_is_topped_up_by_what_it_lacks_strictest_first() -> None:
    policy = replace(PLAIN, offices={OFFICE: OfficePolicy(expected_rates={Channel.YELLOW: 0.5, Channel.RED: 0.2})})
    assert top_up(policy, OFFICE, Queue(), 1.0) == {Channel.RED: 0.2, Channel.YELLOW: 0.5}
    short = Queue(counts={Channel.GREEN: 9, Channel.YELLOW: 5})
    assert top_up(policy, OFFICE, short, 1.0) == {Channel.RED: 0.5, Channel.YELLOW: 0.5}
    assert top_up(policy, OFFICE, short, 0.5) == {Channel.RED: 0.25, Channel.YELLOW: 0.25}
    full = Queue(counts={Channel.RED: 9, Channel.YELLOW: 9})
    assert top_up(policy, OFFICE, full, 1.0) == {Channel.YELLOW: 0.5}


def test_exploration_is_added_to_its_lane_and_the_strictest_lanes_come_first() -> None:
    rates = {Channel.RED: 0.7, Channel.YELLOW: 0.3}
    explored = Exploration(share=0.5, channel=Channel.YELLOW, highest_top_up=1.0)
    policy = replace(PLAIN, expected_rates=rates, exploration=explored)
    assert top_up(policy, OFFICE, Queue(), 1.0) == {Channel.RED: 0.7, Channel.YELLOW: 0.3}
    assert top_up(replace(policy, expected_rates={}), OFFICE, Queue(), 0.1) == {Channel.YELLOW: 0.5}


def test_a_lane_without_minutes_is_not_topped_up() -> None:
    policy = replace(PLAIN, expected_rates={Channel.RED: 0.2, Channel.YELLOW: 0.2})
    assert top_up(policy, OFFICE, Queue(minutes_available=20), 1.0) == {Channel.YELLOW: 0.2}
    assert fits(0, Queue(minutes_available=0), 0)


def test_top_up_brings_each_lane_to_its_rate_whatever_the_hits() -> None:
    rates = {Channel.RED: 0.1, Channel.YELLOW: 0.3}
    policy = replace(PLAIN, offices={OFFICE: OfficePolicy(expected_rates=rates)})
    queue = Queue()
    for number in range(1_000):
        hits = (RED,) if number % 20 == 0 else ()
        queue = queue.after(decided(number, *hits, policy=policy, beside=Circumstances(queue=queue)))
    assert abs(queue.counts[Channel.RED] - 100) < 25
    assert abs(queue.counts[Channel.YELLOW] - 300) < 25


def test_a_shift_takes_the_strictest_first_then_those_with_most_reasons_then_the_earlier() -> None:
    # four reds of 90 minutes and two yellows of 15 wait for 225 minutes
    twice = (RED, profile("PRF-S", Treatment(Channel.RED)))
    waiting = [decided(1, YELLOW), decided(2, RED), decided(3, RED), decided(4, *twice), decided(5, YELLOW), decided(6)]
    found = cut_off(waiting, PLAIN, OFFICE, 225)
    beyond = {number for number, state in found.states.items() if state is Capacity.BEYOND}
    assert beyond == {("D3", 1)}
    assert found.states["D6", 1] is Capacity.NOT_NEEDED
    assert (found.minutes_taken, found.minutes_beyond, found.beyond) == (210, 90, (("D3", 1),))
    assert found.by_reason == {"PRF-R": 1}


def test_a_cut_off_never_cuts_what_has_minutes_of_its_own_or_is_never_cut() -> None:
    mandatory = decided(1, RED, hits=Hits(mandatory={"MND-1X": (1,)}))
    watched = decided(2, hits=Hits(lookouts=(met("LKT-1X"),)))
    found = cut_off([decided(3, RED), watched, mandatory], PLAIN, OFFICE, 0)
    assert [number for number, _ in found.beyond] == ["D3"]


def test_a_yellow_nobody_looked_at_lapses_and_stays_yellow() -> None:
    policy = replace(PLAIN, yellow_expires_after_days=5)
    decision = decided(1, YELLOW)
    assert lapse(decision, ON, ON + timedelta(days=4), policy) is None
    assert lapse(decision, ON, ON + timedelta(days=5), policy) == Lapse(
        declaration_id="D1", version=1, on=ON + timedelta(days=5)
    )
    assert lapse(decision, ON, ON + timedelta(days=5), PLAIN) is None
    assert lapse(decided(1, RED), ON, ON + timedelta(days=5), policy) is None


def test_a_yellow_required_by_law_waits_for_a_person() -> None:
    decision = decided(1, hits=Hits(mandatory={"MND-1X": (1,)}))
    assert decision.channel is Channel.YELLOW
    assert {one.kind for one in decision.reasons if one.fired} == {ReasonKind.MANDATORY}
    assert lapse(decision, ON, ON + timedelta(days=99), replace(PLAIN, yellow_expires_after_days=5)) is None


def test_a_green_release_waits_between_both_ends_of_the_delay_and_no_other_does() -> None:
    policy = replace(PLAIN, green_delay=Delay(least=5, most=8))
    waited = {decided(number, policy=policy).delay_minutes for number in range(100)}
    assert waited == {5, 6, 7, 8}
    assert decided(1, YELLOW, policy=policy).delay_minutes == 0
