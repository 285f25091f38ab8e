"""A small customs administration in the records: one call gives a valid thing."""

import secrets
from collections.abc import Collection
from datetime import UTC, datetime

from tidewaiter.actions.administration import token_digest
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import ClientSystem, Office, Officer, Token

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A Monday."""


def an_office(code: str = "MAIN") -> Office:
    """Return an office."""
    return Office.objects.get_or_create(code=code, defaults={"name": f"Office {code}"})[0]


def an_officer(*roles: Role, login: str = "", clearance: int = 0, office: str | None = None) -> Officer:
    """Return a new officer with these roles."""
    named = login or f"officer-{Officer.objects.count() + 1}"
    return Officer.objects.create(
        login=named,
        name=named.title(),
        roles=[role.value for role in roles],
        clearance=clearance,
        office=an_office(office) if office else None,
    )


def a_client(name: str = "clearance") -> ClientSystem:
    """Return a client system."""
    return ClientSystem.objects.get_or_create(name=name)[0]


def a_token(
    *, officer: str = "", client: str = "", scopes: Collection[str] = (), expires_at: datetime | None = None
) -> str:
    """Return the text of a new token that nobody has to confirm any more."""
    text = f"tw_{secrets.token_urlsafe(32)}"
    Token.objects.create(
        digest=token_digest(text),
        label="t",
        officer=Officer.objects.get(login=officer) if officer else None,
        client=ClientSystem.objects.get(name=client) if client else None,
        scopes=sorted(scopes),
        made_at=NOON,
        expires_at=expires_at,
    )
    return text


def names(found: Collection[Officer]) -> list[str]:
    """Return the logins, sorted."""
    return sorted(officer.login for officer in found)
