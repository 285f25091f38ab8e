"""The audit chain finds whatever was changed, taken away or put elsewhere."""

from datetime import timedelta

import pytest
from django.db import transaction
from tests.office import NOON

from tidewaiter.storage.records.audit import Entry, append, chain_problems, salted
from tidewaiter.storage.records.models import AuditEvent, AuditSalt, ChainHead

pytestmark = pytest.mark.django_db


def _three() -> list[AuditEvent]:
    for number in range(3):
        with transaction.atomic():
            append(
                [Entry(actor="officer:1", action="profile.draft", record=f"profile:P{number}@1", content=b"text")],
                at=NOON + timedelta(minutes=number),
            )
    return list(AuditEvent.objects.order_by("sequence"))


def test_a_chain_as_written_has_no_problem() -> None:
    assert chain_problems(_three()) == []


def test_an_altered_event_is_named() -> None:
    _three()
    AuditEvent.objects.filter(sequence=2).update(actor="officer:2")
    assert any("event 2" in problem for problem in chain_problems(AuditEvent.objects.order_by("sequence")))


def test_a_missing_event_is_named() -> None:
    _three()
    AuditEvent.objects.filter(sequence=2).delete()
    assert "missing: event 2" in chain_problems(AuditEvent.objects.order_by("sequence"))


def test_events_that_changed_places_are_found() -> None:
    _three()
    one, two = AuditEvent.objects.order_by("sequence")[:2]
    AuditEvent.objects.filter(sequence__in=(1, 2)).delete()
    one.sequence, two.sequence = 2, 1
    AuditEvent.objects.bulk_create([one, two])
    assert chain_problems(AuditEvent.objects.order_by("sequence"))


def test_the_salt_and_the_content_give_the_digest_and_nothing_else_does() -> None:
    event = _three()[0]
    salt = bytes(AuditSalt.objects.get(sequence=event.sequence).salt)
    assert salted(salt, b"text") == event.digest
    assert salted(salt, b"Text") != event.digest


def test_the_head_is_that_of_the_last_event() -> None:
    events = _three()
    head = ChainHead.objects.get()
    assert (head.sequence, head.hash) == (3, events[-1].hash)
