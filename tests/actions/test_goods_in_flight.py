"""What arrives later reaches goods in flight: channels rise and never fall, released goods are listed."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.office import an_officer
from tests.service_world import KEYS, NOW, ON, a_profile, history, lodged, published

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.decisions.events import record_events
from tidewaiter.actions.decisions.flight import Asked, redecide_all
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import (
    Act,
    Decision,
    Declaration,
    Lookout,
    LookoutMatch,
    Recall,
    Rise,
    TrustedTrader,
)

pytestmark = pytest.mark.django_db


def a_lookout(value: str, *, action: str = "examine", kind: str = "container") -> Lookout:
    return Lookout.objects.create(
        reference=f"L-{Lookout.objects.count() + 1}",
        kind=kind,
        subject={"values": [value], "names": []},
        action=action,
        covert=action == "monitor",
        instruction="Open the container.",
        reason="From a report",
        contact="duty officer",
        raised_by=an_officer(Role.INTELLIGENCE_OFFICER),
        raised_at=NOW,
        valid_from=NOW,
        expires_at=NOW + timedelta(days=30),
    )


def _decided(standing: Standing, *numbers: str, **fields: Any) -> None:
    decide_group(standing, KEYS, [(lodged(number, **fields), SERVICE) for number in numbers], NOW)


def _again(before: Standing, after: Standing) -> None:
    asked = Asked.within(before.content, before.force, before.on)
    redecide_all(standing=after, before=asked, keys=KEYS, cause="lookout raised", clock=lambda: NOW)


def test_a_new_lookout_raises_a_declaration_in_flight(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    before = published(lake)
    _decided(before, "A", containers=["MSCU1234566"])
    _decided(before, "B", containers=["TGHU7654321"])
    a_lookout("MSCU1234566")
    _again(before, published(lake))
    assert Declaration.objects.get(pk="A").channel == "red"
    rise = Rise.objects.get()
    assert (rise.declaration_id, rise.after) == ("A", "red")
    told = json.loads(rise.decision.answer)
    assert "Open the container." in told["items"][0]["instructions"]


@pytest.mark.parametrize(("action", "listed"), [("monitor", []), ("examine", ["lookout raised"])])
def test_a_covert_lookout_of_released_goods_lists_nothing_for_recall(
    tmp_path: Path, action: str, listed: list[str]
) -> None:
    lake = history(tmp_path / "lake")
    before = published(lake)
    _decided(before, "A", containers=["MSCU1234566"])
    record_events(events=[{"kind": "released", "occurred_at": NOW, "declaration_id": "A"}], by=SERVICE, at=NOW)
    a_lookout("MSCU1234566", action=action)
    _again(before, published(lake))
    assert [one.cause for one in Recall.objects.all()] == listed


def test_asking_again_changes_nothing(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    before = published(lake)
    _decided(before, "A", containers=["MSCU1234566"])
    a_lookout("MSCU1234566")
    after = published(lake)
    _again(before, after)
    _again(before, after)
    assert Decision.objects.filter(declaration_id="A").count() == 2


def test_a_profile_that_is_gone_lowers_nothing(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    profile = a_profile("VN-1", "origin = 'VN'")
    before = published(lake)
    _decided(before, "A")
    profile.status = "retired"
    profile.save()
    a_profile("VN-2", "origin = 'VN'", channel="yellow")
    _again(before, published(lake))
    assert Declaration.objects.get().channel == "red"


def test_a_covert_lookout_is_met_and_changes_nothing(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    before = published(lake)
    _decided(before, "A", containers=["MSCU1234566"])
    a_lookout("MSCU1234566", action="monitor")
    _again(before, published(lake))
    assert Rise.objects.count() == 0
    assert LookoutMatch.objects.get().declaration_id == "A"


@pytest.mark.parametrize("told", [NOW, NOW.replace(year=2001)])
def test_goods_of_which_the_release_just_came_are_listed_whatever_moment_it_tells(
    told: datetime, tmp_path: Path
) -> None:
    lake = history(tmp_path / "lake")
    before = published(lake)
    _decided(before, "A", containers=["MSCU1234566"])
    channel = Declaration.objects.get().channel
    released = {"kind": "released", "occurred_at": told, "declaration_id": "A"}
    record_events(events=[released], by=SERVICE, at=NOW)
    a_lookout("MSCU1234566")
    _again(before, published(lake))
    assert Declaration.objects.get().channel == channel
    assert (Recall.objects.get().declaration_id, Recall.objects.get().channel) == ("A", "red")
    assert before.on == ON


def test_goods_of_a_trader_whose_status_is_suspended_are_asked_again(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    a_profile("VN-1", "origin = 'VN'")
    trader = TrustedTrader.objects.create(
        party_code="I1",
        number=1,
        kind="AEOF",
        scope="both",
        valid_from=ON,
        by=an_officer(Role.RISK_MANAGER),
        at=NOW,
    )
    before = published(lake)
    _decided(before, *(f"T{number}" for number in range(12)))
    trader.suspended = True
    trader.save()
    _again(before, published(lake))
    assert set(Declaration.objects.values_list("channel", flat=True)) == {"red"}


def test_an_amendment_of_released_goods_opens_nothing_and_is_listed(tmp_path: Path) -> None:
    a_profile("CN-1", "origin = 'CN'")
    standing = published(history(tmp_path / "lake"))
    _decided(standing, "A")
    released = {"kind": "released", "occurred_at": NOW, "declaration_id": "A"}
    record_events(events=[released], by=SERVICE, at=NOW)
    _decided(standing, "A", origin="CN")
    assert not Act.objects.exclude(state="closed").exists()
    assert Recall.objects.get().cause == "amended after its release"
