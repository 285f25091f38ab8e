"""`tidewaiter generate`: a fictional country's trade."""

from datetime import date
from pathlib import Path

import click

from tidewaiter.engines.generate.run import GenerationReport
from tidewaiter.engines.generate.run import generate as generate_country
from tidewaiter.faces.cli.options import DAY, EXISTING
from tidewaiter.faces.cli.progress import progress


@click.command()
@click.option("--items", type=click.IntRange(min=100), default=100_000, show_default=True, help="About how many items.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="The same seed, the same files.")
@click.option("--out", type=EXISTING, required=True, metavar="DIR", help="Folder to write to; made if absent.")
@click.option("--months", type=click.IntRange(min=1, max=120), default=18, show_default=True, help="How many months.")
@click.option("--start", type=DAY, default=date(2024, 7, 1), help="First day (default: 2024-07-01).")
def generate(items: int, seed: int, out: Path, months: int, start: date) -> None:
    """Write a fictional country's trade with planted schemes, to try Tidewaiter on.

    Declarations, consignments, events, examinations under a stated past policy, seizures, decisions of a system in
    use, and information reports; what was planted stands in a truth file of its own.
    """
    with progress() as report:
        made = generate_country(items, seed, out, months=months, start=start, progress=report)
    click.echo(in_words(made))


def in_words(made: GenerationReport) -> str:
    """Return what was written, and where."""
    return "\n".join(
        [
            f"{made.items:,} items in {made.declarations:,} declarations, seed {made.seed}, in {made.out}",
            f"{made.irregular_declarations:,} declarations irregular in truth, "
            f"{made.selected_declarations:,} selected by the past policy",
            f"{made.schemes} schemes planted, {made.reports} information reports",
            *(f"{name:20}{rows:>12,} rows" for name, rows in made.rows.items()),
            f"today.parquet holds the declarations of {made.today}, to be decided; see {made.out / 'README.txt'}",
        ]
    )
