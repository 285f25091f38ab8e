"""`tidewaiter backup`, `restore` and `migrate`: the whole installation copied, brought back, brought up to date."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tidewaiter.faces.cli.options import EXISTING, lake_option
from tidewaiter.faces.cli.records import caller, now, open_records, token_option
from tidewaiter.faces.django_start import start_django

if TYPE_CHECKING:
    from tidewaiter.actions.operation.backing_up import BackupMade
    from tidewaiter.storage.attachments import Attachments

PROBLEMS_FOUND = 1
FOLDER = click.Path(path_type=Path)


class WithFolder(click.Group):
    """A group whose first argument, where it is no command, is the folder to make a backup in."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command asked for; `make` where a folder is named."""
        if args and args[0] not in self.commands:
            args = ["make", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=WithFolder, subcommand_metavar="DIR | verify DIR | list | gone NUMBER")
def backup() -> None:
    """Copy records, lake and attachments into a new folder DIR, while the service goes on; verify copies.

    Purge lists made later are kept beside the backups in purges.json, and applied to what a restore brings back.
    """


@backup.command()
@click.argument("folder", type=FOLDER, metavar="DIR")
@lake_option
def make(folder: Path, lake: Path) -> None:
    """Make a backup in the new folder DIR, read back and verified."""
    open_records()
    from tidewaiter.actions.acting import SERVICE  # noqa: PLC0415
    from tidewaiter.actions.operation.backing_up import make_backup  # noqa: PLC0415

    made = make_backup(folder=folder, lake=lake, store=attachments(), by=SERVICE, at=now())
    _tell(made)
    click.echo(f"manifest {made.digest}")


def _tell(made: "BackupMade") -> None:
    for name, part in made.parts.items():
        end = f"; audit chain up to {made.copy.sequence:,}" if name == "records" else ""
        click.echo(f"{name}: {part.files:,} files, {part.size:,} bytes{end}")
    if made.lake is None:
        click.echo("no lake to copy")


@backup.command()
@click.argument("folder", type=EXISTING, metavar="DIR")
def verify(folder: Path) -> int:
    """Read every file of the backup in DIR and name what is missing, changed or does not belong."""
    start_django()
    from tidewaiter.actions.operation.backing_up import check_backup, read_manifest  # noqa: PLC0415

    problems = check_backup(folder)
    for problem in problems:
        click.echo(str(problem))
    made = read_manifest(folder)
    if not problems:
        _tell(made)
    click.echo(f"made {made.made_at:%Y-%m-%d %H:%M:%S} by {made.program}; manifest {made.digest}", err=True)
    click.echo(f"{len(problems):,} problems", err=True)
    return PROBLEMS_FOUND if problems else 0


@backup.command("list")
def list_backups() -> None:
    """List the backups that were made and not destroyed, with how many purges came after each."""
    open_records()
    from tidewaiter.storage.records.models import Backup, Purge  # noqa: PLC0415

    listed = list(Backup.objects.filter(gone_at=None).order_by("made_at"))
    for one in listed:
        later = Purge.objects.filter(applied_at__gt=one.made_at).count()
        held = f"; holds what {later} purges took: rotate it" if later else ""
        click.echo(f"{one.pk}  {one.made_at:%Y-%m-%d %H:%M:%S}  {one.size:,} bytes  {one.place}{held}")
    click.echo(f"backups made and not destroyed: {len(listed):,}", err=True)


@backup.command()
@click.argument("number", type=int)
@token_option
def gone(number: int, token_file: Path | None) -> None:
    """Note that backup NUMBER was destroyed."""
    open_records()
    from tidewaiter.actions.operation.backing_up import note_gone  # noqa: PLC0415

    note_gone(backup=number, by=caller(token_file), at=now())


@click.command()
@click.argument("folder", type=EXISTING, metavar="DIR")
@click.option("--purges", type=EXISTING, metavar="F", help="Purge lists (default: purges.json beside DIR, if there).")
@lake_option
def restore(folder: Path, purges: Path | None, lake: Path) -> int:
    """Bring the backup in DIR back into an empty database, lake and attachments folder.

    The backup is verified first, purge lists are applied to it, and the audit chain is verified, before it is put in
    place. Exit code 1 when the audit found anything.
    """
    start_django()
    from tidewaiter.actions.operation import backing_up  # noqa: PLC0415
    from tidewaiter.actions.retention import purge_lists  # noqa: PLC0415

    beside = folder.absolute().parent / backing_up.LISTS
    file = purges if purges is not None else beside if beside.exists() else None
    lists = purge_lists.read_lists(file) if file is not None else []
    done = backing_up.restore_backup(folder=folder, lake=lake, store=attachments(), lists=lists, at=now())
    for finding in done.verified.findings:
        click.echo(finding.text)
    click.echo(f"{len(lists):,} purge lists applied, {done.purged:,} records taken away again", err=True)
    if done.verified.problems:
        click.echo(f"restored, but the audit found {done.verified.problems:,} problems", err=True)
        return PROBLEMS_FOUND
    click.echo(f"ready: {done.verified.events:,} audit events verified", err=True)
    return 0


@click.command()
@click.option("--plan", is_flag=True, help="Only say what would be done.")
def migrate(plan: bool) -> None:
    """Bring the database of an older program (or an empty one) up to date. Make a backup first."""
    start_django()
    from tidewaiter.faces.cli.records import pending  # noqa: PLC0415
    from tidewaiter.storage.records.copies import migrate as bring_up_to_date  # noqa: PLC0415

    waiting = pending()
    for name in waiting:
        click.echo(name)
    if not plan and waiting:
        bring_up_to_date()
    click.echo(f"{len(waiting)} migrations {'to apply' if plan else 'applied'}", err=True)


def attachments() -> "Attachments":
    """Return the folder of attachments that the settings name."""
    from django.conf import settings  # noqa: PLC0415

    from tidewaiter.storage.attachments import Attachments  # noqa: PLC0415

    return Attachments(Path(settings.ATTACHMENTS))
