"""Goods listed for recall: released before what would select them now was known, and what became of each.

An entry is settled once, by an officer of the office: the goods are back under control, they are audited instead, or
they are not pursued, for a reason that stays. Who lowered the channel of the goods or examined them may only have them
audited; another says the rest. Why goods were listed is told to those only who may see what is behind a
decision, and a lookout or request among it only to those who may see that one.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import Q, QuerySet

from tidewaiter.actions.acting import Actor, action, may, officer_of, record
from tidewaiter.actions.decisions.blinding import referred, unseen, without
from tidewaiter.actions.decisions.traces import recall_content
from tidewaiter.actions.examinations.acts import CLOSED, refer_to_audit
from tidewaiter.actions.examinations.overrides import IN_FORCE, SUPERSEDED
from tidewaiter.actions.packing import to_json, unpacked
from tidewaiter.actions.reading import explained
from tidewaiter.actions.rights import granting
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import ConflictError, NotAllowedError, NotKnownError
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Act, Decision, Officer, Override, Recall
from tidewaiter.storage.records.visibility import visible_to


class RecallState(StrEnum):
    """Where an entry of the list stands."""

    OPEN = "open"
    SETTLED = "settled"


class RecallOutcome(StrEnum):
    """What became of goods listed for recall."""

    UNDER_CONTROL = "under_control"
    AUDIT = "audit"
    NOT_PURSUED = "not_pursued"


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of the list as one officer sees it. `cause` and `reasons` None: the officer may not see why.

    `reasons` are those that would select the goods now, each with `kind`, `code` and `channel` (None: it gives none).
    """

    recall: Recall
    cause: str | None = None
    reasons: tuple[Mapping[str, Any], ...] | None = None

    @property
    def state(self) -> RecallState:
        """Return where it stands."""
        return RecallState.OPEN if self.recall.settled_at is None else RecallState.SETTLED


@action("recall.read")
def read_recalls(
    *, after: int = 0, limit: int = 100, state: RecallState | None = None, office: str = "", by: Actor, at: datetime
) -> list[Listed]:
    """Return what is listed after an entry's number and the officer may see, the oldest first; the reading is recorded.

    `state` None: open and settled; `office` narrows it to the goods of one.
    """
    found = _seen(officer_of(by), "recall.read").filter(pk__gt=after).order_by("pk")
    if state is not None:
        found = found.filter(settled_at__isnull=state is RecallState.OPEN)
    if office:
        found = found.filter(declaration__office=office)
    read = list(found[:limit])
    record("recalls", to_json([one.pk for one in read]).encode())
    return _told(read, by)


@action("recall.settle")
def settle_recall(*, recall: int, outcome: RecallOutcome, reason: str, by: Actor, at: datetime) -> Listed:
    """Say what became of goods listed for recall; those audited instead are referred to post-clearance audit.

    Raises NotKnownError for an entry that the officer may not see, ConflictError for one that is settled, InputError
    where goods are not audited and no reason is said, NotAllowedError where goods that the officer lowered or examined
    are not audited.
    """
    officer = officer_of(by)
    if outcome is not RecallOutcome.AUDIT:
        explained(reason)
    lock_chain()
    found = _seen(officer, "recall.settle").filter(pk=recall).first()
    if found is None:
        raise NotKnownError(f"no entry {recall} of the recall list is known")
    if found.settled_at is not None:
        raise ConflictError(f"entry {recall} of the recall list was settled before")
    if outcome is not RecallOutcome.AUDIT:
        _refuse_concerned(found.declaration_id, officer)
    found.settled_by, found.settled_at = officer, at
    found.settled_as, found.settled_reason = outcome.value, reason.strip()
    found.save(update_fields=["settled_by", "settled_at", "settled_as", "settled_reason"])
    record(f"recall:{found.pk}", recall_content(found))
    if outcome is RecallOutcome.AUDIT:
        refer_to_audit([Decision.objects.get(pk=found.declaration.decision_id)], "listed for recall", at=at)
    return _told([found], by)[0]


def _seen(officer: Officer, name: str) -> QuerySet[Recall]:
    """Return the entries that the officer may see to do what is named."""
    return visible_to(officer, Recall.objects.select_related("declaration", "settled_by"), granting(name))


def _refuse_concerned(number: str, officer: Officer) -> None:
    """Raise NotAllowedError for who lowered the channel of the goods, alone or with another, or examined them."""
    took_effect = Override.objects.filter(declaration_id=number, state__in=(IN_FORCE, SUPERSEDED))
    own = took_effect.filter(Q(by=officer) | Q(second=officer))
    lowered = any(Channel(one.after).strictness < Channel(one.before).strictness for one in own)
    acts = Act.objects.filter(Q(officer=officer) | Q(results__by=officer), declaration_id=number)
    if lowered or acts.exists():
        raise NotAllowedError(
            "you lowered the channel of these goods or examined them: have them audited, or another says"
        )


def _told(read: Sequence[Recall], by: Actor) -> list[Listed]:
    """Return entries with why they are there, as far as the officer may see it: not of goods still to examine."""
    if not may("decision.trace", by):
        return [Listed(one) for one in read]
    numbers = {one.declaration_id for one in read}
    own = Act.objects.filter(declaration_id__in=numbers, officer=officer_of(by)).exclude(state=CLOSED)
    examined = set(own.values_list("declaration_id", flat=True))
    behind = {one.pk: _behind(one) for one in read if one.declaration_id not in examined}
    named = {reference for why in behind.values() for reference in (*referred(why), *_in_cause(why["cause"]))}
    hidden = unseen(frozenset(named), by)
    return [_with_why(one, behind.get(one.pk), hidden) for one in read]


def _behind(one: Recall) -> dict[str, Any]:
    """Return the cause of an entry, and the reasons of the decision that would be taken now."""
    reasons = json.loads(unpacked(one.body))["decision"]["reasons"]
    return {"cause": one.cause, "reasons": [reason for reason in reasons if reason["fired"]]}


def _in_cause(cause: str) -> tuple[str, ...]:
    """Return the reference of the lookout or request that a cause names."""
    words = cause.split()
    return (words[1],) if len(words) > 1 and words[0] in ("lookout", "request") else ()


def _with_why(one: Recall, behind: Mapping[str, Any] | None, hidden: frozenset[str]) -> Listed:
    if behind is None:
        return Listed(one)
    shown: dict[str, Any] = without(dict(behind), hidden)
    reasons = tuple({name: why[name] for name in ("kind", "code", "channel")} for why in shown["reasons"])
    return Listed(one, cause=shown["cause"], reasons=reasons)
