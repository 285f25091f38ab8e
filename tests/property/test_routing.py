"""Laws of routing: order does not matter, adding a profile never lowers, treatments are united."""

from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewaiter.core.channel import Channel
from tidewaiter.core.condition import Always
from tidewaiter.core.decision import Decision, ReasonKind
from tidewaiter.core.policy import MandatoryControl, Policy, TrustedTrader
from tidewaiter.core.profile import Profile, Treatment
from tidewaiter.engines.selection.draw import Draw
from tidewaiter.engines.selection.routing import Hits, Selectivity, Subject, route

SHARES = st.sampled_from([0.1, 0.25, 0.5, 1.0])
CHANNELS = st.sampled_from([Channel.RED, Channel.ORANGE, Channel.YELLOW, Channel.BLUE])
POLICY = Policy(
    name="test",
    version=3,
    random_share=0.05,
    trusted_traders={"AEO": TrustedTrader(profile_factor=0.5, random_share=0.01)},
    checklists={Channel.RED: ("compare with the documents",)},
)


def subject(trusted_trader: str | None = None) -> Subject:
    return Subject(
        declaration_id="D1", version=1, office="40", trusted_trader=trusted_trader, chapters={1: "64", 2: "84"}
    )


def profile(code: str, *treatments: Treatment, instruction: str = "") -> Profile:
    return Profile(code=code, condition=Always(True), treatments=treatments, instruction=instruction)


@st.composite
def profiles(draw: st.DrawFn) -> dict[str, Profile]:
    codes = draw(st.lists(st.sampled_from([f"P{n}" for n in range(9)]), unique=True, max_size=6))
    return {code: profile(code, Treatment(draw(CHANNELS), draw(SHARES))) for code in codes}


def decided(active: dict[str, Profile], identity: str, trusted_trader: str | None = None) -> Decision:
    hits = Hits(profiles=dict.fromkeys(active, (1,)))
    return route(subject(trusted_trader), hits, Selectivity(active, POLICY), Draw(b"key", identity))


@given(profiles(), st.text(max_size=8))
def test_the_order_of_profiles_does_not_matter(active: dict[str, Profile], identity: str) -> None:
    assert decided(active, identity) == decided(dict(reversed(active.items())), identity)


@given(profiles(), st.text(max_size=8), st.sampled_from([None, "AEO"]))
def test_adding_a_profile_never_lowers_the_channel(
    active: dict[str, Profile], identity: str, trader: str | None
) -> None:
    before = decided(active, identity, trader)
    added = profile("Z", Treatment(Channel.YELLOW, 0.5))
    after = decided({**active, "Z": added}, identity, trader)
    assert after.channel.strictness >= before.channel.strictness
    assert after.selection_probability >= before.selection_probability


@given(profiles(), st.text(max_size=8))
def test_channel_probabilities_are_a_distribution_that_agrees_with_the_selection(
    active: dict[str, Profile], name: str
) -> None:
    decision = decided(active, name)
    assert isclose(sum(decision.channel_probabilities.values()), 1, abs_tol=1e-9)
    selecting = sum(p for channel, p in decision.channel_probabilities.items() if channel.selects)
    assert isclose(selecting, decision.selection_probability, abs_tol=1e-9)


@given(profiles(), st.text(max_size=8))
def test_the_random_sample_is_drawn_whatever_else_selects(active: dict[str, Profile], name: str) -> None:
    assert decided(active, name).in_random_sample == decided({}, name).in_random_sample


@pytest.mark.slow
def test_the_logged_probability_is_the_frequency_of_selection() -> None:
    active = {
        "A": profile("A", Treatment(Channel.RED, 0.3), Treatment(Channel.BLUE, 0.4)),
        "B": profile("B", Treatment(Channel.YELLOW, 0.2)),
    }
    decisions = [decided(active, f"D{n}") for n in range(5_000)]
    expected = 1 - 0.7 * 0.8 * 0.95
    assert isclose(decisions[0].selection_probability, expected, abs_tol=1e-12)
    frequency = sum(decision.channel.selects for decision in decisions) / len(decisions)
    assert abs(frequency - expected) < 5 * (expected * (1 - expected) / 5_000) ** 0.5


def test_a_scan_does_not_drop_the_licence_check() -> None:
    active = {
        "SCAN": profile("SCAN", Treatment(Channel.ORANGE, 1.0, ("scan",))),
        "LICENCE": profile("LICENCE", Treatment(Channel.YELLOW, 1.0, ("licence",))),
    }
    given_treatments = decided(active, "undrawn").treatments
    assert [(t.channel, t.controls) for t in given_treatments if t.channel is not Channel.RED] == [
        (Channel.ORANGE, ("scan",)),
        (Channel.YELLOW, ("licence",)),
    ]


def test_trusted_status_lowers_percentages_but_no_mandatory_control() -> None:
    control = MandatoryControl(
        code="M", condition=Always(True), treatment=Treatment(Channel.YELLOW), instruction="check the permit"
    )
    policy = Policy(
        name="p", version=1, random_share=0.05, mandatory=(control,), trusted_traders=POLICY.trusted_traders
    )
    active = {"A": profile("A", Treatment(Channel.RED, 1.0))}
    hits = Hits(profiles={"A": (1,)}, mandatory={"M": (1,)})
    decision = route(subject("AEO"), hits, Selectivity(active, policy), Draw(b"key", "x"))
    by_kind = {reason.kind: reason for reason in decision.reasons}
    assert by_kind[ReasonKind.PROFILE].probability == 0.5
    assert by_kind[ReasonKind.MANDATORY].probability == 1.0
    assert by_kind[ReasonKind.RANDOM].probability == 0.01
    assert decision.channel.selects


def test_every_selected_item_shows_a_checklist_of_one_form() -> None:
    active = {"A": profile("A", Treatment(Channel.RED), instruction="weigh the goods")}
    selectivity = Selectivity(active, POLICY, {"64": ["weigh the goods"], "84": ["read the type plate"]})
    decision = route(subject(), Hits(profiles={"A": (1,)}), selectivity, Draw(b"key", "x"))
    assert [item.instructions for item in decision.items] == [
        ("compare with the documents", "weigh the goods"),
        ("compare with the documents", "read the type plate"),
    ]


def test_what_is_not_selected_has_no_instruction() -> None:
    decision = decided({"A": profile("A", Treatment(Channel.BLUE), instruction="audit the trader")}, "undrawn-1")
    assert decision.channel is Channel.BLUE
    assert all(item.instructions == () for item in decision.items)
