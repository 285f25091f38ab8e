"""What may be read of profiles: the outline by whoever may see profiles, the rest with the clearance, and recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from tidewaiter.actions.acting import Actor, action, officer_of, record, require
from tidewaiter.core.errors import NotKnownError
from tidewaiter.storage.records.models import Officer, ProfileStep, ProfileVersion
from tidewaiter.storage.records.visibility import cleared_for, visible_to


@dataclass(frozen=True, slots=True)
class ProfileView:
    """A version as an officer may see it. `whole` False: text, steps and what they say are above the clearance."""

    version: ProfileVersion
    steps: Sequence[ProfileStep]
    whole: bool


def profiles_seen(officer: Officer, *, status: str | None = None, code: str | None = None) -> QuerySet[ProfileVersion]:
    """Return the versions whose outline the officer may see, in the order they were begun."""
    found = visible_to(officer, ProfileVersion.objects.select_related("author", "reviewer", "approver"))
    if status is not None:
        found = found.filter(status=status)
    if code is not None:
        found = found.filter(code=code)
    return found.order_by("pk")


def read_profile(*, code: str, number: int, by: Actor, at: datetime) -> ProfileView:
    """Return a version; reading one that rests on restricted information is recorded. Raises NotKnownError."""
    require("profile.read", by, at)
    officer = officer_of(by)
    version = profiles_seen(officer, code=code).filter(number=number).first()
    if version is None:
        raise NotKnownError(f"there is no version {number} of profile {code}")
    if not cleared_for(officer, version.rank):
        return ProfileView(version, (), whole=False)
    if version.rank:
        record_reading(version=version, by=by, at=at)
    return ProfileView(version, list(version.steps.select_related("by").order_by("pk")), whole=True)


@action("profile.read")
def record_reading(*, version: ProfileVersion, by: Actor, at: datetime) -> None:
    """Record that somebody read a version that rests on restricted information."""
    record(version.reference)
