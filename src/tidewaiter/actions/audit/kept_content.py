"""Compares what records hold now with the salted digests of the audit chain: what changed behind the service's back.

An event's digest is that of the content its record had then. A `Reading` says, for one kind of record and some
actions, what that content is as the record stands now. Where a record and its salts are gone, a tombstone must say so.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet

from tidewaiter.storage.records.audit import record_digest, salted
from tidewaiter.storage.records.chain import FIELDS, MISSING, Finding, Row, events, row_of
from tidewaiter.storage.records.models import AuditSalt, Tombstone

CHANGED: Final = "changed"
UNRECORDED: Final = "unrecorded"

_PAST_ALL: Final = 2**63

TRIES: Final = 3
"""A difference is looked at again so often, for the record may have been written in between."""

type Contents = Sequence[Collection[bytes]]
"""What the last events of a record should be the digests of, the oldest first; any of several is right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the content that events of a kind of record digested is read again.

    `contents` gives it for keys (what follows the colon in `kind:KEY`), nothing for a key that is not kept. `actions`
    empty: all but `but`. `once`: one event a record. `whole`: as many events as contents, no more. `count` and `every`
    give all records that are kept, None where a record need not have such an event.
    """

    kind: str
    contents: Callable[[Collection[str]], Mapping[str, Contents]]
    actions: frozenset[str] = frozenset()
    but: frozenset[str] = frozenset()
    once: bool = False
    whole: bool = True
    count: Callable[[], int] | None = None
    every: Callable[[], Iterator[str]] | None = None

    def reads(self, action: str) -> bool:
        """Tell whether the content of such an event is read by this."""
        return action in self.actions if self.actions else action not in self.but


type Read[M: Model] = Callable[[M], Collection[bytes]]


def latest[M: Model](
    kind: str,
    held: Callable[[], QuerySet[M]],
    read: Read[M],
    *,
    actions: Collection[str] = (),
    but: Collection[str] = (),
    named: str = "pk",
    once: bool = False,
    required: bool = False,
) -> Reading:
    """Return the reading of records whose latest event tells what they hold now. `named` is the field of their key.

    `required`: every record that is kept has such an event.
    """

    def contents(keys: Collection[str]) -> dict[str, Contents]:
        found = held().filter(**{f"{named}__in": readable(held().model, named, keys)})
        return {str(getattr(record, named)): [read(record)] for record in found}

    def every() -> Iterator[str]:
        return (str(key) for key in held().order_by("pk").values_list(named, flat=True).iterator(2_000))

    return Reading(
        kind=kind,
        contents=contents,
        actions=frozenset(actions),
        but=frozenset(but),
        once=once,
        whole=False,
        count=held().count if required else None,
        every=every if required else None,
    )


def readable(model: type[Model], name: str, keys: Collection[str]) -> list[Any]:
    """Return the keys as the field takes them; what is none of its values is left out."""
    kind: Any = model._meta.pk if name == "pk" else model._meta.get_field(name)  # noqa: SLF001  # documented by Django
    found = []
    for key in keys:
        with suppress(ValidationError):
            found.append(kind.to_python(key))
    return found


@dataclass(slots=True)
class _Purges:
    """Where purges stand in the chain, each asked once."""

    _ends: dict[str, int] = field(default_factory=dict)

    def last_of(self, record: str) -> int:
        """Return the event before which a purge last took a record of that name; 0 where none did."""
        held = Tombstone.objects.filter(record_digest=record_digest(record)).values_list("purge", flat=True)
        return max((self._end(purge) for purge in set(held)), default=0)

    def _end(self, purge: str) -> int:
        """Return the event that holds what went with a purge; past all events where none does, as in old chains."""
        if purge not in self._ends:
            last = events().filter(record=f"tombstones:{purge}").order_by("-sequence").first()
            self._ends[purge] = _PAST_ALL if last is None else last.sequence
        return self._ends[purge]


@dataclass(slots=True)
class Comparison:
    """The comparison under way. `compared` events agree or are named in `findings`; `purged` say nothing any more.

    `not_kept` counts by action the events whose content no record keeps (counts of what a schedule did, and the like).
    """

    readings: Sequence[Reading]
    compared: int = 0
    purged: int = 0
    not_kept: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    _met: Counter[int] = field(default_factory=Counter)
    _places: dict[tuple[str, str], int | None] = field(default_factory=dict)
    _purges: _Purges = field(default_factory=_Purges)

    def look(self, page: Sequence[Row]) -> None:
        """Compare the contents of a page of events."""
        grouped: defaultdict[int, list[Row]] = defaultdict(list)
        for row in page:
            if row.digest:
                place = self._reading_of(row)
                if place is None:
                    self.not_kept[row.action] += 1
                else:
                    grouped[place].append(row)
        salts = _salts(page[0].sequence, page[-1].sequence)
        for place, rows in sorted(grouped.items()):
            reading = self.readings[place]
            if reading.once:
                self._compare(place, _by_record(rows), salts)
            else:
                self._compare_latest(place, rows)

    def look_for_unrecorded(self) -> None:
        """Name the records that no event speaks of. Called after the last page."""
        for place, reading in enumerate(self.readings):
            if reading.count is None or reading.every is None or reading.count() <= self._met[place]:
                continue
            for record in _without_event(reading):
                text = f"{record} has no event: it was written behind the service's back"
                self.findings.append(Finding(kind=UNRECORDED, text=text, record=record))

    def _reading_of(self, row: Row) -> int | None:
        sort = (row.record.partition(":")[0], row.action)
        if sort not in self._places:
            fitting = (n for n, one in enumerate(self.readings) if one.kind == sort[0] and one.reads(row.action))
            self._places[sort] = next(fitting, None)
        return self._places[sort]

    def _compare_latest(self, place: int, rows: Sequence[Row]) -> None:
        """Compare the records whose last event is on this page, each with all its events."""
        reading = self.readings[place]
        here = {row.record: row.sequence for row in rows}
        all_of = _events(reading, here)
        last = {record: held for record, held in all_of.items() if held and held[-1].sequence <= here[record]}
        numbers = [row.sequence for held in last.values() for row in held]
        self._compare(place, last, _salts_of(numbers))

    def _compare(self, place: int, events: Mapping[str, Sequence[Row]], salts: Mapping[int, bytes]) -> None:
        reading = self.readings[place]
        contents = reading.contents([_key(record) for record in events])
        self._met[place] += len(contents)
        for record, held in events.items():
            problem = _difference(record, held, contents.get(_key(record)), salts, reading)
            self.compared += len(held)
            if problem is None:
                continue
            gone = [row for row in held if row.sequence not in salts]
            gone = [row for row in gone if row.sequence < self._purges.last_of(record)] if gone else gone
            if gone:
                self.compared -= len(gone)
                self.purged += len(gone)
                if len(gone) == len(held):
                    continue
            again = _still(reading, record, self._purges)
            if again is not None:
                self.findings.append(again)


def _difference(
    record: str, events: Sequence[Row], contents: Contents | None, salts: Mapping[int, bytes], reading: Reading
) -> Finding | None:
    """Return how a record differs from what its events digested; None where it does not."""
    last = events[-1]
    if contents is None:
        text = f"{record} is missing; {last.named} had its content"
        return Finding(kind=MISSING, text=text, sequence=last.sequence, record=record)
    if len(contents) > len(events):
        text = f"{record} has {len(contents)} versions or steps, but the chain only {len(events)}: one was added"
        return Finding(kind=UNRECORDED, text=text, sequence=last.sequence, record=record)
    if reading.whole and len(contents) < len(events):
        text = f"{record} has {len(contents)} versions or steps, but the chain {len(events)}: one is missing"
        return Finding(kind=MISSING, text=text, sequence=last.sequence, record=record)
    for row, possible in zip(events[-len(contents) :], contents, strict=True):
        salt = salts.get(row.sequence)
        if salt is None:
            text = f"the salt of {row.named} is missing, and no purge took it"
            return Finding(kind=MISSING, text=text, sequence=row.sequence, record=record)
        if not any(salted(salt, content) == row.digest for content in possible):
            text = f"{record} is not as {row.named} left it: changed behind the service's back"
            return Finding(kind=CHANGED, text=text, sequence=row.sequence, record=record)
    return None


def _still(reading: Reading, record: str, purges: _Purges) -> Finding | None:
    """Return the difference of a record as it is found again, some time after; None where it is there no more.

    Events from before a purge say nothing of what has come under the record's name since.
    """
    found: Finding | None = None
    for _ in range(TRIES):
        with transaction.atomic():
            all_of = _events(reading, [record])[record]
            salts, last = _salts_of([row.sequence for row in all_of]), purges.last_of(record)
            held = [row for row in all_of if row.sequence in salts or row.sequence > last]
            contents = reading.contents([_key(record)]).get(_key(record))
            found = _difference(record, held, contents, salts, reading) if held else None
        if found is None:
            return None
    return found


def _key(record: str) -> str:
    return record.partition(":")[2]


def _by_record(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.record, []).append(row)
    return found


def _events(reading: Reading, records: Collection[str]) -> dict[str, list[Row]]:
    """Return all events of these records that the reading reads, in their order."""
    held = events().filter(record__in=list(records)).exclude(digest="")
    found: dict[str, list[Row]] = {record: [] for record in records}
    for values in held.values_list(*FIELDS):
        row = row_of(*values)
        if reading.reads(row.action):
            found[row.record].append(row)
    return found


def _salts(first: int, last: int) -> dict[int, bytes]:
    held = AuditSalt.objects.filter(sequence__gte=first, sequence__lte=last)
    return {number: bytes(salt) for number, salt in held.values_list("sequence", "salt")}


def _salts_of(numbers: Sequence[int]) -> dict[int, bytes]:
    held = AuditSalt.objects.filter(sequence__in=numbers)
    return {number: bytes(salt) for number, salt in held.values_list("sequence", "salt")}


def _without_event(reading: Reading) -> Iterator[str]:
    """Yield the kept records that have no event of the reading's."""
    assert reading.every is not None
    batch: list[str] = []
    for key in reading.every():
        batch.append(f"{reading.kind}:{key}")
        if len(batch) == 500:
            yield from (record for record, held in _events(reading, batch).items() if not held)
            batch = []
    yield from (record for record, held in _events(reading, batch).items() if not held)
