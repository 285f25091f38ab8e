"""`tidewaiter replay`: a stored decision recomputed."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from tidewaiter.faces.cli.options import OUTPUT_OR_STANDARD, lake_option
from tidewaiter.faces.cli.records import caller, now, open_records, token_option
from tidewaiter.faces.cli.write import write_text
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.storage.lake.lake import Lake

DIFFERS = 1
MOST_SHOWN = 40


@click.command()
@click.argument("decision")
@click.option("--without-lake", is_flag=True, help="Recompute the routing only; do not make the facts again.")
@click.option("--json", "json_file", type=OUTPUT_OR_STANDARD, metavar="F", help="Write what was found as JSON.")
@token_option
@lake_option
def replay(decision: str, without_lake: bool, json_file: Path | None, token_file: Path | None, lake: Path) -> int:
    """Recompute a stored DECISION from what was known then, and say identical, or what differs.

    The routing is recomputed from the stored facts by the set the decision names. Apart from that the facts are made
    again from the lake as it is now; late rows may make them differ, which does not make the decision wrong. Exit code
    1 when the routing differs. Needs the token of an officer who may see what is behind a decision.
    """
    open_records()
    from tidewaiter.actions.decisions.replaying import replay_decision  # noqa: PLC0415

    opened = None if without_lake else Lake.open(lake)
    found = replay_decision(
        decision_id=decision, lake=opened, catalogue=load_catalogue(), by=caller(token_file), at=now()
    )
    if json_file is not None:
        write_text(json_file, json.dumps(asdict(found), default=str, ensure_ascii=False, indent=1) + "\n")
    if json_file is None or str(json_file) != "-":
        click.echo(f"{found.decision_id}: {'identical' if found.identical else 'differs'}")
        for title, differences in (("routing", found.routing), ("facts made again", found.facts)):
            for one in differences[:MOST_SHOWN]:
                click.echo(f"  {title}: {one.place}: was {one.then!r}, is {one.now!r}")
            if len(differences) > MOST_SHOWN:
                click.echo(f"  {title}: and {len(differences) - MOST_SHOWN:,} more")
        for note in found.notes:
            click.echo(f"  note: {note}")
    return 0 if found.identical else DIFFERS
