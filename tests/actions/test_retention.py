"""Retention: rules by two persons, what is due, what a legal hold stops."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.examined import a_declaration, examiners, given, opened
from tests.office import NOON, a_client, an_officer
from tests.trade import item, lake_of

from tidewaiter.actions.decisions.events import record_events
from tidewaiter.actions.examinations.results import record_result
from tidewaiter.actions.retention.retention import (
    approve_rule,
    due,
    held,
    kinds,
    lift_hold,
    list_due,
    place_hold,
    propose_rule,
    rule,
)
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError
from tidewaiter.core.role import Role
from tidewaiter.storage.records import models
from tidewaiter.storage.records.models import AuditEvent, Declaration, Officer

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(days=4000)
"""Past every period that is shipped."""


def _privacy() -> Officer:
    return an_officer(Role.PRIVACY_OFFICER)


def _released(number: str) -> None:
    a_declaration(number)
    Declaration.objects.filter(pk=number).update(in_flight=False, released_at=NOON)


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
    with pytest.raises(ConflictError):
        lift_hold(hold=hold.pk, reason="again", by=officer, at=NOON)
    assert held() == frozenset()
    assert AuditEvent.objects.filter(record=f"hold:{hold.pk}").count() == 2


def test_a_hold_names_a_record_and_a_reason() -> None:
    with pytest.raises(InputError) as caught:
        place_hold(about="D1", reason="", by=_privacy(), at=NOON)
    assert len(caught.value.problems) == 2


def test_listing_what_is_due_is_recorded() -> None:
    officer = _privacy()
    list_due(by=officer, at=NOON)
    assert AuditEvent.objects.latest("sequence").action == "retention.due"
