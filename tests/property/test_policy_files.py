"""A routing policy written is read back the same, whatever it holds; its digest names its content."""

from dataclasses import replace
from datetime import time

from hypothesis import given
from hypothesis import strategies as st
from tests.selectivity import POLICIES
from tests.strategies import conditions, small_catalogue

from tidewaiter.core.cargo import CargoOutcome, CargoPolicy
from tidewaiter.core.channel import Channel
from tidewaiter.core.lookout import LookoutAction
from tidewaiter.core.policy import (
    AgencyHoldPolicy,
    Delay,
    Exploration,
    LookoutPolicy,
    MandatoryControl,
    OfficePolicy,
    Policy,
    Shift,
    TrustedTrader,
)
from tidewaiter.core.profile import Treatment
from tidewaiter.language.policy import read_policy_text
from tidewaiter.language.policy_form import policy_digest, write_policy

CATALOGUE = small_catalogue()
SELECTING = st.sampled_from([Channel.RED, Channel.ORANGE, Channel.YELLOW])
SHARE = st.sampled_from([0.0, 0.01, 0.5, 1e-07, 1 / 3, 1.0])
SOME_SHARE = SHARE.filter(bool)
WORDS = st.sampled_from(["040", "check: the 'seals'", "null", "12:30", "é # x", "- a", "to order", "two\nlines", "0.5"])
LINES = st.lists(WORDS, max_size=3).map(tuple)
COUNT = st.integers(0, 999)
RATES = st.sampled_from([{}, {Channel.RED: 0.1}, {Channel.RED: 1 / 3, Channel.YELLOW: 0.25}])
CONTROL = st.builds(
    MandatoryControl,
    code=WORDS,
    condition=conditions(CATALOGUE, max_leaves=4),
    treatment=st.builds(Treatment, SELECTING | st.just(Channel.BLUE), st.just(1.0), LINES),
    instruction=WORDS,
    legal_basis=WORDS | st.just(""),
)
TRUSTED = st.builds(
    TrustedTrader, profile_factor=SOME_SHARE, random_share=st.none() | SOME_SHARE, offices=LINES, risk_areas=LINES
)
SHIFTS = st.sampled_from(
    [
        (),
        (Shift(name="day", starts=time(6), ends=time(14), minutes=960),),
        (
            Shift(name="late", starts=time(14), ends=time(22, 30), minutes=480),
            Shift(name="null", starts=time(22, 30), ends=time(6), minutes=120),
        ),
    ]
)
OFFICE = st.builds(OfficePolicy, reserved_minutes=st.integers(0, 120), shifts=SHIFTS, expected_rates=RATES)
OUTCOMES = st.sampled_from(CargoOutcome)
ACTIONS = [LookoutAction.INTERCEPT, LookoutAction.EXAMINE, LookoutAction.DO_NOT_LOAD]
CARGO = st.builds(
    CargoPolicy,
    required=st.lists(st.sampled_from(["consignee_name", "gross_mass", "containers"]), unique=True).map(tuple),
    placeholders=LINES,
    by_channel=st.dictionaries(SELECTING, OUTCOMES),
    by_action=st.dictionaries(st.sampled_from(ACTIONS), OUTCOMES),
    possible=OUTCOMES,
    random_share=SHARE,
)
POLICY = st.builds(
    Policy,
    name=WORDS,
    version=st.integers(1, 9999),
    random_share=SHARE,
    random_channel=SELECTING,
    random_share_by_office=st.dictionaries(WORDS, SHARE, max_size=2),
    mandatory=st.lists(CONTROL, max_size=2, unique_by=lambda control: control.code).map(tuple),
    trusted_traders=st.dictionaries(WORDS, TRUSTED, max_size=2),
    checklists=st.dictionaries(st.sampled_from(Channel), LINES),
    minutes=st.dictionaries(SELECTING, COUNT),
    offices=st.dictionaries(WORDS, OFFICE, max_size=2),
    expected_rates=RATES,
    exploration=st.builds(Exploration, share=SHARE, channel=SELECTING, highest_top_up=SHARE),
    lookouts=st.builds(
        LookoutPolicy, channels=st.fixed_dictionaries(dict.fromkeys(ACTIONS, SELECTING)), possible=SELECTING
    ),
    agency_holds=st.builds(AgencyHoldPolicy, channel=SELECTING, agencies=st.dictionaries(WORDS, SELECTING, max_size=2)),
    yellow_expires_after_days=st.none() | st.integers(1, 400),
    green_delay=st.none() | st.just(Delay(least=0, most=0)) | st.just(Delay(least=5, most=60)),
    second_person_from=st.sampled_from(Channel),
    re_examined_share=SHARE,
    container_mark_days=COUNT,
    cargo=CARGO,
)


@given(POLICY)
def test_a_policy_written_is_read_back_the_same(policy: Policy) -> None:
    text = write_policy(policy)
    read = read_policy_text(text, CATALOGUE)
    assert read == policy
    assert write_policy(read) == text
    assert policy_digest(read) == policy_digest(policy)


@given(st.sampled_from(POLICIES), st.sampled_from(POLICIES))
def test_policies_that_differ_have_different_digests(one: Policy, other: Policy) -> None:
    assert (policy_digest(one) == policy_digest(other)) == (one == other)


def test_every_part_of_a_policy_is_in_its_digest() -> None:
    plain = Policy(name="p", version=1, random_share=0.02)
    changed = [
        replace(plain, minutes={Channel.RED: 1}),
        replace(plain, offices={"040": OfficePolicy(reserved_minutes=1)}),
        replace(plain, expected_rates={Channel.RED: 0.1}),
        replace(plain, exploration=Exploration(share=0.1)),
        replace(plain, lookouts=LookoutPolicy(possible=Channel.RED)),
        replace(plain, agency_holds=AgencyHoldPolicy(channel=Channel.RED)),
        replace(plain, yellow_expires_after_days=3),
        replace(plain, green_delay=Delay(least=1, most=2)),
        replace(plain, second_person_from=Channel.RED),
        replace(plain, re_examined_share=0.1),
        replace(plain, container_mark_days=1),
        replace(plain, cargo=CargoPolicy(required=("containers",))),
        replace(plain, trusted_traders={"AEO": TrustedTrader(risk_areas=("valuation",))}),
    ]
    assert len({policy_digest(one) for one in [plain, *changed]}) == len(changed) + 1
