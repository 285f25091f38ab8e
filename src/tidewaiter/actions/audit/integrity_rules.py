"""Profiles taken out of force and policies that ask for less, as edits that can lower selection.

What the clock ends (a validity, a review overdue) is nobody's edit. A version that another of its code takes over from
in the same moment is none either, where the other surely asks no less.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.db.models import QuerySet

from tidewaiter.actions.audit.integrity_edits import AROUND_EDITS
from tidewaiter.actions.audit.let_pass import MOST_LOOKED_AT, Passed, Withdrawn, let_pass
from tidewaiter.actions.packing import unpacked
from tidewaiter.actions.profiles.list_watch import WATCHED_FOR
from tidewaiter.actions.profiles.policies import NAME
from tidewaiter.actions.profiles.publishing import SetContent, earlier_set
from tidewaiter.core.condition import Condition, linked
from tidewaiter.core.errors import InputError
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.policy import Policy
from tidewaiter.core.policy_change import controls_lowered, lowered
from tidewaiter.core.profile import NamedList, Profile, Status, applicable
from tidewaiter.engines.integrity.asking import meets_no_less, treats_no_less
from tidewaiter.engines.integrity.edits import ListEdit
from tidewaiter.language.policy import read_policy_text
from tidewaiter.storage.records.models import ProfileStep, ProfileVersion, Proposal, Publication

PROFILES: Final = "profiles in force"
POLICY: Final = "routing policy"
"""What stands for the list in edits of these."""

MOST_LOOKED_BACK: Final = 200
"""Publications looked through for the one that an edit changed; of one moment there may be many."""


@dataclass(frozen=True, slots=True)
class RuleEdits:
    """The edits, raising ones beside them, and what is to be said of how they were looked at."""

    edits: tuple[ListEdit, ...]
    notes: tuple[str, ...] = ()


def rule_edits(
    start: datetime, end: datetime, catalogue: Catalogue, versions: QuerySet[ProfileVersion] | None
) -> RuleEdits:
    """Return the edits of a period, of the policy and of those versions of profiles (None: none of them).

    What a lowering edit let pass is looked at for as long as that of a list, or until its code selects again.
    """
    made = [*_policy_edits(start, end, catalogue)]
    if versions is not None:
        made += _profile_edits(start, end, catalogue, versions)
    withdrawn = [stopped for _, stopped in made if stopped is not None]
    passed, complete = let_pass(withdrawn)
    found = iter(passed)
    edits = [edit if stopped is None else _having_passed(edit, next(found)) for edit, stopped in made]
    unseen = f"of goods released after edits of profiles and policy the latest {MOST_LOOKED_AT:,} were looked at"
    return RuleEdits(tuple(edits), () if complete else (unseen,))


def _having_passed(edit: ListEdit, passed: Passed) -> ListEdit:
    return replace(
        edit,
        beneficiaries=tuple(passed.importers),
        not_selected=tuple(passed.declarations),
        perhaps_not_selected=passed.perhaps,
    )


type Held = Mapping[str, Any]
"""The text of a published set, read."""

type _Made = tuple[ListEdit, Withdrawn | None]


def _profile_edits(
    start: datetime, end: datetime, catalogue: Catalogue, versions: QuerySet[ProfileVersion]
) -> Iterator[_Made]:
    steps = ProfileStep.objects.filter(version__in=versions, at__gte=start).select_related("version", "by")
    ending = steps.filter(
        at__lt=end,
        by__isnull=False,
        before=Status.ACTIVE.value,
        after__in=(Status.SUSPENDED.value, Status.RETIRED.value),
    )
    put_back: defaultdict[int, list[str]] = defaultdict(list)
    for step in ending.order_by("pk"):
        was = _asked(step.version, step.at, catalogue)
        again = _active_again(step, was, catalogue)
        if again is None or again.at > step.at:
            until = None if again is None else again.at
            yield _profile_edit(step, second=_second(step)), _profile_withdrawn(step.at, until, was)
        if again is not None:
            put_back[again.pk].append(str(step.version))
    begun = steps.filter(at__lt=end + AROUND_EDITS, after=Status.ACTIVE.value).exclude(before=Status.ACTIVE.value)
    for step in begun.filter(by__isnull=False).order_by("pk"):
        yield _profile_edit(step, raises=tuple(put_back[step.pk])), None


def _profile_edit(step: ProfileStep, *, second: str | None = None, raises: tuple[str, ...] | None = None) -> ListEdit:
    """Return a step as an edit that lowers, or that `raises` what had been in force besides its own version."""
    assert step.by is not None
    return ListEdit(
        edit_id=f"profile {step.version} {step.after} {step.pk}",
        list_code=PROFILES,
        officer=step.by.login,
        edited_at=step.at,
        lowers=raises is None,
        entries=tuple(dict.fromkeys((str(step.version), *(raises or ())))),
        second_person=second,
    )


def _activations(step: ProfileStep) -> QuerySet[ProfileStep]:
    """Return the later steps by which a version of the code selected, in order."""
    later = ProfileStep.objects.filter(version__code=step.version.code, after=Status.ACTIVE.value, pk__gt=step.pk)
    return later.exclude(before=Status.ACTIVE.value).select_related("version").order_by("pk")


def _active_again(step: ProfileStep, was: "_Asked | None", catalogue: Catalogue) -> ProfileStep | None:
    """Return the step by which a version selected again that surely asks no less; None where none did."""
    for later in _activations(step):
        if later.version_id == step.version_id:
            return later
        now = _asked(later.version, later.at, catalogue) if was else None
        if was and now and meets_no_less(was.condition, now.condition) and treats_no_less(was.profile, now.profile):
            return later
    return None


def _second(step: ProfileStep) -> str | None:
    """Return who else stands for a step: the approver, else the author, of what took over in the same moment."""
    taking = _activations(step).filter(at=step.at).select_related("version__approver", "version__author").first()
    if taking is None or step.after != Status.RETIRED.value:
        return None
    concerned = (taking.version.approver, taking.version.author)
    return next((one.login for one in concerned if one is not None and one.pk != step.by_id), None)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a version asked for when it selected, with its indicators and lists of then."""

    profile: Profile
    condition: Condition
    lists: Mapping[str, NamedList]


