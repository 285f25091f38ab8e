"""Purging: the one recorded way in which data goes.

The privacy officer makes a list, a second person approves it, and it is applied: first to the records (in one
transaction with tombstones and the event), then to the attachments, the lake with its statistics, and the database's
own files. Killed anywhere, it is finished by running it again. What stays is a list of digests: it names nobody, and
applied to a restored backup it takes away the same records again.
"""

import hashlib
import secrets
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tidewaiter.actions.acting import Actor, action, officer_of, record
from tidewaiter.actions.retention.holds import held
from tidewaiter.actions.retention.live_records import live, missing
from tidewaiter.actions.retention.purged_records import (
    Going,
    blanked_with,
    going,
    remove,
    remove_salts,
    waiting_for_copy,
)
from tidewaiter.actions.retention.retention import Due, kinds
from tidewaiter.core.errors import ConflictError, InputError, LakeError, NotAllowedError, NotKnownError, Problem
from tidewaiter.storage.attachments import Attachments
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.lake.manifest import MANIFEST
from tidewaiter.storage.lake.purge import Purge as LakePurge
from tidewaiter.storage.lake.purge import purge_lake
from tidewaiter.storage.records import models
from tidewaiter.storage.records.audit import lock_chain, record_digest
from tidewaiter.storage.records.scrub import scrub

MOST: Final = 100_000
REQUESTED: Final = "requested"
"""The rule of what goes by a decision of its own, not by age."""

HELD, UNCOPIED, LIVE = "held", "not copied", "still going on"
"""Why something of a list did not go: a legal hold, a copy into the lake still to be made, or what is not over yet."""


@action("purge.make")
def make_purge(*, records: Sequence[Due | str], reason: str, by: Actor, at: datetime) -> models.Purge:
    """Make a purge list of what is due, or of records named `kind:key`. Nothing goes before another approves it.

    What is due and cannot go now is left out. Raises InputError for kinds without a rule, an empty list, no reason, and
    for records named that cannot go: in the same words where they are not there, so that nothing is told of them.
    """
    due = [one for one in records if isinstance(one, Due)]
    stays = _not_now([one.record for one in due], at)
    listed = {one.record: one.rule for one in due if one.record not in stays}
    listed |= dict.fromkeys((one for one in records if isinstance(one, str)), REQUESTED)
    problems = [Problem(f"'{one}' is none of {', '.join(kinds())}") for one in listed if not _purgeable(one)][:100]
    named = [one for one, rule in listed.items() if rule == REQUESTED and _purgeable(one)]
    refused = missing(named) | _not_now(named, at)
    problems += [Problem(f"'{one}' is not there, or cannot be purged now") for one in sorted(refused)][:100]
    if not 0 < len(listed) <= MOST:
        problems.append(Problem(f"a list names 1 to {MOST:,} records"))
    if not reason.strip():
        problems.append(Problem("say why"))
    if problems:
        raise InputError(problems)
    entries = [{"record": about, "rule": name} for about, name in sorted(listed.items())]
    purge = models.Purge.objects.create(
        number=f"P-{secrets.token_hex(8).upper()}",
        reason=reason,
        made_by=officer_of(by),
        made_at=at,
        records=entries,
        digest=list_digest(record_digest(about) for about in listed),
    )
    record(f"purge:{purge.pk}", purge.digest.encode())
    return purge


def approval_content(purge: models.Purge) -> bytes:
    """Return what the audit chain holds of an approval: the list, who made it and who approved it."""
    return f"{purge.digest} {purge.made_by_id} {purge.approved_by_id}".encode()


def tombstones_content(number: str) -> bytes:
    """Return what the audit chain holds of the tombstones of a purge: the digests of all that went with it."""
    held = models.Tombstone.objects.filter(purge=number).order_by("record_digest")
    return "\n".join(held.values_list("record_digest", flat=True).distinct()).encode()


def _not_now(records: Collection[str], at: datetime) -> set[str]:
    """Return the records that cannot go now: something still goes on with them, or a hold stands on any part."""
    holds = held()
    under = {one.record for one in going(records) if not holds.isdisjoint(one.parts)} if holds else set()
    return live(records, at) | under


def _purgeable(about: str) -> bool:
    kind, _, key = about.partition(":")
    return kind in kinds() and bool(key) and not any(one == "\0" or "\ud800" <= one <= "\udfff" for one in key)


def list_digest(digests: Iterable[str]) -> str:
    """Return what signs a list: SHA-256 over the sorted digests of its records."""
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()


