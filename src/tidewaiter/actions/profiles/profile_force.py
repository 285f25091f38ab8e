"""What happens to an approved profile version: shadow, active, suspended, retired; and what the clock asks of it.

Of one code at most one version is active: activating one retires the one before it in the same transaction. Whatever
changes what selects is published in that transaction too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Q

from tidewaiter.actions.acting import Actor, action, officer_of, record
from tidewaiter.actions.profiles.profiles import UNFINISHED, cleared, expect, given, step, version_held, writers
from tidewaiter.actions.profiles.publishing import publish
from tidewaiter.actions.profiles.readiness import readiness, refuse_unready
from tidewaiter.actions.reading import explained
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.profile import Status
from tidewaiter.core.role import Role
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Officer, ProfileVersion

RUNNING: Final = (Status.SHADOW, Status.ACTIVE)
"""Statuses of versions in the published set."""

STANDING: Final = (Status.APPROVED, Status.SHADOW, Status.ACTIVE, Status.SUSPENDED)
"""Statuses of versions whose validity and review the clock watches."""

GRACE: Final = timedelta(days=30)
"""How long after its review was due an active version goes on selecting before the clock suspends it."""


@dataclass(frozen=True, slots=True)
class Due:
    """What the clock asks: versions whose validity ended, whose review is overdue, and overdue beyond the grace."""

    ended: Sequence[ProfileVersion]
    review: Sequence[ProfileVersion]
    beyond_grace: Sequence[ProfileVersion]


@action("profile.shadow")
def shadow_profile(
    *, code: str, number: int, reason: str, catalogue: Catalogue, on: date, by: Actor, at: datetime
) -> ProfileVersion:
    """Let an approved version run live without selecting anything."""
    manager = officer_of(by)
    version = _cleared_version(code, number, manager)
    expect(version, Status.APPROVED)
    refuse_unready(version, readiness(version, catalogue, on), on)
    step(version, Status.SHADOW, by=manager, reason=given(reason), at=at)
    publish(f"profile {version} in shadow", at=at)
    return version


@action("profile.activate")
def activate_profile(
    *, code: str, number: int, reason: str, catalogue: Catalogue, on: date, by: Actor, at: datetime
) -> ProfileVersion:
    """Let an approved version select from now on; the version of its code that did so is retired with it.

    Raises InputError with every blank part and failing test case, or where validity or review day has passed.
    """
    manager = officer_of(by)
    version = _cleared_version(code, number, manager)
    expect(version, Status.APPROVED, Status.SHADOW)
    refuse_unready(version, readiness(version, catalogue, on), on)
    _refuse_older(version)
    for earlier in _superseded(version):
        step(earlier, Status.RETIRED, by=manager, reason=f"superseded by version {number}", at=at)
    step(version, Status.ACTIVE, by=manager, reason=given(reason), at=at)
    publish(f"profile {version} active", at=at)
    return version


@action("profile.suspend")
def suspend_profile(*, code: str, number: int, reason: str, by: Actor, at: datetime) -> ProfileVersion:
    """Take an active or shadow version out of force for a while."""
    manager = officer_of(by)
    version = _cleared_version(code, number, manager)
    expect(version, *RUNNING)
    step(version, Status.SUSPENDED, by=manager, reason=explained(reason), at=at)
    publish(f"profile {version} suspended", at=at)
    return version


@action("profile.resume")
def resume_profile(
    *, code: str, number: int, reason: str, catalogue: Catalogue, on: date, by: Actor, at: datetime
) -> ProfileVersion:
    """Let a suspended version select again. Raises ConflictError where another of its code does so meanwhile."""
    manager = officer_of(by)
    version = _cleared_version(code, number, manager)
    expect(version, Status.SUSPENDED)
    refuse_unready(version, readiness(version, catalogue, on), on)
    _refuse_older(version)
    other = ProfileVersion.objects.filter(code=code, status=Status.ACTIVE.value).first()
    if other is not None:
        raise ConflictError(f"{other} is active; suspend it first")
    step(version, Status.ACTIVE, by=manager, reason=explained(reason), at=at)
    publish(f"profile {version} active again", at=at)
    return version


@action("profile.retire")
def retire_profile(*, code: str, number: int, reason: str, by: Actor, at: datetime) -> ProfileVersion:
    """End a version for good. A risk manager may retire any; its author one that was never approved."""
    officer = officer_of(by)
    version = _cleared_version(code, number, officer)
    if version.status == Status.RETIRED:
        raise ConflictError(f"{version} is retired already")
    if not _may_retire(version, officer):
        raise NotAllowedError("a risk manager retires what was approved; an author only own versions that never were")
    ran = version.status in RUNNING
    step(version, Status.RETIRED, by=officer, reason=explained(reason), at=at)
    if ran:
        publish(f"profile {version} retired", at=at)
    return version


@action("profile.keep")
def keep_profile(
    *, code: str, number: int, review_on: date, evaluation: str, on: date, by: Actor, at: datetime
) -> ProfileVersion:
    """Record the interim review of a version that stays as it is, with the day of the next.

    Not by its author. Raises InputError for a day that is past, or after the end of the validity.
    """
    reviewer = officer_of(by)
    version = _cleared_version(code, number, reviewer)
    expect(version, *STANDING)
    if reviewer.pk in writers(version):
        raise NotAllowedError("another person reviews what you wrote")
    if review_on <= on or (version.valid_to is not None and review_on > version.valid_to):
        until = f" and not after {version.valid_to}" if version.valid_to is not None else ""
        raise InputError(f"the next review is after {on}{until}")
    version.review_on = review_on
    report = {"review_on": review_on.isoformat()}
    step(version, Status(version.status), by=reviewer, reason=given(evaluation), at=at, report=report)
    return version


def due(on: date, *, grace: timedelta = GRACE) -> Due:
    """Return what the clock asks on a day of the administration. Both ends of a validity are included in it."""
    standing = ProfileVersion.objects.filter(status__in=STANDING).order_by("code", "number")
    ended = standing.filter(valid_to__lt=on)
    review = standing.filter(Q(valid_to=None) | Q(valid_to__gte=on), review_on__lt=on)
    return Due(list(ended), list(review), list(review.filter(review_on__lt=on - grace, status__in=RUNNING)))


@action("profile.expire")
def expire_profiles(*, on: date, grace: timedelta = GRACE, by: Actor, at: datetime) -> Due:
    """Retire what is past its validity and suspend what is overdue beyond the grace, each with its trace."""
    lock_chain()
    found = due(on, grace=grace)
    for version in found.ended:
        step(version, Status.RETIRED, by=None, reason=f"its validity ended on {version.valid_to}", at=at)
    for version in found.beyond_grace:
        step(version, Status.SUSPENDED, by=None, reason=f"its review was due on {version.review_on}", at=at)
    record(f"day:{on}", f"{len(found.ended)} ended, {len(found.beyond_grace)} suspended".encode())
    if found.ended or found.beyond_grace:
        publish("validity or review of profiles ended", at=at)
    return found


def _cleared_version(code: str, number: int, officer: Officer) -> ProfileVersion:
    version = version_held(code, number)
    cleared(officer, version)
    return version


def _superseded(version: ProfileVersion) -> list[ProfileVersion]:
    others = ProfileVersion.objects.filter(code=version.code).exclude(pk=version.pk)
    active = Q(status=Status.ACTIVE.value)
    older = Q(number__lt=version.number, status__in=(Status.APPROVED, Status.SHADOW, Status.SUSPENDED))
    return list(others.filter(active | older).order_by("number"))


def _refuse_older(version: ProfileVersion) -> None:
    newer = ProfileVersion.objects.filter(code=version.code, number__gt=version.number)
    ran = newer.filter(steps__after=Status.ACTIVE.value).order_by("number").first()
    if ran is not None:
        raise ConflictError(f"{ran} was in force after it; write a new version to go back")


def _may_retire(version: ProfileVersion, officer: Officer) -> bool:
    return officer.holds(Role.RISK_MANAGER) or (version.author_id == officer.pk and version.status in UNFINISHED)
