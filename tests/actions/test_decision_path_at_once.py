"""Several threads at the records at once: one decision a version, no writer that waits for ever, no lost connection."""

import os
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, connections
from tests.service_world import CATALOGUE, KEYS, NOW, a_profile, history, lodged, published

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.decisions.deciding import Decider, when_asked
from tidewaiter.actions.decisions.events import record_events
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.decisions.readying import Readying
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.actions.profiles.publishing import republish
from tidewaiter.storage.records.models import Decision, Declaration

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not os.environ.get("TIDEWAITER_DATABASE", "").startswith("postgresql://"),
        reason="on SQLite one thread of one process decides",
    ),
]


def _together(*work: Callable[[], object]) -> list[BaseException]:
    failures: list[BaseException] = []
    start = threading.Barrier(len(work))

    def run(one: Callable[[], object]) -> None:
        try:
            start.wait()
            one()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def _decide(standing: Standing, number: str) -> str:
    (answer,) = decide_group(standing, KEYS, [(lodged(number), SERVICE)], NOW)
    return answer.status


def test_one_declaration_sent_by_many_threads_is_decided_once(tmp_path: Path) -> None:
    standing = published(history(tmp_path / "lake"))
    told: list[str] = []
    failures = _together(*(lambda: told.append(_decide(standing, "A")) for _ in range(8)))
    assert failures == []
    assert Counter(told) == {"decided": 1, "repeated": 7}
    assert Decision.objects.count() == 1


def test_events_and_amendments_of_one_declaration_do_not_wait_for_each_other(tmp_path: Path) -> None:
    standing = published(history(tmp_path / "lake"))
    _decide(standing, "A")

    def amended() -> None:
        for number in range(25):
            decide_group(standing, KEYS, [(lodged("A", importer_code=f"I{number}"), SERVICE)], NOW)

    def held() -> None:
        for number in range(25):
            at = NOW + timedelta(seconds=number)
            event = {"kind": "agency_hold", "occurred_at": at, "declaration_id": "A", "detail": f"agency {number}"}
            record_events(events=[event], by=SERVICE, at=NOW)

    assert _together(amended, held) == []
    assert len(Declaration.objects.get().held_by) == 25


def test_a_process_whose_connections_were_cut_goes_on(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    republish(cause="start", by=SERVICE, at=NOW)
    readying = Readying(lake.folder, CATALOGUE, clock=lambda: NOW, every=0.05)
    readying.start()
    decider = Decider(
        when_asked(lambda group, at: decide_group(readying.standing(), KEYS, group, at)), clock=lambda: NOW, ready=list
    )
    decider.start()
    try:
        _until(lambda: readying.current is not None)
        assert decider.submit([lodged("A")], SERVICE).result(20)[0].status == "decided"
        with connection.cursor() as cursor:
            cursor.execute(_CUT)
        a_profile("VN-1", "origin = 'VN'")
        digest = republish(cause="news", by=SERVICE, at=NOW).set_id
        _until(lambda: readying.standing().content.digest == digest)
        statuses = []
        for number in range(3):
            future = decider.submit([lodged(f"B{number}")], SERVICE)
            statuses.append("failed" if future.exception(20) else future.result()[0].status)
        assert statuses[-1] == "decided", statuses
    finally:
        decider.stop()
        readying.stop()


_CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE pid <> pg_backend_pid() AND datname = current_database()"
)


def _until(done: Callable[[], bool]) -> None:
    for _ in range(400):
        if done():
            return
        threading.Event().wait(0.05)
    raise AssertionError("it did not come to pass within 20 seconds")
