"""`tidewaiter classification`: the ordered scheme that clearances and restricted records are given ranks of."""

from pathlib import Path

import click

from tidewaiter.faces.cli.records import caller, now, open_records, token_option


@click.group()
def classification() -> None:
    """The ranks that clearances, profiles, lookouts and requests may have."""


@classification.command("list")
@token_option
def list_classifications(token_file: Path | None) -> None:
    """List the scheme, lowest rank first: rank, code, label. Rank 0 needs no clearance and has no step."""
    open_records()
    from tidewaiter.actions import administration  # noqa: PLC0415

    for one in administration.read_classifications(by=caller(token_file), at=now()):
        click.echo(f"{one.rank}  {one.code}  {one.label}")


@classification.command("add")
@click.argument("rank", type=click.IntRange(1, 32767))
@click.argument("code")
@click.option("--label", default="", help="What it is called (default: the code).")
@token_option
def add_classification(rank: int, code: str, label: str, token_file: Path | None) -> None:
    """Add a step to the scheme: whoever is cleared for RANK may see what has it, and everything below.

    A step is never changed or taken out. Leave room between ranks for those that may come.
    """
    open_records()
    from tidewaiter.actions import administration  # noqa: PLC0415

    administration.add_classification(rank=rank, code=code, label=label or code, by=caller(token_file), at=now())
    click.echo(f"rank {rank} is {code}", err=True)
