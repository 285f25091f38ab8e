"""Which HS chapters a condition can meet."""

from decimal import Decimal

import pytest

from tidewaiter.core.channel import Channel
from tidewaiter.core.condition import Always, And, Between, Compare, Condition, Not, OneOf, Op, Or, StartsWith
from tidewaiter.core.facts import Fact, FactType
from tidewaiter.core.profile import Profile, Treatment
from tidewaiter.engines.selection.chapters import ALL_CHAPTERS, chapter_instructions, chapters_of

HS = Fact("hs_code", FactType.TEXT)
CHAPTER, HS2 = Fact("hs_chapter", FactType.INTEGER), Fact("hs2", FactType.TEXT)
ORIGIN = Fact("origin", FactType.TEXT)
SHOES = StartsWith(HS, ("6403", "6404"))
TOYS = Compare(HS, Op.EQ, "950300")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (SHOES, {"64"}),
        (Or((SHOES, TOYS)), {"64", "95"}),
        (And((SHOES, TOYS)), set()),
        (And((SHOES, Compare(ORIGIN, Op.EQ, "VN"))), {"64"}),
        (Not(SHOES), ALL_CHAPTERS),
        (StartsWith(HS, ("0",)), {f"0{digit}" for digit in range(1, 10)}),
        (Always(False), set()),
        (Compare(ORIGIN, Op.EQ, "VN"), ALL_CHAPTERS),
        (And((Compare(CHAPTER, Op.EQ, Decimal(64)), Compare(ORIGIN, Op.EQ, "VN"))), {"64"}),
        (Between(CHAPTER, Decimal(61), Decimal(63)), {"61", "62", "63"}),
        (Not(Compare(CHAPTER, Op.LT, Decimal(98))), {"98", "99"}),
        (Not(OneOf(HS2, ("01", "02"))), ALL_CHAPTERS - {"01", "02"}),
    ],
)
def test_a_condition_meets_the_chapters_it_names(condition: Condition, expected: set[str]) -> None:
    assert chapters_of(condition) == expected


def test_a_chapter_offers_the_instructions_of_the_profiles_that_may_meet_it() -> None:
    treatments = (Treatment(Channel.RED),)
    profiles = {
        "SHOES": Profile(code="SHOES", condition=SHOES, treatments=treatments, instruction="weigh a pair"),
        "ANY": Profile(code="ANY", condition=Always(True), treatments=treatments, instruction="count packages"),
    }
    lines = chapter_instructions(profiles, {code: profile.condition for code, profile in profiles.items()})
    assert lines["64"] == ("count packages", "weigh a pair")
    assert lines["95"] == ("count packages",)
