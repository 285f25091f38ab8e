"""Overrides: an officer raises or lowers a channel, always with a reason code and text.

Raising takes effect at once. Lowering does too, unless the channel is one from which the policy wants a second person:
then it is proposed, and takes effect when another confirms it. A decision is never changed: the override is a record
of its own, and the declaration's channel the state it leaves. It is the one recorded way for a channel to fall.

What a client system sees: the stored answer stays what it was; a repeated request tells the new `current_channel`; the
feed of changes gets an entry of kind `override` with the channel before and after (see `changes`). It sees no reason
and no name. What decides later takes an override in force into account: the reasons it settled do not raise the channel
again, one that comes later does.

Whether an override was right is measured later: the result of an examination is attached when it is closed.
"""

import csv
import json
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files

from tidewaiter.actions.acting import Actor, action, officer_of, record, require
from tidewaiter.actions.examinations.acts import (
    close_acts,
    due_on,
    kinds_held,
    kinds_of,
    new_act,
    refer_to_audit,
    store,
)
from tidewaiter.actions.examinations.changes import OVERRIDE, Change, announce
from tidewaiter.actions.examinations.waiting import telling_what_closed
from tidewaiter.actions.examinations.worklist import acts_seen, blinded
from tidewaiter.actions.packing import to_json
from tidewaiter.actions.reading import NO_REASON, SHORTEST_REASON
from tidewaiter.actions.rights import granting
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError, Place, Problem
from tidewaiter.core.policy import DEFAULT_CONTROLS, Policy
from tidewaiter.core.tables.results import ACTS
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Declaration, Officer, Override
from tidewaiter.storage.records.visibility import visible_to

RAISE, LOWER = "raise", "lower"
PROPOSED, IN_FORCE, REFUSED = "proposed", "in force", "refused"
SUPERSEDED, OVERTAKEN = "superseded", "overtaken"
"""A later override took the place of one that was in force, or of one that was only proposed."""


@dataclass(frozen=True, slots=True)
class OverrideReason:
    """One reason of the list: its code, what it may be given for (raise, lower or both), and what it says."""

    code: str
    direction: str
    meaning: str

    def serves(self, direction: str) -> bool:
        """Tell whether it may be given for that direction."""
        return self.direction in (direction, "both")


@cache
def override_reasons() -> dict[str, OverrideReason]:
    """Return the reasons by code, from override_reasons.csv."""
    text = files("tidewaiter.actions.examinations").joinpath("override_reasons.csv").read_text(encoding="utf-8")
    return {row["code"]: OverrideReason(**row) for row in csv.DictReader(text.splitlines())}


@action("override.raise")
def raise_channel(
    *,
    declaration: str,
    channel: Channel,
    reason_code: str,
    reason: str,
    instruction: str = "",
    policy: Policy,
    on: date,
    by: Actor,
    at: datetime,
) -> Override:
    """Raise the channel of goods in flight, at once.

    `instruction` is what the examiner is to check besides, `on` the administration's day. Raises NotKnownError for a
    declaration the officer may not see, ConflictError for goods that are gone, InputError with every problem.
    """
    officer = officer_of(by)
    found = _declaration(declaration, officer, "override.raise")
    _check(found, channel, RAISE, reason_code, reason)
    made = _make(found, channel, reason_code, reason, IN_FORCE, officer, at)
    made.instructions = _lines(made, policy, instruction)
    _apply(made, found, policy, on, by, at)
    return made


@action("override.lower")
def lower_channel(
    *,
    declaration: str,
    channel: Channel,
    reason_code: str,
    reason: str,
    policy: Policy,
    on: date,
    by: Actor,
    at: datetime,
) -> Override:
    """Lower the channel of goods in flight: at once, or as a proposal where the policy wants a second person.

    Raises as `raise_channel`.
    """
    officer = officer_of(by)
    found = _declaration(declaration, officer, "override.lower")
    _check(found, channel, LOWER, reason_code, reason)
    second = policy.needs_second_person(Channel(found.channel), channel)
    made = _make(found, channel, reason_code, reason, PROPOSED if second else IN_FORCE, officer, at)
    if second:
        record(f"override:{made.pk}", content_of(made))
    else:
        _apply(made, found, policy, on, by, at)
    return made


@action("override.confirm")
def confirm_lowering(*, override: int, reason: str = "", policy: Policy, on: date, by: Actor, at: datetime) -> Override:
    """Put a proposed lowering in force, as the second person.

    Raises NotAllowedError for the proposer, ConflictError where it is settled or the channel has changed since.
    """
    second, held = _proposed(override, by)
    found = _declaration(held.declaration_id, second, "override.confirm")
    if found.channel != held.before:
        raise ConflictError(f"the channel is {found.channel} now, not {held.before}: propose it again")
    held.second, held.second_at, held.second_reason, held.state = second, at, reason, IN_FORCE
    _apply(held, found, policy, on, by, at)
    return held


@action("override.confirm")
def refuse_lowering(*, override: int, reason: str, by: Actor, at: datetime) -> Override:
    """Refuse a proposed lowering, as the second person, with a reason; the channel stays."""
    second, held = _proposed(override, by)
    if not reason.strip():
        raise InputError(Problem("say why it is refused", Place("reason")))
    held.second, held.second_at, held.second_reason, held.state = second, at, reason, REFUSED
    held.save()
    record(f"override:{held.pk}", content_of(held))
    return held


def _declaration(number: str, officer: Officer, action: str) -> Declaration:
    granted = granting(action)
    lock_chain()
    seen = visible_to(officer, Declaration.objects.select_for_update(), granted).filter(pk=number)
    if blinded(officer):
        seen = seen.filter(pk__in=acts_seen(officer, granted).values("declaration_id"))
    found = seen.first()
    if found is None:
        raise NotKnownError(f"no declaration {number} is known")
    if not found.in_flight:
        raise ConflictError(f"declaration {number} is released or cancelled: its channel stays")
    return found


