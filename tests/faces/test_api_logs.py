"""Logs of the service: whole lines of JSON, in order, and of an error its kind and place only."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from tidewaiter.faces.logs import Lines, UnforeseenOnly, where


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """Catch what is logged."""
    with structlog.testing.capture_logs() as found:
        yield found  # type: ignore[misc]


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
