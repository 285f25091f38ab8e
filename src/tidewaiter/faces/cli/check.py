"""`tidewaiter check` and `tidewaiter sql`: profile files read with care, and shown as others can run them."""

from datetime import UTC, date, datetime
from pathlib import Path

import click

from tidewaiter.core.condition import Condition
from tidewaiter.core.errors import InputError, NotKnownError
from tidewaiter.core.profile import effective_conditions
from tidewaiter.faces.cli.options import DAY, EXISTING
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.language.packs import only_profiles_in, with_neighbours, within
from tidewaiter.language.phrases import words
from tidewaiter.language.profiles import check as check_profiles
from tidewaiter.language.profiles import read_profiles
from tidewaiter.language.sql import sql_text
from tidewaiter.language.text import text_in_lines

PROBLEMS_FOUND = 1
FORMS = {"sql": sql_text, "text": text_in_lines, "words": words}


@click.command()
@click.argument("paths", nargs=-1, required=True, type=EXISTING, metavar="PATH...")
@click.option("--strict", is_flag=True, help="Count warnings as problems.")
@click.option("--on", type=DAY, help="Read lists for this day in test cases that state no lodged_on.")
def check(paths: tuple[Path, ...], strict: bool, on: date | None) -> int:
    """Check every profile, indicator and list under PATH and run their test cases.

    Every problem of every file is told with file, line, column and a suggestion. Exit code 1 when there are any.
    """
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: there is no such file or folder")
    found = check_profiles(with_neighbours(paths), load_catalogue(), on=on)
    problems = [problem for problem in found if within(problem.place.file, paths)]
    for problem in problems:
        click.echo(str(problem))
    errors = sum(not problem.warning for problem in problems)
    warnings = len(problems) - errors
    click.echo(f"{errors} problems, {warnings} warnings", err=True)
    return PROBLEMS_FOUND if errors or (strict and warnings) else 0


@click.command()
@click.argument("profile", type=EXISTING, metavar="PROFILE")
@click.option("--code", help="Which profile, where PROFILE holds several.")
@click.option(
    "--with", "others", multiple=True, type=EXISTING, metavar="PATH", help="Where its indicators and lists are."
)
@click.option("--on", type=DAY, help="Day the lists are read for (default: today).")
@click.option("--as", "form", type=click.Choice(list(FORMS)), default="sql", show_default=True, help="How to write it.")
def sql(profile: Path, code: str | None, others: tuple[Path, ...], on: date | None, form: str) -> None:
    """Print the DuckDB text of PROFILE's condition over the columns of the fact table.

    With the table that `tidewaiter facts --parquet F` writes, anyone can check a back-test with DuckDB alone:
    SELECT count(*) FROM 'F' WHERE <this text>. Indicators, lists, exceptions, flow and offices are written out.
    Indicators and lists in the same folder as PROFILE, or in `indicators` and `lists` beside it, are found.
    """
    conditions = _conditions(profile, others, on or datetime.now(UTC).date())
    if code is None and len(conditions) > 1:
        raise click.UsageError(f"{profile} holds {', '.join(conditions)}: name one with --code")
    chosen = code or next(iter(conditions), "")
    if chosen not in conditions:
        raise NotKnownError(f"there is no profile {chosen or 'at all'} in {profile}")
    click.echo(FORMS[form](conditions[chosen]))


def _conditions(profile: Path, others: tuple[Path, ...], on: date) -> dict[str, Condition]:
    """Return the conditions of the profiles that PROFILE itself holds."""
    catalogue = load_catalogue()
    known = read_profiles(with_neighbours((profile, *others)), catalogue)
    return effective_conditions(only_profiles_in(known, [profile]), catalogue, on)
