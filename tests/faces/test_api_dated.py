"""What is dated ahead of its receipt is taken for a day, for a mistaken zone; no event long before its declaration."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from tests import examined
from tests.api_world import Greens, a_declaration, post, problems_of
from tests.office import NOON, a_client, a_token

from tidewaiter.actions.decisions.events import apply_early
from tidewaiter.faces.api import calling
from tidewaiter.faces.api.service import Service, use
from tidewaiter.storage.records.models import Declaration, Event

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
EVENT = {"kind": "released", "occurred_at": "2026-03-02T10:00:00Z", "declaration_id": "A"}
LATEST, TOO_LATE = (NOON + DAY).isoformat(), (NOON + DAY + timedelta(milliseconds=1)).isoformat()


@pytest.fixture
def token() -> Iterator[str]:
    """Put a service in place; return the token of a client system."""
    calling.forget_tokens()
    use(Service(decider=Greens(), clock=lambda: NOON))
    a_client("clearance")
    yield a_token(client="clearance", scopes=["decision.take", "event.record"])
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


def test_an_event_dated_more_than_a_day_ahead_is_refused(client: Client, token: str) -> None:
    assert post(client, "/events", {**EVENT, "occurred_at": LATEST}, token).status_code == 201
    ahead = {**EVENT, "occurred_at": TOO_LATE}
    refused = post(client, "/events", ahead, token)
    assert (refused.status_code, list(problems_of(refused))) == (422, ["occurred_at"])
    refused = post(client, "/events/batch", {"events": [EVENT, ahead]}, token)
    assert (refused.status_code, list(problems_of(refused))) == (422, ["events[1].occurred_at"])
    assert Event.objects.count() == 1


def days_before_lodging(days: float, **more: str) -> dict[str, str]:
    """Return an event so long before the declaration A that the records hold was lodged."""
    return {**EVENT, "occurred_at": (NOON - timedelta(days=3 + days)).isoformat(), **more}


def known_since_an_outage() -> None:
    """Let the records hold the declaration A, lodged three days before it came in at noon."""
    examined.a_declaration("A")
    Declaration.objects.update(lodged_at=NOON - timedelta(days=3), received_at=NOON)


@pytest.mark.parametrize("kind", ["released", "gate_out", "cancelled", "paid", "examined_from"])
def test_nothing_happens_under_a_declaration_long_before_it(client: Client, token: str, kind: str) -> None:
    known_since_an_outage()
    early = days_before_lodging(45.01, kind=kind)
    answer = post(client, "/events", early, token)
    assert (answer.status_code, list(problems_of(answer))) == (422, ["occurred_at"])
    assert problems_of(answer)["occurred_at"] == "lies more than 45 days before its declaration was lodged"
    other = {**EVENT, "declaration_id": "B"}
    answer = post(client, "/events/batch", {"events": [other, early]}, token)
    assert (answer.status_code, list(problems_of(answer))) == (422, ["events[1].occurred_at"])
    assert not Event.objects.exists()
    assert post(client, "/events", days_before_lodging(45, kind=kind), token).status_code == 201


@pytest.mark.parametrize(
    "early", [{"kind": "arrived"}, {"kind": "agency_hold"}, {"declaration_id": "", "document": "BL1"}]
)
def test_goods_may_arrive_be_held_or_be_told_by_their_document_long_before_their_declaration(
    client: Client, token: str, early: dict[str, str]
) -> None:
    known_since_an_outage()
    assert post(client, "/events", days_before_lodging(900, **early), token).status_code == 201


def test_an_event_that_came_long_before_its_declaration_may_be_sent_again(client: Client, token: str) -> None:
    early = days_before_lodging(900)
    assert post(client, "/events", early, token).status_code == 201
    known_since_an_outage()
    assert post(client, "/events", early, token).status_code == 200
    other = {**early, "event_id": "another"}
    assert post(client, "/events", other, token).status_code == 422


def test_a_release_that_came_before_a_declaration_lodged_long_after_it_changes_nothing(
    client: Client, token: str
) -> None:
    early = {**EVENT, "occurred_at": (NOON - timedelta(days=900)).isoformat()}
    assert post(client, "/events", early, token).status_code == 201
    examined.a_declaration("A")
    with transaction.atomic():
        apply_early(Event.objects.all(), NOON)
    held = Declaration.objects.get(pk="A")
    assert (held.in_flight, held.released_at) == (True, None)
