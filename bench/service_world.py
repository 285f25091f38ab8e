"""What the service is measured on: a generated country's lake, 1,000 active profiles, and documents to lodge.

    python -m bench.service_world FOLDER [--items 100000]

makes it in a folder and leaves it there; `python -m bench.service --folder FOLDER` measures on it.
"""

import argparse
import calendar
import json
import os
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from bench.country import _ingest
from bench.profiles import generated_profiles
from tidewaiter.core.condition import Condition
from tidewaiter.core.errors import InputError
from tidewaiter.core.tables import DECLARATIONS, TABLES
from tidewaiter.engines.generate.run import generate
from tidewaiter.engines.selection.key_shares import write_share
from tidewaiter.engines.selection.keys import new_shares
from tidewaiter.faces.api.documents import TOP_ONLY
from tidewaiter.faces.django_start import start_django
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.language.parse import parse_condition
from tidewaiter.language.text import text
from tidewaiter.storage.lake.facts.statistics import update_statistics
from tidewaiter.storage.lake.facts.table import fact_batches, fact_schema
from tidewaiter.storage.lake.lake import Lake

MONTHS = 18
PROFILES = 1_000
DOCUMENTS = 2_000
SERIAL = "~"
"""Stands in a document where the number of the round goes: in the declaration's number, documents and containers."""

_NUMBERED = ("declaration_id", "previous_document")


def make_world(folder: Path, items: int) -> None:
    """Generate the country up to last month's end, load it, draw the profiles and write documents."""
    today = datetime.now(UTC).date()
    start = date(today.year - 2, today.month, 1) + timedelta(days=183)
    generate(items, 1, folder, start=start.replace(day=1), months=MONTHS)
    for name in TABLES:
        _ingest(folder, name)
    update_statistics(Lake.open(folder / "lake"), load_catalogue())
    (folder / "conditions.json").write_text(json.dumps(_conditions(folder)), encoding="utf-8")
    (folder / "documents.json").write_text(json.dumps(list(_documents(folder))), encoding="utf-8")
    for number, share in enumerate(new_shares(os.urandom, from_day=date(2024, 1, 1))):
        write_share(share, folder / f"share{number}")


def _conditions(folder: Path) -> dict[str, str]:
    """Return conditions as text by code, drawn over the facts of the lake's last whole month."""
    snapshot, catalogue = Lake.open(folder / "lake").snapshot(), load_catalogue()
    year, month = map(int, sorted(snapshot.partitions("declarations"))[-2].split("-"))
    last = date(year, month, calendar.monthrange(year, month)[1])
    table = folder / "facts.parquet"
    with pq.ParquetWriter(table, fact_schema(catalogue)) as writer:
        for batch in fact_batches(snapshot, catalogue, last.replace(day=1), last):
            writer.write_batch(batch)
    drawn = {code: text(condition) for code, condition in generated_profiles(table, 2 * PROFILES, 7).items()}
    table.unlink()
    readable = [code for code in drawn if _readable(drawn[code])]
    return {code: drawn[code] for code in readable[:PROFILES]}


def _readable(condition: str) -> Condition | None:
    """Return the condition; None for the few that say something an author may not."""
    try:
        return parse_condition(condition, load_catalogue())
    except InputError:
        return None


def _documents(folder: Path) -> Iterator[dict[str, Any]]:
    """Give declarations of the country's last month as a client system would send them, numbered by SERIAL."""
    table = pq.read_table(folder / "declarations.parquet")
    names = {field.name for field in DECLARATIONS.fields}
    whole: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in table.slice(max(0, len(table) - 5 * DOCUMENTS)).to_pylist()[100:]:
        key = (row["declaration_id"], row.get("version") or 1)
        whole.setdefault(key, []).append({name: row[name] for name in row if name in names})
    latest = {number: items for (number, _), items in sorted(whole.items(), key=lambda one: one[0])}
    yield from map(_document, list(latest.values())[:DOCUMENTS])


