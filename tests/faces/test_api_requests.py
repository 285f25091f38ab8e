"""Requests for control over the API: raised, seen by few, ended by two, and never told to an examiner."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from tests.office import a_token, an_officer
from tests.service_world import KEYS, NOW, history, lodged, published

from tidewaiter.actions.acting import SERVICE, Actor
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.decisions.requests import RequestText, raise_request
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.core.role import Role
from tidewaiter.faces.api import calling
from tidewaiter.faces.api.service import Service, use
from tidewaiter.storage.records.models import Act, ControlRequest, Declaration, Officer

pytestmark = pytest.mark.django_db

BODY: dict[str, Any] = {
    "source": "operation",
    "source_reference": "OP-GLASS",
    "asked_by": "Operation Glass",
    "legal_basis": "Customs Code, Article 46",
    "subject_kind": "declaration",
    "subject": "A",
    "channel": "red",
    "instruction": "Open two cartons.",
    "reason": "RESTRICTED-WHY",
    "expires_at": (NOW + timedelta(days=20)).isoformat(),
}


@pytest.fixture
def standing(tmp_path: Path) -> Iterator[Standing]:
    """Put a service in place that decides, and has decided one declaration."""
    calling.forget_tokens()
    found = published(history(tmp_path / "lake"))
    decide_group(found, KEYS, [(lodged("A"), SERVICE)], NOW)

    def request(*, text: RequestText, expires_at: Any, by: Actor, at: Any) -> ControlRequest:
        return raise_request(text=text, expires_at=expires_at, standing=found, keys=KEYS, by=by, at=at)

    use(Service(clock=lambda: NOW, request=request))
    yield found
    use(Service())
    calling.forget_tokens()


def calls(officer: Officer) -> Client:
    token = a_token(officer=officer.login)
    return Client(headers={"Authorization": f"Bearer {token}"})


def post(client: Client, path: str, body: dict[str, Any]) -> HttpResponse:
    return client.post(f"/api/v1{path}", json.dumps(body), content_type="application/json")  # type: ignore[return-value]


def told(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return json.loads(answer.content)


@pytest.mark.usefixtures("standing")
def test_a_request_goes_from_raising_to_its_end() -> None:
    spy, boss = calls(an_officer(Role.INTELLIGENCE_OFFICER)), calls(an_officer(Role.RISK_MANAGER))
    made = told(post(spy, "/requests", BODY), 201)
    assert (made["state"], Declaration.objects.get().channel) == ("in force", "red")
    assert [one["reference"] for one in told(boss.get("/api/v1/requests"))["entries"]] == [made["reference"]]
    address = f"/requests/{made['reference']}"
    assert told(boss.get(f"/api/v1{address}"))["reason"] == "RESTRICTED-WHY"
    assert told(post(spy, f"{address}/end", {"outcome": "nothing found"}))["ending"]
    assert post(spy, f"{address}/end/confirm", {"agreed": True}).status_code == 403
    assert told(post(boss, f"{address}/end/confirm", {"agreed": True}))["state"] == "ended"


@pytest.mark.usefixtures("standing")
def test_problems_of_a_request_come_with_their_places() -> None:
    spy = calls(an_officer(Role.INTELLIGENCE_OFFICER))
    wrong = BODY | {"channel": "green", "reason": " ", "expires_at": NOW.isoformat()}
    places = {one["place"] for one in told(post(spy, "/requests", wrong), 422)["problems"]}
    assert places == {"channel", "reason", "expires_at"}
    for moment in ("2024-03-05T10:00:00", "9999-12-31T23:59:59-23:59"):
        assert post(spy, "/requests", BODY | {"expires_at": moment}).status_code == 422
    assert not ControlRequest.objects.exists()


@pytest.mark.usefixtures("standing")
def test_an_examiner_meets_the_instruction_and_nothing_of_the_request() -> None:
    made = told(post(calls(an_officer(Role.RISK_MANAGER)), "/requests", BODY), 201)
    ann = an_officer(Role.EXAMINER, office="MAIN")
    Act.objects.update(officer=ann)
    said = calls(ann).get("/api/v1/acts").content.decode()
    assert BODY["instruction"] in said
    assert [word for word in (made["reference"], "RESTRICTED-WHY", "OP-GLASS", "request") if word in said] == []


def test_a_process_that_decides_nothing_takes_no_request() -> None:
    use(Service(clock=lambda: NOW))
    assert post(calls(an_officer(Role.RISK_MANAGER)), "/requests", BODY).status_code == 503
    use(Service())
