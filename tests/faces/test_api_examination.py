"""Examination over the API: from the worklist to the integrity report, and what nobody may read out of it."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from tests.examined import (
    INSTRUCTION,
    KEYS,
    POLICY,
    SECRET_CODE,
    SECRET_LOOKOUT,
    TODAY,
    a_declaration,
    examiners,
    opened,
)
from tests.office import NOON, a_token, an_officer

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.examinations.assignments import assign_waiting
from tidewaiter.actions.examinations.reexaminations import draw_again
from tidewaiter.actions.examinations.results import FILLED_IN
from tidewaiter.core.channel import Channel
from tidewaiter.core.role import Role
from tidewaiter.core.tables import RESULTS, SEIZURES
from tidewaiter.engines.integrity.finding import Kind
from tidewaiter.faces.api import calling
from tidewaiter.faces.api.results import ResultGiven
from tidewaiter.faces.api.routes import actions_of, operations
from tidewaiter.faces.api.seizures import SeizureGiven
from tidewaiter.faces.api.service import Service, use
from tidewaiter.storage.records.models import Act, Officer, Referral

pytestmark = pytest.mark.django_db

SECRETS = (SECRET_CODE, SECRET_LOOKOUT)
OF_EXAMINATION = ("/acts", "/seizures", "/exhibits", "/attachments", "/overrid", "/audits", "/invest", "/integrity")
WHY = (*SECRETS, "random", "profile", "lookout", "probability", "reexam", "drawn", "selected")


@pytest.fixture(autouse=True)
def service(settings: LazySettings, tmp_path: Path) -> Iterator[None]:
    """Put a service in place whose clock stands at noon and whose files are this test's own."""
    calling.forget_tokens()
    settings.ATTACHMENTS = str(tmp_path / "files")
    use(Service(clock=lambda: NOON, policy=lambda: POLICY))
    yield
    use(Service())
    calling.forget_tokens()


class Caller:
    """One officer with a token."""

    def __init__(self, officer: Officer) -> None:
        self.officer = officer
        self.token = a_token(officer=officer.login)
        self.client = Client(headers={"Authorization": f"Bearer {self.token}"})

    def get(self, path: str, **asked: str) -> HttpResponse:
        return self.client.get(f"/api/v1{path}", asked)  # type: ignore[return-value]

    def send(self, about: str, file: SimpleUploadedFile, **more: str) -> HttpResponse:
        return self.client.post("/api/v1/attachments", {"about": about, "file": file, **more})  # type: ignore[return-value]

    def post(self, path: str, body: dict[str, Any]) -> HttpResponse:
        return self.client.post(f"/api/v1{path}", json.dumps(body), content_type="application/json")  # type: ignore[return-value]


def caller(officer: Officer) -> Caller:
    return Caller(officer)


