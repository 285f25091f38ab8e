"""The command `tidewaiter`: every sub-command, and how errors leave it.

Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 a check found problems, 2 the
input or the command is wrong.
"""

import os
import sys
from pathlib import Path

import click

from tidewaiter import __version__
from tidewaiter.core.errors import TidewaiterError
from tidewaiter.faces.cli.audit import audit
from tidewaiter.faces.cli.backtest import backtest
from tidewaiter.faces.cli.backup import backup, migrate, restore
from tidewaiter.faces.cli.check import check, sql
from tidewaiter.faces.cli.classification import classification
from tidewaiter.faces.cli.decide import decide
from tidewaiter.faces.cli.demo import demo
from tidewaiter.faces.cli.draw import draw
from tidewaiter.faces.cli.facts import facts
from tidewaiter.faces.cli.generate import generate
from tidewaiter.faces.cli.ingest import ingest, mapping
from tidewaiter.faces.cli.lake import lake
from tidewaiter.faces.cli.officer import client, office, officer, setup, token
from tidewaiter.faces.cli.profile import profile
from tidewaiter.faces.cli.replay import replay
from tidewaiter.faces.cli.retention import purge, retention, subject_access
from tidewaiter.faces.cli.serve import serve
from tidewaiter.faces.cli.starter import starter
from tidewaiter.faces.cli.worker import worker
from tidewaiter.faces.config import read_config

WRONG = 2
INTERRUPTED = 130

SECTIONS = {
    "Collect": ("mapping", "ingest", "lake"),
    "Analyse": ("facts", "check", "sql", "backtest"),
    "Select": ("decide", "serve", "worker"),
    "Set up": ("setup", "office", "classification", "officer", "client", "token", "profile"),
    "Account for": ("draw", "replay", "audit"),
    "Keep": ("retention", "purge", "subject-access", "backup", "restore", "migrate"),
    "Try": ("starter", "generate", "demo"),
}


class Sections(click.Group):
    """A group whose help lists the commands in the order of the work."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands under their sections."""
        for section, names in SECTIONS.items():
            listed = [(name, self.get_command(ctx, name)) for name in names]
            rows = [(name, command.get_short_help_str(90)) for name, command in listed if command is not None]
            with formatter.section(section):
                formatter.write_dl(rows)


@click.group(cls=Sections, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="tidewaiter")
@click.pass_context
def tidewaiter(ctx: click.Context) -> None:
    """Customs intelligence and risk management.

    Load declarations and results into a lake, write risk profiles as conditions over facts, back-test them on past
    trade, and route declarations by them:

    \b
      tidewaiter ingest declarations.csv --mapping import-declarations
      tidewaiter check profiles/
      tidewaiter backtest profiles/ --from 2020-01-01 --to 2020-12-31 --html report.html
      tidewaiter decide today.csv --profiles profiles/ --on 2021-01-04 --key-file key --json decisions.json

    Settings come from tidewaiter.toml in the working folder. Exit codes: 0 done, 1 a check found problems, 2 the
    input or the command is wrong.
    """  # noqa: D301  # click keeps the lines of the block that \b begins
    ctx.obj = read_config(Path.cwd())


for _command in (
    audit,
    backtest,
    backup,
    migrate,
    restore,
    retention,
    purge,
    subject_access,
    check,
    decide,
    demo,
    draw,
    facts,
    generate,
    ingest,
    lake,
    mapping,
    replay,
    serve,
    sql,
    starter,
    worker,
    setup,
    office,
    classification,
    officer,
    client,
    token,
    profile,
):
    tidewaiter.add_command(_command)


def run() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(exit_code(sys.argv[1:]))


def exit_code(arguments: list[str]) -> int:
    """Run one command; return its exit code, errors written to standard error."""
    try:
        result = tidewaiter.main(arguments, standalone_mode=False)
    except TidewaiterError as error:
        return _failed("\n".join(str(problem) for problem in error.problems))
    except click.ClickException as error:
        error.show()
        return WRONG
    except click.Abort:
        click.echo("interrupted; nothing half written was kept", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
        return 0
    except UnicodeEncodeError as error:
        return _failed(
            f"{error.object[error.start : error.end]!r} cannot be written as {error.encoding}; rename the file"
        )
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        return _failed(f"{name}{error.strerror or error}")
    return result if isinstance(result, int) else 0


def _failed(message: str) -> int:
    click.echo(f"tidewaiter: {message}" if "\n" not in message else message, err=True)
    return WRONG
