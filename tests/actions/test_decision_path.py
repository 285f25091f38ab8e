"""The decision path where things meet: news and covert lookouts, overrides, events, shifts, midnight, the lake."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.office import an_officer
from tests.service_world import CATALOGUE, KEYS, NOW, ON, a_profile, history, lodged, published

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.audit.draw_checking import DrawCheck, verify_draw
from tidewaiter.actions.decisions.consignments import assess
from tidewaiter.actions.decisions.events import record_events
from tidewaiter.actions.decisions.flight import Asked, redecide_all
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.decisions.replaying import replay_decision
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.actions.operation.working import Worker
from tidewaiter.actions.profiles.publishing import latest_publication, republish
from tidewaiter.core.role import Role
from tidewaiter.storage.lake.lock import locked
from tidewaiter.storage.records.models import (
    Decision,
    Declaration,
    Load,
    Lookout,
    LookoutMatch,
    Override,
    TrustedTrader,
)

pytestmark = pytest.mark.django_db

BOX = "MSCU1234566"


def a_lookout(values: list[str], *, names: list[str] | None = None, **more: Any) -> Lookout:
    given = {"kind": "container", "action": "examine", "valid_from": NOW, "expires_at": NOW + timedelta(days=30)} | more
    return Lookout.objects.create(
        reference=f"L-{Lookout.objects.count() + 1}",
        subject={"values": values, "names": names or []},
        covert=given["action"] == "monitor",
        instruction="Open the container.",
        reason="From a report",
        contact="duty officer",
        raised_by=an_officer(Role.INTELLIGENCE_OFFICER),
        raised_at=NOW,
        **given,
    )


def _decided(standing: Standing, *numbers: str, at: datetime = NOW, **fields: Any) -> None:
    decide_group(standing, KEYS, [(lodged(number, **fields), SERVICE) for number in numbers], at)


def _again(before: Standing, after: Standing) -> None:
    asked = Asked.within(before.content, before.force, before.on)
    redecide_all(standing=after, before=asked, keys=KEYS, cause="news", clock=lambda: NOW)


def _event(kind: str, at: datetime = NOW, number: str = "A", **more: object) -> None:
    record_events(events=[{"kind": kind, "occurred_at": at, "declaration_id": number, **more}], by=SERVICE, at=NOW)


def test_a_covert_lookout_has_nothing_decided_again(tmp_path: Path) -> None:
    a_profile("MANY-1", "importer_same_day >= 1")
    lake = history(tmp_path / "lake")
    before = published(lake)
    _decided(before, "A", containers=[BOX])
    _decided(before, "B", lodged_at=NOW - timedelta(hours=2))
    channel = Declaration.objects.get(pk="A").channel
    a_lookout([BOX], action="monitor")
    _again(before, published(lake))
    assert LookoutMatch.objects.get().declaration_id == "A"
    assert Declaration.objects.get(pk="A").channel == channel
    assert Decision.objects.filter(declaration_id="A").count() == 1


@pytest.mark.slow
def test_a_lookout_for_what_the_manifest_names_reaches_goods_in_flight(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    before = published(lake)
    filing = {"consignment_id": "BL1", "filed_at": NOW, "consignee_code": "SMUGGLER", "version": None}
    assess(rows=[filing], standing=before, keys=KEYS, by=SERVICE, at=NOW)
    _decided(before, "A", previous_document="BL1")
    a_lookout(["SMUGGLER"], kind="party")
    _again(before, published(lake))
    assert Declaration.objects.get().channel == "red"


@pytest.mark.slow
def test_a_profile_about_the_manifest_reaches_goods_in_flight(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    before = published(lake)
    filing = {"consignment_id": "BL1", "filed_at": NOW, "description": "fireworks", "version": None}
    assess(rows=[filing], standing=before, keys=KEYS, by=SERVICE, at=NOW)
    _decided(before, "A", previous_document="BL1")
    a_profile("MF-1", "has_word(manifest_description, 'fireworks')")
    _again(before, published(lake))
    assert Declaration.objects.get().channel == "red"


def test_a_hold_of_an_agency_raises_a_declaration_in_flight(tmp_path: Path) -> None:
    before = published(history(tmp_path / "lake"))
    _decided(before, *(f"A{number}" for number in range(9)))
    (number, *_) = Declaration.objects.filter(channel="green").values_list("pk", flat=True)
    _event("agency_hold", number=number, detail="plant health")
    worker = Worker(tmp_path / "lake", CATALOGUE, KEYS, lambda: NOW)
    worker.turn()
    assert Declaration.objects.get(pk=number).channel == "yellow"


def test_a_hold_that_came_before_the_declaration_counts(tmp_path: Path) -> None:
    standing = published(history(tmp_path / "lake"))
    numbers = [f"A{number}" for number in range(9)]
    for number in numbers:
        _event("agency_hold", number=number, detail="plant health")
    _decided(standing, *numbers)
    assert not Declaration.objects.filter(channel="green").exists()


def test_a_cancellation_that_came_before_the_declaration_counts(tmp_path: Path) -> None:
    standing = published(history(tmp_path / "lake"))
    _event("cancelled")
    _decided(standing, "A")
    assert not Declaration.objects.get().in_flight


@pytest.mark.slow
def test_what_rose_after_an_override_does_not_fall(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    before = published(lake)
    a_profile("VN-1", "origin = 'VN'")
    standing = published(lake)
    _decided(standing, "A", containers=[BOX])
    _decided(standing, "A", containers=[BOX], net_mass=None)
    declaration = Declaration.objects.get()
    Override.objects.create(
        declaration_id="A",
        decision=Decision.objects.get(pk=declaration.decision_id),
        before="red",
        after="green",
        reason_code="x",
        reason="x",
        state="in force",
        by=an_officer(Role.EXAMINER),
        at=NOW,
    )
    declaration.channel = "green"
    declaration.save()
    lookout = a_lookout([BOX])
    risen = published(lake)
    _again(standing, risen)
    assert Declaration.objects.get().channel == "red"
    lookout.state = "ended"
    lookout.save()
    _decided(published(lake), "A", containers=[BOX], net_mass=None, origin="CN")
    assert Declaration.objects.get().channel == "red"
    assert before.on == ON


@pytest.mark.slow
def test_a_shift_is_not_credited_for_what_another_shift_decided(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    standing = published(lake)
    _decided(standing, *(f"A{number}" for number in range(9)))
    (number, *_) = Declaration.objects.filter(channel="green").values_list("pk", flat=True)
    next_day = published(lake, ON + timedelta(days=1))
    tomorrow = NOW + timedelta(days=1)
    _decided(next_day, "B1", "B2", at=tomorrow)
    counts = Load.objects.get(day=next_day.on).counts
    a_profile("CN-1", "origin = 'CN'")
    risen = published(lake, next_day.on)
    _decided(risen, number, origin="CN", at=tomorrow)
    after = Load.objects.get(day=next_day.on).counts
    assert after == {**counts, "red": counts.get("red", 0) + 1}


def _check(day: date = ON, zone: str = "UTC") -> DrawCheck:
    inspector = an_officer(Role.INSPECTORATE)
    return verify_draw(day=day, key=KEYS.day_key(day), zone=ZoneInfo(zone), catalogue=CATALOGUE, by=inspector, at=NOW)


@pytest.mark.slow
def test_goods_drawn_with_the_day_of_their_filing_are_found_right(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    filing = {"consignment_id": "BL1", "filed_at": NOW, "description": "pipes", "version": None}
    _decided(published(lake), "B", previous_document="BL2")
    assess(rows=[filing], standing=published(lake), keys=KEYS, by=SERVICE, at=NOW)
    next_day = published(lake, ON + timedelta(days=1))
    _decided(next_day, "A", at=NOW + timedelta(days=1), previous_document="BL1")
    assert Declaration.objects.get(pk="A").draw_day == ON
    assert [*_check().discrepancies, *_check(next_day.on).discrepancies] == []


def test_what_comes_while_a_new_day_is_made_ready_is_found_right(tmp_path: Path) -> None:
    standing = published(history(tmp_path / "lake"))
    _decided(standing, "A", at=NOW)
    _decided(standing, "B", at=datetime(2024, 3, 5, 0, 0, 2, tzinfo=UTC))
    assert _check().discrepancies == ()


def test_declarations_are_found_right_in_the_order_of_decision_whatever_their_clocks_said(tmp_path: Path) -> None:
    standing = published(history(tmp_path / "lake"))
    _decided(standing, "B", at=NOW + timedelta(seconds=1), previous_document="BL-B", containers=[BOX])
    _decided(standing, "A", at=NOW, previous_document="BL-A", containers=[BOX])
    assert Declaration.objects.get(pk="A").identity == "BL-B"
    assert _check().discrepancies == ()


@pytest.mark.slow
def test_a_registered_trader_makes_no_difference_of_facts(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    TrustedTrader.objects.create(
        party_code="I1", number=1, kind="AEOF", scope="both", valid_from=ON, by=an_officer(Role.RISK_MANAGER), at=NOW
    )
    _decided(published(lake), "A")
    stored = Decision.objects.get()
    found = replay_decision(decision_id=stored.pk, lake=lake, catalogue=CATALOGUE, by=an_officer(Role.ANALYST), at=NOW)
    assert found.identical
    assert found.facts == ()


@pytest.mark.slow
def test_what_an_older_set_decided_after_the_news_is_asked_again(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    old = published(lake)
    worker = Worker(lake.folder, CATALOGUE, KEYS, lambda: NOW)
    worker.turn()
    a_profile("VN-1", "origin = 'VN'")
    republish(cause="a new profile", by=SERVICE, at=NOW)
    worker.turn()
    _decided(old, *(f"A{number}" for number in range(9)))
    worker.turn()
    assert set(Declaration.objects.values_list("channel", flat=True)) == {"red"}
    publication = latest_publication()
    assert publication is not None
    assert publication.redecided_at is not None


def test_goods_released_after_their_declaration_was_cancelled_hand_their_channel_on(tmp_path: Path) -> None:
    a_profile("CN-1", "origin = 'CN'")
    standing = published(history(tmp_path / "lake"))
    _decided(standing, "A", origin="CN", containers=[BOX])
    _event("cancelled")
    _event("released", NOW + timedelta(minutes=1))
    _decided(standing, "B", origin="VN", containers=[BOX])
    assert Declaration.objects.get(pk="B").channel == "red"


def test_items_in_any_order_are_drawn_and_found_alike(tmp_path: Path) -> None:
    standing = published(history(tmp_path / "lake"))
    one = lodged("A", items=2)
    first, second = ({**row, "previous_document": f"BL{row['item_number']}"} for row in one.rows)
    decide_group(standing, KEYS, [(type(one)("A", None, (second, first)), SERVICE)], NOW)
    assert _check().discrepancies == ()


def test_a_lookout_raised_in_the_evening_west_of_utc_acts_at_once(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    evening = datetime(2024, 3, 5, 2, tzinfo=UTC)
    a_lookout([BOX], valid_from=evening, expires_at=evening + timedelta(hours=3))
    assert evening.astimezone(ZoneInfo("America/New_York")).date() == ON
    _decided(published(lake, ON), "A", containers=[BOX], at=evening)
    assert Declaration.objects.get().channel == "red"


def test_a_lookout_that_ends_in_the_morning_east_of_utc_acts_until_then(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    ends = datetime(2024, 3, 4, 23, tzinfo=UTC)
    morning = date(2024, 3, 5)
    a_lookout([BOX], expires_at=ends)
    assert ends.astimezone(ZoneInfo("Asia/Tokyo")).date() == morning
    _decided(published(lake, morning), "A", containers=[BOX], at=ends - timedelta(hours=1))
    assert Declaration.objects.get().channel == "red"


def test_a_declaration_whose_decisions_were_deleted_is_found(tmp_path: Path) -> None:
    standing = published(history(tmp_path / "lake"))
    _decided(standing, "A", "B")
    Decision.objects.filter(declaration_id="A").delete()
    assert any("declaration A: was received and no draw" in one for one in _check().discrepancies)


@pytest.mark.slow
def test_a_set_that_cannot_be_read_leaves_the_old_in_force_and_is_told_once(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    republish(cause="start", by=SERVICE, at=NOW)
    told: list[str] = []
    worker = Worker(lake.folder, CATALOGUE, KEYS, lambda: NOW, told=lambda done: told.append(done.name))
    worker.turn()
    old = worker.readying.standing().content.digest
    a_profile("BAD-1", "no_such_fact = 1")
    republish(cause="a profile that cannot be read", by=SERVICE, at=NOW)
    worker.turn()
    worker.turn()
    assert worker.readying.standing().content.digest == old
    assert sum("cannot be used" in one for one in told) == 1


def test_an_amendment_of_a_cancelled_declaration_is_refused(tmp_path: Path) -> None:
    standing = published(history(tmp_path / "lake"))
    _decided(standing, "A")
    _event("cancelled")
    (answer,) = decide_group(standing, KEYS, [(lodged("A", origin="CN"), SERVICE)], NOW)
    assert (answer.status, "cancelled" in answer.problem) == ("conflict", True)
    (again,) = decide_group(standing, KEYS, [(lodged("A"), SERVICE)], NOW)
    assert again.status == "repeated"


@pytest.mark.slow
def test_a_day_that_could_not_be_closed_at_once_is_closed_in_a_later_turn(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    republish(cause="start", by=SERVICE, at=NOW)
    clock = [NOW]
    worker = Worker(lake.folder, CATALOGUE, KEYS, lambda: clock[0])
    worker.turn()
    clock[0] = datetime(2024, 3, 5, 0, 1, tzinfo=UTC)
    with locked(lake.folder):
        worker.turn()
    assert lake.snapshot().closed_through != ON
    worker.turn()
    assert lake.snapshot().closed_through == ON
