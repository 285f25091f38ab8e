"""What a new routing policy asks for less is told by name."""

from dataclasses import replace

from tidewaiter.core.channel import Channel
from tidewaiter.core.condition import Always
from tidewaiter.core.policy import Exploration, MandatoryControl, OfficePolicy, Policy, TrustedTrader
from tidewaiter.core.policy_change import controls_lowered, lowered
from tidewaiter.core.profile import Treatment

CITES = MandatoryControl(code="CITES", condition=Always(True), treatment=Treatment(Channel.RED), instruction="Look.")
POLICY = Policy(
    name="national",
    version=1,
    random_share=0.03,
    random_share_by_office={"PORT": 0.05},
    mandatory=(CITES,),
    expected_rates={Channel.RED: 0.05, Channel.YELLOW: 0.1},
    offices={"PORT": OfficePolicy(expected_rates={Channel.RED: 0.1})},
    trusted_traders={"AEO": TrustedTrader(random_share=0.01)},
    exploration=Exploration(share=0.01),
    re_examined_share=0.1,
)


def test_a_policy_that_asks_for_as_much_or_more_lowers_nothing() -> None:
    more = replace(
        POLICY, random_share=0.04, re_examined_share=0.2, expected_rates={Channel.RED: 0.06, Channel.YELLOW: 1}
    )
    assert lowered(POLICY, POLICY) == ()
    assert lowered(POLICY, more) == ()
    assert lowered(more, POLICY) == (
        "random share",
        "expected rate of red",
        "expected rate of yellow",
        "share examined again",
    )


def test_a_lower_share_at_one_office_or_of_one_trader_type_is_told() -> None:
    assert lowered(POLICY, replace(POLICY, random_share_by_office={"PORT": 0.04})) == ("random share at PORT",)
    assert lowered(POLICY, replace(POLICY, random_share_by_office={})) == ("random share at PORT",)
    fewer = replace(POLICY, trusted_traders={"AEO": TrustedTrader(random_share=0.005)})
    assert lowered(POLICY, fewer) == ("random share of AEO", "random share of AEO at PORT")
    new = {**POLICY.trusted_traders, "NEW": TrustedTrader(random_share=0.02, offices=("PORT",))}
    assert lowered(POLICY, replace(POLICY, trusted_traders=new)) == ("random share of NEW at PORT",)


def test_a_lower_expected_rate_is_told_by_lane_and_office() -> None:
    assert lowered(POLICY, replace(POLICY, expected_rates={Channel.RED: 0.05})) == ("expected rate of yellow",)
    own = {"PORT": OfficePolicy(expected_rates={Channel.RED: 0.02})}
    assert lowered(POLICY, replace(POLICY, offices=own)) == ("expected rate of red at PORT",)


def test_a_mandatory_control_that_is_gone_milder_or_another_is_told() -> None:
    milder = (
        Treatment(Channel.YELLOW),
        Treatment(Channel.RED, probability=0.5),
        Treatment(Channel.RED, controls=("documents",)),
    )
    changed = [replace(CITES, treatment=one) for one in milder] + [replace(CITES, condition=Always(False))]
    for controls in ((), *((one,) for one in changed)):
        after = replace(POLICY, mandatory=controls)
        assert lowered(POLICY, after) == ("mandatory control CITES",)
        assert controls_lowered(POLICY, after) == (CITES,)
    stricter = replace(CITES, treatment=Treatment(Channel.RED, controls=("documents", "physical", "sample")))
    assert lowered(POLICY, replace(POLICY, mandatory=(stricter,))) == ()


def test_less_exploration_is_told() -> None:
    assert lowered(POLICY, replace(POLICY, exploration=Exploration(share=0.0))) == ("share of exploration",)
