"""The recall list is read by those who may act on it, settled once, and says why to those only who may see why."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from tests.office import a_token, an_officer
from tests.service_world import KEYS, NOW, a_profile, history, lodged, published

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.audit.auditing import Search, search_events, verify
from tidewaiter.actions.audit.integrity import integrity_report
from tidewaiter.actions.decisions.events import record_events
from tidewaiter.actions.decisions.flight import recall
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.decisions.recalls import Listed, RecallOutcome, RecallState, read_recalls, settle_recall
from tidewaiter.actions.decisions.requests import RequestText, Source, SubjectKind, raise_request
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.actions.examinations.referrals import audits_waiting
from tidewaiter.actions.retention.aged_records import AGED_RECORDS
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError
from tidewaiter.core.role import Role
from tidewaiter.engines.integrity.edits import WorkingHours
from tidewaiter.engines.integrity.finding import Kind
from tidewaiter.faces.api import calling
from tidewaiter.faces.api.service import Service, use
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.records.models import (
    Act,
    AuditEvent,
    Classification,
    ControlRequest,
    Decision,
    Declaration,
    Officer,
    Override,
    Recall,
    Referral,
    Result,
)

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def standing(tmp_path: Path) -> Standing:
    """Release goods of two offices; then news lists both for recall."""
    before = published(history(tmp_path / "lake"))
    for number, office in (("A", "MAIN"), ("B", "PORT")):
        decide_group(before, KEYS, [(lodged(number, origin="FR", office=office), SERVICE)], NOW)
        gone = {"kind": "released", "occurred_at": NOW, "declaration_id": number}
        record_events(events=[gone], by=SERVICE, at=NOW)
    a_profile("P-SECRET", "origin = 'FR'")
    after = published(Lake.open(tmp_path / "lake"))
    recall(
        standing=after, news=None, numbers=["A", "B"], keys=KEYS, cause="profile P-SECRET@1 active", by=SERVICE, at=NOW
    )
    return after


def boss(office: str | None = "MAIN") -> Officer:
    return an_officer(Role.MANAGER, office=office)


def analyst() -> Officer:
    return an_officer(Role.ANALYST)


def numbers(found: list[Listed]) -> list[str]:
    return [one.recall.declaration_id for one in found]


def entry(number: str = "A") -> int:
    return Recall.objects.get(declaration_id=number).pk


def settled(
    by: Officer, outcome: RecallOutcome = RecallOutcome.UNDER_CONTROL, reason: str = "brought back to the yard"
) -> Listed:
    return settle_recall(recall=entry(), outcome=outcome, reason=reason, by=by, at=LATER)


def named() -> list[str]:
    return [one.record for one in verify().findings if one.record.startswith("recall:")]


@pytest.mark.usefixtures("standing")
def test_goods_are_listed_for_recall_until_it_is_said_what_became_of_them() -> None:
    reader = analyst()
    assert numbers(read_recalls(by=reader, at=LATER)) == ["A", "B"]
    settled(boss())
    assert numbers(read_recalls(state=RecallState.OPEN, by=reader, at=LATER)) == ["B"]
    (told,) = read_recalls(state=RecallState.SETTLED, by=reader, at=LATER)
    assert (told.recall.settled_as, told.recall.settled_at, told.state) == ("under_control", LATER, "settled")
    assert AuditEvent.objects.filter(action="recall.read", record="recalls").count() == 3


@pytest.mark.usefixtures("standing")
def test_the_list_comes_in_parts_and_by_office() -> None:
    reader = analyst()
    (first,) = read_recalls(limit=1, by=reader, at=LATER)
    assert numbers(read_recalls(after=first.recall.pk, by=reader, at=LATER)) == ["B"]
    assert numbers(read_recalls(office="PORT", by=reader, at=LATER)) == ["B"]


@pytest.mark.usefixtures("standing")
def test_a_manager_sees_and_settles_the_goods_of_the_own_office_only() -> None:
    local = boss("PORT")
    assert numbers(read_recalls(by=local, at=LATER)) == ["B"]
    assert numbers(read_recalls(office="MAIN", by=local, at=LATER)) == []
    with pytest.raises(NotKnownError):
        settled(local)


@pytest.mark.usefixtures("standing")
def test_why_goods_are_listed_is_told_to_who_may_see_what_selects_goods() -> None:
    (told, _) = read_recalls(by=analyst(), at=LATER)
    assert told.cause == "profile P-SECRET@1 active"
    assert told.reasons is not None
    assert ("profile", "P-SECRET", "red") in [(one["kind"], one["code"], one["channel"]) for one in told.reasons]
    for other in (boss(), an_officer(Role.POST_CLEARANCE_AUDITOR)):
        assert [(one.cause, one.reasons) for one in read_recalls(office="MAIN", by=other, at=LATER)] == [(None, None)]
    assert (settled(boss()).cause, settled_again()) == (None, "settled before")


def settled_again() -> str:
    with pytest.raises(ConflictError) as told:
        settled(boss())
    return str(told.value).rpartition("was ")[2]


def a_secret_request(standing: Standing) -> tuple[ControlRequest, Officer]:
    """Raise a request about A that only a clearance of 3 reaches, by an officer who has it."""
    Classification.objects.create(rank=3, code="S", label="secret")
    text = RequestText(
        source=Source.OPERATION, source_reference="OP-1", asked_by="Operation", legal_basis="Code",
        subject_kind=SubjectKind.DECLARATION, subject="A", channel=Channel.RED, instruction="Weigh it.",
        reason="why", rank=3,
    )  # fmt: skip
    spy = an_officer(Role.INTELLIGENCE_OFFICER, clearance=3)
    expires = NOW + timedelta(days=9)
    return raise_request(text=text, expires_at=expires, standing=standing, keys=KEYS, by=spy, at=NOW), spy


def test_a_request_above_the_readers_clearance_is_not_named_where_goods_are_listed_for_it(standing: Standing) -> None:
    made, spy = a_secret_request(standing)
    cleared, other = (read_recalls(office="MAIN", by=one, at=LATER)[-1] for one in (spy, analyst()))
    assert cleared.cause == f"request {made.reference}"
    assert made.reference in str(cleared.reasons)
    assert other.cause is not None
    assert made.reference not in f"{other.cause} {other.reasons}"


def test_the_audit_does_not_name_a_request_above_the_clearance_for_which_goods_were_listed(standing: Standing) -> None:
    made, _ = a_secret_request(standing)
    asked = Search(record=f"recalls:request {made.reference}")
    below, above = (an_officer(Role.INSPECTORATE, clearance=rank) for rank in (2, 3))
    assert [one.action for one in search_events(search=asked, by=above, at=LATER).events] == ["declaration.recall"]
    assert search_events(search=asked, by=below, at=LATER).events == []
    shown = search_events(search=Search(), by=below, at=LATER).events
    assert made.reference not in "".join(one.record for one in shown)
    assert [one.record for one in shown if one.actor == "withheld"].count("request:withheld") == 2


@pytest.mark.usefixtures("standing")
def test_goods_audited_instead_wait_for_post_clearance_audit() -> None:
    settled(boss(), RecallOutcome.AUDIT, "")
    (trader,) = audits_waiting(by=an_officer(Role.POST_CLEARANCE_AUDITOR), at=LATER)
    assert [one.declaration_id for one in trader.referrals] == ["A"]
    assert Referral.objects.get().cause == "listed for recall"


@pytest.mark.usefixtures("standing")
def test_goods_are_not_given_up_nor_called_back_under_control_without_a_reason() -> None:
    for outcome in (RecallOutcome.NOT_PURSUED, RecallOutcome.UNDER_CONTROL):
        for said in ("  ", "ok"):
            with pytest.raises(InputError, match="reason"):
                settled(boss(), outcome, said)
    assert settled(boss(), RecallOutcome.NOT_PURSUED, "eaten by now").recall.settled_reason == "eaten by now"


@pytest.mark.usefixtures("standing")
@pytest.mark.parametrize("what", ["lowered", "agreed to lower", "examined", "corrected the result"])
def test_who_lowered_or_examined_the_goods_may_only_have_them_audited(what: str) -> None:
    concerned, other = boss(), boss()
    decision = Decision.objects.get(declaration_id="A")
    if "lower" in what:
        by, second = (concerned, other) if what == "lowered" else (other, concerned)
        Override.objects.create(
            declaration_id="A", decision=decision, before="red", after="green", reason_code="x", reason="as agreed",
            by=by, at=NOW, second=second if what != "lowered" else None, state="in force",
        )  # fmt: skip
    else:
        act = Act.objects.create(
            act_id="A1", decision=decision, declaration_id="A", kind="physical", state="closed", due_on=NOW.date(),
            opened_at=NOW, closed_at=NOW, officer=concerned if what == "examined" else other,
        )  # fmt: skip
        Result.objects.create(act=act, version=1, outcome="nothing_found", row={}, known_at=NOW, by=concerned)
    for outcome in (RecallOutcome.NOT_PURSUED, RecallOutcome.UNDER_CONTROL):
        with pytest.raises(NotAllowedError, match="audited"):
            settled(concerned, outcome)
    assert settled(concerned, RecallOutcome.AUDIT).recall.settled_as == "audit"


@pytest.mark.usefixtures("standing")
def test_who_raised_the_channel_of_goods_settles_their_recall() -> None:
    manager = boss()
    Override.objects.create(
        declaration_id="A", decision=Decision.objects.get(declaration_id="A"), before="green", after="red",
        reason_code="x", reason="a report", by=manager, at=NOW, state="in force",
    )  # fmt: skip
    assert settled(manager).recall.settled_as == "under_control"


@pytest.mark.usefixtures("standing")
def test_the_report_tells_the_inspectorate_who_alone_settled_entries_without_an_audit() -> None:
    manager, local = boss(), boss("PORT")
    Declaration.objects.filter(pk="A").update(declarant_code="BROKER")
    settled(manager, RecallOutcome.NOT_PURSUED)
    settle_recall(recall=entry("B"), outcome=RecallOutcome.AUDIT, reason="", by=local, at=LATER)
    reader, hours = an_officer(Role.INSPECTORATE), WorkingHours(time_zone="Europe/Riga")
    report = integrity_report(start=NOW, end=NOW + timedelta(days=1), hours=hours, by=reader, at=LATER)
    (screening,) = [one for one in report.screenings if one.kind is Kind.RECALL_SETTLED]
    (found,) = screening.findings
    assert (screening.tested, found.officer, found.party, found.office) == (2, manager.login, "BROKER", "MAIN")
    assert found.evidence == (f"recall:{entry()}", "A")
    assert found.figures[0].expected == 0.0
    early = integrity_report(start=NOW - timedelta(days=1), end=NOW, hours=hours, by=reader, at=LATER)
    assert [one.tested for one in early.screenings if one.kind is Kind.RECALL_SETTLED] == [0]


@pytest.mark.usefixtures("standing")
def test_the_inspectorate_reads_the_list_and_settles_nothing() -> None:
    inspector = an_officer(Role.INSPECTORATE)
    assert len(read_recalls(by=inspector, at=LATER)) == 2
    with pytest.raises(NotAllowedError):
        settled(inspector)


@pytest.mark.usefixtures("standing")
def test_the_audit_follows_a_recall_from_listing_to_settling() -> None:
    assert named() == []
    settled(boss(), RecallOutcome.NOT_PURSUED, "eaten by now")
    assert named() == []
    for change in ({"settled_reason": "sold"}, {"settled_as": "audit"}, {"channel": "green"}, {"settled_at": None}):
        before = Recall.objects.filter(pk=entry()).values(*change).get()
        Recall.objects.filter(pk=entry()).update(**change)
        assert named() == [f"recall:{entry()}"], change
        Recall.objects.filter(pk=entry()).update(**before)
    assert named() == []


@pytest.mark.usefixtures("standing")
def test_a_recall_listed_when_only_its_number_had_an_event_is_held_by_the_chain_once_it_is_settled() -> None:
    body = Recall.objects.get(declaration_id="A").body
    old = Recall.objects.create(declaration_id="A", channel="red", cause="old", body=body, listed_at=NOW)
    AuditEvent.objects.filter(record="recalls:profile P-SECRET@1 active").update(record="recalled:old")
    assert named() == []
    Recall.objects.filter(pk=old.pk).update(settled_at=LATER, settled_as="audit")
    assert named() == [f"recall:{old.pk}"]
    Recall.objects.filter(pk=old.pk).update(settled_at=None, settled_as="")
    settle_recall(recall=old.pk, outcome=RecallOutcome.UNDER_CONTROL, reason="in the yard", by=boss(), at=LATER)
    assert named() == []
    Recall.objects.create(declaration_id="B", channel="red", cause="new", body=body, listed_at=LATER)
    assert len(named()) == 1


@pytest.mark.usefixtures("standing")
def test_goods_on_the_list_are_kept_until_they_are_settled() -> None:
    after = NOW + timedelta(days=400)
    assert AGED_RECORDS["declaration"](after) == []
    settled(boss())
    assert [key for key, _ in AGED_RECORDS["declaration"](after)] == ["A"]


@pytest.mark.usefixtures("standing")
def test_the_list_is_read_and_settled_over_the_api(client: Client) -> None:
    calling.forget_tokens()
    use(Service(clock=lambda: LATER))
    manager = {"Authorization": f"Bearer {a_token(officer=boss().login)}"}
    listed = client.get("/api/v1/recalls?state=open", headers=manager)
    (told,) = json.loads(listed.content)["entries"]
    assert (told["declaration_id"], told["office"], told["cause"], told["reasons"]) == ("A", "MAIN", None, None)
    assert "P-SECRET" not in listed.content.decode()
    address = f"/api/v1/recalls/{told['number']}/settle"
    statuses = []
    for said in (
        {"outcome": "sold"},
        {"outcome": "not_pursued"},
        {"outcome": "not_pursued", "reason": "eaten by now"},
        {},
    ):
        body = said or {"outcome": "audit"}
        statuses.append(client.post(address, body, content_type="application/json", headers=manager).status_code)
    assert statuses == [422, 422, 200, 409]
    reader = {"Authorization": f"Bearer {a_token(officer=analyst().login)}"}
    (done,) = json.loads(client.get("/api/v1/recalls?state=settled", headers=reader).content)["entries"]
    assert (done["outcome"], done["outcome_reason"], done["cause"]) == (
        "not_pursued",
        "eaten by now",
        "profile P-SECRET@1 active",
    )
    assert client.get("/api/v1/recalls?state=lost", headers=reader).status_code == 422
    use(Service())
