"""Whether the queues of shifts and what goods are drawn by are what decisions and filings have made of them.

Neither has events of its own: a queue is what the last decision that moved it left, as that decision's own record
says; what a mark hands on was drawn for goods under that mark. Both are compared with decisions, which the chain holds.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import batched
from typing import Any, Final

from django.db.models import Case, CharField, Exists, F, OuterRef, QuerySet, Value, When
from django.db.models.functions import Concat, Substr

from tidewaiter.actions.audit.kept_content import CHANGED, TRIES, UNRECORDED
from tidewaiter.actions.audit.kept_decisions import draw_findings
from tidewaiter.actions.packing import unpacked
from tidewaiter.core.decision import Queue
from tidewaiter.core.decision_json import decision_from_json
from tidewaiter.storage.records import models
from tidewaiter.storage.records.chain import MISSING, Finding, Row

type Shift = tuple[date, str, str]
"""Day, office and name of a shift."""

AT_ONCE: Final = 200


@dataclass(slots=True)
class Goods:
    """The comparison under way: the last decision that moved each queue, and days of which a purge took something.

    Decisions and filings that are gone say nothing any more of the shifts and marks of their days, or of those beside.
    """

    last: dict[Shift, str] = field(default_factory=dict)
    purged: set[date] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)

    def look(self, page: Sequence[Row]) -> None:
        """Take in a page of events, in their order."""
        taken = {row.record.partition(":")[2]: row for row in page if row.action == "decision.take"}
        held = models.Decision.objects.filter(pk__in=taken)
        fields = ("pk", "counted_on", "office", "shift", "declaration_id")
        found = {key: (on, office, shift, number) for key, on, office, shift, number in held.values_list(*fields)}
        for key, row in taken.items():
            on, office, shift, _ = found.get(key, (None, "", "", ""))
            if key not in found:
                self._gone(row)
            elif on is not None:
                self.last[on, office, shift] = key
        self._look_at_filings([row for row in page if row.action == "consignment.assess"])
        self.findings += draw_findings({number for _, _, _, number in found.values()})

    def _look_at_filings(self, rows: Sequence[Row]) -> None:
        filed = {row.record.partition(":")[2]: row for row in rows}
        numbers = [int(key) for key in filed if key.isdecimal()]
        held = {str(key) for key in models.Consignment.objects.filter(pk__in=numbers).values_list("pk", flat=True)}
        for key, row in filed.items():
            if key not in held:
                self._gone(row)

    def _gone(self, row: Row) -> None:
        on = date.fromisoformat(row.at[:10])
        self.purged |= {on - _DAY, on, on + _DAY}

    def finish(self) -> None:
        """Compare queues and marks. Called after the last page."""
        self.findings += self._queues()
        self.findings += self._drawn()

    def _queues(self) -> Iterator[Finding]:
        loads = {(one.day, one.office, one.shift): one for one in models.Load.objects.iterator(2_000)}
        for shifts in batched(sorted(self.last), AT_ONCE):
            queues = _left_by({self.last[shift] for shift in shifts})
            for shift in shifts:
                load, queue = loads.get(shift), queues.get(self.last[shift])
                if (load is None or queue is None or not _as_left(load, queue)) and not self._unknown(shift[0]):
                    yield from _queue_finding(shift)
        for shift in sorted(loads.keys() - self.last.keys()):
            if not self._unknown(shift[0]) and not _before_counted(shift) and _last_mover(shift) is None:
                text = (
                    f"{_named(shift)} has a queue, but no decision moved it: it was written behind the service's back"
                )
                yield Finding(kind=UNRECORDED, text=text, record=_named(shift))

    def _drawn(self) -> Iterator[Finding]:
        for one in _unfounded():
            if not self._unknown(one.last_on) and not _stated_by_a_decision(one):
                about = f"draw-mark:{one.mark}"
                text = f"{about} hands on what no goods under it were drawn by: written behind the service's back"
                yield Finding(kind=UNRECORDED, text=text, record=about)
        for mark in _lost():
            about = f"draw-mark:{mark}"
            text = f"{about} hands nothing on, though goods under it were drawn for: it is missing"
            yield Finding(kind=MISSING, text=text, record=about)

    def _unknown(self, on: date) -> bool:
        """Tell whether a purge took something of that day."""
        return on in self.purged


_DAY: Final = timedelta(days=1)


def _named(shift: Shift) -> str:
    return f"load:{shift[0]} {shift[1]} {shift[2]}".rstrip()


def _left_by(decisions: set[str]) -> dict[str, Queue]:
    """Return the queue that each decision left."""
    found = {}
    for key, body in models.Decision.objects.filter(pk__in=decisions).values_list("pk", "body"):
        decision = decision_from_json(json.loads(unpacked(body))["decision"])
        found[key] = decision.circumstances.queue.after(decision)
    return found


def _as_left(load: models.Load, queue: Queue) -> bool:
    counts = {channel.value: count for channel, count in queue.counts.items() if count}
    held: Mapping[str, Any] = load.counts
    return ({name: count for name, count in held.items() if count}, load.minutes, load.reserved) == (
        counts, queue.minutes_committed, queue.reserved_committed,
    )  # fmt: skip


def _last_mover(shift: Shift) -> str | None:
    """Return the decision that moved a queue last, by the order of the chain."""
    on, office, name = shift
    moved = models.Decision.objects.filter(counted_on=on, office=office, shift=name)
    latest = moved.order_by("-decided_at").only("decided_at").first()
    at_last = moved.none() if latest is None else moved.filter(decided_at=latest.decided_at)
    named = [f"decision:{key}" for key in at_last.values_list("pk", flat=True)]
    event = models.AuditEvent.objects.filter(record__in=named, action="decision.take").order_by("-pk").first()
    return None if event is None else event.record.partition(":")[2]


def _queue_finding(shift: Shift) -> Iterator[Finding]:
    """Look at a queue again, which may have moved in between, and name it if it still is another."""
    on, office, name = shift
    load = None
    for _ in range(TRIES):
        last = _last_mover(shift)
        load = models.Load.objects.filter(day=on, office=office, shift=name).first()
        if last is not None and load is not None and _as_left(load, _left_by({last})[last]):
            return
    if load is None:
        text = f"{_named(shift)} is missing: decisions moved its queue"
        yield Finding(kind=MISSING, text=text, record=_named(shift))
    else:
        text = f"{_named(shift)} is not the queue that the last decision left: changed behind the service's back"
        yield Finding(kind=CHANGED, text=text, record=_named(shift))


def _before_counted(shift: Shift) -> bool:
    """Tell whether decisions of that shift were taken when they did not yet say whose queue they moved."""
    on, office, name = shift
    around = models.Decision.objects.filter(office=office, shift=name, decided_on__range=(on - _DAY, on + _DAY))
    return around.filter(counted_on=None, previous=None).exists()


def _unfounded() -> QuerySet[models.DrawIdentity]:
    """Return what marks hand on that is no first draw of goods under them, and no filing's."""
    own = {"identity": OuterRef("identity"), "draw_day": OuterRef("day")}
    goods = models.Mark.objects.filter(
        kind=OuterRef("kind"), value=OuterRef("value"),
        declaration__identity=OuterRef("identity"), declaration__draw_day=OuterRef("day"),
    )  # fmt: skip
    filed = models.Consignment.objects.filter(consignment_id=OuterRef("value"), **own)
    held = models.DrawIdentity.objects.annotate(
        kind=Case(When(mark__startswith="document ", then=Value("document")), default=Value("container")),
        value=Case(When(mark__startswith="document ", then=Substr("mark", 10)), default=Substr("mark", 11)),
    )
    return held.exclude(Exists(goods)).exclude(Exists(filed), kind="document").order_by("pk")


