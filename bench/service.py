"""The service under load: a process of its own, 1,000 active profiles, a client on the same machine.

    python -m bench.service [--quick] [--folder FOLDER]

Latency counts from the moment a request was due at a steady rate, so that a pause is seen by all who had to wait.
"""

import argparse
import http.client
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bench.service_client import Measured, Requests, as_fast_as_it_goes, at_rate
from bench.service_world import make_world
from tidewaiter.faces.settings import DATABASE_VARIABLE

RATE = 300
"""Single declarations a second that are asked for."""

BATCH = 250
LINES = 48
LOOPS = 1_000_000
SETS = """
from tidewaiter.faces.django_start import start_django
start_django()
from tidewaiter.storage.records.asking import ask
rows = ask("SELECT d.set_id FROM records_auditevent e JOIN records_decision d ON e.record = 'decision:' || d.id "
           "ORDER BY e.sequence", ())
sets = [one for (one,) in rows]
print(len(set(sets)), sum(one != other for one, other in zip(sets, sets[1:])), sets[0])
"""
RUN = "from tidewaiter.faces.cli.main import run; run()"


@dataclass(frozen=True, slots=True)
class Plan:
    """How long each part takes, in seconds."""

    load: float
    soak: float
    publish: float
    flying: int
    """Unreleased declarations, not seconds."""


QUICK = Plan(load=8, soak=15, publish=20, flying=2_000)
WHOLE = Plan(load=60, soak=600, publish=60, flying=50_000)


class Service:
    """`tidewaiter serve` on the world in a folder and a database of its own."""

    def __init__(self, folder: Path, database: str) -> None:
        """Set the records up and start."""
        self.folder, self.port = folder, _free_port()
        self.environment = {**os.environ, DATABASE_VARIABLE: database, "TIDEWAITER_LAKE": str(folder / "lake")}
        self.world("--records")
        self.token = (folder / "client.token").read_text(encoding="utf-8").strip()
        self.started = self.start()

    def world(self, *words: str) -> str:
        """Run bench.service_world on the folder and the records; return what it said."""
        command = [sys.executable, "-m", "bench.service_world", str(self.folder), *words]
        return subprocess.run(command, env=self.environment, check=True, stdout=subprocess.PIPE, text=True).stdout

    def command(self, name: str, *words: str) -> list[str]:
        """Return the command line of one of Tidewaiter's commands that needs the shares."""
        shares = [part for number in (0, 1) for part in ("--share", str(self.folder / f"share{number}"))]
        return [sys.executable, "-c", RUN, name, *shares, *words]

    def start(self) -> float:
        """Start, and return the seconds until it was ready."""
        began = time.perf_counter()
        with (self.folder / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command("serve", "--port", str(self.port)), env=self.environment, stderr=log
            )
        while self.get("/ready")[0] != http.client.OK:
            if self.process.poll() is not None or time.perf_counter() - began > 600:
                raise SystemExit((self.folder / "serve.log").read_text(encoding="utf-8")[-2000:])
            time.sleep(0.1)
        return time.perf_counter() - began

    def stop(self) -> float:
        """Ask it to stop; return the seconds it took."""
        began = time.perf_counter()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)
        return time.perf_counter() - began

    def get(self, address: str) -> tuple[int, str]:
        """Return status and body; 0 while nothing listens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", address)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def set_in_force(self) -> str:
        """Return the digest of the set it decides by."""
        _, figures = self.get("/metrics")
        named = re.search(r'tidewaiter_set_info\{.*?digest="(\w+)"', figures)
        return named[1] if named else ""

    def cpu(self) -> float:
        """Return the processor seconds it has used."""
        return sum(times.user + times.system for times in (one.cpu_times() for one in self.processes()))

    def memory(self) -> float:
        """Return the megabytes that it has in memory; what its processes share counts once."""
        return sum(one.memory_full_info().pss for one in self.processes()) / 2**20

    def processes(self) -> list[psutil.Process]:
        """Return the service's process and those that it has started."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def calibration() -> float:
    """Return milliseconds of processor time for a fixed loop, the best of three: what the machine can give now."""
    found = []
    for _ in range(3):
        began, value = time.process_time(), 0
        for number in range(LOOPS):
            value = (value * 31 + number) & 0xFFFF
        found.append(1000 * (time.process_time() - began))
    return min(found)


