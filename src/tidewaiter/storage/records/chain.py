"""The audit chain walked from end to end, however long, in constant memory: what is altered, missing, moved or cut off.

Nobody needs to stop writing for it. What is looked at is the chain up to the end it had when the walk began; heads
that were lodged outside the database are compared as their events come by.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from tidewaiter.storage.records.audit import START, hash_of_text
from tidewaiter.storage.records.models import AuditEvent, ChainHead

PAGE: Final = 5_000
"""Events read at a time."""

MOST_FINDINGS: Final = 1_000
"""Findings named one by one; of more only the number is told."""

ALTERED: Final = "altered"
MISSING: Final = "missing"
REORDERED: Final = "reordered"
CUT_OFF: Final = "cut off"
ADDED: Final = "added"
REWRITTEN: Final = "rewritten"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong. `sequence` is the event concerned (None: no single one), `record` what it is about."""

    kind: str
    text: str
    sequence: int | None = None
    record: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """An end the chain once had. `place` says where it was lodged."""

    sequence: int
    hash: str
    at: datetime
    place: str = ""


class Row(NamedTuple):
    """One event as it stands in the database. `at` is text in UTC: 2026-03-02T12:00:00.000000+00:00."""

    sequence: int
    at: str
    actor: str
    action: str
    record: str
    digest: str
    previous: str
    hash: str

    @property
    def named(self) -> str:
        """Return how a finding names it."""
        return f"event {self.sequence} ({self.action} of {self.record}, {self.moment})"

    @property
    def moment(self) -> str:
        """Return when it was, to the second."""
        return self.at[:19].replace("T", " ")

    @property
    def due_hash(self) -> str:
        """Return the hash it should have."""
        return hash_of_text(self.sequence, self.at, self.actor, self.action, self.record, self.digest, self.previous)


def row_of(sequence: int, at: str, *rest: str) -> Row:
    """Return an event of its columns, the instant as either store writes it as text."""
    stem, _, fraction = at.removesuffix("+00").partition(".")
    return Row(sequence, f"{stem[:10]}T{stem[11:]}.{fraction:0<6}+00:00", *rest)


FIELDS: Final = ("sequence", "at_text", "actor", "action", "record", "digest", "previous", "hash")
"""The columns that `row_of` takes, of `events()`."""


def events() -> QuerySet[AuditEvent]:
    """Return all events in their order, with their instants as text: reading these as such takes half the time."""
    return AuditEvent.objects.annotate(at_text=Cast("at", TextField())).order_by("sequence")


@dataclass(slots=True)
class Walked:
    """What a walk found. `events` were looked at; findings beyond MOST_FINDINGS are only counted."""

    events: int = 0
    last: Head | None = None
    heads: int = 0
    findings: list[Finding] = field(default_factory=list)
    count: int = 0

    def add(self, finding: Finding) -> None:
        """Note one thing that is wrong."""
        self.count += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)


def walk(heads: Iterable[Head] = (), look: Callable[[Sequence[Row]], None] = lambda _: None) -> Walked:
    """Walk the whole chain, comparing it with heads lodged earlier; `look` is given every page of it as it comes by."""
    walked = Walked()
    lodged = _by_sequence(heads)
    walked.heads = sum(len(same) for same in lodged.values())
    latest = AuditEvent.objects.order_by("-sequence").values_list("sequence", flat=True).first() or 0
    end = ChainHead.objects.first()
    through = end.sequence if end else latest
    expected, before = 1, START
    agreed = 0
    for page in pages(through):
        for row in page:
            _check_place(row, expected, before, walked)
            agreed = _check_lodged(row, lodged, agreed, walked)
            expected, before = row.sequence + 1, row.hash
        walked.events += len(page)
        walked.last = Head(page[-1].sequence, page[-1].hash, datetime.fromisoformat(page[-1].at))
        look(page)
    _check_end(end, walked, latest)
    _check_cut(lodged, walked)
    return walked


def pages(through: int) -> Iterator[list[Row]]:
    """Yield the events up to a number in their order, a page in memory at a time."""
    after = 0
    held = events().filter(sequence__lte=through)
    while page := [row_of(*values) for values in held.filter(sequence__gt=after).values_list(*FIELDS)[:PAGE]]:
        yield page
        after = page[-1].sequence


