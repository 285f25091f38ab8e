"""Every action: right, change, trace, in one transaction."""

from datetime import datetime

import pytest
from tests.office import NOON, a_client, an_officer

from tidewaiter.actions.acting import ACTIONS, Actor, Caller, action
from tidewaiter.actions.administration import add_office, caller_of, confirm_token, issue_token, revoke_token
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import AuditEvent, Office

pytestmark = pytest.mark.django_db


def test_an_action_without_the_right_changes_nothing_and_is_recorded() -> None:
    examiner = an_officer(Role.EXAMINER)
    with pytest.raises(NotAllowedError):
        add_office(code="X", name="X", by=examiner, at=NOON)
    assert not Office.objects.filter(code="X").exists()
    assert AuditEvent.objects.get().action == "refused"


def test_an_action_leaves_its_trace() -> None:
    administrator = an_officer(Role.ADMINISTRATOR)
    add_office(code="X", name="X", by=administrator, at=NOON)
    event = AuditEvent.objects.get()
    assert (event.actor, event.action, event.record) == (administrator.reference, "office.add", "office:X")


def test_an_action_that_fails_leaves_neither_change_nor_trace() -> None:
    administrator = an_officer(Role.ADMINISTRATOR)
    add_office(code="X", name="X", by=administrator, at=NOON)
    with pytest.raises(ConflictError):
        add_office(code="X", name="Other", by=administrator, at=NOON)
    assert AuditEvent.objects.count() == 1


def test_an_action_that_leaves_no_trace_is_refused() -> None:
    @action("office.add")
    def forgetful(*, by: Actor, at: datetime) -> None:
        Office.objects.create(code="Y")

    try:
        with pytest.raises(RuntimeError, match="no trace"):
            forgetful(by=an_officer(Role.ADMINISTRATOR), at=NOON)
    finally:
        ACTIONS["office.add"] = add_office
    assert not Office.objects.filter(code="Y").exists()


def test_a_scope_that_is_no_action_is_told_with_the_nearest() -> None:
    administrator = an_officer(Role.ADMINISTRATOR, login="root")
    with pytest.raises(InputError, match=r"'office.ad' is no scope.*did you mean 'office.add'\?"):
        issue_token(label="own", officer="root", scopes=["office.ad"], by=administrator, at=NOON)


def test_a_token_allows_what_its_scopes_and_its_owner_allow() -> None:
    administrator = an_officer(Role.ADMINISTRATOR, login="root")
    a_client("clearance")
    wide = issue_token(label="own", officer="root", by=administrator, at=NOON)
    narrow = issue_token(label="narrow", officer="root", scopes=["office.add"], by=administrator, at=NOON)
    foreign = issue_token(label="c", client="clearance", scopes=["office.add"], by=administrator, at=NOON)
    confirm_token(token=foreign.token.pk, by=an_officer(Role.INSPECTORATE), at=NOON)
    add_office(code="A", name="A", by=caller_of(wide.text, NOON), at=NOON)
    add_office(code="B", name="B", by=caller_of(narrow.text, NOON), at=NOON)
    with pytest.raises(NotAllowedError):
        revoke_token(token=wide.token.pk, by=caller_of(narrow.text, NOON), at=NOON)
    with pytest.raises(NotAllowedError, match="you may not use"):
        add_office(code="C", name="C", by=caller_of(foreign.text, NOON), at=NOON)


def test_a_revoked_token_is_no_longer_known() -> None:
    administrator = an_officer(Role.ADMINISTRATOR, login="root")
    issued = issue_token(label="own", officer="root", by=administrator, at=NOON)
    assert isinstance(caller_of(issued.text, NOON), Caller)
    revoke_token(token=issued.token.pk, by=administrator, at=NOON)
    with pytest.raises(NotAllowedError):
        caller_of(issued.text, NOON)


def test_the_token_itself_is_not_kept() -> None:
    administrator = an_officer(Role.ADMINISTRATOR, login="root")
    issued = issue_token(label="own", officer="root", by=administrator, at=NOON)
    assert issued.text not in str(vars(issued.token))
