"""Hits beyond the minutes there are: deferred or waived by a named manager, who accepts the risk and says why.

Such a declaration keeps its channel and counts as selected, not inspected. Mandatory controls, lookouts, requests,
holds and the random sample are never beyond capacity, so none of them is ever cut here.
"""

from datetime import date, datetime
from enum import StrEnum

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from tidewaiter.actions.acting import Actor, action, officer_of, record
from tidewaiter.actions.examinations.acts import OPEN, close_unseen
from tidewaiter.actions.examinations.waiting import telling_what_closed
from tidewaiter.actions.packing import to_json
from tidewaiter.actions.reading import NO_REASON, SHORTEST_REASON
from tidewaiter.actions.rights import granting
from tidewaiter.core.errors import ConflictError, InputError, NotKnownError, Place, Problem
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Act, CapacityDecision, Decision, Officer
from tidewaiter.storage.records.visibility import visible_to


class Choice(StrEnum):
    """What a manager decided about a hit beyond capacity."""

    DEFERRED = "deferred"
    WAIVED = "waived"


def beyond_capacity(
    officer: Officer, day: date, *, office: str | None = None, shift: str | None = None
) -> QuerySet[Decision]:
    """Return the decisions of a day beyond capacity that still stand, as far as the officer may see them."""
    found = visible_to(officer, Decision.objects.all(), granting("capacity.read"))
    found = found.filter(decided_on=day, within_capacity=False)
    found = found.filter(declaration__decision_id=F("pk"), declaration__cancelled_at=None)
    if office is not None:
        found = found.filter(office=office)
    if shift is not None:
        found = found.filter(shift=shift)
    return found.order_by("decided_at", "pk")


@action("capacity.defer")
def defer_hit(*, decision: str, until: date, reason: str, on: date, by: Actor, at: datetime) -> CapacityDecision:
    """Defer a hit beyond capacity to a later day; again if need be. Raises InputError for a day not after `on`.

    The acts of the declaration that nobody began, whichever decision opened them, are due on that day.
    """
    manager = officer_of(by)
    found = _waiting(decision, manager, "capacity.defer")
    if until <= on:
        raise InputError(f"{until} is not after {on}; defer to a later day, or waive")
    _open_acts(found).order_by().update(deferred_from=Coalesce("deferred_from", "due_on"), due_on=until)
    return _decided(found, Choice.DEFERRED, until, reason, manager, at)


@action("capacity.waive")
def waive_hit(*, decision: str, reason: str, by: Actor, at: datetime) -> CapacityDecision:
    """Waive a hit beyond capacity: nobody will look, what waits of the declaration is closed as not inspected."""
    manager = officer_of(by)
    found = _waiting(decision, manager, "capacity.waive")
    with telling_what_closed([found.declaration_id], by=by, at=at):
        close_unseen(list(_open_acts(found)), reason="waived: beyond capacity", at=at, by=manager)
    return _decided(found, Choice.WAIVED, None, reason, manager, at)


def latest_choice(decision: Decision) -> CapacityDecision | None:
    """Return what was last decided about a hit beyond capacity; None when nobody has."""
    return CapacityDecision.objects.filter(decision=decision).select_related("by").order_by("-pk").first()


def _waiting(number: str, manager: Officer, action: str) -> Decision:
    """Return the decision that somebody may defer or waive. Raises NotKnownError, ConflictError."""
    lock_chain()
    seen = visible_to(manager, Decision.objects.select_related("declaration"), granting(action))
    found = seen.filter(pk=number).first()
    if found is None:
        raise NotKnownError(f"there is no decision {number}")
    if found.within_capacity:
        raise ConflictError(f"decision {number} is not beyond capacity")
    if found.declaration.decision_id != found.pk:
        raise ConflictError(f"declaration {found.declaration_id} was decided again since")
    latest = latest_choice(found)
    if latest is not None and latest.choice == Choice.WAIVED:
        raise ConflictError(f"decision {number} was waived already")
    if _acts(found).exists() and not _open_acts(found).exists():
        raise ConflictError(f"nothing waits to be looked at for decision {number}")
    return found


def _acts(decision: Decision) -> QuerySet[Act]:
    """Return the acts of the declaration: an earlier decision may have opened them. Second looks are not among them."""
    return Act.objects.filter(declaration_id=decision.declaration_id, reexamines=None)


def _open_acts(decision: Decision) -> QuerySet[Act]:
    return _acts(decision).select_related("officer").filter(state=OPEN).order_by("pk")


def _decided(
    decision: Decision, choice: Choice, until: date | None, reason: str, manager: Officer, at: datetime
) -> CapacityDecision:
    if len(reason.strip()) < SHORTEST_REASON:
        raise InputError(Problem(NO_REASON, Place("reason"), "say why the risk is accepted"))
    made = CapacityDecision.objects.create(
        decision=decision, choice=choice.value, until=until, reason=reason, by=manager, at=at
    )
    record(f"decision:{decision.pk}", choice_content(made))
    return made


def choice_content(made: CapacityDecision) -> bytes:
    """Return what the audit chain holds of a hit deferred or waived."""
    until = made.until.isoformat() if made.until else None
    content = {"choice": made.choice, "until": until, "reason": made.reason}
    return to_json(content).encode("utf-8", "surrogatepass")
