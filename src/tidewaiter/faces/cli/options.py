"""Options that several commands share."""

from datetime import date
from pathlib import Path

import click

from tidewaiter.faces.config import Config
from tidewaiter.language.literals import day_of

YEARS = range(1000, 9999)
"""Years whose days have a day before and after them that can be written."""


class Day(click.ParamType[date]):
    """A calendar day, written 2020-01-31."""

    name = "day"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day; fails with the form it should have."""
        if isinstance(value, date):
            return value
        day = day_of(str(value))
        if day is None or day.year not in YEARS:
            self.fail(f"{value!r} is not a day; write it as 2020-01-31", param, ctx)
        return day


class Output(click.ParamType[Path]):
    """A file to be written: its folder is there and it is no folder, so that long work does not end in an error."""

    name = "file"

    def __init__(self, *, standard: bool = False, device: bool = True) -> None:
        """Take whether `-` stands for standard output, and whether a device or pipe will do."""
        self.standard, self.device = standard, device

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path; fails where nothing could be written."""
        path = Path(str(value))
        if self.standard and str(path) == "-":
            return path
        if path.is_dir():
            self.fail(f"{path} is a folder; name a file", param, ctx)
        if not path.parent.is_dir():
            self.fail(f"there is no folder {path.parent}; make it first", param, ctx)
        if not self.device and path.exists() and not path.is_file():
            self.fail(f"{path} is a device or pipe; name a file", param, ctx)
        return path


DAY = Day()
OUTPUT = Output()
OUTPUT_FILE = Output(device=False)
OUTPUT_OR_STANDARD = Output(standard=True)
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
