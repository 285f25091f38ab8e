"""Options that several commands share."""

from datetime import date
from pathlib import Path

import click

from tidewaiter.faces.config import Config


class Day(click.ParamType[date]):
    """A calendar day, written 2020-01-31."""

    name = "day"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day; fails with the form it should have."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a day; write it as 2020-01-31", param, ctx)


DAY = Day()
EXISTING = click.Path(path_type=Path)


def lake_folder(ctx: click.Context, _param: click.Parameter, value: Path | None) -> Path:
    """Return the lake's folder: the option, else the settings'."""
    if value is not None:
        return value
    config = ctx.find_object(Config)
    return Path("lake") if config is None else config.lake


lake_option = click.option(
    "--lake",
    type=EXISTING,
    callback=lake_folder,
    metavar="DIR",
    help="Folder of the lake (default: TIDEWAITER_LAKE, `lake` in tidewaiter.toml, or ./lake).",
)

mapping_option = click.option(
    "--mapping",
    "mapping_name",
    metavar="NAME_OR_FILE",
    help="How columns become fields (default: the one shipped mapping that fits).",
)
