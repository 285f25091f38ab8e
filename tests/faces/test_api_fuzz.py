"""Whatever comes in is answered: no failure of the service, every refusal with its problems, nothing lost.

Declarations go to the real deciding of groups, on a small lake, in the thread that asks.
"""

import json
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance
from tests.api_world import a_declaration, post
from tests.office import a_client, a_token, an_officer
from tests.service_world import KEYS, NOW, a_profile, history, published

from tidewaiter.actions.acting import Actor
from tidewaiter.actions.decisions.consignments import assess
from tidewaiter.actions.decisions.deciding import Answer, Lodged
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.decisions.requests import raise_request
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.actions.rights import rights
from tidewaiter.core.role import Role
from tidewaiter.faces.api import calling
from tidewaiter.faces.api.routes import actions_of, operations
from tidewaiter.faces.api.service import Service, use
from tidewaiter.storage.records.models import Decision, Declaration, Lodgement

pytestmark = pytest.mark.django_db

FUZZED = settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much]
)

POSTS = ("/decisions", "/decisions/batch", "/events", "/events/batch", "/consignments", "/consignments/batch")


class AtOnce:
    """Decides in the thread that asks, so that a test sees what was written."""

    def __init__(self, standing: Standing) -> None:
        self.standing = standing
        self.waiting = 0
        self.group_sizes: list[int] = []

    def ready(self) -> list[str]:
        return []

    def submit(self, lodged: Sequence[Lodged], by: Actor) -> Future[list[Answer]]:
        future: Future[list[Answer]] = Future()
        try:
            future.set_result(decide_group(self.standing, KEYS, [(one, by) for one in lodged], NOW))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture
def token(tmp_path: Path) -> Iterator[str]:
    """Put a service in place that decides, and return a token that may use every route."""
    a_profile("FW-1", "hs4 = '6403' OR importer_declarations_365d > 3")
    calling.forget_tokens()
    lake = history(tmp_path / "lake")
    standing = published(lake)
    use(
        Service(
            decider=AtOnce(standing),
            assess=partial(assess, standing=standing, keys=KEYS),
            request=partial(raise_request, standing=standing, keys=KEYS),
            clock=lambda: NOW,
            policy=lambda: standing.content.policy,
            lake=lake.folder,
        )
    )
    a_client("clearance")
    scopes = sorted(name for name, right in rights().items() if right.client)
    yield a_token(client="clearance", scopes=scopes)
    use(Service())
    calling.forget_tokens()


@pytest.fixture
def everybody(token: str) -> str:
    """Return the token of an officer with every role."""
    officer = an_officer(*Role, clearance=9)
    return a_token(officer=officer.login)


def answered(answer: HttpResponse) -> None:
    """Check that an answer is one: no failure, and a refusal says what is wrong."""
    assert answer.status_code < 500, answer.content
    told = json.loads(answer.content)
    if answer.status_code >= 400:
        assert told["problems"]
        assert all(one["message"] for one in told["problems"])


ACTIONS = {operation.view_func.__name__: actions_of(operation) for _, operation in operations()}
schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())


@pytest.mark.slow
@pytest.mark.usefixtures("kept_connection")
@schema.parametrize()
@settings(FUZZED, max_examples=8)
def test_requests_made_from_the_openapi_document_are_answered(
    case: "schemathesis.Case[Any]", token: str, everybody: str
) -> None:
    """What the document describes is answered as it says.

    Left out: that all it describes is taken (a number may come twice, a moment be out of range, which no schema says),
    and who is let in, which is walked elsewhere.
    """
    for_clients = any(rights()[action].client for action in ACTIONS[case.operation.definition.raw["operationId"]])
    response = case.call(headers={"Authorization": f"Bearer {token if for_clients else everybody}"})
    assert response.status_code < 500, response.text
    # A header that Schemathesis breaks is the token, which is set here: its refusal is tested with the rights.
    excluded = [positive_data_acceptance, ignored_auth, negative_data_rejection]
    case.validate_response(response, excluded_checks=excluded)


