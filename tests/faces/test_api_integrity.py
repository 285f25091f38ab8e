"""What the integrity report finds about a declarant and an officer: the inspectorate reads it, nobody else anywhere."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import cycle
from typing import Any, Final

import pytest
from django.http import HttpResponse
from django.test import Client
from ninja.operation import Operation
from tests.examined import POLICY, TODAY, a_declaration, examiners, given
from tests.office import NOON, a_client, a_token, an_officer

from tidewaiter.actions.examinations.results import record_result
from tidewaiter.actions.rights import rights
from tidewaiter.core.channel import Channel
from tidewaiter.core.role import Role
from tidewaiter.faces.api import calling
from tidewaiter.faces.api.routes import actions_of, operations
from tidewaiter.faces.api.service import Service, use
from tidewaiter.storage.records.models import Act, Officer

pytestmark = pytest.mark.django_db

BROKER, COLLUDER = "BROKER-77", "colluder"
ASKED: Final[Mapping[str, str]] = {
    "start": TODAY.isoformat(), "end": TODAY.isoformat(), "day": TODAY.isoformat(), "limit": "1000",
    "declaration_id": "B0", "office": "MAIN", "about": "declaration:B0",
}  # fmt: skip
"""What a query may ask, where a route knows it."""


@pytest.fixture(autouse=True)
def service() -> Iterator[None]:
    """Put a service in place whose clock stands at noon."""
    calling.forget_tokens()
    use(Service(clock=lambda: NOON, policy=lambda: POLICY))
    yield
    use(Service())
    calling.forget_tokens()


def cleared(number: str, declarant: str, officer: Officer) -> None:
    (act,) = given(a_declaration(number, Channel.ORANGE, declarant=declarant), officer)
    record_result(act_id=act.pk, given={"outcome": "nothing_found"}, by=officer, at=NOON)


def collusion() -> Act:
    """Let one officer clear all that one broker declares; return one of the acts."""
    colluder, *honest = examiners(COLLUDER, "ann", "bob", "cid")
    for number in range(14):
        cleared(f"B{number}", BROKER, colluder)
    for number, officer in zip(range(24), cycle(honest), strict=False):
        cleared(f"H{number}", f"HONEST-{number % 5}", officer)
    return Act.objects.get(declaration_id="B0")


def tokens() -> Iterator[tuple[str, Client]]:
    """Give a caller of every role but the inspectorate, all of them in one, and a client system with every scope."""
    others = [role for role in Role if role is not Role.INSPECTORATE]
    for roles in (*((role,) for role in others), tuple(others)):
        officer = an_officer(*roles, office="MAIN", clearance=9)
        text = a_token(officer=officer.login)
        yield ", ".join(roles), Client(headers={"Authorization": f"Bearer {text}"})
    a_client("clearance")
    text = a_token(client="clearance", scopes=rights())
    yield "client system", Client(headers={"Authorization": f"Bearer {text}"})


def ask(client: Client, method: str, path: str, operation: Operation, act: Act) -> HttpResponse:
    """Call a route about the act, with all that its query knows."""
    named = {"act_id": act.pk, "decision_id": act.decision_id, "declaration_id": act.declaration_id}
    address = re.sub(r"{(?:\w+:)?(\w+)}", lambda found: named.get(found[1], "1"), f"/api/v1{path}")
    query = (model for model in operation.models if model.__ninja_param_source__ == "query")
    known = {name for model in query for name in model.__ninja_flatten_map__}
    asked = {name: value for name, value in ASKED.items() if name in known}
    if method == "GET":
        return client.get(address, asked)  # type: ignore[return-value]
    return client.generic(method, address, "{}", content_type="application/json")  # type: ignore[return-value]


def pairs(value: Any) -> bool:
    """Tell whether one entry of an answer speaks of the broker and the officer together."""
    if isinstance(value, list):
        return any(map(pairs, value))
    if not isinstance(value, dict):
        return BROKER in str(value) and COLLUDER.upper() in str(value).upper()
    said = " ".join(str(part) for part in value.values() if not isinstance(part, dict | list))
    return (BROKER in said and COLLUDER.upper() in said.upper()) or any(map(pairs, value.values()))


@pytest.mark.slow
def test_a_pair_of_declarant_and_officer_is_met_by_the_inspectorate_alone() -> None:
    act = collusion()
    inspector = a_token(officer=an_officer(Role.INSPECTORATE).login)
    report = Client(headers={"Authorization": f"Bearer {inspector}"}).get(
        "/api/v1/integrity", {"start": TODAY.isoformat(), "end": (TODAY + timedelta(days=1)).isoformat()}
    )
    assert pairs(json.loads(report.content)), "the report must find the pair for this test to tell anything"
    answered = 0
    for who, client in tokens():
        for path, operation in operations():
            for method in operation.methods:
                answer = ask(client, method, path, operation, act)
                text = answer.content.decode(errors="replace")
                answered += answer.status_code == 200
                assert not pairs(json.loads(text) if text.startswith(("{", "[")) else text), (who, method, path)
                if "integrity.read" in actions_of(operation):
                    assert answer.status_code == 403, who
    assert answered > 100
