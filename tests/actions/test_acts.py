"""Acts are opened for what a selection asks for, and closed when nobody will look any more."""

from datetime import date

import pytest
from pytest_django import DjangoAssertNumQueries
from tests.examined import POLICY, TODAY, a_decision, a_declaration, day, opened
from tests.office import NOON, an_officer

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.examinations.acts import AUDIT, CLOSED, OPEN, close_acts, open_acts
from tidewaiter.actions.examinations.lapses import Lapsed, expire_yellow, lapsed_by_officer
from tidewaiter.actions.examinations.overrides import raise_channel
from tidewaiter.core.channel import Channel
from tidewaiter.core.decision import ReasonKind
from tidewaiter.core.errors import NotAllowedError
from tidewaiter.core.role import Role
from tidewaiter.storage.records.audit import chain_problems
from tidewaiter.storage.records.models import Act, AuditEvent, Declaration, Referral, Result, Rise

pytestmark = pytest.mark.django_db


def kinds(number: str = "D1") -> list[str]:
    return sorted(Act.objects.filter(declaration_id=number).values_list("kind", flat=True))


@pytest.mark.parametrize(
    ("channel", "asked"),
    [
        (Channel.RED, ["documents", "physical"]),
        (Channel.ORANGE, ["scan"]),
        (Channel.YELLOW, ["documents"]),
        (Channel.BLUE, []),
        (Channel.GREEN, []),
    ],
)
def test_each_channel_opens_the_acts_of_its_controls(channel: Channel, asked: list[str]) -> None:
    opened(a_declaration(channel=channel))
    assert kinds() == asked


def test_the_treatments_of_all_reasons_are_united() -> None:
    opened(a_declaration(channel=Channel.ORANGE, treatments={Channel.ORANGE: ["scan"], Channel.YELLOW: ["licence"]}))
    assert kinds() == ["documents", "scan"]


def test_blue_is_referred_to_audit_by_the_trader() -> None:
    opened(a_declaration(channel=Channel.BLUE, importer="IMP9"))
    referral = Referral.objects.get()
    assert (referral.kind, referral.trader_code, referral.state) == (AUDIT, "IMP9", OPEN)


def test_blue_beside_red_is_referred_as_well() -> None:
    opened(a_declaration(treatments={Channel.RED: ["physical"], Channel.BLUE: [AUDIT]}))
    assert kinds() == ["physical"]
    assert Referral.objects.count() == 1


def test_a_rise_opens_only_what_is_missing() -> None:
    (first,) = opened(a_declaration(channel=Channel.YELLOW))
    (added,) = opened(a_decision("D1", 2, Channel.RED))
    assert (first.kind, added.kind) == ("documents", "physical")


def test_a_rise_asks_again_for_what_was_closed_without_looking() -> None:
    opened(a_declaration(channel=Channel.YELLOW))
    close_acts(["D1"], reason="goods released", at=NOON)
    opened(a_decision("D1", 2, Channel.YELLOW))
    assert kinds() == ["documents", "documents"]


def test_every_opened_act_leaves_its_trace() -> None:
    acts = opened(a_declaration())
    events = list(AuditEvent.objects.order_by("sequence"))
    assert [event.record for event in events] == [f"act:{act.pk}" for act in acts]
    assert chain_problems(events) == []


def test_the_numbers_of_acts_tell_nothing_of_their_declaration_or_order() -> None:
    acts = opened(a_declaration("D1")) + opened(a_declaration("D2"))
    numbers = [act.pk for act in acts]
    assert not any("D1" in number or "D2" in number for number in numbers)
    assert len({len(number) for number in numbers}) == 1


def test_release_closes_what_is_open_as_not_inspected_with_the_reason() -> None:
    opened(a_declaration())
    closed = close_acts(["D1"], reason="goods released", at=NOON)
    assert [act.state for act in closed] == [CLOSED, CLOSED]
    results = Result.objects.all()
    assert {(one.outcome, one.state) for one in results} == {("not_inspected", "final")}
    assert {one.row["not_inspected_reason"] for one in results} == {"goods released"}


def test_releasing_twice_closes_once() -> None:
    opened(a_declaration())
    close_acts(["D1"], reason="goods released", at=NOON)
    assert close_acts(["D1"], reason="cancelled", at=NOON) == []
    assert Result.objects.count() == 2


def test_a_yellow_is_due_on_the_last_day_before_it_lapses() -> None:
    (act,) = opened(a_declaration(channel=Channel.YELLOW))
    assert act.due_on == date(2026, 3, 4)


