"""`tidewaiter retention`, `purge` and `subject-access`: how long records are kept, how they go, what is held."""

from datetime import UTC
from pathlib import Path

import click

from tidewaiter.faces.cli.backup import attachments
from tidewaiter.faces.cli.options import OUTPUT_OR_STANDARD, lake_option
from tidewaiter.faces.cli.records import caller, now, open_records, token_option
from tidewaiter.faces.cli.write import write_text

FOLDER = click.Path(path_type=Path)
_WITHHELD = "withheld: above your clearance"


@click.group()
def retention() -> None:
    """How long records are kept: rules by two persons, what is due, legal holds."""


@retention.command()
@token_option
def rules(token_file: Path | None) -> None:
    """List the rule in force for every kind, and those that wait for a second person."""
    open_records()
    from tidewaiter.actions.retention import retention_lists  # noqa: PLC0415

    by = caller(token_file)
    for one in retention_lists.rules_in_force(by=by, at=now()):
        click.echo(f"{one.kind:12} {one.days:6} days  {one.legal_basis}")
    for waiting in retention_lists.rules_proposed(by=by, at=now()):
        click.echo(f"{waiting.kind:12} {waiting.days:6} days  {waiting.legal_basis}  (rule {waiting.number}, proposed)")


@retention.command()
@click.argument("kind")
@click.argument("days", type=int)
@click.option("--legal-basis", required=True, help="The law it rests on.")
@token_option
def propose(kind: str, days: int, legal_basis: str, token_file: Path | None) -> None:
    """Propose that records of KIND be kept for DAYS days."""
    open_records()
    from tidewaiter.actions.retention.retention import propose_rule  # noqa: PLC0415

    made = propose_rule(kind=kind, days=days, legal_basis=legal_basis, by=caller(token_file), at=now())
    click.echo(f"rule {made.number} for {made.kind}: it waits for a second person")


@retention.command()
@click.argument("kind")
@click.argument("number", type=int)
@token_option
def approve(kind: str, number: int, token_file: Path | None) -> None:
    """Put rule NUMBER for KIND in force, as the second person."""
    open_records()
    from tidewaiter.actions.retention.retention import approve_rule  # noqa: PLC0415

    made = approve_rule(kind=kind, number=number, by=caller(token_file), at=now())
    click.echo(f"rule {made.number} for {made.kind} is in force: {made.days} days")


@retention.command()
@token_option
@lake_option
def due(token_file: Path | None, lake: Path) -> None:
    """List what is past its rule, in the records and in the lake alone."""
    open_records()
    from tidewaiter.actions.retention.retention import list_due  # noqa: PLC0415

    found = list_due(lake=_lake(lake), by=caller(token_file), at=now())
    if not found:
        click.echo("nothing is due", err=True)
    for one in found:
        held = "  HELD" if one.held else ""
        click.echo(f"{one.record or _WITHHELD}  {one.since.astimezone(UTC):%Y-%m-%d}  {one.rule}{held}")


@retention.command()
@click.argument("record")
@click.option("--reason", required=True, help="Why, and who asked for it.")
@token_option
@lake_option
def hold(record: str, reason: str, token_file: Path | None, lake: Path) -> None:
    """Hold RECORD (declaration:NUMBER), which is there, and all that would go with it, back from every purge."""
    open_records()
    from tidewaiter.actions.retention.holds import place_hold  # noqa: PLC0415

    made = place_hold(about=record, reason=reason, lake=_lake(lake), by=caller(token_file), at=now())
    click.echo(f"hold {made.pk}")


@retention.command()
@click.argument("number", type=int)
@click.option("--reason", required=True, help="Why.")
@token_option
def lift(number: int, reason: str, token_file: Path | None) -> None:
    """Ask that legal hold NUMBER be lifted; it stands until a second person confirms it."""
    open_records()
    from tidewaiter.actions.retention.holds import lift_hold  # noqa: PLC0415

    lift_hold(hold=number, reason=reason, by=caller(token_file), at=now())
    click.echo(f"hold {number} stands until a second person agrees: tidewaiter retention confirm-lift {number}")


@retention.command("confirm-lift")
@click.argument("number", type=int)
@click.option("--refuse", is_flag=True, help="Let the hold stand.")
@token_option
def confirm_lift_of(number: int, refuse: bool, token_file: Path | None) -> None:
    """Lift legal hold NUMBER, as the second person."""
    open_records()
    from tidewaiter.actions.retention.holds import confirm_lift  # noqa: PLC0415

    confirm_lift(hold=number, agreed=not refuse, by=caller(token_file), at=now())
    click.echo(f"hold {number} {'stands' if refuse else 'is lifted'}")


@click.group()
def purge() -> None:
    """The one way data goes: a list by the privacy officer, approved by another, run everywhere."""


