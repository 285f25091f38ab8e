"""A new installation: two persons from the first day, each with a token of their own, and the first published set."""

from dataclasses import dataclass
from datetime import datetime

from tidewaiter.actions.acting import Actor, action
from tidewaiter.actions.administration import IssuedToken, first_token
from tidewaiter.actions.officers import first_officer
from tidewaiter.actions.profiles.publishing import publish
from tidewaiter.core.errors import ConflictError, Problem
from tidewaiter.core.role import Role
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Officer


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody the installation begins with."""

    login: str
    name: str


@dataclass(frozen=True, slots=True)
class Installed:
    """The tokens of the two that a new installation begins with: for two different people."""

    administrator: IssuedToken
    inspectorate: IssuedToken


@action("installation.set_up")
def set_up(*, administrator: Person, inspectorate: Person, by: Actor, at: datetime) -> Installed:
    """Make the first two officers, and publish what an installation without profiles selects by.

    The administrator asks for officers, the inspectorate confirms them; neither gives anybody a right alone. Raises
    ConflictError where there is any officer already.
    """
    lock_chain()
    if Officer.objects.exists():
        advice = "an administrator adds others: tidewaiter officer add"
        raise ConflictError(Problem("this installation has officers already", suggestion=advice))
    tokens = [
        first_token(first_officer(login=one.login, name=one.name, role=role), at=at)
        for one, role in ((administrator, Role.ADMINISTRATOR), (inspectorate, Role.INSPECTORATE))
    ]
    publish("set up", at=at)
    return Installed(*tokens)
