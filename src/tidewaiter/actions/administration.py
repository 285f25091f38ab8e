"""Offices, client systems and tokens.

A token for another officer or for a client system waits for a second person, as what is asked for officers does: it
lets nobody in before. The own further token needs nobody else.
"""

import hashlib
import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Final

from django.db.models import Q, QuerySet

from tidewaiter.actions.acting import Actor, Caller, action, officer_of, record
from tidewaiter.actions.officers import officer_named, require_one_of, waiting_grants
from tidewaiter.actions.rights import rights
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError, Problem
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Classification, ClientSystem, Office, Officer, Token

ASK: Final = "ask an administrator or the inspectorate, but not who asked for it, to confirm"


class WaitingError(NotAllowedError):
    """Who comes in is known, and waits for a second person."""


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


@action("classification.add")
def add_classification(*, rank: int, code: str, label: str, by: Actor, at: datetime) -> Classification:
    """Add a step to the ordered classification scheme. Raises ConflictError when rank or code is taken.

    One person does it: no step is ever changed or taken out, so that nobody sees more by it, and nothing needs less.
    """
    taken = Classification.objects.filter(Q(rank=rank) | Q(code=code)).first()
    if taken is not None:
        raise ConflictError(f"rank {taken.rank} is {taken.code} already")
    if rank < 1:
        raise InputError("ranks begin at 1: rank 0 is what needs no clearance")
    made = Classification.objects.create(rank=rank, code=code, label=label)
    record(f"classification:{rank}", classification_content(made))
    return made


