"""Who is on duty where: set, listed and ended by managers, within bounds that keep one from choosing who examines.

A manager with an office sets the duties of that office's examiners. A duty lasts a day at most and is not set far
ahead, so that a roster is the work of many days. Duties of one examiner do not overlap, so that nobody takes minutes
from one by a shorter duty beside it. Lots with one candidate, or as good as one, are told to the inspectorate, with who
set the duty and who ended others.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import F, Q

from tidewaiter.actions.acting import Actor, action, officer_of, record
from tidewaiter.actions.packing import to_json
from tidewaiter.actions.rights import granting
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError, Place, Problem
from tidewaiter.core.role import Role
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Duty, Office, Officer
from tidewaiter.storage.records.visibility import limited, visible_to

LONGEST: Final = timedelta(hours=24)
FURTHEST: Final = timedelta(days=14)


@action("roster.set")
def set_duty(*, officer: str, office: str, starts_at: datetime, ends_at: datetime, by: Actor, at: datetime) -> Duty:
    """Put an examiner on duty at the own office for a time: at most a day, beginning at most 14 days ahead.

    Raises NotAllowedError for another office than the manager's, NotKnownError for an unknown officer or office,
    InputError with every problem.
    """
    manager = officer_of(by)
    if limited(manager, granting("roster.set")) and office != manager.office_id:
        raise NotAllowedError("a manager with an office sets duties of that office only")
    found = Officer.objects.filter(login=officer).first()
    if found is None or not Office.objects.filter(pk=office).exists():
        raise NotKnownError(f"no officer {officer}" if found is None else f"no office {office}")
    lock_chain()
    problems = list(_problems(found, office, starts_at, ends_at, at))
    if problems:
        raise InputError(problems)
    duty = Duty.objects.create(officer=found, office=office, starts_at=starts_at, ends_at=ends_at, by=manager, at=at)
    record(f"duty:{duty.pk}", duty_content(duty))
    return duty


def _problems(officer: Officer, office: str, starts_at: datetime, ends_at: datetime, at: datetime) -> Iterator[Problem]:
    if ends_at <= starts_at:
        yield Problem("ends before it begins", Place("ends_at"))
    elif ends_at <= at:
        yield Problem("is over already", Place("ends_at"))
    elif ends_at - starts_at > LONGEST:
        yield Problem("lasts more than 24 hours", Place("ends_at"), "set a duty for each day")
    if starts_at - at > FURTHEST:
        yield Problem(f"begins more than {FURTHEST.days} days ahead", Place("starts_at"))
    if not officer.holds(Role.EXAMINER) or officer.office_id != office:
        yield Problem(f"{officer.login} is no active examiner of office {office}", Place("officer"))
    held = Duty.objects.filter(officer=officer, office=office, starts_at__lt=ends_at, ends_at__gt=starts_at)
    beside = held.filter(ends_at__gt=F("starts_at")).order_by("starts_at", "pk").first()
    if beside is not None and starts_at < ends_at:
        advice = f"end duty {beside.pk}, or set one before or after it"
        yield Problem(f"{officer.login} has duty {beside.pk} within that time", Place("starts_at"), advice)


@action("duty.end")
def end_duty(*, duty: int, by: Actor, at: datetime) -> Duty:
    """End a duty now; one that has not begun never will. Acts that were given stay with who has them.

    Raises NotKnownError for a duty of another office than the manager's, ConflictError for one that is over.
    """
    manager = officer_of(by)
    lock_chain()
    seen = visible_to(manager, Duty.objects.select_for_update(of=("self",)), granting("duty.end"))
    found = seen.select_related("officer").filter(pk=duty).first()
    if found is None:
        raise NotKnownError(f"no duty {duty} is known")
    if found.ends_at <= max(at, found.starts_at):
        raise ConflictError(f"duty {duty} is over")
    found.ends_at = max(at, found.starts_at)
    found.save(update_fields=["ends_at"])
    record(f"duty:{found.pk}", duty_content(found))
    return found


@action("duty.read")
def duties(
    *, by: Actor, at: datetime, office: str = "", over: bool = False, after: int = 0, limit: int = 100
) -> list[Duty]:
    """Return the duties that an officer may see, after one number, in the order in which they were set.

    Those that last or are to come; with `over` those that are over, or were ended. `office` narrows.
    """
    held = visible_to(officer_of(by), Duty.objects.select_related("officer", "by"), granting("duty.read"))
    past = Q(ends_at__lte=at) | Q(ends_at__lte=F("starts_at"))
    held = held.filter(past if over else ~past, pk__gt=after)
    read = list((held.filter(office=office) if office else held).order_by("pk")[:limit])
    record("duties", to_json([duty.pk for duty in read]).encode())
    return read


def duty_content(duty: Duty) -> bytes:
    """Return what the audit chain holds of a duty as it stands."""
    starts_at, ends_at = (moment.astimezone(UTC).isoformat() for moment in (duty.starts_at, duty.ends_at))
    return f"{duty.officer.reference} {duty.office} {starts_at} {ends_at}".encode()
