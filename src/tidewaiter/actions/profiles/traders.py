"""Trusted traders: granted and restored by two persons, suspended by one at once. Every change is a version."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Final

from django.db.models import OuterRef, QuerySet, Subquery

from tidewaiter.actions.acting import Actor, action, officer_of, record
from tidewaiter.actions.packing import to_json
from tidewaiter.actions.profiles.policies import check_policy, policy_in_force
from tidewaiter.actions.profiles.proposals import (
    IN_FORCE,
    PROPOSED,
    SUPERSEDED,
    decided,
    proposal,
    propose,
    put_in_force,
    refuse,
    trace,
)
from tidewaiter.actions.profiles.publishing import publish
from tidewaiter.core.errors import ConflictError, InputError, NotKnownError, Problem
from tidewaiter.core.facts import Catalogue
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Officer, Proposal, TrustedTrader

SCOPES: Final = ("simplification", "security", "both")
_LONGEST_CODE: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A trader's status: the type that the policy names, its scope, and its validity (both ends included)."""

    party_code: str
    kind: str
    scope: str
    valid_from: date
    valid_to: date | None = None


@action("trader.grant")
def grant_status(*, status: Status, reason: str, catalogue: Catalogue, on: date, by: Actor, at: datetime) -> Proposal:
    """Propose a status, new or changed; a second person puts it in force. Raises InputError with every problem."""
    _refuse_bad(status, reason, _kinds(catalogue), on)
    return propose("trader", status.party_code, _text(status), reason=reason, by=officer_of(by), at=at)


@action("trader.restore")
def restore_status(*, party_code: str, reason: str, by: Actor, at: datetime) -> Proposal:
    """Propose that a suspended status count again; a second person puts it in force."""
    lock_chain()
    latest = latest_status(party_code)
    if not latest.suspended:
        raise ConflictError(f"the status of {party_code} is not suspended")
    status = Status(
        party_code=party_code,
        kind=latest.kind,
        scope=latest.scope,
        valid_from=latest.valid_from,
        valid_to=latest.valid_to,
    )
    _refuse_blank(reason)
    text = to_json({**json.loads(_text(status)), "restores": latest.number})
    return propose("trader", party_code, text, reason=reason, by=officer_of(by), at=at)


@action("trader.approve")
def approve_status(*, party_code: str, number: int, reason: str = "", by: Actor, at: datetime) -> TrustedTrader:
    """Put a proposed status in force, as the second person."""
    found = proposal("trader", party_code, number)
    officer = officer_of(by)
    decided(found, by=officer, reason=reason, at=at)
    stated = json.loads(found.text)
    put_in_force(found, at=at)
    made = TrustedTrader.objects.create(
        party_code=party_code,
        number=_next(party_code),
        kind=stated["kind"],
        scope=stated["scope"],
        valid_from=date.fromisoformat(stated["valid_from"]),
        valid_to=date.fromisoformat(stated["valid_to"]) if stated["valid_to"] else None,
        reason=found.reason,
        by=found.proposed_by,
        second=officer,
        at=at,
    )
    trace(found)
    record(made.reference, status_content(made))
    publish("a trusted trader's status", at=at)
    return made


@action("trader.refuse")
def refuse_status(*, party_code: str, number: int, reason: str, by: Actor, at: datetime) -> Proposal:
    """Refuse a proposed status, or take the own proposal back."""
    found = proposal("trader", party_code, number)
    refuse(found, by=officer_of(by), reason=reason, at=at)
    return found


@action("trader.suspend")
def suspend_status(*, party_code: str, reason: str, by: Actor, at: datetime) -> TrustedTrader:
    """Suspend a status at once. What is proposed for the trader and not yet approved is refused with it."""
    officer = officer_of(by)
    lock_chain()
    latest = latest_status(party_code)
    if latest.suspended:
        raise ConflictError(f"the status of {party_code} is suspended already")
    _refuse_blank(reason)
    for waiting in Proposal.objects.filter(kind="trader", name=party_code, state=PROPOSED):
        refuse(waiting, by=officer, reason="the status was suspended", at=at)
    Proposal.objects.filter(kind="trader", name=party_code, state=IN_FORCE).update(state=SUPERSEDED)
    suspended = _suspended(latest, officer, reason, at)
    record(suspended.reference, status_content(suspended))
    publish("a trusted trader's status", at=at)
    return suspended


def status_content(status: TrustedTrader) -> bytes:
    """Return what the audit chain holds of a version of a trader's status."""
    until = status.valid_to.isoformat() if status.valid_to else ""
    parts = [status.kind, status.scope, status.suspended, status.valid_from.isoformat(), until, status.reason]
    return to_json([*parts, status.by_id, status.second_id]).encode("utf-8", "surrogatepass")


def latest_status(party_code: str) -> TrustedTrader:
    """Return the latest version of a trader's status. Raises NotKnownError where it never had one."""
    found = TrustedTrader.objects.filter(party_code=party_code).order_by("-number").first()
    if found is None:
        raise NotKnownError(f"{party_code} is no trusted trader")
    return found


def latest_statuses() -> QuerySet[TrustedTrader]:
    """Return the latest version of every trader's status, by party code."""
    newest = TrustedTrader.objects.filter(party_code=OuterRef("party_code")).order_by("-number")
    return TrustedTrader.objects.filter(pk=Subquery(newest.values("pk")[:1])).order_by("party_code")


def counts_on(status: TrustedTrader, on: date) -> bool:
    """Tell whether a status counts on that day."""
    return not status.suspended and status.valid_from <= on and (status.valid_to is None or on <= status.valid_to)


def _suspended(latest: TrustedTrader, officer: Officer, reason: str, at: datetime) -> TrustedTrader:
    return TrustedTrader.objects.create(
        party_code=latest.party_code,
        number=latest.number + 1,
        kind=latest.kind,
        scope=latest.scope,
        suspended=True,
        valid_from=latest.valid_from,
        valid_to=latest.valid_to,
        reason=reason,
        by=officer,
        at=at,
    )


def _next(party_code: str) -> int:
    latest = TrustedTrader.objects.filter(party_code=party_code).order_by("-number").first()
    return 1 if latest is None else latest.number + 1


def _text(status: Status) -> str:
    return to_json({name: None if value is None else str(value) for name, value in asdict(status).items()})


def _kinds(catalogue: Catalogue) -> Collection[str]:
    return sorted(check_policy(policy_in_force().text, catalogue).trusted_traders)


def _refuse_bad(status: Status, reason: str, kinds: Collection[str], on: date) -> None:
    problems: list[Problem] = []
    if not 0 < len(status.party_code) <= _LONGEST_CODE:
        problems.append(Problem("the party has no code, or one too long"))
    if status.kind not in kinds:
        advice = f"use one of {', '.join(kinds)}" if kinds else "name the type in the policy first"
        problems.append(Problem(f"'{status.kind}' is no trusted-trader type of the policy in force", suggestion=advice))
    if status.scope not in SCOPES:
        problems.append(Problem(f"'{status.scope}' is no scope", suggestion=f"use one of {', '.join(SCOPES)}"))
    if status.valid_to is not None and status.valid_to < max(status.valid_from, on):
        problems.append(Problem("the status ends before it begins, or has ended already"))
    if not reason.strip():
        problems.append(_NO_REASON)
    if problems:
        raise InputError(problems)


_NO_REASON: Final = Problem("a reason is needed", suggestion="say what it rests on")


def _refuse_blank(reason: str) -> None:
    if not reason.strip():
        raise InputError(_NO_REASON)