@purge.command()
@click.argument("records", nargs=-1)
@click.option("--due", "all_due", is_flag=True, help="All that is past its rule and not held.")
@click.option("--reason", required=True, help="Why.")
@token_option
@lake_option
def make(records: tuple[str, ...], all_due: bool, reason: str, token_file: Path | None, lake: Path) -> None:
    """Make a purge list of RECORDS (declaration:NUMBER ...), or of all that is due."""
    open_records()
    from tidewaiter.actions.retention import retention as keeping  # noqa: PLC0415
    from tidewaiter.actions.retention.purging import make_purge  # noqa: PLC0415

    by, at = caller(token_file), now()
    listed: list[keeping.Due | str] = list(records)
    if all_due:
        listed += [one for one in keeping.due(at, _lake(lake)) if not one.held]
    made = make_purge(records=listed, reason=reason, by=by, at=at)
    click.echo(f"{made.pk}: {len(made.records):,} records, list {made.digest}; it waits for a second person")


@purge.command()
@click.argument("number")
@click.option("--after", type=click.IntRange(0), default=0, show_default=True, help="Begin after this place.")
@click.option("--limit", type=click.IntRange(1, 1000), default=1000, show_default=True, help="How many at most.")
@token_option
def show(number: str, after: int, limit: int, token_file: Path | None) -> None:
    """Show what list NUMBER names, to approve it or not; of a list that was run, digests."""
    open_records()
    from tidewaiter.actions.retention.retention_lists import read_entries  # noqa: PLC0415

    found = read_entries(number=number, after=after, limit=limit, by=caller(token_file), at=now())
    for one in found:
        named = one.record or one.digest or _WITHHELD
        stayed = f"  stayed ({one.stayed})" if one.stayed else ""
        click.echo(f"{one.place:6}  {one.kind:12} {named}  {one.rule}{stayed}")
    if len(found) == limit:
        click.echo(f"there may be more: --after {found[-1].place}", err=True)


@purge.command("approve")
@click.argument("number")
@token_option
def approve_list(number: str, token_file: Path | None) -> None:
    """Approve list NUMBER, as the second person."""
    open_records()
    from tidewaiter.actions.retention.purging import approve_purge  # noqa: PLC0415

    approve_purge(number=number, by=caller(token_file), at=now())
    click.echo(f"list {number} is approved; the worker runs it when the day turns, or: tidewaiter purge run {number}")


@purge.command()
@click.argument("number")
@token_option
@lake_option
def run(number: str, token_file: Path | None, lake: Path) -> None:
    """Take away what approved list NUMBER names; run again, it goes on where it was cut off.

    The lists are written to purges.json beside every backup that can be reached.
    """
    open_records()
    from tidewaiter.actions.operation.backing_up import keep_lists_beside  # noqa: PLC0415
    from tidewaiter.actions.retention.purging import run_purge  # noqa: PLC0415

    done = run_purge(number=number, lake=lake, store=attachments(), by=caller(token_file), at=now())
    click.echo(f"{done.records:,} records with {done.parts:,} parts are gone")
    for digest, why in done.stayed.items():
        click.echo(f"stayed ({why}): {digest}")
    for backup in done.backups:
        click.echo(f"backup {backup.pk} at {backup.place} still holds them: rotate it")
    for place in keep_lists_beside(done.backups):
        click.echo(f"lists kept in {place}", err=True)


@purge.command()
@click.argument("file", type=OUTPUT_OR_STANDARD)
@token_option
def lists(file: Path, token_file: Path | None) -> None:
    """Write every list that was applied to FILE, to be kept beside backups: restore applies them."""
    open_records()
    from tidewaiter.actions.retention.purge_lists import export_lists, lists_to_json  # noqa: PLC0415

    write_text(file, lists_to_json(export_lists(by=caller(token_file), at=now())))


@click.command("subject-access")
@click.argument("party")
@click.argument("folder", type=FOLDER, metavar="DIR")
@click.option(
    "--withhold-from", type=click.IntRange(0), default=1, show_default=True, help="Rank of lookouts left out."
)
@token_option
@lake_option
def subject_access(party: str, folder: Path, withhold_from: int, token_file: Path | None, lake: Path) -> None:
    """Write all that is held on PARTY (code or name) into the new folder DIR: JSON, a page, and CSV.

    What law exempts is left out, and its number told to you alone.
    """
    open_records()
    from tidewaiter.actions.retention.subject_access import subject_data, write_export  # noqa: PLC0415

    by, at = caller(token_file), now()
    data = subject_data(party=party, lake=_lake(lake), withheld_from=withhold_from, by=by, at=at)
    for file in write_export(data, folder):
        click.echo(str(file))
    for kind, count in data.withheld.items():
        click.echo(f"withheld: {count:,} {kind}", err=True)


def _lake(lake: Path) -> Path | None:
    """Return the lake's folder; None where there is none."""
    return lake if lake.exists() else None