def spread(name: str, found: Measured, cpu: float) -> str:
    """Return a line of the table of loads."""
    answers = len(found.took)
    return (
        f"| {name} | {found.rate:,.0f} | {found.items / found.seconds:,.0f} | {found.at(0.5):.0f} | "
        f"{found.at(0.95):.0f} | {found.at(0.99):.0f} | {found.at(1):.0f} | {1000 * cpu / max(answers, 1):.2f} |"
    )


def measured(service: Service, load: Callable[[], Measured]) -> tuple[Measured, float]:
    """Return what a load gave and the processor seconds the service used for it."""
    before = service.cpu()
    found = load()
    if found.refused:
        print(f"refused {len(found.refused)}: {found.refused[0]}", file=sys.stderr)
    return found, service.cpu() - before


def loads(service: Service, requests: Requests, plan: Plan) -> list[str]:
    """Measure single declarations at the rate asked and as fast as they go, and batches."""
    port = service.port
    at_rate(port, requests.single, 50, 3, LINES)
    steady = measured(service, lambda: at_rate(port, requests.single, RATE, plan.load, LINES))
    most = measured(service, lambda: as_fast_as_it_goes(port, requests.single, plan.load, 24))
    batches = measured(service, lambda: as_fast_as_it_goes(port, lambda: requests.batch(BATCH), plan.load, 2))
    return [
        "| load | answers/s | items/s | median ms | 95 % | 99 % | longest | CPU ms an answer |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        spread(f"single, {RATE} a second (asked: 99 % under 60 ms)", *steady),
        spread(f"single, 24 lines, as fast as it goes (asked: {RATE} a second)", *most),
        spread(f"batches of {BATCH}, 2 lines (asked: 3,000 items a second)", *batches),
    ]


