"""Indicators: two persons put a text of one or more of them in force, knowing which profiles it changes.

What a text changes is computed before the transaction, because all profiles in force are read for it, and holds only
for the set it was computed for: where that changed meanwhile, the call is refused and to be sent again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from tidewaiter.actions.acting import Actor, action, officer_of, require
from tidewaiter.actions.profiles.profile_force import RUNNING
from tidewaiter.actions.profiles.proposals import (
    decided,
    proposal,
    propose,
    put_in_force,
    read_proposal,
    refuse,
    text_digest,
    texts_in_force,
    texts_waiting,
    trace,
)
from tidewaiter.actions.profiles.publishing import composed, publish
from tidewaiter.core.condition import Condition, linked
from tidewaiter.core.errors import ConflictError, InputError, Place, Problem
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.profile import ProfileSet
from tidewaiter.language.profiles import check_texts, read_profile_texts
from tidewaiter.storage.records.models import ProfileVersion, Proposal


@dataclass(frozen=True, slots=True)
class IndicatorChange:
    """What a text of indicators would change: profile versions in force, as CODE@NUMBER, of the set of that digest."""

    name: str
    text: str
    profiles: tuple[str, ...]
    set_digest: str


def propose_indicators(
    *,
    name: str,
    text: str,
    reason: str,
    catalogue: Catalogue,
    on: date,
    beside: Mapping[str, str] | None = None,
    by: Actor,
    at: datetime,
) -> Proposal:
    """Propose a text of indicators under a name of its own. `lost` then names the profiles it changes.

    It may use indicators and lists that are proposed too, and those of `beside` (by kind and name), which are to be
    proposed with it; to approve it they must be in force. Raises InputError with every problem of it, and of the
    profiles in force once it were.
    """
    require("indicator.propose", by, at)
    used = {**(beside or {}), **texts_waiting("indicator", "list"), **texts_in_force("indicator", "list")}
    return keep_indicators(change=changed_by(name, text, used, catalogue, on), reason=reason, by=by, at=at)


def approve_indicators(
    *, name: str, number: int, reason: str = "", catalogue: Catalogue, on: date, by: Actor, at: datetime
) -> Proposal:
    """Put proposed indicators in force, as the second person; `lost` names the profiles in force that it changed.

    Raises InputError where a profile in force, or one of its test cases, would no longer hold.
    """
    require("indicator.approve", by, at)
    text, used = read_proposal("indicator", name, number).text, texts_in_force("indicator", "list")
    change = changed_by(name, text, used, catalogue, on)
    return put_indicators(change=change, number=number, reason=reason, by=by, at=at)


@action("indicator.propose")
def keep_indicators(*, change: IndicatorChange, reason: str, by: Actor, at: datetime) -> Proposal:
    """Keep proposed indicators with what they were found to change."""
    if not reason.strip():
        raise InputError(Problem("a reason is needed", suggestion="say why the indicators change"))
    lost = {"profiles": list(change.profiles)}
    return propose("indicator", change.name, change.text, reason=reason, by=officer_of(by), at=at, lost=lost)


@action("indicator.approve")
def put_indicators(*, change: IndicatorChange, number: int, reason: str, by: Actor, at: datetime) -> Proposal:
    """Put proposed indicators in force. Raises ConflictError where what is in force changed since they were read."""
    found = proposal("indicator", change.name, number)
    decided(found, by=officer_of(by), reason=reason, at=at)
    if text_digest(composed()) != change.set_digest:
        raise ConflictError("what is in force changed meanwhile; approve again")
    found.lost = {"profiles": list(change.profiles)}
    put_in_force(found, at=at)
    trace(found)
    publish(f"indicators {change.name} changed", at=at)
    return found


@action("indicator.refuse")
def refuse_indicators(*, name: str, number: int, reason: str, by: Actor, at: datetime) -> Proposal:
    """Refuse proposed indicators, or take the own ones back."""
    found = proposal("indicator", name, number)
    refuse(found, by=officer_of(by), reason=reason, at=at)
    return found


def changed_by(name: str, text: str, used: Mapping[str, str], catalogue: Catalogue, on: date) -> IndicatorChange:
    """Return what a text would change among texts of indicators and lists by kind and name.

    Raises InputError with every problem it has or brings to what is in force.
    """
    digest, standing = text_digest(composed()), texts_in_force("indicator", "list")
    replaced = {**used, f"indicator {name}": text}
    _refuse_none(f"indicator {name}", replaced, catalogue, on)
    changed: list[str] = []
    for status in RUNNING:
        running = ProfileVersion.objects.filter(status=status.value).order_by("code", "number")
        if own := {f"profile {version}": version.text for version in running}:
            changed += _differing({**standing, **own}, {**replaced, **own}, catalogue, on)
    return IndicatorChange(name, text, tuple(changed), digest)


def _differing(before: dict[str, str], after: dict[str, str], catalogue: Catalogue, on: date) -> list[str]:
    known = check_texts(before, catalogue, on=on)
    brought = [one for one in check_texts(after, catalogue, on=on) if not one.warning and one not in known]
    if brought:
        raise InputError(brought)
    old, new = (_linked(read_profile_texts(texts, catalogue)) for texts in (before, after))
    return [name for name, conditions in old.items() if conditions != new[name]]


def _linked(found: ProfileSet) -> dict[str, tuple[Condition | None, ...]]:
    indicators = {indicator.name: indicator.condition for indicator in found.indicators.values()}
    return {
        (profile.place.file or code).removeprefix("profile "): tuple(
            None if condition is None else linked(condition, indicators)
            for condition in (profile.condition, profile.exceptions)
        )
        for code, profile in found.profiles.items()
    }


def _refuse_none(key: str, texts: dict[str, str], catalogue: Catalogue, on: date) -> None:
    """Raise InputError where a text has problems, holds no indicator, or anything else besides."""
    own = [one for one in check_texts(texts, catalogue, on=on) if not one.warning and one.place.file == key]
    if own:
        raise InputError(own)
    found = read_profile_texts(texts, catalogue)
    if found.profiles or key not in {indicator.place.file for indicator in found.indicators.values()}:
        advice = "write each name with its condition under 'indicators:'"
        raise InputError(Problem("the text holds no indicators", Place(key), advice))
