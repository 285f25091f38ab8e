"""The audit chain: events in one order, each holding the hash of the one before it, checked from end to end.

The hash of an event is SHA-256 over its canonical JSON: sequence, instant, actor, action, record, digest, previous
hash. The digest of content is SHA-256 over a random salt and the content; the salt stands apart, so that a purge can
take it away and nothing can be guessed from what stays.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from json.encoder import encode_basestring

from django.db import connection

from tidewaiter.storage.records.inserting import insert
from tidewaiter.storage.records.models import AuditEvent, AuditSalt, ChainHead

START = "0" * 64
"""What the first event names as the hash before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is to be recorded: who did what to which record, and the content it then had (None: no content)."""

    actor: str
    action: str
    record: str
    content: bytes | None = None


def lock_chain() -> ChainHead:
    """Return the end of the chain, held until the transaction ends: all writers of all processes queue here.

    Must be called within a transaction.
    """
    ChainHead.objects.get_or_create(pk=1)
    return ChainHead.objects.select_for_update().get(pk=1)


def append(entries: Sequence[Entry], *, at: datetime, head: ChainHead | None = None) -> list[AuditEvent]:
    """Add events at the end of the chain, in their order, and return them. Must be called within a transaction."""
    if not connection.in_atomic_block:
        msg = "audit events are written in the transaction of what they record"
        raise RuntimeError(msg)
    head = head or lock_chain()
    events: list[AuditEvent] = []
    salts: list[AuditSalt] = []
    for entry in entries:
        salt = secrets.token_bytes(16)
        event = AuditEvent(
            sequence=head.sequence + 1,
            at=at,
            actor=entry.actor,
            action=entry.action,
            record=entry.record,
            digest="" if entry.content is None else salted(salt, entry.content),
            previous=head.hash,
        )
        event.hash = hash_of(event)
        head.sequence, head.hash = event.sequence, event.hash
        events.append(event)
        if entry.content is not None:
            salts.append(AuditSalt(sequence=event.sequence, salt=salt))
    insert(events)
    insert(salts)
    head.save(update_fields=["sequence", "hash"])
    return events


def salted(salt: bytes, content: bytes) -> str:
    """Return the digest of content under a salt, as hexadecimal."""
    return hashlib.sha256(salt + content).hexdigest()


def hash_of(event: AuditEvent) -> str:
    """Return the hash that the event should have."""
    at = event.at.astimezone(UTC).isoformat(timespec="microseconds")
    return hash_of_text(event.sequence, at, event.actor, event.action, event.record, event.digest, event.previous)


def hash_of_text(sequence: int, at: str, *parts: str) -> str:
    """Return the hash of an event: of the canonical JSON of these parts."""
    written = ",".join(map(encode_basestring, (at, *parts)))
    return hashlib.sha256(f"[{sequence},{written}]".encode()).hexdigest()


def chain_problems(events: Iterable[AuditEvent]) -> list[str]:
    """Return what is wrong with the events given in the order of their numbers from 1: altered, missing, reordered."""
    problems: list[str] = []
    expected, previous = 1, START
    for event in events:
        if event.sequence != expected:
            missing = f"event {expected}" if event.sequence == expected + 1 else f"{expected} to {event.sequence - 1}"
            problems.append(f"missing: {missing}")
        elif event.previous != previous:
            problems.append(f"event {event.sequence} does not follow the event before it: altered or reordered")
        if hash_of(event) != event.hash:
            problems.append(f"event {event.sequence} ({event.action} of {event.record}) was altered")
        expected, previous = event.sequence + 1, event.hash
    return problems
