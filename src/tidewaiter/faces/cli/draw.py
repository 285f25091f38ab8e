"""`tidewaiter draw`: the locked draw's shares, days, opened keys and the auditor's check."""

import json
import secrets
from dataclasses import asdict
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.engines.selection.key_shares import write_share
from tidewaiter.engines.selection.keys import new_shares
from tidewaiter.engines.selection.sealed_store import seal as sealed_content
from tidewaiter.engines.selection.sealed_store import write_sealed
from tidewaiter.engines.selection.secret_files import create_secret, read_secret
from tidewaiter.faces.cli.options import DAY, EXISTING, OUTPUT_FILE, OUTPUT_OR_STANDARD, lake_option
from tidewaiter.faces.cli.records import caller, now, open_records, token_option
from tidewaiter.faces.cli.write import write_text
from tidewaiter.faces.draw_keys import custody_of, key_options
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.storage.lake.lake import Lake

WRONG_DRAW = 1


@click.group()
def draw() -> None:
    """The locked draw: custodians' shares, days and their keys, the auditor's check."""


@draw.command()
@click.option("--from", "from_day", type=DAY, required=True, help="First day whose key this pair gives.")
@click.option("--out-a", type=OUTPUT_FILE, required=True, metavar="FILE", help="Share of the first custodian.")
@click.option("--out-b", type=OUTPUT_FILE, required=True, metavar="FILE", help="Share of the second custodian.")
def shares(from_day: date, out_a: Path, out_b: Path) -> None:
    """Make a pair of shares. Each custodian keeps one file; neither alone says anything of any draw."""
    one, other = new_shares(secrets.token_bytes, from_day=from_day)
    write_share(one, out_a)
    write_share(other, out_b)
    click.echo(f"pair {one.pair}, keys from {from_day} on")
    click.echo("Give each file to one custodian and keep no copy; `serve` and `worker` need both to start.", err=True)


@draw.command()
@key_options
@click.option("--out", type=OUTPUT_FILE, required=True, metavar="FILE", help="The sealed store to write.")
def seal(shares: tuple[Path, ...], sealed: Path | None, out: Path) -> None:
    """Seal the shares into one file that two passphrases open together, so that a restart needs no share files."""
    keys = custody_of(shares, sealed)
    first = _new_passphrase("first")
    second = _new_passphrase("second")
    write_sealed(sealed_content(keys, first, second, randomness=secrets.token_bytes), out)
    click.echo(f"sealed: {out}")


def _new_passphrase(whose: str) -> str:
    told = f"New passphrase of the {whose} person"
    given: str = click.prompt(told, hide_input=True, confirmation_prompt=True, err=True)
    return given


@draw.command()
def state() -> None:
    """Show the days of the draw: digest lodged, goods not released, key opened."""
    open_records()
    from tidewaiter.actions.draws import days_of_the_draw  # noqa: PLC0415

    for one in days_of_the_draw():
        opened = f"opened {one.opened_at:%Y-%m-%d %H:%M}Z" if one.opened_at else "closed"
        click.echo(f"{one.day}  {one.key_digest}  {one.in_flight:>6} in flight  {opened}")


@draw.command("open")
@click.option("--day", type=DAY, required=True, help="Day whose key is opened.")
@click.option(
    "--out", type=OUTPUT_FILE, required=True, metavar="FILE", help="Where the key goes (readable by you only)."
)
@click.option(
    "--second-token-file", type=EXISTING, required=True, metavar="F", help="Token of the other officer, as a file."
)
@token_option
@key_options
@lake_option
def open_day(
    day: date,
    out: Path,
    second_token_file: Path,
    token_file: Path | None,
    shares: tuple[Path, ...],
    sealed: Path | None,
    lake: Path,
) -> None:
    """Open the key of a day to an auditor: the inspectorate (your token) and another officer (the other token).

    Refused while goods drawn with it are unreleased, for up to 30 days.
    """
    keys = custody_of(shares, sealed)
    open_records()
    from tidewaiter.actions.acting import officer_of  # noqa: PLC0415
    from tidewaiter.actions.draws import open_key  # noqa: PLC0415

    at = now()
    today = at.astimezone(ZoneInfo(Lake.open(lake).administration.time_zone)).date()
    second = officer_of(caller(second_token_file))
    key = open_key(day=day, keys=keys, second=second, today=today, by=caller(token_file), at=at)
    create_secret(out, f"{key.hex()}\n".encode())
    click.echo(f"key of {day}: {out}")


@draw.command()
@click.option("--day", type=DAY, required=True, help="Day to check.")
@click.option("--key-file", type=EXISTING, required=True, metavar="F", help="The opened key (from `draw open`).")
@click.option("--json", "json_file", type=OUTPUT_OR_STANDARD, metavar="F", help="Write what was found as JSON.")
@token_option
@lake_option
def verify(day: date, key_file: Path, json_file: Path | None, token_file: Path | None, lake: Path) -> int:
    """Check that every drawn and undrawn declaration and every officer assigned that day is right.

    Exit code 1 when anything is not.
    """
    open_records()
    from tidewaiter.actions.audit.draw_checking import verify_draw  # noqa: PLC0415

    zone = ZoneInfo(Lake.open(lake).administration.time_zone)
    found = verify_draw(
        day=day, key=_key(key_file), zone=zone, catalogue=load_catalogue(), by=caller(token_file), at=now()
    )
    if json_file is not None:
        write_text(json_file, json.dumps(asdict(found), default=str, ensure_ascii=False, indent=1) + "\n")
    for line in found.discrepancies:
        click.echo(line)
    click.echo(
        f"{day}: {found.declarations:,} declarations, {found.decisions:,} decisions, {found.drawn:,} in the random "
        f"sample, {found.assignments:,} assignments, {found.reexaminations:,} lots for a second examination; "
        f"{len(found.discrepancies):,} discrepancies",
        err=bool(json_file and str(json_file) == "-"),
    )
    if found.believed:
        click.echo(f"{found.believed:,} marks left by purged declarations were taken as they stand", err=True)
    return WRONG_DRAW if found.discrepancies else 0


def _key(file: Path) -> bytes:
    text = bytes(read_secret(file)).decode("ascii", "replace").strip()
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        advice = "give the file that `tidewaiter draw open` wrote"
        raise InputError(Problem("holds no key of a day (64 hexadecimal digits)", Place(str(file)), advice))
    return key
