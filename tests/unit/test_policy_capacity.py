"""What a policy says of offices, lookouts, holds and cargo: read with every problem, and its rules."""

from datetime import date, time

import pytest

from tidewaiter.core.cargo import CargoOutcome
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import InputError
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.lookout import Certainty, Lookout, LookoutAction, LookoutKind
from tidewaiter.core.policy import (
    AgencyHoldPolicy,
    LookoutPolicy,
    OfficePolicy,
    Policy,
    Shift,
    TrustedTrader,
    adds_up,
)
from tidewaiter.core.profile import Treatment
from tidewaiter.language.policy import SHIPPED, read_policy, read_policy_text

NONE = Catalogue("test", {})
TWO_SHIFTS = """
offices:
  A:
    shifts:
    - {{name: d, minutes: 9, from: "06:00", to: "14:00"}}
    - {{name: {}, minutes: 9, from: "{}", to: "20:00"}}
"""
RANDOM = "random: {share: 0.02}\n"


def policy(text: str) -> Policy:
    return read_policy_text(RANDOM + text, NONE, file="p.yaml")


def refusals(text: str) -> str:
    with pytest.raises(InputError) as error:
        policy(text)
    return str(error.value)


def test_the_policy_that_ships_has_every_part_and_changes_no_channel_by_itself() -> None:
    shipped = read_policy(SHIPPED, NONE)
    assert (shipped.exploration.share, dict(shipped.expected_rates), shipped.green_delay) == (0.0, {}, None)
    assert shipped.yellow_expires_after_days is None
    assert shipped.re_examined_share == 0.05
    assert shipped.container_mark_days == 30
    assert shipped.cargo.by_channel[Channel.RED] is CargoOutcome.REQUEST_SCREENING
    assert "consignee_name" in shipped.cargo.required
    assert shipped.cargo.random_share == 0.0


