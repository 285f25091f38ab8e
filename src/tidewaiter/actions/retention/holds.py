"""Legal holds: nothing about a record that is held is purged, nor what would go with it.

A hold names a record that is there: one on a number mistyped would keep nothing, and nobody would know. One person
places it, two lift it.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from django.core.exceptions import ValidationError
from django.db.models import Model

from tidewaiter.actions.acting import Actor, action, officer_of, record
from tidewaiter.actions.packing import to_json
from tidewaiter.actions.retention.aged_records import RECORD_KEYS
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError, Place, Problem
from tidewaiter.storage.lake.aged import AGED, named_by_digest
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.lake.manifest import MANIFEST
from tidewaiter.storage.records import models
from tidewaiter.storage.records.audit import lock_chain, record_digest
from tidewaiter.storage.records.models import LegalHold

_KEYS: Final[Mapping[str, tuple[type[Model], str]]] = {
    **RECORD_KEYS,
    "act": (models.Act, "pk"),
    "decision": (models.Decision, "pk"),
    "exhibit": (models.Exhibit, "pk"),
    "filing": (models.Consignment, "pk"),
    "match": (models.LookoutMatch, "reference"),
    "referral": (models.Referral, "pk"),
}
"""By kind the model and the field that names what a hold may name."""

HELD_KINDS: Final = tuple(sorted(_KEYS))
"""What a hold may name: what goes by a purge, by itself or with another record. One on anything else held nothing."""


@action("hold.place")
def place_hold(*, about: str, reason: str, lake: Path | None = None, by: Actor, at: datetime) -> LegalHold:
    """Hold a record (`declaration:D1`, and whatever else is purged with it) back from every purge.

    Raises InputError without a reason, and for a record that is neither in the records nor in the lake.
    """
    problems = _problems(about, lake)
    if not reason.strip():
        problems.append(Problem("say why, and who asked for it", Place("reason")))
    if problems:
        raise InputError(problems)
    lock_chain()
    hold = LegalHold.objects.create(record=about, reason=reason, by=officer_of(by), at=at)
    record(f"hold:{hold.pk}", hold_content(hold))
    return hold


def _problems(about: str, lake: Path | None) -> list[Problem]:
    """Return what is wrong with the name of a record that is to be held."""
    kind, _, key = about.partition(":")
    place = Place("record")
    if not kind or not key or len(about) > 200 or "\x00" in about:
        return [Problem("name a record as kind:number", place, "for example declaration:2026-0001")]
    if kind not in _KEYS:
        return [Problem(f"no record is named '{kind[:40]}:...'", place, f"the kinds are {', '.join(HELD_KINDS)}")]
    if _in_records(kind, key) or (kind in AGED and _in_lake(kind, key, lake)):
        return []
    where = "the records, and the lake was not at hand" if kind in AGED and lake is None else "the records"
    where = "the records and the lake" if kind in AGED and lake is not None else where
    return [Problem(f"there is no {kind} {key}: it was looked for in {where}", place, "compare the number")]


def _in_records(kind: str, key: str) -> bool:
    model, name = _KEYS[kind]
    found = model._meta.pk if name == "pk" else model._meta.get_field(name)  # noqa: SLF001  # documented by Django
    with suppress(ValidationError, OverflowError):
        wanted = found.to_python(key)  # type: ignore[union-attr]
        if str(wanted) == key and not (isinstance(wanted, int) and wanted.bit_length() > 63):
            return model._default_manager.filter(**{name: wanted}).exists()  # noqa: SLF001
    return False


def _in_lake(kind: str, key: str, lake: Path | None) -> bool:
    if lake is None or not (lake / MANIFEST).exists():
        return False
    return bool(named_by_digest(Lake.open(lake).snapshot(), kind, [record_digest(f"{kind}:{key}")]))


@action("hold.lift")
def lift_hold(*, hold: int, reason: str, by: Actor, at: datetime) -> LegalHold:
    """Ask, for a reason, that a hold be lifted; it stands until a second person confirms it.

    Raises NotKnownError for a hold that is not there, ConflictError for one that is lifted or waits to be.
    """
    officer = officer_of(by)
    if not reason.strip():
        raise InputError(Problem("say why it is lifted", Place("reason")))
    found = _standing(hold)
    if found.lifted_by_id is not None:
        raise ConflictError(f"hold {hold} waits for a second person to agree that it is lifted")
    found.lifted_by, found.lifted_reason = officer, reason
    return _kept(found)


@action("hold.confirm_lift")
def confirm_lift(*, hold: int, agreed: bool, by: Actor, at: datetime) -> LegalHold:
    """Lift a hold as another person asked, or refuse to; who asked may only take it back.

    Raises NotAllowedError for the one who asked, ConflictError where nobody did.
    """
    officer = officer_of(by)
    found = _standing(hold)
    if found.lifted_by_id is None:
        raise ConflictError(f"nobody asked for hold {hold} to be lifted")
    if agreed and found.lifted_by_id == officer.pk:
        raise NotAllowedError("another person confirms what you asked for")
    if agreed:
        found.lifted_second, found.lifted_at = officer, at
    else:
        found.lifted_by, found.lifted_reason = None, ""
    return _kept(found)


def _standing(hold: int) -> LegalHold:
    lock_chain()
    found = LegalHold.objects.select_for_update().filter(pk=hold).first()
    if found is None:
        raise NotKnownError(f"there is no hold {hold}")
    if found.lifted_at is not None:
        raise ConflictError(f"hold {hold} was lifted before")
    return found


def _kept(hold: LegalHold) -> LegalHold:
    hold.save()
    record(f"hold:{hold.pk}", hold_content(hold))
    return hold


def hold_content(hold: LegalHold) -> bytes:
    """Return what the audit chain holds of a hold; of one that one person lifted, as it was held when one could."""
    stated = {"record": hold.record, "reason": hold.reason, "by": hold.by_id}
    stated |= {"lifted_by": hold.lifted_by_id, "lifted_reason": hold.lifted_reason}
    by_one = hold.lifted_by_id is not None and hold.lifted_second_id is None
    if by_one and hold.lifted_at is None:
        stated["lifted"] = "asked for"
    elif not by_one and hold.lifted_at is not None:
        stated |= {"lifted": hold.lifted_at.astimezone(UTC).isoformat(), "lifted_second": hold.lifted_second_id}
    return to_json(stated).encode("utf-8", "surrogatepass")


def held() -> frozenset[str]:
    """Return the records that a hold stands on, also one that is asked to be lifted."""
    return frozenset(LegalHold.objects.filter(lifted_at=None).values_list("record", flat=True))
