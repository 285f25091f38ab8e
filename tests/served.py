"""The service for tests that need a process of its own: a small lake, empty records, one client system."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.api_world import a_declaration
from tests.service_world import history

from tidewaiter.engines.selection.key_shares import write_share
from tidewaiter.engines.selection.keys import new_shares

PREPARE = """
import sys
from tidewaiter.faces.cli.main import exit_code
for line in sys.argv[1].splitlines():
    assert exit_code(line.split()) == 0, line
"""
COMMAND = [sys.executable, "-c", "from tidewaiter.faces.cli.main import run; run()"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """A service on a small lake with one client system, in a process of its own."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder, self.port = folder, free_port()
        self.environment = {**os.environ, "TIDEWAITER_DATABASE": database, "TIDEWAITER_LAKE": str(folder / "lake")}
        history(folder / "lake")
        for number, share in enumerate(new_shares(os.urandom, from_day=date(2024, 1, 1))):
            write_share(share, folder / f"share{number}")
        self._prepare()
        self.token = (folder / "client.token").read_text().strip()
        self.process = self.start()

    def _prepare(self) -> None:
        root, second = self.folder / "root.token", self.folder / "second.token"
        lines = [
            f"setup --login root --token-to {root} --inspector second --inspector-token-to {second}",
            f"client add clearance --token-file {root}",
            f"token issue c --client clearance --scope decision.take --token-to {self.folder / 'client.token'} "
            f"--token-file {root}",
            f"token confirm 3 --token-file {second}",
        ]
        subprocess.run([sys.executable, "-c", PREPARE, "\n".join(lines)], env=self.environment, check=True)

    def start(self) -> "subprocess.Popen[bytes]":
        """Start the service and wait until it is ready."""
        shares = [part for number in (0, 1) for part in ("--share", str(self.folder / f"share{number}"))]
        command = [*COMMAND, "serve", "--port", str(self.port), *shares]
        with (self.folder / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, stderr=log)
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if self.ask("GET", "/ready")[0] == 200:
                    return self.process
            except OSError:
                pass
            time.sleep(0.1)
        pytest.fail((self.folder / "serve.log").read_text()[-4000:])

    def ask(self, method: str, address: str, body: bytes = b"") -> tuple[int, dict[str, Any]]:
        """Send one request on a connection of its own; return status and answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, address, body, {"Authorization": f"Bearer {self.token}"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def decide(self, number: str) -> tuple[int, dict[str, Any]]:
        """Lodge a declaration of that number."""
        document = a_declaration(declaration_id=number, previous_document=f"BL{number}")
        return self.ask("POST", "/api/v1/decisions", json.dumps(document).encode())

    def raw(self, sent: bytes) -> bytes:
        """Send bytes as they are; return what comes back until the connection ends or is quiet."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            connection.sendall(sent)
            received = b""
            try:
                while part := connection.recv(65536):
                    received += part
            except (TimeoutError, ConnectionResetError):
                pass
            return received

    def stop(self) -> int:
        """Ask the service to stop; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)
