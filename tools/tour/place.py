"""The place of a tour: a folder with commands run in it, and the processes started there, each ended by its id."""

import os
import shlex
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tools.tour.told import Told, clipped

ROOT: Final = Path(__file__).parents[2]
COMMAND: Final = (sys.executable, "-m", "tools.tour.clock")
STOPS_WITHIN: Final = 60.0
"""Seconds after SIGTERM; then the process is killed, and the tour has failed."""


class TourError(Exception):
    """A step that did not come out as it should."""


@dataclass(slots=True)
class Place:
    """A folder, and what runs in it. Commands are told as an officer would type them."""

    folder: Path
    told: Told
    started: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def run(
        self, *arguments: str, days_ahead: int = 0, exit_code: int = 0, quiet: bool = False, database: str = ""
    ) -> str:
        """Run `tidewaiter` with these arguments and return what it printed to standard output.

        `days_ahead` sets its clock, `database` names other records. Raises TourError on another exit code.
        """
        done = subprocess.run(
            [*COMMAND, str(days_ahead), *arguments],
            cwd=self.folder,
            env=self.environment | ({"TIDEWAITER_DATABASE": database} if database else {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if not quiet:
            lines = f"{done.stdout}{_shown(done.stderr)}".rstrip().splitlines()
            exits = [f"(exit code {done.returncode})"] if done.returncode else []
            self.told.console([typed(arguments, database), *clipped(lines), *exits])
        if done.returncode != exit_code:
            raise TourError(f"{shlex.join(arguments)}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def start(self, *arguments: str) -> None:
        """Start `tidewaiter` with these arguments in the background; its log goes to a file beside it."""
        name = arguments[0]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.started[name] = subprocess.Popen(
                [*COMMAND, "0", *arguments], cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )
        self.told.console([f"{typed(arguments)} 2>> {name}.log &"])

    def stop(self, name: str) -> int:
        """Ask one process to end and return its exit code. Raises TourError where it does not end."""
        process = self.started.pop(name)
        process.terminate()
        try:
            return process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise TourError(f"{name} did not end within {STOPS_WITHIN:.0f} seconds") from None

    def stop_all(self) -> None:
        """End whatever still runs."""
        for name in list(self.started):
            self.stop(name)

    def running(self, name: str) -> bool:
        """Tell whether a process that was started is still there."""
        return self.started[name].poll() is None

    def log(self, name: str) -> str:
        """Return what a process wrote to its log."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of every command: nothing of Tidewaiter's from outside."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TIDEWAITER_", "DJANGO_"))}
        return kept | {"PYTHONPATH": str(ROOT), "COLUMNS": "110"}


def typed(arguments: tuple[str, ...], database: str = "") -> str:
    """Return the line an officer types."""
    records = f"TIDEWAITER_DATABASE={database} " if database else ""
    return f"$ {records}tidewaiter {shlex.join(arguments)}"


def _shown(stderr: str) -> str:
    """Return what a terminal would show of standard error: a line written over itself leaves its last form."""
    return "\n".join(line.rsplit("\r", 1)[-1].rstrip() for line in stderr.splitlines())


def free_port() -> int:
    """Return a port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