def _document(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a declaration with what all items share said once, at the top."""
    shared = [name for name in items[0] if all(item[name] == items[0][name] for item in items)]
    common = set(shared) - {"item_number", "containers"} | set(TOP_ONLY)
    top = _present({name: _written(items[0][name]) for name in common})
    top |= {name: f"{top[name]}{SERIAL}" for name in _NUMBERED if name in top}
    return {**top, "items": [_item({name: item[name] for name in item if name not in common}) for item in items]}


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    written = _present({name: _written(value) for name, value in item.items()})
    if "containers" in written:
        written["containers"] = [f"{box}{SERIAL}" for box in written["containers"]]
    return written


def _present(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def _written(value: Any) -> Any:
    match value:
        case Decimal():
            return format(value, "f")
        case date():
            return value.isoformat()
        case list():
            return [_written(part) for part in value]
        case dict():
            return _present({name: _written(part) for name, part in value.items()})
        case _:
            return value


def make_records(folder: Path) -> None:
    """Set the records up that TIDEWAITER_DATABASE names: one client system, the profiles in force.

    Writes the client's token to the folder.
    """
    from tidewaiter.faces.cli.main import exit_code  # noqa: PLC0415  # only where records are made

    root, second, client = (folder / f"{name}.token" for name in ("root", "second", "client"))
    for file in (root, second, client):
        file.unlink(missing_ok=True)
    for words in (
        f"setup --login root --token-to {root} --inspector second --inspector-token-to {second}",
        f"client add bench --token-file {root}",
        f"token issue bench --client bench --scope decision.take --token-to {client} --token-file {root}",
        f"token confirm 3 --token-file {second}",
    ):
        if exit_code(words.split()):
            raise SystemExit(words)
    publish(folder, number=1)


def publish(folder: Path, number: int) -> str:
    """Put version `number` of every profile in force and publish; return the digest of the set.

    With each version the probability of all treatments changes, so that each is another set.
    """
    start_django()
    from tidewaiter.actions.acting import SERVICE  # noqa: PLC0415  # needs Django started
    from tidewaiter.actions.profiles.publishing import republish  # noqa: PLC0415
    from tidewaiter.storage.records.models import Officer, ProfileVersion  # noqa: PLC0415

    at = datetime.now(UTC)
    author = Officer.objects.get(login="root")
    conditions = json.loads((folder / "conditions.json").read_text(encoding="utf-8"))
    ProfileVersion.objects.filter(status="active").update(status="retired")
    ProfileVersion.objects.bulk_create(
        ProfileVersion(
            code=code,
            number=number,
            text=_profile(code, condition, 0.5 + number / 100),
            digest=f"{number}",
            status="active",
            author=author,
            changed_at=at,
        )
        for code, condition in conditions.items()
    )
    return str(republish(cause=f"bench {number}", by=SERVICE, at=at).set_id)


def add_news(folder: Path) -> None:
    """Put one lookout for a trader and one more profile in force, and publish."""
    start_django()
    from tidewaiter.actions.acting import SERVICE  # noqa: PLC0415  # needs Django started
    from tidewaiter.actions.profiles.publishing import republish  # noqa: PLC0415
    from tidewaiter.storage.records.models import Lookout, Officer, ProfileVersion  # noqa: PLC0415

    at = datetime.now(UTC)
    author = Officer.objects.get(login="root")
    documents = json.loads((folder / "documents.json").read_text(encoding="utf-8"))
    trader = next(one["importer_code"] for one in documents if "importer_code" in one)
    Lookout.objects.create(
        reference=f"LO-{at:%H%M%S}",
        kind="company",
        subject={"values": [trader], "names": []},
        action="examine",
        reason="bench",
        contact="bench",
        raised_by=author,
        raised_at=at,
        valid_from=at,
        expires_at=at + timedelta(days=30),
    )
    condition = f"hs_chapter = 85 AND unit_value < 0.9 * unit_value_p25 AND importer_code = '{trader}'"
    code = f"NEWS{at:%H%M%S}"
    ProfileVersion.objects.create(
        code=code,
        number=1,
        text=_profile(code, condition, 1.0),
        digest=code,
        status="active",
        author=author,
        changed_at=at,
    )
    republish(cause="news", by=SERVICE, at=at)


def _profile(code: str, condition: str, probability: float) -> str:
    lines = [f"code: {code}", "condition: |-", *(f"  {line}" for line in condition.split("\n"))]
    lines += [f"instruction: Check the goods of {code}", "treatments:"]
    return "\n".join([*lines, "  - channel: red", f"    probability: {probability}", ""])


def main() -> None:
    """Make the world in a folder, its records, or another version of the profiles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--records", action="store_true", help="set up the records that TIDEWAITER_DATABASE names")
    parser.add_argument("--publish", type=int, metavar="N", help="put version N of every profile in force")
    parser.add_argument("--news", action="store_true", help="put a lookout and a profile more in force")
    asked = parser.parse_args()
    if asked.news:
        add_news(asked.folder)
    elif asked.publish:
        print(publish(asked.folder, asked.publish))
    elif asked.records:
        make_records(asked.folder)
    else:
        asked.folder.mkdir(parents=True, exist_ok=True)
        make_world(asked.folder, asked.items)
        print(f"made in {asked.folder}", file=sys.stderr)


if __name__ == "__main__":
    main()