@action("purge.approve")
def approve_purge(*, number: str, by: Actor, at: datetime) -> models.Purge:
    """Approve a list as a second person. Raises NotAllowedError for the one who made it.

    Raises ConflictError where something of it cannot go any more: another list is to be made.
    """
    officer = officer_of(by)
    purge = purge_held(number)
    if purge.approved_at is not None:
        raise ConflictError(f"purge {number} is approved")
    if purge.made_by_id == officer.pk:
        raise NotAllowedError("another person approves the list you made")
    if _not_now([entry["record"] for entry in purge.records], at):
        raise ConflictError(f"purge {number} names records that cannot be purged now; make another list")
    purge.approved_by, purge.approved_at = officer, at
    purge.save(update_fields=["approved_by", "approved_at"])
    record(f"purge:{purge.pk}", purge.digest.encode())
    record(f"purge-approval:{purge.pk}", approval_content(purge))
    return purge


def purge_held(number: str) -> models.Purge:
    """Return a list, held until the transaction ends. Raises NotKnownError."""
    found = models.Purge.objects.select_for_update().filter(pk=number).first()
    if found is None:
        raise NotKnownError(f"there is no purge {number}")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """What a purge did: records gone with all their parts, and those that stayed, with why."""

    number: str
    records: int
    parts: int
    stayed: dict[str, str]
    backups: tuple[models.Backup, ...] = ()


def run_purge(*, number: str, lake: Path, store: Attachments, by: Actor, at: datetime) -> Purged:
    """Apply an approved list everywhere; run again, it goes on where it was cut off. Not within a transaction.

    `backups` of the result were made before and still hold what went: rotate them; a restore purges them again.
    """
    purge = models.Purge.objects.filter(pk=number).first()
    if purge is None or purge.applied_at is None:
        apply_purge(number=number, by=by, at=at)
        purge = models.Purge.objects.get(pk=number)
    if purge.done_at is None:
        _finish(purge, lake, store)
        close_purge(number=number, by=by, at=at)
    return outcome(models.Purge.objects.get(pk=number))


def approved() -> list[str]:
    """Return the lists that were approved and are not done, in their order."""
    waiting = models.Purge.objects.filter(approved_at__isnull=False, done_at=None)
    return list(waiting.order_by("approved_at").values_list("number", flat=True))


def run_approved(*, lake: Path, store: Attachments, by: Actor, at: datetime) -> list[Purged]:
    """Run every list that was approved; one that cannot be finished now is left for the next time."""
    done = []
    for number in approved():
        with suppress(ConflictError, LakeError):
            done.append(run_purge(number=number, lake=lake, store=store, by=by, at=at))
    return done


def unfinished() -> list[str]:
    """Return the lists that were begun and not finished, for the worker to run again."""
    begun = models.Purge.objects.filter(applied_at__isnull=False, done_at=None)
    return list(begun.order_by("applied_at").values_list("number", flat=True))


@action("purge.apply")
def apply_purge(*, number: str, by: Actor, at: datetime) -> models.Purge:
    """Take the records of an approved list away; what is held, still goes on, or is not in the lake yet, stays."""
    lock_chain()
    purge = purge_held(number)
    if purge.approved_at is None:
        raise ConflictError(f"purge {number} is not approved")
    if purge.applied_at is not None:
        raise ConflictError(f"purge {number} was applied")
    rules = {entry["record"]: entry["rule"] for entry in purge.records}
    found = list(going(rules))
    stays = _staying(found, at)
    gone = [one for one in found if one.record not in stays]
    purge.todo = take_away(gone, rules, number, at)
    purge.records = [
        {"digest": record_digest(about), "kind": about.partition(":")[0], "rule": name}
        | ({"stayed": stays[about]} if about in stays else {})
        for about, name in rules.items()
    ]
    purge.todo["parts"] = sum(len(one.parts) for one in gone)
    purge.todo["stayed"] = stays
    purge.applied_at = at
    purge.save(update_fields=["records", "todo", "applied_at"])
    record(f"purge:{purge.pk}", purge.digest.encode())
    return purge


def _staying(found: Collection[Going], at: datetime) -> dict[str, str]:
    holds = held()
    stays = dict.fromkeys(waiting_for_copy(found), UNCOPIED)
    stays |= dict.fromkeys(live([one.record for one in found], at), LIVE)
    return stays | {one.record: HELD for one in found if not holds.isdisjoint(one.parts)}


