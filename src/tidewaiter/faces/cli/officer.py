"""`tidewaiter setup`, `office`, `officer`, `client`, `token`: who works with an installation, without a web page."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tidewaiter.core.errors import InputError, Problem
from tidewaiter.core.role import Role
from tidewaiter.faces.cli.options import OUTPUT_FILE
from tidewaiter.faces.cli.records import caller, now, open_records, refuse_pending, token_option
from tidewaiter.faces.cli.write import write_secret
from tidewaiter.faces.django_start import start_django

if TYPE_CHECKING:
    from tidewaiter.actions.administration import IssuedToken
    from tidewaiter.actions.officers import Powers
    from tidewaiter.storage.records.models import Officer, Token

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
@click.option("--inspector", required=True, help="Login of the first officer of the inspectorate: another person.")
@click.option("--inspector-name", default="", help="That officer's name.")
@new_token_option
@click.option(
    "--inspector-token-to",
    type=OUTPUT_FILE,
    metavar="F",
    help="The same for the inspectorate's token.",
)
def setup(
    login: str,
    name: str,
    inspector: str,
    inspector_name: str,
    token_to: Path | None,
    inspector_token_to: Path | None,
) -> None:
    """Make a new installation: the records, its first two officers, the first published set.

    The administrator asks for officers and tokens, the inspectorate confirms them: neither gives a right alone. Each
    token is shown this once; hand them to two different people.
    """
    _refuse_places(token_to, inspector_token_to)
    _make_records()
    from tidewaiter.actions.acting import SERVICE  # noqa: PLC0415
    from tidewaiter.actions.operation.setting_up import Person, set_up  # noqa: PLC0415

    made = set_up(
        administrator=Person(login, name or login),
        inspectorate=Person(inspector, inspector_name or inspector),
        by=SERVICE,
        at=now(),
    )
    _hand_over(made.administrator, token_to, f" for {login} (administrator)")
    _hand_over(made.inspectorate, inspector_token_to, f" for {inspector} (inspectorate)")
    click.echo("give them to two different people: each officer and token now needs both", err=True)


def _refuse_places(*files: Path | None) -> None:
    """Raise InputError where two tokens would go to one file, or one over a file that is there: no token is lost."""
    named = [file for file in files if file is not None]
    taken = [file for file in named if file.exists()]
    if taken:
        raise InputError(Problem(f"{taken[0]} is there already", suggestion="a token goes to a new file"))
    if len({file.absolute() for file in named}) < len(named):
        raise InputError(Problem("both tokens would go to one file", suggestion="two people: name two files"))


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


@officer.command("list")
@token_option
def list_officers(token_file: Path | None) -> None:
    """List officers: login, whether the account is in use, clearance, office, roles."""
    open_records()
    from tidewaiter.actions import officers  # noqa: PLC0415

    for one in officers.read_officers(by=caller(token_file), at=now()):
        click.echo(f"{one.login}  {_told(officers.powers_of(one))}")


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
    """Add an officer, who can do nothing before a second person confirms it: `tidewaiter officer confirm`.

    A token of their own is issued with `tidewaiter token issue`.
    """
    open_records()
    from tidewaiter.actions import officers  # noqa: PLC0415

    made = officers.add_officer(
        login=login,
        name=name or login,
        roles=roles,
        clearance=clearance,
        office=code,
        by=caller(token_file),
        at=now(),
    )
    _tell(made, "added")


@officer.command("change")
@click.argument("login")
@click.option("--role", "roles", type=ROLES, multiple=True, required=True, help="Every role from now on (repeatable).")
@click.option("--clearance", type=CLEARANCE, required=True, help="Rank of the classification scheme.")
@click.option("--active/--inactive", default=True, help="Whether the account may be used.")
@click.option("--office", "code", help="Another office (default: as it is).")
@click.option("--all-offices", is_flag=True, help="From now on all offices.")
@token_option
def change_officer(
    login: str,
    roles: tuple[str, ...],
    clearance: int,
    active: bool,
    code: str | None,
    all_offices: bool,
    token_file: Path | None,
) -> None:
    """Take rights from an officer, at once; what is more than before waits for a second person."""
    if code and all_offices:
        raise InputError("--office and --all-offices exclude each other")
    open_records()
    from tidewaiter.actions import officers  # noqa: PLC0415

    place = None if all_offices else code or officers.AS_IT_IS
    changed = officers.change_officer(
        login=login, roles=roles, clearance=clearance, active=active, office=place, by=caller(token_file), at=now()
    )
    _tell(changed, "changed")


@officer.command("waiting")
@token_option
def list_waiting(token_file: Path | None) -> None:
    """List what waits for a second person: for officers, and tokens; who asked, what for."""
    open_records()
    from tidewaiter.actions import administration, officers  # noqa: PLC0415

    by, at = caller(token_file), now()
    for grant in officers.read_grants(by=by, at=at).filter(state=officers.WAITING):
        has, asked = _told(officers.powers_of(grant.officer)), _told(officers.powers_of(grant))
        click.echo(f"grant {grant.pk}  {grant.officer.login}  asked by {grant.proposed_by.login}: {has} -> {asked}")
    for token in administration.read_tokens(by=by, at=at).filter(waits=True, revoked_at=None):
        if token.state(at) == "waiting":
            click.echo(_token_line(token, at))


@officer.command("confirm")
@click.argument("number", type=NUMBER)
@token_option
def confirm_grant(number: int, token_file: Path | None) -> None:
    """Let an officer have what grant NUMBER asks for: not who asked, nor whom it concerns."""
    open_records()
    from tidewaiter.actions import officers  # noqa: PLC0415

    done = officers.confirm_grant(grant=number, by=caller(token_file), at=now())
    click.echo(f"officer {done.officer.login}: {_told(officers.powers_of(done.officer))}", err=True)


@officer.command("refuse")
@click.argument("number", type=NUMBER)
@click.option("--reason", default="", help="Why.")
@token_option
def refuse_grant(number: int, reason: str, token_file: Path | None) -> None:
    """Refuse what grant NUMBER asks for: what stood stays."""
    open_records()
    from tidewaiter.actions import officers  # noqa: PLC0415

    officers.refuse_grant(grant=number, reason=reason, by=caller(token_file), at=now())
    click.echo(f"grant {number} refused", err=True)


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
    """Issue a token. An officer's token without scopes allows what the roles allow; a client's needs scopes.

    One for somebody else lets nobody in before a second person confirms it: `tidewaiter token confirm`.
    """
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


@token.command("list")
@token_option
def list_tokens(token_file: Path | None) -> None:
    """List tokens, without their texts: whose, their state, who issued and who confirmed them."""
    open_records()
    from tidewaiter.actions import administration  # noqa: PLC0415

    at = now()
    for one in administration.read_tokens(by=caller(token_file), at=at):
        click.echo(_token_line(one, at))


@token.command("confirm")
@click.argument("number", type=NUMBER)
@token_option
def confirm_token(number: int, token_file: Path | None) -> None:
    """Let token NUMBER be used: not who issued it, nor whose it is."""
    open_records()
    from tidewaiter.actions import administration  # noqa: PLC0415

    administration.confirm_token(token=number, by=caller(token_file), at=now())
    click.echo(f"token {number} confirmed", err=True)


@token.command("refuse")
@click.argument("number", type=NUMBER)
@token_option
def refuse_token(number: int, token_file: Path | None) -> None:
    """Refuse token NUMBER: it is never good."""
    open_records()
    from tidewaiter.actions import administration  # noqa: PLC0415

    administration.refuse_token(token=number, by=caller(token_file), at=now())
    click.echo(f"token {number} refused", err=True)


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


def _hand_over(issued: "IssuedToken", file: Path | None, whose: str = "") -> None:
    """Give a new token's text away, once."""
    if file is None:
        click.echo(issued.text)
    else:
        write_secret(file, f"{issued.text}\n")
    where = "" if file is None else f" written to {file}"
    click.echo(f"token {issued.token.pk}{whose}{where}: it is shown this once", err=True)
    if issued.token.waits:
        click.echo(f"it waits for a second person: tidewaiter token confirm {issued.token.pk}", err=True)


def _tell(officer: "Officer", done: str) -> None:
    """Say what was done to an officer at once, and what waits."""
    from tidewaiter.actions.officers import waiting_grants  # noqa: PLC0415

    click.echo(f"officer {officer.login} {done}", err=True)
    for grant in waiting_grants([officer]).values():
        click.echo(f"what is asked waits for a second person: tidewaiter officer confirm {grant.pk}", err=True)


def _told(powers: "Powers") -> str:
    """Return what an officer has, in words."""
    use, roles = "in use" if powers.active else "not in use", "; ".join(powers.roles) or "no role"
    return f"{use}, clearance {powers.clearance}, {powers.office or 'all offices'}, {roles}"


def _token_line(token: "Token", at: datetime) -> str:
    """Return a token on one line."""
    whose = token.officer.login if token.officer else f"client system {token.client}"
    persons = [f"issued by {token.issued_by.login}" if token.issued_by else "issued by the set-up or before"]
    persons += [f"decided by {token.decided_by.login}"] if token.decided_by else []
    scopes = f"; scopes {' '.join(token.scopes)}" if token.scopes else ""
    return f"token {token.pk}  {whose}  {token.label}: {token.state(at)}, {', '.join(persons)}{scopes}"
