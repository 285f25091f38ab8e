"""A yellow that nobody looked at in time: its treatment ends, its channel stays.

Which yellow may lapse is the engine's rule, asked of the decisions as they are stored: what a mandatory control, a
lookout, a request, an agency hold or a person selected waits until a person acts.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import batched

from tidewaiter.actions.acting import Actor, action, record
from tidewaiter.actions.examinations.acts import NOT_INSPECTED, OPEN, close_unseen, refer_to_audit
from tidewaiter.actions.examinations.changes import LAPSED, Change, announce
from tidewaiter.actions.examinations.waiting import telling_what_closed
from tidewaiter.actions.packing import unpacked
from tidewaiter.core.channel import Channel
from tidewaiter.core.decision import Decision
from tidewaiter.core.decision_json import decision_from_json
from tidewaiter.core.policy import Policy
from tidewaiter.engines.selection.cut_off import lapse
from tidewaiter.storage.records import models
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Act, Declaration, Override, Result

REASON = "not looked at in time"
AT_ONCE = 500
"""Acts whose decisions are read together."""


@dataclass(frozen=True, slots=True)
class Lapsed:
    """How many acts nobody looked at in time, of one officer (empty: not yet given to one) at one office."""

    office: str
    officer: str
    acts: int


def expire_yellow(*, policy: Policy, on: date, by: Actor, at: datetime) -> list[Act]:
    """End the treatment of each yellow that lapses by that day of the administration; return the acts closed.

    The act is closed as "not inspected", the goods are referred to post-clearance audit, and the feed of changes tells
    that the goods may be released; the channel stays yellow in every record. A second examination that lapses is
    closed and no more. Nothing happens, and nothing is recorded, where nothing lapses.
    """
    acts = _lapsing(policy, on)
    return _expire(acts=acts, by=by, at=at) if acts else []


@action("act.expire")
def _expire(*, acts: Sequence[Act], by: Actor, at: datetime) -> list[Act]:
    lock_chain()
    held = list(
        Act.objects.select_for_update(of=("self",))
        .select_related("officer", "decision")
        .filter(pk__in=[act.pk for act in acts], state=OPEN)
    )
    with telling_what_closed({act.declaration_id for act in held}, by=by, at=at):
        _end(held, by, at)
    return held


def _end(held: Sequence[Act], by: Actor, at: datetime) -> None:
    close_unseen(held, reason=REASON, at=at)
    record("act:lapsed", str(len(held)).encode())
    first = [act for act in held if act.reexamines_id is None]
    refer_to_audit([act.decision for act in first], "yellow not looked at in time", at=at)
    declarations = Declaration.objects.in_bulk({act.declaration_id for act in first})
    announce(
        [
            Change(kind=LAPSED, declaration=one, before=Channel.YELLOW, after=Channel.YELLOW, reference="")
            for one in declarations.values()
        ],
        actor=by.reference,
        at=at,
    )


def _lapsing(policy: Policy, on: date) -> list[Act]:
    """Return the acts that wait too long and may lapse: by every decision about the goods, and no person said more."""
    days = policy.yellow_expires_after_days
    if days is None:
        return []
    yellow = Declaration.objects.filter(channel=Channel.YELLOW.value, in_flight=True).values("pk")
    waiting = Act.objects.filter(
        state=OPEN, due_on__lt=on, decision__decided_on__lte=on - timedelta(days=days), declaration_id__in=yellow
    )
    acts = waiting.select_related("decision").order_by("pk").defer("decision__facts", "decision__answer")
    return [act for part in batched(acts, AT_ONCE) for act in _may_lapse(part, policy, on)]


def _may_lapse(acts: Sequence[Act], policy: Policy, on: date) -> Iterator[Act]:
    numbers = {act.declaration_id for act in acts}
    persons = Override.objects.filter(declaration_id__in=numbers, state="in force").values_list("declaration_id")
    overridden = {number for (number,) in persons}
    yellow: defaultdict[str, list[Decision]] = defaultdict(list)
    held = models.Decision.objects.filter(declaration_id__in=numbers, channel=Channel.YELLOW.value)
    for number, body in held.values_list("declaration_id", "body"):
        yellow[number].append(decision_from_json(json.loads(unpacked(body))["decision"]))
    for act in acts:
        decisions = yellow[act.declaration_id] if act.declaration_id not in overridden else []
        since = act.decision.decided_on
        if decisions and all(lapse(one, since, on, policy) is not None for one in decisions):
            yield act


def lapsed_by_officer(start: datetime, end: datetime) -> list[Lapsed]:
    """Return how many acts of each officer lapsed from start to end (not included), most first."""
    results = Result.objects.select_related("act").filter(
        known_at__gte=start, known_at__lt=end, outcome=NOT_INSPECTED, row__not_inspected_reason=REASON
    )
    counts: dict[tuple[str, str], int] = {}
    for one in results:
        key = (one.act.office, one.row.get("officer", ""))
        counts[key] = counts.get(key, 0) + 1
    found = [Lapsed(office, officer, count) for (office, officer), count in counts.items()]
    return sorted(found, key=lambda one: (-one.acts, one.office, one.officer))
