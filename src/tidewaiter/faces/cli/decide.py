"""`tidewaiter decide`: a file of declarations routed to channels."""

import json
from collections import Counter
from datetime import date
from pathlib import Path

import click

from tidewaiter.actions.lake.decide import Decided, decide_file
from tidewaiter.actions.lake.decision_json import decided_json
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.faces.cli.options import DAY, EXISTING, OUTPUT_OR_STANDARD, lake_option, mapping_option
from tidewaiter.faces.cli.progress import progress
from tidewaiter.faces.cli.write import write_text
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.language.mappings import load_mapping
from tidewaiter.language.policy import SHIPPED
from tidewaiter.storage.lake.lake import Lake

SHORTEST_KEY = 16


@click.command()
@click.argument("file", type=EXISTING)
@mapping_option
@click.option(
    "--profiles",
    type=EXISTING,
    required=True,
    multiple=True,
    metavar="PATH",
    help="Profiles, indicators and lists in force; may be given again.",
)
@lake_option
@click.option("--on", type=DAY, required=True, help="Day of decision; history is that of the last closed day before.")
@click.option(
    "--policy", type=EXISTING, default=SHIPPED, metavar="F", help="Routing policy (default: the shipped one)."
)
@click.option("--key-file", type=EXISTING, metavar="F", help="File with the key of the day for the draw.")
@click.option("--key", metavar="K", help="The key itself: for tests, as others on the machine can see it.")
@click.option(
    "--json",
    "json_file",
    type=OUTPUT_OR_STANDARD,
    metavar="F",
    help="Write the decisions as JSON ('-': standard output).",
)
def decide(
    file: Path,
    mapping_name: str | None,
    profiles: tuple[Path, ...],
    lake: Path,
    on: date,
    policy: Path,
    key_file: Path | None,
    key: str | None,
    json_file: Path | None,
) -> None:
    """Give every declaration of FILE its channel.

    The declaration is decided as a whole: treatments of all profiles that hit are united, and the random sample is
    drawn for every declaration whatever else selects it. Declarations with a rejected row are listed as undecided,
    never green. The same inputs give the same bytes.
    """
    with progress() as report:
        decided = decide_file(
            file,
            mapping=None if mapping_name is None else load_mapping(mapping_name),
            profile_paths=profiles,
            policy_file=policy,
            lake=Lake.open(lake),
            catalogue=load_catalogue(),
            on=on,
            key=_key(key_file, key),
            rejects_file=_rejects_file(json_file, file),
            progress=report,
        )
    if json_file is not None:
        write_text(json_file, json.dumps(decided_json(decided), indent=1, ensure_ascii=False) + "\n")
    for reason in sorted(set(decided.left_out.values())):
        codes = [code for code, why in decided.left_out.items() if why == reason]
        click.echo(f"{len(codes)} profiles select nothing, each {reason}: {', '.join(codes)}", err=True)
    for name in decided.empty_lists:
        click.echo(f"list '{name}' has no entry in force on {on}: it is asked in vain", err=True)
    if json_file is None or str(json_file) != "-":
        click.echo(in_words(decided))


def _key(key_file: Path | None, key: str | None) -> bytes:
    if (key_file is None) == (key is None):
        raise click.UsageError("give the key of the day: --key-file F (or, for tests, --key K)")
    if key_file is None:
        if not key:
            raise click.UsageError("--key is empty")
        return key.encode()
    content = key_file.read_bytes().strip()
    if len(content) < SHORTEST_KEY:
        advice = "make one with: openssl rand -hex 32"
        raise InputError(Problem(f"holds fewer than {SHORTEST_KEY} bytes", Place(str(key_file)), advice))
    return content


def _rejects_file(json_file: Path | None, file: Path) -> Path:
    beside = file if json_file is None or str(json_file) == "-" else json_file
    return Path(beside.name + ".rejects.csv") if beside is file else beside.with_name(beside.name + ".rejects.csv")


def in_words(decided: Decided) -> str:
    """Return how many declarations each channel got, and what was not decided."""
    counts = Counter(decision.channel for decision in decided.decisions)
    drawn = sum(decision.in_random_sample for decision in decided.decisions)
    lines = [
        f"{decided.read:,} rows read with mapping {decided.mapping}, {decided.rejected:,} rejected"
        + (f" (see {decided.rejects_file})" if decided.rejects_file else ""),
        f"decided on {decided.on}, history to the close of {decided.statistics_day}, "
        f"policy {decided.policy.name} version {decided.policy.version}, key {decided.key_digest[:12]}",
        "",
        *(f"{channel.value:8}{counts[channel]:>10,}  {channel.meaning}" for channel in reversed(Channel)),
        f"{'random':8}{drawn:>10,}  of these drawn for the random sample",
    ]
    if decided.undecided:
        lines.append(f"{len(decided.undecided):,} declarations undecided: they have rejected rows and need a person")
    return "\n".join(lines)
