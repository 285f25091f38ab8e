"""Django's SQLite backend, with writers in turn.

SQLite lets one transaction write at a time and wakes nobody when it ends: who waits looks again now and then, and one
that begins its next transaction at once is always first. Under load the service would keep its worker, and officers'
calls, waiting until they give up. So whoever wants to write first takes its turn, a lock on a file beside the database,
and holds it until its transaction has begun: then the one that just wrote stands behind.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db.backends.sqlite3 import base

TURN = "-turn"
"""What the name of the file ends with."""


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose transactions begin in turn."""

    def _start_transaction_under_autocommit(self) -> None:
        with _in_turn(str(self.settings_dict["NAME"])):
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # not among the stubs


@contextmanager
def _in_turn(database: str) -> Iterator[None]:
    """Hold the turn; without one where no file can be made beside the database."""
    handle = _opened(database)
    try:
        if handle is not None:
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _opened(database: str) -> int | None:
    if not Path(database).is_absolute():
        return None  # in memory: nobody else is there
    try:
        return os.open(database + TURN, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        return None