def _asked(version: ProfileVersion, at: datetime, catalogue: Catalogue) -> _Asked | None:
    """Return what a version asked for in the latest set by that moment; None where it can no longer be read."""
    before = _set_before(at, partial(_selecting, version.code, version.number), catalogue)
    if before is None:
        return None
    content, then = before
    profile = content.profiles.profiles[version.code]
    condition = applicable(profile, _indicators(content), then["flow"], then["office"])
    return _Asked(profile, condition, content.profiles.lists)


def _profile_withdrawn(since: datetime, again: datetime | None, was: _Asked | None) -> Withdrawn:
    return _withdrawn(since, again, None, {}) if was is None else _withdrawn(since, again, (was.condition,), was.lists)


def _selecting(code: str, number: int, held: Held) -> bool:
    wanted = (code, number, Status.ACTIVE.value)
    return any((one["code"], one["number"], one["status"]) == wanted for one in held["profiles"])


def _policy_edits(start: datetime, end: datetime, catalogue: Catalogue) -> Iterator[_Made]:
    """Give for each policy put in force what it asks less for, and what more, each as an edit."""
    until = end + AROUND_EDITS
    policies = Proposal.objects.filter(kind="policy", name=NAME, in_force_at__gte=start, in_force_at__lt=until)
    for row in policies.select_related("proposed_by", "decided_by").order_by("pk"):
        assert row.in_force_at is not None
        before = _set_before(row.in_force_at, partial(_of_other_policy, row.text), catalogue)
        after = None if before is None else _policy(row.text, *before)
        if before is None or after is None:
            continue
        content, _ = before
        if (less := lowered(content.policy, after)) and row.in_force_at < end:
            yield _policy_edit(row, less, lowers=True), _controls_withdrawn(row.in_force_at, content, after)
        if more := lowered(after, content.policy):
            yield _policy_edit(row, more, lowers=False), None


def _of_other_policy(text: str, held: Held) -> bool:
    return bool(held["policy"] != text)


def _policy(text: str, content: SetContent, then: Catalogue) -> Policy | None:
    """Return a policy read beside the indicators and lists of a set; None where it no longer can be."""
    try:
        return read_policy_text(text, then, indicators=content.profiles.indicators, lists=content.profiles.lists)
    except InputError:
        return None


def _policy_edit(row: Proposal, entries: tuple[str, ...], *, lowers: bool) -> ListEdit:
    assert row.in_force_at is not None
    return ListEdit(
        edit_id=f"policy {row.name}@{row.number}{'' if lowers else ' raised'}",
        list_code=POLICY,
        officer=row.proposed_by.login,
        edited_at=row.in_force_at,
        lowers=lowers,
        entries=entries,
        second_person=row.decided_by.login if row.decided_by else None,
    )


def _controls_withdrawn(at: datetime, content: SetContent, after: Policy) -> Withdrawn | None:
    """Return the mandatory controls that a policy lowered; None where it lowered none."""
    indicators = _indicators(content)
    less = tuple(linked(one.condition, indicators) for one in controls_lowered(content.policy, after))
    return _withdrawn(at, None, less, content.profiles.lists) if less else None


def _withdrawn(
    since: datetime,
    again: datetime | None,
    conditions: tuple[Condition, ...] | None,
    lists: Mapping[str, NamedList],
) -> Withdrawn:
    longest = since + WATCHED_FOR
    until = longest if again is None else min(longest, again)
    return Withdrawn(since=since, until=until, conditions=conditions, lists=lists)


def _indicators(content: SetContent) -> dict[str, Condition]:
    return {one.name: one.condition for one in content.profiles.indicators.values()}


def _set_before(
    at: datetime, wanted: Callable[[Held], bool], catalogue: Catalogue
) -> tuple[SetContent, Catalogue] | None:
    """Return the latest set in force by an instant of which that holds; None where there is none that can be read."""
    latest = Publication.objects.filter(at__lte=at).select_related("set").order_by("-pk")
    for publication in latest[:MOST_LOOKED_BACK]:
        if wanted(json.loads(unpacked(publication.set.text))):
            try:
                return earlier_set(publication.set_id, catalogue)
            except InputError:
                return None
    return None
