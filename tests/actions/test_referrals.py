"""Goods referred to audit are looked at trader by trader; cases go to investigation with a disclosure schedule."""

from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.examined import POLICY, SECRET_CODE, TODAY, a_declaration, day, opened
from tests.office import NOON, an_officer

from tidewaiter.actions.audit.integrity_work import work_of
from tidewaiter.actions.examinations.acts import AUDIT, CLOSED
from tidewaiter.actions.examinations.attachments import add_attachment
from tidewaiter.actions.examinations.audit_outcomes import audit_rates
from tidewaiter.actions.examinations.overrides import lower_channel
from tidewaiter.actions.examinations.referrals import (
    NO_EVIDENCE,
    add_to_schedule,
    audits_waiting,
    close_audit,
    close_investigation,
    disclosure_text,
    investigation,
    refer_to_investigation,
    take_audits,
)
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError
from tidewaiter.core.role import Role
from tidewaiter.storage.attachments import Attachments
from tidewaiter.storage.records.models import AuditEvent, Officer, Referral, Result

pytestmark = pytest.mark.django_db


def an_auditor(login: str = "aud") -> Officer:
    return an_officer(Role.POST_CLEARANCE_AUDITOR, login=login)


def blues(**traders: str) -> None:
    for number, trader in traders.items():
        opened(a_declaration(number, Channel.BLUE, importer=trader))


def test_the_audit_worklist_stands_by_trader_most_first() -> None:
    blues(D1="SMALL", D2="LARGE", D3="LARGE")
    waiting = audits_waiting(by=an_auditor(), at=NOON)
    assert [(one.trader, [r.declaration_id for r in one.referrals]) for one in waiting] == [
        ("LARGE", ["D2", "D3"]),
        ("SMALL", ["D1"]),
    ]


def test_an_audit_has_an_outcome_of_its_own() -> None:
    blues(D1="T1")
    auditor = an_auditor()
    (taken,) = take_audits(trader="T1", by=auditor, at=NOON)
    found = {"outcome": "found_other", "categories": ["ORIGIN"], "duty_assessed": "90"}
    closed = close_audit(referral=taken.pk, given=found, by=auditor, at=NOON)
    assert (closed.state, closed.outcome, closed.row["duty_assessed"]) == (CLOSED, "found_other", "90")
    assert audits_waiting(by=auditor, at=NOON) == []


def test_an_audit_s_outcome_is_checked_like_a_result() -> None:
    blues(D1="T1")
    with pytest.raises(InputError) as refused:
        close_audit(
            referral=Referral.objects.get().pk,
            given={"outcome": "found_other", "penalty": "-1", "seizure_value": "3"},
            by=an_auditor(),
            at=NOON,
        )
    assert len(refused.value.problems) == 3


def test_what_another_auditor_took_up_is_the_other_s() -> None:
    blues(D1="T1")
    take_audits(trader="T1", by=an_auditor("one"), at=NOON)
    other = an_auditor("two")
    with pytest.raises(NotKnownError):
        take_audits(trader="T1", by=other, at=NOON)
    with pytest.raises(ConflictError):
        close_audit(referral=Referral.objects.get().pk, given={"outcome": "nothing_found"}, by=other, at=NOON)


def test_an_examiner_sees_no_audits() -> None:
    with pytest.raises(NotAllowedError):
        audits_waiting(by=an_officer(Role.EXAMINER), at=NOON)


def a_case(officer: Officer) -> Referral:
    a_declaration()
    schedule = [{"record": "act:1", "description": "result of the scan", "disclosure": "disclosed"}]
    return refer_to_investigation(about="declaration:D1", cause="false floor", schedule=schedule, by=officer, at=NOON)


def test_a_case_carries_its_disclosure_schedule_which_only_grows() -> None:
    spy = an_officer(Role.INTELLIGENCE_OFFICER)
    case = a_case(spy)
    withheld = {"record": "report:9", "description": "source", "disclosure": "withheld", "reason": "protects a source"}
    add_to_schedule(referral=case.pk, schedule=[withheld], by=spy, at=NOON)
    held = investigation(referral=case.pk, by=spy, at=NOON)
    assert [entry["disclosure"] for entry in held.schedule] == ["disclosed", "withheld"]


def test_what_is_withheld_needs_a_reason() -> None:
    spy = an_officer(Role.INTELLIGENCE_OFFICER)
    with pytest.raises(InputError) as refused:
        add_to_schedule(referral=a_case(spy).pk, schedule=[{"record": "x", "disclosure": "withheld"}], by=spy, at=NOON)
    assert len(refused.value.problems) == 2


