"""Results written to a file whole or not at all, or to standard output."""

from pathlib import Path

import click

STANDARD_OUTPUT = "-"


def write_text(file: Path, text: str) -> None:
    """Write the text to the file (`-`: standard output); an earlier file is replaced only when all is written."""
    if str(file) == STANDARD_OUTPUT:
        click.echo(text, nl=False)
        return
    aside = file.with_name(f".{file.name}.part")
    try:
        aside.write_text(text, encoding="utf-8")
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)
