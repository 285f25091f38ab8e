"""Who may read of a decision what: the own office's where that limits, nothing of the goods one still examines.

A lookout or request that is above a reader's clearance stands in what is behind a decision as withheld, without its
reference: the reader learns that the goods were selected, not by what.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tidewaiter.actions.acting import Actor, Caller
from tidewaiter.actions.examinations.acts import CLOSED
from tidewaiter.actions.rights import granting
from tidewaiter.core.decision import ReasonKind
from tidewaiter.core.errors import NotAllowedError, NotKnownError
from tidewaiter.storage.records.models import Act, ControlRequest, Decision, Lookout, Officer
from tidewaiter.storage.records.visibility import visible_to

WITHHELD: Final = "withheld: above your clearance"


def decision_seen(decision_id: str, by: Actor, action: str) -> Decision:
    """Return a stored decision that the actor may see for an action. Raises NotKnownError for others, worded alike."""
    held, officer = Decision.objects.select_related("declaration"), officer_behind(by)
    found = (held if officer is None else visible_to(officer, held, granting(action))).filter(pk=decision_id).first()
    if found is None:
        raise NotKnownError(f"no decision has the number {decision_id}")
    return found


def refuse_examiner(found: Decision, by: Actor) -> None:
    """Raise NotAllowedError for an officer who has the goods still to examine, whatever other role would allow it."""
    officer = officer_behind(by)
    own = Act.objects.filter(declaration_id=found.declaration_id, officer=officer).exclude(state=CLOSED)
    if officer is not None and own.exists():
        raise NotAllowedError("you examine these goods: what selected them is told once your result is closed")


def officer_behind(by: Actor) -> Officer | None:
    """Return the officer who acts; None for a client system and the service itself."""
    who = by.who if isinstance(by, Caller) else by
    return who if isinstance(who, Officer) else None


def above_clearance(decision: Mapping[str, Any], by: Actor) -> frozenset[str]:
    """Return the references of lookouts and requests in a decision's JSON that the actor may not see."""
    return unseen(frozenset(referred(decision)), by)


def unseen(named: frozenset[str], by: Actor) -> frozenset[str]:
    """Return those of the references of lookouts and requests that the actor may not see."""
    officer = officer_behind(by)
    if officer is None or not named:
        return frozenset()
    seen = {
        *visible_to(officer, Lookout.objects.filter(reference__in=named), granting("lookout.read")).values_list(
            "reference", flat=True
        ),
        *visible_to(officer, ControlRequest.objects.filter(reference__in=named)).values_list("reference", flat=True),
    }
    return named - seen


def referred(decision: Mapping[str, Any]) -> Iterator[str]:
    """Give the references of lookouts and requests that a decision's JSON names."""
    circumstances = decision.get("circumstances") or {}
    for reason in decision["reasons"]:
        if reason["kind"] in (ReasonKind.LOOKOUT, ReasonKind.REQUEST):
            yield reason["code"]
    for match in (*decision.get("lookouts", ()), *circumstances.get("requests", ())):
        yield match["reference"]
    yield from circumstances.get("cleared", ())
    yield from circumstances.get("confirmed", ())


def without(value: Any, hidden: frozenset[str]) -> Any:
    """Return a JSON value in which nothing tells of hidden references: their objects are emptied, their texts gone."""
    match value:
        case dict() if value.get("reference") in hidden:
            return {"reference": WITHHELD}
        case dict():
            return {name: without(part, hidden) for name, part in value.items()}
        case list():
            return [without(part, hidden) for part in value]
        case str() if any(reference in value for reference in hidden):
            return WITHHELD
        case _:
            return value
