"""`tidewaiter lake`: what a lake holds, and closing its days."""

import json
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from tidewaiter.core.errors import InputError
from tidewaiter.core.tables import TABLES
from tidewaiter.faces.cli.options import DAY, lake_option
from tidewaiter.storage.lake.lake import Lake


@click.group()
def lake() -> None:
    """The lake: see what it holds, close days."""


@lake.command()
@lake_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(lake: Path, as_json: bool) -> None:
    """Tell what the lake holds, for whom, and up to which day it is closed."""
    snapshot = Lake.open(lake).snapshot()
    administration = snapshot.administration
    closed = None if snapshot.closed_through is None else snapshot.closed_through.isoformat()
    rows = {name: snapshot.rows(name) for name in TABLES}
    if as_json:
        named = {
            "name": administration.name,
            "currency": administration.currency,
            "time_zone": administration.time_zone,
        }
        content = {"administration": named, "closed_through": closed, "state": snapshot.id, "rows": rows}
        click.echo(json.dumps(content, ensure_ascii=False))
        return
    click.echo(f"{administration.name}, {administration.currency}, {administration.time_zone}")
    click.echo(f"closed through {closed or 'no day yet'}; state {snapshot.id[:12]}")
    for name, count in rows.items():
        click.echo(f"{name:14}{count:>14,} rows")


@lake.command()
@lake_option
@click.option("--through", type=DAY, required=True, help="Last day to close.")
def close(lake: Path, through: date) -> None:
    """Close days: what arrives later for them counts from the next day on.

    From then on the history that decisions rested on cannot change under them. Days once closed stay closed.
    """
    opened = Lake.open(lake)
    today = datetime.now(ZoneInfo(opened.administration.time_zone)).date()
    if through > today:
        raise InputError(f"{through} has not come yet: a closed day stays closed, so close up to {today} at most")
    opened.close_days(through)
    click.echo(f"closed through {opened.snapshot().closed_through}")
