"""Leaves nothing of removed rows in the database's own files.

SQLite: the file is written anew (VACUUM) and the write-ahead log emptied. PostgreSQL: tables are written anew (VACUUM
FULL) and a checkpoint is asked for; its write-ahead log keeps older pages until its segments are used again, and an
archive of them, where one is kept, until it is rotated. Both hold up writers while they run.
"""

from collections.abc import Iterable

from django.db import Error, connection, transaction

from tidewaiter.core.errors import ConflictError, Problem


def scrub(tables: Iterable[str]) -> None:
    """Write the database anew without what was removed from these tables. Must not be called within a transaction.

    Raises ConflictError where others hold the database for too long: what was removed may still be in its files.
    """
    try:
        if connection.vendor == "sqlite":
            _scrub_sqlite()
        else:
            _scrub_postgresql(tables)
    except Error as error:
        advice = "run it again when fewer are at work"
        raise ConflictError(Problem(f"the database could not be written anew: {error}", suggestion=advice)) from error


def _scrub_sqlite() -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (busy, *_) = cursor.fetchone()
    if busy:
        advice = "run it again when no long read is under way"
        raise ConflictError(Problem("the write-ahead log is still being read and was not emptied", suggestion=advice))


def _scrub_postgresql(tables: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        for table in sorted(set(tables)):
            cursor.execute(f"VACUUM (FULL) {connection.ops.quote_name(table)}")
        try:
            with transaction.atomic():
                cursor.execute("CHECKPOINT")
        except Error:
            return
