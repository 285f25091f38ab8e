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

from tidewaiter.storage.records.asking import ask, held_until_the_end, say
from tidewaiter.storage.records.inserting import insert_values
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
    found = ask(f"SELECT sequence, hash FROM records_chainhead WHERE id = 1{held_until_the_end()}", ())
    if not found:
        ChainHead.objects.get_or_create(pk=1)
        return lock_chain()
    ((sequence, previous),) = found
    return ChainHead(1, sequence, previous)


def append(entries: Sequence[Entry], *, at: datetime, head: ChainHead | None = None) -> list[AuditEvent]:
    """Add events at the end of the chain, in their order, and return them. Must be called within a transaction."""
    return [AuditEvent(**dict(zip(_EVENT, event, strict=True))) for event in _written(entries, at, head)]


def append_many(entries: Sequence[Entry], *, at: datetime, head: ChainHead) -> range:
    """Add events as `append` does, at the end that is held; return their numbers."""
    _written(entries, at, head)
    return range(head.sequence - len(entries) + 1, head.sequence + 1)


_EVENT = ("sequence", "at", "actor", "action", "record", "digest", "previous", "hash")

type _Event = tuple[int, datetime, str, str, str, str, str, str]
"""The values of an event, in the order of its fields."""


def _written(entries: Sequence[Entry], at: datetime, head: ChainHead | None) -> list[_Event]:
    if not connection.in_atomic_block:
        msg = "audit events are written in the transaction of what they record"
        raise RuntimeError(msg)
    head = head or lock_chain()
    instant = at.astimezone(UTC).isoformat(timespec="microseconds")
    events: list[_Event] = []
    salts: list[tuple[int, bytes]] = []
    sequence, previous = head.sequence, head.hash
    for entry in entries:
        sequence += 1
        digest = ""
        if entry.content is not None:
            salt = secrets.token_bytes(16)
            salts.append((sequence, salt))
            digest = salted(salt, entry.content)
        own = hash_of_text(sequence, instant, entry.actor, entry.action, entry.record, digest, previous)
        events.append((sequence, at, entry.actor, entry.action, entry.record, digest, previous, own))
        previous = own
    insert_values(AuditEvent, _EVENT, events)
    insert_values(AuditSalt, ("sequence", "salt"), salts)
    head.sequence, head.hash = sequence, previous
    say("UPDATE records_chainhead SET sequence = %s, hash = %s WHERE id = 1", (sequence, previous))
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


def record_digest(record: str) -> str:
    """Return what stands for a record's reference in tombstones and purge lists: SHA-256, hexadecimal."""
    return hashlib.sha256(record.encode("utf-8", "surrogatepass")).hexdigest()
