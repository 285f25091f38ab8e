"""Examined again by lot: a set share of "nothing found" gets a second look by another officer.

A result that is not final yet is drawn too: else one who leaves it so until the goods are gone is never looked after.
Drawn and undrawn are both kept, so that the lot can be checked. Nobody but the inspectorate may see that an act is a
second examination: it is an act like any other, with a number, a due day and a checklist of the same form. The lot is
drawn by the worker, not in the answer to the first officer's result, which so cannot tell how it fell.
"""

from collections.abc import Sequence
from datetime import date, datetime

from django.db.models import Exists, OuterRef, QuerySet

from tidewaiter.actions.acting import Actor, action, record
from tidewaiter.actions.draws import Keys
from tidewaiter.actions.examinations.acts import CLOSED, OPEN, PENDING, close_unseen, due_on, new_act, store
from tidewaiter.actions.examinations.assignments import AT_ONCE, Rosters
from tidewaiter.actions.examinations.waiting import LOOKED_BACK, telling_what_closed
from tidewaiter.actions.packing import to_json
from tidewaiter.core.channel import Channel
from tidewaiter.core.policy import Policy
from tidewaiter.engines.selection.assignment import RE_EXAMINER, Assignment, ReExamination, assign, others_than
from tidewaiter.engines.selection.assignment import re_examined as falls_within
from tidewaiter.engines.selection.draw import Draw
from tidewaiter.storage.records import models
from tidewaiter.storage.records.models import Act, Declaration, Reexamination, Result

NOTHING_FOUND = "nothing_found"


def draw_again(*, keys: Keys, policy: Policy, on: date, by: Actor, at: datetime) -> list[Reexamination]:
    """Draw every "nothing found" that was not drawn yet, and open the acts of those that are to be looked at.

    `on` is the administration's day. Also gives second examinations that had nobody on duty an officer. Returns what
    was drawn, the undrawn included.
    """
    acts = _undrawn(at)
    rosters = Rosters(policy, at)
    given = _give_waiting(keys=keys, rosters=rosters, by=by, at=at)
    return given if not acts else _draw(acts=acts, keys=keys, rosters=rosters, on=on, by=by, at=at)


def _undrawn(at: datetime) -> list[Act]:
    since = at - LOOKED_BACK
    closed = _of_nothing_found(Act.objects.filter(state=CLOSED, closed_at__gte=since), since)
    awaiting = _of_nothing_found(Act.objects.exclude(state=CLOSED).filter(state=PENDING), since)
    found = [*closed.order_by("closed_at", "pk")[:AT_ONCE], *awaiting.order_by("opened_at", "pk")[:AT_ONCE]]
    return found[:AT_ONCE]


def _of_nothing_found(acts: QuerySet[Act], since: datetime) -> QuerySet[Act]:
    """Return the first examinations of which the latest result says so, from that instant on, and no lot was drawn."""
    drawn = Reexamination.objects.filter(act_id=OuterRef("pk"))
    latest = Result.objects.filter(act=OuterRef("pk")).order_by("-version")
    return (
        acts.filter(~Exists(drawn), reexamines=None, officer__isnull=False)
        .annotate(outcome=latest.values("outcome")[:1], told_at=latest.values("known_at")[:1])
        .filter(outcome=NOTHING_FOUND, told_at__gte=since)
        .select_related("decision", "officer")
    )


@action("act.reexamine")
def _draw(
    *, acts: Sequence[Act], keys: Keys, rosters: Rosters, on: date, by: Actor, at: datetime
) -> list[Reexamination]:
    made, opened = [], []
    for act in acts:
        one, again = _lot(act, keys, rosters, on, at)
        made.append(one)
        opened += again
        record(f"act:{act.pk}", lot_content(one))
    with telling_what_closed({act.declaration_id for act in acts}, by=by, at=at):
        Reexamination.objects.bulk_create(made)
        store(opened, at)
    gone = Declaration.objects.filter(pk__in=[act.declaration_id for act in opened], in_flight=False)
    left = set(gone.values_list("pk", flat=True))
    close_unseen([act for act in opened if act.declaration_id in left], reason="goods released", at=at)
    return made


