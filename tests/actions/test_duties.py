"""Who is on duty: set by the office's manager within bounds, listed and ended; lots with one candidate are told."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.test import Client
from tests.api_world import post
from tests.examined import KEYS, POLICY, TODAY, a_declaration, day, examiners, given, opened
from tests.office import NOON, a_token, an_office, an_officer

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.audit.integrity import integrity_report
from tidewaiter.actions.examinations.assignments import assign_waiting
from tidewaiter.actions.examinations.assignments import on_duty as roster_of
from tidewaiter.actions.examinations.duties import duties, end_duty, set_duty
from tidewaiter.actions.examinations.reexaminations import draw_again
from tidewaiter.actions.examinations.results import record_result
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError
from tidewaiter.core.policy import Policy
from tidewaiter.core.role import Role
from tidewaiter.engines.integrity.edits import WorkingHours
from tidewaiter.engines.integrity.finding import IntegrityFinding, Kind
from tidewaiter.faces.api import calling
from tidewaiter.faces.api.service import Service, use
from tidewaiter.storage.records.models import AuditEvent, Duty, Officer

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
END = day(20)
AGAIN = Policy(name="test", version=1, random_share=0.02, re_examined_share=1.0)


@pytest.fixture(autouse=True)
def service() -> Iterator[None]:
    """Put a service in place whose clock stands at noon."""
    calling.forget_tokens()
    use(Service(clock=lambda: NOON))
    yield
    use(Service())
    calling.forget_tokens()


def a_manager(office: str | None = "MAIN", login: str = "") -> Officer:
    return an_officer(Role.MANAGER, office=office, login=login)


def on_duty(
    officer: str,
    *,
    by: Officer,
    office: str = "MAIN",
    starts_at: datetime = NOON,
    hours: float = 8,
    at: datetime = NOON,
) -> Duty:
    until = starts_at + hours * HOUR
    return set_duty(officer=officer, office=office, starts_at=starts_at, ends_at=until, by=by, at=at)


def alone(end: datetime = END) -> list[IntegrityFinding]:
    """Return the lots with one candidate, as the inspectorate reads them."""
    reader = an_officer(Role.INSPECTORATE)
    report = integrity_report(start=day(1), end=end, hours=WorkingHours(time_zone="UTC"), by=reader, at=END)
    return [one for found in report.screenings for one in found.findings if one.kind is Kind.LONE_LOT]


def test_a_manager_puts_on_duty_at_the_own_office_only() -> None:
    examiners("zoe", office="PORT")
    an_office("MAIN")
    with pytest.raises(NotAllowedError, match="that office only"):
        on_duty("zoe", by=a_manager(), office="PORT")
    assert AuditEvent.objects.get(action="refused").record == "action:roster.set"
    assert on_duty("zoe", by=a_manager("PORT"), office="PORT").office == "PORT"
    later = NOON + timedelta(days=1)
    assert on_duty("zoe", by=a_manager(None), office="PORT", starts_at=later).office == "PORT"


def test_only_an_active_examiner_of_the_office_is_put_on_duty() -> None:
    boss, (ann, zoe) = a_manager(login="boss"), (*examiners("ann"), *examiners("zoe", office="PORT"))
    an_officer(Role.EXAMINER, login="guest")
    Officer.objects.filter(pk=ann.pk).update(active=False)
    for login in ("ann", zoe.login, "guest", "boss"):
        with pytest.raises(InputError, match="no active examiner of office MAIN"):
            on_duty(login, by=boss)
    with pytest.raises(NotKnownError):
        on_duty("nobody", by=boss)


@pytest.mark.parametrize(
    ("starts_in", "hours", "told"),
    [
        (0, 0, "ends before it begins"),
        (0, 24.1, "more than 24 hours"),
        (-9, 8, "over already"),
        (24 * 14 + 1, 8, "more than 14 days ahead"),
    ],
)
def test_a_duty_is_a_day_at_most_and_soon(starts_in: int, hours: float, told: str) -> None:
    examiners("ann")
    with pytest.raises(InputError, match=told) as refused:
        on_duty("ann", by=a_manager(), starts_at=NOON + starts_in * HOUR, hours=hours)
    assert len(refused.value.problems) == 1


def test_a_day_s_duty_two_weeks_ahead_is_set() -> None:
    examiners("ann")
    assert on_duty("ann", by=a_manager(), starts_at=NOON + timedelta(days=14), hours=24).pk


def test_what_is_wrong_with_a_duty_is_told_at_once() -> None:
    boss = a_manager(login="boss")
    with pytest.raises(InputError) as refused:
        on_duty("boss", by=boss, starts_at=NOON + timedelta(days=15), hours=-1)
    assert [str(problem.place) for problem in refused.value.problems] == ["ends_at", "starts_at", "officer"]


def test_an_ended_duty_takes_the_examiner_off_the_roster() -> None:
    (ann, bob), boss = examiners("ann", "bob"), a_manager()
    first = on_duty("ann", by=boss)
    on_duty("bob", by=boss)
    ended = end_duty(duty=first.pk, by=boss, at=NOON + HOUR)
    assert (ended.officer, ended.ends_at) == (ann, NOON + HOUR)
    opened(a_declaration(channel=Channel.ORANGE))
    (lot,) = assign_waiting(keys=KEYS, policy=POLICY, by=SERVICE, at=NOON + HOUR)
    assert (lot.roster, lot.officer) == ({"bob": 480}, bob)
    with pytest.raises(ConflictError, match="is over"):
        end_duty(duty=first.pk, by=boss, at=NOON + HOUR)


def test_a_duty_that_has_not_begun_never_will() -> None:
    examiners("ann")
    boss = a_manager()
    later = on_duty("ann", by=boss, starts_at=NOON + 2 * HOUR)
    end_duty(duty=later.pk, by=boss, at=NOON)
    assert [one.pk for one in duties(by=boss, at=NOON, over=True)] == [later.pk]
    assert duties(by=boss, at=NOON) == []
    with pytest.raises(ConflictError):
        end_duty(duty=later.pk, by=boss, at=NOON)


def test_a_duty_of_another_office_is_answered_as_one_that_never_was() -> None:
    examiners("ann")
    made = on_duty("ann", by=a_manager())
    for number in (made.pk, made.pk + 1):
        with pytest.raises(NotKnownError, match=f"no duty {number} is known"):
            end_duty(duty=number, by=a_manager("PORT"), at=NOON)


def test_duties_are_read_by_the_office_s_manager_and_the_inspectorate_and_every_step_is_recorded() -> None:
    examiners("ann")
    examiners("zoe", office="PORT")
    boss = a_manager()
    here, there = on_duty("ann", by=boss), on_duty("zoe", by=a_manager("PORT"), office="PORT")
    end_duty(duty=here.pk, by=boss, at=NOON + HOUR)
    assert duties(by=boss, at=NOON + HOUR) == []
    inspector = an_officer(Role.INSPECTORATE, office="MAIN")
    assert duties(by=inspector, at=NOON) == [here, there]
    assert duties(by=inspector, at=NOON, office="PORT") == duties(by=inspector, at=NOON, after=here.pk) == [there]
    with pytest.raises(NotAllowedError):
        duties(by=an_officer(Role.EXAMINER, office="MAIN"), at=NOON)
    steps = AuditEvent.objects.filter(record=f"duty:{here.pk}").order_by("sequence")
    assert [one.action for one in steps] == ["roster.set", "duty.end"]
    assert AuditEvent.objects.filter(action="duty.read", record="duties").count() == 4


def test_a_roster_of_one_is_told_with_who_set_the_duty() -> None:
    examiners("ann", "bob")
    boss = a_manager(login="boss")
    on_duty("ann", by=boss)
    for number in ("D1", "D2"):
        opened(a_declaration(number))
    assign_waiting(keys=KEYS, policy=POLICY, by=SERVICE, at=NOON)
    on_duty("bob", by=boss, at=NOON + HOUR, starts_at=NOON + HOUR)
    opened(a_declaration("D3"))
    assign_waiting(keys=KEYS, policy=POLICY, by=SERVICE, at=NOON + 2 * HOUR)
    (found,) = alone()
    assert (found.office, found.officer, found.evidence) == ("MAIN", "ann", ("D1", "D2"))
    assert "put on duty by boss, was the one candidate of 2 of 3 lots, 0 of them for second" in found.sentence
    assert (found.figures[0].rate.numerator, found.figures[0].rate.denominator) == (2, 3)


def test_who_alone_had_minutes_free_was_the_one_candidate() -> None:
    examiners("ann", "bob")
    boss = a_manager(login="boss")
    on_duty("ann", by=boss)
    on_duty("bob", by=boss, hours=0.01)
    opened(a_declaration(channel=Channel.ORANGE))
    (lot,) = assign_waiting(keys=KEYS, policy=POLICY, by=SERVICE, at=NOON)
    assert lot.roster == {"ann": 480, "bob": 0}
    (found,) = alone()
    assert (found.officer, found.evidence) == ("ann", ("D1",))


def test_of_a_roster_of_one_it_is_told_who_had_ended_the_duties_of_the_others() -> None:
    examiners("ann", "bob", "cid")
    boss, other = a_manager(login="boss"), a_manager(login="other")
    ann, bob, cid = (on_duty(login, by=boss, starts_at=NOON + HOUR) for login in ("ann", "bob", "cid"))
    end_duty(duty=bob.pk, by=other, at=NOON)
    end_duty(duty=cid.pk, by=other, at=NOON + 2 * HOUR)
    opened(a_declaration("D1"))
    assign_waiting(keys=KEYS, policy=POLICY, by=SERVICE, at=NOON + 3 * HOUR)
    end_duty(duty=ann.pk, by=boss, at=NOON + 4 * HOUR)
    (found,) = alone()
    told = "put on duty by boss (duties of others that may have lasted were ended by other), was the one candidate of 1"
    assert told in found.sentence


def test_a_duty_ended_that_could_not_have_lasted_is_not_told() -> None:
    examiners("ann", "bob")
    boss = a_manager(login="boss")
    end_duty(duty=on_duty("bob", by=boss).pk, by=a_manager(login="other"), at=NOON + HOUR)
    tomorrow = NOON + timedelta(days=1)
    on_duty("ann", by=boss, starts_at=tomorrow)
    opened(a_declaration("D1"))
    assign_waiting(keys=KEYS, policy=POLICY, by=SERVICE, at=tomorrow + HOUR)
    (found,) = alone()
    assert "put on duty by boss, was the one candidate of 1 of 1 lots" in found.sentence


def test_who_had_nearly_all_weight_was_as_good_as_the_one_candidate() -> None:
    examiners("ann", "bob")
    boss = a_manager(login="boss")
    on_duty("ann", by=boss, hours=24)
    on_duty("bob", by=boss, hours=0.5)
    made = [a_declaration(f"D{number}") for number in range(9)]
    for one in made:
        opened(one)
    lots = assign_waiting(keys=KEYS, policy=POLICY, by=SERVICE, at=NOON)
    drawn = [one for one in lots if one.officer.login == "ann" and one.roster["ann"] >= 9 * one.roster["bob"]]
    (found,) = alone()
    assert (found.officer, found.figures[0].rate.numerator) == ("ann", len({one.decision_id for one in drawn}))
    nearly = len({one.decision_id for one in drawn if one.roster["bob"]})
    assert nearly
    assert f"or as good as one ({nearly} with 90 % or more of all weight beside others)," in found.sentence


def test_duties_of_one_examiner_at_an_office_do_not_overlap() -> None:
    examiners("ann", "bob")
    boss = a_manager()
    first = on_duty("ann", by=boss)
    for starts_at, hours in ((NOON, 0.5), (NOON + 7 * HOUR, 2), (NOON - HOUR, 24)):
        with pytest.raises(InputError, match=f"has duty {first.pk} within that time"):
            on_duty("ann", by=boss, starts_at=starts_at, hours=hours)
    on_duty("bob", by=boss)
    later = on_duty("ann", by=boss, starts_at=NOON + 8 * HOUR)
    end_duty(duty=later.pk, by=boss, at=NOON)
    assert on_duty("ann", by=boss, starts_at=NOON + 8 * HOUR, hours=1).pk
    end_duty(duty=first.pk, by=boss, at=NOON + HOUR)
    assert on_duty("ann", by=boss, starts_at=NOON + HOUR, at=NOON + HOUR, hours=2).pk


def test_of_duties_that_overlap_from_before_the_longest_counts() -> None:
    (ann,) = examiners("ann")
    long, boss = on_duty("ann", by=a_manager(login="boss")), Officer.objects.get(login="boss")
    Duty.objects.create(officer=ann, office="MAIN", starts_at=NOON, ends_at=NOON + HOUR / 2, by=boss, at=NOON)
    assert roster_of("MAIN", NOON) == {ann: 480}
    long.delete()
    assert roster_of("MAIN", NOON) == {ann: 30}


def test_an_office_with_one_examiner_and_no_roster_is_told_as_such() -> None:
    examiners("ann")
    opened(a_declaration(channel=Channel.ORANGE))
    assign_waiting(keys=KEYS, policy=POLICY, by=SERVICE, at=NOON)
    (found,) = alone()
    assert "with no roster kept for the moment" in found.sentence


def test_a_second_examination_with_one_other_on_duty_is_told_when_it_was_given() -> None:
    ann, _, _ = examiners("ann", "bob", "cid")
    boss = a_manager(login="boss")
    (act,) = given(a_declaration(channel=Channel.ORANGE), ann)
    record_result(act_id=act.pk, given={"outcome": "nothing_found"}, by=ann, at=NOON)
    on_duty("ann", by=boss)
    draw_again(keys=KEYS, policy=AGAIN, on=TODAY, by=SERVICE, at=NOON)
    assert alone() == []
    tomorrow = NOON + timedelta(days=1)
    on_duty("ann", by=boss, starts_at=tomorrow, at=tomorrow)
    on_duty("bob", by=boss, starts_at=tomorrow, at=tomorrow)
    draw_again(keys=KEYS, policy=AGAIN, on=tomorrow.date(), by=SERVICE, at=tomorrow + HOUR)
    (found,) = alone()
    assert (found.officer, found.evidence) == ("bob", ("D1",))
    assert "put on duty by boss, was the one candidate of 1 of 1 lots, 1 of them" in found.sentence
    assert alone(end=tomorrow) == []


def test_lots_among_several_are_not_told() -> None:
    examiners("ann", "bob")
    opened(a_declaration())
    assign_waiting(keys=KEYS, policy=POLICY, by=SERVICE, at=NOON)
    assert alone() == []


def test_duties_over_the_api_are_set_listed_and_ended(client: Client) -> None:
    examiners("ann")
    a_manager(login="boss")
    token = a_token(officer="boss")
    shift = {"officer": "ann", "office": "MAIN", "starts_at": NOON.isoformat(), "ends_at": (NOON + HOUR).isoformat()}
    made = json.loads(post(client, "/duties", shift, token).content)
    assert (made["officer"], made["set_by"], made["office"]) == ("ann", "boss", "MAIN")
    headers = {"Authorization": f"Bearer {token}"}
    page = json.loads(client.get("/api/v1/duties?office=MAIN", headers=headers).content)
    assert page == {"entries": [made], "next": None}
    ended = json.loads(post(client, f"/duties/{made['number']}/end", {}, token).content)
    assert datetime.fromisoformat(ended["ends_at"]) == NOON
    assert json.loads(client.get("/api/v1/duties", headers=headers).content)["entries"] == []
    assert post(client, f"/duties/{made['number']}/end", {}, token).status_code == 409
