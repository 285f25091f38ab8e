"""A new installation: the first administrator with a token, and the first published set."""

from datetime import datetime

from tidewaiter.actions.acting import Actor, action
from tidewaiter.actions.administration import IssuedToken, new_officer, new_token
from tidewaiter.actions.profiles.publishing import publish
from tidewaiter.core.errors import ConflictError, Problem
from tidewaiter.core.role import Role
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Officer


@action("installation.set_up")
def set_up(*, login: str, name: str, by: Actor, at: datetime) -> IssuedToken:
    """Make the first administrator, and publish what an installation without profiles selects by.

    The administrator can add officers and nothing else. Raises ConflictError where there is any officer already.
    """
    lock_chain()
    if Officer.objects.exists():
        advice = "an administrator adds others: tidewaiter officer add"
        raise ConflictError(Problem("this installation has officers already", suggestion=advice))
    new_officer(login=login, name=name, roles=[Role.ADMINISTRATOR], clearance=0, office=None)
    issued = new_token(label="first administrator", officer=login, client=None, scopes=(), expires_at=None, at=at)
    publish("set up", at=at)
    return issued
