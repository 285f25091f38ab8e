"""`tidewaiter audit`: verify the chain of audit events, search it, lodge its end elsewhere."""

import csv
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tidewaiter.faces.cli.options import DAY, EXISTING, OUTPUT_OR_STANDARD, Day
from tidewaiter.faces.cli.records import caller, now, open_records, token_option
from tidewaiter.faces.cli.write import write_text

if TYPE_CHECKING:
    from tidewaiter.actions.audit.auditing import Found, Search, Verification
    from tidewaiter.storage.records.models import AuditEvent

PROBLEMS_FOUND = 1


@click.group()
def audit() -> None:
    """The audit chain: verify it, search it, lodge its end outside."""


@audit.command()
@click.option("--head", "files", multiple=True, type=EXISTING, metavar="F", help="File of lodged heads (repeatable).")
@click.option("--chain-only", is_flag=True, help="Do not compare what records hold with what events say.")
@click.option(
    "--json", "json_file", type=OUTPUT_OR_STANDARD, metavar="F", help="Write all findings as JSON (- for here)."
)
def verify(files: tuple[Path, ...], chain_only: bool, json_file: Path | None) -> int:
    """Verify every audit event, and that records still hold what their latest events say.

    Names each event that was altered, reordered, taken out or cut off, each record changed, removed or added without
    an event, and, with --head, any rewriting of the chain up to the last head lodged outside. Exit code 1 when there
    is anything.
    """
    open_records()
    from tidewaiter.actions.audit import auditing, lodged_heads  # noqa: PLC0415

    heads = [head for file in files for head in lodged_heads.read_heads(file)]
    found = auditing.verify_chain(heads) if chain_only else auditing.verify(heads)
    if json_file is not None:
        write_text(json_file, json.dumps(found.as_json, ensure_ascii=False, indent=1) + "\n")
    if json_file is None or str(json_file) != "-":
        _tell(found)
    return PROBLEMS_FOUND if found.problems else 0


def _tell(found: "Verification") -> None:
    for finding in found.findings:
        click.echo(finding.text)
    if found.problems > len(found.findings):
        click.echo(f"and {found.problems - len(found.findings):,} more")
    end = f", up to {found.last.sequence} {found.last.hash}" if found.last else ""
    click.echo(f"{found.events:,} events{end}; {found.heads:,} lodged heads; {found.problems:,} problems", err=True)
    if found.compared or found.purged:
        rest = sum(found.not_kept.values())
        told = f"{found.compared:,} contents compared, {found.purged:,} purged, {rest:,} that no record keeps"
        click.echo(told, err=True)


@audit.command()
@click.argument("place", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
def lodge(place: Path) -> None:
    """Append the end of the chain to FILE, as the worker does every hour. Keep FILE out of reach of the database."""
    open_records()
    from tidewaiter.actions.audit.lodged_heads import lodge_head  # noqa: PLC0415

    head = lodge_head(place, now())
    click.echo("nothing new" if head is None else f"{head.sequence} {head.hash}")


@audit.command()
@token_option
@click.option("--actor", default="", help="Reference of who did it: officer:7, client:2, system:service.")
@click.option("--record", default="", help="A record (decision:D1F...) or a kind of record (decision).")
@click.option("--action", default="", help="Name of the action (decision.trace).")
@click.option("--from", "since", type=DAY, help="First day (UTC).")
@click.option("--to", "until", type=DAY, help="Day after the last (UTC).")
@click.option("--after", type=click.IntRange(0), default=0, help="Only events after this number.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many at most.")
@click.option("--csv", "csv_file", type=OUTPUT_OR_STANDARD, metavar="F", help="Export all that fits as CSV instead.")
def search(token_file: Path | None, csv_file: Path | None, **asked: object) -> None:
    """Search the audit events; for the inspectorate. The search itself is recorded, an export as such."""
    open_records()
    from tidewaiter.actions.audit import auditing  # noqa: PLC0415

    search = _search(**asked)
    by = caller(token_file)
    if csv_file is None:
        _list(auditing.search_events(search=replace(search, counted=True), by=by, at=now()))
        return
    found = auditing.export_events(search=search, by=by, at=now())
    rows = [HEADER, *map(_cells, found)]
    with sys.stdout if str(csv_file) == "-" else csv_file.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def _list(found: "Found") -> None:
    for event in found.events:
        click.echo("  ".join(_cells(event)[:5]))
    shown = len(found.events)
    if found.fit is not None and shown < found.fit:
        click.echo(f"{shown:,} of {found.fit:,} events; go on with --after {found.events[-1].sequence}", err=True)


HEADER = ["sequence", "at", "actor", "action", "record", "digest", "previous", "hash"]


def _cells(event: "AuditEvent") -> list[str]:
    at = event.at.astimezone(UTC).isoformat()
    return [str(event.sequence), at, event.actor, event.action, event.record, event.digest, event.previous, event.hash]


def _search(**asked: object) -> "Search":
    from tidewaiter.actions.audit.auditing import Search  # noqa: PLC0415

    moments = {name: _start(asked[name]) for name in ("since", "until")}
    return Search(**(asked | moments))  # type: ignore[arg-type]


def _start(day: object) -> datetime | None:
    return None if day is None else datetime.combine(Day().convert(day, None, None), time(), UTC)
