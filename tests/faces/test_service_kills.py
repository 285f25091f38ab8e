"""The service killed at random moments under load: what was answered is there, once and whole; nothing else is half."""

import http.client
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from tests.api_world import a_declaration
from tests.served import Served

from tidewaiter.storage.records.audit import START
from tidewaiter.storage.records.chain import row_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

KILLS = 52
SENDERS = 6
LONGEST_LIFE = 0.7
"""Seconds under load before a kill."""

PUBLISH = """
from datetime import UTC, datetime
from tidewaiter.faces.django_start import start_django
start_django()
from tests.service_world import a_profile
from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.profiles.publishing import republish
a_profile("SHOES", "origin = 'VN'", probability=0.5)
republish(cause="test", by=SERVICE, at=datetime.now(UTC))
"""

STARTER = """
import os, sys
from tidewaiter.faces.cli.main import exit_code
from tidewaiter.faces.django_start import start_django
start_django()
import tidewaiter.faces.serving, tidewaiter.faces.urls
for line in sys.stdin:
    number = os.fork()
    if number == 0:
        os._exit(exit_code(line.split()))
    print(number, flush=True)
    print(os.waitpid(number, 0)[1], flush=True)
"""
"""Serves in a new process for each line it reads: what takes seconds, importing, is done once for all of them."""

type Query = Callable[[str], list[tuple[Any, ...]]]

NOTHING_HALF: dict[str, str] = {
    "a decision whose declaration's version is not there": (
        "SELECT d.id FROM records_decision d LEFT JOIN records_lodgement l "
        "ON l.declaration_id = d.declaration_id AND l.version = d.version WHERE l.id IS NULL"
    ),
    "a version that was not decided": (
        "SELECT l.declaration_id FROM records_lodgement l LEFT JOIN records_decision d "
        "ON d.declaration_id = l.declaration_id AND d.version = l.version WHERE d.id IS NULL"
    ),
    "a version decided twice": (
        "SELECT declaration_id, version FROM records_decision GROUP BY 1, 2 HAVING COUNT(*) > 1"
    ),
    "a declaration that does not stand where its last decision put it": (
        "SELECT x.declaration_id FROM records_declaration x LEFT JOIN records_decision d "
        "ON d.id = x.decision_id AND d.channel = x.channel AND d.version = x.version WHERE d.id IS NULL"
    ),
    "a decision without one event of the chain": (
        "SELECT d.id FROM records_decision d LEFT JOIN records_auditevent e "
        "ON e.record = 'decision:' || d.id AND e.action = 'decision.take' GROUP BY d.id HAVING COUNT(e.sequence) <> 1"
    ),
    "an event of a decision that is not there": (
        "SELECT e.record FROM records_auditevent e LEFT JOIN records_decision d "
        "ON e.record = 'decision:' || d.id WHERE e.action = 'decision.take' AND d.id IS NULL"
    ),
    "an event whose salt is not there": (
        "SELECT e.sequence FROM records_auditevent e LEFT JOIN records_auditsalt s ON s.sequence = e.sequence "
        "WHERE e.digest <> '' AND s.sequence IS NULL"
    ),
    "a selected declaration nobody will look at": (
        "SELECT d.id FROM records_decision d LEFT JOIN records_act a ON a.declaration_id = d.declaration_id "
        "WHERE d.channel IN ('red', 'orange', 'yellow') AND a.act_id IS NULL"
    ),
    "an act whose decision or event is not there": (
        "SELECT a.act_id FROM records_act a LEFT JOIN records_decision d ON d.id = a.decision_id "
        "LEFT JOIN records_auditevent e ON e.record = 'act:' || a.act_id AND e.action = 'act.open' "
        "WHERE d.id IS NULL OR e.sequence IS NULL"
    ),
    "a declaration that cannot be found by its goods": (
        "SELECT x.declaration_id FROM records_declaration x LEFT JOIN records_mark m "
        "ON m.declaration_id = x.declaration_id AND m.kind = 'document' WHERE m.id IS NULL"
    ),
}
"""What must be nowhere, and what finds it."""


@dataclass(slots=True)
class Sent:
    """What the senders know: the answers they got, by number and version, and what was cut off by a kill."""

    answers: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    cut: list[dict[str, Any]] = field(default_factory=list)


class Killed(Served):
    """A service that is started again and again; `number` is that of its process while there is one."""

    number: int | None = None

    def _prepare(self) -> None:
        super()._prepare()
        self.environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        subprocess.run([sys.executable, "-c", PUBLISH], env=self.environment, check=True)
        with (self.folder / "serve.log").open("ab") as log:
            self.starter = subprocess.Popen(
                [sys.executable, "-c", STARTER],
                env=self.environment,
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )

    def start(self) -> "subprocess.Popen[Any]":
        """Start the service in a process of its own and wait until it is ready; return what started it."""
        assert self.starter.stdin
        assert self.starter.stdout
        shares = " ".join(f"--share {self.folder / f'share{number}'}" for number in (0, 1))
        print(f"serve --port {self.port} {shares}", file=self.starter.stdin, flush=True)
        self.number = int(self.starter.stdout.readline())
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                if self.ask("GET", "/ready")[0] == 200:
                    return self.starter
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.02)
        pytest.fail((self.folder / "serve.log").read_text()[-4000:])

    def end(self, sign: signal.Signals, *, whole: bool = False) -> int:
        """Send the signal to the service, and if it is meant `whole` to what decides beside it; return how it ended."""
        assert self.starter.stdout
        assert self.number
        beside = psutil.Process(self.number).children() if whole else []
        os.kill(self.number, sign)
        for process in beside:
            process.send_signal(sign)
        self.number = None
        return os.waitstatus_to_exitcode(int(self.starter.stdout.readline()))

    def close(self) -> None:
        """End what is still running."""
        if self.number:
            self.end(signal.SIGKILL)
        self.starter.communicate(timeout=60)


