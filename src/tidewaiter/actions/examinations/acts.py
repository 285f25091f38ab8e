"""Examination acts: opened when a declaration is selected, closed by a result or because nobody will look any more.

What decides calls `open_acts` in its transaction; what records a release or a cancellation calls `close_acts`; the
worker calls `expire_yellow` every day.
"""

import json
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta

import msgspec

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.packing import to_json
from tidewaiter.actions.rows import rows_to_json
from tidewaiter.core.channel import Channel
from tidewaiter.core.policy import DEFAULT_CONTROLS, Policy
from tidewaiter.core.tables.results import ACTS
from tidewaiter.storage.records.audit import Entry, append, append_many, lock_chain
from tidewaiter.storage.records.inserting import insert
from tidewaiter.storage.records.models import Act, ChainHead, Decision, Declaration, Officer, Referral, Result

AUDIT = "post-clearance audit"
"""The control, and the kind of referral, of goods looked at after their release."""

OPEN, PENDING, CLOSED = "open", "pending", "closed"
"""Where an act stands: nothing recorded; looked at and an answer awaited; done."""

NOT_INSPECTED = "not_inspected"


def open_acts(
    decisions: Sequence[Decision], *, policy: Policy, at: datetime, head: ChainHead | None = None
) -> list[Act]:
    """Open the acts, and the referrals to post-clearance audit, that decisions ask for; return the acts.

    Called within the transaction that stores the decisions, which must be stored before it ends; `head` is the end of
    the audit chain where the caller holds it. Of a declaration decided before, only what is missing is opened: a kind
    of act that waits or was done is not asked for twice.
    """
    asked = [(one, _treatments(one)) for one in decisions if Channel(one.channel) is not Channel.GREEN]
    again = [one.declaration_id for one, _ in asked if one.ordinal > 1 or one.previous_id]
    held = kinds_held(again)
    acts = [
        new_act(one, kind, due_on=_due_on(one, kind, policy), at=at)
        for one, treatments in asked
        for kind in kinds_of(treatments)
        if kind not in held[one.declaration_id]
    ]
    audited = [one for one, treatments in asked if any(AUDIT in controls for controls in treatments.values())]
    store(acts, at, head)
    refer_to_audit(audited, "channel blue", at=at, head=head)
    return acts


def _treatments(decision: Decision) -> dict[Channel, list[str]]:
    """Return the controls by channel of a stored decision, from the answer that its client was given."""
    answer = msgspec.json.decode(decision.answer)
    return {Channel(one["channel"]): one["controls"] or _default(one["channel"]) for one in answer["treatments"]}


def _default(channel: str) -> list[str]:
    return list(DEFAULT_CONTROLS[Channel(channel)])


def kinds_of(treatments: dict[Channel, list[str]]) -> tuple[str, ...]:
    """Return the kinds of act that treatments (controls by channel) ask for, as in core.tables.RESULTS.

    A treatment whose controls name no act, only what to check, asks for those of its channel.
    """
    asked: set[str] = set()
    for channel, controls in treatments.items():
        asked |= set(controls) & set(ACTS) or set(DEFAULT_CONTROLS[channel]) & set(ACTS)
    return tuple(kind for kind in ACTS if kind in asked)


def new_act(decision: Decision, kind: str, *, due_on: date, at: datetime, reexamines: Act | None = None) -> Act:
    """Return a new act, not yet stored. Its number is random: it tells neither order nor reason."""
    return Act(
        act_id=secrets.token_hex(10),
        decision_id=decision.pk,
        declaration_id=decision.declaration_id,
        office=decision.office,
        kind=kind,
        due_on=due_on,
        opened_at=at,
        reexamines=reexamines,
    )


def store(acts: Sequence[Act], at: datetime, head: ChainHead | None = None) -> None:
    """Write new acts with their trace, within a transaction."""
    insert(acts)
    traces = [
        Entry(actor=SERVICE.reference, action="act.open", record=f"act:{one.pk}", content=_content(one)) for one in acts
    ]
    if traces:
        append_many(traces, at=at, head=head or lock_chain())


def _content(act: Act) -> bytes:
    parts = {"decision": act.decision_id, "kind": act.kind, "due_on": act.due_on.isoformat(), "office": act.office}
    return to_json(parts).encode()


def due_on(channel: Channel, kind: str, policy: Policy, on: date) -> date:
    """Return the last day in time for an act opened on a day: the same, or the last before a yellow lapses."""
    lapses = policy.yellow_lapses_on(on) if channel is Channel.YELLOW and kind == "documents" else None
    return on if lapses is None else max(on, lapses - timedelta(days=1))


def _due_on(decision: Decision, kind: str, policy: Policy) -> date:
    return due_on(Channel(decision.channel), kind, policy, decision.decided_on)


