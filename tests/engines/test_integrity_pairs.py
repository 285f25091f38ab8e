from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.integrity_world import clearance, honest_period

from tidewaiter.core.errors import InputError
from tidewaiter.engines.integrity.chance import (
    Crossed,
    adjusted,
    common_odds,
    hypergeometric,
    poisson_binomial_tails,
    student_tail,
)
from tidewaiter.engines.integrity.clean import clean_pairs
from tidewaiter.engines.integrity.cleared import Clearance, meetings, with_observed_rosters
from tidewaiter.engines.integrity.finding import Screening
from tidewaiter.engines.integrity.frequent import frequent_pairs

COUNTS = st.integers(0, 6)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=7), st.integers(0, 7))
def test_the_tail_of_unequal_chances_is_the_sum_over_all_courses_of_events(chances: list[float], count: int) -> None:
    wanted = min(count, len(chances))
    summed = sum(
        np.prod([chance if met else 1 - chance for chance, met in zip(chances, course, strict=True)])
        for course in product((False, True), repeat=len(chances))
        if sum(course) >= wanted
    )
    (tail,) = poisson_binomial_tails(np.array(chances)[:, None], [wanted])
    assert tail == pytest.approx(summed, abs=1e-12)


def test_a_very_small_tail_keeps_its_digits() -> None:
    (tail,) = poisson_binomial_tails(np.full((40, 1), 0.1), [40])
    assert tail == pytest.approx(1e-40, rel=1e-9)


@given(COUNTS, COUNTS, COUNTS)
def test_a_draw_without_return_gives_the_counts_of_the_urn(marked: int, others: int, drawn: int) -> None:
    drawn = min(drawn, marked + others)
    law = hypergeometric(marked + others, marked, drawn)
    exact = [comb(marked, n) * comb(others, drawn - n) / comb(marked + others, drawn) for n in range(drawn + 1)]
    assert [law.at_most(n) for n in range(drawn + 1)] == pytest.approx(list(np.cumsum(exact)))
    assert [law.at_least(n) for n in range(drawn + 1)] == pytest.approx(list(np.cumsum(exact[::-1])[::-1]))


@given(st.tuples(COUNTS, COUNTS, COUNTS, COUNTS), st.tuples(COUNTS, COUNTS, COUNTS, COUNTS))
def test_the_law_of_equal_odds_counts_every_table_with_the_same_margins(
    here: tuple[int, int, int, int], elsewhere: tuple[int, int, int, int]
) -> None:
    h = Crossed(here[0], min(here[1], here[0]), here[2], min(here[3], here[2]))
    e = Crossed(elsewhere[0], min(elsewhere[1], elsewhere[0]), elsewhere[2], min(elsewhere[3], elsewhere[2]))
    s, in_h = h.their_findings + e.their_findings, h.their_findings + h.other_findings
    in_e = e.their_findings + e.other_findings
    ways = {
        a: comb(h.theirs, a) * comb(h.others, in_h - a) * comb(e.theirs, s - a) * comb(e.others, in_e - s + a)
        for a in range(min(s, in_h) + 1)
        if in_e - s + a >= 0
    }
    law = common_odds(h, e)
    for count, number in ways.items():
        mass = law.at_most(count) - law.at_most(count - 1)
        assert mass == pytest.approx(number / sum(ways.values()), abs=1e-9)


