"""A partner agency reads its own holds and requests, and what was found once nothing is open; nothing of others."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from tests.examined import a_declaration
from tests.office import NOON, a_token, an_office, an_officer

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.decisions.agencies import own_holds, own_requests
from tidewaiter.actions.decisions.events import record_events
from tidewaiter.core.errors import ConflictError, NotAllowedError
from tidewaiter.core.role import Role
from tidewaiter.faces.api import calling
from tidewaiter.faces.api.service import Service, use
from tidewaiter.storage.records.models import (
    Act,
    AuditEvent,
    ControlRequest,
    Decision,
    Declaration,
    Mark,
    Office,
    Officer,
    Result,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader() -> Officer:
    """Return a reader of the plant health agency."""
    an_office("PLANT")
    Office.objects.filter(code="PLANT").update(name="Plant Health")
    return an_officer(Role.PARTNER_AGENCY_READER, office="PLANT")


def an_event(kind: str, number: str, agency: str, at: datetime = NOON) -> None:
    row = {"kind": kind, "occurred_at": at, "declaration_id": number, "detail": agency}
    row["event_id"] = f"{kind} {number} {agency}"
    record_events(events=[row], by=SERVICE, at=NOON)


def an_act(number: str, *, state: str = "closed", kind: str = "physical") -> Act:
    decision = Decision.objects.get(declaration_id=number)
    return Act.objects.create(
        act_id=f"A{Act.objects.count()}",
        decision=decision,
        declaration_id=number,
        kind=kind,
        state=state,
        due_on=NOON.date(),
        opened_at=NOON,
        closed_at=NOON,
    )


def a_result(act: Act, outcome: str, *, state: str = "final", at: datetime = NOON) -> Result:
    row: dict[str, Any] = {"categories": ["CITES"] if outcome.startswith("found") else []}
    return Result.objects.create(act=act, version=1, state=state, outcome=outcome, row=row, known_at=at)


def a_request(reference: str, asked_by: str, subject: str, *, rank: int = 0) -> ControlRequest:
    return ControlRequest.objects.create(
        reference=reference,
        source="mutual assistance",
        source_reference="MA 7",
        asked_by=asked_by,
        legal_basis="agreement",
        subject_kind="declaration",
        subject=subject,
        channel="red",
        instruction="open",
        reason="what only we know",
        rank=rank,
        raised_by=an_officer(Role.INTELLIGENCE_OFFICER),
        raised_at=NOON,
        expires_at=NOON + timedelta(days=9),
    )


def test_an_agency_reads_its_own_holds_by_code_or_name_and_no_others(reader: Officer) -> None:
    for number in ("D1", "D2", "D3"):
        a_declaration(number)
    an_event("agency_hold", "D1", "plant")
    an_event("agency_hold", "D2", "Plant health")
    an_event("agency_hold", "D3", "VETERINARY")
    an_event("agency_release", "D2", "Plant health")
    found = own_holds(by=reader, at=NOON)
    assert [(one.goods.declaration_id, one.standing) for one in found] == [("D2", False), ("D1", True)]
    last = AuditEvent.objects.latest("sequence")
    assert (last.actor, last.action, last.record) == (reader.reference, "agency.read", "agency:PLANT")


def test_an_agency_is_known_by_its_name_in_capital_letters_beyond_ascii(reader: Officer) -> None:
    Office.objects.filter(code="PLANT").update(name="Служба защиты растений, Bjørn Straße")
    reader = Officer.objects.get(pk=reader.pk)
    a_declaration("D1")
    an_event("agency_hold", "D1", "СЛУЖБА ЗАЩИТЫ РАСТЕНИЙ, BJØRN STRASSE")
    a_request("CR-1", "служба Защиты растений, BJØRN straße", "D1")
    (held,) = own_holds(by=reader, at=NOON)
    (asked,) = own_requests(by=reader, at=NOON)
    assert (held.goods.declaration_id, held.standing, asked.request.reference) == ("D1", True, "CR-1")


def test_what_was_found_is_told_once_nothing_is_open_about_the_goods(reader: Officer) -> None:
    a_declaration("D1")
    an_event("agency_hold", "D1", "PLANT")
    a_result(an_act("D1"), "nothing_found", at=NOON - timedelta(days=30))
    again = an_act("D1", state="open")
    (held,) = own_holds(by=reader, at=NOON)
    assert held.goods.results == ()
    a_result(again, "found_other", at=NOON - timedelta(days=20))
    Act.objects.update(state="closed")
    (held,) = own_holds(by=reader, at=NOON)
    assert [(one.kind, one.outcome, one.categories) for one in held.goods.results] == [
        ("physical", "found_other", ("CITES",))
    ]


def test_a_result_that_awaits_an_answer_is_not_told(reader: Officer) -> None:
    a_declaration("D1")
    an_event("agency_hold", "D1", "PLANT")
    a_result(an_act("D1"), "found_other", state="provisional", at=NOON - timedelta(days=30))
    (held,) = own_holds(by=reader, at=NOON)
    assert held.goods.results == ()


def test_an_agency_reads_its_own_requests_within_its_clearance(reader: Officer) -> None:
    a_declaration("D1")
    a_result(an_act("D1"), "nothing_found", at=NOON - timedelta(days=30))
    a_request("CR-1", "Plant Health", "D1")
    a_request("CR-2", "PLANT", "D1", rank=1)
    a_request("CR-3", "Veterinary", "D1")
    (asked,) = own_requests(by=reader, at=NOON)
    assert asked.request.reference == "CR-1"
    assert [(one.declaration_id, [found.outcome for found in one.results]) for one in asked.goods] == [
        ("D1", ["nothing_found"])
    ]


def a_declared_container(number: str, days: int, *, released: int | None = None) -> None:
    """Store a declaration of goods in container MSKU1, some days after noon, released some days after noon."""
    a_declaration(number, decided_on=(NOON + timedelta(days=days)).date())
    came = NOON + timedelta(days=days)
    gone = None if released is None else NOON + timedelta(days=released)
    Declaration.objects.filter(pk=number).update(received_at=came, released_at=gone, in_flight=gone is None)
    Mark.objects.create(
        kind="container", value="MSKU1", declaration_id=number, lodged_on=came.date(), lodged_at=came, version=1
    )


@pytest.mark.parametrize("ended", [None, NOON + timedelta(days=5)])
def test_a_request_about_a_container_tells_of_no_goods_carried_in_it_before_or_after(
    reader: Officer, ended: datetime | None
) -> None:
    a_request("CR-1", "PLANT", "MSKU1")
    ControlRequest.objects.update(subject_kind="container", ended_at=ended)
    a_declared_container("LONG-GONE", -90, released=-31)
    a_declared_container("LATELY-GONE", -40, released=-29)
    a_declared_container("IN-FLIGHT", -50)
    a_declared_container("RELEASED-SINCE", -50, released=1)
    a_declared_container("CANCELLED-BEFORE", -50)
    Declaration.objects.filter(pk="CANCELLED-BEFORE").update(cancelled_at=NOON - timedelta(days=1), in_flight=False)
    a_declared_container("LATER", 4)
    a_declared_container("AFTER-ITS-END", 6)
    a_declared_container("AFTER-IT-EXPIRED", 10)
    (asked,) = own_requests(by=reader, at=NOON + timedelta(days=20))
    met = {"LATELY-GONE", "IN-FLIGHT", "RELEASED-SINCE", "LATER"}
    assert {one.declaration_id for one in asked.goods} == met | (set() if ended else {"AFTER-ITS-END"})


def test_a_reader_of_no_agency_and_other_roles_read_nothing(reader: Officer) -> None:
    refused = (
        (an_officer(Role.PARTNER_AGENCY_READER), ConflictError),
        (an_officer(Role.EXAMINER, office="PLANT"), NotAllowedError),
    )
    for one, error in refused:
        with pytest.raises(error):
            own_holds(by=one, at=NOON)
        with pytest.raises(error):
            own_requests(by=one, at=NOON)


def test_over_the_api_an_agency_is_told_neither_why_nor_by_whom(reader: Officer, client: Client) -> None:
    a_declaration("D1")
    an_event("agency_hold", "D1", "PLANT")
    made = a_request("CR-1", "PLANT", "D1")
    calling.forget_tokens()
    use(Service(clock=lambda: NOON))
    headers = {"Authorization": f"Bearer {a_token(officer=reader.login)}"}
    try:
        holds = client.get("/api/v1/agency/holds", headers=headers)
        requests = client.get("/api/v1/agency/requests", {"limit": 1}, headers=headers)
    finally:
        use(Service())
        calling.forget_tokens()
    (hold,) = holds.json()["entries"]
    assert (hold["standing"], hold["goods"]) == (True, {"declaration_id": "D1", "results": []})
    (asked,) = requests.json()["entries"]
    assert (asked["reference"], asked["state"], requests.json()["next"]) == ("CR-1", "in force", 1)
    told = holds.content.decode() + requests.content.decode()
    assert not any(text in told for text in (made.reason, made.raised_by.login, "red"))
