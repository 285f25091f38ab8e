"""A declaration may be dated a day ahead of its receipt, for a zone mistaken, and no farther."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from tests.api_world import Greens, a_declaration, post, problems_of
from tests.office import NOON, a_client, a_token

from tidewaiter.faces.api import calling
from tidewaiter.faces.api.service import Service, use

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
LATEST, TOO_LATE = (NOON + DAY).isoformat(), (NOON + DAY + timedelta(milliseconds=1)).isoformat()


@pytest.fixture
def token() -> Iterator[str]:
    """Put a service in place; return the token of a client system."""
    calling.forget_tokens()
    use(Service(decider=Greens(), clock=lambda: NOON))
    a_client("clearance")
    yield a_token(client="clearance", scopes=["decision.take"])
    use(Service())
    calling.forget_tokens()


def test_a_declaration_dated_more_than_a_day_ahead_is_refused(client: Client, token: str) -> None:
    assert post(client, "/decisions", a_declaration(lodged_at=LATEST), token).status_code == 201
    refused = post(client, "/decisions", a_declaration(lodged_at=TOO_LATE, exporter="X"), token)
    assert refused.status_code == 422
    assert problems_of(refused)["lodged_at"] == "lies more than a day ahead of its receipt"
    assert len(problems_of(refused)) == 2


def test_a_declaration_dated_back_is_taken_however_long_ago(client: Client, token: str) -> None:
    assert post(client, "/decisions", a_declaration(lodged_at="2001-01-01T00:00:00Z"), token).status_code == 201


def test_of_a_batch_only_the_declaration_dated_too_far_ahead_is_refused(client: Client, token: str) -> None:
    given = [a_declaration(lodged_at=at, declaration_id=at[:10]) for at in (LATEST, TOO_LATE, NOON.isoformat())]
    answer = post(client, "/decisions/batch", {"declarations": given}, token)
    told = json.loads(answer.content)["answers"]
    assert [one["status"] for one in told] == ["decided", "invalid", "decided"]
    assert told[1]["problems"][0]["place"] == "declarations[1].lodged_at"
