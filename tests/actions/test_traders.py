"""Trusted traders: two persons grant and restore, one suspends at once."""

from datetime import date

import pytest
from tests.dossier import CATALOGUE, DAY, in_force_text
from tests.office import NOON, an_officer

from tidewaiter.actions.profiles.publishing import set_content
from tidewaiter.actions.profiles.traders import (
    Status,
    approve_status,
    counts_on,
    grant_status,
    latest_status,
    latest_statuses,
    restore_status,
    suspend_status,
)
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import Officer, Proposal, Publication

pytestmark = pytest.mark.django_db

AEO = Status(party_code="I1", kind="aeo", scope="security", valid_from=date(2026, 1, 1), valid_to=date(2027, 1, 1))


@pytest.fixture(autouse=True)
def policy() -> None:
    text = "policy: n\nversion: 2\nrandom: {share: 0.03}\ntrusted_traders:\n  aeo: {profile_factor: 0.5}\n"
    in_force_text("policy", "routing", text)


def granted(status: Status = AEO, by: Officer | None = None) -> Proposal:
    return grant_status(
        status=status,
        reason="audit passed",
        catalogue=CATALOGUE,
        on=DAY,
        by=by or an_officer(Role.FACILITATOR),
        at=NOON,
    )


def approved(found: Proposal, by: Officer | None = None) -> None:
    approve_status(party_code=found.name, number=found.number, by=by or an_officer(Role.RISK_MANAGER), at=NOON)


def published() -> dict[str, str]:
    content = set_content(Publication.objects.order_by("-pk")[0].set_id, CATALOGUE)
    return {code: trader.kind for code, trader in content.traders.items()}


def test_a_status_needs_two_persons() -> None:
    manager = an_officer(Role.RISK_MANAGER)
    found = granted(by=manager)
    with pytest.raises(NotKnownError):
        latest_status("I1")
    with pytest.raises(NotAllowedError):
        approved(found, manager)
    approved(found)
    assert published() == {"I1": "aeo"}


def test_one_person_suspends_at_once() -> None:
    approved(granted())
    suspend_status(party_code="I1", reason="seizure last night", by=an_officer(Role.INTELLIGENCE_OFFICER), at=NOON)
    assert published() == {}
    assert not counts_on(latest_status("I1"), DAY)


def test_restoring_needs_two_persons() -> None:
    approved(granted())
    suspend_status(party_code="I1", reason="seizure", by=an_officer(Role.RISK_MANAGER), at=NOON)
    found = restore_status(party_code="I1", reason="cleared", by=an_officer(Role.FACILITATOR), at=NOON)
    assert published() == {}
    approved(found)
    assert published() == {"I1": "aeo"}
    assert latest_statuses().get().number == 3


def test_suspending_refuses_what_is_still_proposed() -> None:
    approved(granted())
    longer = Status(party_code="I1", kind="aeo", scope="both", valid_from=AEO.valid_from)
    found = granted(longer)
    suspend_status(party_code="I1", reason="seizure", by=an_officer(Role.RISK_MANAGER), at=NOON)
    with pytest.raises(ConflictError):
        approved(found)


def test_what_is_not_suspended_is_not_restored() -> None:
    approved(granted())
    with pytest.raises(ConflictError):
        restore_status(party_code="I1", reason="cleared", by=an_officer(Role.FACILITATOR), at=NOON)


def test_everything_wrong_with_a_grant_is_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        granted(Status(party_code="I1", kind="oea", scope="all", valid_from=DAY, valid_to=date(2020, 1, 1)))
    assert len(caught.value.problems) == 3


def test_both_ends_of_a_status_are_included() -> None:
    approved(granted())
    status = latest_status("I1")
    assert counts_on(status, date(2026, 1, 1))
    assert counts_on(status, date(2027, 1, 1))
    assert not counts_on(status, date(2027, 1, 2))
