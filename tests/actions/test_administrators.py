"""An administrator asks for others, and another person confirms; nobody gives rights to the own account or alone."""

import json
from typing import Any

import pytest
from django.test import Client
from tests.office import NOON, a_client, a_token, an_office, an_officer

from tidewaiter.actions.acting import Caller, may
from tidewaiter.actions.administration import (
    IssuedToken,
    WaitingError,
    caller_of,
    confirm_token,
    issue_token,
    refuse_token,
    revoke_token,
)
from tidewaiter.actions.officers import add_officer, change_officer, confirm_grant, read_grants, refuse_grant
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError
from tidewaiter.core.role import Role
from tidewaiter.faces.api import calling
from tidewaiter.storage.records.models import AuditEvent, Classification, Grant, Officer

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Officer:
    """Return who asks."""
    return an_officer(Role.ADMINISTRATOR, login="admin")


@pytest.fixture
def inspector() -> Officer:
    """Return who confirms."""
    return an_officer(Role.INSPECTORATE, login="inspector")


@pytest.fixture(autouse=True)
def scheme() -> None:
    """Put a classification scheme of two steps in place."""
    for rank, code in ((1, "OFFICIAL"), (2, "SECRET")):
        Classification.objects.create(rank=rank, code=code, label=code.title())


def added(admin: Officer, login: str = "ann", *roles: Role, clearance: int = 0, office: str | None = None) -> Grant:
    """Let an administrator ask for an officer; return what waits."""
    given: dict[str, Any] = {"roles": roles or [Role.ANALYST], "clearance": clearance, "office": office}
    officer = add_officer(login=login, name=login.title(), **given, by=admin, at=NOON)
    return Grant.objects.get(officer=officer)


def ann_with(*roles: Role, clearance: int = 0, office: str | None = None, active: bool = True) -> Officer:
    """Return an officer as one is after being confirmed."""
    ann = an_officer(*roles, login="ann", clearance=clearance, office=office)
    ann.active = active
    ann.save()
    return ann


def changed(by: Officer, **asked: Any) -> Officer:
    """Let somebody change Ann, who stays what is not named."""
    ann = Officer.objects.get(login="ann")
    had = {"roles": ann.roles, "clearance": ann.clearance, "active": ann.active}
    return change_officer(login="ann", **{**had, **asked}, by=by, at=NOON)


def has(officer: Officer) -> tuple[list[str], int, str | None, bool]:
    """Return what the officer has."""
    officer.refresh_from_db()
    return officer.roles, officer.clearance, officer.office_id, officer.active


def test_an_administrator_makes_nobody_of_the_own_account(admin: Officer) -> None:
    with pytest.raises(NotAllowedError, match="another administrator"):
        change_officer(login="admin", roles=[Role.RISK_MANAGER], clearance=9, active=True, by=admin, at=NOON)
    assert has(admin) == (["administrator"], 0, None, True)
    assert AuditEvent.objects.get().action == "refused"


def test_one_who_was_added_can_do_nothing_before_a_second_person_confirms(admin: Officer, inspector: Officer) -> None:
    an_office("MAIN")
    grant = added(admin, "ann", Role.ANALYST, Role.EXAMINER, clearance=2, office="MAIN")
    assert has(grant.officer) == ([], 0, None, False)
    assert not may("decision.trace", grant.officer)
    confirm_grant(grant=grant.pk, by=inspector, at=NOON)
    assert has(grant.officer) == (["analyst", "examiner"], 2, "MAIN", True)
    assert may("decision.trace", grant.officer)


def test_no_clearance_is_asked_for_that_the_scheme_does_not_have(admin: Officer) -> None:
    with pytest.raises(InputError, match="rank 3 is not in the classification scheme"):
        added(admin, clearance=3)
    ann = ann_with(Role.ANALYST, clearance=1)
    with pytest.raises(InputError, match="rank 3") as refused:
        changed(admin, clearance=3)
    assert "it has 0, 1, 2" in str(refused.value)
    assert has(ann) == (["analyst"], 1, None, True)
    assert not Grant.objects.exists()


