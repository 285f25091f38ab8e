"""Officers and what each may do. What gives more waits for a second person; what takes away acts at once.

An administrator asks. Another officer with `officer.confirm` decides: never the one who asked, never the one whom it
concerns. Until then one who was just added can do nothing, and a change leaves what stood.
"""

import json
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from tidewaiter.actions.acting import Actor, action, may, officer_of, record, require
from tidewaiter.actions.packing import to_json
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError, Problem
from tidewaiter.core.role import Role
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Classification, Grant, Office, Officer

WAITING: Final = "waiting"
CONFIRMED: Final = "confirmed"
REFUSED: Final = "refused"
OVERTAKEN: Final = "overtaken"

AS_IT_IS: Final = ""
"""Given for an office: the officer stays where he or she is. None is all offices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Powers:
    """What an officer has: roles, a clearance rank, an office (its code; None: all), and an account in use or not."""

    roles: tuple[str, ...]
    clearance: int
    office: str | None
    active: bool


@action("officer.add")
def add_officer(
    *, login: str, name: str, roles: Collection[str], clearance: int, office: str | None, by: Actor, at: datetime
) -> Officer:
    """Add an officer, and ask that a second person confirm roles and clearance: until then the account is not in use.

    Raises InputError naming each unknown role, or for a clearance that the classification scheme does not have.
    """
    lock_chain()
    place = _office(office) if office else None
    asked = Powers(roles=_roles(roles), clearance=_clearance(clearance), office=place, active=True)
    _refuse_look_alike(login)
    officer = Officer.objects.create(login=login, name=name, active=False)
    record(officer.reference, officer_content(officer))
    _ask(officer, asked, by=officer_of(by), at=at)
    return officer


def first_officer(*, login: str, name: str, role: Role) -> Officer:
    """Make an officer of a new installation, where nobody is there to confirm. Called within its set-up."""
    _refuse_look_alike(login)
    officer = Officer.objects.create(login=login, name=name, roles=[role.value])
    record(officer.reference, officer_content(officer))
    return officer


@action("officer.change")
def change_officer(
    *,
    login: str,
    roles: Collection[str],
    clearance: int,
    active: bool,
    office: str | None = AS_IT_IS,
    by: Actor,
    at: datetime,
) -> Officer:
    """Take from an officer what is not named any more, at once, and ask a second person for what is more than before.

    More is a role, a higher clearance, an account in use again, another office. What waited for this officer is
    overtaken. Raises NotAllowedError for the own account: another administrator changes it.
    """
    lock_chain()
    officer, asking = officer_named(login), officer_of(by)
    if officer.pk == asking.pk:
        raise NotAllowedError("another administrator changes what you may do")
    held = powers_of(officer)
    place = held.office if office == AS_IT_IS else _office(office) if office else None
    asked = Powers(roles=_roles(roles), clearance=_clearance(clearance), office=place, active=active)
    waiting = waiting_grants([officer]).get(officer.pk)
    if waiting is not None:
        _decide(waiting, OVERTAKEN, by=asking, at=at)
    _give(officer, _lesser(held, asked))
    if powers_of(officer) != asked:
        _ask(officer, asked, by=asking, at=at)
    return officer


@action("officer.confirm")
def confirm_grant(*, grant: int, by: Actor, at: datetime) -> Grant:
    """Let an officer have what was asked for.

    Raises NotKnownError, ConflictError where it does not wait, NotAllowedError for who asked and whom it concerns.
    """
    found, second = _waiting(grant), officer_of(by)
    _refuse_first(found, second)
    _clearance(found.clearance)
    _give(found.officer, powers_of(found))
    _decide(found, CONFIRMED, by=second, at=at)
    return found


@action("officer.refuse")
def refuse_grant(*, grant: int, reason: str, by: Actor, at: datetime) -> Grant:
    """Refuse what was asked for: what stood stays. Raises as confirming does; who asked takes back by a new change."""
    found, second = _waiting(grant), officer_of(by)
    _refuse_first(found, second)
    _decide(found, REFUSED, by=second, at=at, reason=reason)
    return found


def read_officers(*, by: Actor, at: datetime) -> QuerySet[Officer]:
    """Return all officers, for administrators and those who confirm."""
    require_one_of("officer.confirm", "officer.add", by=by, at=at)
    return Officer.objects.order_by("pk")


def read_grants(*, by: Actor, at: datetime) -> QuerySet[Grant]:
    """Return everything that was ever asked for an officer, for administrators and those who confirm."""
    require_one_of("officer.confirm", "officer.add", by=by, at=at)
    return Grant.objects.select_related("officer", "proposed_by", "decided_by").order_by("pk")


def require_one_of(*names: str, by: Actor, at: datetime) -> None:
    """Raise NotAllowedError, and record the refusal, unless the actor may use one of the actions."""
    if not any(may(name, by) for name in names):
        require(names[-1], by, at)


def waiting_grants(officers: Collection[Officer]) -> dict[int, Grant]:
    """Return what waits for a second person, by the officer's key."""
    found = Grant.objects.filter(officer__in=officers, state=WAITING)
    return {one.officer_id: one for one in found.select_related("officer", "proposed_by", "decided_by")}


