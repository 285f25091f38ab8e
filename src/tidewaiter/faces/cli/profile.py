"""`tidewaiter profile`: a folder of profile files taken into the records."""

from pathlib import Path
from zoneinfo import ZoneInfo

import click

from tidewaiter.faces.cli.options import EXISTING, lake_option
from tidewaiter.faces.cli.records import caller, now, open_records, token_option
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.storage.lake.lake import Lake


@click.group()
def profile() -> None:
    """Risk profiles in the records."""


@profile.command("import")
@click.argument("paths", nargs=-1, required=True, type=EXISTING, metavar="PATH...")
@click.option("--reason", required=True, help="Why, in a sentence; it is kept with every list and indicator.")
@click.option(
    "--rank", type=click.IntRange(0, 32767), help="Classification of the drafts (default: as before, else 0)."
)
@token_option
@lake_option
def import_profiles(
    paths: tuple[Path, ...], reason: str, rank: int | None, token_file: Path | None, lake: Path
) -> None:
    """Take the files under PATH in: profiles as your drafts, lists and indicators as your proposals.

    Nothing selects by it: a second person approves lists and indicators, and profiles go their way through test,
    review and approval. All is taken in, or nothing.
    """
    open_records()
    from tidewaiter.actions.profiles.importing import Terms, import_files  # noqa: PLC0415  # needs Django started

    at = now()
    terms = Terms(
        reason=reason,
        rank=rank,
        catalogue=load_catalogue(),
        on=at.astimezone(_zone(lake)).date(),
        by=caller(token_file),
        at=at,
    )
    done = import_files(paths, terms)
    for what in ("drafted", "rewritten", "proposed", "unchanged"):
        for name in getattr(done, what):
            click.echo(f"{what}  {name}")


def _zone(lake: Path) -> ZoneInfo:
    """Return the administration's time zone; UTC before there is a lake."""
    return ZoneInfo(Lake.open(lake).administration.time_zone if lake.is_dir() else "UTC")
