"""Which records may not be purged now because something still goes on with them, and which are not there."""

from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import batched
from typing import Any, Final

from django.db.models import QuerySet

from tidewaiter.actions.retention.aged_records import held_in_records
from tidewaiter.actions.retention.purged_records import AT_ONCE
from tidewaiter.storage.lake.aged import AGED
from tidewaiter.storage.records import models

ENDED: Final = "ended"
"""The state of a lookout whose outcome is written: in any other it is in force, or its outcome is owed."""


def live(records: Collection[str], at: datetime) -> set[str]:
    """Return those of the records (`kind:key`) with which something still goes on; none that is not there."""
    found: set[str] = set()
    for kind, keys in _by_kind(records).items():
        for part in batched(keys, AT_ONCE):
            found |= {f"{kind}:{key}" for key in _live(kind, part, at)}
    return found


def missing(records: Collection[str]) -> set[str]:
    """Return those of the records that are not there; of a kind that the lake keeps too, none: it may be there."""
    found: set[str] = set()
    for kind, keys in _by_kind(records).items():
        if kind in AGED:
            continue
        for part in batched(keys, AT_ONCE):
            asked = {key for key in part if kind not in _NUMBERED or _number(key)}
            there = {str(key) for key in held_in_records(kind, asked)}
            found |= {f"{kind}:{key}" for key in part if key not in there}
    return found


_NUMBERED: Final = frozenset({"attachment", "event", "override"})


def _number(key: str) -> bool:
    return key.isascii() and key.isdecimal() and len(key) < 19


def _by_kind(records: Collection[str]) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {}
    for record in records:
        kind, _, key = record.partition(":")
        kinds.setdefault(kind, []).append(key)
    return kinds


def _live(kind: str, keys: Collection[str], at: datetime) -> Iterator[object]:
    numbers = [int(key) for key in keys if _number(key)]
    match kind:
        case "declaration":
            for rows in _open_with(keys):
                yield from rows.values_list("declaration_id", flat=True)
        case "event":
            flying = models.Declaration.objects.filter(in_flight=True)
            held = models.Event.objects.filter(pk__in=numbers, declaration_id__in=flying.values("pk"))
            yield from held.values_list("pk", flat=True)
        case "override":
            proposed = models.Override.objects.filter(pk__in=numbers, state="proposed")
            yield from proposed.values_list("pk", flat=True)
        case "lookout":
            standing = models.Lookout.objects.filter(reference__in=keys).exclude(state=ENDED)
            yield from standing.values_list("reference", flat=True)
        case "request":
            asked = models.ControlRequest.objects.filter(reference__in=keys, ended_at=None, expires_at__gt=at)
            yield from asked.values_list("reference", flat=True)


def _open_with(keys: Collection[str]) -> tuple[QuerySet[Any], ...]:
    """Return by table what keeps these declarations: goods in flight, and what is open with them."""
    return (
        models.Declaration.objects.filter(declaration_id__in=keys, in_flight=True),
        models.Act.objects.filter(declaration_id__in=keys, closed_at=None),
        models.Referral.objects.filter(declaration_id__in=keys, closed_at=None),
        models.Override.objects.filter(declaration_id__in=keys, state="proposed"),
        models.Recall.objects.filter(declaration_id__in=keys, settled_at=None),
    )
