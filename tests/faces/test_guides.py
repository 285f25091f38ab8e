"""Every command that a guide shows is one that the program takes, with the options shown."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tidewaiter.faces.cli.main import tidewaiter

DOCS = Path(__file__).parents[2] / "docs"
GUIDES = [*sorted((DOCS / "guide").glob("*.md")), DOCS.parent / "README.md", DOCS / "onboarding.md"]


def commands(file: Path) -> Iterator[str]:
    """Give the commands of a guide's shell blocks, continued lines joined."""
    for block in re.findall(r"```sh\n(.*?)```", file.read_text(encoding="utf-8"), re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if line.strip().startswith("tidewaiter "):
                yield " ".join(line.split())


SHOWN = [(file.name, command) for file in GUIDES for command in commands(file)]


def parsed(command: click.Command, name: str, words: list[str]) -> None:
    """Let click read the words as the program would; raises what it says of wrong ones."""
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        found, inner, rest = command.resolve_command(context, words)
        assert inner is not None
        parsed(inner, str(found), rest)
    else:
        command.make_context(name, words, help_option_names=["-h", "--help"])


@pytest.mark.parametrize(("guide", "command"), SHOWN, ids=[command for _, command in SHOWN])
def test_a_command_shown_is_one_the_program_takes(
    guide: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    parsed(tidewaiter, "tidewaiter", shlex.split(command, comments=True)[1:])


def test_the_guides_show_commands() -> None:
    assert {"operator.md", "auditor.md", "README.md"} <= {guide for guide, _ in SHOWN}


@pytest.mark.parametrize("file", GUIDES, ids=lambda file: file.name)
def test_every_page_that_a_guide_names_is_there(file: Path) -> None:
    named = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text(encoding="utf-8"))
    assert [one for one in named if not (file.parent / one).exists()] == []
