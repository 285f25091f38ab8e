"""The service as a process: it decides, refuses what it must on the wire, and stops without losing an answer."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.served import COMMAND, Served, free_port

pytestmark = pytest.mark.slow


@pytest.fixture
def served(tmp_path: Path, service_database: str) -> Iterator[Served]:
    """Serve, and end what is still running."""
    found = Served(tmp_path, service_database)
    yield found
    if found.process.poll() is None:
        found.process.kill()
        found.process.wait()


def test_calls_under_way_are_answered_and_kept_when_the_service_is_told_to_stop(served: Served) -> None:
    answers: dict[str, dict[str, Any]] = {}
    cut: list[str] = []

    def send(name: str) -> None:
        for count in range(500):
            number = f"{name}{count}"
            try:
                status, told = served.decide(number)
            except ConnectionRefusedError:
                return
            except OSError as error:
                cut.append(f"{number}: {error!r}")
                return
            assert status in (201, 503), told
            if status == 201:
                answers[number] = told

    threads = [threading.Thread(target=send, args=(name,)) for name in "ABCDEFGH"]
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    assert served.stop() == 0
    for thread in threads:
        thread.join()
    assert len(answers) > 20
    assert not [one for one in cut if "refused" not in one.lower() and "reset" not in one.lower()], cut
    served.start()
    for number, told in list(answers.items())[-40:]:
        assert served.decide(number) == (200, told)


def test_what_is_wrong_on_the_wire_is_refused_and_the_service_goes_on(served: Served) -> None:
    large = 40 * 1024 * 1024
    head = f"POST /api/v1/decisions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.token}\r\n"
    assert b" 413 " in served.raw(f"{head}Content-Length: {large}\r\n\r\n".encode() + b" " * large)[:100]
    chunked = f"{head}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"
    assert b" 411 " in served.raw(chunked.encode())[:100]
    for sent in (
        b"\x00" * 1000,
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /api/v1/decisions HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ):
        assert b" 500 " not in served.raw(sent)[:100]
    assert b" 40" in served.raw(b"GET /api/v1/decisions/%ff%00 HTTP/1.1\r\nHost: x\r\n\r\n")[:100]
    assert served.decide("AFTER")[0] == 201
    log = (served.folder / "serve.log").read_text()
    assert "AFTER" not in log
    assert "Traceback" not in log


def test_an_address_that_is_taken_is_told(served: Served) -> None:
    shares = [part for number in (0, 1) for part in ("--share", str(served.folder / f"share{number}"))]
    command = [*COMMAND, "serve", "--port", str(served.port), *shares]
    second = subprocess.run(command, env=served.environment, capture_output=True, check=False, text=True, timeout=60)
    assert second.returncode == 2
    assert f"cannot listen at 127.0.0.1:{served.port}" in second.stderr


@pytest.mark.skipif(
    os.environ.get("TIDEWAITER_DATABASE", "").startswith("postgresql://"), reason="PostgreSQL takes any number"
)
def test_a_second_service_on_the_same_records_is_refused(served: Served) -> None:
    shares = [part for number in (0, 1) for part in ("--share", str(served.folder / f"share{number}"))]
    command = [*COMMAND, "serve", "--port", str(free_port()), *shares]
    second = subprocess.run(command, env=served.environment, capture_output=True, check=False, text=True, timeout=60)
    assert second.returncode == 2
    assert f"another serve runs on these records (process {served.process.pid})" in second.stderr


def test_a_second_worker_is_refused_and_the_first_works_on(served: Served) -> None:
    shares = [part for number in (0, 1) for part in ("--share", str(served.folder / f"share{number}"))]
    command = [*COMMAND, "worker", *shares]
    with subprocess.Popen(command, env=served.environment, stderr=subprocess.PIPE, text=True) as first:
        try:
            assert first.stderr is not None
            assert first.stderr.readline()  # it has begun to work
            second = subprocess.run(
                [*command, "--once"], env=served.environment, capture_output=True, text=True, check=False, timeout=60
            )
            assert (second.returncode, first.poll()) == (2, None)
            assert "another worker runs on these records" in second.stderr
        finally:
            first.terminate()
            first.communicate()
        assert first.wait(60) == 0


def test_a_process_beside_it_that_is_killed_is_made_again_and_no_answer_is_lost(served: Served) -> None:
    answers: dict[str, dict[str, Any]] = {}
    refused: list[dict[str, Any]] = []

    def send(name: str) -> None:
        count = since = 0
        while since < 10:
            status, told = served.decide(f"{name}{(count := count + 1)}")
            if status == 201:
                answers[f"{name}{count}"] = told
                since += bool(refused)
            else:
                assert status == 503, told
                refused.append(told)
                time.sleep(0.05)

    threads = [threading.Thread(target=send, args=(name,)) for name in "ABCD"]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    (beside,) = psutil.Process(served.process.pid).children()
    before = len(answers)
    beside.kill()
    for thread in threads:
        thread.join()
    assert len(answers) >= before + 40
    for number, told in [*answers.items()][:20] + [*answers.items()][-20:]:
        assert served.decide(number) == (200, told)
    assert served.process.poll() is None
