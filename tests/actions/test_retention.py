"""Retention: rules by two persons, what is due, what a legal hold stops."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from tests.examined import a_declaration, examiners, given, opened
from tests.office import NOON, a_client, an_officer
from tests.trade import item, lake_of

from tidewaiter.actions.audit.auditing import verify
from tidewaiter.actions.decisions.events import record_events
from tidewaiter.actions.examinations.results import record_result
from tidewaiter.actions.packing import to_json
from tidewaiter.actions.retention.holds import HELD_KINDS, confirm_lift, held, lift_hold, place_hold
from tidewaiter.actions.retention.purging import apply_purge, approve_purge, make_purge
from tidewaiter.actions.retention.retention import approve_rule, due, kinds, list_due, propose_rule, rule
from tidewaiter.actions.retention.retention_lists import holds, purges, read_entries
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError
from tidewaiter.core.role import Role
from tidewaiter.storage.records import models
from tidewaiter.storage.records.audit import Entry, append
from tidewaiter.storage.records.models import AuditEvent, Declaration, Officer

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(days=4000)
"""Past every period that is shipped."""


def _privacy() -> Officer:
    return an_officer(Role.PRIVACY_OFFICER)


def _released(number: str) -> None:
    a_declaration(number)
    Declaration.objects.filter(pk=number).update(in_flight=False, released_at=NOON)


def _ended_covert() -> models.Lookout:
    return models.Lookout.objects.create(
        reference="LO-9", kind="container", subject={"values": ["X"], "names": []}, action="monitor", covert=True,
        reason="seen", contact="x", rank=3, raised_by=an_officer(Role.RISK_MANAGER), raised_at=NOON, valid_from=NOON,
        expires_at=NOON, ended_at=NOON, state="ended",
    )  # fmt: skip


def _numbers(days: int) -> list[str]:
    return [one.record for one in due(NOON + timedelta(days=days))]


def test_every_kind_has_a_period_and_a_legal_basis_that_is_still_to_be_adopted() -> None:
    assert all(kind.days > 0 and kind.legal_basis.startswith("to be adopted") for kind in kinds().values())


def test_a_rule_is_in_force_once_a_second_person_approved_it() -> None:
    first, second = _privacy(), an_officer(Role.INSPECTORATE)
    shipped = rule("declaration")
    made = propose_rule(kind="declaration", days=30, legal_basis="Customs Act, s. 12", by=first, at=NOON)
    assert rule("declaration") == shipped
    with pytest.raises(NotAllowedError):
        approve_rule(kind="declaration", number=made.number, by=first, at=NOON)
    approve_rule(kind="declaration", number=made.number, by=second, at=NOON)
    assert (rule("declaration").days, rule("declaration").number) == (30, 1)
    with pytest.raises(ConflictError):
        approve_rule(kind="declaration", number=made.number, by=second, at=NOON)


def test_everything_wrong_with_a_rule_is_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        propose_rule(kind="declarations", days=0, legal_basis=" ", by=_privacy(), at=NOON)
    assert len(caught.value.problems) == 3


def test_only_the_privacy_officer_proposes_rules_and_places_holds() -> None:
    with pytest.raises(NotAllowedError):
        propose_rule(kind="lookout", days=5, legal_basis="law", by=an_officer(Role.RISK_MANAGER), at=NOON)
    with pytest.raises(NotAllowedError):
        place_hold(about="declaration:D1", reason="court", by=an_officer(Role.INSPECTORATE), at=NOON)


def test_a_declaration_is_due_after_its_period_and_not_a_day_before() -> None:
    _released("D1")
    days = rule("declaration").days
    assert _numbers(days) == []
    assert _numbers(days + 1) == ["declaration:D1"]


def test_a_release_told_for_long_ago_is_not_due_at_once() -> None:
    a_declaration("D1")
    event = {"event_id": "E1", "kind": "released", "occurred_at": NOON.replace(year=2001), "declaration_id": "D1"}
    record_events(events=[event], by=a_client(), at=NOON)
    days = rule("declaration").days
    assert _numbers(days) == []
    assert _numbers(days + 1) == ["declaration:D1"]


def test_what_is_in_flight_is_never_due() -> None:
    a_declaration("D1")
    assert list(due(LATER)) == []


def test_a_declaration_with_an_open_act_is_not_due() -> None:
    opened(a_declaration("D1"))
    Declaration.objects.update(in_flight=False, released_at=NOON)
    assert list(due(LATER)) == []


def test_a_late_result_makes_the_period_begin_again() -> None:
    (examiner,) = examiners("E1")
    acts = given(a_declaration("D1"), examiner)
    Declaration.objects.update(in_flight=False, released_at=NOON)
    late = NOON + timedelta(days=3000)
    for act in acts:
        record_result(act_id=act.pk, given={"outcome": "nothing_found"}, by=examiner, at=late)
    days = rule("declaration").days
    assert _numbers(days + 1) == []
    assert _numbers(3000 + days + 1) == ["declaration:D1"]


def test_events_that_name_no_declaration_kept_here_are_due_by_their_own_rule() -> None:
    event = {"event_id": "E1", "kind": "arrived", "occurred_at": NOON, "document": "BL1"}
    record_events(events=[event], by=a_client(), at=NOON)
    (found,) = due(NOON + timedelta(days=rule("event").days + 1))
    assert found.record == f"event:{models.Event.objects.get().pk}"


def test_what_stands_in_the_lake_alone_is_due_too(tmp_path: Path) -> None:
    lake = lake_of(tmp_path / "lake", declarations=[item("OLD", 0), item("D1", 0)])
    _released("D1")
    found = [one.record for one in due(NOON + timedelta(days=2800), lake.folder)]
    assert found == []
    found = [one.record for one in due(NOON + timedelta(days=3000), lake.folder)]
    assert found == ["declaration:OLD"]


def test_a_hold_marks_what_is_due_until_it_is_lifted() -> None:
    _released("D1")
    officer = _privacy()
    hold = place_hold(about="declaration:D1", reason="court 12/26", by=officer, at=NOON)
    (found,) = list_due(by=officer, at=LATER)
    assert found.held
    with pytest.raises(InputError):
        lift_hold(hold=hold.pk, reason=" ", by=officer, at=NOON)
    lift_hold(hold=hold.pk, reason="case closed", by=officer, at=NOON)
    assert held() == {"declaration:D1"}
    confirm_lift(hold=hold.pk, agreed=True, by=_privacy(), at=NOON)
    with pytest.raises(ConflictError):
        lift_hold(hold=hold.pk, reason="again", by=officer, at=NOON)
    assert held() == frozenset()
    assert AuditEvent.objects.filter(record=f"hold:{hold.pk}").count() == 3


def test_a_hold_is_lifted_by_two_persons_and_stands_when_the_second_refuses() -> None:
    _released("D1")
    officer, inspector = _privacy(), an_officer(Role.INSPECTORATE)
    hold = place_hold(about="declaration:D1", reason="court", by=officer, at=NOON).pk
    with pytest.raises(ConflictError, match="nobody asked"):
        confirm_lift(hold=hold, agreed=True, by=inspector, at=NOON)
    lift_hold(hold=hold, reason="case closed", by=officer, at=NOON)
    with pytest.raises(ConflictError, match="second person"):
        lift_hold(hold=hold, reason="case closed", by=_privacy(), at=NOON)
    with pytest.raises(NotAllowedError):
        confirm_lift(hold=hold, agreed=True, by=officer, at=NOON)
    confirm_lift(hold=hold, agreed=False, by=inspector, at=NOON)
    assert held() == {"declaration:D1"}
    with pytest.raises(ConflictError, match="nobody asked"):
        confirm_lift(hold=hold, agreed=True, by=inspector, at=NOON)


def _holds_named() -> list[str]:
    return [one.record for one in verify().findings if one.record.startswith("hold:")]


def _changed(hold: int, **fields: object) -> list[str]:
    """Return what verifying names while a hold is changed behind the service's back."""
    kept = models.LegalHold.objects.filter(pk=hold)
    before = kept.values(*fields).get()
    kept.update(**fields)
    found = _holds_named()
    kept.update(**before)
    return found


