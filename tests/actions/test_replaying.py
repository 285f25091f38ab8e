"""A stored decision recomputed: identical, or what differs; and the auditor's check of a day's draw."""

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.office import an_officer
from tests.service_world import CATALOGUE, KEYS, NOW, ON, OneKey, a_profile, history, lodged, published

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.audit.draw_checking import DrawCheck, verify_draw
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.decisions.replaying import replay_decision
from tidewaiter.actions.draws import check_keys
from tidewaiter.actions.packing import packed, unpacked
from tidewaiter.core.errors import InputError
from tidewaiter.core.role import Role
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.records.models import Decision

pytestmark = pytest.mark.django_db


def _world(folder: Path) -> Lake:
    a_profile("VN-1", "origin = 'VN' AND importer_declarations_365d > 3", probability=0.5)
    lake = history(folder / "lake")
    standing = published(lake)
    group = [
        lodged("A", previous_document="BL1"),
        lodged("B", previous_document="BL1", origin="CN"),
        lodged("C", containers=["MSCU1234566"]),
        lodged("D"),
        lodged("A", previous_document="BL1", origin="TH"),
    ]
    decide_group(standing, KEYS, [(one, SERVICE) for one in group], NOW)
    return lake


def test_a_decision_replays_identically(tmp_path: Path) -> None:
    lake = _world(tmp_path)
    analyst = an_officer(Role.ANALYST)
    for stored in Decision.objects.all():
        found = replay_decision(decision_id=stored.pk, lake=lake, catalogue=CATALOGUE, by=analyst, at=NOW)
        assert found.identical
        assert found.facts == ()


def test_a_changed_decision_is_found_with_its_place(tmp_path: Path) -> None:
    lake = _world(tmp_path)
    stored = Decision.objects.filter(declaration_id="D").get()
    body = json.loads(unpacked(stored.body))
    body["decision"]["channel"] = "blue"
    stored.body = packed(json.dumps(body))
    stored.save()
    found = replay_decision(decision_id=stored.pk, lake=lake, catalogue=CATALOGUE, by=an_officer(Role.ANALYST), at=NOW)
    assert not found.identical
    assert any(one.place == "decision.channel" and one.then == "blue" for one in found.routing)


def _check(keys: OneKey = KEYS) -> DrawCheck:
    inspector = an_officer(Role.INSPECTORATE)
    key, zone = keys.day_key(ON), ZoneInfo("UTC")
    return verify_draw(day=ON, key=key, zone=zone, catalogue=CATALOGUE, by=inspector, at=NOW)


def test_the_draw_of_a_day_is_right(tmp_path: Path) -> None:
    _world(tmp_path)
    check = _check()
    assert check.discrepancies == ()
    assert (check.declarations, check.decisions) == (4, 5)


def test_another_key_is_not_the_one_that_was_lodged(tmp_path: Path) -> None:
    _world(tmp_path)
    assert any("is not the key" in one for one in _check(OneKey(b"other")).discrepancies)


def test_a_declaration_taken_out_of_the_sample_is_found(tmp_path: Path) -> None:
    _world(tmp_path)
    stored = Decision.objects.filter(declaration_id="D").get()
    body = json.loads(unpacked(stored.body))
    body["decision"]["in_random_sample"] = not body["decision"]["in_random_sample"]
    stored.body = packed(json.dumps(body))
    stored.save()
    assert any("declaration D" in one for one in _check().discrepancies)


def test_goods_drawn_by_another_identity_are_found(tmp_path: Path) -> None:
    _world(tmp_path)
    stored = Decision.objects.filter(declaration_id="B").get()
    body = json.loads(unpacked(stored.body))
    body["decision"]["draw_identity"] = "BL2"
    stored.body = packed(json.dumps(body))
    stored.save()
    assert any("drawn by 'BL2'" in one for one in _check().discrepancies)


def test_keys_of_another_pair_are_refused_before_anything_is_decided(tmp_path: Path) -> None:
    _world(tmp_path)
    check_keys(KEYS)
    with pytest.raises(InputError, match=f"key of {ON}"):
        check_keys(OneKey(b"other"))
