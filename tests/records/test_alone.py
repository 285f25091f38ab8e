"""One worker on the same records, and one that comes after a killed one begins at once."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

HOLDING = """
import sys, time
import django; django.setup()
from tidewaiter.storage.records.alone import alone
with alone(sys.argv[1], patience=float(sys.argv[2])) as check:
    check()
    print("held", flush=True)
    time.sleep(float(sys.argv[3]))
"""


@pytest.fixture
def environment(service_database: str) -> dict[str, str]:
    """Return what names empty records of this test's own."""
    settings = "tidewaiter.faces.settings"
    return {**os.environ, "TIDEWAITER_DATABASE": service_database, "DJANGO_SETTINGS_MODULE": settings}


@contextmanager
def holding(kind: str, environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """Let a process hold the place of a kind; it is killed at the end at the latest."""
    command = [sys.executable, "-c", HOLDING, kind, "3", "60"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def tried(kind: str, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Let another process try the place of a kind for a moment."""
    command = [sys.executable, "-c", HOLDING, kind, "0.3", "0"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.records
def test_a_second_process_of_a_kind_is_refused_while_the_first_runs(environment: dict[str, str]) -> None:
    with holding("worker", environment):
        refused = tried("worker", environment)
        assert "another worker runs on these records" in refused.stderr
        assert tried("serve", environment).stdout == "held\n"


@pytest.mark.slow
@pytest.mark.records
def test_after_a_killed_one_the_next_begins_at_once(environment: dict[str, str]) -> None:
    with holding("worker", environment) as first:
        first.kill()
        first.wait()
        began = time.monotonic()
        with holding("worker", environment):
            assert time.monotonic() - began < 10


@pytest.mark.slow
@pytest.mark.skipif(
    os.environ.get("TIDEWAITER_DATABASE", "").startswith("postgresql://"), reason="the lock on the file is SQLite's"
)
def test_the_refusal_names_the_process_also_under_another_name_of_the_file(environment: dict[str, str]) -> None:
    file = environment["TIDEWAITER_DATABASE"]
    open(file, "ab").close()  # noqa: PTH123
    os.symlink(file, f"{file}.link")  # noqa: PTH211
    with holding("worker", environment) as first:
        refused = tried("worker", environment | {"TIDEWAITER_DATABASE": f"{file}.link"})
        assert f"(process {first.pid})" in refused.stderr
