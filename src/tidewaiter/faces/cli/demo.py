"""`tidewaiter demo`: the main job from end to end on a generated country."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import monotonic

import click

from tidewaiter.actions.lake.backtest import BackTest, back_test
from tidewaiter.actions.lake.decide import Decided, decide_file
from tidewaiter.core.errors import InputError
from tidewaiter.core.tables import TABLES
from tidewaiter.engines.generate.run import GenerationReport, generate
from tidewaiter.faces.cli import backtest as backtest_command
from tidewaiter.faces.cli import decide as decide_command
from tidewaiter.faces.cli.generate import in_words as generated_in_words
from tidewaiter.faces.cli.options import EXISTING
from tidewaiter.faces.cli.progress import Report, progress
from tidewaiter.faces.cli.starter import copy_starter
from tidewaiter.faces.cli.write import write_text
from tidewaiter.faces.config import config_of
from tidewaiter.faces.report import render_report
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.language.mappings import load_mapping
from tidewaiter.language.policy import SHIPPED
from tidewaiter.storage.lake.facts.statistics import update_statistics
from tidewaiter.storage.lake.ingest.run import ingest_file
from tidewaiter.storage.lake.lake import Lake

MARK = ".tidewaiter-demo"
KEY = b"the demonstration's key of the day is no secret"
START = date(2024, 6, 1)
"""Eighteen months later the day to be decided is a Monday."""
MONTHS_TESTED = 3
PACK_FITS = (
    "generated trade; the example profiles were written knowing what kinds of scheme are planted in it, so their rates "
    "show that the pieces fit together, not what such profiles find in life"
)


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the demonstration keeps what."""

    top: Path

    @property
    def country(self) -> Path:
        """Return the folder of the generated files."""
        return self.top / "country"

    @property
    def lake(self) -> Path:
        """Return the folder of the lake: where the country's settings say."""
        return self.country / "lake"

    @property
    def profiles(self) -> Path:
        """Return the folder of the starter pack's copy."""
        return self.country / "profiles"


@click.command()
@click.option(
    "--out", type=EXISTING, default=Path("demo"), show_default=True, metavar="DIR", help="Where to put it all."
)
@click.option(
    "--items", type=click.IntRange(min=1000), default=250_000, show_default=True, help="About how many items."
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Which country.")
def demo(out: Path, items: int, seed: int) -> None:
    """Show the main job on a generated country: ingest, back-test, decide, report.

    Makes eighteen months of trade of a fictional country with planted schemes, loads it, back-tests the starter
    profiles on the last three months, decides the following day, and prints the path of one HTML report.
    """
    folders = Folders(out)
    _fresh(out)
    with progress() as report:
        with _step("1/5  A fictional country's trade"):
            made = generate(items, seed, folders.country, start=START, progress=report)
            click.echo(generated_in_words(made))
        with _step("2/5  Into the lake"):
            _ingest(folders, report)
        with _step("3/5  The starter profiles, back-tested on the last three months"):
            tested = _back_test(folders, made, report)
            click.echo(backtest_command.in_words(tested))
        with _step(f"4/5  The day {made.today}, decided"):
            decided = _decide(folders, made, report)
            click.echo(decide_command.in_words(decided))
    with _step("5/5  The report"):
        file = out / "report.html"
        write_text(file, _report(tested, decided))
        click.echo(f"report: {file.resolve()}")
    period = f"--from {tested.report.period.start} --to {tested.report.period.end}"
    click.echo(f"\nTry next: cd {folders.country}; tidewaiter backtest profiles {period}")


def _fresh(out: Path) -> None:
    """Make the folder empty; refuse one that an earlier demonstration did not make."""
    if out.exists() and any(out.iterdir()):
        if not (out / MARK).exists():
            raise InputError(f"{out} is not empty and no demonstration made it; name another folder with --out")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / MARK).touch()


@contextmanager
def _step(title: str) -> Iterator[None]:
    click.secho(f"\n{title}", bold=True)
    began = monotonic()
    yield
    click.secho(f"({monotonic() - began:.0f} s)", dim=True)


def _ingest(folders: Folders, report: Report) -> None:
    administration = config_of(folders.country / "tidewaiter.toml").administration
    for name in TABLES:
        done = ingest_file(
            folders.lake,
            folders.country / f"{name}.parquet",
            load_mapping(name),
            loaded_at=datetime.now(UTC),
            administration=administration,
            progress=report,
        )
        click.echo(f"{name:14}{done.read:>10,} rows read, {done.accepted:,} accepted, {done.rejected:,} rejected")
    report("history statistics", 0)
    update_statistics(Lake.open(folders.lake), load_catalogue())


def _back_test(folders: Folders, made: GenerationReport, report: Report) -> BackTest:
    copy_starter(folders.profiles)
    end = made.today - timedelta(days=1)
    return back_test(
        [folders.profiles],
        lake=Lake.open(folders.lake),
        catalogue=load_catalogue(),
        start=_months_before(made.today, MONTHS_TESTED),
        end=end,
        progress=report,
    )


def _months_before(day: date, months: int) -> date:
    first = day.year * 12 + day.month - 1 - months
    return date(first // 12, first % 12 + 1, 1)


def _decide(folders: Folders, made: GenerationReport, report: Report) -> Decided:
    return decide_file(
        folders.country / "today.parquet",
        mapping=load_mapping("declarations"),
        profile_paths=[folders.profiles],
        policy_file=SHIPPED,
        lake=Lake.open(folders.lake),
        catalogue=load_catalogue(),
        on=made.today,
        key=KEY,
        rejects_file=folders.top / "today.rejects.csv",
        progress=report,
    )


def _report(tested: BackTest, decided: Decided) -> str:
    return render_report(
        [tested.report],
        title="Tidewaiter: the starter profiles on a generated country",
        decisions=decided.decisions,
        decided_on=decided.on,
        titles=tested.titles,
        sources={**tested.sources, "note": PACK_FITS},
    )