def _stated_by_a_decision(one: models.DrawIdentity) -> bool:
    """Tell whether a decision about goods under the mark was drawn by what it hands on, beside its first draw."""
    kind, _, value = one.mark.partition(" ")
    numbers = models.Mark.objects.filter(kind=kind, value=value).values("declaration_id")
    drawn = json.dumps(one.identity, ensure_ascii=False)
    bodies = models.Decision.objects.filter(declaration_id__in=numbers).values_list("body", flat=True)
    return any(drawn in (text := unpacked(body)) and one.day.isoformat() in text for body in bodies.iterator(200))


def _lost() -> Iterator[str]:
    """Yield marks of goods drawn for by themselves, and documents of filings, that hand nothing on."""
    kept = models.DrawIdentity.objects.filter(
        mark=Concat(OuterRef("kind"), Value(" "), OuterRef("value"), output_field=CharField())
    )
    fresh = models.Mark.objects.filter(
        kind__in=("document", "container"), version__lte=1, declaration__draw_day__gte=F("lodged_on")
    )
    lost = fresh.exclude(Exists(kept)).order_by("pk").values_list("kind", "value")
    seen = {f"{kind} {value}" for kind, value in lost.iterator(2_000)}
    filed = models.DrawIdentity.objects.filter(
        mark=Concat(Value("document "), OuterRef("consignment_id"), output_field=CharField())
    )
    filings = models.Consignment.objects.filter(version=1).exclude(Exists(filed))
    seen |= {f"document {number}" for number in filings.values_list("consignment_id", flat=True)}
    yield from sorted(seen)
