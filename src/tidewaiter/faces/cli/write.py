"""Results written to a file whole or not at all, or to standard output."""

import os
from pathlib import Path

import click

STANDARD_OUTPUT = "-"


def write_text(file: Path, text: str) -> None:
    """Write the text to the file (`-`: standard output); an earlier file is replaced only when all is written.

    A link stays one: what it leads to is replaced. A device or pipe is written to, never replaced.
    """
    if str(file) == STANDARD_OUTPUT:
        click.echo(text, nl=False)
        return
    if file.exists() and not file.is_file():
        file.write_text(text, encoding="utf-8")
        return
    file = _led_to(file)
    aside = file.with_name(f".{file.name}.part")
    try:
        aside.write_text(text, encoding="utf-8")
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)


def write_secret(file: Path, text: str) -> None:
    """Write the text to a new file that only its owner can read. Raises FileExistsError where one is there."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def _led_to(file: Path) -> Path:
    return file.resolve() if file.is_symlink() else file
