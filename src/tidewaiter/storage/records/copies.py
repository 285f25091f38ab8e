"""Copies of the whole database, taken while others write, and loading one into an empty database.

SQLite: `VACUUM INTO`, one consistent file without a trace of removed rows. PostgreSQL: every table by COPY within one
REPEATABLE READ snapshot, so that neither pg_dump nor its version is needed; to be loaded into a database made by the
same migrations. A copy of one store is not loaded into the other.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from tidewaiter.core.errors import ConflictError, Problem
from tidewaiter.storage.records.models import ChainHead

SQLITE_FILE: Final = "records.sqlite3"
_LEFT_BY_SQLITE: Final = ("", "-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Copy:
    """What a copy holds: the kind of store, the migrations applied, columns by table, the end of the audit chain."""

    vendor: str
    migrations: tuple[str, ...]
    columns: Mapping[str, Sequence[str]]
    sequence: int
    hash: str


def copy_database(folder: Path) -> Copy:
    """Write a consistent copy of the database into a folder, on the disk when it returns. Not within a transaction."""
    folder.mkdir(parents=True, exist_ok=True)
    return _copy_sqlite(folder) if connection.vendor == "sqlite" else _copy_postgresql(folder)


def _copy_sqlite(folder: Path) -> Copy:
    file = folder / SQLITE_FILE
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(file)])
    _sync(file)
    with sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True) as copied:
        problems = [text for (text,) in copied.execute("PRAGMA integrity_check") if text != "ok"]
        migrations = copied.execute("SELECT name FROM django_migrations WHERE app = 'records' ORDER BY name").fetchall()
        head = copied.execute(f"SELECT sequence, hash FROM {ChainHead._meta.db_table}").fetchone()  # noqa: SLF001
    copied.close()
    if problems:
        raise ConflictError(f"the copy of the database is damaged: {problems[0]}")
    return Copy("sqlite", tuple(name for (name,) in migrations), {}, *(head or (0, "")))


def _copy_postgresql(folder: Path) -> Copy:
    columns: dict[str, list[str]] = {}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for table in _tables():
            columns[table] = [one.name for one in connection.introspection.get_table_description(cursor, table)]
            file = folder / f"{table}.copy"
            with file.open("wb") as written, cursor.copy(_copy_text(table, columns[table], "TO STDOUT")) as data:
                for block in data:
                    written.write(block)
            _sync(file)
        migrations = tuple(
            sorted(name for app, name in MigrationRecorder(connection).applied_migrations() if app == "records")
        )
        head = ChainHead.objects.first()
    return Copy("postgresql", migrations, columns, head.sequence if head else 0, head.hash if head else "")


def _tables() -> list[str]:
    """Return the tables of the records; which migrations were applied is noted apart."""
    return sorted(name for name in connection.introspection.table_names() if name.startswith("records_"))


def _copy_text(table: str, columns: Sequence[str], direction: str) -> str:
    quote = connection.ops.quote_name
    return f"COPY {quote(table)} ({', '.join(map(quote, columns))}) {direction}"


def refuse_filled() -> None:
    """Raise ConflictError unless the database that the settings name is empty, or not there."""
    if connection.vendor == "sqlite":
        place = Path(str(connection.settings_dict["NAME"]))
        if any(Path(f"{place}{end}").exists() for end in _LEFT_BY_SQLITE):
            raise ConflictError(Problem(f"there is a database at {place}", suggestion="restore into an empty place"))
    elif connection.introspection.table_names():
        raise ConflictError(Problem("the database is not empty", suggestion="restore into an empty database"))


@contextmanager
def loaded(folder: Path, copy: Copy) -> Iterator[None]:
    """Load a copy, give the block the database to work on, and put it in place only when the block ends well.

    Raises ConflictError where the copy is of the other kind of store.
    """
    if copy.vendor != connection.vendor:
        raise ConflictError(f"the copy is of {copy.vendor}, the database of the settings is {connection.vendor}")
    refuse_filled()
    with _sqlite_loaded(folder) if copy.vendor == "sqlite" else _postgresql_loaded(folder, copy):
        yield


@contextmanager
def _sqlite_loaded(folder: Path) -> Iterator[None]:
    place = Path(str(connection.settings_dict["NAME"]))
    aside = place.with_name(f"{place.name}.restoring")
    _remove_sqlite(aside)
    try:
        aside.write_bytes((folder / SQLITE_FILE).read_bytes())
        _sync(aside)
        with _named(aside):
            yield
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        aside.replace(place)
        _sync(place.parent)
    finally:
        _remove_sqlite(aside)


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """Let the connection be to another file for a while."""
    before: Any = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = str(file)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


def _remove_sqlite(file: Path) -> None:
    for end in _LEFT_BY_SQLITE:
        Path(f"{file}{end}").unlink(missing_ok=True)


@contextmanager
def _postgresql_loaded(folder: Path, copy: Copy) -> Iterator[None]:
    try:
        call_command("migrate", "records", copy.migrations[-1], verbosity=0)
        with transaction.atomic(), connection.cursor() as cursor:
            quoted = ", ".join(connection.ops.quote_name(table) for table in copy.columns)
            cursor.execute(f"TRUNCATE {quoted} CASCADE")
            for table, columns in copy.columns.items():
                with (
                    (folder / f"{table}.copy").open("rb") as file,
                    cursor.copy(_copy_text(table, columns, "FROM STDIN")) as data,
                ):
                    while block := file.read(1 << 20):
                        data.write(block)
        yield
    except BaseException:
        call_command("migrate", "records", "zero", verbosity=0)
        raise


def migrate() -> None:
    """Bring the database to the newest form, and number new rows on after the last."""
    call_command("migrate", verbosity=0)
    statements = connection.ops.sequence_reset_sql(no_style(), list(apps.get_app_config("records").get_models()))
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
