"""Texts that two persons put in force: indicators, lists, the routing policy, a trader's status.

One proposes, another decides. What is in force is superseded by the next and stays on record. These are the steps that
the actions of each kind share; they are called within those actions.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from tidewaiter.actions.acting import record
from tidewaiter.actions.packing import to_json
from tidewaiter.core.errors import ConflictError, NotAllowedError, NotKnownError
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Officer, Proposal

PROPOSED: Final = "proposed"
IN_FORCE: Final = "in force"
REFUSED: Final = "refused"
SUPERSEDED: Final = "superseded"


def texts_in_force(*kinds: str) -> dict[str, str]:
    """Return the texts in force of these kinds, each by kind and name: `list watched`."""
    found = Proposal.objects.filter(kind__in=kinds, state=IN_FORCE).order_by("kind", "name")
    return {f"{one.kind} {one.name}": one.text for one in found}


def texts_waiting(*kinds: str) -> dict[str, str]:
    """Return the latest texts of these kinds that wait for a second person, each by kind and name."""
    found = Proposal.objects.filter(kind__in=kinds, state=PROPOSED).order_by("kind", "name", "number")
    return {f"{one.kind} {one.name}": one.text for one in found}


def texts_used_by(text: str) -> dict[str, str]:
    """Return what a profile's or an indicator's text may use: all indicators, and the lists that any of them name."""
    indicators = texts_in_force("indicator")
    asking = [text, *indicators.values()]
    lists = {
        f"list {one.name}": one.text
        for one in Proposal.objects.filter(kind="list", state=IN_FORCE).order_by("name")
        if any(one.name in asked for asked in asking)
    }
    return indicators | lists


def in_force(kind: str, name: str) -> Proposal | None:
    """Return the version in force; None when there is none."""
    return Proposal.objects.filter(kind=kind, name=name, state=IN_FORCE).first()


def proposal(kind: str, name: str, number: int) -> Proposal:
    """Return one version, held until the transaction ends. Raises NotKnownError."""
    lock_chain()
    return read_proposal(kind, name, number)


def read_proposal(kind: str, name: str, number: int) -> Proposal:
    """Return one version as it stands. Raises NotKnownError."""
    found = Proposal.objects.filter(kind=kind, name=name, number=number).first()
    if found is None:
        raise NotKnownError(f"there is no version {number} of {kind} {name}")
    return found


def next_number(kind: str, name: str) -> int:
    """Return the number the next version has; numbers of refused versions are not used again."""
    latest = Proposal.objects.filter(kind=kind, name=name).order_by("-number").first()
    return 1 if latest is None else latest.number + 1


def propose(
    kind: str,
    name: str,
    text: str,
    *,
    reason: str,
    by: Officer,
    at: datetime,
    number: int | None = None,
    direction: str = "",
    lost: Mapping[str, object] | None = None,
) -> Proposal:
    """Keep a new version that waits for a second person. Raises ConflictError where the text is in force already.

    `number` None takes the next.
    """
    lock_chain()
    digest = text_digest(text)
    current = in_force(kind, name)
    if current is not None and current.digest == digest:
        raise ConflictError(f"this text of {kind} {name} is in force already, as version {current.number}")
    made = Proposal.objects.create(
        kind=kind,
        name=name,
        number=next_number(kind, name) if number is None else number,
        text=text,
        digest=digest,
        state=PROPOSED,
        direction=direction,
        lost=dict(lost or {}),
        reason=reason,
        proposed_by=by,
        proposed_at=at,
    )
    trace(made)
    return made


def put_in_force(found: Proposal, *, at: datetime) -> None:
    """Let a version take the place of the one in force."""
    Proposal.objects.filter(kind=found.kind, name=found.name, state=IN_FORCE).update(state=SUPERSEDED)
    found.state, found.in_force_at = IN_FORCE, at
    found.save()


def decided(found: Proposal, *, by: Officer, reason: str, at: datetime) -> None:
    """Note who decided. Raises ConflictError unless it waits, NotAllowedError for the one who proposed it."""
    waiting(found)
    if found.proposed_by_id == by.pk:
        raise NotAllowedError("another person decides about what you proposed")
    found.decided_by, found.decided_at, found.decided_reason = by, at, reason


def refuse(found: Proposal, *, by: Officer, reason: str, at: datetime) -> None:
    """Refuse a version that waits, or take the own one back."""
    waiting(found)
    found.decided_by, found.decided_at, found.decided_reason, found.state = by, at, reason, REFUSED
    found.save()
    trace(found)


def waiting(found: Proposal) -> None:
    """Raise ConflictError unless the version waits for a second person."""
    if found.state != PROPOSED:
        raise ConflictError(f"version {found.number} of {found.kind} {found.name} is {found.state}, not proposed")


def trace(found: Proposal) -> None:
    """Record what the action under way did to a version."""
    record(f"{found.kind}:{found.name}@{found.number}", proposal_content(found, found.state))


def proposal_content(found: Proposal, state: str) -> bytes:
    """Return what the audit chain holds of a version in a state: its text, what was computed of it, and who and why."""
    since = found.in_force_at.astimezone(UTC).isoformat() if found.in_force_at else ""
    content = {
        "digest": found.digest,
        "state": state,
        "direction": found.direction,
        "lost": found.lost,
        "reason": found.reason,
        "proposed_by": found.proposed_by_id,
        "decided_by": found.decided_by_id,
        "decided_reason": found.decided_reason,
        "reviewed_by": found.reviewed_by_id,
        "in_force_at": since,
    }
    return to_json(content).encode("utf-8", "surrogatepass")


def text_digest(text: str) -> str:
    """Return SHA-256 (hexadecimal) of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
