"""Retention and audit over the API: rules, holds and purges by several persons, events searched."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from tests.examined import a_declaration
from tests.office import NOON, a_token, an_officer

from tidewaiter.core.role import Role
from tidewaiter.faces.api import calling
from tidewaiter.faces.api.service import Service, use
from tidewaiter.storage.records.models import Declaration

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def service() -> Iterator[None]:
    """Put a service in place whose clock stands at noon."""
    calling.forget_tokens()
    use(Service(clock=lambda: NOON))
    yield
    use(Service())
    calling.forget_tokens()


@pytest.fixture
def tokens() -> dict[Role, str]:
    """Return a token for each of three persons."""
    roles = (Role.PRIVACY_OFFICER, Role.INSPECTORATE)
    made = {role: an_officer(role) for role in roles}
    return {role: a_token(officer=one.login) for role, one in made.items()}


def _call(client: Client, token: str, method: str, path: str, body: object = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    asked = getattr(client, method)
    given = {"data": body, "content_type": "application/json"} if method == "post" else {"data": body}
    answer = asked(f"/api/v1{path}", **given, headers=headers)
    return answer.status_code, answer.json()


def test_a_rule_a_hold_and_a_purge_go_through_two_persons(client: Client, tokens: dict[Role, str]) -> None:
    privacy, other = tokens[Role.PRIVACY_OFFICER], tokens[Role.INSPECTORATE]
    rule = {"kind": "declaration", "days": 1, "legal_basis": "Customs Act, s. 12"}
    assert _call(client, privacy, "post", "/retention/rules", rule)[0] == 201
    path = "/retention/rules/declaration/1/approval"
    assert _call(client, privacy, "post", path)[0] == 403
    assert _call(client, other, "post", path)[1]["days"] == 1
    a_declaration("D1")
    Declaration.objects.update(in_flight=False, released_at=NOON.replace(year=2020))
    assert [one["record"] for one in _call(client, privacy, "get", "/retention/due")[1]] == ["declaration:D1"]
    hold = {"record": "declaration:D1", "reason": "court"}
    status, held = _call(client, privacy, "post", "/retention/holds", hold)
    assert (status, _call(client, privacy, "get", "/retention/due")[1][0]["held"]) == (201, True)
    lifted = _call(client, privacy, "post", f"/retention/holds/{held['number']}/lift", {"reason": "closed"})
    assert (lifted[1]["lifted_reason"], lifted[1]["lifting"], lifted[1]["lifted_at"]) == ("closed", True, None)
    confirm = f"/retention/holds/{held['number']}/lift/confirm"
    assert _call(client, privacy, "post", confirm, {"agreed": True})[0] == 403
    (asked,) = _call(client, other, "get", "/retention/holds")[1]["entries"]
    assert (asked["lifted_by"], asked["lifted_second"]) == (held["by"], None)
    agreed = _call(client, other, "post", confirm, {"agreed": True})[1]
    assert agreed["lifted_at"] is not None
    assert agreed["lifted_by"] == held["by"] != agreed["lifted_second"] is not None
    assert _call(client, other, "get", "/retention/holds")[1]["entries"] == [agreed]
    status, made = _call(client, privacy, "post", "/purges", {"due": ["declaration"], "reason": "past its period"})
    assert (status, made["records"]) == (201, 1)
    entries = _call(client, other, "get", f"/purges/{made['number']}/entries")[1]
    assert [one["record"] for one in entries["entries"]] == ["declaration:D1"]
    approved = _call(client, other, "post", f"/purges/{made['number']}/approval")[1]
    assert approved["approved_at"] is not None
    assert [one["number"] for one in _call(client, privacy, "get", "/purges")[1]] == [made["number"]]


def test_the_inspectorate_searches_events_a_page_at_a_time(client: Client, tokens: dict[Role, str]) -> None:
    asked = {"action": "audit.search", "limit": 1}
    for _ in range(2):
        _call(client, tokens[Role.INSPECTORATE], "get", "/audit/events", asked)
    status, first = _call(client, tokens[Role.INSPECTORATE], "get", "/audit/events", asked)
    assert (status, len(first["entries"])) == (200, 1)
    _, rest = _call(client, tokens[Role.INSPECTORATE], "get", "/audit/events", asked | {"after": first["next"]})
    assert rest["entries"][0]["sequence"] > first["entries"][0]["sequence"]


@pytest.mark.parametrize("since", ["2026-03-02T12:00:00", "0001-01-01T00:00:00+14:00", "yesterday"])
def test_an_instant_without_its_zone_or_out_of_bounds_is_refused(
    since: str, client: Client, tokens: dict[Role, str]
) -> None:
    assert _call(client, tokens[Role.INSPECTORATE], "get", "/audit/events", {"since": since})[0] == 422
