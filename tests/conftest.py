"""Settings of all tests: time is no test, and `make check` asks laws fewer examples than `make test`.

Tests of the records are marked `records`, so that they can be run again on PostgreSQL (CONTRIBUTING.md says how).
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("full", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("full"), max_examples=15)
settings.load_profile(os.environ.get("LAWS", "full"))

TOUCH_RECORDS = {"db", "transactional_db", "live_server", "service_database"}
"""Fixtures whose tests touch the records."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the records, before `-m` chooses among the marks."""
    for item in items:
        if item.get_closest_marker("django_db") or TOUCH_RECORDS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.records)


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