def test_adjusted_probabilities_are_those_of_the_published_procedure() -> None:
    assert adjusted([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert adjusted([]) == []


@pytest.mark.parametrize(("degrees", "t"), [(1, 12.7062), (2, 4.30265), (5, 2.57058), (6, 2.44691), (120, 1.97993)])
def test_students_tail_is_the_tabled_one(degrees: int, t: float) -> None:
    assert student_tail(t, degrees) == pytest.approx(0.025, abs=1e-6)
    assert student_tail(-t, degrees) == pytest.approx(0.975, abs=1e-6)


def steered(honest: list[Clearance], declarant: str, officer: str, share: float, seed: int) -> list[Clearance]:
    """Return the period with that share of the declarant's clearances taken over, off the draw, and never a finding."""
    rng = np.random.default_rng(seed)
    office = next(one.office for one in honest if one.officer == officer)
    return [
        replace(one, officer=officer, by_draw=one.officer == officer, found=False)
        if one.declarant == declarant and one.office == office and officer in one.roster and rng.random() < share
        else one
        for one in honest
    ]


def test_a_pair_that_meets_too_often_is_found_with_its_counts_and_declarations() -> None:
    others = [clearance(n, f"B{n % 7 + 2}", f"O{n % 4 + 1}") for n in range(140)]
    theirs = [clearance(200 + n, "B1", "O1" if n < 20 else f"O{n % 3 + 2}", by_draw=n % 2 == 0) for n in range(30)]
    (found,) = frequent_pairs(others + theirs).findings
    assert (found.officer, found.party, found.office) == ("O1", "B1", "PORT")
    assert found.evidence == tuple(f"D{200 + n:05d}" for n in range(20))
    met, off_draw = found.figures
    assert (met.rate.numerator, met.rate.denominator, met.expected) == (20, 30, 7.5)
    assert (off_draw.rate.numerator, off_draw.rate.denominator) == (10, 20)
    assert found.p == pytest.approx(sum(comb(30, k) * 3 ** (30 - k) for k in range(20, 31)) / 4**30)
    assert found.p is not None
    assert found.p_adjusted == pytest.approx(32 * found.p)


def test_declarations_of_one_draw_are_one_meeting() -> None:
    split = [clearance(n, officer="O1", identity="BILL-7") for n in range(30)]
    screening = frequent_pairs([*split, *(clearance(40 + n, officer=f"O{n % 4 + 1}") for n in range(20))])
    assert screening.findings == ()
    assert len(meetings(split)) == 1


def test_a_pair_with_few_chances_to_meet_is_not_tested_and_this_is_said() -> None:
    screening = frequent_pairs([clearance(n) for n in range(9)])
    assert (screening.tested, screening.too_small, screening.findings) == (0, 4, ())
    assert "4 not tested, with too few cases (at least 10)" in str(screening)


def test_who_works_more_is_expected_to_meet_more() -> None:
    busy = {"O1": 9.0, "O2": 1.0}
    assert frequent_pairs([clearance(n, roster=busy) for n in range(20)]).findings == ()
    even = {"O1": 1.0, "O2": 1.0}
    assert len(frequent_pairs([clearance(n, roster=even) for n in range(20)]).findings) == 1


def test_clearances_off_the_roster_are_left_out_and_counted() -> None:
    screening = frequent_pairs([clearance(1, officer="O9"), clearance(2, roster={})])
    assert screening.notes == (
        "1 without a known roster left out",
        "1 cleared by an officer who was not on the roster left out",
    )


def test_an_unknown_roster_is_taken_from_who_cleared_there_that_month() -> None:
    blank = [clearance(n, officer=f"O{n % 3}", roster={}) for n in range(4)]
    later = clearance(9, officer="O8", roster={}, cleared_on=date(2026, 2, 1))
    first, *_, last = with_observed_rosters([*blank, later])
    assert first.roster == {"O0": 2.0, "O1": 1.0, "O2": 1.0}
    assert last.roster == {"O8": 1.0}


def test_what_cannot_be_counted_is_refused_all_at_once() -> None:
    with pytest.raises(InputError) as caught:
        meetings([clearance(1), clearance(1), clearance(2, roster={"O1": 0.0})])
    assert len(caught.value.problems) == 2


def results(start: int, declarant: str, officer: str, findings: int, of: int) -> list[Clearance]:
    return [clearance(start + n, declarant, officer, found=n < findings) for n in range(of)]


def test_a_pair_is_too_clean_when_neither_of_the_two_is_so_with_others() -> None:
    period = [
        one
        for at, (declarant, officer) in enumerate(product(("B1", "B2", "B3", "B4"), ("O1", "O2", "O3", "O4")))
        for one in results(100 * at, declarant, officer, 0 if (declarant, officer) == ("B1", "O1") else 12, 40)
    ]
    (found,) = clean_pairs(period).findings
    assert (found.officer, found.party) == ("O1", "B1")
    assert len(found.evidence) == 40
    assert [(one.rate.numerator, one.rate.denominator) for one in found.figures] == [(0, 40), (36, 120), (36, 120)]


def test_a_careless_officer_and_a_good_declarant_are_no_pair() -> None:
    period = [*results(0, "B1", "O1", 1, 60), *results(100, "B1", "O2", 6, 60)]
    period += [*results(200, "B2", "O1", 6, 60), *results(300, "B2", "O2", 30, 60)]
    assert clean_pairs(period).findings == ()


def test_a_declarant_who_meets_one_officer_only_cannot_be_called_too_clean() -> None:
    screening = clean_pairs([*results(0, "B1", "O1", 0, 50), *results(100, "B2", "O1", 20, 50)])
    assert (screening.tested, screening.too_small) == (0, 2)


def test_kinds_of_control_are_not_compared_with_each_other() -> None:
    scans = [replace(one, control="scan") for one in results(0, "B1", "O1", 0, 40)]
    physical = [replace(one, control="physical") for one in results(100, "B1", "O2", 20, 40)]
    others = [
        replace(one, control=kind, declaration_id=f"{kind}{one.declaration_id}")
        for kind in ("scan", "physical")
        for at in "12"
        for one in results(200 * int(at), "B2", f"O{at}", 9, 30)
    ]
    assert clean_pairs([*scans, *physical, *others]).findings == ()


def test_a_result_that_is_not_known_is_not_a_clean_one() -> None:
    waiting = [clearance(n, found=None) for n in range(30)]
    assert clean_pairs(waiting).tested == 0


@pytest.mark.slow
@pytest.mark.parametrize("screen", [frequent_pairs, clean_pairs])
def test_honest_work_seldom_gives_any_finding(screen: Callable[[list[Clearance]], Screening]) -> None:
    with_any = sum(bool(screen(honest_period(seed)).findings) for seed in range(40))
    assert with_any <= 6  # at most 5 % of periods are expected; more than 6 of 40 would be so by a chance of 0.3 %


@pytest.mark.slow
def test_planted_collusion_is_found_and_nobody_else_with_it() -> None:
    caught, clean, wrongly = 0, 0, 0
    for seed in range(15):
        honest = honest_period(seed)
        largest = max({one.declarant for one in honest}, key=lambda name: sum(one.declarant == name for one in honest))
        period = steered(honest, largest, "O00", 0.7, seed)
        pairs = {(one.officer, one.party) for one in frequent_pairs(period).findings}
        clean += ("O00", largest) in {(one.officer, one.party) for one in clean_pairs(period).findings}
        caught += ("O00", largest) in pairs
        wrongly += len(pairs - {("O00", largest)})
    assert caught == 15
    assert clean >= 8
    assert wrongly <= 3