def read_classifications(*, by: Actor, at: datetime) -> QuerySet[Classification]:
    """Return the classification scheme, lowest rank first, for administrators and those who confirm clearances."""
    require_one_of("officer.confirm", "classification.add", by=by, at=at)
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

    One for somebody else, or for more than the token it is asked with allows, waits for a second person. Raises
    InputError when neither or both are named, or a scope is no action.
    """
    unknown = sorted(set(scopes) - rights().keys())
    if unknown:
        raise InputError([_no_scope(name) for name in unknown])
    if (officer is None) == (client is None):
        raise InputError("name an officer or a client system")
    issuer = officer_of(by)
    holder = officer_named(officer) if officer else None
    text, token = _new_token(label, scopes, at)
    token.officer, token.client = holder, client_named(client) if client else None
    token.expires_at, token.issued_by = expires_at, issuer
    token.waits = holder is None or holder.pk != issuer.pk or not _within(by, scopes)
    return _kept(text, token)


def first_token(officer: Officer, *, at: datetime) -> IssuedToken:
    """Issue a token that needs no second person. Called within the set-up of a new installation."""
    text, token = _new_token("first", (), at)
    token.officer = officer
    return _kept(text, token)


def _new_token(label: str, scopes: Collection[str], at: datetime) -> tuple[str, Token]:
    text = f"tw_{secrets.token_urlsafe(32)}"
    return text, Token(digest=token_digest(text), label=label, scopes=sorted(scopes), made_at=at)


def _no_scope(name: str) -> Problem:
    near = get_close_matches(name[:60], rights(), n=1)
    return Problem(f"'{name}' is no scope", suggestion=f"did you mean '{near[0]}'?" if near else "a scope is an action")


def _kept(text: str, token: Token) -> IssuedToken:
    token.save()
    record(f"token:{token.pk}", token_content(token))
    return IssuedToken(text, token)


def _within(by: Actor, scopes: Collection[str]) -> bool:
    """Tell whether scopes (none: everything) allow no more than the token that the actor came in with."""
    allowed: frozenset[str] = by.scopes if isinstance(by, Caller) else frozenset()
    return not allowed or (bool(scopes) and allowed.issuperset(scopes))


@action("token.confirm")
def confirm_token(*, token: int, by: Actor, at: datetime) -> Token:
    """Let a token that waits be used.

    Raises NotKnownError, ConflictError where it does not wait, NotAllowedError for who issued it and whose it is.
    """
    found = _waiting(token, officer_of(by), at)
    found.waits = False
    return _decided(found, by=officer_of(by), at=at)


@action("token.refuse")
def refuse_token(*, token: int, by: Actor, at: datetime) -> Token:
    """Refuse a token that waits: it is never good. Raises as confirming does."""
    found = _waiting(token, officer_of(by), at)
    found.revoked_at = at
    return _decided(found, by=officer_of(by), at=at)


def _waiting(number: int, second: Officer, at: datetime) -> Token:
    found = _held(number)
    if found.state(at) != "waiting":
        raise ConflictError(f"token {number} is {found.state(at)}, not waiting")
    if second.pk in (found.issued_by_id, found.officer_id):
        raise NotAllowedError("another person than who issued a token, and whose it is, decides about it")
    return found


def _decided(token: Token, *, by: Officer, at: datetime) -> Token:
    token.decided_by, token.decided_at = by, at
    token.save(update_fields=["waits", "revoked_at", "decided_by", "decided_at"])
    record(f"token:{token.pk}", token_content(token))
    return token


@action("token.revoke")
def revoke_token(*, token: int, by: Actor, at: datetime) -> Token:
    """Revoke a token for good."""
    found = _held(token)
    if found.revoked_at is None:
        found.revoked_at = at
        found.save(update_fields=["revoked_at"])
    record(f"token:{found.pk}", token_content(found))
    return found


def _held(number: int) -> Token:
    """Return a token, held until the transaction ends. Raises NotKnownError."""
    lock_chain()
    found = _tokens().filter(pk=number).first()
    if found is None:
        raise NotKnownError(f"no token {number}")
    return found


def _tokens() -> QuerySet[Token]:
    return Token.objects.select_related("officer", "client", "issued_by", "decided_by").order_by("pk")


def read_tokens(*, by: Actor, at: datetime) -> QuerySet[Token]:
    """Return all tokens, without their texts, for administrators and those who confirm."""
    require_one_of("token.confirm", "token.issue", by=by, at=at)
    return _tokens()


def caller_of(text: str, at: datetime) -> Caller:
    """Return who comes in with a token.

    Raises NotAllowedError unless it is good and its owner active; WaitingError where a second person is missing.
    """
    token = Token.objects.select_related("officer", "client").filter(digest=token_digest(text)).first()
    state = token.state(at) if token else "unknown"
    if token is None or state not in ("good", "waiting"):
        raise NotAllowedError("the token is not known, expired or revoked")
    who = token.officer or token.client
    if state == "waiting" or not who or not who.active:
        raise _refusal(token, waits=state == "waiting")
    return Caller(who, frozenset(token.scopes))


def _refusal(token: Token, *, waits: bool) -> NotAllowedError:
    """Return what to tell the holder of a token that is known and lets nobody in."""
    missing = []
    if waits:
        missing.append(Problem("the token waits for a second person", suggestion=f"{ASK} token {token.pk}"))
    if token.officer and not token.officer.active:
        for grant in waiting_grants([token.officer]).values():
            advice = f"{ASK} grant {grant.pk}"
            missing.append(Problem("the account of its owner waits for a second person", suggestion=advice))
    return WaitingError(missing) if missing else NotAllowedError("the token's owner is not active")


def token_digest(text: str) -> str:
    """Return what a token is kept as. Tokens have 256 random bits, so a plain SHA-256 cannot be searched."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def client_named(name: str) -> ClientSystem:
    """Return the client system of that name. Raises NotKnownError."""
    found = ClientSystem.objects.filter(name=name).first()
    if found is None:
        raise NotKnownError(f"no client system is named {name}")
    return found


def classification_content(one: Classification) -> bytes:
    """Return what the audit chain holds of a step of the classification scheme."""
    return _content(rank=one.rank, code=one.code, label=one.label)


def client_content(client: ClientSystem) -> bytes:
    """Return what the audit chain holds of a client system."""
    return _content(name=client.name, active=client.active)


def token_content(token: Token) -> bytes:
    """Return what the audit chain holds of a token: whose it is, what for, until when it is good, who let it be so.

    Tokens of versions that asked no second person are held as they were then.
    """
    ends = [moment and moment.astimezone(UTC).isoformat() for moment in (token.expires_at, token.revoked_at)]
    persons = {"issued_by": token.issued_by_id, "waits": token.waits, "decided_by": token.decided_by_id}
    return _content(
        label=token.label,
        digest=token.digest,
        officer=token.officer_id,
        client=token.client_id,
        scopes=token.scopes,
        ends=ends,
        **({"persons": persons} if any(persons.values()) else {}),
    )


def _content(**parts: object) -> bytes:
    return json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()