def soak(service: Service, requests: Requests, plan: Plan) -> list[str]:
    """Measure a third of the rate for long, with the service's memory every five seconds."""
    memory: list[tuple[float, float]] = []
    ended = threading.Event()

    def watch() -> None:
        began = time.monotonic()
        while not ended.wait(min(5.0, plan.soak / 10)):
            memory.append(((time.monotonic() - began) / 60, service.memory()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    found, _ = measured(service, lambda: at_rate(service.port, requests.single, RATE / 3, plan.soak, LINES))
    ended.set()
    watcher.join()
    late = memory[len(memory) // 3 :]
    whole, rest = (statistics.linear_regression(*zip(*part, strict=True)).slope for part in (memory, late))
    return [
        f"- {plan.soak:.0f} s at {RATE / 3:.0f} single declarations a second: 99 % within {found.at(0.99):.0f} ms, "
        f"longest {found.at(1):.0f} ms; memory {memory[0][1]:.0f} to {memory[-1][1]:.0f} MB, "
        f"slope {whole:+.2f} MB a minute, after the first third {rest:+.2f}"
    ]


def publishing(service: Service, requests: Requests, plan: Plan) -> list[str]:
    """Publish another set of 1,000 profiles under load; return latencies and when the set changed."""
    before = service.set_in_force()
    seen: dict[str, float] = {}
    start = time.perf_counter()

    def publish() -> None:
        time.sleep(plan.publish / 5)
        seen["published"] = time.perf_counter() - start
        wanted = service.world("--publish", "2").strip()
        seen["written"] = time.perf_counter() - start
        while service.set_in_force() != wanted and time.perf_counter() - start < 10 * plan.publish:
            time.sleep(0.25)
        seen["in force"] = time.perf_counter() - start

    publisher = threading.Thread(target=publish)
    publisher.start()
    found, _ = measured(service, lambda: at_rate(service.port, requests.single, RATE / 3, plan.publish, LINES))
    publisher.join()
    quiet, busy = found.between(0, seen["published"]), found.between(seen["published"], seen["in force"])
    return [
        f"- another set of 1,000 profiles published under {RATE / 3:.0f} declarations a second: in force "
        f"{seen['in force'] - seen['written']:.1f} s after it was written; 99 % within {quiet.at(0.99):.0f} ms before, "
        f"{busy.at(0.99):.0f} ms meanwhile, longest {busy.at(1):.0f} ms; every decision by one of the two sets: "
        f"{_sets_in_order(service, before)}"
    ]


def _sets_in_order(service: Service, before: str) -> str:
    """Tell whether the decisions, in the order of the chain, name the old set and then only the new."""
    command = [sys.executable, "-c", SETS]
    done = subprocess.run(command, env=service.environment, check=True, stdout=subprocess.PIPE, text=True)
    kinds, changes, first = done.stdout.split()
    return "yes" if (kinds, changes, first) == ("2", "1", before) else f"no ({kinds} sets, {changes} changes)"


def in_flight(service: Service, requests: Requests, plan: Plan) -> list[str]:
    """Put a lookout and a profile more in force, and measure the worker asking all goods in flight, under load."""
    while requests.declarations < plan.flying:
        as_fast_as_it_goes(service.port, lambda: requests.batch(BATCH), 2, 2)
    flying = requests.declarations
    work(service)
    idle = work(service)[0]
    service.world("--news")
    seen: list[tuple[float, str]] = []
    start = time.perf_counter()
    worker = threading.Thread(target=lambda: seen.append(work(service)))
    worker.start()
    found = Measured(1.0)
    while worker.is_alive():
        some, _ = measured(service, lambda: at_rate(service.port, requests.single, RATE / 3, 5, LINES))
        found.due += [time.perf_counter() - start] * len(some.took)
        found.took += some.took
    seconds, told = seen[0]
    return [
        f"- one lookout and one profile more asked of {flying:,} unreleased declarations in "
        f"{max(0.0, seconds - idle):.1f} s (asked: 60 s for 50,000), under {RATE / 3:.0f} declarations a second, of "
        f"which 99 % took {found.at(0.99):.0f} ms, longest {found.at(1):.0f} ms; {told}"
    ]


def work(service: Service) -> tuple[float, str]:
    """Run the worker once; return the seconds it took and what it says of goods in flight."""
    began = time.perf_counter()
    command = service.command("worker", "--once")
    done = subprocess.run(command, env=service.environment, check=True, stderr=subprocess.PIPE, text=True)
    told = re.search(r'\{[^{}]*"goods in flight"[^{}]*\}', done.stderr)
    counts = json.loads(told[0]) if told else {}
    return time.perf_counter() - began, ", ".join(f"{counts.get(name)} {name}" for name in ("met", "changed", "risen"))


def restarting(service: Service) -> list[str]:
    """Measure a stop and a start with what has been decided so far."""
    stopped = service.stop()
    started = service.start()
    return [f"- stopped in {stopped:.1f} s, ready again {started:.1f} s after the start"]


def run(folder: Path, database: str, plan: Plan) -> str:
    """Measure everything on the world in the folder; return the page's part."""
    service = Service(folder, database)
    try:
        documents = json.loads((folder / "documents.json").read_text(encoding="utf-8"))
        at = datetime.now(UTC).isoformat(timespec="seconds")
        requests = Requests(documents, service.token, at, f"R{os.getpid()}N")
        before = calibration()
        work(service)
        lines = loads(service, requests, plan)
        lines += ["", *soak(service, requests, plan), *publishing(service, requests, plan)]
        lines += [*in_flight(service, requests, plan), *restarting(service)]
        kind = "PostgreSQL" if database.startswith("postgresql://") else "SQLite"
        lines.append(f"- a loop of {LOOPS:,} steps took {before:.0f} ms of CPU before and {calibration():.0f} after")
        items = sum(len(one["items"]) for one in documents)
        words = f"{kind}, {len(documents):,} documents of {items / len(documents):.1f} items, 1,000 active profiles."
        return "\n".join([words, "", *lines])
    finally:
        if service.process.poll() is None:
            service.stop()


def main() -> None:
    """Measure the service and print a part of the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute instead of a quarter of an hour")
    parser.add_argument("--items", type=int, default=100_000, help="items of the country's history")
    parser.add_argument("--folder", type=Path, help="a world made by bench.service_world (default: made anew)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        world = asked.folder or Path(folder)
        if asked.folder is None:
            make_world(world, asked.items)
        database = os.environ.get(DATABASE_VARIABLE, "")
        if not database.startswith("postgresql://"):
            database = str(Path(folder) / "records.sqlite3")
        print(run(world, database, QUICK if asked.quick else WHOLE))


if __name__ == "__main__":
    main()
