"""`tidewaiter ingest` and `tidewaiter mapping`: files into the lake."""

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from tidewaiter.actions.lake.load import load_file
from tidewaiter.core.errors import NotKnownError
from tidewaiter.core.mapping import FileMapping
from tidewaiter.faces.cli.options import EXISTING, lake_option, mapping_option
from tidewaiter.faces.cli.progress import progress
from tidewaiter.faces.config import Config
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.language.mappings import SHIPPED, load_mapping, shipped_mappings, shipped_names
from tidewaiter.storage.lake.ingest.run import IngestReport
from tidewaiter.storage.lake.ingest.suggest import suggest_mapping


@click.command()
@click.argument("file", type=EXISTING)
@mapping_option
@lake_option
@click.option("--json", "as_json", is_flag=True, help="Print the counts as one JSON object.")
@click.pass_obj
def ingest(config: Config, file: Path, mapping_name: str | None, lake: Path, as_json: bool) -> None:
    """Load FILE (CSV, Excel or Parquet) into the lake.

    Every input row is accepted, unchanged or rejected; rejected rows go to a file that names line, column, value and
    reason. The same file twice changes nothing; changed content under a known number is a new version.
    """
    mapping = None if mapping_name is None else load_mapping(mapping_name)
    with progress() as report:
        result = load_file(
            lake,
            file,
            mapping,
            catalogue=load_catalogue(),
            loaded_at=datetime.now(UTC),
            administration=config.administration,
            progress=report,
        )
    click.echo(_as_json(result) if as_json else _in_words(result))


def _as_json(result: IngestReport) -> str:
    return json.dumps(
        {
            "read": result.read,
            "accepted": result.accepted,
            "unchanged": result.unchanged,
            "rejected": result.rejected,
            "rejects_file": None if result.rejects_file is None else str(result.rejects_file),
        }
    )


def _in_words(result: IngestReport) -> str:
    lines = [
        f"mapping    {result.mapping}",
        f"read       {result.read:>12,} rows",
        f"accepted   {result.accepted:>12,}",
        f"unchanged  {result.unchanged:>12,}",
        f"rejected   {result.rejected:>12,}" + (f"  see {result.rejects_file}" if result.rejects_file else ""),
    ]
    for name, table in result.tables.items():
        amended = f", {table.amended:,} of an earlier one" if table.amended else ""
        lines.append(f"{name:14} {table.rows:,} rows added in {table.versions:,} versions{amended}")
    if result.assumed_known_at:
        lines.append(f"when {', '.join(result.assumed_known_at)} became known is the mapping's assumption")
    if result.ignored_columns:
        lines.append(f"columns not read: {', '.join(result.ignored_columns)}")
    return "\n".join(lines)


@click.group()
def mapping() -> None:
    """Mappings: how the columns of a file become fields of a table."""


@mapping.command()
@click.argument("file", type=EXISTING)
def suggest(file: Path) -> None:
    """Propose a mapping for FILE from its headers and samples; save it, look it over, use it with `ingest`."""
    click.echo(suggest_mapping(file), nl=False)


@mapping.command(name="list")
def list_mappings() -> None:
    """List the mappings that come with Tidewaiter."""
    for one in shipped_mappings():
        click.echo(f"{one.name:24} {_title(one)}")


def _title(one: FileMapping) -> str:
    return one.title or f"columns named as the fields of {', '.join(table.table for table in one.tables)}"


@mapping.command()
@click.argument("name")
def show(name: str) -> None:
    """Print a shipped mapping, to start one's own from."""
    if name not in shipped_names():
        raise NotKnownError(f"there is no shipped mapping '{name}'; they are {', '.join(shipped_names())}")
    click.echo((SHIPPED / f"{name}.yaml").read_text(encoding="utf-8"), nl=False)