def test_a_clearance_that_waits_is_not_given_where_the_scheme_does_not_have_it(
    admin: Officer, inspector: Officer
) -> None:
    grant = added(admin, clearance=2)
    Grant.objects.filter(pk=grant.pk).update(clearance=7)
    with pytest.raises(InputError, match="rank 7"):
        confirm_grant(grant=grant.pk, by=inspector, at=NOON)
    assert has(grant.officer) == ([], 0, None, False)


def test_who_asked_and_whom_it_concerns_do_not_confirm(admin: Officer) -> None:
    both = ann_with(Role.ADMINISTRATOR)
    changed(admin, roles=[Role.ADMINISTRATOR, Role.RISK_MANAGER])
    grant = Grant.objects.get()
    for person in (admin, both):
        with pytest.raises(NotAllowedError, match="another person"):
            confirm_grant(grant=grant.pk, by=person, at=NOON)
        with pytest.raises(NotAllowedError, match="another person"):
            refuse_grant(grant=grant.pk, reason="", by=person, at=NOON)
    assert has(both)[0] == ["administrator"]
    assert AuditEvent.objects.filter(action="refused").count() == 4
    confirm_grant(grant=grant.pk, by=an_officer(Role.ADMINISTRATOR), at=NOON)
    assert has(both)[0] == ["administrator", "risk manager"]


def test_only_administrators_and_the_inspectorate_confirm(admin: Officer) -> None:
    grant = added(admin)
    for role in set(Role) - {Role.ADMINISTRATOR, Role.INSPECTORATE}:
        with pytest.raises(NotAllowedError):
            confirm_grant(grant=grant.pk, by=an_officer(role), at=NOON)
    assert not has(grant.officer)[3]


def test_an_administrator_who_was_not_confirmed_confirms_nobody(admin: Officer) -> None:
    first, second = added(admin, "ann", Role.ADMINISTRATOR), added(admin, "ben", Role.ADMINISTRATOR)
    with pytest.raises(NotAllowedError):
        confirm_grant(grant=second.pk, by=first.officer, at=NOON)
    with pytest.raises(NotAllowedError):
        add_officer(login="eve", name="E", roles=[], clearance=0, office=None, by=first.officer, at=NOON)


@pytest.mark.parametrize(
    ("asked", "after"),
    [
        ({"roles": [Role.ANALYST, Role.RISK_MANAGER]}, (["analyst", "risk manager"], 1, "MAIN", True)),
        ({"clearance": 2}, (["analyst"], 2, "MAIN", True)),
        ({"office": "PORT"}, (["analyst"], 1, "PORT", True)),
        ({"office": None}, (["analyst"], 1, None, True)),
    ],
    ids=["a role", "clearance", "another office", "all offices"],
)
def test_more_than_before_waits_and_leaves_what_stood(
    asked: dict[str, Any], after: tuple[object, ...], admin: Officer, inspector: Officer
) -> None:
    an_office("PORT")
    ann = ann_with(Role.ANALYST, clearance=1, office="MAIN")
    changed(admin, **asked)
    assert has(ann) == (["analyst"], 1, "MAIN", True)
    confirm_grant(grant=Grant.objects.get().pk, by=inspector, at=NOON)
    assert has(ann) == after


def test_an_account_comes_back_into_use_by_a_second_person(admin: Officer, inspector: Officer) -> None:
    ann = ann_with(Role.ANALYST, active=False)
    changed(admin, active=True)
    assert not has(ann)[3]
    confirm_grant(grant=Grant.objects.get().pk, by=inspector, at=NOON)
    assert has(ann)[3]


