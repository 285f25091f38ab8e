"""Offices, officers, client systems and tokens."""

import hashlib
import json
import secrets
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Q, QuerySet

from tidewaiter.actions.acting import Actor, Caller, action, officer_of, record
from tidewaiter.actions.rights import rights
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError, Problem
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import Classification, ClientSystem, Office, Officer, Token


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token: the text is shown this once and kept nowhere."""

    text: str
    token: Token


@action("office.add")
def add_office(*, code: str, name: str, by: Actor, at: datetime) -> Office:
    """Add an office. Raises ConflictError when its code is taken."""
    office, made = Office.objects.get_or_create(code=code, defaults={"name": name})
    if not made:
        raise ConflictError(f"office {code} is there already")
    record(f"office:{code}", _content(code=code, name=name))
    return office


@action("officer.add")
def add_officer(
    *, login: str, name: str, roles: Collection[str], clearance: int, office: str | None, by: Actor, at: datetime
) -> Officer:
    """Add an officer with roles and a clearance rank. Raises InputError naming each unknown role."""
    return new_officer(login=login, name=name, roles=roles, clearance=clearance, office=office)


def new_officer(*, login: str, name: str, roles: Collection[str], clearance: int, office: str | None) -> Officer:
    """Make an officer within an action."""
    checked = _roles(roles)
    _refuse_look_alike(login)
    officer = Officer.objects.create(
        login=login, name=name, roles=checked, clearance=clearance, office=_office(office) if office else None
    )
    record(officer.reference, officer_content(officer))
    return officer


@action("officer.change")
def change_officer(
    *, login: str, roles: Collection[str], clearance: int, active: bool, by: Actor, at: datetime
) -> Officer:
    """Give an officer other roles or clearance, or take the account out of use.

    Raises NotAllowedError for the own account: another administrator changes it.
    """
    officer = officer_named(login)
    if officer.pk == officer_of(by).pk:
        raise NotAllowedError("another administrator changes what you may do")
    officer.roles, officer.clearance, officer.active = _roles(roles), clearance, active
    officer.save(update_fields=["roles", "clearance", "active"])
    record(officer.reference, officer_content(officer))
    return officer


@action("classification.add")
def add_classification(*, rank: int, code: str, label: str, by: Actor, at: datetime) -> Classification:
    """Add a step to the ordered classification scheme. Raises ConflictError when rank or code is taken."""
    taken = Classification.objects.filter(Q(rank=rank) | Q(code=code)).first()
    if taken is not None:
        raise ConflictError(f"rank {taken.rank} is {taken.code} already")
    if rank < 1:
        raise InputError("ranks begin at 1: rank 0 is what needs no clearance")
    made = Classification.objects.create(rank=rank, code=code, label=label)
    record(f"classification:{rank}", classification_content(made))
    return made


def classifications() -> QuerySet[Classification]:
    """Return the classification scheme, lowest rank first."""
    return Classification.objects.order_by("rank")


@action("client.add")
def add_client(*, name: str, by: Actor, at: datetime) -> ClientSystem:
    """Add a client system. Raises ConflictError when the name is taken."""
    client, made = ClientSystem.objects.get_or_create(name=name)
    if not made:
        raise ConflictError(f"client system {name} is there already")
    record(client.reference, client_content(client))
    return client


@action("token.issue")
def issue_token(
    *,
    label: str,
    officer: str | None = None,
    client: str | None = None,
    scopes: Collection[str] = (),
    expires_at: datetime | None = None,
    by: Actor,
    at: datetime,
) -> IssuedToken:
    """Issue a token to an officer or to a client system; only its digest is kept.

    Raises InputError when neither or both are named, or a scope is no action.
    """
    return new_token(label=label, officer=officer, client=client, scopes=scopes, expires_at=expires_at, at=at)


def new_token(
    *,
    label: str,
    officer: str | None,
    client: str | None,
    scopes: Collection[str],
    expires_at: datetime | None,
    at: datetime,
) -> IssuedToken:
    """Make a token within an action."""
    unknown = sorted(set(scopes) - rights().keys())
    if (officer is None) == (client is None) or unknown:
        raise InputError(f"unknown scopes: {', '.join(unknown)}" if unknown else "name an officer or a client system")
    text = f"tw_{secrets.token_urlsafe(32)}"
    token = Token.objects.create(
        digest=token_digest(text),
        label=label,
        officer=officer_named(officer) if officer else None,
        client=client_named(client) if client else None,
        scopes=sorted(scopes),
        made_at=at,
        expires_at=expires_at,
    )
    record(f"token:{token.pk}", token_content(token))
    return IssuedToken(text, token)


@action("token.revoke")
def revoke_token(*, token: int, by: Actor, at: datetime) -> Token:
    """Revoke a token for good."""
    found = Token.objects.filter(pk=token).first()
    if found is None:
        raise NotKnownError(f"no token {token}")
    if found.revoked_at is None:
        found.revoked_at = at
        found.save(update_fields=["revoked_at"])
    record(f"token:{found.pk}", token_content(found))
    return found


def caller_of(text: str, at: datetime) -> Caller:
    """Return who comes in with a token. Raises NotAllowedError unless it is good and its owner active."""
    token = Token.objects.select_related("officer", "client").filter(digest=token_digest(text)).first()
    if token is None or not token.good(at):
        raise NotAllowedError("the token is not known, expired or revoked")
    who = token.officer or token.client
    if who is None or not who.active:
        raise NotAllowedError("the token's owner is not active")
    return Caller(who, frozenset(token.scopes))


def token_digest(text: str) -> str:
    """Return what a token is kept as. Tokens have 256 random bits, so a plain SHA-256 cannot be searched."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def officer_named(login: str) -> Officer:
    """Return the officer with that login. Raises NotKnownError."""
    found = Officer.objects.filter(login=login).first()
    if found is None:
        raise NotKnownError(f"no officer has the login {login}")
    return found


def client_named(name: str) -> ClientSystem:
    """Return the client system of that name. Raises NotKnownError."""
    found = ClientSystem.objects.filter(name=name).first()
    if found is None:
        raise NotKnownError(f"no client system is named {name}")
    return found


def _office(code: str) -> Office:
    found = Office.objects.filter(code=code).first()
    if found is None:
        raise NotKnownError(f"no office has the code {code}")
    return found


def _roles(names: Collection[str]) -> list[str]:
    unknown = sorted(set(names) - {role.value for role in Role})
    if unknown:
        raise InputError(f"unknown roles: {', '.join(unknown)}; the roles are {', '.join(Role)}")
    return sorted(set(names))


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


def officer_content(officer: Officer) -> bytes:
    """Return what the audit chain holds of an officer."""
    return _content(
        login=officer.login,
        name=officer.name,
        office=officer.office_id,
        roles=officer.roles,
        clearance=officer.clearance,
        active=officer.active,
    )


def classification_content(one: Classification) -> bytes:
    """Return what the audit chain holds of a step of the classification scheme."""
    return _content(rank=one.rank, code=one.code, label=one.label)


def client_content(client: ClientSystem) -> bytes:
    """Return what the audit chain holds of a client system."""
    return _content(name=client.name, active=client.active)


def token_content(token: Token) -> bytes:
    """Return what the audit chain holds of a token: whose it is, what it is for, and until when it is good."""
    ends = [moment and moment.astimezone(UTC).isoformat() for moment in (token.expires_at, token.revoked_at)]
    return _content(
        label=token.label,
        digest=token.digest,
        officer=token.officer_id,
        client=token.client_id,
        scopes=token.scopes,
        ends=ends,
    )


def _content(**parts: object) -> bytes:
    return json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()
