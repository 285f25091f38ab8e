"""Same-day counts go by the day on which declarations come: a client's own clock moves none of them."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.office import an_officer
from tests.service_world import KEYS, NOW, ON, history, lodged, published

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.decisions.flight import redecide
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.actions.decisions.tracing import trace
from tidewaiter.actions.packing import unpacked
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import Decision, Declaration

pytestmark = pytest.mark.django_db

BOX = "MSCU1234566"


@pytest.fixture
def standing(tmp_path: Path) -> Standing:
    return published(history(tmp_path / "lake"))


def decided(standing: Standing, *numbers: str, at: datetime = NOW, **fields: Any) -> None:
    decide_group(standing, KEYS, [(lodged(number, **fields), SERVICE) for number in numbers], at)


def counts(*numbers: str, fact: str = "importer_same_day") -> list[int]:
    """Return what was counted in the latest decision about each declaration."""
    found = []
    for number in numbers:
        row = Decision.objects.filter(declaration_id=number).order_by("-ordinal")[0]
        found.append(json.loads(unpacked(row.facts))["items"][0][fact])
    return found


def test_a_declaration_dated_back_or_ahead_counts_and_is_counted_on_the_day_it_comes(standing: Standing) -> None:
    for hour, dated in enumerate((-72, -3, 20, 0)):
        at = NOW + timedelta(minutes=hour)
        decided(standing, f"D{hour}", at=at, lodged_at=at + timedelta(hours=dated), containers=[BOX])
    numbers = [f"D{number}" for number in range(4)]
    assert counts(*numbers) == [0, 1, 2, 3]
    assert counts(*numbers, fact="container_same_day") == [0, 1, 2, 3]
    assert Declaration.objects.get(pk="D0").lodged_at == NOW - timedelta(hours=72)


def test_a_backlog_after_an_outage_counts_on_the_day_it_comes_in(standing: Standing) -> None:
    group = [(lodged(f"D{n}", lodged_at=NOW - timedelta(days=3 - n)), SERVICE) for n in range(3)]
    decide_group(standing, KEYS, group, NOW)
    decided(standing, "E", at=NOW + timedelta(hours=1))
    assert counts("D0", "D1", "D2", "E") == [0, 1, 2, 3]


def test_yesterdays_declarations_do_not_count_whatever_they_say(standing: Standing, tmp_path: Path) -> None:
    decided(standing, "A", lodged_at=NOW + timedelta(hours=23))
    decided(standing, "B", at=NOW + timedelta(days=1), lodged_at=NOW + timedelta(hours=23))
    assert counts("A", "B") == [0, 0]


def test_an_amendment_counts_on_the_day_on_which_the_declaration_first_came(standing: Standing) -> None:
    decided(standing, "A", "B", "C")
    tomorrow = NOW + timedelta(days=1)
    decided(standing, "D", at=tomorrow)
    decided(standing, "B", at=tomorrow + timedelta(hours=1), net_mass=None)
    decided(standing, "E", at=tomorrow + timedelta(hours=2))
    assert counts("A", "B", "C", "D", "E") == [0, 1, 2, 0, 1]


def test_what_is_decided_again_counts_as_it_did(standing: Standing) -> None:
    numbers = [f"D{number}" for number in range(4)]
    for minute, number in enumerate(numbers):
        decided(standing, number, at=NOW + timedelta(minutes=minute))
    Declaration.objects.update(held_by=["plant health"])
    redecide(standing=standing, news=None, numbers=numbers, keys=KEYS, cause="hold", by=SERVICE, at=NOW)
    assert Decision.objects.count() > len(numbers)
    assert counts(*numbers) == [0, 1, 2, 3]


def test_the_trace_shows_both_instants_where_their_days_differ(standing: Standing) -> None:
    decided(standing, "A")
    decided(standing, "B", lodged_at=NOW - timedelta(days=2))
    analyst = an_officer(Role.ANALYST)
    plain, back = (
        trace(decision_id=Declaration.objects.get(pk=number).decision_id, by=analyst, at=NOW) for number in "AB"
    )
    assert "received_at" not in plain
    assert back["lodged_at"] == (NOW - timedelta(days=2)).isoformat()
    assert back["received_at"] == NOW.isoformat()
    assert Declaration.objects.get(pk="B").received_on == ON