@pytest.fixture
def served(tmp_path: Path, service_database: str) -> Iterator[Killed]:
    """Serve, and end what is still running."""
    found = Killed(tmp_path, service_database)
    yield found
    found.close()


@pytest.fixture
def query(service_database: str, served: Killed) -> Iterator[Query]:
    """Ask the records past the service."""
    if service_database.startswith("postgresql://"):
        with psycopg.connect(service_database, autocommit=True) as server:
            yield lambda statement: server.execute(statement.encode()).fetchall()
    else:
        file = sqlite3.connect(service_database)
        yield lambda statement: file.execute(statement).fetchall()
        file.close()


def documents(name: str, count: int) -> list[dict[str, Any]]:
    """Return what a sender sends next: one declaration, an amendment of the one before, or three in a batch."""
    several = 3 if count % 4 == 3 else 1
    made = [
        a_declaration(2, declaration_id=f"{name}-{count}-{n}", previous_document=f"BL{name}{count}{n}")
        for n in range(several)
    ]
    if count % 4 == 1:
        amended = a_declaration(3, declaration_id=f"{name}-{count - 1}-0", previous_document=f"BL{name}{count - 1}0")
        made = [{**amended, "version": 2}]
    return [{"version": 1, **one} for one in made]


def send(served: Killed, name: str, sent: Sent) -> None:
    """Send one call after another until the service is gone."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    for count in range(10_000):
        wanted = documents(name, count)
        try:
            answered = told(served, connection, wanted)
        except (OSError, http.client.HTTPException):
            sent.cut += wanted
            return
        for one, answer in zip(wanted, answered, strict=True):
            sent.answers[one["declaration_id"], one["version"]] = answer


def told(served: Killed, connection: http.client.HTTPConnection, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Send declarations in one call; return the decisions."""
    batch = len(wanted) > 1
    address, document = ("/batch", {"declarations": wanted}) if batch else ("", wanted[0])
    headers = {"Authorization": f"Bearer {served.token}"}
    connection.request("POST", f"/api/v1/decisions{address}", json.dumps(document), headers)
    response = connection.getresponse()
    answer = json.loads(response.read())
    assert response.status in (200, 201), answer
    return [one["decision"] for one in answer["answers"]] if batch else [answer]


def stored(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the part of an answer that never changes."""
    now = ("current_channel", "current_decision", "acts_open")
    return {name: value for name, value in answer.items() if name not in now}


def check_chain(query: Query) -> None:
    """Fail unless the chain is whole from its first event to its end."""
    expected, before = 1, START
    columns = "sequence, CAST(at AS TEXT), actor, action, record, digest, previous, hash"
    for values in query(f"SELECT {columns} FROM records_auditevent ORDER BY sequence"):
        row = row_of(*values)
        assert (row.sequence, row.previous, row.hash) == (expected, before, row.due_hash)
        expected, before = expected + 1, row.hash
    assert query("SELECT sequence, hash FROM records_chainhead") == [(expected - 1, before)]


def check_records(query: Query, sent: Sent) -> dict[tuple[str, int], dict[str, Any]]:
    """Fail unless all that was answered is there, once and as answered, and nothing is half there; return all."""
    for what, statement in NOTHING_HALF.items():
        assert not query(statement), what
    rows = query("SELECT declaration_id, version, answer FROM records_decision")
    held = {(number, version): json.loads(answer) for number, version, answer in rows}
    lost = {key for key, answer in sent.answers.items() if held.get(key) != stored(answer)}
    assert not lost
    return held


def test_what_was_answered_outlives_every_kill_and_nothing_is_half_written(served: Killed, query: Query) -> None:
    chance = random.Random(1)
    sent = Sent()
    cut_off = 0
    for life in range(KILLS):
        senders = [
            threading.Thread(target=send, args=(served, f"L{life}{letter}", sent)) for letter in "ABCDEF"[:SENDERS]
        ]
        for sender in senders:
            sender.start()
        time.sleep(chance.uniform(0, LONGEST_LIFE))
        assert served.end(signal.SIGKILL, whole=life % 2 == 1) == -signal.SIGKILL
        for sender in senders:
            sender.join()
        held = check_records(query, sent)
        served.start()
        check_chain(query)
        again = [*sent.cut, *documents(f"L{life}A", 0)]
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
        for document in again:
            (answer,) = told(served, connection, [document])
            key = (document["declaration_id"], document["version"])
            assert stored(answer) == held.get(key, stored(answer))
            sent.answers[key] = answer
        connection.close()
        cut_off += len(sent.cut)
        sent.cut.clear()
    assert cut_off > KILLS
    assert len(sent.answers) > 5 * KILLS
    assert served.end(signal.SIGTERM) == 0
    check_records(query, sent)
    check_chain(query)
