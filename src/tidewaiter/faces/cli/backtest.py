"""`tidewaiter backtest`: profiles run over past declarations."""

import json
from datetime import date
from pathlib import Path

import click

from tidewaiter.actions.lake.backtest import BackTest, back_test
from tidewaiter.engines.backtest.report import ProfileFigures, Report
from tidewaiter.engines.backtest.report_json import report_json
from tidewaiter.faces.cli.options import DAY, EXISTING, OUTPUT, OUTPUT_OR_STANDARD, lake_option
from tidewaiter.faces.cli.progress import progress
from tidewaiter.faces.cli.write import write_text
from tidewaiter.faces.report import render_report
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.storage.lake.lake import Lake


@click.command()
@click.argument("paths", nargs=-1, required=True, type=EXISTING, metavar="PATH...")
@lake_option
@click.option("--from", "start", type=DAY, required=True, help="First day of lodging.")
@click.option("--to", "end", type=DAY, required=True, help="Last day of lodging.")
@click.option("--tuned-until", type=DAY, help="Last day the author looked at; figures before and after are told apart.")
@click.option("--as-of", type=DAY, help="Count results as known at the close of this day (default: all).")
@click.option(
    "--json", "json_file", type=OUTPUT_OR_STANDARD, metavar="F", help="Write the report as JSON ('-': standard output)."
)
@click.option("--html", "html_file", type=OUTPUT, metavar="F", help="Write the report as one HTML file.")
def backtest(
    paths: tuple[Path, ...],
    lake: Path,
    start: date,
    end: date,
    tuned_until: date | None,
    as_of: date | None,
    json_file: Path | None,
    html_file: Path | None,
) -> None:
    """Run the profiles under PATH over past declarations.

    Tells for each what it would have matched, what is known of those declarations from examinations, what it adds
    to the other profiles, and how it overlaps with them. A hit rate is shown with its counts and interval, and never
    where nothing was examined.
    """
    with progress() as report:
        done = back_test(
            paths,
            lake=Lake.open(lake),
            catalogue=load_catalogue(),
            start=start,
            end=end,
            tuned_until=tuned_until,
            as_of=as_of,
            progress=report,
        )
    if json_file is not None:
        write_text(json_file, json.dumps(report_json(done.report), indent=1, ensure_ascii=False) + "\n")
    if html_file is not None:
        write_text(html_file, render_report([done.report], title="Back-test", titles=done.titles, sources=done.sources))
    if json_file is None or str(json_file) != "-":
        click.echo(in_words(done))


_HEADER = ("profile", "items", "declarations", "labelled", "hit rate (naive), 95 % interval", "recovered", "marginal")


def in_words(done: BackTest) -> str:
    """Return the report's table of profiles, one more for each part of it, with what the figures do not say."""
    report = done.report
    lines = [
        *(line for one in (report, *report.parts) for line in _table(one)),
        *(f"{advice.action} {' + '.join(advice.codes)}: {advice.reason}" for advice in report.advice),
        "Hit rates are of declarations that were examined, and those were chosen, not drawn: they do not say what the",
        "profile would find among the others.",
    ]
    return "\n".join(lines)


def _table(report: Report) -> list[str]:
    rows = [_HEADER, *(_row(figures) for figures in report.profiles)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADER))]
    return [
        f"{report.period.start} to {report.period.end}: {report.items:,} items, {report.declarations:,} declarations, "
        f"{report.everything.labelled:,} of them examined",
        "",
        *(_line(row, widths) for row in rows),
        "",
    ]


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    right = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
    return "  ".join([row[0].ljust(widths[0]), *right])


def _row(figures: ProfileFigures) -> tuple[str, ...]:
    results = figures.results
    return (
        figures.code,
        f"{figures.matches:,}",
        f"{figures.declarations:,}",
        f"{results.labelled:,}",
        "not tried" if results.hit_rate is None else str(results.hit_rate),
        "-" if results.recovered is None else f"{results.recovered:,.0f}",
        f"{figures.marginal.items:,}",
    )