def test_a_hold_lifted_behind_the_services_back_is_named_wherever_it_stands() -> None:
    _released("D1")
    officer, inspector = _privacy(), an_officer(Role.INSPECTORATE)
    hold = place_hold(about="declaration:D1", reason="court", by=officer, at=NOON).pk
    by_one = {"lifted_at": NOON, "lifted_by": officer.pk}
    by_two = by_one | {"lifted_second": inspector.pk}
    assert (_holds_named(), _changed(hold, lifted_at=NOON), _changed(hold, **by_one)) == ([], *[[f"hold:{hold}"]] * 2)
    lift_hold(hold=hold, reason="case closed", by=officer, at=NOON)
    assert (_holds_named(), _changed(hold, **by_one), _changed(hold, **by_two)) == ([], *[[f"hold:{hold}"]] * 2)
    confirm_lift(hold=hold, agreed=True, by=inspector, at=NOON)
    assert (_holds_named(), _changed(hold, lifted_second=officer.pk)) == ([], [f"hold:{hold}"])
    assert _changed(hold, lifted_at=None) == [f"hold:{hold}"]


def test_a_hold_that_one_person_lifted_when_one_could_still_agrees_with_its_event() -> None:
    _released("D1")
    officer = _privacy()
    hold = place_hold(about="declaration:D1", reason="court", by=officer, at=NOON)
    hold.lifted_by, hold.lifted_at, hold.lifted_reason = officer, NOON, "closed"
    hold.save()
    said = {"record": "declaration:D1", "reason": "court", "by": officer.pk}
    content = to_json(said | {"lifted_by": officer.pk, "lifted_reason": "closed"}).encode()
    with transaction.atomic():
        append([Entry(actor=officer.reference, action="hold.lift", record=f"hold:{hold.pk}", content=content)], at=NOON)
    assert _holds_named() == []


def test_a_hold_names_a_record_and_a_reason() -> None:
    with pytest.raises(InputError) as caught:
        place_hold(about="D1", reason="", by=_privacy(), at=NOON)
    assert len(caught.value.problems) == 2


