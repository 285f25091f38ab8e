"""Goods met again are drawn by all that they were drawn by before, and the auditor finds whoever meddles with it."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.office import an_officer
from tests.service_world import CATALOGUE, KEYS, NOW, ON, history, lodged, published

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.audit.draw_checking import DrawCheck, verify_draw
from tidewaiter.actions.decisions.deciding import Lodged
from tidewaiter.actions.decisions.flight import redecide
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.draws import lodge_key
from tidewaiter.actions.packing import packed, to_json, unpacked
from tidewaiter.core.role import Role
from tidewaiter.engines.selection.draw import Draw
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.records.models import Decision, Declaration, DrawIdentity, Lodgement, Mark

pytestmark = pytest.mark.django_db

BOX, OTHER_BOX = "MSCU1234566", "CSQU3054383"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return history(tmp_path / "lake")


def after(days: int) -> date:
    return ON + timedelta(days=days)


def decided(lake: Lake, number: str, documents: str = "", days: int = 0, **fields: Any) -> Declaration:
    """Lodge a declaration with an item for each document so many days after the first."""
    named: list[str | None] = [*documents.split()] or [None]
    rows = lodged(number, items=len(named), **fields).rows
    items = tuple({**row, "previous_document": one} for row, one in zip(rows, named, strict=True))
    at = NOW + timedelta(days=days)
    decide_group(published(lake, after(days)), KEYS, [(Lodged(number, None, items), SERVICE)], at)
    return Declaration.objects.get(pk=number)


def beside(number: str) -> list[list[str]]:
    body = json.loads(unpacked(Decision.objects.filter(declaration_id=number).order_by("-ordinal")[0].body))
    found: list[list[str]] = body["decision"]["circumstances"]["drawn_beside"]
    return found


def check(day: date = ON) -> DrawCheck:
    inspector = an_officer(Role.INSPECTORATE)
    at = datetime.combine(day, NOW.timetz()) + timedelta(days=40)
    return verify_draw(day=day, key=KEYS.day_key(day), zone=ZoneInfo("UTC"), catalogue=CATALOGUE, by=inspector, at=at)


def test_goods_under_two_documents_are_drawn_by_both_and_the_strictest_counts(lake: Lake) -> None:
    decided(lake, "A", "BL-A")
    decided(lake, "B", "BL-B", 1)
    third = decided(lake, "C", "BL-B BL-A", 2)
    assert (third.identity, third.draw_day, beside("C")) == ("BL-A", ON, [["BL-B", after(1).isoformat()]])
    draws = json.loads(unpacked(Decision.objects.get(declaration_id="C").body))["decision"]["draws"]
    by_day = (Draw(KEYS.day_key(ON), "BL-A"), Draw(KEYS.day_key(after(1)), "BL-B"))
    assert draws["random"] == min(one.fraction("random") for one in by_day)
    for days in range(2):
        found = check(after(days))
        assert (found.discrepancies, found.declarations) == ((), 2)


def test_a_document_hands_on_its_draw_for_the_days_of_the_policy_and_no_longer(lake: Lake) -> None:
    decided(lake, "A", "BL-A")
    assert decided(lake, "B", "BL-A", 90).draw_day == ON
    assert decided(lake, "C", "BL-A", 91).draw_day == after(91)
    assert [*check().discrepancies, *check(after(91)).discrepancies] == []
    assert DrawIdentity.objects.filter(mark="document BL-A").count() == 2


def test_a_document_named_beside_a_known_one_or_by_an_amendment_is_drawn_for(lake: Lake) -> None:
    decided(lake, "A", "OLD")
    decided(lake, "B", "OLD NEW", 1)
    decided(lake, "C", "FIRST", 1)
    decided(lake, "C", "FIRST SECOND", 2)
    assert (beside("B"), beside("C")) == ([["NEW", after(1).isoformat()]], [["SECOND", after(2).isoformat()]])
    assert Declaration.objects.get(pk="C").identity == "FIRST"
    for days in range(3):
        assert check(after(days)).discrepancies == ()


def test_what_is_decided_again_keeps_all_its_draws(lake: Lake) -> None:
    decided(lake, "A", "BL-A")
    decided(lake, "B", "BL-B", 1)
    decided(lake, "C", "BL-A BL-B", 2)
    Declaration.objects.update(held_by=["plant health"])
    standing, at = published(lake, after(3)), NOW + timedelta(days=3)
    redecide(standing=standing, news=None, numbers=["C"], keys=KEYS, cause="hold", by=SERVICE, at=at)
    assert Decision.objects.filter(declaration_id="C").count() == 2
    assert beside("C") == [["BL-B", after(1).isoformat()]]
    assert [*check().discrepancies, *check(after(1)).discrepancies] == []


def test_goods_drawn_by_fewer_of_their_documents_than_they_name_are_found(lake: Lake) -> None:
    decided(lake, "A", "BL-A")
    decided(lake, "B", "BL-B", 1)
    decided(lake, "C", "BL-A BL-B", 2)
    stored = Decision.objects.get(declaration_id="C")
    body = json.loads(unpacked(stored.body))
    body["decision"]["circumstances"]["drawn_beside"] = []
    stored.body = packed(to_json(body))
    stored.save()
    for days in range(2):
        assert any("was also drawn by nothing else" in line for line in check(after(days)).discrepancies)


def test_a_planted_mark_of_a_day_whose_key_is_open_is_found_on_both_days(lake: Lake) -> None:
    opened = after(-40)
    lodge_key(day=opened, keys=KEYS, by=SERVICE, at=NOW)
    DrawIdentity.objects.create(mark="document NEW", identity="HARMLESS", day=opened, last_on=opened)
    assert decided(lake, "A", "NEW").draw_day == opened
    assert "document NEW hands on 'HARMLESS' of 2024-01-24, which nothing received explains" in (
        check(opened).discrepancies
    )
    assert any("A" in line and "never received" in line for line in check(opened).discrepancies)
    assert "declaration A: was received and no draw is stored for it" in check().discrepancies


def test_a_planted_mark_is_found_before_anybody_has_used_it(lake: Lake) -> None:
    decided(lake, "A", "BL-A")
    DrawIdentity.objects.create(mark="container MSCU7", identity="BL-A", day=ON, last_on=after(35))
    assert check().discrepancies == ("container MSCU7 hands on 'BL-A' of 2024-03-04, which nothing received explains",)


def test_a_mark_taken_away_so_that_goods_are_drawn_again_is_found(lake: Lake) -> None:
    decided(lake, "A", "BL-A", containers=[BOX])
    DrawIdentity.objects.filter(mark="document BL-A").delete()
    Mark.objects.filter(value=BOX).delete()
    assert set(check().discrepancies) == {
        "document BL-A no longer hands on 'BL-A' of 2024-03-04",
        f"declaration A: names container {BOX}, under which it is not found again",
    }
    assert decided(lake, "B", "BL-A", 1).draw_day == after(1)
    assert any("B" in line for line in check(after(1)).discrepancies)


@pytest.mark.slow
def test_the_check_of_a_day_reads_what_its_marks_lead_to_and_nothing_else(lake: Lake) -> None:
    decided(lake, "A", "BL-A", containers=[BOX])
    decided(lake, "B", "BL-B", 20, containers=[BOX])
    decided(lake, "C", "BL-B", 60, containers=[OTHER_BOX])
    assert Declaration.objects.get(pk="C").draw_day == ON
    decided(lake, "FAR", "BL-F", 2)
    decided(lake, "LATER", "BL-A", 200)
    Lodgement.objects.filter(declaration_id__in=("FAR", "LATER")).update(rows=b"unreadable")
    found = check()
    assert (found.discrepancies, found.declarations) == ((), 3)


@pytest.mark.slow
def test_goods_of_a_chain_of_containers_are_found_right_on_every_day(lake: Lake) -> None:
    decided(lake, "A", "B1", containers=[BOX])
    decided(lake, "B", "B2", 25, containers=[BOX, OTHER_BOX])
    decided(lake, "C", "B3", 50, containers=[OTHER_BOX])
    decided(lake, "D", "B3 B1", 80)
    assert beside("B") == [["B2", after(25).isoformat()]]
    assert beside("D") == [["B2", after(25).isoformat()]]
    for days in (0, 25, 50, 80):
        assert check(after(days)).discrepancies == ()
