"""A declaration that is lodged again after its purge is another one: decided, drawn, raised and audited for itself."""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.office import an_officer
from tests.service_world import CATALOGUE, KEYS, NOW, ON, a_profile, history, lodged, published

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.audit.auditing import verify
from tidewaiter.actions.audit.draw_checking import verify_draw
from tidewaiter.actions.decisions.events import record_events
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.decisions.replaying import replay_decision
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.actions.examinations.overrides import raise_channel
from tidewaiter.actions.retention.purge_lists import applied_lists, purge_again
from tidewaiter.actions.retention.purging import apply_purge, approve_purge, make_purge
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import NotKnownError
from tidewaiter.core.role import Role
from tidewaiter.storage.attachments import Attachments
from tidewaiter.storage.records import models

pytestmark = pytest.mark.django_db

PURGED_AT = NOW + timedelta(hours=1)
AGAIN_AT = NOW + timedelta(hours=2)


@pytest.fixture
def standing(tmp_path: Path) -> Standing:
    """Have D1 and D2 decided, raised and released; both under one document."""
    a_profile("VN-1", "origin = 'VN'", channel="yellow", probability=0.5)
    found = published(history(tmp_path / "lake"))
    lodge(found, NOW, "D1", "D2")
    return found


def lodge(standing: Standing, at: datetime, *numbers: str) -> list[str]:
    """Have declarations decided, raised and released; return the numbers of their decisions."""
    group = [(lodged(number, previous_document="BL-1"), SERVICE) for number in numbers]
    taken = [answer.current_decision for answer in decide_group(standing, KEYS, group, at)]
    for number in numbers:
        raise_channel(
            declaration=number, channel=Channel.RED, reason_code="SEALS", reason="broken",
            policy=standing.content.policy, on=ON, by=an_officer(Role.MANAGER, office="MAIN"), at=at,
        )  # fmt: skip
        gone = {"kind": "released", "occurred_at": at, "declaration_id": number}
        record_events(events=[gone], by=SERVICE, at=at)
    return taken


def purge(*numbers: str, at: datetime = PURGED_AT) -> None:
    models.Act.objects.update(state="closed", closed_at=at)
    for kept in (models.Lodgement, models.Event, models.Result):
        kept.objects.update(copied_at=at)
    records = [f"declaration:{number}" for number in numbers]
    officer = an_officer(Role.PRIVACY_OFFICER)
    made = make_purge(records=records, reason="past its period", by=officer, at=at)
    approve_purge(number=made.pk, by=an_officer(Role.INSPECTORATE), at=at)
    apply_purge(number=made.pk, by=officer, at=at)


def named() -> list[str]:
    """Return what verifying names of what was decided; the world of the tests has profiles without events."""
    kinds = ("decision", "declaration", "act", "event", "override", "draw-mark", "load", "matches", "result")
    return sorted(one.text for one in verify().findings if one.record.partition(":")[0] in kinds)


def test_what_is_lodged_under_a_purged_number_gets_a_decision_of_its_own(standing: Standing) -> None:
    (before,) = models.Decision.objects.filter(declaration_id="D1").values_list("pk", flat=True)
    assert named() == []
    purge("D1")
    assert named() == []
    (again,) = lodge(standing, AGAIN_AT, "D1")
    assert again != before
    assert models.Decision.objects.get(pk=again).ordinal == 1
    assert named() == []
    decide_group(standing, KEYS, [(lodged("D1", origin="FR"), SERVICE)], AGAIN_AT)
    assert sorted(models.Decision.objects.filter(declaration_id="D1").values_list("ordinal", flat=True)) == [1, 2]
    assert named() == []


def test_it_is_purged_and_lodged_as_often_as_it_comes(standing: Standing) -> None:
    seen = set(models.Decision.objects.values_list("pk", flat=True))
    for turn in range(1, 4):
        purge("D1", "D2", at=NOW + timedelta(hours=2 * turn - 1))
        again = set(lodge(standing, NOW + timedelta(hours=2 * turn), "D1", "D2"))
        assert len(again) == 2
        assert not again & seen
        seen |= again
        assert named() == []


def test_it_is_replayed_and_the_purged_decision_is_not(standing: Standing) -> None:
    inspector = an_officer(Role.INSPECTORATE)
    before = models.Declaration.objects.get(pk="D1").decision_id
    purge("D1")
    (again,) = lodge(standing, AGAIN_AT, "D1")
    assert replay_decision(decision_id=again, lake=None, catalogue=CATALOGUE, by=inspector, at=AGAIN_AT).identical
    with pytest.raises(NotKnownError, match="not replayable: purged"):
        replay_decision(decision_id=before, lake=None, catalogue=CATALOGUE, by=inspector, at=AGAIN_AT)


@pytest.mark.parametrize("gone", [("D1",), ("D1", "D2")])
def test_its_draw_is_checked_as_any_other(standing: Standing, gone: tuple[str, ...]) -> None:
    purge(*gone)
    lodge(standing, AGAIN_AT, *gone)
    found = verify_draw(
        day=ON, key=KEYS.day_key(ON), zone=ZoneInfo("UTC"), catalogue=CATALOGUE, by=an_officer(Role.INSPECTORATE),
        at=NOW + timedelta(days=1),
    )  # fmt: skip
    assert (found.decisions, found.discrepancies) == (2, ())


def test_a_backup_made_since_brings_it_back_and_one_made_before_the_purge_brings_back_nothing(
    standing: Standing, tmp_path: Path
) -> None:
    lake, store = tmp_path / "none", Attachments(tmp_path / "files")
    purge("D1")
    lodge(standing, AGAIN_AT, "D1")
    assert purge_again(applied_lists(), lake=lake, store=store, at=AGAIN_AT) == 0
    assert models.Declaration.objects.filter(pk="D1").exists()
    models.Declaration.objects.filter(pk="D1").update(received_at=NOW)
    assert purge_again(applied_lists(), lake=lake, store=store, at=AGAIN_AT) == 1
    assert not models.Declaration.objects.filter(pk="D1").exists()


def test_what_is_changed_in_it_is_named_as_in_any_other(standing: Standing) -> None:
    purge("D1")
    (again,) = lodge(standing, AGAIN_AT, "D1")
    models.Decision.objects.filter(pk=again).update(selection_probability=0.9)
    models.Rise.objects.filter(declaration_id="D1", kind="override").update(after="green")
    found = {one.record for one in verify().findings}
    assert {f"decision:{again}", "declaration:D1"} <= found


def test_a_salt_taken_from_it_behind_the_services_back_is_no_purge(standing: Standing) -> None:
    purge("D1")
    lodge(standing, AGAIN_AT, "D1")
    raised = models.AuditEvent.objects.filter(record="declaration:D1", action="change.override").latest("pk")
    models.AuditSalt.objects.filter(sequence=raised.pk).delete()
    assert [text for text in named() if "no purge took it" in text]
