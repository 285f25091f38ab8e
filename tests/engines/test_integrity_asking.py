"""A version that takes over surely asks no less only where its text shows it."""

import pytest

from tidewaiter.core.channel import Channel
from tidewaiter.core.condition import Always
from tidewaiter.core.profile import Profile, Treatment
from tidewaiter.engines.integrity.asking import meets_no_less, treats_no_less
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.language.parse import parse_condition

SHOES = "starts_with(hs_code, '64') AND net_mass > 0"


def no_less(before: str, after: str) -> bool:
    catalogue = load_catalogue()
    return meets_no_less(parse_condition(before, catalogue), parse_condition(after, catalogue))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (SHOES, SHOES),
        (SHOES, "net_mass > 0"),
        (SHOES, "starts_with(hs_code, '6')"),
        (SHOES, f"importer_code = 'I1' OR ({SHOES})"),
        ("hs_code = '64' OR hs_code = '65'", "hs_code IN ('64', '65', '66')"),
        ("NOT (hs_code = '64' OR net_mass > 0)", "NOT (hs_code = '64')"),
    ],
)
def test_what_asks_for_the_same_or_leaves_out_a_term_asks_no_less(before: str, after: str) -> None:
    assert no_less(before, after)


@pytest.mark.parametrize(
    "after",
    [
        f"({SHOES}) AND importer_code = 'I1'",
        "starts_with(hs_code, '640') AND net_mass > 0",
        "starts_with(hs_code, '64') AND net_mass > 9",
        "hs_code = '1' AND hs_code = '2'",
    ],
)
def test_what_asks_for_more_to_be_true_may_ask_less(after: str) -> None:
    assert not no_less(SHOES, after)


def treated(*treatments: Treatment) -> Profile:
    return Profile(code="FW-1", condition=Always(True), treatments=treatments)


def test_a_treatment_that_is_milder_or_less_probable_asks_less() -> None:
    red, half, yellow = Treatment(Channel.RED), Treatment(Channel.RED, 0.5), Treatment(Channel.YELLOW)
    assert treats_no_less(treated(red), treated(red))
    assert treats_no_less(treated(half), treated(red))
    assert not treats_no_less(treated(red), treated(half))
    assert not treats_no_less(treated(half, half), treated(half))
    assert not treats_no_less(treated(red), treated(yellow))
