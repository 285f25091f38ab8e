"""Lookouts: raised at once, acknowledged by offices, ended by two persons with an outcome.

A covert lookout (monitor) is there for cleared intelligence officers, risk managers and the inspectorate only. For
everyone else it is as if it did not exist: the same answer as for a reference that was never given. References are
random, so that no gap in a sequence betrays one, and what is published says the same cause as routine work does.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.db.models import Exists, OuterRef, QuerySet

from tidewaiter.actions.acting import Actor, action, officer_of, record
from tidewaiter.actions.packing import to_json
from tidewaiter.actions.profiles.publishing import publish
from tidewaiter.actions.rights import granting
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError, Problem
from tidewaiter.core.lookout import LookoutAction, LookoutKind
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import (
    Classification,
    Lookout,
    LookoutAcknowledgement,
    LookoutShortening,
    Office,
    Officer,
)
from tidewaiter.storage.records.models.lookout import random_reference
from tidewaiter.storage.records.visibility import cleared_for, sees_covert, visible_to

ROUTINE: Final = "routine publication"
"""The cause of a publication that a covert lookout brought about."""

IN_FORCE: Final = "in force"
EXPIRED: Final = "expired"
"""Past its expiry and its outcome still owed."""
ENDED: Final = "ended"

OPEN: Final = "open"
CONFIRMED: Final = "confirmed"
CLEARED: Final = "cleared"

_NAMED: Final = (LookoutKind.PARTY, LookoutKind.COMPANY, LookoutKind.CONVEYANCE)
_MOST_VALUES: Final = 1000
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class LookoutText:
    """What a lookout says: what it is met by, what is to be done, whom to call, what to beware of.

    `values` are codes and numbers, met exactly; `names` are met possibly (parties, companies and conveyances only).
    `reason` is restricted; `instruction` is what an examiner is shown. No offices: all.
    """

    kind: LookoutKind
    action: LookoutAction
    reason: str
    contact: str
    values: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    instruction: str = ""
    safety_warning: str = ""
    offices: tuple[str, ...] = ()
    rank: int = 0


@action("lookout.raise")
def raise_lookout(
    *, text: LookoutText, valid_from: datetime | None = None, expires_at: datetime, by: Actor, at: datetime
) -> Lookout:
    """Put a lookout in force at once. Raises InputError with everything that is missing or cannot be met.

    `valid_from` None is the moment itself. Monitoring makes it covert and needs an officer who may see such lookouts.
    """
    officer = officer_of(by)
    begins = valid_from or at
    offices = _checked(text, begins, expires_at, at)
    if not cleared_for(officer, text.rank):
        raise NotAllowedError("you cannot raise a lookout above your own clearance")
    covert = text.action is LookoutAction.MONITOR
    if covert and not sees_covert(officer):
        raise NotAllowedError("you may not raise a lookout that only monitors")
    lock_chain()
    lookout = Lookout.objects.create(
        reference=random_reference("LO"),
        kind=text.kind.value,
        subject={"values": list(text.values), "names": list(text.names)},
        action=text.action.value,
        covert=covert,
        instruction=text.instruction,
        reason=text.reason,
        safety_warning=text.safety_warning,
        contact=text.contact,
        rank=text.rank,
        raised_by=officer,
        raised_at=at,
        valid_from=begins,
        expires_at=expires_at,
    )
    lookout.offices.set(offices)
    _trace(lookout)
    _publish(lookout, "raised", at)
    return lookout


@action("lookout.acknowledge")
def acknowledge_lookout(
    *, reference: str, office: str | None = None, by: Actor, at: datetime
) -> LookoutAcknowledgement:
    """Note that an office has read a lookout: the officer's own, or another by whoever works for all offices.

    Raises NotKnownError for one that the officer may not see, ConflictError where nothing is to be acknowledged.
    """
    officer = officer_of(by)
    lookout = seen_lookout(reference, officer, "lookout.acknowledge")
    code = officer.office_id if office is None or officer.office_id == office else office
    if code is None:
        raise InputError("name the office that has read it")
    if code != officer.office_id and officer.office_id is not None:
        raise NotAllowedError("an officer acknowledges for the own office")
    if lookout.covert or lookout.state != IN_FORCE:
        raise ConflictError(f"lookout {reference} asks for no acknowledgement")
    if lookout.offices.exists() and not lookout.offices.filter(code=code).exists():
        raise ConflictError(f"lookout {reference} is not addressed to office {code}")
    if not Office.objects.filter(code=code).exists():
        raise NotKnownError(f"no office has the code {code}")
    made, _ = LookoutAcknowledgement.objects.get_or_create(
        lookout=lookout, office_id=code, defaults={"by": officer, "at": at}
    )
    record(_audited(lookout), to_json({"office": code}).encode())
    return made


@action("lookout.extend")
def extend_lookout(*, reference: str, expires_at: datetime, reason: str, by: Actor, at: datetime) -> Lookout:
    """Let a lookout expire later. Acts at once."""
    lookout = _held(reference, officer_of(by))
    if expires_at <= lookout.expires_at:
        raise InputError("this is not later than it expires now; to shorten it, a second person is needed")
    lookout.expires_at, lookout.state = expires_at, IN_FORCE
    lookout.save()
    _trace(lookout, reason=given(reason, "say why it is still needed"))
    _publish(lookout, "extended", at)
    return lookout


@action("lookout.shorten")
def shorten_lookout(*, reference: str, expires_at: datetime, reason: str, by: Actor, at: datetime) -> Lookout:
    """Ask that a lookout expire earlier; a second person confirms it."""
    officer = officer_of(by)
    lookout = _held(reference, officer)
    if not at <= expires_at < lookout.expires_at:
        raise InputError("this is not between now and its expiry")
    lookout.ended_by, lookout.shorten_to = officer, expires_at
    lookout.save()
    _trace(lookout, reason=given(reason, "say why it may expire earlier"))
    return lookout


@action("lookout.end")
def end_lookout(*, reference: str, outcome: str, by: Actor, at: datetime) -> Lookout:
    """Ask that a lookout end, with its outcome; a second person confirms it.

    For one that has expired nothing is lowered any more: its outcome ends it at once.
    """
    officer = officer_of(by)
    lookout = _held(reference, officer)
    lookout.outcome = given(outcome, "say what came of it: met, not met, what was found")
    lookout.ended_by, lookout.shorten_to = officer, None
    if lookout.state == EXPIRED:
        lookout.state, lookout.ended_at = ENDED, at
    lookout.save()
    _trace(lookout)
    return lookout


@action("lookout.confirm_end")
def confirm_end(*, reference: str, agreed: bool, reason: str = "", by: Actor, at: datetime) -> Lookout:
    """Confirm, or refuse, the end or the earlier expiry that another person asked for.

    Raises NotAllowedError for the one who asked, ConflictError where nobody did.
    """
    officer = officer_of(by)
    lookout = _held(reference, officer)
    if lookout.ended_by_id is None:
        raise ConflictError(f"nobody asked for lookout {reference} to end")
    if agreed and lookout.ended_by_id == officer.pk:
        raise NotAllowedError("another person confirms what you asked for")
    shortened = lookout.shorten_to
    if not agreed:
        lookout.ended_by, lookout.shorten_to, lookout.outcome = None, None, ""
    elif shortened is not None:
        LookoutShortening.objects.create(
            lookout=lookout,
            before=lookout.expires_at,
            after=shortened,
            by_id=lookout.ended_by_id,
            second=officer,
            at=at,
        )
        lookout.expires_at, lookout.ended_by, lookout.shorten_to = shortened, None, None
    else:
        lookout.ended_second, lookout.ended_at, lookout.state = officer, at, ENDED
    lookout.save()
    _trace(lookout, reason=reason)
    if agreed:
        _publish(lookout, "shortened" if shortened is not None else "ended", at)
    return lookout


@action("lookout.expire")
def expire_lookouts(*, by: Actor, at: datetime) -> list[Lookout]:
    """Take what is past its expiry out of force; its outcome is then owed. Returns them. See `any_expired`."""
    lock_chain()
    found = list(_past_expiry(at))
    for lookout in found:
        lookout.state, lookout.ended_by, lookout.shorten_to = EXPIRED, None, None
        lookout.save()
        _trace(lookout)
    record("lookouts:expiry", str(len(found)).encode())
    if found:
        publish(ROUTINE, at=at)
    return found


def any_expired(at: datetime) -> bool:
    """Tell whether there is anything for `expire_lookouts` to do."""
    return _past_expiry(at).exists()


@action("lookout.read")
def read_lookout(*, reference: str, by: Actor, at: datetime) -> Lookout:
    """Return a lookout that the officer may see; the reading is recorded. Raises NotKnownError for any other."""
    lookout = seen_lookout(reference, officer_of(by))
    record(_audited(lookout))
    return lookout


@action("lookout.read")
def read_lookouts(*, found: QuerySet[Lookout], by: Actor, at: datetime) -> list[Lookout]:
    """Return lookouts found for an officer (`seen_lookouts` and the like, a page of them); the reading is recorded."""
    read = list(found)
    record("lookouts", to_json([lookout.reference for lookout in read]).encode())
    return read


def seen_lookout(reference: str, officer: Officer, action: str = "lookout.read") -> Lookout:
    """Return a lookout that the officer may see for that action. Raises NotKnownError for others, in the same words."""
    found = visible_to(officer, Lookout.objects.all(), granting(action)).filter(reference=reference).first()
    if found is None:
        raise NotKnownError("there is no lookout of that reference")
    return found


def seen_lookouts(officer: Officer) -> QuerySet[Lookout]:
    """Return the lookouts that the officer may see."""
    return visible_to(officer, Lookout.objects.all(), granting("lookout.read"))


def unacknowledged(officer: Officer, office: str) -> QuerySet[Lookout]:
    """Return the lookouts in force that an office has not yet acknowledged; no covert one is ever among them."""
    read = LookoutAcknowledgement.objects.filter(lookout=OuterRef("pk"), office_id=office)
    others = Lookout.offices.through.objects.filter(lookout_id=OuterRef("pk"))
    addressed = ~Exists(others) | Exists(others.filter(office_id=office))
    return seen_lookouts(officer).filter(addressed, ~Exists(read), state=IN_FORCE, covert=False)


def owing_outcome(officer: Officer) -> QuerySet[Lookout]:
    """Return the lookouts that have expired without an outcome."""
    return seen_lookouts(officer).filter(state=EXPIRED)


def _past_expiry(at: datetime) -> QuerySet[Lookout]:
    return Lookout.objects.filter(state=IN_FORCE, expires_at__lte=at)


def _held(reference: str, officer: Officer) -> Lookout:
    lock_chain()
    lookout = seen_lookout(reference, officer)
    if lookout.state == ENDED:
        raise ConflictError(f"lookout {reference} has ended")
    return lookout


def _publish(lookout: Lookout, what: str, at: datetime) -> None:
    publish(ROUTINE if lookout.covert else f"lookout {lookout.reference} {what}", at=at)


def _trace(lookout: Lookout, *, reason: str = "") -> None:
    """Record a lookout as it now stands, and apart from it the reason that was given for the step."""
    if reason:
        record(f"lookout-step:{lookout.reference}", reason.encode("utf-8", "surrogatepass"))
    record(_audited(lookout), lookout_content(lookout))


def lookout_content(lookout: Lookout) -> bytes:
    """Return what the audit chain holds of a lookout: what it is met by, what it asks for, and where it stands."""
    content = {
        "kind": lookout.kind,
        "subject": lookout.subject,
        "action": lookout.action,
        "covert": lookout.covert,
        "instruction": lookout.instruction,
        "reason": lookout.reason,
        "safety_warning": lookout.safety_warning,
        "contact": lookout.contact,
        "rank": lookout.rank,
        "offices": sorted(lookout.offices.values_list("pk", flat=True)),
        "state": lookout.state,
        "valid_from": lookout.valid_from.astimezone(UTC).isoformat(),
        "expires_at": lookout.expires_at.astimezone(UTC).isoformat(),
        "outcome": lookout.outcome,
        "persons": [lookout.raised_by_id, lookout.ended_by_id, lookout.ended_second_id],
        "shorten_to": lookout.shorten_to and lookout.shorten_to.astimezone(UTC).isoformat(),
    }
    return to_json(content).encode("utf-8", "surrogatepass")


def _audited(lookout: Lookout) -> str:
    return f"lookout:{lookout.reference}"


def _checked(text: LookoutText, begins: datetime, expires_at: datetime, at: datetime) -> list[Office]:
    """Return the offices. Raises InputError with every problem of the text."""
    problems = [*_subject_problems(text), *_time_problems(begins, expires_at, at)]
    for part, advice in (("reason", "say what is known"), ("contact", "name who answers at any hour")):
        if not getattr(text, part).strip():
            problems.append(Problem(f"a lookout states its {part}", suggestion=advice))
    if text.action is not LookoutAction.MONITOR and not text.instruction.strip():
        problems.append(Problem("a lookout states its instruction", suggestion="say what is to be done, not why"))
    if text.rank and not Classification.objects.filter(rank=text.rank).exists():
        problems.append(Problem(f"rank {text.rank} is not in the classification scheme"))
    offices = list(Office.objects.filter(code__in=text.offices))
    unknown = sorted(set(text.offices) - {office.code for office in offices})
    if unknown:
        problems.append(Problem(f"unknown offices: {', '.join(unknown)}"))
    if problems:
        raise InputError(problems)
    return offices


def _subject_problems(text: LookoutText) -> list[Problem]:
    found: list[Problem] = []
    if not text.values and not text.names:
        found.append(Problem("a lookout names what it is met by", suggestion="give codes or numbers, or a name"))
    if text.names and text.kind not in _NAMED:
        found.append(Problem(f"a {text.kind} is met by its number, not by a name", suggestion="give values"))
    if len(text.values) + len(text.names) > _MOST_VALUES:
        found.append(Problem(f"a lookout has at most {_MOST_VALUES} values", suggestion="use a list and a profile"))
    unmet = [value for value in (*text.values, *text.names) if len(value) > _LONGEST or not _telling(value)]
    found += [Problem(f"'{value[:40]}' has no letter or digit to be met by, or is too long") for value in unmet]
    return found


def _telling(value: str) -> bool:
    return any(character.isalnum() for character in value)


def _time_problems(begins: datetime, expires_at: datetime, at: datetime) -> list[Problem]:
    if expires_at <= max(begins, at):
        return [Problem("a lookout expires after it begins", suggestion="give a later moment")]
    return []


def given(text: str, advice: str) -> str:
    """Return a reason or outcome that was given. Raises InputError, with the advice, where it is blank."""
    if not text.strip():
        raise InputError(Problem("a reason or outcome is needed", suggestion=advice))
    return text


def acknowledged_by(lookout: Lookout) -> Collection[str]:
    """Return the codes of the offices that have acknowledged a lookout."""
    return sorted(lookout.acknowledgements.values_list("office_id", flat=True))
