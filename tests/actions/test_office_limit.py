"""An officer with an office works for that office, whatever other role comes to it, unless the role serves all."""

import pytest
from tests.examined import POLICY, TODAY, a_declaration, examiners, given
from tests.office import NOON, an_office, an_officer

from tidewaiter.actions.decisions.tracing import decision
from tidewaiter.actions.examinations.attachments import attachments_of
from tidewaiter.actions.examinations.overrides import lower_channel
from tidewaiter.actions.examinations.results import results_of
from tidewaiter.actions.examinations.seizures import record_seizure, seizure_versions
from tidewaiter.actions.profiles.lookouts import LookoutText, raise_lookout, seen_lookouts
from tidewaiter.actions.rights import rights
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import InputError, NotKnownError
from tidewaiter.core.lookout import LookoutAction, LookoutKind
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import Decision, Officer, Referral
from tidewaiter.storage.records.visibility import WHOLE_ROLES

pytestmark = pytest.mark.django_db

ELSEWHERE = {"office": "PORT", "legal_basis": "Act 12", "goods": "cigarettes", "seized_at": "2026-03-02T10:00:00Z"}


def at_the_port() -> Decision:
    return a_declaration("D1", Channel.RED, office="PORT")


def lowered(by: Officer) -> str:
    made = lower_channel(
        declaration="D1", channel=Channel.ORANGE, reason_code="SAFETY", reason="fumes in the hall",
        policy=POLICY, on=TODAY, by=by, at=NOON,
    )  # fmt: skip
    return made.state


@pytest.mark.parametrize("other", [role for role in Role if role not in WHOLE_ROLES])
def test_a_second_role_shows_a_manager_no_other_office(other: Role) -> None:
    found, boss = at_the_port(), an_officer(Role.MANAGER, other, office="MAIN")
    with pytest.raises(NotKnownError):
        decision(decision_id=found.pk, by=boss, at=NOON)


@pytest.mark.parametrize("other", sorted(WHOLE_ROLES & rights()["decision.read"].roles))
def test_a_role_of_the_whole_administration_reads_at_every_office(other: Role) -> None:
    found, boss = at_the_port(), an_officer(Role.MANAGER, other, office="MAIN")
    assert decision(decision_id=found.pk, by=boss, at=NOON)["channel"] == "red"


def test_such_a_role_lifts_only_what_it_grants_itself() -> None:
    found, boss = at_the_port(), an_officer(Role.MANAGER, Role.INSPECTORATE, office="MAIN")
    assert decision(decision_id=found.pk, by=boss, at=NOON)["channel"] == "red"
    with pytest.raises(NotKnownError):
        lowered(boss)
    assert lowered(an_officer(Role.MANAGER, Role.RISK_MANAGER, office="MAIN")) in ("in force", "proposed")


def test_an_analyst_with_an_office_reads_results_of_that_office() -> None:
    (ann,) = examiners("ann", office="PORT")
    (act, *_) = given(at_the_port(), ann)
    with pytest.raises(NotKnownError):
        results_of(act_id=act.pk, by=an_officer(Role.ANALYST, office="MAIN"), at=NOON)
    for reader in (an_officer(Role.ANALYST, office="PORT"), an_officer(Role.ANALYST)):
        assert results_of(act_id=act.pk, by=reader, at=NOON) == []


@pytest.mark.parametrize("role", [Role.MANAGER, Role.ANALYST])
def test_who_has_no_office_works_for_all(role: Role) -> None:
    assert decision(decision_id=at_the_port().pk, by=an_officer(role), at=NOON)["channel"] == "red"


def test_goods_are_seized_in_the_name_of_the_own_office() -> None:
    with pytest.raises(InputError, match="not your office"):
        record_seizure(given=ELSEWHERE, by=an_officer(Role.EXAMINER, Role.INSPECTORATE, office="MAIN"), at=NOON)
    spy = an_officer(Role.EXAMINER, Role.INTELLIGENCE_OFFICER, office="MAIN")
    made = record_seizure(given=ELSEWHERE, by=spy, at=NOON)
    with pytest.raises(NotKnownError):
        seizure_versions(number=made.number, by=an_officer(Role.MANAGER, Role.FACILITATOR, office="MAIN"), at=NOON)


def test_a_referral_is_a_subject_to_who_may_read_referrals() -> None:
    case = Referral.objects.create(kind="investigation", cause="smuggling", referred_at=NOON)
    auditor = an_officer(Role.POST_CLEARANCE_AUDITOR, office="MAIN")
    assert attachments_of(about=f"referral:{case.pk}", by=auditor, at=NOON) == []
    for reader in (an_officer(Role.MANAGER), an_officer(Role.ANALYST)):
        with pytest.raises(NotKnownError):
            attachments_of(about=f"referral:{case.pk}", by=reader, at=NOON)


def test_a_lookout_for_one_office_is_not_shown_to_another_office_s_analyst() -> None:
    an_office("PORT")
    text = LookoutText(
        kind=LookoutKind.CONTAINER, action=LookoutAction.EXAMINE, reason="a report", contact="+00 555 0100",
        values=("MSCU6639870",), instruction="open it", offices=("PORT",),
    )  # fmt: skip
    raise_lookout(text=text, expires_at=NOON.replace(day=9), by=an_officer(Role.INTELLIGENCE_OFFICER), at=NOON)
    assert not seen_lookouts(an_officer(Role.EXAMINER, Role.ANALYST, office="MAIN")).exists()
    assert seen_lookouts(an_officer(Role.EXAMINER, Role.RISK_MANAGER, office="MAIN")).exists()
