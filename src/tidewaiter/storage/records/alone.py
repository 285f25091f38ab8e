"""One process of a kind on the same records: a lock that the system lets go when the process ends, however it ends.

On SQLite it is a lock on a file beside the database, on PostgreSQL one that a connection of its own holds. The files
stay: a lock on a file that somebody took away would be no lock.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from django.db import Error, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from tidewaiter.core.errors import ConflictError, InputError, Problem

PATIENCE: Final = 3.0
"""Seconds that one who comes next waits for another to end: a service that is started again at once finds its place."""

_EVERY: Final = 0.1
_PRODUCT: Final = 0x7469_6465
"""The first half of the number of PostgreSQL's lock; locks are the database's own."""

_NUMBERS: Final = {"serve": 1, "worker": 2}

_STILL_THERE: Final = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
"""The server lets go within half a minute of a machine that is gone without a word."""


@contextmanager
def alone(kind: str, *, patience: float = PATIENCE) -> Iterator[Callable[[], None]]:
    """Hold the place of the one process of a kind (serve, worker), and give what checks that it is still held.

    Raises ConflictError where another holds it, also later, from the check, where the database let it go. Records in
    memory are nobody else's.
    """
    if connection.vendor == "postgresql":
        with _connected(kind, patience) as check:
            yield check
        return
    name = str(connection.settings_dict["NAME"])
    handle = _locked(f"{Path(name).resolve()}-{kind}", kind, patience) if Path(name).is_absolute() else None
    try:
        yield lambda: None
    finally:
        if handle is not None:
            os.close(handle)


def _locked(file: str, kind: str, patience: float) -> int:
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise InputError(Problem(f"{file} cannot be written: {error.strerror}")) from error
    if not _taken(lambda: _flocked(handle), patience):
        holder = os.pread(handle, 20, 0).decode(errors="replace").strip()
        os.close(handle)
        raise _other(kind, f" (process {holder})" if holder else "")
    os.truncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    return handle


def _flocked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _connected(kind: str, patience: float) -> Iterator[Callable[[], None]]:
    own = connection.copy()
    number = _NUMBERS[kind]

    def check() -> None:
        try:
            _asked(own, "SELECT 1")
        except Error as error:
            advice = "start it again when the database answers"
            raise ConflictError(Problem("the database let go of this process", suggestion=advice)) from error

    try:
        _asked(own, _STILL_THERE)
        if not _taken(lambda: _asked(own, f"SELECT pg_try_advisory_lock({_PRODUCT}, {number})"), patience):
            raise _other(kind, "")
        yield check
    finally:
        own.close()


def _asked(own: BaseDatabaseWrapper, text: str) -> bool:
    """Ask on the connection of the lock; a row whose value is true tells yes."""
    with own.cursor() as cursor:
        cursor.execute(text)
        return bool(cursor.description and cursor.fetchone()[0])


def _taken(attempt: Callable[[], bool], patience: float) -> bool:
    until = time.monotonic() + patience
    while not attempt():
        if time.monotonic() >= until:
            return False
        time.sleep(_EVERY)
    return True


def _other(kind: str, who: str) -> ConflictError:
    return ConflictError(
        Problem(f"another {kind} runs on these records{who}", suggestion="one is enough: stop it first")
    )
