"""Officers by lot: fair by free minutes, not to be steered, and second examinations by somebody else."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewaiter.core.errors import InputError
from tidewaiter.engines.selection.assignment import (
    assign,
    free_minutes,
    officer_for,
    others_than,
    re_examination,
    re_examined,
)
from tidewaiter.engines.selection.draw import Draw

KEY = b"a key of the day, thirty-two byte"
ROSTERS = st.dictionaries(st.sampled_from("ABCDE"), st.integers(0, 480), min_size=1)
FRACTIONS = st.integers(0, 2**53 - 1).map(lambda whole: whole / 2**53)


@given(ROSTERS, FRACTIONS)
def test_the_officer_drawn_has_free_minutes_where_anyone_has(roster: dict[str, int], fraction: float) -> None:
    officer = officer_for(fraction, roster)
    assert officer in roster
    assert roster[officer] > 0 or not any(roster.values())


@given(ROSTERS, st.text(max_size=8))
def test_the_order_of_the_roster_does_not_matter(roster: dict[str, int], identity: str) -> None:
    turned = dict(reversed(list(roster.items())))
    assert assign(Draw(KEY, identity), roster).officer == assign(Draw(KEY, identity), turned).officer


def test_work_is_given_in_proportion_to_free_minutes() -> None:
    roster = {"A": 300, "B": 100, "C": 0}
    given_to = Counter(assign(Draw(KEY, f"BILL-{n}"), roster).officer for n in range(4_000))
    # 3,000 expected for A; the standard deviation is 27.4: five of them
    assert abs(given_to["A"] - 3_000) < 137
    assert given_to["C"] == 0


def test_where_nobody_has_minutes_left_all_are_alike() -> None:
    given_to = Counter(assign(Draw(KEY, f"BILL-{n}"), {"A": 0, "B": 0}).officer for n in range(1_000))
    assert abs(given_to["A"] - 500) < 80


def test_the_roster_is_kept_with_the_assignment() -> None:
    assert assign(Draw(KEY, "B"), {"A": 5}).roster == {"A": 5}


@pytest.mark.parametrize("roster", [{}, {"A": -1}])
def test_a_roster_that_cannot_be_drawn_from_is_refused(roster: dict[str, int]) -> None:
    with pytest.raises(InputError, match="roster of at least one"):
        assign(Draw(KEY, "B"), roster)


def test_the_share_examined_again_is_the_share_asked_for() -> None:
    drawn = sum(re_examined(Draw(KEY, f"BILL-{n}"), 0.1) for n in range(10_000))
    assert abs(drawn - 1_000) < 150


@given(st.text(max_size=6), ROSTERS, st.sampled_from([0.0, 0.5, 1.0]))
def test_a_result_is_never_examined_again_by_its_own_officer(
    identity: str, roster: dict[str, int], share: float
) -> None:
    again = re_examination(Draw(KEY, identity), share, "A", {**roster, "A": 400, "Z": 1})
    assert again.drawn == re_examined(Draw(KEY, identity), share)
    assert (again.assignment is None) == (not again.drawn)
    if again.assignment is not None:
        assert again.assignment.officer != "A"
        assert "A" not in again.assignment.roster


def test_a_second_examination_needs_a_second_officer() -> None:
    with pytest.raises(InputError):
        re_examination(Draw(KEY, "BILL"), 1.0, "A", {"A": 400})


def test_free_minutes_are_those_not_yet_given_away_of_the_officers_present() -> None:
    assert free_minutes({"A": 100, "B": 50, "C": 9}, {"A": 30, "B": 90}, ["A", "B", "D"]) == {"A": 70, "B": 0, "D": 0}
    assert others_than("A", {"A": 1, "B": 2}) == {"B": 2}