def _check(found: Declaration, channel: Channel, direction: str, code: str, reason: str) -> None:
    problems = []
    before = Channel(found.channel)
    goes = channel.strictness - before.strictness
    if goes == 0 or (goes > 0) != (direction == RAISE):
        problems.append(Problem(f"{channel} does not {direction} the channel, which is {before}", Place("channel")))
    known = override_reasons().get(code)
    if known is None or not known.serves(direction):
        codes = ", ".join(one.code for one in override_reasons().values() if one.serves(direction))
        problems.append(Problem(f"'{code[:40]}' is no reason to {direction}", Place("reason_code"), f"use {codes}"))
    if len(reason.strip()) < SHORTEST_REASON:
        problems.append(Problem(NO_REASON, Place("reason")))
    if problems:
        raise InputError(problems)


def _make(
    found: Declaration, channel: Channel, code: str, reason: str, state: str, officer: Officer, at: datetime
) -> Override:
    waiting = Override.objects.filter(declaration_id=found.pk, state=PROPOSED)
    if state == PROPOSED and waiting.exists():
        raise ConflictError(f"a lowering of declaration {found.pk} is proposed already")
    return Override.objects.create(
        declaration_id=found.pk,
        decision_id=found.decision_id,
        before=found.channel,
        after=channel.value,
        reason_code=code,
        reason=reason,
        by=officer,
        at=at,
        state=state,
    )


def _proposed(number: int, by: Actor) -> tuple[Officer, Override]:
    second = officer_of(by)
    lock_chain()
    seen = visible_to(second, Override.objects.select_for_update(of=("self",)), granting("override.confirm"))
    held = seen.filter(pk=number).first()
    if held is None:
        raise NotKnownError(f"no override {number} is known")
    if held.state != PROPOSED:
        raise ConflictError(f"override {number} is {held.state}")
    if held.by_id == second.pk:
        raise NotAllowedError("a second person confirms or refuses what one proposed")
    return second, held


def _apply(override: Override, found: Declaration, policy: Policy, on: date, by: Actor, at: datetime) -> None:
    """Bring the declaration, its acts and the feed to what the override says."""
    before, after = Channel(found.channel), Channel(override.after)
    earlier = Override.objects.filter(declaration_id=found.pk).exclude(pk=override.pk)
    earlier.filter(state=IN_FORCE).update(state=SUPERSEDED)
    earlier.filter(state=PROPOSED).update(state=OVERTAKEN)
    override.save()
    found.channel = after.value
    found.save(update_fields=["channel"])
    with telling_what_closed([found.pk], by=by, at=at):
        _bring_acts(override, after, policy, on, at)
        record(f"override:{override.pk}", content_of(override))
        reference = f"override:{override.pk}"
        change = Change(kind=OVERRIDE, declaration=found, before=before, after=after, reference=reference)
        announce([change], actor=by.reference, at=at)


def _bring_acts(override: Override, after: Channel, policy: Policy, on: date, at: datetime) -> None:
    asked = kinds_of({after: list(DEFAULT_CONTROLS[after])})
    decision = override.decision
    if after.strictness < Channel(override.before).strictness:
        left = [kind for kind in ACTS if kind not in asked]
        close_acts([override.declaration_id], reason="channel lowered", at=at, by=override.by, kinds=left)
    held = kinds_held([override.declaration_id])[override.declaration_id]
    store(
        [new_act(decision, kind, due_on=due_on(after, kind, policy, on), at=at) for kind in asked if kind not in held],
        at,
    )
    if after is Channel.BLUE:
        refer_to_audit([decision], "channel blue", at=at)


def _lines(override: Override, policy: Policy, instruction: str) -> dict[str, list[str]]:
    """Return the examiner's lines by item: the channel's standard ones, those there are, and what is asked besides."""
    standard = policy.checklists.get(Channel(override.after), ())
    items = json.loads(override.decision.answer)["items"]
    asked = [instruction.strip()] if instruction.strip() else []
    return {str(item["item_number"]): list(dict.fromkeys([*standard, *item["instructions"], *asked])) for item in items}


def content_of(override: Override) -> bytes:
    """Return what the audit chain digests of an override as it stands."""
    return to_json(
        {
            "declaration": override.declaration_id,
            "decision": override.decision_id,
            "before": override.before,
            "after": override.after,
            "reason_code": override.reason_code,
            "reason": override.reason,
            "by": override.by_id,
            "second": override.second_id,
            "second_reason": override.second_reason,
            "instructions": override.instructions,
            "state": override.state,
        }
    ).encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownOverride:
    """An override with what came of it; `outcome` and `result_state` are empty until an examination was closed."""

    override: Override
    outcome: str
    result_state: str


def overrides(
    *, by: Actor, at: datetime, declaration: str = "", state: str = "", after: int = 0, limit: int = 100
) -> list[ShownOverride]:
    """Return the overrides an officer may see, after one number, the first first, each with the later result."""
    require("override.read", by, at)
    rows = Override.objects.select_related("by", "second", "result_act").filter(pk__gt=after)
    held = visible_to(officer_of(by), rows, granting("override.read"))
    held = held.filter(declaration_id=declaration) if declaration else held
    held = held.filter(state=state) if state else held
    return [_shown(one) for one in held.order_by("pk")[:limit]]


def _shown(override: Override) -> ShownOverride:
    result = override.result_act.results.order_by("-version").first() if override.result_act else None
    outcome, state = (result.outcome, result.state) if result else ("", "")
    return ShownOverride(override=override, outcome=outcome, result_state=state)