def _lot(act: Act, keys: Keys, rosters: Rosters, on: date, at: datetime) -> tuple[Reexamination, list[Act]]:
    draw = Draw(keys.day_key(act.decision.draw_day), act.decision.identity)
    share = rosters.policy.re_examined_share
    drawn = falls_within(draw, share)
    lot = Reexamination(
        act_id=act.pk, identity=act.decision.identity, day=act.decision.draw_day, share=share, drawn=drawn, at=at
    )
    if not drawn:
        return lot, []
    due = due_on(Channel(act.decision.channel), act.kind, rosters.policy, on)
    again = new_act(act.decision, act.kind, due_on=due, at=at, reexamines=act)
    _give(lot, again, draw, rosters)
    return lot, [again]


def _give(lot: Reexamination, again: Act, draw: Draw, rosters: Rosters) -> None:
    """Give the second examination to another officer of the roster; nobody where there is no other."""
    first = again.reexamines.officer if again.reexamines else None
    others = others_than(first.login if first else "", rosters.of(again.office))
    if not others:
        return
    assigned = assign(draw, others, purpose=RE_EXAMINER)
    lot.roster, lot.officer = dict(assigned.roster), rosters.officers[assigned.officer]
    again.officer = lot.officer
    rosters.take(again.office, assigned.officer, [again.kind])


def _give_waiting(*, keys: Keys, rosters: Rosters, by: Actor, at: datetime) -> list[Reexamination]:
    waiting = Act.objects.filter(officer=None, state=OPEN, reexamines__isnull=False)
    acts = list(waiting.select_related("decision", "reexamines__officer").order_by("pk"))
    lots = {one.act_id: one for one in Reexamination.objects.filter(act_id__in=[act.reexamines_id for act in acts])}
    ready = [act for act in acts if len(rosters.of(act.office)) > 1]
    return _give_late(acts=ready, lots=lots, keys=keys, rosters=rosters, by=by, at=at) if ready else []


@action("act.reexamine")
def _give_late(
    *, acts: Sequence[Act], lots: dict[str, Reexamination], keys: Keys, rosters: Rosters, by: Actor, at: datetime
) -> list[Reexamination]:
    given = []
    for act in acts:
        lot = lots[act.reexamines_id or ""]
        _give(lot, act, Draw(keys.day_key(act.decision.draw_day), act.decision.identity), rosters)
        lot.save(update_fields=["roster", "officer"])
        act.save(update_fields=["officer"])
        record(f"act:{act.reexamines_id}", roster_content(lot))
        given.append(lot)
    return given


def lot_content(lot: Reexamination) -> bytes:
    """Return what the audit chain holds of a lot as it was drawn."""
    return f"{lot.drawn} {lot.share} {to_json(lot.roster)}".encode()


def roster_content(lot: Reexamination) -> bytes:
    """Return what the audit chain holds of a second examination that was given to an officer later."""
    return to_json(lot.roster).encode()


def drawn_of(decisions: Sequence[str]) -> dict[str, tuple[tuple[Assignment, ...], tuple[ReExamination, ...]]]:
    """Return what was drawn after each of these decisions: assignments and re-examinations, to be verified."""
    found: dict[str, tuple[list[Assignment], list[ReExamination]]] = {one: ([], []) for one in decisions}
    for row in models.Assignment.objects.filter(decision_id__in=decisions).select_related("officer").order_by("pk"):
        found[row.decision_id][0].append(Assignment(officer=row.officer.login, roster=row.roster))
    acts = {act.pk: act for act in Act.objects.filter(decision_id__in=decisions).select_related("officer")}
    for lot in Reexamination.objects.filter(act_id__in=list(acts)).select_related("officer").order_by("pk"):
        found[acts[lot.act_id].decision_id][1].append(_as_engine(lot, acts[lot.act_id]))
    return {one: (tuple(given), tuple(again)) for one, (given, again) in found.items()}


def _as_engine(lot: Reexamination, act: Act) -> ReExamination:
    assignment = None
    if lot.officer is not None:
        assignment = Assignment(officer=lot.officer.login, roster=lot.roster, purpose=RE_EXAMINER)
    first = act.officer.login if act.officer else ""
    return ReExamination(share=lot.share, drawn=lot.drawn, first_officer=first, assignment=assignment)
