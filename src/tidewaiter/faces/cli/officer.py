"""`tidewaiter setup`, `office`, `officer`, `client`, `token`: who works with an installation, without a web page."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tidewaiter.core.role import Role
from tidewaiter.faces.cli.options import OUTPUT_FILE
from tidewaiter.faces.cli.records import caller, now, open_records, refuse_pending, token_option
from tidewaiter.faces.cli.write import write_secret
from tidewaiter.faces.django_start import start_django

if TYPE_CHECKING:
    from tidewaiter.actions.administration import IssuedToken

ROLES = click.Choice([role.value for role in Role])
NUMBER = click.IntRange(1)
CLEARANCE = click.IntRange(0, 32767)

new_token_option = click.option(
    "--token-to",
    type=OUTPUT_FILE,
    metavar="F",
    help="Write the new token to this file, which only you can read (default: standard output).",
)


@click.command()
@click.option("--login", required=True, help="Login of the first administrator.")
@click.option("--name", default="", help="The administrator's name.")
@new_token_option
def setup(login: str, name: str, token_to: Path | None) -> None:
    """Make a new installation: the records, the first administrator, the first published set.

    The administrator adds officers and client systems; nobody selects anything before a profile is approved. The
    token is shown this once.
    """
    _make_records()
    from tidewaiter.actions.acting import SERVICE  # noqa: PLC0415
    from tidewaiter.actions.operation.setting_up import set_up  # noqa: PLC0415

    _hand_over(set_up(login=login, name=name or login, by=SERVICE, at=now()), token_to)


@click.group()
def office() -> None:
    """Customs offices."""


@office.command("add")
@click.argument("code")
@click.option("--name", default="", help="Its name.")
@token_option
def add_office(code: str, name: str, token_file: Path | None) -> None:
    """Add the office that declarations name by CODE."""
    open_records()
    from tidewaiter.actions import administration  # noqa: PLC0415

    administration.add_office(code=code, name=name, by=caller(token_file), at=now())
    click.echo(f"office {code} added", err=True)


@click.group()
def officer() -> None:
    """Officers, their roles and clearance."""


@officer.command("add")
@click.argument("login")
@click.option("--name", default="", help="The officer's name.")
@click.option("--role", "roles", type=ROLES, multiple=True, required=True, help="A role (repeatable).")
@click.option("--clearance", type=CLEARANCE, default=0, show_default=True, help="Rank of the classification scheme.")
@click.option("--office", "code", help="The office the officer works at (default: all).")
@token_option
def add_officer(
    login: str, name: str, roles: tuple[str, ...], clearance: int, code: str | None, token_file: Path | None
) -> None:
    """Add an officer. A token of their own is issued with `tidewaiter token issue`."""
    open_records()
    from tidewaiter.actions import administration  # noqa: PLC0415

    administration.add_officer(
        login=login,
        name=name or login,
        roles=roles,
        clearance=clearance,
        office=code,
        by=caller(token_file),
        at=now(),
    )
    click.echo(f"officer {login} added", err=True)


@officer.command("change")
@click.argument("login")
@click.option("--role", "roles", type=ROLES, multiple=True, required=True, help="Every role from now on (repeatable).")
@click.option("--clearance", type=CLEARANCE, required=True, help="Rank of the classification scheme.")
@click.option("--active/--inactive", default=True, help="Whether the account may be used.")
@token_option
def change_officer(login: str, roles: tuple[str, ...], clearance: int, active: bool, token_file: Path | None) -> None:
    """Give an officer other roles or clearance, or take the account out of use."""
    open_records()
    from tidewaiter.actions import administration  # noqa: PLC0415

    administration.change_officer(
        login=login, roles=roles, clearance=clearance, active=active, by=caller(token_file), at=now()
    )
    click.echo(f"officer {login} changed", err=True)


@click.group()
def client() -> None:
    """Client systems: what calls the service."""


@client.command("add")
@click.argument("name")
@token_option
def add_client(name: str, token_file: Path | None) -> None:
    """Add a client system."""
    open_records()
    from tidewaiter.actions import administration  # noqa: PLC0415

    administration.add_client(name=name, by=caller(token_file), at=now())
    click.echo(f"client system {name} added", err=True)


@click.group()
def token() -> None:
    """Tokens of officers and client systems."""


@token.command("issue")
@click.argument("label")
@click.option("--officer", "login", help="For the officer with this login.")
@click.option("--client", "system", help="For this client system.")
@click.option("--scope", "scopes", multiple=True, help="An action it may be used for (repeatable).")
@click.option("--expires", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]), help="Until when: 2027-01-01T00:00:00+0000.")
@new_token_option
@token_option
def issue_token(
    label: str,
    login: str | None,
    system: str | None,
    scopes: tuple[str, ...],
    expires: datetime | None,
    token_to: Path | None,
    token_file: Path | None,
) -> None:
    """Issue a token. An officer's token without scopes allows what the roles allow; a client's needs scopes."""
    open_records()
    from tidewaiter.actions import administration  # noqa: PLC0415

    issued = administration.issue_token(
        label=label,
        officer=login,
        client=system,
        scopes=scopes,
        expires_at=expires,
        by=caller(token_file),
        at=now(),
    )
    _hand_over(issued, token_to)


@token.command("revoke")
@click.argument("number", type=NUMBER)
@token_option
def revoke_token(number: int, token_file: Path | None) -> None:
    """Revoke the token of that number for good."""
    open_records()
    from tidewaiter.actions import administration  # noqa: PLC0415

    administration.revoke_token(token=number, by=caller(token_file), at=now())
    click.echo(f"token {number} revoked", err=True)


def _make_records() -> None:
    """Make the tables of an empty database; one that holds any is opened as it is."""
    start_django()
    from django.core.management import call_command  # noqa: PLC0415  # needs Django started
    from django.db import connection  # noqa: PLC0415

    if not connection.introspection.table_names():
        call_command("migrate", verbosity=0)
    refuse_pending()


def _hand_over(issued: "IssuedToken", file: Path | None) -> None:
    """Give a new token's text away, once."""
    if file is None:
        click.echo(issued.text)
    else:
        write_secret(file, f"{issued.text}\n")
    where = "" if file is None else f" written to {file}"
    click.echo(f"token {issued.token.pk}{where}: it is shown this once", err=True)
