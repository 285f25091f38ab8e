"""Profiles taken out of force and policies that ask for less, as edits that can lower selection.

What the clock ends (a validity, a review overdue) is nobody's edit. A version that another of its code takes over from
in the same moment is none either.
"""

import json
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
from tidewaiter.core.profile import NamedList, Status, applicable
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
    for step in ending.order_by("pk"):
        again = _active_again(step)
        if again is None or again > step.at:
            yield _profile_edit(step, lowers=True), _profile_withdrawn(step, again, catalogue)
    begun = steps.filter(at__lt=end + AROUND_EDITS, after=Status.ACTIVE.value).exclude(before=Status.ACTIVE.value)
    for step in begun.filter(by__isnull=False).order_by("pk"):
        yield _profile_edit(step, lowers=False), None


def _profile_edit(step: ProfileStep, *, lowers: bool) -> ListEdit:
    assert step.by is not None
    return ListEdit(
        edit_id=f"profile {step.version} {step.after} {step.pk}",
        list_code=PROFILES,
        officer=step.by.login,
        edited_at=step.at,
        lowers=lowers,
        entries=(step.version.code,),
    )


def _active_again(step: ProfileStep) -> datetime | None:
    """Return when some version of the code selected again; None when none did."""
    later = ProfileStep.objects.filter(version__code=step.version.code, after=Status.ACTIVE.value, pk__gt=step.pk)
    found = later.exclude(before=Status.ACTIVE.value).order_by("pk").first()
    return None if found is None else found.at


def _profile_withdrawn(step: ProfileStep, again: datetime | None, catalogue: Catalogue) -> Withdrawn:
    code, number = step.version.code, step.version.number

    before = _set_before(step.at, partial(_selecting, code, number), catalogue)
    if before is None:
        return _withdrawn(step.at, again, None, {})
    content, then = before
    condition = applicable(content.profiles.profiles[code], _indicators(content), then["flow"], then["office"])
    return _withdrawn(step.at, again, (condition,), content.profiles.lists)


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
