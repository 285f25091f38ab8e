"""Requests for control: goods in flight are controlled at once, those declared later as they come."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.office import an_officer
from tests.service_world import KEYS, NOW, history, lodged, published

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.audit.auditing import verify
from tidewaiter.actions.decisions.events import record_events
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.decisions.replaying import replay_decision
from tidewaiter.actions.decisions.requests import (
    RequestText,
    Source,
    SubjectKind,
    confirm_request_end,
    end_request,
    raise_request,
    read_request,
    seen_requests,
)
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.actions.packing import unpacked
from tidewaiter.actions.retention.aged_records import AGED_RECORDS
from tidewaiter.actions.retention.purged_records import going, remove
from tidewaiter.core.channel import Channel
from tidewaiter.core.decision import ReasonKind
from tidewaiter.core.decision_json import decision_from_json
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import Classification, ControlRequest, Decision, Declaration, Officer, Recall

pytestmark = pytest.mark.django_db

LINE = "Weigh the goods and take a sample."
EXPIRES = NOW + timedelta(days=30)


def a_text(kind: SubjectKind = SubjectKind.DECLARATION, subject: str = "A", **more: Any) -> RequestText:
    said: dict[str, Any] = {
        "source": Source.MUTUAL_ASSISTANCE,
        "source_reference": "MA-2024-17",
        "asked_by": "Customs of Westland",
        "legal_basis": "Agreement on mutual assistance, Article 9",
        "subject_kind": kind,
        "subject": subject,
        "channel": Channel.RED,
        "instruction": LINE,
        "reason": "undervaluation suspected abroad",
    }
    return RequestText(**said | more)


def raised(standing: Standing, text: RequestText, by: Officer | None = None) -> ControlRequest:
    officer = by or an_officer(Role.INTELLIGENCE_OFFICER)
    return raise_request(text=text, expires_at=EXPIRES, standing=standing, keys=KEYS, by=officer, at=NOW)


def decided(standing: Standing, number: str, **fields: Any) -> dict[str, Any]:
    (answer,) = decide_group(standing, KEYS, [(lodged(number, **fields), SERVICE)], NOW)
    found: dict[str, Any] = json.loads(answer.text)
    return found


def channel(number: str) -> str:
    return Declaration.objects.get(pk=number).channel


def reasons(number: str) -> set[tuple[ReasonKind, str]]:
    latest = Decision.objects.filter(declaration_id=number).order_by("-ordinal")[0]
    whole = decision_from_json(json.loads(unpacked(latest.body))["decision"])
    return {(one.kind, one.code) for one in whole.reasons if one.fired}


@pytest.fixture
def standing(tmp_path: Path) -> Standing:
    """Return a service that selects nothing but a random sample."""
    return published(history(tmp_path / "lake"))


def test_a_declaration_in_flight_is_controlled_at_once(standing: Standing) -> None:
    decided(standing, "A")
    decided(standing, "B")
    before = channel("B")
    made = raised(standing, a_text())
    assert (channel("A"), channel("B")) == ("red", before)
    assert (ReasonKind.REQUEST, made.reference) in reasons("A")
    told = json.loads(Decision.objects.get(pk=Declaration.objects.get(pk="A").decision_id).answer)
    assert LINE in told["items"][0]["instructions"]
    assert made.reference not in json.dumps(told)


@pytest.mark.parametrize(
    ("kind", "subject", "fields"),
    [
        (SubjectKind.DOCUMENT, "bl77", {"previous_document": "BL77"}),
        (SubjectKind.CONTAINER, "mscu1234566", {"containers": ["MSCU1234566"]}),
    ],
)
def test_goods_under_a_document_or_in_a_container_are_controlled_now_and_when_declared_later(
    standing: Standing, kind: SubjectKind, subject: str, fields: dict[str, Any]
) -> None:
    decided(standing, "A", **fields)
    decided(standing, "OTHER", previous_document="BL1", containers=["TGHU7654321"])
    other = channel("OTHER")
    made = raised(standing, a_text(kind, subject))
    later = decided(standing, "C", **fields)
    assert (channel("A"), channel("OTHER"), later["channel"]) == ("red", other, "red")
    assert (ReasonKind.REQUEST, made.reference) in reasons("C")


def test_a_request_comes_before_the_declaration_it_names(standing: Standing) -> None:
    raised(standing, a_text(channel=Channel.ORANGE, items=(2, 7)))
    told = decided(standing, "A", items=2)
    assert told["channel"] in ("orange", "red")
    lines = {item["item_number"]: item["instructions"] for item in told["items"]}
    assert (LINE in lines[1], LINE in lines[2]) == (False, True)


def test_a_decision_that_rests_on_a_request_is_replayed(standing: Standing) -> None:
    decided(standing, "A")
    raised(standing, a_text())
    number = Declaration.objects.get(pk="A").decision_id
    reader = an_officer(Role.INSPECTORATE)
    found = replay_decision(decision_id=number, lake=None, catalogue=standing.catalogue, by=reader, at=NOW)
    assert found.identical


def test_released_goods_are_listed_for_recall(standing: Standing) -> None:
    decided(standing, "A")
    before = channel("A")
    record_events(events=[{"kind": "released", "occurred_at": NOW, "declaration_id": "A"}], by=SERVICE, at=NOW)
    made = raised(standing, a_text())
    assert channel("A") == before
    if before != "red":
        assert Recall.objects.get().cause == f"request {made.reference}"


def test_two_persons_end_a_request_and_no_channel_falls(standing: Standing) -> None:
    spy, boss = an_officer(Role.INTELLIGENCE_OFFICER), an_officer(Role.RISK_MANAGER)
    decided(standing, "A")
    reference = raised(standing, a_text(SubjectKind.DOCUMENT, "BL77"), spy).reference
    with pytest.raises(ConflictError):
        confirm_request_end(reference=reference, agreed=True, by=boss, at=NOW)
    end_request(reference=reference, outcome="partner withdrew it", by=spy, at=NOW)
    with pytest.raises(NotAllowedError):
        confirm_request_end(reference=reference, agreed=True, by=spy, at=NOW)
    confirm_request_end(reference=reference, agreed=False, by=spy, at=NOW)
    assert ControlRequest.objects.get().ended_by is None
    decided(standing, "B", previous_document="BL77")
    end_request(reference=reference, outcome="partner withdrew it", by=spy, at=NOW)
    confirm_request_end(reference=reference, agreed=True, by=boss, at=NOW)
    assert channel("B") == "red"
    decided(standing, "C", previous_document="BL88")
    assert (ReasonKind.REQUEST, reference) not in reasons("C")
    with pytest.raises(ConflictError):
        end_request(reference=reference, outcome="again", by=spy, at=NOW)


def test_an_expired_request_asks_for_nothing(standing: Standing) -> None:
    made = raised(standing, a_text())
    ControlRequest.objects.update(expires_at=NOW)
    decided(standing, "A")
    assert (ReasonKind.REQUEST, made.reference) not in reasons("A")


def test_everything_wrong_with_a_request_is_told_at_once(standing: Standing) -> None:
    wrong = a_text(
        SubjectKind.CONTAINER, " ", source_reference="", asked_by=" ", legal_basis="", channel=Channel.BLUE,
        instruction="", reason="", items=(1,), controls=("",), rank=7,
    )  # fmt: skip
    with pytest.raises(InputError) as refused:
        raise_request(
            text=wrong, expires_at=NOW, standing=standing, keys=KEYS, by=an_officer(Role.RISK_MANAGER), at=NOW
        )
    assert {one.place.file for one in refused.value.problems if one.place} == {
        "subject", "source_reference", "asked_by", "legal_basis", "channel", "instruction", "reason", "items",
        "controls", "rank", "expires_at",
    }  # fmt: skip


def test_a_request_above_the_clearance_is_not_there(standing: Standing) -> None:
    Classification.objects.create(rank=2, code="S", label="secret")
    cleared = an_officer(Role.INTELLIGENCE_OFFICER, clearance=2)
    low = an_officer(Role.RISK_MANAGER, clearance=1)
    made = raised(standing, a_text(rank=2), cleared)
    assert not seen_requests(low).exists()
    with pytest.raises(NotKnownError):
        read_request(reference=made.reference, by=low, at=NOW)
    with pytest.raises(NotKnownError):
        end_request(reference=made.reference, outcome="none", by=low, at=NOW)
    with pytest.raises(NotAllowedError):
        raised(standing, a_text(rank=2), low)
    assert read_request(reference=made.reference, by=cleared, at=NOW) == made


def test_the_audit_finds_a_request_that_was_changed(standing: Standing) -> None:
    decided(standing, "A")
    made = raised(standing, a_text())
    record = f"request:{made.reference}"
    assert record not in {one.record for one in verify().findings}
    ControlRequest.objects.update(subject="B")
    assert record in {one.record for one in verify().findings}


def test_a_request_is_kept_for_a_period_after_its_end_and_then_goes(standing: Standing) -> None:
    made = raised(standing, a_text())
    assert AGED_RECORDS["request"](EXPIRES) == []
    assert [key for key, _ in AGED_RECORDS["request"](EXPIRES + timedelta(days=1))] == [made.reference]
    remove(list(going([f"request:{made.reference}"])))
    assert not ControlRequest.objects.exists()
