"""What each office's shift was given so far: the queue that routing reads and every decision moves."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.core.channel import Channel
from tidewaiter.core.decision import Capacity, Decision, Queue
from tidewaiter.storage.records import models
from tidewaiter.storage.records.asking import among, ask, texts
from tidewaiter.storage.records.inserting import put_values

type LoadKey = tuple[date, str, str]
"""Day, office and name of the shift (empty where the policy names none)."""


_SHIFT = ("day", "office", "shift")
_LOAD = ("counts", "minutes", "reserved")


@dataclass(slots=True)
class Loads:
    """The queue of each shift that a group touches, moving as the group is decided."""

    queues: dict[LoadKey, Queue]

    @classmethod
    def of(cls, standing: Standing, offices: Iterable[str], at: datetime) -> "Loads":
        """Read the loads of the offices' shifts at that instant."""
        keys: dict[LoadKey, int | None] = {}
        for office in offices:
            key, minutes = load_key(standing, office, at)
            keys[key] = minutes
        held: dict[LoadKey, _Load] = {}
        for on in {day for day, _, _ in keys}:
            marks = [connection.ops.adapt_datefield_value(on), texts({office for _, office, _ in keys})]
            held |= {(on, office, shift): load for office, shift, *load in ask(_LOADS.format(among=among()), marks)}
        return cls({key: _queue(held.get(key), minutes) for key, minutes in keys.items()})

    @staticmethod
    def keep(queues: Mapping[LoadKey, Queue]) -> None:
        """Write the loads that decisions moved, each as the last of them left it."""
        rows = [
            (*key, {channel.value: count for channel, count in queue.counts.items()},
             queue.minutes_committed, queue.reserved_committed)
            for key, queue in queues.items()
        ]  # fmt: skip
        put_values(models.Load, (*_SHIFT, *_LOAD), rows, _SHIFT, _LOAD)


def load_key(standing: Standing, office: str, at: datetime) -> tuple[LoadKey, int | None]:
    """Return what the load of an office's shift is kept under, and its minutes (None: no cut-off).

    A shift that runs past midnight belongs to the day on which it began.
    """
    local = at.astimezone(standing.zone)
    shift = standing.shift_at(office, at)
    if shift is None:
        return (local.date(), office, ""), None
    began_yesterday = shift.starts >= shift.ends and local.time() < shift.ends
    day = local.date() - timedelta(days=1) if began_yesterday else local.date()
    return (day, office, shift.name), shift.minutes


_LOADS = "SELECT office, shift, counts, minutes, reserved FROM records_load WHERE day = %s AND office {among}"

type _Load = Sequence[Any]
"""Counts by channel (JSON), minutes committed, and those of the reserve, as the records hold them."""


def _queue(load: _Load | None, minutes: int | None) -> Queue:
    if load is None:
        return Queue(minutes_available=minutes)
    counts, committed, reserved = load
    return Queue(
        counts={Channel(name): int(count) for name, count in json.loads(counts).items()},
        minutes_committed=committed,
        reserved_committed=reserved,
        minutes_available=minutes,
    )


def without(queue: Queue, before: Decision | None) -> Queue:
    """Return the queue as if a declaration counted in it had not come: decided again, it is counted once."""
    if before is None:
        return queue
    counts = dict(queue.counts)
    counts[before.channel] = max(0, counts.get(before.channel, 0) - 1)
    ordinary = before.minutes if before.capacity is Capacity.WITHIN else 0
    reserved = before.minutes if before.capacity is Capacity.RESERVED else 0
    return Queue(
        counts=counts,
        minutes_committed=max(0, queue.minutes_committed - ordinary),
        reserved_committed=max(0, queue.reserved_committed - reserved),
        minutes_available=queue.minutes_available,
    )
