"""Exhibits and samples: who took them, who holds them, and how they went from hand to hand.

A hand-over is signed twice: the holder offers, the taker signs by an own token and states the seal that is there. Only
the holder can give, one offer waits at a time, and each seal found must be the one left before, or the difference is
explained: so the chain of custody has no gap. `custody_problems` checks it from end to end.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tidewaiter.actions.acting import Actor, action, officer_of, record, require
from tidewaiter.actions.examinations.subjects import exhibits_seen, require_seen
from tidewaiter.actions.rights import granting
from tidewaiter.actions.rows import rows_to_json
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError, Place, Problem
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Exhibit, HandOver, Officer

KINDS: Final = ("exhibit", "sample")
DECLINED, WITHDRAWN = "declined", "withdrawn"


@action("exhibit.capture")
def capture_exhibit(
    *,
    about: str,
    kind: str,
    description: str,
    place: str,
    seal_before: str = "",
    seal_after: str = "",
    number: str = "",
    by: Actor,
    at: datetime,
) -> Exhibit:
    """Take an exhibit or a sample; who takes it holds it.

    `about` names a record the officer sees (act:..., seizure:...); `seal_before` was on the goods, `seal_after` is on
    the exhibit. What is stated is digested: the hash at capture. Without a number it gets one of the year.
    """
    officer = officer_of(by)
    require_seen(about, officer, "exhibit.capture")
    _require(kind in KINDS, "kind", f"is one of {', '.join(KINDS)}")
    _require(bool(description.strip()) and bool(place.strip()), "description", "say what it is, and where it is kept")
    lock_chain()
    given = number or _next_number(at)
    if Exhibit.objects.filter(pk=given).exists():
        raise ConflictError(f"exhibit {given} is recorded already")
    exhibit = Exhibit(
        number=given,
        kind=kind,
        record=about,
        description=description,
        seal_before=seal_before,
        seal_after=seal_after,
        captured_by=officer,
        captured_at=at,
        holder=officer,
        place=place,
    )
    exhibit.digest = captured_digest(exhibit)
    exhibit.save(force_insert=True)
    record(f"exhibit:{given}", exhibit.digest.encode())
    return exhibit


def captured_digest(exhibit: Exhibit) -> str:
    """Return SHA-256 of what was stated when the exhibit was taken."""
    stated = {
        "number": exhibit.number,
        "kind": exhibit.kind,
        "about": exhibit.record,
        "description": exhibit.description,
        "seal_before": exhibit.seal_before,
        "seal_after": exhibit.seal_after,
        "by": exhibit.captured_by.reference,
        "at": exhibit.captured_at,
    }
    return hashlib.sha256(rows_to_json([stated]).encode("utf-8", "surrogatepass")).hexdigest()


def _next_number(at: datetime) -> str:
    start = f"E{at.year}-"
    taken = Exhibit.objects.filter(number__startswith=start).values_list("number", flat=True)
    counts = [int(rest) for one in taken if (rest := one.removeprefix(start)).isdecimal()]
    return f"{start}{max(counts, default=0) + 1:06d}"


@action("exhibit.offer")
def offer_exhibit(
    *,
    number: str,
    taker: str,
    place: str,
    seal_before: str = "",
    seal_after: str = "",
    reason: str = "",
    by: Actor,
    at: datetime,
) -> HandOver:
    """Offer an exhibit to another officer; it changes hands when that officer signs.

    `seal_before` is the seal found now, `seal_after` the one it goes with. Raises NotAllowedError for all but the
    holder, ConflictError while another offer waits, InputError for a seal that is not the last one, without a reason.
    """
    giver = officer_of(by)
    exhibit = _locked(number, giver, "exhibit.offer")
    to = Officer.objects.filter(login=taker, active=True).first()
    if exhibit.holder_id != giver.pk:
        raise NotAllowedError(f"only who holds exhibit {number} can give it")
    if _waiting(exhibit) is not None:
        raise ConflictError(f"exhibit {number} is offered already; withdraw the offer first")
    if to is None or to.pk == giver.pk:
        raise InputError(Problem("is another active officer", Place("taker")))
    steps = list(exhibit.hand_overs.order_by("ordinal"))
    last = _last_seal(exhibit, steps)
    _require(
        seal_before == last or bool(reason.strip()),
        "seal_before",
        f"the seal left last is '{last}'; where another is found, say why",
    )
    _require(bool(place.strip()), "place", "say where it changes hands")
    offer = HandOver.objects.create(
        exhibit=exhibit,
        ordinal=len(steps) + 1,
        giver=giver,
        taker=to,
        seal_before=seal_before,
        seal_after=seal_after,
        place=place,
        reason=reason,
        offered_at=at,
    )
    record(f"exhibit:{number}", offer_content(offer))
    return offer


@action("exhibit.sign")
def sign_exhibit(*, number: str, seal: str, by: Actor, at: datetime) -> HandOver:
    """Take what was offered: the exhibit is in the signing officer's hands from now on.

    `seal` is the seal the taker sees. Raises NotKnownError where nothing is offered to this officer, ConflictError
    where the seal is not the one the giver stated: then it is to be declined.
    """
    taker = officer_of(by)
    exhibit, offer = _offered(number, taker)
    if seal != offer.seal_after:
        raise ConflictError(f"the giver states the seal '{offer.seal_after}', you see '{seal}': decline the offer")
    offer.signed_at = at
    offer.save(update_fields=["signed_at"])
    exhibit.holder, exhibit.place = taker, offer.place
    exhibit.save(update_fields=["holder", "place"])
    record(f"exhibit:{number}", offer_content(offer))
    return offer


@action("exhibit.sign")
def decline_exhibit(*, number: str, reason: str, by: Actor, at: datetime) -> HandOver:
    """Decline what was offered, with a reason; the giver goes on holding it."""
    _, offer = _offered(number, officer_of(by))
    _require(bool(reason.strip()), "reason", "say why")
    return _end(offer, DECLINED, reason, at)


@action("exhibit.offer")
def withdraw_exhibit(*, number: str, reason: str, by: Actor, at: datetime) -> HandOver:
    """Take an offer back; only its giver can."""
    giver = officer_of(by)
    offer = _waiting(_locked(number, giver, "exhibit.offer"))
    if offer is None or offer.giver_id != giver.pk:
        raise NotKnownError(f"you offer no exhibit {number}")
    return _end(offer, WITHDRAWN, reason, at)


def _end(offer: HandOver, how: str, reason: str, at: datetime) -> HandOver:
    offer.ended_at, offer.ended_as = at, how
    offer.reason = "; ".join(part for part in (offer.reason, f"{how}: {reason}") if part)
    offer.save(update_fields=["ended_at", "ended_as", "reason"])
    record(f"exhibit:{offer.exhibit_id}", offer_content(offer))
    return offer


def _locked(number: str, officer: Officer, action: str) -> Exhibit:
    if not exhibits_seen(officer, granting(action)).filter(pk=number).exists():
        raise NotKnownError(f"no exhibit {number} is known")
    lock_chain()
    return Exhibit.objects.select_for_update(of=("self",)).select_related("captured_by").get(pk=number)


def _offered(number: str, taker: Officer) -> tuple[Exhibit, HandOver]:
    exhibit = _locked(number, taker, "exhibit.sign")
    offer = _waiting(exhibit)
    if offer is None or offer.taker_id != taker.pk:
        raise NotKnownError(f"no exhibit {number} is offered to you")
    return exhibit, offer


def _waiting(exhibit: Exhibit) -> HandOver | None:
    return exhibit.hand_overs.filter(signed_at=None, ended_at=None).first()


def _last_seal(exhibit: Exhibit, steps: Iterable[HandOver]) -> str:
    signed = [step for step in steps if step.signed_at is not None]
    return signed[-1].seal_after if signed else exhibit.seal_after


def offer_content(offer: HandOver) -> bytes:
    """Return what the audit chain holds of a hand-over as it stands: offered, signed or ended."""
    parts = [offer.ordinal, offer.giver_id, offer.taker_id, offer.seal_before, offer.seal_after, offer.place]
    return json.dumps([*parts, offer.reason, offer.ended_as, bool(offer.signed_at)]).encode()


def _require(true: bool, place: str, message: str) -> None:
    if not true:
        raise InputError(Problem(message, Place(place)))


@dataclass(frozen=True, slots=True)
class Custody:
    """An exhibit with every step it took, and what is wrong with its chain of custody (nothing: empty)."""

    exhibit: Exhibit
    steps: tuple[HandOver, ...]
    problems: tuple[str, ...]


def custody_of(*, number: str, by: Actor, at: datetime) -> Custody:
    """Return an exhibit and its chain of custody. Raises NotKnownError for one the officer may not see."""
    require("exhibit.read", by, at)
    seen = exhibits_seen(officer_of(by), granting("exhibit.read")).filter(pk=number).values("pk")
    exhibit = Exhibit.objects.select_related("captured_by", "holder").filter(pk__in=seen).first()
    if exhibit is None:
        raise NotKnownError(f"no exhibit {number} is known")
    steps = tuple(exhibit.hand_overs.select_related("giver", "taker").order_by("ordinal"))
    return Custody(exhibit, steps, tuple(custody_problems(exhibit, steps)))


def custody_problems(exhibit: Exhibit, steps: Iterable[HandOver]) -> list[str]:
    """Return every gap in a chain of custody, in words."""
    holder, seal, at = exhibit.captured_by_id, exhibit.seal_after, exhibit.captured_at
    problems = [] if captured_digest(exhibit) == exhibit.digest else ["what was stated at capture was altered"]
    for number, step in enumerate(steps, start=1):
        if step.ordinal != number:
            problems.append(f"step {number} is missing")
        if step.signed_at is None:
            continue
        if step.giver_id != holder:
            problems.append(f"step {step.ordinal}: the giver did not hold it")
        if step.seal_before != seal and not step.reason:
            problems.append(f"step {step.ordinal}: the seal changed without a reason")
        if not at <= step.offered_at <= step.signed_at:
            problems.append(f"step {step.ordinal}: its times are out of order")
        holder, seal, at = step.taker_id, step.seal_after, step.signed_at
    if exhibit.holder_id != holder:
        problems.append("the holder is not the one who took it last")
    return problems