def test_a_yellow_nobody_looked_at_lapses_after_the_days_of_the_policy() -> None:
    opened(a_declaration(channel=Channel.YELLOW))
    assert expire_yellow(policy=POLICY, on=date(2026, 3, 4), by=SERVICE, at=day(4)) == []
    (act,) = expire_yellow(policy=POLICY, on=date(2026, 3, 5), by=SERVICE, at=day(5))
    assert act.state == CLOSED
    assert Result.objects.get().outcome == "not_inspected"
    assert Referral.objects.get().kind == AUDIT


def test_a_lapsed_yellow_stays_yellow_and_the_feed_tells_that_its_treatment_ended() -> None:
    opened(a_declaration(channel=Channel.YELLOW))
    expire_yellow(policy=POLICY, on=date(2026, 3, 5), by=SERVICE, at=day(5))
    assert Declaration.objects.get().channel == "yellow"
    told = Rise.objects.order_by("cursor")
    entries = [(one.kind, one.before, one.after) for one in told]
    assert entries == [("lapsed", "yellow", "yellow"), ("acts_closed", "yellow", "yellow")]
    assert {one.cursor for one in told} <= set(AuditEvent.objects.values_list("sequence", flat=True))


def test_a_lapse_is_told_once() -> None:
    opened(a_declaration(channel=Channel.YELLOW))
    for number in (5, 6):
        expire_yellow(policy=POLICY, on=date(2026, 3, number), by=SERVICE, at=day(number))
    assert Rise.objects.filter(kind="lapsed").count() == Referral.objects.count() == 1


def test_the_documents_of_a_red_do_not_lapse() -> None:
    opened(a_declaration(channel=Channel.YELLOW))
    opened(a_decision("D1", 2, Channel.RED))
    assert expire_yellow(policy=POLICY, on=date(2026, 3, 30), by=SERVICE, at=day(30)) == []


@pytest.mark.parametrize(
    "kind",
    [ReasonKind.MANDATORY, ReasonKind.LOOKOUT, ReasonKind.REQUEST, ReasonKind.AGENCY_HOLD, ReasonKind.OVERRIDE],
)
def test_a_yellow_that_more_than_a_profile_asked_for_waits_until_a_person_acts(kind: ReasonKind) -> None:
    opened(a_declaration("D1", channel=Channel.YELLOW, reasons=[ReasonKind.PROFILE, kind]))
    opened(a_declaration("D2", channel=Channel.YELLOW))
    lapsed = expire_yellow(policy=POLICY, on=date(2026, 3, 30), by=SERVICE, at=day(30))
    assert [act.declaration_id for act in lapsed] == ["D2"]


def test_a_lookout_met_later_keeps_a_yellow_from_lapsing() -> None:
    opened(a_declaration(channel=Channel.YELLOW))
    opened(a_decision("D1", 2, Channel.YELLOW, reasons=[ReasonKind.LOOKOUT]))
    assert expire_yellow(policy=POLICY, on=date(2026, 3, 30), by=SERVICE, at=day(30)) == []


def test_a_yellow_raised_by_a_person_does_not_lapse() -> None:
    opened(a_declaration(channel=Channel.BLUE))
    raise_channel(
        declaration="D1",
        channel=Channel.YELLOW,
        reason_code="SUSPICION",
        reason="invoice looks altered",
        policy=POLICY,
        on=TODAY,
        by=an_officer(Role.MANAGER, office="MAIN"),
        at=NOON,
    )
    assert kinds() == ["documents"]
    assert expire_yellow(policy=POLICY, on=date(2026, 3, 30), by=SERVICE, at=day(30)) == []


def test_lapses_are_reported_by_officer() -> None:
    examiner = an_officer(Role.EXAMINER, login="ann")
    for number in ("D1", "D2", "D3"):
        opened(a_declaration(number, channel=Channel.YELLOW))
    Act.objects.exclude(declaration_id="D3").update(officer=examiner)
    expire_yellow(policy=POLICY, on=date(2026, 3, 5), by=SERVICE, at=day(5))
    assert lapsed_by_officer(day(1), day(6)) == [Lapsed("MAIN", "ANN", 2), Lapsed("MAIN", "", 1)]


def test_nobody_but_the_schedule_lets_a_yellow_lapse() -> None:
    opened(a_declaration(channel=Channel.YELLOW))
    with pytest.raises(NotAllowedError):
        expire_yellow(policy=POLICY, on=date(2026, 3, 5), by=an_officer(Role.MANAGER), at=day(5))


@pytest.mark.slow
def test_two_hundred_selections_are_opened_with_few_questions_to_the_records(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    decisions = [a_declaration(f"D{number}") for number in range(200)]
    with django_assert_max_num_queries(20):
        acts = open_acts(decisions, policy=POLICY, at=NOON)
    assert len(acts) == 400
    assert {act.due_on for act in acts} == {TODAY}
