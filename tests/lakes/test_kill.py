import csv
import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tidewaiter.core.errors import LakeError
from tidewaiter.storage.lake.ingest.run import ingest_file
from tidewaiter.storage.lake.lake import Lake

KILLS = 50
ONE = """
import datetime, sys
from tidewaiter.storage.lake.ingest.run import ingest_file
ingest_file(sys.argv[1], sys.argv[2], loaded_at=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
"""
NURSERY = """
import datetime, os, sys
from tidewaiter.storage.lake.ingest.run import ingest_file
while line := sys.stdin.readline():
    child = os.fork()
    if child == 0:
        ingest_file(*line.rstrip("\\n").split("\\t"), loaded_at=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
        os._exit(0)
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""
"""A process that has everything imported and gives birth to one ingest at a time: starting Python 50 times is slow."""


def write(path: Path, number: int, rows: int = 40) -> Path:
    header = ["declaration_id", "item_number", "lodged_at", "flow", "net_mass"]
    body = [
        [f"D{number}-{n}", 1, f"2024-{n % 12 + 1:02d}-01", "import", "x" if n % 20 == 0 else n] for n in range(rows)
    ]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *body])
    return path


def state(folder: Path) -> tuple[str, int]:
    """Return the state of the lake after reading every file it names against its digest and number of rows."""
    snapshot = Lake.open(folder).snapshot()
    for file in snapshot.manifest.files("declarations"):
        path = folder / file.path
        assert hashlib.sha256(path.read_bytes()).hexdigest() == file.digest
        assert pq.read_metadata(path).num_rows == file.rows
    return snapshot.id, snapshot.rows("declarations")


@contextmanager
def nursery() -> Iterator[Callable[[Path, Path, float], None]]:
    """Give a function that begins to load a file into a lake and kills the load after some seconds."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", NURSERY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asked, told = process.stdin, process.stdout

        def kill(lake: Path, file: Path, after: float) -> None:
            asked.write(f"{lake}\t{file}\n")
            asked.flush()
            child = int(told.readline())
            time.sleep(after)
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            assert told.readline() == "gone\n"

        yield kill
        asked.close()


@pytest.mark.slow
def test_an_ingest_killed_at_any_moment_leaves_the_lake_as_before_or_as_after(tmp_path: Path) -> None:
    files = [write(tmp_path / f"{number}.csv", number) for number in range(KILLS)]
    lake, plain = tmp_path / "lake", tmp_path / "never-killed"
    expected = []
    for file in files[:4]:
        begun = time.monotonic()
        ingest_file(plain, file)
        taken = time.monotonic() - begun
        expected.append(state(plain)[1])
    per_file = expected[0]
    ingest_file(lake, files[0])
    chance, rows, changed = random.Random(7), per_file, 0
    with nursery() as kill:
        for round_number in range(KILLS):
            before = state(lake)
            kill(lake, files[round_number % (KILLS - 1) + 1], chance.uniform(0, taken * 1.3))
            after = state(lake)
            if after[1] == rows:
                assert after == before
            else:
                assert after[1] == rows + per_file
                rows, changed = after[1], changed + 1
    assert 0 < changed < KILLS
    whole = tmp_path / "whole.csv"
    header, *_ = files[0].read_text().splitlines()
    whole.write_text("\n".join([header, *(line for file in files for line in file.read_text().splitlines()[1:])]))
    report = ingest_file(lake, whole)
    assert (report.unchanged, report.accepted) == (rows, per_file * KILLS - rows)
    assert state(lake)[1] == per_file * KILLS


def test_a_full_disk_leaves_the_lake_as_it_was(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    ingest_file(lake, write(tmp_path / "first.csv", 1))
    before = state(lake)
    write(tmp_path / "second.csv", 2, rows=4000)

    def small_files_only() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    worker = subprocess.run(
        [sys.executable, "-c", ONE, str(lake), str(tmp_path / "second.csv")],
        capture_output=True, text=True, check=False, preexec_fn=small_files_only,
    )  # fmt: skip
    assert worker.returncode != 0
    assert "LakeError" in worker.stderr
    assert state(lake) == before


def test_a_lake_that_may_not_be_written_says_so(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    ingest_file(lake, write(tmp_path / "first.csv", 1))
    (lake / "lock").unlink()
    (lake / "lock").mkdir()
    with pytest.raises(LakeError, match="cannot be written"):
        ingest_file(lake, write(tmp_path / "second.csv", 2))
    assert list((lake / "lock").iterdir()) == []
