"""What decisions leave in the records is held by their events: marks, queues, draws, feed, recalls, what was met."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from tests.office import an_officer
from tests.service_world import KEYS, NOW, ON, a_profile, history, lodged, published

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.audit.auditing import verify
from tidewaiter.actions.decisions.consignments import assess
from tidewaiter.actions.decisions.events import record_events
from tidewaiter.actions.decisions.flight import Asked, recall, redecide_all
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.actions.examinations.overrides import raise_channel
from tidewaiter.actions.retention.purged_records import going, remove
from tidewaiter.actions.retention.purging import tombstones_content
from tidewaiter.core.channel import Channel
from tidewaiter.core.role import Role
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.records import models
from tidewaiter.storage.records.audit import Entry, append, record_digest

pytestmark = pytest.mark.django_db

BOX, WATCHED = "MSCU1234566", "CSQU3054383"
LATER = NOW + timedelta(hours=1)
KINDS = ("decision", "declaration", "load", "draw-mark", "recall", "match", "matches")


def named() -> set[str]:
    """Return the records of these kinds that verifying names."""
    return {one.record for one in verify().findings if one.record.partition(":")[0] in KINDS}


def lookout(action: str, box: str) -> models.Lookout:
    """Put a lookout for a container in the records; to monitor is covert."""
    return models.Lookout.objects.create(
        reference=f"L-{models.Lookout.objects.count() + 1}",
        kind="container",
        subject={"values": [box], "names": []},
        action=action,
        covert=action == "monitor",
        reason="seen",
        contact="duty officer",
        raised_by=an_officer(Role.INTELLIGENCE_OFFICER),
        raised_at=NOW,
        valid_from=NOW,
        expires_at=NOW + timedelta(days=30),
    )


def lodge(standing: Standing, number: str, **fields: Any) -> None:
    """Have one declaration decided."""
    decide_group(standing, KEYS, [(lodged(number, **fields), SERVICE)], NOW)


@pytest.fixture
def world(tmp_path: Path) -> Standing:
    """Take decisions that leave traces of every kind."""
    a_profile("P-1", "origin = 'KP'", channel="yellow")
    lookout("monitor", WATCHED)
    lookout("examine", BOX)
    standing = published(history(tmp_path / "lake"))
    lodge(standing, "D1", origin="FR", previous_document="BL-1", containers=[WATCHED])
    lodge(standing, "D2", origin="FR", containers=[BOX])
    lodge(standing, "D1", origin="KP", previous_document="BL-1", containers=[WATCHED])
    lodge(standing, "D3", origin="FR", previous_document="BL-3")
    _release(standing, tmp_path / "lake")
    filing = {"consignment_id": "BL-9", "filed_at": NOW, "description": "toys", "version": None}
    assess(rows=[filing], standing=standing, keys=KEYS, by=SERVICE, at=NOW)
    boss = an_officer(Role.MANAGER, office="MAIN")
    raise_channel(
        declaration="D1", channel=Channel.RED, reason_code="SEALS", reason="broken", policy=standing.content.policy,
        on=ON, by=boss, at=NOW,
    )  # fmt: skip
    return standing


def _release(standing: Standing, lake: Path) -> None:
    gone = {"kind": "released", "occurred_at": NOW, "declaration_id": "D3"}
    record_events(events=[gone], by=SERVICE, at=NOW)
    lodge(standing, "D3", origin="KP", previous_document="BL-3")
    lodge(standing, "D4", origin="FR")
    record_events(events=[gone | {"declaration_id": "D4"}], by=SERVICE, at=NOW)
    a_profile("P-2", "origin = 'FR'", channel="yellow")
    after = published(Lake.open(lake))
    recall(standing=after, news=None, numbers=["D4"], keys=KEYS, cause="late news", by=SERVICE, at=LATER)


@pytest.mark.usefixtures("world")
def test_what_decisions_left_agrees_with_their_events() -> None:
    assert models.Rise.objects.count() >= 2
    assert models.Recall.objects.count() == 2
    assert models.LookoutMatch.objects.count() == 2
    assert models.DrawIdentity.objects.filter(mark="document BL-9").exists()
    assert named() == set()


def _plant_rise() -> object:
    one = models.Decision.objects.get(declaration_id="D2")
    return models.Rise.objects.create(
        cursor=10_000, decision=one, declaration_id="D2", before="green", after="red", at=NOW
    )


def _plant_recall() -> object:
    return models.Recall.objects.create(
        declaration_id="D2", channel="red", cause="late news", body=b"", listed_at=LATER
    )


def _plant_mark(version: int) -> object:
    return models.Mark.objects.create(
        kind="document", value="BL-1", declaration_id="D2", version=version, lodged_on=ON, lodged_at=NOW
    )


def _plant_draw() -> object:
    return models.DrawIdentity.objects.create(mark="document BL-77", identity="BL-77", day=ON, last_on=ON)


def _plant_match(noted: str) -> object:
    return models.LookoutMatch.objects.create(
        lookout=models.Lookout.objects.get(covert=True), declaration_id="D2", version=1, certainty="exact",
        value="x", met_at=LATER, noted=noted,
    )  # fmt: skip


def _settle() -> object:
    return models.LookoutMatch.objects.filter(lookout__covert=False).update(state="cleared", reason="none")


def _noted() -> str:
    return models.LookoutMatch.objects.filter(lookout__covert=True)[0].noted


CHANGES: list[tuple[str, Callable[[], object]]] = [
    ("decision", lambda: models.Rise.objects.filter(kind="rise").update(before="blue")),
    ("decision", lambda: models.Rise.objects.filter(kind="rise").update(cursor=F("cursor") + 1_000)),
    ("decision", lambda: models.Rise.objects.filter(kind="rise").delete()),
    ("decision", _plant_rise),
    ("declaration", lambda: models.Rise.objects.filter(kind="override").update(after="green")),
    ("declaration", lambda: models.Rise.objects.filter(kind="override").delete()),
    ("declaration", lambda: models.Rise.objects.filter(kind="override").update(kind="lapsed")),
    ("decision", lambda: models.Mark.objects.filter(kind="document", declaration_id="D1").update(value="BL-0")),
    ("decision", lambda: models.Mark.objects.filter(declaration_id="D1", version=2).delete()),
    ("decision", lambda: models.Mark.objects.filter(declaration_id="D2").update(lodged_on=date(2020, 1, 1))),
    ("decision", lambda: _plant_mark(1)),
    ("decision", lambda: _plant_mark(7)),
    ("decision", lambda: _plant_mark(0)),
    ("decision", lambda: models.Decision.objects.filter(declaration_id="D2").update(counted_on=None)),
    ("declaration", lambda: models.Declaration.objects.filter(pk="D2").update(identity="D1")),
    ("load", lambda: models.Load.objects.update(minutes=F("minutes") + 5)),
    ("load", lambda: models.Load.objects.update(counts={"green": 1})),
    ("load", lambda: models.Load.objects.all().delete()),
    ("load", lambda: models.Load.objects.create(day=ON, office="ELSEWHERE", shift="", counts={})),
    ("draw-mark", lambda: models.DrawIdentity.objects.filter(mark="document BL-1").update(identity="BL-0")),
    ("draw-mark", lambda: models.DrawIdentity.objects.filter(mark=f"container {BOX}").update(day=date(2024, 3, 1))),
    ("draw-mark", lambda: models.DrawIdentity.objects.filter(mark="document BL-3").delete()),
    ("draw-mark", lambda: models.DrawIdentity.objects.filter(mark="document BL-9").delete()),
    ("draw-mark", _plant_draw),
    ("recall", lambda: models.Recall.objects.filter(declaration_id="D3").delete()),
    ("recall", lambda: models.Recall.objects.filter(declaration_id="D4").update(channel="green")),
    ("recall", lambda: models.Recall.objects.update(settled_at=NOW, settled_as="audited")),
    ("recall", _plant_recall),
    ("matches", lambda: models.LookoutMatch.objects.filter(lookout__covert=True).delete()),
    ("matches", lambda: models.LookoutMatch.objects.filter(lookout__covert=False).delete()),
    ("matches", lambda: models.LookoutMatch.objects.update(value="another")),
    ("matches", lambda: models.LookoutMatch.objects.update(noted="")),
    ("matches", lambda: _plant_match("")),
    ("matches", lambda: _plant_match("MN-NEVER")),
    ("matches", lambda: _plant_match(_noted())),
    ("match", _settle),
]


@pytest.mark.slow
@pytest.mark.usefixtures("world")
def test_what_is_changed_planted_or_deleted_beside_decisions_is_named() -> None:
    assert named() == set()
    assert [(place, kind) for place, (kind, change) in enumerate(CHANGES) if not _shows(kind, change)] == []


def _shows(kind: str, change: Callable[[], object]) -> bool:
    """Tell whether verifying names a record of that kind once it was changed; the change is taken back."""
    with transaction.atomic():
        change()
        shown = any(one.startswith(f"{kind}:") for one in named())
        transaction.set_rollback(True)
    return shown


@pytest.mark.usefixtures("world")
def test_what_was_met_is_never_in_what_verifying_says() -> None:
    hidden = {*models.LookoutMatch.objects.values_list("reference", flat=True), WATCHED, "covert", "L-1"}
    before = {one.text for one in verify().findings}
    models.LookoutMatch.objects.filter(lookout__covert=True).delete()
    (told,) = {one.text for one in verify().findings} - before
    assert told.startswith("matches:")
    assert not any(one in told for one in hidden)


def test_nobody_can_tell_a_group_in_which_a_covert_lookout_was_met(tmp_path: Path) -> None:
    lookout("monitor", WATCHED)
    standing = published(history(tmp_path / "lake"))
    seen = []
    for number, box in (("D0", "TGHU7654321"), ("D1", WATCHED), ("D2", BOX)):
        before = models.AuditEvent.objects.count()
        with CaptureQueriesContext(connection) as asked:
            lodge(standing, number, containers=[box])
        events = models.AuditEvent.objects.filter(pk__gt=before).order_by("pk")
        shapes = [
            (one.actor, one.action, one.record.partition(":")[0], len(one.record), len(one.digest), one.at)
            for one in events
        ]
        seen.append((shapes, [one["sql"].partition(" ")[0] for one in asked.captured_queries]))
    assert models.LookoutMatch.objects.filter(declaration_id="D1").count() == 1
    assert seen[1] == seen[2]
    assert seen[0][0] == seen[1][0]


def test_an_asking_of_goods_in_flight_looks_the_same_whether_a_covert_lookout_is_met_or_not(tmp_path: Path) -> None:
    before = published(history(tmp_path / "lake"))
    lodge(before, "D1", containers=[WATCHED])
    asked = Asked.within(before.content, before.force, before.on)
    seen = []
    for box in ("TGHU7654321", WATCHED):
        with transaction.atomic():
            lookout("monitor", box)
            after = published(Lake.open(tmp_path / "lake"))
            last = models.AuditEvent.objects.count()
            redecide_all(standing=after, before=asked, keys=KEYS, cause="routine", clock=lambda: NOW)
            events = models.AuditEvent.objects.filter(pk__gt=last).order_by("pk")
            seen.append([(one.actor, one.action, one.record.partition(":")[0], len(one.digest)) for one in events])
            met = models.LookoutMatch.objects.filter(declaration_id="D1").count()
            clean = named() == set()
            transaction.set_rollback(True)
    assert (met, clean) == (1, True)
    assert seen[0] == seen[1]


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("record", ["declaration:D1", "declaration:D3", "lookout:L-1", "consignment:BL-9"])
def test_after_a_purge_what_is_left_still_agrees(record: str) -> None:
    with transaction.atomic():
        gone = list(going([record]))
        remove(gone)
        for part in gone[0].parts:
            models.Tombstone.objects.create(record_digest=record_digest(part), kind="x", rule="r", purge="P", at=NOW)
        content = tombstones_content("P")
        append([Entry(actor="test", action="purge.apply", record="tombstones:P", content=content)], at=LATER)
    assert named() == set()
