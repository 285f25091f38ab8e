"""Goods drawn for under several identities come out as strict as any of them asks, and an auditor sees it."""

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st
from tests.selectivity import KEY, Routing, routings

from tidewaiter.engines.selection.draw import Draw, StrictestDraw, key_digest, selects
from tidewaiter.engines.selection.verify import DrawRecord, draw_record, verify

DAY, OTHER = date(2026, 3, 2), date(2026, 1, 7)
OTHER_KEY = b"another day"
KEYS = {DAY: KEY, OTHER: OTHER_KEY}


def by_both(routing: Routing) -> Routing:
    """Return the same goods, drawn by an earlier identity as well."""
    return replace(routing, beside=replace(routing.beside, drawn_beside=(("EARLIER", OTHER),)))


def recorded(routing: Routing) -> DrawRecord:
    both = StrictestDraw(Draw(KEY, routing.identity), (Draw(OTHER_KEY, "EARLIER"),))
    return draw_record(by_both(routing).decided(both), DAY)


def checked(routing: Routing, record: DrawRecord, *days: date) -> list[str]:
    return verify(
        [record],
        keys={day: KEYS[day] for day in days},
        digests={day: key_digest(key) for day, key in KEYS.items()},
        policies={routing.policy.version: routing.policy},
        identities={"D1": routing.identity},
        beside={("D1", 1): (("EARLIER", OTHER),)},
    )


@given(routings())
def test_one_more_draw_never_lowers_a_channel_nor_the_probability_of_selection(routing: Routing) -> None:
    alone, both = (
        routing.decided(),
        by_both(routing).decided(StrictestDraw(Draw(KEY, routing.identity), (Draw(OTHER_KEY, "EARLIER"),))),
    )
    assert both.channel.strictness >= alone.channel.strictness
    assert both.selection_probability >= alone.selection_probability
    assert both.in_random_sample >= alone.in_random_sample
    assert abs(sum(both.channel_probabilities.values()) - 1) < 1e-9


@given(routings())
def test_an_honest_record_passes_with_all_keys_and_with_one(routing: Routing) -> None:
    record = recorded(routing)
    for days in ((DAY, OTHER), (DAY,), (OTHER,)):
        assert checked(routing, record, *days) == []


@given(routings(), st.sampled_from([(DAY, OTHER), (OTHER,)]))
def test_a_record_that_leaves_a_stricter_draw_out_is_found(routing: Routing, days: tuple[date, ...]) -> None:
    record = recorded(routing)
    left_out = draw_record(by_both(routing).decided(Draw(KEY, routing.identity)), DAY)
    milder = any(
        selects(purpose) and left_out.fractions[purpose] > drawn for purpose, drawn in record.fractions.items()
    )
    if OTHER in days and DAY not in days:
        assert bool(checked(routing, left_out, *days)) == milder
    assert any("was also drawn by" in line for line in checked(routing, replace(left_out, beside=()), *days))