def take_away(gone: Collection[Going], rules: dict[str, str], number: str, at: datetime) -> dict[str, Any]:
    """Remove records and leave tombstones, within a transaction; return what is still to go from lake and files."""
    declarations = [one.own_key for one in gone if one.record.startswith("declaration:")]
    blanked = blanked_with(declarations)
    remove(gone)
    remove_salts(blanked)
    models.Tombstone.objects.bulk_create(
        _tombstone(part, rules[one.record], number, at) for one in gone for part in one.parts
    )
    models.Tombstone.objects.bulk_create(_tombstone(one, "blanked with a declaration", number, at) for one in blanked)
    record(f"tombstones:{number}", tombstones_content(number))
    todo: dict[str, Any] = {"file": sorted({digest for one in gone for digest in one.files})}
    for kind in ("declaration", "consignment", "seizure"):
        todo[kind] = [one.own_key for one in gone if one.record.startswith(f"{kind}:")]
    return todo


def _tombstone(about: str, rule: str, number: str, at: datetime) -> models.Tombstone:
    kind = about.partition(":")[0]
    return models.Tombstone(record_digest=record_digest(about), kind=kind, rule=rule, purge=number, at=at)


def _finish(purge: models.Purge, lake: Path, store: Attachments) -> None:
    """Remove what is left to be removed, forget what it was, and write the database's files anew."""
    remove_elsewhere(purge.todo, lake, store)
    models.Purge.objects.filter(pk=purge.pk).update(todo=_told(purge.todo))
    scrub(SCRUBBED)


def _told(todo: dict[str, Any]) -> dict[str, Any]:
    """Return what may stay of the work: numbers, and by digest what stayed."""
    stayed = todo.get("stayed", {})
    return {"parts": todo.get("parts", 0), "stayed": {_named(about): why for about, why in stayed.items()}}


def _named(about: str) -> str:
    return about if len(about) == len(record_digest("")) and ":" not in about else record_digest(about)


def remove_elsewhere(todo: dict[str, Any], lake: Path, store: Attachments) -> None:
    """Remove what a list took away from the attachments and the lake as well; doing it again changes nothing."""
    kept = set(models.Attachment.objects.filter(digest__in=todo.get("file", [])).values_list("digest", flat=True))
    for digest in todo.get("file", []):
        if digest not in kept:
            store.remove(digest)
    purge = LakePurge(
        declarations=frozenset(todo.get("declaration", [])),
        consignments=frozenset(todo.get("consignment", [])),
        seizures=frozenset(todo.get("seizure", [])),
    )
    if purge != LakePurge() and (lake / MANIFEST).exists():
        purge_lake(Lake.open(lake), purge)


@action("purge.close")
def close_purge(*, number: str, by: Actor, at: datetime) -> models.Purge:
    """Note that nothing is left anywhere of what a list took away."""
    purge = purge_held(number)
    if set(purge.todo) - {"parts", "stayed"}:
        raise ConflictError(f"purge {number} is not finished")
    purge.done_at = at
    purge.save(update_fields=["done_at"])
    record(f"purge:{purge.pk}", purge.digest.encode())
    return purge


def outcome(purge: models.Purge) -> Purged:
    """Return what an applied list did, and the backups that still hold what went."""
    stayed = sum("stayed" in entry for entry in purge.records)
    return Purged(
        number=purge.pk,
        records=len(purge.records) - stayed,
        parts=purge.todo.get("parts", 0),
        stayed=dict(purge.todo.get("stayed", {})),
        backups=tuple(holding(purge)),
    )


def holding(purge: models.Purge) -> list[models.Backup]:
    """Return the backups, not yet destroyed, that were made before a purge was finished: they hold what went."""
    found = models.Backup.objects.filter(gone_at=None).order_by("made_at")
    return list(found if purge.done_at is None else found.filter(made_at__lt=purge.done_at))


SCRUBBED: Final = tuple(
    model._meta.db_table  # noqa: SLF001  # documented by Django
    for model in (
        models.Act, models.Assignment, models.Attachment, models.AuditSalt, models.CapacityDecision,
        models.Consignment, models.ControlRequest, models.Decision, models.Declaration, models.DrawIdentity,
        models.Event, models.Exhibit, models.HandOver, models.Lodgement, models.Lookout,
        models.LookoutAcknowledgement, models.LookoutMatch, models.LookoutShortening, models.Mark, models.Override,
        models.PublishedSet, models.Purge, models.Recall, models.Reexamination, models.Referral, models.Replacement,
        models.Result, models.Rise, models.Seizure,
    )
)  # fmt: skip
"""The tables that a purge removes rows from."""
