"""Long work of others holds no transaction: on SQLite every decision would wait for its end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from tests.office import an_officer
from tests.service_world import CATALOGUE, KEYS, NOW, ON, history, lodged, published

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.audit.draw_checking import verify_draw
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.decisions.replaying import replay_decision
from tidewaiter.actions.lake import copying
from tidewaiter.actions.lake.copying import copy_to_lake
from tidewaiter.core.role import Role
from tidewaiter.storage.lake.ingest.run import ingest_file
from tidewaiter.storage.records.models import AuditEvent, Decision

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def _held() -> Iterator[list[bool]]:
    """Tell for each statement whether it ran within a transaction."""
    held: list[bool] = []

    def note(execute: Callable[..., object], *given: object) -> object:
        held.append(connection.in_atomic_block)
        return execute(*given)

    with connection.execute_wrapper(note):
        yield held


def test_checking_a_day_and_replaying_read_outside_a_transaction(tmp_path: Path) -> None:
    lake = history(tmp_path / "lake")
    decide_group(published(lake), KEYS, [(lodged("A"), SERVICE)], NOW)
    inspector, stored, key = an_officer(Role.INSPECTORATE), Decision.objects.get(), KEYS.day_key(ON)
    with _held() as held:
        verify_draw(day=ON, key=key, zone=ZoneInfo("UTC"), catalogue=CATALOGUE, by=inspector, at=NOW)
        replay_decision(decision_id=stored.pk, lake=lake, catalogue=CATALOGUE, by=an_officer(Role.ANALYST), at=NOW)
    before_any = held.index(True) if True in held else len(held)  # events are written by the driver, unseen here
    assert before_any > 5
    assert AuditEvent.objects.filter(action__in=("draw.verify", "decision.replay")).count() == 2


def test_the_lake_is_written_outside_a_transaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = history(tmp_path / "lake")
    decide_group(published(lake), KEYS, [(lodged("A"), SERVICE)], NOW)
    seen: list[bool] = []
    ingest = ingest_file

    def watched(*given: Any, **named: Any) -> object:
        seen.append(connection.in_atomic_block)
        return ingest(*given, **named)

    monkeypatch.setattr(copying, "ingest_file", watched)
    copy_to_lake(lake=lake.folder, by=SERVICE, at=NOW)
    assert seen == [False]