def told(answer: HttpResponse, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return json.loads(answer.content)


def assigned_scan() -> tuple[Caller, Caller, str]:
    """Return who was drawn for a scan, the other examiner, and the act."""
    ann, bob = examiners("ann", "bob")
    opened(a_declaration(channel=Channel.ORANGE))
    (lot,) = assign_waiting(keys=KEYS, policy=POLICY, by=SERVICE, at=NOON)
    first, other = (ann, bob) if lot.officer == ann else (bob, ann)
    return caller(first), caller(other), lot.subject


def test_an_examiner_reads_the_checklist_and_enters_a_result() -> None:
    first, _, act = assigned_scan()
    (task,) = told(first.get("/acts"))
    assert (task["act_id"], task["checklist"]) == (act, [{"item_number": 1, "lines": [INSTRUCTION]}])
    found = {"outcome": "found_other", "categories": ["ORIGIN"], "duty_assessed": 120.5, "officer_minutes": "20"}
    assert told(first.post(f"/acts/{act}/result", found), 201)["version"] == 1
    assert told(first.get("/acts")) == []
    (version,) = told(first.get(f"/acts/{act}/results"))
    assert version["fields"]["duty_assessed"] == "120.5"


def test_problems_of_a_result_come_with_their_places() -> None:
    first, _, act = assigned_scan()
    answer = told(first.post(f"/acts/{act}/result", {"outcome": "found_other", "share_examined": 2}), 422)
    assert {one["place"] for one in answer["problems"]} == {"categories", "share_examined"}


def test_a_second_look_is_met_by_nobody_who_must_not_know_of_it() -> None:
    first, other, act = assigned_scan()
    before = told(other.get("/acts"))
    told(first.post(f"/acts/{act}/result", {"outcome": "nothing_found"}), 201)
    draw_again(keys=KEYS, policy=replace(POLICY, re_examined_share=1.0), on=TODAY, by=SERVICE, at=NOON)
    assert before == told(first.get("/acts")) == []
    (again,) = told(other.get("/acts"))
    assert again["act_id"] != act
    for path in (f"/acts/{act}", f"/acts/{act}/results"):
        assert other.get(path).status_code == 404
    assert other.get("/attachments", about=f"act:{act}").status_code == 404


@pytest.mark.parametrize("role", [Role.EXAMINER, Role.MANAGER])
def test_no_answer_to_an_examiner_or_manager_says_why_goods_were_selected(role: Role) -> None:
    first, other, act = assigned_scan()
    told(first.post(f"/acts/{act}/result", {"outcome": "nothing_found"}), 201)
    draw_again(keys=KEYS, policy=replace(POLICY, re_examined_share=1.0), on=TODAY, by=SERVICE, at=NOON)
    again = Act.objects.get(reexamines__isnull=False).pk
    reader = other if role is Role.EXAMINER else caller(an_officer(role, office="MAIN"))
    for path, operation in operations():
        if "GET" not in operation.methods:
            continue
        for number in (act, again, "1"):
            address = re.sub(r"{[^}]+}", number if "act_id" in path else "1", path)
            answer = reader.get(address, start="2026-01-01", end="2026-04-01", about=f"act:{number}", number=number)
            if answer.status_code != 403:
                words = WHY if path.startswith(OF_EXAMINATION) else SECRETS
                said = answer.content.decode()
                assert [word for word in words if word in said] == [], (address, actions_of(operation))


def test_a_manager_replaces_the_officer_drawn_with_a_reason() -> None:
    first, other, act = assigned_scan()
    boss = caller(an_officer(Role.MANAGER, office="MAIN"))
    body = {"officer": other.officer.login, "reason": "leave"}
    assert told(boss.post(f"/acts/{act}/officer", body), 201)["officer"] == other.officer.login
    assert told(first.get("/acts")) == []


def test_a_duty_puts_an_examiner_on_the_roster() -> None:
    examiners("ann", "bob")
    boss = caller(an_officer(Role.MANAGER, office="MAIN"))
    ends_at = (NOON + timedelta(hours=8)).isoformat()
    told(
        boss.post("/duties", {"officer": "bob", "office": "MAIN", "starts_at": NOON.isoformat(), "ends_at": ends_at}),
        201,
    )
    opened(a_declaration(channel=Channel.ORANGE))
    (lot,) = assign_waiting(keys=KEYS, policy=POLICY, by=SERVICE, at=NOON)
    assert lot.roster == {"bob": 480}


def test_a_seizure_is_recorded_corrected_and_listed() -> None:
    first, _, _ = assigned_scan()
    seized = {"seized_at": NOON.isoformat(), "legal_basis": "Customs Act 12", "goods": "cash", "value": "9000"}
    number = told(first.post("/seizures", {**seized, "parties": [{"role": "driver", "name": "X"}]}), 201)["number"]
    correction = {**seized, "seizure_number": number, "value": "9500", "reason": "counted again"}
    assert told(first.post("/seizures/corrections", correction), 201)["version"] == 2
    page = told(first.get("/seizures"))
    assert [one["number"] for one in page["entries"]] == [number]
    assert "parties" not in page["entries"][0]["fields"]
    assert len(told(first.get("/seizures/versions", number=number))) == 2


def test_an_exhibit_changes_hands_and_carries_a_photograph() -> None:
    first, other, act = assigned_scan()
    taken = {"about": f"act:{act}", "kind": "sample", "description": "powder", "place": "shed", "seal_after": "A1"}
    number = told(first.post("/exhibits", taken), 201)["number"]
    offer = {"number": number, "taker": other.officer.login, "place": "lab", "seal_before": "A1", "seal_after": "A1"}
    told(first.post("/exhibits/offers", offer), 201)
    assert other.post("/exhibits/signatures", {"number": number, "seal": "A9"}).status_code == 409
    told(other.post("/exhibits/signatures", {"number": number, "seal": "A1"}))
    custody = told(other.get("/exhibits/custody", number=number))
    assert (custody["holder"], custody["problems"], len(custody["steps"])) == (other.officer.login, [], 1)
    photo = SimpleUploadedFile("a.jpg", b"\xff\xd8\xff photo", content_type="image/jpeg")
    kept = told(other.send(f"exhibit:{number}", photo), 201)
    answer = other.get(f"/attachments/{kept['number']}")
    assert (answer.content, answer["Content-Type"]) == (b"\xff\xd8\xff photo", "image/jpeg")
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_privileged_document_is_given_to_nobody() -> None:
    first, _, act = assigned_scan()
    letter = SimpleUploadedFile("letter", b"to my lawyer", content_type="text/plain")
    kept = told(first.send(f"act:{act}", letter, privileged="true"), 201)
    assert first.get(f"/attachments/{kept['number']}").status_code == 403


def test_a_file_that_is_not_what_it_says_is_refused() -> None:
    first, _, act = assigned_scan()
    wrong = SimpleUploadedFile("a.png", b"MZ program", content_type="image/png")
    assert first.send(f"act:{act}", wrong).status_code == 422


def test_a_lowering_takes_two_persons_over_the_api() -> None:
    opened(a_declaration())
    one, two = (caller(an_officer(Role.MANAGER, office="MAIN")) for _ in range(2))
    assert {"code", "direction", "meaning"} == told(one.get("/override-reasons"))[0].keys()
    body = {"declaration_id": "D1", "channel": "yellow", "reason_code": "FALSE_MATCH", "reason": "other goods"}
    made = told(one.post("/overrides/lowerings", body), 201)
    assert made["state"] == "proposed"
    assert one.post(f"/overrides/{made['number']}/confirmation", {}).status_code == 403
    assert told(two.post(f"/overrides/{made['number']}/confirmation", {}))["state"] == "in force"
    raised = told(one.post("/overrides/raises", {**body, "channel": "red", "reason_code": "SEALS"}), 201)
    assert raised["state"] == "in force"
    page = told(two.get("/overrides", declaration_id="D1"))
    assert [entry["state"] for entry in page["entries"]] == ["superseded", "in force"]


def test_without_a_policy_in_force_nothing_is_overridden() -> None:
    use(Service(clock=lambda: NOON))
    opened(a_declaration())
    boss = caller(an_officer(Role.MANAGER, office="MAIN"))
    body = {"declaration_id": "D1", "channel": "yellow", "reason_code": "FALSE_MATCH", "reason": "other goods"}
    assert boss.post("/overrides/lowerings", body).status_code == 503


def test_an_audit_goes_from_the_worklist_to_its_outcome() -> None:
    opened(a_declaration(channel=Channel.BLUE, importer="IMP9"))
    auditor = caller(an_officer(Role.POST_CLEARANCE_AUDITOR))
    assert [one["trader"] for one in told(auditor.get("/audits"))] == ["IMP9"]
    (taken,) = told(auditor.post("/audits/taken", {"trader": "IMP9"}))
    closed = told(auditor.post(f"/audits/{taken['number']}/outcome", {"outcome": "nothing_found"}))
    assert (closed["state"], closed["outcome"]) == ("closed", "nothing_found")


def test_a_case_is_referred_and_its_schedule_exported_as_no_evidence() -> None:
    a_declaration()
    spy = caller(an_officer(Role.INTELLIGENCE_OFFICER))
    entry = {"record": "act:1", "description": "scan", "disclosure": "disclosed"}
    case = told(spy.post("/investigations", {"about": "declaration:D1", "cause": "false floor"}), 201)
    told(spy.post(f"/investigations/{case['number']}/schedule", {"schedule": [entry]}))
    text = spy.get(f"/investigations/{case['number']}/disclosure").content.decode()
    assert text.startswith("INTELLIGENCE, NOT EVIDENCE")
    assert told(spy.get(f"/investigations/{case['number']}"))["marking"] == "INTELLIGENCE, NOT EVIDENCE"
    told(spy.post(f"/investigations/{case['number']}/outcome", {"outcome": "declined"}))
    assert Referral.objects.get().state == "closed"


def test_the_inspectorate_reads_the_integrity_report() -> None:
    inspector = caller(an_officer(Role.INSPECTORATE))
    report = told(inspector.get("/integrity", start="2026-03-01", end="2026-03-31"))
    assert [one["kind"] for one in report["screenings"]] == [kind.value for kind in Kind]
    assert inspector.get("/integrity", start="2026-03-02", end="2026-03-01").status_code == 422


def test_the_forms_hold_the_fields_of_the_tables() -> None:
    result = {field.name for field in RESULTS.fields} - set(FILLED_IN) | {"note"}
    assert set(ResultGiven.model_fields) == result
    assert set(SeizureGiven.model_fields) == {field.name for field in SEIZURES.fields}
