"""Who examines is drawn; replacing the drawn officer needs a reason that is kept."""

from datetime import timedelta

import pytest
from tests.examined import KEYS, POLICY, a_decision, a_declaration, examiners, given, opened
from tests.office import NOON, an_office, an_officer

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.examinations.acts import close_acts
from tidewaiter.actions.examinations.assignments import assign_waiting, replace_officer
from tidewaiter.actions.examinations.duties import set_duty
from tidewaiter.actions.examinations.reexaminations import drawn_of
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError
from tidewaiter.core.role import Role
from tidewaiter.engines.selection.assignment import officer_for
from tidewaiter.engines.selection.draw import ASSIGNMENT, Draw
from tidewaiter.storage.records.models import Act, Assignment, Officer, Replacement

pytestmark = pytest.mark.django_db


def assigned() -> list[Assignment]:
    return assign_waiting(keys=KEYS, policy=POLICY, by=SERVICE, at=NOON)


def on_duty(officer: Officer, office: str = "MAIN", hours: int = 8) -> None:
    boss = an_officer(Role.MANAGER, office=office)
    until = NOON + timedelta(hours=hours)
    set_duty(officer=officer.login, office=office, starts_at=NOON, ends_at=until, by=boss, at=NOON)


def test_the_draw_can_be_made_again_from_what_is_kept() -> None:
    examiners("ann", "bob", "cid")
    decision = a_declaration(identity="BL-77")
    opened(decision)
    one = assigned()[0]
    draw = Draw(KEYS.day_key(one.day), one.identity)
    assert one.identity == "BL-77"
    assert officer_for(draw.fraction(ASSIGNMENT), one.roster) == one.officer.login
    assert drawn_of([decision.pk])[decision.pk][0][0].officer == one.officer.login


def test_the_acts_of_one_declaration_go_to_one_officer() -> None:
    examiners("ann", "bob", "cid", "dee")
    for number in range(12):
        opened(a_declaration(f"D{number}"))
    assigned()
    for number in range(12):
        assert Act.objects.filter(declaration_id=f"D{number}").values("officer").distinct().count() == 1


def test_the_same_goods_under_another_number_meet_the_same_officer() -> None:
    examiners("ann", "bob", "cid", "dee")
    opened(a_declaration("D1", identity="BL-5"))
    first = assigned()[0]
    close_acts(["D1"], reason="cancelled", at=NOON)
    opened(a_declaration("D2", identity="BL-5"))
    assert assigned()[0].officer == first.officer


def test_who_has_much_to_do_weighs_less() -> None:
    ann, bob = examiners("ann", "bob")
    given(a_declaration("D1"), ann)
    opened(a_declaration("D2", channel=Channel.ORANGE))
    (one,) = assigned()
    assert one.roster == {"ann": 480 - 90 - 15, "bob": 480}
    assert one.officer in (ann, bob)


def test_only_who_is_on_duty_is_on_the_roster() -> None:
    ann, _ = examiners("ann", "bob")
    on_duty(ann)
    opened(a_declaration(channel=Channel.ORANGE))
    (one,) = assigned()
    assert (one.roster, one.officer) == ({"ann": 480}, ann)


def test_examiners_of_other_offices_are_not_on_the_roster() -> None:
    examiners("ann")
    examiners("zoe", office="PORT")
    opened(a_declaration(channel=Channel.ORANGE))
    assert assigned()[0].roster == {"ann": 480}


def test_an_act_waits_until_somebody_is_on_duty() -> None:
    an_office("MAIN")
    opened(a_declaration(channel=Channel.ORANGE))
    assert assigned() == []
    examiners("ann")
    assert len(assigned()) == 1
    assert assigned() == []


def test_a_rise_is_drawn_on_its_own() -> None:
    examiners("ann")
    opened(a_declaration(channel=Channel.YELLOW))
    assigned()
    opened(a_decision("D1", 2, Channel.RED))
    assert [one.subject for one in assigned()] == [Act.objects.get(kind="physical").pk]


def test_replacing_an_officer_needs_a_reason() -> None:
    ann, _ = examiners("ann", "bob")
    act = given(a_declaration(channel=Channel.ORANGE), ann)[0]
    boss = an_officer(Role.MANAGER, office="MAIN")
    for reason in ("", "      ", "ill", " x  y "):
        with pytest.raises(InputError, match="reason in words"):
            replace_officer(act_id=act.pk, officer="bob", reason=reason, by=boss, at=NOON)
    made = replace_officer(act_id=act.pk, officer="bob", reason="ann is ill", by=boss, at=NOON)
    act.refresh_from_db()
    assert act.officer is not None
    assert (made.before, act.officer.login) == (ann, "bob")


def test_what_was_drawn_stays_when_an_officer_is_replaced() -> None:
    ann, bob = examiners("ann", "bob")
    opened(a_declaration(channel=Channel.ORANGE))
    (drawn,) = assigned()
    other = bob if drawn.officer == ann else ann
    boss = an_officer(Role.MANAGER, office="MAIN")
    replace_officer(act_id=drawn.subject, officer=other.login, reason="leave", by=boss, at=NOON)
    assert Assignment.objects.get().officer == drawn.officer
    assert Replacement.objects.get().after == other


def test_a_replacement_must_be_an_examiner_of_the_office() -> None:
    (ann,) = examiners("ann")
    examiners("zoe", office="PORT")
    act = given(a_declaration(channel=Channel.ORANGE), ann)[0]
    boss = an_officer(Role.MANAGER, office="MAIN", login="boss")
    for login in ("zoe", "boss", "ann", "nobody"):
        with pytest.raises(ConflictError, match="cannot be given to this officer"):
            replace_officer(act_id=act.pk, officer=login, reason="leave", by=boss, at=NOON)


def test_only_a_manager_of_the_office_replaces() -> None:
    ann, bob = examiners("ann", "bob")
    act = given(a_declaration(channel=Channel.ORANGE), ann)[0]
    with pytest.raises(NotAllowedError):
        replace_officer(act_id=act.pk, officer="bob", reason="leave", by=bob, at=NOON)
    with pytest.raises(NotKnownError):
        replace_officer(
            act_id=act.pk, officer="bob", reason="leave", by=an_officer(Role.MANAGER, office="PORT"), at=NOON
        )
