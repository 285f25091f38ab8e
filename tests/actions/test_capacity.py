"""Hits beyond capacity: deferred or waived by a named manager, and what was cut with the risk accepted."""

from datetime import date, timedelta

import pytest
from django.db import transaction
from tests.dossier import DAY, a_decision
from tests.office import NOON, an_office, an_officer

from tidewaiter.actions.audit.auditing import verify
from tidewaiter.actions.examinations.acts import new_act, store
from tidewaiter.actions.examinations.capacity import beyond_capacity, defer_hit, waive_hit
from tidewaiter.actions.examinations.cut import cut
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import Act, CapacityDecision, Decision, Officer, Result

pytestmark = pytest.mark.django_db


def a_hit(number: str, *codes: str, office: str = "MAIN", on: date = DAY) -> Decision:
    an_office(office)
    fired = [("profile", code, Channel.RED) for code in codes or ("FW-1",)]
    return a_decision(number, facts=[], fired=fired, office=office, within_capacity=False, on=on)


def an_act(decision: Decision) -> Act:
    return Act.objects.create(
        act_id=f"A-{decision.pk}",
        decision=decision,
        declaration_id=decision.declaration_id,
        office=decision.office,
        kind="physical",
        due_on=DAY,
        opened_at=NOON,
    )


def looked_at(number: str, code: str, *, found: bool) -> None:
    decision = a_decision(number, facts=[], fired=[("profile", code, Channel.RED)], on=DAY - timedelta(days=10))
    act = an_act(decision)
    outcome = "found_as_suspected" if found else "nothing_found"
    row = {"state": "final", "outcome": outcome} | ({"categories": ["DRUGS"]} if found else {})
    Result.objects.create(
        act=act, version=1, state="final", outcome=outcome, row=row, known_at=NOON - timedelta(days=9)
    )


def a_manager(office: str = "MAIN") -> Officer:
    return an_officer(Role.MANAGER, office=office)


def test_a_hit_is_waived_by_a_named_manager_with_a_reason() -> None:
    hit, manager = a_hit("D1"), a_manager()
    act = an_act(hit)
    with pytest.raises(InputError):
        waive_hit(decision=hit.pk, reason=" no ", by=manager, at=NOON)
    waive_hit(decision=hit.pk, reason="no officer until Friday", by=manager, at=NOON)
    act.refresh_from_db()
    assert act.state == "closed"
    assert act.results.get().outcome == "not_inspected"
    shown = cut(DAY, manager)
    assert (shown.beyond, shown.waived, shown.undecided) == (1, 1, 0)
    assert [(one.officer, one.reason) for one in shown.accepted] == [(manager, "no officer until Friday")]


def test_a_deferred_hit_waits_for_its_day() -> None:
    hit, manager = a_hit("D1"), a_manager()
    act = an_act(hit)
    with pytest.raises(InputError):
        defer_hit(decision=hit.pk, until=DAY, reason="hall full", on=DAY, by=manager, at=NOON)
    defer_hit(decision=hit.pk, until=DAY + timedelta(days=2), reason="hall full", on=DAY, by=manager, at=NOON)
    act.refresh_from_db()
    assert (act.state, act.due_on) == ("open", DAY + timedelta(days=2))
    waive_hit(decision=hit.pk, reason="gone by then", by=manager, at=NOON)
    assert (cut(DAY, manager).waived, cut(DAY, manager).deferred) == (1, 0)


def test_what_an_earlier_decision_opened_is_deferred_and_waived_with_the_hit() -> None:
    hit, manager = a_hit("D1"), a_manager()
    act = an_act(a_decision("D0", facts=[], fired=[("profile", "FW-1", Channel.RED)]))
    Act.objects.update(declaration_id="D1")
    defer_hit(decision=hit.pk, until=DAY + timedelta(days=2), reason="hall full", on=DAY, by=manager, at=NOON)
    act.refresh_from_db()
    assert (act.due_on, act.deferred_from) == (DAY + timedelta(days=2), DAY)
    waive_hit(decision=hit.pk, reason="gone by then", by=manager, at=NOON)
    act.refresh_from_db()
    assert (act.state, act.results.get().row["not_inspected_reason"]) == ("closed", "waived: beyond capacity")


