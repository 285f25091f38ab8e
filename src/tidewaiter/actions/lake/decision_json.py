"""Decisions as the JSON that other programs read (documented in docs/reference/cli.md)."""

from tidewaiter.actions.lake.decide import Decided
from tidewaiter.core.channel import Channel
from tidewaiter.core.decision import Decision, ItemDecision, Reason

type Json = dict[str, object]


def decided_json(decided: Decided) -> Json:
    """Return the whole file: what was read, what it rests on, and every decision by declaration number."""
    rejects = decided.rejects_file
    return {
        "read": decided.read,
        "accepted": decided.accepted,
        "rejected": decided.rejected,
        "rejects_file": None if rejects is None else str(rejects),
        "on": decided.on.isoformat(),
        "statistics_day": decided.statistics_day.isoformat(),
        "mapping": decided.mapping,
        "policy": {"name": decided.policy.name, "version": decided.policy.version},
        "profile_set": decided.set_digest,
        "catalogue": decided.catalogue,
        "key_digest": decided.key_digest,
        "left_out": [{"code": code, "reason": reason} for code, reason in sorted(decided.left_out.items())],
        "empty_lists": list(decided.empty_lists),
        "undecided": [
            {"declaration_id": number, "reason": reason} for number, reason in sorted(decided.undecided.items())
        ],
        "decisions": [
            decision_json(decision) for decision in sorted(decided.decisions, key=lambda one: one.declaration_id)
        ],
    }


def decision_json(decision: Decision) -> Json:
    """Return one decision."""
    return {
        "declaration_id": decision.declaration_id,
        "version": decision.version,
        "channel": decision.channel.value,
        "treatments": [
            {"channel": treatment.channel.value, "controls": list(treatment.controls)}
            for treatment in decision.treatments
        ],
        "selection_probability": decision.selection_probability,
        "channel_probabilities": {
            channel.value: decision.channel_probabilities[channel] for channel in reversed(Channel)
        },
        "random_probability": decision.random_probability,
        "in_random_sample": decision.in_random_sample,
        "draw_identity": decision.draw_identity,
        "reasons": [_reason(reason) for reason in decision.reasons],
        "items": [_item(item) for item in decision.items],
    }


def _reason(reason: Reason) -> Json:
    return {
        "kind": reason.kind.value,
        "code": reason.code,
        "version": reason.version,
        "probability": reason.probability,
        "fired": reason.fired,
        "channel": None if reason.channel is None else reason.channel.value,
    }


def _item(item: ItemDecision) -> Json:
    return {
        "item_number": item.item_number,
        "reasons": [_reason(reason) for reason in item.reasons],
        "instructions": list(item.instructions),
    }
