"""Logs of the service: whole lines of JSON, in order, and of an error its kind and place only."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.test import Client
from tests.office import NOON, a_client, a_token, an_officer

from tidewaiter.core.role import Role
from tidewaiter.faces.api import calling
from tidewaiter.faces.api.service import Service, use
from tidewaiter.faces.logs import Lines, UnforeseenOnly, where


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """Catch what is logged."""
    with structlog.testing.capture_logs() as found:
        yield found  # type: ignore[misc]


@pytest.fixture
def served() -> Iterator[None]:
    """Put a service in place whose clock stands at noon."""
    calling.forget_tokens()
    use(Service(clock=lambda: NOON))
    yield
    use(Service())
    calling.forget_tokens()


def test_every_line_is_written_in_order_by_the_end() -> None:
    stream = io.StringIO()
    written = Lines(stream)
    for number in range(1000):
        written.info(json.dumps({"number": number}))
    written.close()
    assert [json.loads(line)["number"] for line in stream.getvalue().splitlines()] == list(range(1000))


def test_a_stream_that_nobody_reads_stops_nothing() -> None:
    stream = io.StringIO()
    written = Lines(stream)
    stream.close()
    written.info("lost")
    written.close()


def test_of_an_error_its_kind_and_place_are_logged_and_never_its_text(lines: list[dict[str, Any]]) -> None:
    logger = logging.getLogger("tests.unforeseen")
    logger.handlers[:], logger.propagate = [UnforeseenOnly()], False
    logger.warning("Not Found: /api/v1/people/Jane")
    with pytest.raises(KeyError) as raised:
        dict[str, int]()["Jane"]
    logger.error("Jane", exc_info=raised.value)
    assert where(raised.value)[0].startswith("test_api_logs.py:")
    assert [line["error"] for line in lines] == ["KeyError"]
    assert "Jane" not in json.dumps(lines)


@pytest.mark.django_db
@pytest.mark.usefixtures("served")
def test_a_lookout_that_is_refused_is_told_like_any_other_refusal(client: Client, lines: list[dict[str, Any]]) -> None:
    an_officer(Role.EXAMINER, login="keen")
    theirs = {"Authorization": f"Bearer {a_token(officer='keen', scopes=['lookout.raise', 'list.read'])}"}
    nobodys = {"Authorization": "Bearer one-that-was-revoked"}
    port = a_client("port")
    systems = {"Authorization": f"Bearer {a_token(client='port', scopes=['decision.take'])}"}
    before = figures(client)
    refused = [
        client.post("/api/v1/lookouts", {}, content_type="application/json", headers=headers).status_code
        for headers in (theirs, nobodys)
    ]
    client.put("/api/v1/lookouts", headers=theirs)
    after = figures(client)
    client.post("/api/v1/lookouts", {}, content_type="application/json", headers=systems)
    assert refused == [403, 401]
    told = [
        (line["method"], line["route"], line["status"], line["client"]) for line in lines if line["route"] != "/metrics"
    ]
    assert told == [
        ("any", "officers", 403, "officer"),
        ("any", "refused", 401, None),
        ("any", "refused", 405, None),
        ("POST", "/api/v1/lookouts", 403, f"client:{port.pk}"),
    ]
    assert after == before


def figures(client: Client) -> list[str]:
    """Return the figures that name lookouts."""
    return [line for line in client.get("/metrics").content.decode().splitlines() if "lookouts" in line]