def _check_place(row: Row, expected: int, before: str, walked: Walked) -> None:
    """Compare one event with its own hash and with the event before it."""
    whole = row.due_hash == row.hash
    if row.sequence != expected:
        gap = f"event {expected}" if row.sequence == expected + 1 else f"events {expected} to {row.sequence - 1}"
        walked.add(Finding(kind=MISSING, text=f"missing: {gap}", sequence=expected))
    elif row.previous != before and whole:
        walked.add(
            Finding(
                kind=ALTERED,
                text=f"{row.named} does not follow the event before it: event {expected - 1} was altered, and its hash "
                "made anew, or another event stood there",
                sequence=row.sequence,
                record=row.record,
            )
        )
    if not whole:
        walked.add(_moved(row) or _altered(row))


def _altered(row: Row) -> Finding:
    return Finding(kind=ALTERED, text=f"{row.named} was altered", sequence=row.sequence, record=row.record)


def _moved(row: Row) -> Finding | None:
    """Return that an event was written at another place; None where it was not."""
    place = 1
    if row.previous != START:
        before = AuditEvent.objects.filter(hash=row.previous).values_list("sequence", flat=True).first()
        place = 0 if before is None else before + 1
    places = {place, *_named_by_next(row)} - {0, row.sequence}
    for written in sorted(places):
        if row._replace(sequence=written).due_hash == row.hash:
            text = f"{row.named} was reordered: it was written as event {written}"
            return Finding(kind=REORDERED, text=text, sequence=row.sequence, record=row.record)
    return None


def _named_by_next(row: Row) -> Sequence[int]:
    """Return the places before the events that name this one as the event before them, and those next to it."""
    after = AuditEvent.objects.filter(previous=row.hash).values_list("sequence", flat=True)[:2]
    return [*(number - 1 for number in after), row.sequence - 1, row.sequence + 1]


def _by_sequence(heads: Iterable[Head]) -> dict[int, list[Head]]:
    found: dict[int, list[Head]] = {}
    for head in heads:
        if head.sequence > 0 and head not in found.get(head.sequence, ()):
            found.setdefault(head.sequence, []).append(head)
    return found


def _check_lodged(row: Row, lodged: Mapping[int, Sequence[Head]], agreed: int, walked: Walked) -> int:
    """Compare an event with the heads lodged at its number; return the last number at which all agreed."""
    same = lodged.get(row.sequence, ())
    wrong = [head for head in same if head.hash != row.hash]
    for head in wrong:
        text = (
            f"the chain was rewritten: as lodged at {head.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} in {head.place} event "
            f"{row.sequence} had another hash; what changed is among events {agreed + 1} to {row.sequence}"
        )
        walked.add(Finding(kind=REWRITTEN, text=text, sequence=row.sequence, record=row.record))
    return row.sequence if same and not wrong else agreed


def _check_end(end: ChainHead | None, walked: Walked, latest: int) -> None:
    """Compare the last event with the row that keeps the end of the chain."""
    last = walked.last.sequence if walked.last else 0
    if end is None:
        if last:
            walked.add(Finding(kind=MISSING, text="the row that keeps the end of the chain is missing"))
        return
    if last < end.sequence:
        gone = f"event {end.sequence}" if last + 1 == end.sequence else f"events {last + 1} to {end.sequence}"
        text = f"missing: {gone} at the end; the chain had {end.sequence} events"
        walked.add(Finding(kind=CUT_OFF, text=text, sequence=last + 1))
    elif walked.last and walked.last.hash != end.hash:
        text = f"event {last} is not the one the chain ends with: it, or the row that keeps the end, was altered"
        walked.add(Finding(kind=ALTERED, text=text, sequence=last))
    if latest > end.sequence:
        text = f"events {end.sequence + 1} to {latest} stand after the end of the chain: added by another hand"
        walked.add(Finding(kind=ADDED, text=text, sequence=end.sequence + 1))


def _check_cut(lodged: Mapping[int, Sequence[Head]], walked: Walked) -> None:
    """Name the heads that were lodged for events that are no longer there."""
    last = walked.last.sequence if walked.last else 0
    beyond = [head for number, same in sorted(lodged.items()) if number > last for head in same]
    if beyond:
        head = beyond[-1]
        text = (
            f"cut off: the chain ends at event {last}, but at {head.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} its event "
            f"{head.sequence} was lodged in {head.place}"
        )
        walked.add(Finding(kind=CUT_OFF, text=text, sequence=last + 1))