def test_text_that_leaves_is_marked_as_no_evidence_and_the_export_is_recorded() -> None:
    spy = an_officer(Role.INTELLIGENCE_OFFICER)
    text = disclosure_text(referral=a_case(spy).pk, by=spy, at=NOON)
    assert text.splitlines()[0] == text.splitlines()[-1] == NO_EVIDENCE
    assert "1. act:1: result of the scan - disclosed" in text
    event = AuditEvent.objects.order_by("-sequence").first()
    assert event is not None
    assert (event.action, bool(event.digest)) == ("referral.export", True)


def test_a_sealed_document_is_withheld_whatever_the_schedule_says(tmp_path: Path) -> None:
    spy = an_officer(Role.INTELLIGENCE_OFFICER)
    case = a_case(spy)
    sealed = add_attachment(
        about=f"referral:{case.pk}",
        name="letter",
        kind="",
        content=b"to my lawyer",
        privileged=True,
        store=Attachments(tmp_path),
        by=spy,
        at=NOON,
    )
    entry = {"record": f"attachment:{sealed.pk}", "description": "letter", "disclosure": "disclosed"}
    add_to_schedule(referral=case.pk, schedule=[entry], by=spy, at=NOON)
    assert "letter - withheld (legal privilege)" in disclosure_text(referral=case.pk, by=spy, at=NOON)


def test_a_case_ends_with_what_became_of_it() -> None:
    spy = an_officer(Role.INTELLIGENCE_OFFICER)
    case = a_case(spy)
    with pytest.raises(InputError):
        close_investigation(referral=case.pk, outcome="forgotten", note="", by=spy, at=NOON)
    close_investigation(referral=case.pk, outcome="prosecuted", note="fined", by=spy, at=NOON)
    with pytest.raises(ConflictError):
        close_investigation(referral=case.pk, outcome="settled", note="", by=spy, at=NOON)


def test_a_case_is_no_audit() -> None:
    spy = an_officer(Role.INTELLIGENCE_OFFICER, Role.POST_CLEARANCE_AUDITOR)
    case = a_case(spy)
    with pytest.raises(NotKnownError, match=AUDIT):
        close_audit(referral=case.pk, given={"outcome": "nothing_found"}, by=spy, at=NOON)


def an_audit(number: str, outcome: dict[str, object], *, channel: Channel = Channel.BLUE) -> None:
    auditor = an_officer(Role.POST_CLEARANCE_AUDITOR)
    opened(a_declaration(number, channel))
    close_audit(referral=Referral.objects.get(declaration_id=number).pk, given=outcome, by=auditor, at=NOON)


def test_audits_score_a_profile_apart_from_examinations() -> None:
    an_audit("D1", {"outcome": "found_as_suspected", "categories": ["UNDERVALUATION"], "duty_assessed": "900"})
    an_audit("D2", {"outcome": "found_other", "categories": ["UNDERVALUATION"], "duty_assessed": "3"})
    an_audit("D3", {"outcome": "nothing_found"})
    an_audit("D4", {"outcome": "not_inspected", "not_inspected_reason": "bankrupt"})
    scored = audit_rates({SECRET_CODE, "OTHER"}, start=NOON, end=day(20), material_duty=Decimal(100))
    assert {code: (one.numerator, one.denominator) for code, one in scored.items()} == {SECRET_CODE: (1, 3)}
    assert audit_rates({SECRET_CODE}, start=day(3), end=day(20), material_duty=Decimal(100)) == {}
    assert not Result.objects.exists()


def test_a_lowering_that_no_examination_followed_is_measured_by_the_audit() -> None:
    boss = an_officer(Role.MANAGER, office="MAIN")
    for number in ("D1", "D2"):
        opened(a_declaration(number, Channel.YELLOW))
        lower_channel(
            declaration=number,
            channel=Channel.BLUE,
            reason_code="FALSE_MATCH",
            reason="other goods",
            policy=POLICY,
            on=TODAY,
            by=boss,
            at=NOON,
        )
    auditor = an_officer(Role.POST_CLEARANCE_AUDITOR)
    audit = Referral.objects.get(declaration_id="D1").pk
    close_audit(referral=audit, given={"outcome": "found_other", "categories": ["ORIGIN"]}, by=auditor, at=NOON)
    measured = {one.declaration_id: one.found for one in work_of(day(1), day(20), ZoneInfo("UTC")).overrides}
    assert measured == {"D1": True, "D2": None}
