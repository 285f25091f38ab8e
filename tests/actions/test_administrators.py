"""An administrator gives rights to others: never to the own account, and to no account that looks like another."""

import json

import pytest
from django.test import Client
from tests.office import NOON, an_officer

from tidewaiter.actions.administration import add_officer, change_officer, issue_token
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError
from tidewaiter.core.role import Role
from tidewaiter.faces.api import calling
from tidewaiter.storage.records.models import AuditEvent, Officer

pytestmark = pytest.mark.django_db


def test_an_administrator_makes_nobody_of_the_own_account() -> None:
    admin, other = (an_officer(Role.ADMINISTRATOR, login=login) for login in ("admin", "other"))
    wanted = {"roles": [Role.RISK_MANAGER], "clearance": 9, "active": True}
    with pytest.raises(NotAllowedError, match="another administrator"):
        change_officer(login="admin", **wanted, by=admin, at=NOON)  # type: ignore[arg-type]
    assert Officer.objects.get(login="admin").clearance == 0
    assert AuditEvent.objects.get().action == "refused"
    change_officer(login="admin", **wanted, by=other, at=NOON)  # type: ignore[arg-type]
    event = AuditEvent.objects.latest("sequence")
    assert (event.actor, event.record) == (other.reference, admin.reference)


@pytest.mark.parametrize("login", ["ann", "ANN", "Ann", "ａｎｎ"])
def test_logins_that_look_alike_are_one_account(login: str) -> None:
    an_officer(login="ann")
    with pytest.raises(ConflictError):
        added(login)


@pytest.mark.parametrize("login", [" bob", "bob ", "bo b", "bo\u200bb", "bo\u202eb", "bob\n"])
def test_a_login_has_no_blanks_and_nothing_unseen(login: str) -> None:
    with pytest.raises(InputError):
        added(login)


def added(login: str) -> Officer:
    admin = an_officer(Role.ADMINISTRATOR, login="admin")
    return add_officer(login=login, name="x", roles=[Role.EXAMINER], clearance=0, office=None, by=admin, at=NOON)


def test_reading_where_lookouts_were_met_is_recorded(client: Client) -> None:
    calling.forget_tokens()
    an_officer(Role.ANALYST, login="ann")
    token = issue_token(label="t", officer="ann", by=an_officer(Role.ADMINISTRATOR), at=NOON).text
    answer = client.get("/api/v1/lookouts/matches", headers={"Authorization": f"Bearer {token}"})
    assert json.loads(answer.content)["entries"] == []
    event = AuditEvent.objects.latest("sequence")
    assert (event.action, event.record) == ("lookout.read", "matches")
