"""Subject access: all that is held on a party, in one export, without what law exempts.

A party is met by its code or name, compared without case and surplus blanks, in the records and in the lake. Lookouts
are left out unless they are neither covert nor above the rank given; what is left out is counted for the privacy
officer, and is not in the export; a lookout that the officer may not see is not counted either. Why goods were selected
is never in it: the channel given is.
"""

import csv
import html
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tidewaiter.actions.acting import Actor, action, officer_of, record
from tidewaiter.actions.packing import to_json, unpacked
from tidewaiter.actions.rights import granting
from tidewaiter.core.errors import ConflictError, InputError, Problem
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.lake.manifest import MANIFEST
from tidewaiter.storage.lake.named import rows_naming
from tidewaiter.storage.records import models
from tidewaiter.storage.records.models import Officer
from tidewaiter.storage.records.visibility import visible_to

LEAST: Final = 2
"""Letters or digits a name or code must have to be looked for."""

type Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectData:
    """All that may be given on a party, by kind of record, and how many records of each kind were left out."""

    party: str
    at: datetime
    records: Mapping[str, Sequence[Row]]
    withheld: Mapping[str, int] = field(default_factory=dict)


@action("subject.export")
def subject_data(
    *, party: str, lake: Path | None = None, withheld_from: int = 1, by: Actor, at: datetime
) -> SubjectData:
    """Return all that is held on a party, found by code or name; the export is recorded, not whose data it was.

    `withheld_from` is the rank from which lookouts are left out, whatever the officer may see. Raises InputError for a
    name too short, NotAllowedError for a client system.
    """
    wanted = folded(party)
    if sum(character.isalnum() for character in wanted) < LEAST:
        raise InputError(Problem(f"'{party}' is too short to be looked for", suggestion="give the whole code or name"))
    found, withheld = _of_records(wanted), Counter[str]()
    found["lookouts"] = list(_lookouts(wanted, officer_of(by), withheld_from, withheld))
    found["lists"] = []
    withheld["lists"] = sum(_names(one.text, wanted) for one in _lists())
    if lake is not None and (lake / MANIFEST).exists():
        for table, rows in rows_naming(Lake.open(lake).snapshot(), wanted).items():
            found[f"lake {table}"] = rows
    records = {kind: rows for kind, rows in found.items() if rows}
    record("subject:export", to_json([wanted, {kind: len(rows) for kind, rows in records.items()}]).encode())
    return SubjectData(party=party, at=at, records=records, withheld=+withheld)


def folded(text: str) -> str:
    """Return a name or code as it is compared: upper case, single blanks."""
    return " ".join(text.split()).upper()


def _of_records(wanted: str) -> dict[str, list[Row]]:
    declarations = list(_lodgements(wanted))
    numbers = sorted({row["declaration_id"] for row in declarations})
    return {
        "declarations": declarations,
        "decisions": list(_decisions(numbers)),
        "results": list(_results(numbers)),
        "consignments": list(_consignments(wanted)),
        "events": [dict(one.row) for one in models.Event.objects.filter(declaration_id__in=numbers).order_by("pk")],
        "seizures": [one.row for one in models.Seizure.objects.order_by("pk").iterator() if _named_in(one.row, wanted)],
        "referrals": list(_referrals(wanted, numbers)),
        "trusted trader": list(_traders(wanted)),
    }


def _lodgements(wanted: str) -> Iterator[Row]:
    """Yield the items that name the party, as they were declared. Every version is read: parties are not indexed."""
    for one in models.Lodgement.objects.order_by("pk").iterator(500):
        rows = json.loads(unpacked(one.rows))
        yield from (row | {"version": one.version} for row in rows if _named_in(row, wanted))


def _consignments(wanted: str) -> Iterator[Row]:
    for one in models.Consignment.objects.order_by("pk").iterator(500):
        for row in json.loads(unpacked(one.row)):
            if _named_in(row, wanted):
                yield row | {"version": one.version, "outcome": one.outcome}


def _named_in(row: Mapping[str, Any], wanted: str) -> bool:
    """Tell whether any party of a row has that code or name: fields named so, and the entries of its parties."""
    own = (value for name, value in row.items() if name.endswith(("_code", "_name")) or name in ("code", "name"))
    if any(isinstance(value, str) and folded(value) == wanted for value in own):
        return True
    parties = row.get("parties")
    return isinstance(parties, list) and any(_named_in(one, wanted) for one in parties)


def _decisions(numbers: Sequence[str]) -> Iterator[Row]:
    for one in models.Decision.objects.filter(declaration_id__in=numbers).order_by("decided_at", "pk"):
        answer = json.loads(one.answer)
        yield {
            "decision_id": one.pk,
            "declaration_id": one.declaration_id,
            "version": one.version,
            "decided_at": one.decided_at.isoformat(),
            "channel": answer.get("channel", one.channel),
        }


