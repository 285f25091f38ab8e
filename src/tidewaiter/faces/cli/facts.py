"""`tidewaiter facts`: the fact catalogue, and the fact table of a period."""

import json
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import chain
from pathlib import Path

import click
import pyarrow as pa
import pyarrow.parquet as pq

from tidewaiter.core.errors import NotKnownError
from tidewaiter.core.facts import Catalogue, Fact
from tidewaiter.faces.cli.options import DAY, OUTPUT_FILE, lake_option
from tidewaiter.faces.cli.progress import Report, progress
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.storage.lake.facts.table import fact_batches
from tidewaiter.storage.lake.lake import Lake


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@lake_option
@click.option("--from", "start", type=DAY, help="First day of lodging (with --parquet).")
@click.option("--to", "end", type=DAY, help="Last day of lodging (with --parquet).")
@click.option("--parquet", type=OUTPUT_FILE, metavar="F", help="Write the fact table of the period, one row an item.")
@click.option("--json", "as_json", is_flag=True, help="Print the catalogue as JSON.")
def facts(
    names: tuple[str, ...], lake: Path, start: date | None, end: date | None, parquet: Path | None, as_json: bool
) -> None:
    """List the facts a condition may use, or write the fact table of a period.

    Each fact is listed with its type, unit, meaning and the earliest moment it is known. NAMEs, or parts of names,
    narrow the list.
    """
    catalogue = load_catalogue()
    if parquet is not None:
        if start is None or end is None:
            raise click.UsageError("--parquet needs --from and --to")
        click.echo(_write(catalogue, lake, start, end, parquet))
        return
    if start is not None or end is not None:
        raise click.UsageError("--from and --to say which fact table to write: name it with --parquet F")
    chosen = _chosen(catalogue, names)
    click.echo(_listing_json(catalogue, chosen) if as_json else _listing(catalogue, chosen))


def _chosen(catalogue: Catalogue, names: tuple[str, ...]) -> list[Fact]:
    chosen = [fact for fact in catalogue if not names or any(name in fact.name for name in names)]
    if not chosen:
        near = catalogue.nearest(names[0])
        advice = f"; did you mean '{near}'?" if near else ""
        raise NotKnownError(f"no fact is named like {', '.join(names)}{advice}")
    return chosen


def _type_of(fact: Fact) -> str:
    return f"{fact.type} {fact.scale}" if fact.scale else str(fact.type)


def _listing(catalogue: Catalogue, chosen: Iterable[Fact]) -> str:
    rows = [(fact.name, _type_of(fact), fact.unit, str(fact.known), fact.meaning) for fact in chosen]
    widths = [max(len(row[i]) for row in [*rows, _HEADER]) for i in range(4)]
    lines = [
        "  ".join((*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]))
        for row in [_HEADER, *rows]
    ]
    return "\n".join([*lines, "", f"{len(rows)} facts, catalogue {catalogue.version}"])


_HEADER = ("name", "type", "unit", "known", "meaning")


def _listing_json(catalogue: Catalogue, chosen: Iterable[Fact]) -> str:
    listed = [
        {
            "name": fact.name,
            "type": str(fact.type),
            "scale": fact.scale,
            "unit": fact.unit,
            "known": str(fact.known),
            "origin": str(fact.origin),
            "meaning": fact.meaning,
        }
        for fact in chosen
    ]
    return json.dumps({"catalogue": catalogue.version, "facts": listed}, indent=1, ensure_ascii=False)


def _write(catalogue: Catalogue, lake: Path, start: date, end: date, parquet: Path) -> str:
    snapshot = Lake.open(lake).snapshot()
    aside = parquet.with_name(f".{parquet.name}.part")
    with progress() as report:
        try:
            rows = _write_batches(fact_batches(snapshot, catalogue, start, end, progress=report), aside, report)
            if not rows:
                raise NotKnownError(f"the lake holds no declaration lodged from {start} to {end}")
            aside.replace(parquet)
        finally:
            aside.unlink(missing_ok=True)
    return f"{rows:,} items written to {parquet}"


def _write_batches(batches: Iterator[pa.RecordBatch], aside: Path, report: Report) -> int:
    """Write the batches to a file, none when there are none; return how many rows they have."""
    first = next(batches, None)
    if first is None:
        return 0
    rows = 0
    with pq.ParquetWriter(aside, first.schema, compression="zstd") as writer:
        for batch in chain((first,), batches):
            writer.write_batch(batch)
            rows += batch.num_rows
            report("facts", rows)
    return rows
