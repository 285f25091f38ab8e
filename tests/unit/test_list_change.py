"""What an edit of a list changes, value by value, and how a list counts where it is asked."""

from datetime import date

import pytest
from tests.strategies import small_catalogue

from tidewaiter.core.list_change import Direction, Polarity, change_between, direction_of, uses_in_profile
from tidewaiter.core.profile import Entry, Match, NamedList, Profile
from tidewaiter.language.parse import parse_condition

CATALOGUE = small_catalogue()
EMPTY = NamedList("watched", ())


def a_list(*entries: Entry, match: Match = Match.EXACT) -> NamedList:
    return NamedList("watched", entries, match)


def a_profile(condition: str, exceptions: str | None = None) -> Profile:
    def parsed(text: str) -> object:
        return parse_condition(text, CATALOGUE, lists={"watched": EMPTY})

    return Profile(
        code="P",
        condition=parsed(condition),  # type: ignore[arg-type]
        exceptions=parsed(exceptions) if exceptions else None,  # type: ignore[arg-type]
    )


def direction(profile: Profile, old: NamedList, new: NamedList) -> Direction:
    return direction_of(change_between(old, new), uses_in_profile(profile, {}, "watched"))


WATCHED, FREED = a_profile("in_list(origin, 'watched')"), a_profile("items > 1", "in_list(origin, 'watched')")
BOTH = a_profile("in_list(origin, 'watched')", "in_list(departure, 'watched')")
UNUSED = a_profile("items > 1")
ONE = a_list(Entry("CN"))


@pytest.mark.parametrize(
    ("profile", "adding", "removing"),
    [
        (WATCHED, Direction.RAISES, Direction.LOWERS),
        (FREED, Direction.LOWERS, Direction.RAISES),
        (BOTH, Direction.LOWERS, Direction.LOWERS),
        (UNUSED, Direction.LOWERS, Direction.LOWERS),
        (a_profile("NOT in_list(origin, 'watched')"), Direction.LOWERS, Direction.RAISES),
        (a_profile("items > 1", "NOT in_list(origin, 'watched')"), Direction.RAISES, Direction.LOWERS),
    ],
)
def test_the_direction_follows_how_the_list_is_used(profile: Profile, adding: Direction, removing: Direction) -> None:
    assert (direction(profile, EMPTY, ONE), direction(profile, ONE, EMPTY)) == (adding, removing)


def test_a_shorter_validity_is_a_removal() -> None:
    shorter = a_list(Entry("CN", valid_to=date(2026, 1, 1)))
    assert direction(WATCHED, ONE, shorter) is Direction.LOWERS
    assert direction(WATCHED, shorter, ONE) is Direction.RAISES


def test_a_validity_moved_both_gains_and_loses() -> None:
    early, late = (a_list(Entry("CN", date(2026, month, 1), date(2026, month + 1, 1))) for month in (1, 2))
    change = change_between(early, late)
    assert (change.gained, change.lost) == (("CN",), ("CN",))


def test_two_stretches_that_meet_are_one() -> None:
    split = a_list(Entry("CN", valid_to=date(2026, 1, 1)), Entry("CN", valid_from=date(2026, 1, 2)))
    assert change_between(ONE, split) == change_between(ONE, ONE)


def test_a_note_changes_nothing() -> None:
    assert direction(WATCHED, ONE, a_list(Entry("CN", note="see report 7"))) is Direction.RAISES


def test_meeting_entries_otherwise_counts_as_lowering() -> None:
    assert direction(WATCHED, ONE, a_list(Entry("CN"), match=Match.PREFIX)) is Direction.LOWERS


def test_a_use_through_an_indicator_counts_too() -> None:
    indicators = {"risky": a_profile("NOT in_list(origin, 'watched')").condition}
    profile = Profile(code="P", condition=parse_condition("NOT risky", CATALOGUE, indicators=["risky"], lists={}))
    (use,) = uses_in_profile(profile, indicators, "watched")
    assert use.polarity is Polarity.SELECTS
