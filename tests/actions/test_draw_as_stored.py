"""What the auditor checks is what was stored: nothing may depend on more than the stored decision says."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.office import an_officer
from tests.service_world import CATALOGUE, KEYS, NOW, ON, a_profile, history, lodged, published

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.audit.auditing import verify
from tidewaiter.actions.audit.draw_checking import verify_draw
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.draws import lodge_key
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import Decision

pytestmark = pytest.mark.django_db


def test_a_profile_of_two_channels_is_found_right_whatever_order_its_stored_outcomes_have(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    version = a_profile("VN-1", "origin = 'VN'", channel="yellow", probability=0.5, status="draft")
    version.text += "  - channel: blue\n    probability: 0.5\n"
    version.status = "active"
    version.save()
    decide_group(published(lake), KEYS, [(lodged(f"D{number}"), SERVICE) for number in range(20)], NOW)
    assert set(Decision.objects.values_list("channel", flat=True)) >= {"yellow", "blue"}
    inspector = an_officer(Role.INSPECTORATE)
    found = verify_draw(
        day=ON,
        key=KEYS.day_key(ON),
        zone=ZoneInfo("UTC"),
        catalogue=CATALOGUE,
        by=inspector,
        at=NOW + timedelta(days=1),
    )
    assert found.decisions == 20
    assert found.discrepancies == ()


def test_checking_a_day_leaves_what_was_lodged_for_it_as_it_is(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    a_profile("VN-1", "origin = 'VN'")
    lodge_key(day=ON, keys=KEYS, by=SERVICE, at=NOW)
    decide_group(published(lake), KEYS, [(lodged("D1"), SERVICE)], NOW)
    inspector = an_officer(Role.INSPECTORATE)
    verify_draw(day=ON, key=KEYS.day_key(ON), zone=ZoneInfo("UTC"), catalogue=CATALOGUE, by=inspector, at=NOW)
    assert not [finding for finding in verify().findings if f"draw:{ON}" in finding.text]
