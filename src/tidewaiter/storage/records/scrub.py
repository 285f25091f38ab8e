"""Leaves nothing of removed rows in the database's own files.

SQLite: the file is written anew (VACUUM) and the write-ahead log emptied. PostgreSQL: tables and the planner's
statistics, which hold values of columns, are written anew (VACUUM FULL) and a checkpoint is asked for; its write-ahead
log keeps older pages until its segments are used again, and an archive of them, where one is kept, until it is rotated.
Both hold up writers while they run.
"""

import re
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from django.db import Error, connection, transaction
from django.db.backends.utils import CursorWrapper

from tidewaiter.core.errors import ConflictError, Problem

if TYPE_CHECKING:
    from psycopg.errors import Diagnostic

STATISTICS: Final = "pg_statistic"
"""PostgreSQL's own table of the commonest values and the spread of each column, taken from samples of the rows."""
COLUMNS: Final = """
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
"""
"""Names and types of a table's columns."""
PATIENCE_SECONDS: Final = 60
"""How long to wait for transactions that began before the removal and may still read what was removed."""


def scrub(tables: Iterable[str]) -> None:
    """Write the database anew without what was removed from these tables. Must not be called within a transaction.

    Raises ConflictError where others hold the database for too long, or where the account may not do so: what was
    removed may still be in its files.
    """
    try:
        if connection.vendor == "sqlite":
            _scrub_sqlite()
        else:
            _scrub_postgresql(sorted(set(tables)))
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


def _scrub_postgresql(tables: list[str]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    with connection.cursor() as cursor:
        _write_anew(cursor, tables, until)
        for table in tables:
            _sample_anew(cursor, table)
        _write_anew(cursor, [STATISTICS], until)
        try:
            with transaction.atomic():
                cursor.execute("CHECKPOINT")
        except Error:
            return


def _sample_anew(cursor: CursorWrapper, table: str) -> None:
    """Let the planner's statistics rest on the rows that are left.

    ANALYZE leaves those of an emptied table as they were; giving a column its own type again takes them away.
    """
    quoted = connection.ops.quote_name(table)
    cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {quoted})")
    if cursor.fetchone()[0]:
        cursor.execute(f"ANALYZE {quoted}")
        return
    cursor.execute(COLUMNS, [table])
    for column, kind in cursor.fetchall():
        cursor.execute(f"ALTER TABLE {quoted} ALTER COLUMN {connection.ops.quote_name(column)} TYPE {kind}")


def _write_anew(cursor: CursorWrapper, tables: list[str], until: float) -> None:
    """Write these tables anew, again and again until nothing removed had to be kept for those who may still read it."""
    waiting = tables
    while waiting := [table for table in waiting if _kept_for_others(cursor, table)]:
        if time.monotonic() > until:
            advice = "run it again when no long read is under way"
            raise ConflictError(Problem(f"others may still read what was removed from {waiting[0]}", suggestion=advice))
        time.sleep(0.2)


def _kept_for_others(cursor: CursorWrapper, table: str) -> int:
    """Write a table anew; return how many removed rows it had to keep, because a transaction may still read them."""
    told: list[tuple[str | None, str]] = []

    def hear(notice: "Diagnostic") -> None:
        told.append((notice.severity_nonlocalized, notice.message_detail or ""))

    session = connection.connection
    session.add_notice_handler(hear)
    try:
        cursor.execute(f"VACUUM (FULL, VERBOSE) {connection.ops.quote_name(table)}")
    finally:
        session.remove_notice_handler(hear)
    if any(severity == "WARNING" for severity, _ in told):
        advice = "make the account that Tidewaiter connects with the owner of its database, and run it again"
        raise ConflictError(Problem(f"{table} may not be written anew by this account", suggestion=advice))
    counts = [int(count.group()) for _, detail in told if (count := re.search(r"\d+", detail))]
    if not counts:
        raise ConflictError(f"PostgreSQL does not say what it kept of {table}; removed rows may still be in its files")
    return sum(counts)
