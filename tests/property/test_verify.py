"""The auditor's check: an honest day passes, and whatever one record is made to say is found."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.selectivity import KEY, POLICIES, Routing, profile, routings

from tidewaiter.core.channel import Channel
from tidewaiter.core.decision import ORDINARY, ReasonKind
from tidewaiter.core.policy import Delay, Exploration
from tidewaiter.core.profile import Treatment
from tidewaiter.engines.selection.assignment import RE_EXAMINER, Assignment, ReExamination, assign, re_examination
from tidewaiter.engines.selection.draw import Draw, key_digest
from tidewaiter.engines.selection.routing import Hits
from tidewaiter.engines.selection.verify import DrawRecord, draw_record, verify

DAY = date(2026, 3, 2)
ROSTER = {"A": 200, "B": 100, "C": 30}
DRAWN_WITH = replace(
    POLICIES[0],
    random_share=0.3,
    random_channel=Channel.RED,
    exploration=Exploration(share=0.2),
    green_delay=Delay(least=5, most=60),
)


def recorded(routing: Routing, share: float = 0.5) -> DrawRecord:
    """Return the record of a decision whose goods an officer was given and that may be examined again."""
    decision = routing.decided()
    draw = Draw(KEY, decision.draw_identity)
    first = assign(draw, ROSTER)
    again = re_examination(draw, share, first.officer, ROSTER)
    return draw_record(decision, DAY, assignments=(first,), re_examinations=(again,))


def checked(routing: Routing, record: DrawRecord) -> list[str]:
    """Return what the auditor finds of one record."""
    return verify(
        [record],
        keys={DAY: KEY},
        digests={DAY: key_digest(KEY)},
        policies={routing.policy.version: routing.policy},
        identities={"D1": routing.identity},
    )


@given(routings())
def test_an_honest_record_passes(routing: Routing) -> None:
    assert checked(routing, recorded(routing)) == []


@given(routings())
def test_a_declaration_quietly_put_into_or_taken_out_of_the_random_sample_is_found(routing: Routing) -> None:
    record = recorded(routing)
    reasons = tuple(
        replace(one, fired=not one.fired, channel=None if one.fired else routing.policy.random_channel)
        if one.kind is ReasonKind.RANDOM
        else one
        for one in record.reasons
    )
    assert checked(routing, replace(record, in_random_sample=not record.in_random_sample))
    assert checked(routing, replace(record, in_random_sample=not record.in_random_sample, reasons=reasons))


def a_case(number: int = 0) -> Routing:
    """Return a declaration that a profile of 50 % hits, drawn by a number of its own."""
    half = {"PRF-1X": profile("PRF-1X", Treatment(Channel.RED, 0.5))}
    return Routing(half, DRAWN_WITH, Hits({"PRF-1X": (1,)}), f"BILL-{number}", ORDINARY)


def without(kind: ReasonKind) -> Callable[[DrawRecord], DrawRecord]:
    return lambda record: replace(record, reasons=tuple(one for one in record.reasons if one.kind is not kind))


def flipped(record: DrawRecord) -> DrawRecord:
    reasons = tuple(
        replace(one, fired=not one.fired, channel=None if one.fired else Channel.RED)
        if one.kind is ReasonKind.PROFILE
        else one
        for one in record.reasons
    )
    return replace(record, reasons=reasons)


def given_to_another(record: DrawRecord) -> DrawRecord:
    (first,) = record.assignments
    return replace(record, assignments=(replace(first, officer="C" if first.officer != "C" else "A"),))


def examined_otherwise(record: DrawRecord) -> DrawRecord:
    (again,) = record.re_examinations
    other = ReExamination(share=again.share, drawn=not again.drawn, first_officer=again.first_officer)
    return replace(record, re_examinations=(other,))


@pytest.mark.parametrize(
    ("altered", "told"),
    [
        (flipped, "profile PRF-1X gave"),
        (without(ReasonKind.RANDOM), "the random sample was drawn 0 times"),
        (without(ReasonKind.EXPLORATION), "was explored with nothing, policy and queue say"),
        (lambda record: replace(record, random_probability=0.0), "the policy says 0.3"),
        (lambda record: replace(record, identity="BILL-OTHER"), "its goods are drawn by 'BILL-0'"),
        (lambda record: replace(record, key_day=date(2026, 3, 1)), "the key of 2026-03-01 is not open"),
        (lambda record: replace(record, policy_version=99), "version 99 of the policy is not known"),
        (lambda record: replace(record, declaration_id="D2"), "was decided but never received"),
        (lambda record: replace(record, delay_minutes=record.delay_minutes + 1), "minutes"),
        (given_to_another, "the key says"),
        (examined_otherwise, "the key says"),
        (lambda record: replace(record, assignments=(Assignment(officer="A", roster={}),)), "roster of at least one"),
    ],
)
def test_what_a_record_is_made_to_say_is_told_in_words(altered: Callable[[DrawRecord], DrawRecord], told: str) -> None:
    routing = a_case()
    found = checked(routing, altered(recorded(routing)))
    assert any(told in one for one in found), found


def test_a_reason_that_states_another_probability_than_its_outcomes_is_told() -> None:
    routing = a_case()
    record = recorded(routing)
    reasons = tuple(replace(one, probability=0.9) if one.kind is ReasonKind.PROFILE else one for one in record.reasons)
    told = "profile PRF-1X states probability 0.9, its outcomes 0.5"
    assert told in str(checked(routing, replace(record, reasons=reasons)))


def test_an_officer_on_the_roster_of_the_own_second_examination_is_told() -> None:
    routing = a_case()
    own = assign(Draw(KEY, routing.identity), ROSTER, purpose=RE_EXAMINER)
    again = ReExamination(share=1.0, drawn=True, first_officer="A", assignment=own)
    found = checked(routing, replace(recorded(routing), re_examinations=(again,)))
    assert any("A stood on the roster" in one for one in found)


@given(st.integers(0, 40))
def test_every_declaration_received_has_a_draw(missing: int) -> None:
    cases = {f"D{number}": a_case(number) for number in range(41)}
    records = [replace(recorded(case), declaration_id=name) for name, case in cases.items() if name != f"D{missing}"]
    found = verify(
        records,
        keys={DAY: KEY},
        digests={DAY: key_digest(KEY)},
        policies={7: DRAWN_WITH},
        identities={name: case.identity for name, case in cases.items()},
    )
    assert found == [f"declaration D{missing}: was received and no draw is stored for it"]


@pytest.mark.parametrize(
    ("digests", "told"),
    [({}, "no digest was lodged"), ({DAY: key_digest(b"other")}, "is not the key whose digest was lodged")],
)
def test_a_key_that_was_not_lodged_proves_nothing(digests: dict[date, str], told: str) -> None:
    (found,) = verify([], keys={DAY: KEY}, digests=digests, policies={}, identities={})
    assert told in found
