"""Stored decisions as files: written once, read for ever."""

import hashlib
import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from tidewaiter.actions.packing import packed, unpacked
from tidewaiter.storage.records.models import Decision, Declaration, Lodgement, PublishedSet

FOLDER = Path(__file__).parent
SETS = FOLDER / "sets"

_PLAIN = (
    *("version", "ordinal", "cause", "office", "shift", "channel", "within_capacity", "in_random_sample"),
    *("selection_probability", "random_probability", "policy_number", "image", "catalogue", "program", "identity"),
)
_DAYS = ("decided_on", "statistics_day", "draw_day")


def kept() -> Iterator[Path]:
    """Give every fixture."""
    yield from sorted(FOLDER.glob("*.json"))


def written(stored: Decision) -> dict[str, Any]:
    """Return a stored decision with all it rests on, but for the set that it names."""
    lodgement = Lodgement.objects.get(declaration_id=stored.declaration_id, version=stored.version)
    return {
        "id": stored.pk,
        "declaration_id": stored.declaration_id,
        "set": stored.set_id,
        "decided_at": stored.decided_at.isoformat(),
        **{name: getattr(stored, name) for name in _PLAIN},
        **{name: getattr(stored, name).isoformat() for name in _DAYS},
        "rows": json.loads(unpacked(lodgement.rows)),
        "body": json.loads(unpacked(stored.body)),
        "facts": json.loads(unpacked(stored.facts)),
        "answer": stored.answer,
    }


def taken_in(fixture: dict[str, Any]) -> Decision:
    """Put a fixture into the records as though this installation had kept it."""
    text = (SETS / f"{fixture['set']}.json").read_bytes()
    assert hashlib.sha256(text).hexdigest() == fixture["set"]
    decided_at = datetime.fromisoformat(fixture["decided_at"])
    days = {name: date.fromisoformat(fixture[name]) for name in _DAYS}
    PublishedSet.objects.get_or_create(digest=fixture["set"], defaults={"text": packed(text), "made_at": decided_at})
    declaration = Declaration.objects.create(
        declaration_id=fixture["declaration_id"],
        version=fixture["version"],
        lodged_at=decided_at,
        lodged_on=days["decided_on"],
        office=fixture["office"],
        channel=fixture["channel"],
        decision_id=fixture["id"],
        identity=fixture["identity"],
        draw_day=days["draw_day"],
    )
    Lodgement.objects.create(
        declaration=declaration,
        version=fixture["version"],
        content_digest="",
        rows=packed(json.dumps(fixture["rows"])),
        received_at=decided_at,
        client="client:1",
    )
    return Decision.objects.create(
        id=fixture["id"],
        declaration=declaration,
        decided_at=decided_at,
        answer=fixture["answer"],
        body=packed(json.dumps(fixture["body"])),
        facts=packed(json.dumps(fixture["facts"])),
        set_id=fixture["set"],
        **{name: fixture[name] for name in _PLAIN},
        **days,
    )
