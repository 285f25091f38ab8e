"""`tidewaiter starter`: the example indicators, lists and profiles."""

import shutil
from importlib.resources import as_file, files
from pathlib import Path

import click

from tidewaiter.core.errors import InputError
from tidewaiter.faces.cli.options import EXISTING


@click.command()
@click.argument("folder", type=EXISTING, metavar="DIR")
def starter(folder: Path) -> None:
    """Copy the starter pack of example indicators, lists and profiles to DIR.

    They are examples from public sources: back-test them on your own trade, adapt them, have them approved.
    """
    copy_starter(folder)
    count = sum(1 for _ in (folder / "profiles").glob("*.yaml"))
    click.echo(f"{count} example profiles in {folder / 'profiles'}, with their indicators and lists beside them")


def copy_starter(folder: Path) -> None:
    """Copy the starter pack to a folder that is absent or empty. Raises InputError otherwise."""
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty; name a new folder")
    with as_file(files("tidewaiter") / "starter") as pack:
        shutil.copytree(pack, folder, dirs_exist_ok=True)
