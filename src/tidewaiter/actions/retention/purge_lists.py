"""Purge lists as files: taken out of the live system, and applied again to what a backup brings back.

A list names records by digest only. Each is signed by its own digest, which stands in the audit chain of the system it
came from, and by the two officers who made and approved it.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tidewaiter.actions.acting import SERVICE, Actor, action, record
from tidewaiter.actions.retention.aged_records import RECORD_KEYS
from tidewaiter.actions.retention.purged_records import Going, going
from tidewaiter.actions.retention.purging import list_digest, remove_elsewhere, take_away
from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.storage.attachments import Attachments
from tidewaiter.storage.lake.aged import AGED, named_by_digest
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.lake.manifest import MANIFEST
from tidewaiter.storage.records import models
from tidewaiter.storage.records.audit import record_digest

FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeList:
    """One list that was applied. `records` are kind, rule and digest of what went, and of what stayed with why."""

    number: str
    made_by: str
    approved_by: str
    applied_at: datetime
    digest: str
    records: tuple[Mapping[str, str], ...]

    @property
    def rules(self) -> dict[str, str]:
        """Return by digest the rule under which each record went."""
        return {one["digest"]: one["rule"] for one in self.records if "stayed" not in one}


@action("purge.export")
def export_lists(*, by: Actor, at: datetime) -> list[PurgeList]:
    """Return every list that was applied, to be kept beside the backups."""
    found = applied_lists()
    record("purge:lists", str(len(found)).encode())
    return found


def applied_lists() -> list[PurgeList]:
    """Return every list that was applied, in their order."""
    applied = models.Purge.objects.filter(applied_at__isnull=False).select_related("made_by", "approved_by")
    return [
        PurgeList(
            number=one.pk,
            made_by=one.made_by.reference,
            approved_by=one.approved_by.reference if one.approved_by else "",
            applied_at=one.applied_at,
            digest=one.digest,
            records=tuple(one.records),
        )
        for one in applied.order_by("applied_at")
        if one.applied_at is not None
    ]


def lists_to_json(lists: Iterable[PurgeList]) -> str:
    """Return lists as the text of a file."""
    stated = [
        {
            "number": one.number,
            "made_by": one.made_by,
            "approved_by": one.approved_by,
            "applied_at": one.applied_at.isoformat(),
            "digest": one.digest,
            "records": list(one.records),
        }
        for one in lists
    ]
    return json.dumps({"format": FORMAT, "lists": stated}, indent=1) + "\n"


def read_lists(file: Path) -> list[PurgeList]:
    """Return the lists of a file. Raises InputError where it is none, or a list is not what was signed."""
    place = Place(str(file))
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise InputError(Problem("was written by another version of this program", place))
        lists = [_list(one) for one in content["lists"]]
    except OSError as error:
        raise InputError(Problem(f"cannot be read: {error.strerror}", place)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(Problem(f"is no file of purge lists: {error!r}", place)) from error
    changed = [one.number for one in lists if list_digest(r["digest"] for r in one.records) != one.digest]
    if changed:
        raise InputError(Problem(f"list {number} is not what was signed", place) for number in changed)
    return lists


def _list(stated: Mapping[str, Any]) -> PurgeList:
    records = tuple({str(name): str(value) for name, value in one.items()} for one in stated["records"])
    if not all({"digest", "kind", "rule"} <= one.keys() for one in records):
        msg = "a record has no digest, kind or rule"
        raise ValueError(msg)
    return PurgeList(
        number=str(stated["number"]),
        made_by=str(stated["made_by"]),
        approved_by=str(stated["approved_by"]),
        applied_at=datetime.fromisoformat(stated["applied_at"]),
        digest=str(stated["digest"]),
        records=records,
    )


def purge_again(lists: Sequence[PurgeList], *, lake: Path, store: Attachments, at: datetime) -> int:
    """Take away what these lists name from records, files and lake that a backup brought back; return how many records.

    Done again it changes nothing; what came under a purged number after its list was applied stays. The service must
    not be running: nothing waits for a copy here.
    """
    count = 0
    for one in lists:
        names = {*_named_in_records(one), *_named_in_lake(one, lake)} - _come_since(one)
        todo = reapply(purge=one, names=names, by=SERVICE, at=at)
        remove_elsewhere(todo, lake, store)
        count += len(names)
    return count


@action("purge.reapply")
def reapply(*, purge: PurgeList, names: Collection[str], by: Actor, at: datetime) -> dict[str, Any]:
    """Take away records that came back, within one transaction; return what is still to go from lake and files."""
    found: list[Going] = list(going(sorted(set(names))))
    rules = {one.record: purge.rules[record_digest(one.record)] for one in found}
    todo = take_away(found, rules, purge.number, at)
    models.Purge.objects.filter(pk=purge.number).update(records=list(purge.records), todo={}, applied_at=at, done_at=at)
    record(f"purge:{purge.number}", purge.digest.encode())
    return todo


def _named_in_records(purge: PurgeList) -> Iterator[str]:
    wanted = purge.rules
    for kind in {one["kind"] for one in purge.records} & RECORD_KEYS.keys():
        model, name = RECORD_KEYS[kind]
        keys = model._default_manager.values_list(name, flat=True).distinct()  # noqa: SLF001
        for key in keys.order_by(name).iterator(5_000):
            if record_digest(f"{kind}:{key}") in wanted:
                yield f"{kind}:{key}"


_CAME: Final[Mapping[str, str]] = {"consignment": "received_at", "declaration": "received_at", "seizure": "known_at"}
"""The kinds whose numbers others give, so that one may come again, with the field that says when it came."""


def _come_since(purge: PurgeList) -> set[str]:
    """Return the records under the list's names that came after it was applied: they are others."""
    wanted, found = purge.rules, set[str]()
    for kind in {one["kind"] for one in purge.records} & _CAME.keys():
        model, name = RECORD_KEYS[kind]
        rows, late = model._default_manager, {f"{_CAME[kind]}__gt": purge.applied_at}  # noqa: SLF001
        since = rows.filter(**late).values_list(name, flat=True).distinct().order_by(name)
        named = {key for key in since.iterator(5_000) if record_digest(f"{kind}:{key}") in wanted}
        before = set(rows.filter(**{f"{name}__in": named}).exclude(**late).values_list(name, flat=True))
        found |= {f"{kind}:{key}" for key in named - before}
    return found


def _named_in_lake(purge: PurgeList, lake: Path) -> Iterator[str]:
    if not (lake / MANIFEST).exists():
        return
    snapshot = Lake.open(lake).snapshot()
    for kind in AGED:
        digests = [one["digest"] for one in purge.records if one["kind"] == kind and "stayed" not in one]
        if digests:
            yield from (f"{kind}:{key}" for key in named_by_digest(snapshot, kind, digests))
