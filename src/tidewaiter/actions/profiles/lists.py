"""Lists: an edit that raises acts at once and is reviewed within a day; one that can lower needs a second person.

The direction of an edit is computed from the polarity of every use of the list in what is in force. Before a lowering
edit is approved it shows which past selections it would have lost. Both are computed before the transaction, because
they may take seconds, and hold only for the set they were computed for: where that changed meanwhile, the edit is
refused and to be sent again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import QuerySet

from tidewaiter.actions.acting import Actor, action, officer_of, require
from tidewaiter.actions.profiles.list_uses import Asked, asked_by
from tidewaiter.actions.profiles.losses import DAYS, Edit, Losses, losses
from tidewaiter.actions.profiles.proposals import (
    IN_FORCE,
    PROPOSED,
    decided,
    in_force,
    proposal,
    propose,
    put_in_force,
    refuse,
    text_digest,
    trace,
)
from tidewaiter.actions.profiles.publishing import composed, publish
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError, Problem
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.list_change import Direction, ListChange, change_between, direction_of
from tidewaiter.core.profile import Entry, NamedList
from tidewaiter.language.profiles import read_profile_texts
from tidewaiter.language.write import write_list
from tidewaiter.storage.records.models import Proposal

REVIEW_WITHIN: Final = timedelta(days=1)
"""How soon an edit that acted at once is reviewed by another person."""

MOST_VALUES: Final = 1000
"""How many touched values are kept with an edit; their numbers are kept whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEdit:
    """What is to change: entries to add, values to take out, and entries that replace all of their value."""

    add: tuple[Entry, ...] = ()
    remove: tuple[str, ...] = ()
    change: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What an edit would do: the text it gives, the direction, who asks the list, and what it would have lost.

    `base` is the number of the version it changes (0: none); `losses` None for an edit that raises.
    """

    name: str
    text: str
    base: int
    direction: Direction
    change: ListChange
    asked: Asked
    losses: Losses | None

    def as_json(self) -> dict[str, object]:
        """Return what is kept with the proposal."""
        return {
            "base": self.base,
            "gained": list(self.change.gained[:MOST_VALUES]),
            "gained_count": len(self.change.gained),
            "lost": list(self.change.lost[:MOST_VALUES]),
            "lost_count": len(self.change.lost),
            "uses": sorted({f"{use.user} {use.fact.name} {use.polarity.name.lower()}" for use in self.asked.uses}),
            "facts": sorted({use.fact.name for use in self.asked.uses}),
            "selections": None if self.losses is None else self.losses.as_json(),
        }


def preview_edit(*, name: str, edit: ListEdit, catalogue: Catalogue, on: date, days: int = DAYS) -> Preview:
    """Return what an edit of a list in force would do; nothing is changed. Raises NotKnownError for no such list."""
    current = in_force("list", name)
    if current is None:
        raise NotKnownError(f"no list {name} is in force")
    old = list_of(current.text, name, catalogue)
    return preview_text(name=name, text=write_list(_edited(old, edit)), catalogue=catalogue, on=on, days=days)


def preview_text(*, name: str, text: str, catalogue: Catalogue, on: date, days: int = DAYS) -> Preview:
    """Return what a whole new text of a list, or the first of a new one, would do; nothing is changed."""
    current = in_force("list", name)
    new = list_of(text, name, catalogue)
    old = None if current is None else list_of(current.text, name, catalogue)
    change, asked = change_between(old, new), asked_by(name, catalogue)
    direction = direction_of(change, asked.uses)
    found = None
    if direction is Direction.LOWERS:
        edit = Edit(old, new, tuple(sorted({*change.gained, *change.lost, *_all_values(old, change)})))
        found = losses(edit, uses=asked.uses, selecting=asked.selecting, lists=asked.lists, on=on, days=days)
    return Preview(
        name=name,
        text=text,
        base=0 if current is None else current.number,
        direction=direction,
        change=change,
        asked=asked,
        losses=found,
    )


def edit_list(
    *, name: str, edit: ListEdit, reason: str, catalogue: Catalogue, on: date, by: Actor, at: datetime
) -> Proposal:
    """Edit a list in force: at once where that raises, else as a proposal that waits for a second person."""
    require("list.edit", by, at)
    preview = preview_edit(name=name, edit=edit, catalogue=catalogue, on=on)
    return keep_edit(preview=preview, reason=reason, by=by, at=at)


def write_list_text(
    *, name: str, text: str, reason: str, catalogue: Catalogue, on: date, by: Actor, at: datetime
) -> Proposal:
    """Give a list a whole new text, or propose a new list, by the same rule."""
    require("list.edit", by, at)
    preview = preview_text(name=name, text=text, catalogue=catalogue, on=on)
    return keep_edit(preview=preview, reason=reason, by=by, at=at)


@action("list.edit")
def keep_edit(*, preview: Preview, reason: str, by: Actor, at: datetime) -> Proposal:
    """Keep an edit as it was previewed. Raises ConflictError where what is in force changed since the preview."""
    officer = officer_of(by)
    if not reason.strip():
        raise InputError(Problem("a reason is needed", suggestion="say why the list changes"))
    found = propose(
        "list",
        preview.name,
        preview.text,
        reason=reason,
        by=officer,
        at=at,
        direction=preview.direction.value,
        lost=preview.as_json(),
    )
    _refuse_stale(found)
    if text_digest(composed()) != preview.asked.set_digest:
        raise ConflictError("what is in force changed meanwhile; send the edit again")
    if preview.direction is Direction.RAISES:
        put_in_force(found, at=at)
        trace(found)
        publish(f"list {found.name} raised", at=at)
    return found


@action("list.approve")
def approve_edit(*, name: str, number: int, reason: str = "", by: Actor, at: datetime) -> Proposal:
    """Put a lowering edit in force, as the second person. What it would have lost stands in its `lost`."""
    found = proposal("list", name, number)
    decided(found, by=officer_of(by), reason=reason, at=at)
    _refuse_stale(found)
    put_in_force(found, at=at)
    trace(found)
    publish(f"list {name} lowered", at=at)
    return found


@action("list.refuse")
def refuse_edit(*, name: str, number: int, reason: str, by: Actor, at: datetime) -> Proposal:
    """Refuse a lowering edit, or take the own one back."""
    found = proposal("list", name, number)
    refuse(found, by=officer_of(by), reason=reason, at=at)
    return found


@action("list.review")
def review_edit(*, name: str, number: int, comment: str, by: Actor, at: datetime) -> Proposal:
    """Note that another person reviewed an edit that acted at once. What is wrong with it is mended by a new edit."""
    officer = officer_of(by)
    found = proposal("list", name, number)
    if found.in_force_at is None or found.direction != Direction.RAISES:
        raise ConflictError(f"version {number} of list {name} did not act at once")
    if found.reviewed_by_id is not None:
        raise ConflictError(f"version {number} of list {name} is reviewed already")
    if found.proposed_by_id == officer.pk:
        raise NotAllowedError("another person reviews what you edited")
    if not comment.strip():
        raise InputError(Problem("a comment is needed", suggestion="say what you looked at"))
    found.reviewed_by, found.reviewed_at, found.decided_reason = officer, at, comment
    found.save()
    trace(found)
    return found


def to_review() -> QuerySet[Proposal]:
    """Return the edits that acted at once and were not reviewed yet, oldest first."""
    acted = Proposal.objects.filter(kind="list", direction=Direction.RAISES.value).exclude(in_force_at=None)
    return acted.filter(reviewed_by=None).order_by("in_force_at", "pk")


def overdue_reviews(at: datetime) -> QuerySet[Proposal]:
    """Return the edits whose review is more than a day late."""
    return to_review().filter(in_force_at__lt=at - REVIEW_WITHIN)


def waiting_edits() -> QuerySet[Proposal]:
    """Return the edits that wait for a second person, oldest first."""
    return Proposal.objects.filter(kind="list", state=PROPOSED).order_by("proposed_at", "pk")


def lists_in_force() -> QuerySet[Proposal]:
    """Return the lists in force by name."""
    return Proposal.objects.filter(kind="list", state=IN_FORCE).order_by("name")


def list_of(text: str, name: str, catalogue: Catalogue) -> NamedList:
    """Return the list of a text. Raises InputError where it is none, or of another name."""
    found = read_profile_texts({f"list {name}": text}, catalogue).lists
    if set(found) != {name}:
        other = ", ".join(found) or "no list"
        raise InputError(Problem(f"the text holds {other}, not list {name}", suggestion=f"write 'list: {name}'"))
    return found[name]


def _edited(old: NamedList, edit: ListEdit) -> NamedList:
    """Return the list with the edit made. Raises InputError with everything that cannot be done."""
    held = {entry.value for entry in old.entries}
    changed: dict[str, list[Entry]] = {}
    for entry in edit.change:
        changed.setdefault(entry.value, []).append(entry)
    problems = [
        Problem(f"'{value}' is not in the list", suggestion="check its spelling")
        for value in (*edit.remove, *changed)
        if value not in held
    ]
    problems += [Problem(f"'{value}' is both taken out and changed") for value in edit.remove if value in changed]
    problems += [Problem(f"'{entry.value}' is in the list already") for entry in edit.add if entry in old.entries]
    if not (edit.add or edit.remove or edit.change):
        problems.append(Problem("the edit changes nothing", suggestion="add, remove or change an entry"))
    if problems:
        raise InputError(problems)
    kept = (entry for entry in old.entries if entry.value not in changed and entry.value not in edit.remove)
    return replace(old, entries=(*kept, *_flat(changed.values()), *edit.add))


def _flat(groups: Iterable[Iterable[Entry]]) -> tuple[Entry, ...]:
    return tuple(entry for group in groups for entry in group)


def _all_values(old: NamedList | None, change: ListChange) -> tuple[str, ...]:
    """Return every value of a list whose entries are to be met otherwise: any of them may be touched."""
    return tuple(entry.value for entry in old.entries) if old is not None and change.met_otherwise else ()


def _refuse_stale(found: Proposal) -> None:
    current = in_force("list", found.name)
    if (0 if current is None else current.number) != found.lost["base"]:
        raise ConflictError(f"list {found.name} changed since this edit was made; make it again")
