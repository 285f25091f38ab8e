"""What a profile version in shadow would have met, day by day: counted from what decisions keep of it.

Every decision keeps the items that profiles in shadow matched. Those taken by a set in which the version ran in shadow
are counted when somebody asks; nothing is kept apart. What a purge took is counted no more.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from tidewaiter.actions.acting import Actor, action, officer_of, record
from tidewaiter.actions.packing import unpacked
from tidewaiter.actions.profiles.profile_reading import profiles_seen
from tidewaiter.actions.profiles.publishing import set_text
from tidewaiter.actions.rights import granting
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import InputError, NotAllowedError, NotKnownError, Place, Problem
from tidewaiter.core.profile import Status
from tidewaiter.storage.records.models import Decision, ProfileVersion, Publication
from tidewaiter.storage.records.visibility import cleared_for, visible_to

LONGEST_DAYS: Final = 7
"""Ten thousand decisions take about a second of one core; who wants more asks for the next week."""

_SHADOW: Final = '"shadow":{'
"""Where what profiles in shadow matched begins in a decision's text; it is the last part, of lists by profile."""

_AT_ONCE: Final = 2000
_TAKEN_UP: Final = timedelta(days=2)
"""Within which every process decides by what was published, and a day ends in every zone."""


@dataclass(slots=True)
class ShadowDay:
    """One day of a version in shadow.

    `decisions`: those taken while it ran, re-decisions included; `met`: those of them that it would have met; `added`:
    those that nothing else selected. `declarations` is of how many declarations the met ones are.
    """

    on: date
    decisions: int = 0
    met: int = 0
    added: int = 0
    named: set[str] = field(default_factory=set)

    @property
    def declarations(self) -> int:
        """Return of how many declarations those met are."""
        return len(self.named)


@action("profile.read", reads=True)
def shadow_days(*, code: str, number: int, start: date, end: date, by: Actor, at: datetime) -> list[ShadowDay]:
    """Return the days from start to end (both included) on which the version ran in shadow and something was decided.

    Of the decisions that the reader may see. Raises NotKnownError for no version, NotAllowedError for one above the
    clearance, InputError for a period that ends before it begins or is longer than a week.
    """
    if not 0 <= (end - start).days < LONGEST_DAYS:
        raise InputError(Problem(f"a period ends after it begins and has {LONGEST_DAYS} days at most", Place("end")))
    officer = officer_of(by)
    version = profiles_seen(officer, code=code).filter(number=number).first()
    if version is None:
        raise NotKnownError(f"there is no version {number} of profile {code}")
    if not cleared_for(officer, version.rank):
        raise NotAllowedError("what this version would have met is above your clearance")
    record(version.reference)
    names = _ran_as(version, start, end)
    seen = visible_to(officer, Decision.objects.all(), granting("profile.read"))
    found = seen.filter(set__in=list(names), decided_on__range=(start, end))
    days: dict[date, ShadowDay] = {}
    stored = found.values_list("decided_on", "set_id", "declaration_id", "channel", "body")
    for on, by_set, declaration, channel, body in stored.iterator(chunk_size=_AT_ONCE):
        day = days.setdefault(on, ShadowDay(on))
        day.decisions += 1
        if names[by_set] in _matched(body):
            day.met += 1
            day.added += not Channel(channel).selects
            day.named.add(declaration)
    return [days[on] for on in sorted(days)]


def _matched(body: bytes | memoryview) -> Mapping[str, object]:
    """Return the items that profiles in shadow matched, by their names in the set, from a decision as it is stored."""
    text = unpacked(body)
    begin = text.rfind(_SHADOW) + len(_SHADOW) - 1
    if text.startswith("{}", begin):
        return {}
    matched: Mapping[str, object] = json.loads(text[begin:-1])
    return matched


def _ran_as(version: ProfileVersion, start: date, end: date) -> dict[str, str]:
    """Return the sets in force at any moment of the days in which the version ran in shadow, with its name in each."""
    return {digest: name for digest in _in_force(start, end) for name in _shadow_name(digest, version)}


def _in_force(start: date, end: date) -> set[str]:
    begin, until = (datetime.combine(day, time(), UTC) for day in (start - _TAKEN_UP, end + _TAKEN_UP))
    within = Publication.objects.filter(at__gte=begin, at__lt=until).values_list("set_id", flat=True)
    before = Publication.objects.filter(at__lt=begin).order_by("-pk").values_list("set_id", flat=True)[:1]
    return {*within, *before}


def _shadow_name(digest: str, version: ProfileVersion) -> Iterator[str]:
    """Give the name under which the version ran in shadow in a set: beside the active one, with its number."""
    of_code = [one for one in json.loads(set_text(digest))["profiles"] if one["code"] == version.code]
    if any(one["number"] == version.number and one["status"] == Status.SHADOW for one in of_code):
        beside = any(one["status"] == Status.ACTIVE for one in of_code)
        yield f"{version.code}@{version.number}" if beside else version.code