@pytest.mark.parametrize(
    ("asked", "after"),
    [
        ({"roles": [Role.ANALYST]}, (["analyst"], 2, None, True)),
        ({"roles": []}, ([], 2, None, True)),
        ({"clearance": 0}, (["analyst", "risk manager"], 0, None, True)),
        ({"active": False}, (["analyst", "risk manager"], 2, None, False)),
    ],
    ids=["a role", "all roles", "clearance", "the account"],
)
def test_what_is_taken_away_is_gone_at_once(asked: dict[str, Any], after: tuple[object, ...], admin: Officer) -> None:
    ann = ann_with(Role.ANALYST, Role.RISK_MANAGER, clearance=2)
    changed(admin, **asked)
    assert has(ann) == after
    assert not Grant.objects.exists()


def test_of_one_change_the_less_acts_at_once_and_the_more_waits(admin: Officer, inspector: Officer) -> None:
    ann = ann_with(Role.ANALYST, Role.EXAMINER, clearance=1)
    changed(admin, roles=[Role.EXAMINER, Role.MANAGER], clearance=0)
    assert has(ann) == (["examiner"], 0, None, True)
    confirm_grant(grant=Grant.objects.get().pk, by=inspector, at=NOON)
    assert has(ann) == (["examiner", "manager"], 0, None, True)


def test_a_later_change_overtakes_what_waits_so_that_nothing_taken_comes_back(
    admin: Officer, inspector: Officer
) -> None:
    ann = ann_with(Role.ANALYST)
    changed(admin, roles=[Role.ANALYST, Role.RISK_MANAGER])
    early = Grant.objects.get()
    changed(admin, roles=[])
    with pytest.raises(ConflictError, match="overtaken"):
        confirm_grant(grant=early.pk, by=inspector, at=NOON)
    assert has(ann)[0] == []


def test_a_refused_grant_leaves_what_stood_and_is_decided_once(admin: Officer, inspector: Officer) -> None:
    grant = added(admin)
    assert refuse_grant(grant=grant.pk, reason="who is this?", by=inspector, at=NOON).state == "refused"
    assert has(grant.officer) == ([], 0, None, False)
    with pytest.raises(ConflictError, match="refused"):
        confirm_grant(grant=grant.pk, by=inspector, at=NOON)
    with pytest.raises(NotKnownError):
        confirm_grant(grant=grant.pk + 1, by=inspector, at=NOON)


def test_a_grant_and_its_events_name_both_persons(admin: Officer, inspector: Officer) -> None:
    grant = added(admin)
    confirm_grant(grant=grant.pk, by=inspector, at=NOON)
    (seen,) = read_grants(by=inspector, at=NOON)
    assert (seen.proposed_by, seen.decided_by) == (admin, inspector)
    events = AuditEvent.objects.filter(record=f"grant:{grant.pk}").order_by("sequence")
    assert [(one.actor, one.action) for one in events] == [
        (admin.reference, "officer.add"),
        (inspector.reference, "officer.confirm"),
    ]
    with pytest.raises(NotAllowedError):
        read_grants(by=an_officer(Role.RISK_MANAGER), at=NOON)


def issued(by: Officer | Caller, **whose: Any) -> IssuedToken:
    return issue_token(label="t", **whose, by=by, at=NOON)


def test_a_token_for_somebody_else_lets_nobody_in_before_another_confirms_it(
    admin: Officer, inspector: Officer
) -> None:
    a_client("clearance")
    ann_with(Role.ANALYST)
    for whose in ({"officer": "ann"}, {"client": "clearance", "scopes": ["decision.take"]}):
        made = issued(admin, **whose)
        with pytest.raises(WaitingError, match=f"waits for a second person.*confirm token {made.token.pk}"):
            caller_of(made.text, NOON)
        with pytest.raises(NotAllowedError, match="another person"):
            confirm_token(token=made.token.pk, by=admin, at=NOON)
        confirm_token(token=made.token.pk, by=inspector, at=NOON)
        assert isinstance(caller_of(made.text, NOON), Caller)
        with pytest.raises(ConflictError, match="good, not waiting"):
            confirm_token(token=made.token.pk, by=inspector, at=NOON)