def test_a_hold_on_what_is_not_there_is_refused_and_says_where_it_was_looked_for(tmp_path: Path) -> None:
    lake = lake_of(tmp_path / "lake", declarations=[item("OLD", 0)]).folder
    _released("D1")
    gone = {"kind": "released", "occurred_at": NOON, "declaration_id": "ELSEWHERE"}
    record_events(events=[gone], by=a_client(), at=NOON)
    officer = _privacy()
    for kind in HELD_KINDS:
        for key in ("D2", "1" * 30, "-1", "\u0663"):
            with pytest.raises(InputError, match=f"no {kind} {key}: it was looked for in the records"):
                place_hold(about=f"{kind}:{key}", reason="court", lake=lake, by=officer, at=NOON)
    with pytest.raises(InputError, match="the lake was not at hand"):
        place_hold(about="declaration:OLD", reason="court", by=officer, at=NOON)
    with pytest.raises(InputError, match="the records and the lake"):
        place_hold(about="declaration:OLDER", reason="court", lake=lake, by=officer, at=NOON)
    place_hold(about="declaration:OLD", reason="court", lake=lake, by=officer, at=NOON)
    place_hold(about=f"decision:{models.Decision.objects.get().pk}", reason="court", lake=lake, by=officer, at=NOON)
    place_hold(about=f"event:{models.Event.objects.get().pk}", reason="court", by=officer, at=NOON)
    assert len(held()) == 3


def test_who_approves_a_purge_list_reads_what_it_names() -> None:
    for number in ("D1", "D2", "D3"):
        _released(number)
    officer, approver = _privacy(), an_officer(Role.RISK_MANAGER)
    for kept in (models.Event, models.Lodgement):
        kept.objects.update(copied_at=NOON)
    made = make_purge(records=[f"declaration:D{n}" for n in (3, 2, 1)], reason="asked for", by=officer, at=LATER)
    assert [one.pk for one in purges(by=approver, at=LATER)] == [made.pk]
    first = read_entries(number=made.pk, limit=2, by=approver, at=LATER)
    (rest,) = read_entries(number=made.pk, after=first[-1].place, by=approver, at=LATER)
    assert [(one.place, one.record, one.rule) for one in (*first, rest)] == [
        (1, "declaration:D1", "requested"), (2, "declaration:D2", "requested"), (3, "declaration:D3", "requested"),
    ]  # fmt: skip
    assert AuditEvent.objects.filter(action="purge.read", record=f"purge:{made.pk}").count() == 2
    with pytest.raises(NotAllowedError):
        read_entries(number=made.pk, by=an_officer(Role.ADMINISTRATOR), at=LATER)
    with pytest.raises(NotKnownError):
        read_entries(number="P-0", by=approver, at=LATER)
    approve_purge(number=made.pk, by=approver, at=LATER)
    apply_purge(number=made.pk, by=officer, at=LATER)
    after = read_entries(number=made.pk, by=approver, at=LATER)
    assert {(one.kind, one.record, len(one.digest)) for one in after} == {("declaration", "", 64)}
    assert not [one for one in verify().findings if one.record.startswith("purge:")]


def test_a_lookout_above_the_approvers_clearance_is_named_to_who_made_the_list_alone() -> None:
    _ended_covert()
    officer = _privacy()
    made = make_purge(records=["lookout:LO-9"], reason="asked for", by=officer, at=LATER)
    readers = (officer, an_officer(Role.RISK_MANAGER, clearance=3), an_officer(Role.RISK_MANAGER, clearance=2))
    told = [read_entries(number=made.pk, by=one, at=LATER)[0] for one in readers]
    assert [(one.kind, one.record) for one in told] == [
        ("lookout", "lookout:LO-9"), ("lookout", "lookout:LO-9"), ("lookout", ""),
    ]  # fmt: skip


def test_what_is_due_and_held_names_no_lookout_above_the_readers_clearance() -> None:
    lookout, officer = _ended_covert(), _privacy()
    models.LookoutMatch.objects.create(
        reference="LM-9", lookout=lookout, value="X", version=1, certainty="exact", state="confirmed", met_at=NOON
    )
    for about in ("lookout:LO-9", "match:LM-9", "lookout:LO-9"):
        place_hold(about=about, reason=f"court asks for {about}", by=officer, at=NOON)
    readers = (officer, an_officer(Role.INSPECTORATE, clearance=3), an_officer(Role.INSPECTORATE, clearance=2))
    assert [list_due(by=one, at=LATER)[0].record for one in readers] == ["lookout:LO-9", "lookout:LO-9", ""]
    told = [[(one.record, one.reason) for one in holds(by=reader, at=LATER, limit=2)] for reader in readers]
    named = [(about, f"court asks for {about}") for about in ("lookout:LO-9", "match:LM-9")]
    assert told == [named, named, [("", ""), ("", "")]]
    assert models.LegalHold.objects.filter(record="lookout:LO-9").count() == 2


def test_listing_what_is_due_is_recorded() -> None:
    officer = _privacy()
    list_due(by=officer, at=NOON)
    assert AuditEvent.objects.latest("sequence").action == "retention.due"