def officer_named(login: str) -> Officer:
    """Return the officer with that login. Raises NotKnownError."""
    found = Officer.objects.filter(login=login).first()
    if found is None:
        raise NotKnownError(f"no officer has the login {login}")
    return found


def powers_of(one: Officer | Grant) -> Powers:
    """Return what an officer has now, or would have."""
    return Powers(roles=tuple(sorted(one.roles)), clearance=one.clearance, office=one.office_id, active=one.active)


def officer_content(officer: Officer) -> bytes:
    """Return what the audit chain holds of an officer."""
    content = {
        "login": officer.login,
        "name": officer.name,
        "office": officer.office_id,
        "roles": officer.roles,
        "clearance": officer.clearance,
        "active": officer.active,
    }
    return json.dumps(content, sort_keys=True, ensure_ascii=False).encode()


def grant_content(grant: Grant) -> bytes:
    """Return what the audit chain holds of what was asked for an officer: who asked, and who decided."""
    content = {
        "officer": grant.officer_id,
        "office": grant.office_id,
        "roles": grant.roles,
        "clearance": grant.clearance,
        "active": grant.active,
        "state": grant.state,
        "proposed_by": grant.proposed_by_id,
        "decided_by": grant.decided_by_id,
        "reason": grant.reason,
    }
    return to_json(content).encode("utf-8", "surrogatepass")


def _lesser(held: Powers, asked: Powers) -> Powers:
    """Return what both have: what can be given without a second person."""
    return Powers(
        roles=tuple(role for role in held.roles if role in asked.roles),
        clearance=min(held.clearance, asked.clearance),
        office=held.office,
        active=held.active and asked.active,
    )


def _give(officer: Officer, powers: Powers) -> None:
    officer.roles, officer.clearance = list(powers.roles), powers.clearance
    officer.office_id, officer.active = powers.office, powers.active
    officer.save(update_fields=["roles", "clearance", "office", "active"])
    record(officer.reference, officer_content(officer))


def _ask(officer: Officer, asked: Powers, *, by: Officer, at: datetime) -> None:
    made = Grant.objects.create(
        officer=officer,
        roles=list(asked.roles),
        clearance=asked.clearance,
        office_id=asked.office,
        active=asked.active,
        proposed_by=by,
        proposed_at=at,
    )
    record(f"grant:{made.pk}", grant_content(made))


def _decide(grant: Grant, state: str, *, by: Officer, at: datetime, reason: str = "") -> None:
    grant.state, grant.decided_by, grant.decided_at, grant.reason = state, by, at, reason
    grant.save(update_fields=["state", "decided_by", "decided_at", "reason"])
    record(f"grant:{grant.pk}", grant_content(grant))


def _waiting(number: int) -> Grant:
    """Return what was asked for, held until the transaction ends. Raises NotKnownError, ConflictError."""
    lock_chain()
    found = Grant.objects.select_related("officer", "proposed_by").filter(pk=number).first()
    if found is None:
        raise NotKnownError(f"no grant {number} is known")
    if found.state != WAITING:
        raise ConflictError(f"grant {number} is {found.state}, not waiting")
    return found


def _refuse_first(grant: Grant, second: Officer) -> None:
    """Raise NotAllowedError for the one who asked, and for the one whom it concerns."""
    if second.pk == grant.proposed_by_id:
        raise NotAllowedError("another person decides about what you asked for")
    if second.pk == grant.officer_id:
        raise NotAllowedError("another person decides about what you may do")


def _office(code: str) -> str:
    if not Office.objects.filter(code=code).exists():
        raise NotKnownError(f"no office has the code {code}")
    return code


def _clearance(rank: int) -> int:
    known = sorted({0, *Classification.objects.values_list("rank", flat=True)})
    if rank not in known:
        advice = f"it has {', '.join(map(str, known))}; add a step with tidewaiter classification add"
        raise InputError(Problem(f"rank {rank} is not in the classification scheme", suggestion=advice))
    return rank


def _roles(names: Collection[str]) -> tuple[str, ...]:
    unknown = sorted(set(names) - {role.value for role in Role})
    if unknown:
        raise InputError(f"unknown roles: {', '.join(unknown)}; the roles are {', '.join(Role)}")
    return tuple(sorted({str(name) for name in names}))


def _refuse_look_alike(login: str) -> None:
    """Raise unless the login stands apart from every other: two accounts of one person must not look like one.

    Raises InputError for one with blanks or signs that are not seen, ConflictError for one that differs from another
    in letter case or in how its letters are written only.
    """
    if not login.isprintable() or any(character.isspace() for character in login):
        raise InputError(Problem("a login has no blanks and no signs that are not seen", suggestion="write one word"))
    alike = _folded(login)
    if any(_folded(taken) == alike for taken in Officer.objects.values_list("login", flat=True)):
        raise ConflictError(f"login {login} is taken")


def _folded(login: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", login).casefold())
