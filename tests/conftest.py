"""Settings of all tests: time is no test, and `make check` asks laws fewer examples than `make test`.

That holds for laws that state a number of examples too: where the quick ones are asked, it is the most of any.

Tests of the records are marked `records`, so that they can be run again on PostgreSQL (CONTRIBUTING.md says how).
"""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings
from schemathesis.pytest.plugin import SchemathesisCase

settings.register_profile("full", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("full"), max_examples=15)
LAWS = os.environ.get("LAWS", "full")
settings.load_profile(LAWS)

TOUCH_RECORDS = {"db", "transactional_db", "live_server", "service_database"}
"""Fixtures whose tests touch the records."""

STATED = "_hypothesis_internal_use_settings"
"""Where Hypothesis keeps what a law states."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the records, before `-m` chooses among the marks."""
    for item in items:
        if item.get_closest_marker("django_db") or TOUCH_RECORDS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.records)
        if LAWS == "quick":
            _ask_at_most(settings().max_examples, getattr(item, "obj", None))


def _ask_at_most(examples: int, law: object) -> None:
    """Let a law that states its own number of examples ask no more than that many."""
    stated = getattr(law, STATED, None) if is_hypothesis_test(law) else None
    if stated is not None and stated.max_examples > examples:
        setattr(law, STATED, settings(stated, max_examples=examples))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector) -> Generator[None, object, object]:
    """Make no requests of the OpenAPI document where slow tests are left out: to collect them takes many seconds."""
    made = yield
    left_out = isinstance(made, SchemathesisCase) and "not slow" in collector.config.getoption("markexpr")
    return [] if left_out else made


@pytest.fixture
def service_database(tmp_path: Path, worker_id: str) -> Iterator[str]:
    """Name an empty database of this test's own, on the store of this run, for a service started as a process.

    Give it to the process as TIDEWAITER_DATABASE; it is gone after the test.
    """
    store = os.environ.get("TIDEWAITER_DATABASE", "")
    if not store.startswith("postgresql://"):
        yield str(tmp_path / "records.sqlite3")
        return
    from tests.postgres_server import drop_database, own_database  # noqa: PLC0415 - psycopg only where it is used

    yield own_database(store, name := f"service_{worker_id}")
    drop_database(store, name)


@pytest.fixture
def kept_connection() -> Iterator[None]:
    """Let no request close the connection that the test's transaction runs on, as Django's own test client does."""
    from django.core.signals import request_finished, request_started  # noqa: PLC0415  settings come first
    from django.db import close_old_connections  # noqa: PLC0415

    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)