def test_what_was_looked_at_and_awaits_an_answer_is_not_closed_by_a_waiver() -> None:
    hit, manager = a_hit("D1"), a_manager()
    act = an_act(hit)
    Act.objects.update(state="pending")
    with pytest.raises(ConflictError):
        waive_hit(decision=hit.pk, reason="hall full", by=manager, at=NOON)
    act.refresh_from_db()
    assert act.state == "pending"


def test_a_deferral_is_no_alteration_to_the_audit_and_a_changed_one_is() -> None:
    hit, manager = a_hit("D1"), a_manager()
    act = new_act(hit, "physical", due_on=DAY, at=NOON)
    with transaction.atomic():
        store([act], NOON)
    for days in (2, 3):
        defer_hit(decision=hit.pk, until=DAY + timedelta(days=days), reason="hall full", on=DAY, by=manager, at=NOON)
    waive_hit(decision=hit.pk, reason="gone by then", by=manager, at=NOON)
    changed = {f.record for f in verify().findings if f.kind == "changed"}
    assert changed & {f"act:{act.pk}", f"decision:{hit.pk}"} == set()
    CapacityDecision.objects.filter(choice="waived").update(reason="another")
    assert f"decision:{hit.pk}" in {f.record for f in verify().findings if f.kind == "changed"}


def test_a_waived_hit_is_not_decided_again() -> None:
    hit, manager = a_hit("D1"), a_manager()
    waive_hit(decision=hit.pk, reason="hall full", by=manager, at=NOON)
    with pytest.raises(ConflictError):
        defer_hit(decision=hit.pk, until=DAY + timedelta(days=2), reason="hall full", on=DAY, by=manager, at=NOON)


def test_what_is_within_capacity_is_not_waived() -> None:
    within = a_decision("D1", facts=[], fired=[("profile", "FW-1", Channel.RED)])
    with pytest.raises(ConflictError):
        waive_hit(decision=within.pk, reason="hall full", by=a_manager(), at=NOON)


def test_a_manager_decides_for_the_own_office_only() -> None:
    hit = a_hit("D1", office="PORT")
    with pytest.raises(NotKnownError):
        waive_hit(decision=hit.pk, reason="hall full", by=a_manager("MAIN"), at=NOON)
    assert not beyond_capacity(a_manager("MAIN"), DAY).exists()


def test_an_examiner_waives_nothing() -> None:
    hit = a_hit("D1")
    with pytest.raises(NotAllowedError):
        waive_hit(decision=hit.pk, reason="hall full", by=an_officer(Role.EXAMINER, office="MAIN"), at=NOON)


def test_a_declaration_decided_again_counts_once() -> None:
    hit = a_hit("D1")
    hit.declaration.decision_id = "later"
    hit.declaration.save()
    assert cut(DAY, an_officer(Role.RISK_MANAGER)).beyond == 0


def test_the_cut_states_what_would_have_been_found_with_its_interval() -> None:
    for number in range(10):
        looked_at(f"L{number}", "FW-1", found=number < 2)
    a_hit("D1", "FW-1")
    a_hit("D2", "FW-1", "FW-2")
    shown = cut(DAY, an_officer(Role.RISK_MANAGER))
    first = shown.by_profile[0]
    assert (first.code, first.hits) == ("FW-1", 2)
    assert first.rate is not None
    assert (first.rate.numerator, first.rate.denominator) == (2, 10)
    assert shown.expected is not None
    assert shown.expected.value == pytest.approx(0.4)
    assert shown.expected.low < 0.4 < shown.expected.high


def test_nothing_is_expected_of_what_was_never_looked_at() -> None:
    a_hit("D1", "FW-2")
    shown = cut(DAY, an_officer(Role.RISK_MANAGER))
    assert (shown.expected, shown.by_profile[0].rate, shown.unknown) == (None, None, 1)


def test_the_cut_of_a_day_counts_all_that_was_selected() -> None:
    a_hit("D1")
    a_decision("D2", facts=[], fired=[("profile", "FW-1", Channel.RED)])
    a_decision("D3", facts=[], fired=[])
    shown = cut(DAY, an_officer(Role.RISK_MANAGER))
    assert (shown.selected, shown.beyond) == (2, 1)