def kinds_held(declarations: Collection[str]) -> defaultdict[str, set[str]]:
    """Return by declaration the kinds of act that wait or were done: not those closed without looking."""
    held: defaultdict[str, set[str]] = defaultdict(set)
    if not declarations:
        return held
    acts = list(Act.objects.filter(declaration_id__in=declarations))
    unseen = not_looked_at(act.pk for act in acts if act.state == CLOSED)
    for act in acts:
        if act.pk not in unseen:
            held[act.declaration_id].add(act.kind)
    return held


def not_looked_at(acts: Iterable[str]) -> set[str]:
    """Return those of the acts whose latest result says that nobody looked."""
    latest = dict(Result.objects.filter(act_id__in=list(acts)).order_by("version").values_list("act_id", "outcome"))
    return {act for act, outcome in latest.items() if outcome == NOT_INSPECTED}


def refer_to_audit(
    decisions: Sequence[Decision], cause: str, *, at: datetime, head: ChainHead | None = None
) -> list[Referral]:
    """Refer the goods of decisions to post-clearance audit, each declaration once while a referral is open."""
    if not decisions:
        return []
    numbers = {one.declaration_id for one in decisions}
    waiting = Referral.objects.filter(kind=AUDIT, declaration_id__in=numbers).exclude(state=CLOSED)
    known = set(waiting.values_list("declaration_id", flat=True))
    traders = {one.pk: one.importer_code or one.declarant_code for one in Declaration.objects.filter(pk__in=numbers)}
    referrals = Referral.objects.bulk_create(
        Referral(
            kind=AUDIT,
            declaration_id=one.declaration_id,
            decision_id=one.pk,
            trader_code=traders.get(one.declaration_id, ""),
            cause=cause,
            state=OPEN,
            referred_at=at,
        )
        for one in decisions
        if one.declaration_id not in known
    )
    traces = [
        Entry(
            actor=SERVICE.reference,
            action="referral.open",
            record=f"referral:{one.pk}",
            content=referral_content(one),
        )
        for one in referrals
    ]
    if traces:
        append(traces, at=at, head=head)
    return referrals


def referral_content(referral: Referral) -> bytes:
    """Return what the audit chain holds of a referral as it stands."""
    about = [referral.kind, referral.declaration_id, referral.decision_id, referral.trader_code, referral.cause]
    found = [referral.state, referral.by_id, referral.officer_id, referral.outcome, referral.row, referral.schedule]
    return json.dumps([*about, *found], sort_keys=True).encode()


def close_acts(
    declarations: Collection[str],
    *,
    reason: str,
    at: datetime,
    by: Officer | None = None,
    kinds: Collection[str] = ACTS,
) -> list[Act]:
    """Close what nobody will look at any more as "not inspected" for a reason; return the acts.

    For goods released, cancelled, waived, deferred for good or lowered. What was looked at and waits for an answer
    stays. `by` None: the service itself. Called within a transaction.
    """
    acts = list(
        Act.objects.select_related("officer")
        .select_for_update(of=("self",))
        .filter(declaration_id__in=declarations, state=OPEN, kind__in=kinds)
        .order_by("pk")
    )
    close_unseen(acts, reason=reason, at=at, by=by)
    return acts


def close_unseen(acts: Sequence[Act], *, reason: str, at: datetime, by: Officer | None = None) -> None:
    """Close open acts as "not inspected", each with a result that says so."""
    if not acts:
        return
    for act in acts:
        act.state, act.closed_at = CLOSED, at
    Act.objects.filter(pk__in=[act.pk for act in acts]).update(state=CLOSED, closed_at=at)
    results = Result.objects.bulk_create([_unseen(act, reason, at, by) for act in acts])
    actor = by.reference if by else SERVICE.reference
    append(
        [
            Entry(
                actor=actor,
                action="act.close",
                record=f"act:{one.act_id}",
                content=to_json(one.row).encode("utf-8", "surrogatepass"),
            )
            for one in results
        ],
        at=at,
    )


def _unseen(act: Act, reason: str, at: datetime, by: Officer | None) -> Result:
    officer = act.officer or by
    row = {
        "act_id": act.pk,
        "declaration_id": act.declaration_id,
        "act": act.kind,
        "completed_at": at,
        "state": "final",
        "outcome": NOT_INSPECTED,
        "not_inspected_reason": reason,
        "officer": officer_code(officer) if officer else None,
    }
    return Result(
        act=act,
        version=1,
        state="final",
        outcome=NOT_INSPECTED,
        row=json.loads(rows_to_json([row]))[0],
        by=by,
        known_at=at,
    )


def officer_code(officer: Officer) -> str:
    """Return how results in the lake name an officer."""
    return officer.login.upper()
