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
    """Make the records ready. Raises ConflictError where the database has still to be migrated."""
    start_django()
    refuse_pending()


def refuse_pending() -> None:
    """Raise ConflictError, saying what to run, where the database is older (or newer) than this program."""
    from django.db import connection  # noqa: PLC0415
    from django.db.migrations.loader import MigrationLoader  # noqa: PLC0415

    loader = MigrationLoader(connection)
    known, applied = set(loader.disk_migrations), set(loader.applied_migrations)
    newer = sorted(name for app, name in applied - known if app == "records")
    if newer:
        raise ConflictError(
            Problem(f"a newer program has changed the database ({newer[-1]})", suggestion="update this program")
        )
    pending = sorted(name for app, name in known - applied if app == "records")
    if pending:
        first = "the database is empty" if len(pending) == len(known) else "the database is of an older program"
        advice = "make a backup where it holds anything, then run: tidewaiter migrate"
        raise ConflictError(Problem(f"{first}: {len(pending)} migrations are to be applied", suggestion=advice))


def caller(token_file: Path | None) -> "Caller":
    """Return who gives the command, by the own token. Raises InputError without one, NotAllowedError for a bad one."""
    from tidewaiter.actions.administration import caller_of  # noqa: PLC0415

    text = os.environ.get(TOKEN_VARIABLE, "") if token_file is None else _read(token_file)
    if not text:
        raise InputError(Problem("who are you?", suggestion=f"give --token-file F, or set {TOKEN_VARIABLE}"))
    try:
        return caller_of(text, now())
    except NotAllowedError:
        raise NotAllowedError("the token is not known, expired or revoked") from None


def now() -> datetime:
    """Return the moment of the command."""
    return datetime.now(UTC)


def _read(file: Path) -> str:
    if str(file) == "-":
        return sys.stdin.readline().strip()
    return file.read_text(encoding="utf-8").strip()