def test_the_holder_of_a_token_does_not_confirm_it(admin: Officer, inspector: Officer) -> None:
    made = issued(admin, officer="inspector")
    with pytest.raises(NotAllowedError, match="another person"):
        confirm_token(token=made.token.pk, by=inspector, at=NOON)
    with pytest.raises(NotAllowedError, match="another person"):
        refuse_token(token=made.token.pk, by=inspector, at=NOON)


@pytest.mark.parametrize("state", ["refused", "revoked"])
def test_a_refused_or_revoked_token_is_not_confirmed_any_more(state: str, admin: Officer, inspector: Officer) -> None:
    ann_with(Role.ANALYST)
    made = issued(admin, officer="ann")
    if state == "refused":
        refuse_token(token=made.token.pk, by=inspector, at=NOON)
    else:
        revoke_token(token=made.token.pk, by=admin, at=NOON)
    with pytest.raises(ConflictError, match=state):
        confirm_token(token=made.token.pk, by=inspector, at=NOON)
    with pytest.raises(NotAllowedError, match="not known, expired or revoked"):
        caller_of(made.text, NOON)


def test_the_own_further_token_needs_no_second_person_unless_it_allows_more(admin: Officer) -> None:
    wide = issued(admin, officer="admin")
    assert wide.token.state(NOON) == "good"
    narrow = issued(admin, officer="admin", scopes=["token.issue", "office.add"])
    by = caller_of(narrow.text, NOON)
    assert issued(by, officer="admin", scopes=["office.add"]).token.state(NOON) == "good"
    assert issued(by, officer="admin", scopes=["officer.confirm"]).token.state(NOON) == "waiting"
    assert issued(by, officer="admin").token.state(NOON) == "waiting"


def test_who_waits_for_a_second_person_is_told_so(client: Client, admin: Officer, inspector: Officer) -> None:
    grant = added(admin, "ann", Role.ANALYST)
    made = issued(admin, officer="ann")

    def told() -> list[str]:
        calling.forget_tokens()
        answer = client.get("/api/v1/lookouts", headers={"Authorization": f"Bearer {made.text}"})
        assert answer.status_code == 401
        return [f"{one['message']}; {one['suggestion']}" for one in json.loads(answer.content)["problems"]]

    of_token, of_account = told()
    assert of_token.startswith("the token waits")
    assert of_account.endswith(f"confirm grant {grant.pk}")
    confirm_token(token=made.token.pk, by=inspector, at=NOON)
    assert told() == [of_account]
    confirm_grant(grant=grant.pk, by=inspector, at=NOON)
    assert client.get("/api/v1/lookouts", headers={"Authorization": f"Bearer {made.text}"}).status_code == 200


@pytest.mark.parametrize("login", ["ann", "ANN", "Ann", "ａｎｎ"])
def test_logins_that_look_alike_are_one_account(login: str, admin: Officer) -> None:
    an_officer(login="ann")
    with pytest.raises(ConflictError):
        added(admin, login)


@pytest.mark.parametrize("login", [" bob", "bob ", "bo b", "bo\u200bb", "bo\u202eb", "bob\n"])
def test_a_login_has_no_blanks_and_nothing_unseen(login: str, admin: Officer) -> None:
    with pytest.raises(InputError):
        added(admin, login)


def test_reading_where_lookouts_were_met_is_recorded(client: Client) -> None:
    calling.forget_tokens()
    an_officer(Role.ANALYST, login="ann")
    headers = {"Authorization": f"Bearer {a_token(officer='ann')}"}
    answer = client.get("/api/v1/lookouts/matches", headers=headers)
    assert json.loads(answer.content)["entries"] == []
    event = AuditEvent.objects.latest("sequence")
    assert (event.action, event.record) == ("lookout.read", "matches")