@FUZZED
@given(body=st.binary(max_size=300), address=st.sampled_from(POSTS))
@example(body=b"[" * 1_000_000, address="/decisions")
@example(body=b'{"items":' * 100_000, address="/decisions")
@example(body=b"\xed\xa0\x80", address="/events")
@example(body=b'{"a":1e400}', address="/events")
@example(body=b'{"a":' + b"9" * 100_000 + b"}", address="/decisions")
@example(body=b'{"a":NaN,"b":Infinity}', address="/decisions")
@example(body=b'{"a":1,"a":2}', address="/decisions/batch")
@example(body=b"null", address="/decisions/batch")
def test_any_bytes_are_answered(client: Client, token: str, body: bytes, address: str) -> None:
    answered(post(client, address, body, token))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "\x00", "\ud800", "\u202e abc", "1e400", "9" * 5000, "import", "2026-02-30", "ß" * 70]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@FUZZED
@given(data=st.data())
def test_a_declaration_with_anything_anywhere_is_answered(client: Client, token: str, data: st.DataObject) -> None:
    document: dict[str, Any] = a_declaration(2)
    names = [*document, "version", "origin", "quantity", "licences", "unknown"]
    for name in data.draw(st.lists(st.sampled_from(names), max_size=3, unique=True)):
        document[name] = data.draw(JSON)
    item = document["items"][0] if isinstance(document["items"], list) and document["items"] else None
    if isinstance(item, dict):
        for name in data.draw(st.lists(st.sampled_from([*item, "freight", "office"]), max_size=3, unique=True)):
            item[name] = data.draw(JSON)
    answered(post(client, "/decisions", document, token))


ODD = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=40)


@FUZZED
@given(number=ODD, text=ODD, document=ODD, mass=st.integers(-(10**15) + 1, 10**15 - 1))
@example(number="\u202e\u2066abc", text="\u200f" * 40, document="ﬁ" * 40, mass=0)
@example(number="a'; DROP TABLE records_decision; --", text="{{7*7}}", document="%s%n", mass=-1)
def test_any_text_is_decided_and_kept_as_it_came(
    client: Client, token: str, number: str, text: str, document: str, mass: int
) -> None:
    sent = a_declaration(declaration_id=number, importer_name=text, importer_code=document, office=text[:10])
    sent["items"][0] |= {"description": text, "previous_document": document, "net_mass": mass, "packages": mass}
    answer = post(client, "/decisions", sent, token)
    answered(answer)
    if answer.status_code < 300:
        told = json.loads(answer.content)
        assert Decision.objects.get(pk=told["decision_id"]).declaration_id == told["declaration_id"]


def test_everything_answered_is_kept_once_and_the_rest_leaves_nothing(client: Client, token: str) -> None:
    chance = random.Random(7)
    taken = set()
    for number in range(60):
        document: Any = a_declaration(chance.randint(1, 3), declaration_id=f"N{number % 20}")
        body = json.dumps(document)
        if chance.random() < 0.5:
            cut = chance.randrange(len(body))
            body = body[:cut] + chance.choice(["", "\x00", '"', "}", "\\u0000", "9"]) + body[cut + 1 :]
        answer = post(client, "/decisions", body, token)
        answered(answer)
        if answer.status_code in (200, 201):
            told = json.loads(answer.content)
            taken.add((told["declaration_id"], told["version"]))
    assert set(Lodgement.objects.values_list("declaration_id", "version")) == taken
    assert set(Decision.objects.values_list("declaration_id", "version")) == taken
    assert Declaration.objects.count() == len({number for number, _ in taken})


def test_a_declaration_as_large_as_may_be_is_decided(client: Client, token: str) -> None:
    document = a_declaration(999, description="x" * 2000) | {"lodged_at": NOW.isoformat()}
    for item in document["items"]:
        item["containers"] = [f"MSCU{number:07}" for number in range(20)]
    answered(post(client, "/decisions", document, token))
    assert Decision.objects.count() == 1