def test_an_office_has_shifts_of_local_time_reserved_minutes_and_expected_rates() -> None:
    read = policy(
        """
offices:
  "040":
    reserved_minutes: 60
    shifts:
      - {name: day, from: 06:00, to: 14:00, minutes: 960}
      - {name: night, from: "22:00", to: "06:00", minutes: 120}
    expected: {red: 0.03, yellow: 0.1}
expected: {orange: 0.2}
"""
    )
    office = read.office("040")
    assert office.shift_at(time(13, 59)) == Shift(name="day", starts=time(6), ends=time(14), minutes=960)
    assert office.shift_at(time(14)) is None
    assert [office.shift_at(at) for at in (time(22), time(0), time(5, 59))] == [office.shifts[1]] * 3
    assert read.expected_rates_for("040") == {Channel.RED: 0.03, Channel.YELLOW: 0.1}
    assert read.expected_rates_for("041") == {Channel.ORANGE: 0.2}
    assert read.office(None) == OfficePolicy()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("offices: {A: {shifts: [{name: d, from: 25:00, to: 6, minutes: 1}]}}", "from: '25:00' is no time of the day"),
        ("offices: {A: {shifts: [{name: d, from: '06:00'}]}}", "a shift states its minutes"),
        ("offices: {A: {shifts: [{name: d, minutes: x, from: '06:00', to: '07:00'}]}}", "minutes is a whole number"),
        (
            "offices: {A: {reserved_minutes: 99, shifts: [{name: d, minutes: 9, from: '06:00', to: '07:00'}]}}",
            "reserved_minutes are more than shift 'd' has",
        ),
        (
            TWO_SHIFTS.format("e", "13:00"),
            "p.yaml:6:5: shifts 'd' and 'e' overlap",
        ),
        (
            TWO_SHIFTS.format("d", "14:00"),
            "shift 'd' stands twice",
        ),
        ("expected: {red: 0.8, yellow: 0.3}", "expected rates add up to 1.1; at most 1"),
        ("expected: {green: 0.8}", "'green' is no part of expected rates"),
        ("exploration: {channel: green}", "nothing is learned of goods in green"),
        ("exploration: {share: 5}", "a share is a number from 0 to 1"),
        ("lookouts: {monitor: red}", "'monitor' is no part of lookouts"),
        ("lookouts: {examine: green}", "a lookout in green stops nothing"),
        ("agency_holds: {agencies: {FOOD: blue}}", "a hold that does not stop the goods is none"),
        ("yellow_expires_after_days: 0", "yellow_expires_after_days is a whole number from 1"),
        ("green_delay: {least: 9, most: 5}", "least (9) is more than most (5)"),
        ("overrides: {second_person_from: pink}", "'pink' is not a channel"),
        ("re_examined: 0.05", "re_examined is written as keys and values"),
        ("containers: {inherited_days: -1}", "inherited_days is a whole number from 0"),
        ("cargo: {required: [consigne_name]}", "did you mean 'consignee_name'?"),
        ("cargo: {by_channel: {red: request screning}}", "did you mean 'request screening'?"),
        ("cargo: {by_action: {monitor: complete}}", "'monitor' is no part of by_action"),
        ("minutes: {blue: 5}", "'blue' is no part of minutes"),
        ("trusted_traders: {AEO: {office: [A]}}", "did you mean 'offices'?"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place_and_what_to_do(text: str, told: str) -> None:
    found = refusals(text)
    assert told in found
    assert found.startswith("p.yaml:")


def test_every_problem_is_told_at_once() -> None:
    found = refusals("expected: {red: 2}\ngreen_delay: {least: 9, most: 5}\ncargo: {required: [nowhere]}\n")
    assert [line.split(":")[1] for line in found.splitlines()] == ["2", "3", "4"]


def test_trusted_status_counts_at_its_offices_and_for_its_risk_areas_only() -> None:
    trusted = {"AEO": TrustedTrader(profile_factor=0.5, random_share=0.01, offices=("040",), risk_areas=("valuation",))}
    one = Policy(name="p", version=1, random_share=0.02, trusted_traders=trusted)
    assert one.profile_factor_for("AEO", "040", "valuation") == 0.5
    assert one.profile_factor_for("AEO", "040", "security") == 1.0
    assert one.profile_factor_for("AEO", "041", "valuation") == 1.0
    assert (one.random_share_for("040", "AEO"), one.random_share_for("041", "AEO")) == (0.01, 0.02)


def test_lowering_from_the_level_of_the_policy_needs_a_second_person() -> None:
    one = Policy(name="p", version=1, random_share=0.02, second_person_from=Channel.ORANGE)
    asked = [
        (Channel.RED, Channel.YELLOW),
        (Channel.ORANGE, Channel.GREEN),
        (Channel.YELLOW, Channel.GREEN),
        (Channel.YELLOW, Channel.RED),
        (Channel.RED, Channel.RED),
    ]
    assert [one.needs_second_person(before, after) for before, after in asked] == [True, True, False, False, False]


def test_a_yellow_lapses_after_the_days_of_the_policy() -> None:
    assert policy("yellow_expires_after_days: 10").yellow_lapses_on(date(2026, 3, 2)) == date(2026, 3, 12)
    assert policy("").yellow_lapses_on(date(2026, 3, 2)) is None


@pytest.mark.parametrize(
    ("own", "certainty", "channel"),
    [
        (None, Certainty.EXACT, Channel.RED),
        (None, Certainty.POSSIBLE, Channel.YELLOW),
        (Channel.ORANGE, Certainty.EXACT, Channel.ORANGE),
        (Channel.BLUE, Certainty.POSSIBLE, Channel.BLUE),
    ],
)
def test_a_possible_match_is_never_stricter_than_an_exact_one(
    own: Channel | None, certainty: Certainty, channel: Channel
) -> None:
    lookout = Lookout(reference="L", kind=LookoutKind.PARTY, action=LookoutAction.EXAMINE, channel=own)
    assert LookoutPolicy().channel_of(lookout, certainty) is channel


def test_an_agency_may_have_a_channel_of_its_own() -> None:
    holds = AgencyHoldPolicy(agencies={"FOOD": Channel.RED})
    assert (holds.channel_of("FOOD"), holds.channel_of("PLANTS")) == (Channel.RED, Channel.YELLOW)


def test_alternative_treatments_add_up_to_at_most_1() -> None:
    half = Treatment(Channel.RED, 0.5)
    assert adds_up([half, Treatment(Channel.YELLOW, 0.5)])
    assert not adds_up([half, Treatment(Channel.YELLOW, 0.6)])
