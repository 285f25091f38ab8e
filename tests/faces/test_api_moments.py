"""A moment given over the API has its time zone and lies within reach; anything else is refused with its place."""

import json
from collections.abc import Iterator

import pytest
from django.test import Client
from tests.api_world import Greens, post
from tests.office import NOON, a_token, an_office, an_officer

from tidewaiter.core.role import Role
from tidewaiter.faces.api import calling
from tidewaiter.faces.api.service import Service, use
from tidewaiter.storage.records.models import ClientSystem

pytestmark = pytest.mark.django_db

LOOKOUT = {
    "kind": "container",
    "action": "examine",
    "reason": "seen in a report",
    "contact": "+1",
    "values": ["MSKU1234565"],
    "instruction": "open it",
}


@pytest.fixture
def token() -> Iterator[str]:
    """Put a service in place; return the token of one who may do everything."""
    calling.forget_tokens()
    use(Service(decider=Greens(), clock=lambda: NOON))
    an_office("MAIN")
    an_officer(*Role, login="all")
    yield a_token(officer="all")
    use(Service())
    calling.forget_tokens()


@pytest.mark.parametrize("moment", ["2027-03-02T12:00:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
@pytest.mark.parametrize(
    ("address", "document", "place"),
    [
        ("/tokens", {"label": "a", "officer": "all"}, "expires_at"),
        ("/lookouts", LOOKOUT, "expires_at"),
        ("/duties", {"officer": "all", "office": "MAIN", "ends_at": "2026-03-02T13:00:00Z"}, "starts_at"),
    ],
)
def test_a_moment_that_cannot_be_kept_is_refused(
    client: Client, token: str, address: str, document: dict[str, object], place: str, moment: str
) -> None:
    answer = post(client, address, {**document, place: moment}, token)
    assert answer.status_code == 422
    assert [one["place"] for one in json.loads(answer.content)["problems"]] == [place]


@pytest.mark.parametrize(
    ("address", "document", "problem"),
    [
        (
            "/lookouts",
            {**LOOKOUT, "expires_at": "tomorrow"},
            ("expires_at", "is no date and time", "write it as 2026-"),
        ),
        ("/lookouts", LOOKOUT, ("expires_at", "is required and absent", "")),
        (
            "/lookouts",
            {**LOOKOUT, "expires_at": "2026-03-09T12:00:00Z", "kind": "containers"},
            ("kind", "input should be 'party'", "did you mean 'container'?"),
        ),
        (
            "/traders/C1/grant",
            {"kind": "AEOC", "scope": "both", "valid_from": "soon", "reason": "audited"},
            ("valid_from", "is no day", "write it as 2026-"),
        ),
    ],
)
def test_what_officers_send_is_refused_in_the_words_that_client_systems_get(
    client: Client, token: str, address: str, document: dict[str, object], problem: tuple[str, str, str]
) -> None:
    (told,) = json.loads(post(client, address, document, token).content)["problems"]
    place, message, suggestion = problem
    assert told["place"] == place
    assert told["message"].startswith(message)
    assert told["suggestion"] is None if not suggestion else told["suggestion"].startswith(suggestion)


def test_a_reason_too_short_is_told_how_long_it_is_to_be(client: Client, token: str) -> None:
    answer = post(client, "/acts/a/officer", {"officer": "all", "reason": "ill"}, token)
    (told,) = json.loads(answer.content)["problems"]
    assert told == {
        "place": "reason",
        "message": "say the reason in words, at least 5 characters",
        "suggestion": None,
    }


def test_a_word_outside_its_list_is_told_the_list_once(client: Client, token: str) -> None:
    ClientSystem.objects.create(name="clearance")
    client_token = a_token(client="clearance", scopes=("event.record",))
    event = {"kind": "zzz", "occurred_at": "2026-03-02T10:00:00Z", "declaration_id": "D1"}
    (told,) = json.loads(post(client, "/events", event, client_token).content)["problems"]
    assert (told["place"], told["suggestion"]) == ("kind", None)
    assert told["message"].startswith("is none of arrived, ")
