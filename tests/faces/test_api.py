"""The API as a client system meets it: answers, refusals, and nothing told that should not be."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
import structlog
from django.db import OperationalError
from django.http import HttpRequest
from django.test import Client
from django.urls import URLPattern
from ninja import Router
from tests.api_world import Greens, a_declaration, post, problems_of
from tests.office import NOON, a_client, a_token, an_officer

from tidewaiter.actions.administration import revoke_token
from tidewaiter.actions.decisions.weighing import WeigherGoneError
from tidewaiter.core import errors
from tidewaiter.core.errors import TidewaiterError
from tidewaiter.core.role import Role
from tidewaiter.faces.api import calling
from tidewaiter.faces.api.problems import STATUS, status_of
from tidewaiter.faces.api.routes import make_api
from tidewaiter.faces.api.service import Service, use
from tidewaiter.storage.records.models import Token

pytestmark = pytest.mark.django_db

EVENT = {"kind": "released", "occurred_at": "2026-03-02T10:00:00Z", "declaration_id": "A"}


@pytest.fixture
def greens() -> Iterator[Greens]:
    """Put a Decider in place that answers green; the clock stands at noon."""
    decider = Greens()
    calling.forget_tokens()
    use(Service(decider=decider, clock=lambda: NOON))
    yield decider
    use(Service())
    calling.forget_tokens()


@pytest.fixture
def token(greens: Greens) -> str:
    """Return the token of a client system that may use what a clearance system needs."""
    a_client("clearance")
    return token_for(client="clearance", scopes=["decision.take", "decision.read", "decision.changes", "event.record"])


def token_for(*, client: str = "", officer: str = "", scopes: list[str]) -> str:
    """Return a new token."""
    return a_token(client=client, officer=officer, scopes=scopes)


def test_a_declaration_gets_its_channel_and_where_it_stands_now(client: Client, token: str) -> None:
    answer = post(client, "/decisions", a_declaration(2), token)
    told = json.loads(answer.content)
    assert answer.status_code == 201
    assert (told["channel"], told["current_channel"], told["current_decision"]) == ("green", "green", "D1")
    assert told["acts_open"] is False


def test_the_same_again_is_answered_the_same_with_another_status(client: Client, token: str) -> None:
    first, again = (post(client, "/decisions", a_declaration(), token) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.content == again.content


def test_other_content_under_the_same_version_is_a_conflict(client: Client, token: str) -> None:
    post(client, "/decisions", a_declaration(version=1), token)
    answer = post(client, "/decisions", a_declaration(2, version=1), token)
    assert answer.status_code == 409
    assert problems_of(answer) == {None: "lodged with other content"}


def test_a_declaration_with_problems_is_refused_with_all_of_them(client: Client, token: str) -> None:
    document = a_declaration(2, flow="imports")
    document["items"][1]["hs_cod"] = "64"
    answer = post(client, "/decisions", document, token)
    assert answer.status_code == 422
    assert problems_of(answer).keys() == {"flow", "items[1].hs_cod"}


def test_in_a_batch_each_declaration_stands_for_itself(client: Client, token: str) -> None:
    listed = [a_declaration(declaration_id=name, version=1) for name in "AB"]
    listed += [a_declaration(flow="x"), a_declaration(2, declaration_id="A", version=1), {}]
    answer = post(client, "/decisions/batch", {"declarations": listed}, token)
    told = json.loads(answer.content)["answers"]
    assert answer.status_code == 200
    assert [one["status"] for one in told] == ["decided", "decided", "invalid", "conflict", "invalid"]
    assert told[2]["problems"][0]["place"] == "declarations[2].flow"
    assert told[1]["decision"]["declaration_id"] == "B"


def test_a_batch_of_which_nothing_can_be_read_is_refused(client: Client, token: str) -> None:
    answer = post(client, "/decisions/batch", {"declarations": [{}, 5]}, token)
    assert answer.status_code == 422
    assert {"declarations[0].flow", "declarations[1]"} <= problems_of(answer).keys()


@pytest.mark.parametrize("document", [{}, {"declarations": []}, {"declarations": 5}, {"declaration": [], "x": 1}, []])
def test_a_batch_is_a_list_of_declarations(client: Client, token: str, document: object) -> None:
    assert post(client, "/decisions/batch", document, token).status_code == 422


def test_while_the_service_is_not_ready_nothing_is_taken(client: Client, token: str, greens: Greens) -> None:
    greens.reasons = ["the history of the day is being made ready"]
    answer = post(client, "/decisions", a_declaration(), token)
    assert answer.status_code == 503
    assert answer["Retry-After"]
    assert client.get("/ready").status_code == 503
    assert client.get("/health").status_code == 200


def test_an_event_is_kept_once(client: Client, token: str) -> None:
    answers = [post(client, "/events", EVENT, token) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert post(client, "/events/batch", {"events": [EVENT]}, token).status_code == 200


def test_events_are_kept_all_or_none(client: Client, token: str) -> None:
    answer = post(client, "/events/batch", {"events": [EVENT, {**EVENT, "kind": "releasd"}]}, token)
    assert answer.status_code == 422
    assert json.loads(answer.content)["problems"][0]["suggestion"] == "did you mean 'released'?"
    assert post(client, "/events", EVENT, token).status_code == 201


def test_the_feed_goes_on_from_its_cursor(client: Client, token: str) -> None:
    told = client.get("/api/v1/decisions/changes?after=7", headers={"Authorization": f"Bearer {token}"})
    assert json.loads(told.content) == {"changes": [], "next": 7}


def test_without_a_token_nothing_is_told_but_that(client: Client, greens: Greens) -> None:
    answer = post(client, "/decisions", a_declaration())
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert problems_of(answer) == {None: "who asks is not known"}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "Bearer " + "x" * 5000, "Bearer tw_\ud800"])
def test_what_is_no_token_lets_nobody_in(client: Client, greens: Greens, header: str) -> None:
    answer = client.get("/api/v1/decisions/changes", HTTP_AUTHORIZATION=header)
    assert answer.status_code == 401


def test_a_revocation_holds_within_five_seconds(client: Client, token: str, greens: Greens) -> None:
    assert post(client, "/decisions", a_declaration(), token).status_code == 201
    found = Token.objects.get(client__name="clearance")
    revoke_token(token=found.pk, by=an_officer(Role.ADMINISTRATOR), at=NOON)
    assert calling.KEPT_SECONDS <= 5
    later = time.monotonic() + calling.KEPT_SECONDS
    use(Service(decider=greens, clock=lambda: NOON, ticks=lambda: later))
    assert post(client, "/decisions", a_declaration(), token).status_code == 401


def test_an_expired_token_lets_nobody_in(client: Client, greens: Greens) -> None:
    a_client("late")
    late = a_token(client="late", scopes=["decision.take"], expires_at=NOON - timedelta(seconds=1))
    assert post(client, "/decisions", a_declaration(), late).status_code == 401


def test_the_right_is_asked_before_the_body_is_read(client: Client, greens: Greens) -> None:
    an_officer(Role.EXAMINER, login="examiner")
    answer = post(client, "/decisions", b"{", token_for(officer="examiner", scopes=[]))
    assert answer.status_code == 403


def test_a_body_over_32_mb_is_refused_unread(client: Client, token: str) -> None:
    answer = post(client, "/decisions", b" " * (32 * 1024 * 1024 + 1), token)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/nothing", 404),
        ("GET", "/api/v1/", 404),
        ("DELETE", "/api/v1/decisions", 405),
        ("PROPFIND", "/api/v1/decisions", 405),
        ("GET", "/api/v1/decisions/%00", 400),
        ("GET", "/api/v1/decisions/changes?after=%00", 400),
        ("GET", "/api/v1/decisions/changes?after=-1", 422),
        ("GET", "/api/v1/decisions/changes?after=99999999999999999999", 422),
        ("GET", "/api/v1/decisions/changes?limit=x", 422),
        ("GET", "/api/v1/decisions/D0", 404),
        ("GET", "/api/v1/decisions/" + "D" * 41, 422),
        ("GET", "/api/v1/decisions/%F0%9F%98%80", 422),
    ],
)
def test_every_refusal_has_its_problems(client: Client, token: str, method: str, address: str, status: int) -> None:
    answer = client.generic(method, address, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == status
    assert problems_of(answer)  # type: ignore[arg-type]


def test_a_question_with_a_typing_error_is_refused(client: Client, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    answer = client.get("/api/v1/decisions/changes?limt=5", headers=headers)
    assert answer.status_code == 422
    (problem,) = json.loads(answer.content)["problems"]
    assert (problem["place"], problem["suggestion"]) == ("query.limt", "did you mean 'limit'?")


def test_true_is_no_number(client: Client, greens: Greens) -> None:
    an_officer(Role.ADMINISTRATOR, login="root")
    given = {"login": "x", "name": "X", "roles": [], "clearance": True}
    answer = post(client, "/officers", given, token_for(officer="root", scopes=[]))
    assert answer.status_code == 422
    assert problems_of(answer) == {"clearance": "true or false stands where something else is asked for"}


def tree(kind: type[TidewaiterError]) -> list[type[TidewaiterError]]:
    return [kind, *(found for below in kind.__subclasses__() for found in tree(below))]


def test_every_error_of_ours_has_a_status_a_client_can_act_on() -> None:
    for kind in tree(TidewaiterError)[1:]:
        assert 400 <= status_of(kind("x")) < 500 or status_of(kind("x")) == 503, kind
    ours = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, TidewaiterError)}
    assert STATUS.keys() == ours - {TidewaiterError}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ZeroDivisionError("secret"), 500),
        (OperationalError("secret"), 503),
        (RecursionError("secret"), 400),
        (WeigherGoneError("what decides has ended"), 503),
    ],
)
def test_what_nobody_thought_of_is_answered_without_telling(error: Exception, status: int, client: Client) -> None:
    router = Router()

    @router.get("/fails", auth=None)
    def fails(request: HttpRequest) -> None:
        raise error

    (view,) = (
        found.callback
        for found in make_api([router]).urls[0]
        if isinstance(found, URLPattern) and found.name == "fails"
    )
    request = HttpRequest()
    request.method = "GET"
    answer = view(request)
    assert answer.status_code == status
    assert b"secret" not in answer.content
    assert b"Traceback" not in answer.content


def test_figures_are_for_this_machine_and_for_tokens_that_may(client: Client, greens: Greens) -> None:
    greens.group_sizes = [3, 5]
    told = client.get("/metrics").content.decode()
    assert "tidewaiter_group_size_mean 4.0" in told
    assert "tidewaiter_queue_depth 0.0" in told
    assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 401
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.1").status_code == 401
    a_client("scraper")
    scraper = {"Authorization": f"Bearer {token_for(client='scraper', scopes=['metrics.read'])}"}
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.1", headers=scraper).status_code == 200
    other = {"Authorization": f"Bearer {token_for(client='scraper', scopes=['decision.take'])}"}
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.1", headers=other).status_code == 403


def test_logs_name_routes_and_client_systems_and_nothing_else(client: Client, token: str) -> None:
    with structlog.testing.capture_logs() as lines:
        post(client, "/decisions", a_declaration(importer_name="Jane Doe", flow="x"), token)
        client.get("/api/v1/decisions/D123?name=Jane", headers={"Authorization": f"Bearer {token}"})
        client.get("/api/v1/people/Jane")
    written = json.dumps(lines)
    assert [line["route"] for line in lines] == ["/api/v1/decisions", "/api/v1/decisions/<decision_id>", "none"]
    assert lines[0]["client"].startswith("client:")
    assert not any(text in written for text in ("Jane", "26TS0001", "D123", token))


def test_a_person_who_calls_is_not_named_in_logs(client: Client, greens: Greens) -> None:
    an_officer(Role.ANALYST, login="analyst")
    theirs = token_for(officer="analyst", scopes=[])
    with structlog.testing.capture_logs() as lines:
        client.get("/api/v1/decisions/D1", headers={"Authorization": f"Bearer {theirs}"})
    assert [line["client"] for line in lines] == ["officer"]


def test_neither_figures_nor_logs_tell_a_lookout_from_other_work_of_officers(client: Client, greens: Greens) -> None:
    an_officer(Role.INTELLIGENCE_OFFICER, login="intelligence")
    theirs = {"Authorization": f"Bearer {token_for(officer='intelligence', scopes=[])}"}
    lookout = {
        "kind": "container",
        "action": "monitor",
        "reason": "a report",
        "contact": "+00 555 0100",
        "values": ["MSCU6639870"],
        "expires_at": "2026-04-02T12:00:00Z",
    }
    before = lines_of_figures(client, "lookouts")
    with structlog.testing.capture_logs() as lines:
        raised = client.post("/api/v1/lookouts", lookout, content_type="application/json", headers=theirs)
        client.get("/api/v1/lists", headers=theirs)
    assert raised.status_code == 201, raised.content
    one, other = ({name: value for name, value in line.items() if name != "ms"} for line in lines)
    assert one == other
    assert (one["route"], one["status"]) == ("officers", 200)
    assert lines_of_figures(client, 'route="officers"')
    assert lines_of_figures(client, "lookouts") == before


def lines_of_figures(client: Client, word: str) -> list[str]:
    """Return the figures that name a word; other tests of this process may have been refused what it names."""
    return [line for line in client.get("/metrics").content.decode().splitlines() if word in line]
