"""What a profile version in shadow would have met is counted day by day."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from tests.office import a_token, an_officer
from tests.service_world import KEYS, NOW, ON, a_profile, history, lodged, published

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.decisions.shadowing import ShadowDay, shadow_days
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.core.errors import InputError, NotAllowedError, NotKnownError
from tidewaiter.core.role import Role
from tidewaiter.faces.api import calling
from tidewaiter.faces.api.service import Service, use
from tidewaiter.storage.records.models import AuditEvent, Decision, Officer, ProfileVersion

pytestmark = pytest.mark.django_db


def told(day: ShadowDay) -> tuple[int, int, int, int]:
    """Return the counts of a day."""
    return day.decisions, day.met, day.added, day.declarations


def counted(number: int = 1, *, by: Officer | None = None, start: date = ON, end: date = ON) -> list[ShadowDay]:
    reader = by or an_officer(Role.ANALYST)
    return shadow_days(code="WATCHED", number=number, start=start, end=end, by=reader, at=NOW)


def decided(standing: Standing, *numbers: str, **fields: Any) -> None:
    decide_group(standing, KEYS, [(lodged(number, **fields), SERVICE) for number in numbers], NOW)


def test_it_is_counted_what_it_would_have_met_and_what_nothing_else_selected(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    a_profile("SELECTS", "office = 'PORT'")
    a_profile("WATCHED", "origin = 'VN'", status="shadow")
    standing = published(lake)
    decided(standing, "D1", "D2", items=2)
    decided(standing, "D3", office="PORT")
    decided(standing, "D4", origin="CN")
    green = Decision.objects.filter(declaration_id__in=["D1", "D2"], channel="green").count()
    (day,) = counted()
    assert (day.on, *told(day)) == (ON, 4, 3, green, 3)


def test_a_version_beside_the_active_one_of_its_code_is_counted_by_its_number(tmp_path: Path) -> None:
    a_profile("WATCHED", "origin = 'CN'")
    a_profile("WATCHED", "origin = 'VN'", status="shadow", number=2)
    decided(published(history(tmp_path / "lake")), "D1", "D2")
    assert [told(day)[:2] for day in counted(2)] == [(2, 2)]
    assert counted(1) == []


def test_decisions_of_a_time_when_it_did_not_run_in_shadow_are_not_counted(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    version = a_profile("WATCHED", "origin = 'VN'", status="draft")
    decided(published(lake), "D1")
    ProfileVersion.objects.filter(pk=version.pk).update(status="shadow")
    decided(published(lake), "D2")
    assert [told(day)[:2] for day in counted()] == [(1, 1)]
    assert counted(start=ON + timedelta(days=1), end=ON + timedelta(days=2)) == []


def test_an_analyst_of_one_office_counts_its_decisions_only(tmp_path: Path) -> None:
    a_profile("WATCHED", "origin = 'VN'", status="shadow")
    standing = published(history(tmp_path / "lake"))
    decided(standing, "D1", office="MAIN")
    decided(standing, "D2", office="PORT")
    here = an_officer(Role.ANALYST, office="PORT")
    assert [day.named for day in counted(by=here)] == [{"D2"}]


def test_the_count_needs_the_clearance_of_the_version_and_its_reading_is_recorded(tmp_path: Path) -> None:
    version = a_profile("WATCHED", "origin = 'VN'", status="shadow")
    ProfileVersion.objects.filter(pk=version.pk).update(rank=2)
    decided(published(history(tmp_path / "lake")), "D1")
    with pytest.raises(NotAllowedError, match="clearance"):
        counted(by=an_officer(Role.ANALYST, clearance=1))
    with pytest.raises(NotAllowedError):
        counted(by=an_officer(Role.EXAMINER, clearance=2))
    reader = an_officer(Role.ANALYST, clearance=2)
    assert len(counted(by=reader)) == 1
    last = AuditEvent.objects.latest("sequence")
    assert (last.actor, last.action, last.record) == (reader.reference, "profile.read", version.reference)


def test_over_the_api_the_last_week_is_told_where_no_days_are_asked_for(tmp_path: Path, client: Client) -> None:
    a_profile("WATCHED", "origin = 'VN'", status="shadow")
    decided(published(history(tmp_path / "lake")), "D1")
    calling.forget_tokens()
    use(Service(clock=lambda: NOW))
    token = a_token(officer=an_officer(Role.ANALYST).login)
    headers = {"Authorization": f"Bearer {token}"}
    address = "/api/v1/profiles/WATCHED/versions/1/shadow/days"
    try:
        answer = client.get(address, headers=headers)
        refused = client.get(address, {"start": "2024-03-01", "end": "2024-03-31"}, headers=headers)
    finally:
        use(Service())
        calling.forget_tokens()
    (day,) = answer.json()
    assert (day["on"], day["decisions"], day["met"], day["declarations"]) == (ON.isoformat(), 1, 1, 1)
    assert refused.status_code == 422


def test_a_version_that_is_not_there_and_too_long_a_period_are_refused() -> None:
    with pytest.raises(NotKnownError):
        counted()
    with pytest.raises(InputError, match="7 days"):
        counted(end=ON + timedelta(days=7))
    with pytest.raises(InputError):
        counted(end=ON - timedelta(days=1))
