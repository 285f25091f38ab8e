"""Reading decisions again: the answer, the feed of rises, and for cleared roles everything behind a decision."""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from tidewaiter.actions.acting import Actor, action, record
from tidewaiter.actions.decisions.blinding import above_clearance, decision_seen, refuse_examiner, without
from tidewaiter.actions.examinations.changes import OVERRIDE
from tidewaiter.actions.examinations.waiting import with_open_acts
from tidewaiter.actions.packing import unpacked
from tidewaiter.core.facts import FactType
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.storage.records.models import Declaration, Override, Rise

MOST_CHANGES = 1_000


@action("decision.read")
def decision(*, decision_id: str, by: Actor, at: datetime) -> dict[str, object]:
    """Return the answer that was given, with where the declaration stands now; nothing restricted is in it."""
    found = decision_seen(decision_id, by, "decision.read")
    record(f"decision:{found.pk}")
    told: dict[str, object] = json.loads(found.answer)
    return {**told, **where_it_stands(found.declaration, at)}


def where_it_stands(declaration: Declaration, at: datetime) -> dict[str, object]:
    """Return the channel in force now, the decision that gave it, and whether officers have something to do yet."""
    return {
        "current_channel": declaration.channel,
        "current_decision": declaration.decision_id,
        "acts_open": declaration.pk in with_open_acts([declaration.pk], at),
    }


@action("decision.trace")
def trace(*, decision_id: str, by: Actor, at: datetime) -> dict[str, object]:
    """Return all that is behind a decision: reasons with probabilities and draws, and every fact as it was known.

    Restricted: the read is recorded. Facts are as the engine held them, decimals and days written plainly. Raises
    NotKnownError for a decision the officer may not see, NotAllowedError for who has the goods still to examine.
    """
    found = decision_seen(decision_id, by, "decision.trace")
    refuse_examiner(found, by)
    record(f"decision:{found.pk}")
    body, facts = json.loads(unpacked(found.body)), json.loads(unpacked(found.facts))
    told = {
        "decision_id": found.pk,
        "declaration_id": found.declaration_id,
        "version": found.version,
        "cause": found.cause,
        "decided_at": found.decided_at.isoformat(),
        "set": found.set_id,
        "policy": found.policy_number,
        "statistics_day": found.statistics_day.isoformat(),
        "history": found.image,
        "catalogue": found.catalogue,
        "program": found.program,
        "draw": {"identity": found.identity, "day": found.draw_day.isoformat()},
        "previous": found.previous_id,
        "answer": json.loads(found.answer),
        "decision": body["decision"],
        "shadow": body["shadow"],
        "items": [_written(item) for item in facts["items"]],
        "filing": facts["filing"],
        **_received(found.declaration),
        **where_it_stands(found.declaration, at),
    }
    shown: dict[str, object] = without(told, above_clearance(body["decision"], by))
    return shown


def _received(declaration: Declaration) -> dict[str, object]:
    """Return when a declaration was lodged and when it came, where these are two days: it counted on the second."""
    if declaration.received_at is None or declaration.received_on == declaration.lodged_on:
        return {}
    return {"lodged_at": declaration.lodged_at.isoformat(), "received_at": declaration.received_at.isoformat()}


def _written(item: dict[str, object]) -> dict[str, object]:
    """Return an item's facts as people write them: decimals with their point, days as days."""
    catalogue = load_catalogue()
    told: dict[str, object] = {}
    for name, value in item.items():
        fact = catalogue.facts.get(name)
        if fact is None or value is None:
            told[name] = value
        elif fact.type is FactType.DECIMAL and isinstance(value, int):
            told[name] = str(Decimal(value).scaleb(-fact.scale))
        elif fact.type is FactType.DATE and isinstance(value, int):
            told[name] = (date(1970, 1, 1) + timedelta(days=value)).isoformat()
        else:
            told[name] = value
    return told


@action("decision.changes")
def changes(*, after: int, limit: int = 100, by: Actor, at: datetime) -> list[dict[str, object]]:
    """Return the changes after a cursor, in order, each with the answer in force; read again from the last cursor kept.

    `kind` is rise, override, lapsed or acts_closed (see actions.examinations.changes). Every change comes at least
    once, in the one order of the audit chain.
    """
    held = Rise.objects.filter(cursor__gt=after).select_related("decision").order_by("cursor")
    rises = list(held[: min(max(limit, 1), MOST_CHANGES)])
    overrides = _overrides(rises)
    record(f"changes:{after}")
    return [
        {
            "cursor": rise.cursor,
            "kind": rise.kind,
            "at": rise.at.isoformat(),
            "declaration_id": rise.declaration_id,
            "before": rise.before,
            "after": rise.after,
            "decision": json.loads(rise.decision.answer),
            "override": overrides.get(rise.reference),
        }
        for rise in rises
    ]


def _overrides(rises: Sequence[Rise]) -> dict[str, dict[str, object]]:
    """Return what holds since each override among the changes, by its reference."""
    numbers = [rise.reference.partition(":")[2] for rise in rises if rise.kind == OVERRIDE]
    return {
        f"override:{one.pk}": {
            "channel": one.after,
            "items": [
                {"item_number": number, "instructions": lines}
                for number, lines in sorted((int(item), lines) for item, lines in one.instructions.items())
            ],
        }
        for one in Override.objects.filter(pk__in=numbers)
    }