def _results(numbers: Sequence[str]) -> Iterator[Row]:
    held = models.Result.objects.filter(act__declaration_id__in=numbers).order_by("known_at", "pk")
    for one in held:
        yield {name: value for name, value in one.row.items() if name != "officer"} | {"version": one.version}


def _referrals(wanted: str, numbers: Sequence[str]) -> Iterator[Row]:
    """Yield referrals to post-clearance audit that are closed; one that is open, or to investigation, is exempt."""
    held = models.Referral.objects.filter(kind="post-clearance audit", state="closed").order_by("pk")
    for one in held:
        if one.declaration_id in numbers or folded(one.trader_code) == wanted:
            yield {"declaration_id": one.declaration_id, "outcome": one.outcome, "closed_at": _told(one.closed_at)}


def _traders(wanted: str) -> Iterator[Row]:
    for one in models.TrustedTrader.objects.order_by("party_code", "number"):
        if folded(one.party_code) == wanted:
            valid = {"valid_from": one.valid_from.isoformat(), "valid_to": one.valid_to and one.valid_to.isoformat()}
            yield {"party_code": one.party_code, "number": one.number, "kind": one.kind, **valid}


def _lookouts(wanted: str, officer: Officer, withheld_from: int, withheld: Counter[str]) -> Iterator[Row]:
    """Yield lookouts that may be told; what the officer may not see is neither among them nor counted."""
    for one in visible_to(officer, models.Lookout.objects.order_by("pk"), granting("subject.export")):
        named = [*one.subject.get("values", []), *one.subject.get("names", [])]
        if not any(folded(str(value)) == wanted for value in named):
            continue
        if one.covert or one.rank >= withheld_from or one.state == "in force":
            withheld["lookouts"] += 1
            continue
        raised = {"raised_at": one.raised_at.isoformat(), "ended_at": _told(one.ended_at)}
        yield {"reference": one.reference, "kind": one.kind, "subject": one.subject, **raised}


def _lists() -> Iterable[models.Proposal]:
    return models.Proposal.objects.filter(kind="list", state="in force").iterator()


def _names(text: str, wanted: str) -> bool:
    return wanted in folded(text)


def _told(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def write_export(data: SubjectData, folder: Path) -> list[Path]:
    """Write an export into a new folder: all of it as JSON and as a page, each kind of record as CSV.

    What was withheld is in none of them. Raises ConflictError when the folder is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConflictError(f"{folder} is not empty; name another folder for the export")
    folder.mkdir(parents=True, exist_ok=True)
    written = [_write(folder / "data.json", _as_json(data)), _write(folder / "data.html", _as_page(data))]
    for kind, rows in data.records.items():
        file = folder / f"{kind.replace(' ', '-')}.csv"
        with file.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.DictWriter(opened, _columns(rows))
            writer.writeheader()
            writer.writerows({name: _plain(_cell(value)) for name, value in row.items()} for row in rows)
        written.append(file)
    return written


def _write(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file


def _as_json(data: SubjectData) -> str:
    content = {"party": data.party, "made_at": data.at.isoformat(), "records": data.records}
    return json.dumps(content, ensure_ascii=False, indent=1, default=str) + "\n"


def _as_page(data: SubjectData) -> str:
    """Return a page that can be read without any other file."""
    title = html.escape(f"Data held on {data.party}")
    tables = "".join(_as_table(kind, rows) for kind, rows in data.records.items())
    style = "body{font:1rem sans-serif;margin:2rem}table{border-collapse:collapse}td,th{border:1px solid;padding:.2rem}"
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{style}</style>'
    made = html.escape(f"{data.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
    return (
        f"{head}</head><body><h1>{title}</h1><p>Made {made}.</p>{tables or '<p>Nothing is held.</p>'}</body></html>\n"
    )


def _as_table(kind: str, rows: Sequence[Row]) -> str:
    columns = _columns(rows)
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in columns)
    lines = [
        "<tr>" + "".join(f"<td>{html.escape(_cell(row.get(name)))}</td>" for name in columns) + "</tr>" for row in rows
    ]
    return f"<h2>{html.escape(kind)} ({len(rows)})</h2><table><tr>{head}</tr>{''.join(lines)}</table>"


def _columns(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name, value in row.items() if value is not None))


def _plain(cell: str) -> str:
    """Return a cell that a spreadsheet takes for text: what was declared may be meant to be taken for a formula."""
    return (
        f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) and not _NUMBER.fullmatch(cell) else cell
    )


_NUMBER: Final = re.compile(r"[+-]?[0-9]+([.][0-9]+)?")


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
