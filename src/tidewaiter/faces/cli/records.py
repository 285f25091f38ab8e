"""What commands that touch the records share: Django made ready, a database up to date, and who gives the command.

Commands import what needs Django inside their functions, so that all others start without it.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, Problem
from tidewaiter.faces.cli.options import EXISTING
from tidewaiter.faces.django_start import start_django

if TYPE_CHECKING:
    from tidewaiter.actions.acting import Caller

TOKEN_VARIABLE: Final = "TIDEWAITER_TOKEN"  # noqa: S105  # the name of a variable

token_option = click.option(
    "--token-file",
    type=EXISTING,
    metavar="F",
    help=f"File with your token (default: the variable {TOKEN_VARIABLE}; - reads standard input).",
)


def open_records() -> None:
    """Make the records ready. Raises ConflictError where the database has still to be migrated.

    Raises InputError where it cannot be opened.
    """
    start_django()
    from django.db import OperationalError  # noqa: PLC0415

    try:
        refuse_pending()
    except OperationalError as error:
        advice = "TIDEWAITER_DATABASE names the database"
        raise InputError(Problem(f"the records cannot be opened: {error}", suggestion=advice)) from error


def refuse_pending() -> None:
    """Raise ConflictError, saying what to run, where the database is older (or newer) than this program."""
    waiting = pending()
    if waiting:
        first = "the database is empty" if waiting[0].startswith("0001") else "the database is of an older program"
        advice = "make a backup where it holds anything, then run: tidewaiter migrate"
        raise ConflictError(Problem(f"{first}: {len(waiting)} migrations are to be applied", suggestion=advice))


def pending() -> list[str]:
    """Return the migrations that are to be applied; all where there is no database yet, and none is made.

    Raises ConflictError where a newer program has changed the database.
    """
    from django.db import connection  # noqa: PLC0415
    from django.db.migrations.loader import MigrationLoader  # noqa: PLC0415

    missing = connection.vendor == "sqlite" and not _exists(str(connection.settings_dict["NAME"]))
    loader = MigrationLoader(None if missing else connection)
    known = {name for app, name in loader.disk_migrations if app == "records"}
    applied = {name for app, name in loader.applied_migrations or () if app == "records"}
    if applied - known:
        newest = max(applied - known)
        raise ConflictError(Problem(f"a newer program has changed the database ({newest})", suggestion="update yours"))
    return sorted(known - applied)


def _exists(name: str) -> bool:
    return name.startswith("file:") or Path(name).exists()


def caller(token_file: Path | None) -> "Caller":
    """Return who gives the command, by the own token. Raises InputError without one, NotAllowedError for a bad one."""
    from tidewaiter.actions.administration import WaitingError, caller_of  # noqa: PLC0415

    text = os.environ.get(TOKEN_VARIABLE, "") if token_file is None else _read(token_file)
    if not text:
        raise InputError(Problem("who are you?", suggestion=f"give --token-file F, or set {TOKEN_VARIABLE}"))
    try:
        return caller_of(text, now())
    except WaitingError:
        raise
    except NotAllowedError:
        raise NotAllowedError("the token is not known, expired or revoked") from None


def now() -> datetime:
    """Return the moment of the command."""
    return datetime.now(UTC)


def _read(file: Path) -> str:
    if str(file) == "-":
        return sys.stdin.readline().strip()
    return file.read_text(encoding="utf-8").strip()
