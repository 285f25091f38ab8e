"""What happened to goods: release, hold, gate-out and the like, as the clearance system or a port reports it.

An event is kept once, by its number; the same event again changes nothing, other content under the same number is
refused. Release ends what an examiner could still do; a cancelled declaration's goods hand their channel on to the
next declaration of the same goods.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from tidewaiter.actions.acting import Actor, action, record
from tidewaiter.actions.examinations.acts import close_acts
from tidewaiter.actions.rows import rows_to_json
from tidewaiter.core.errors import ConflictError, Problem
from tidewaiter.storage.records.asking import among, ask, texts
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Declaration, Event

type Row = Mapping[str, object]

RELEASED, CANCELLED, GATE_OUT, HOLD, HOLD_ENDS = (
    "released",
    "cancelled",
    "gate_out",
    "agency_hold",
    "agency_release",
)

PRESUPPOSING: Final = (
    "lodged", "paid", "decided", "examined_from", "examined_to", RELEASED, GATE_OUT, CANCELLED,
)  # fmt: skip
"""What happens under a declaration; goods may arrive, be discharged, moved or held long before there is one."""

LONGEST_BEFORE: Final = timedelta(days=45)
"""How long before its declaration was lodged such a thing may have happened.

Goods may be released on a simplified declaration: the supplementary one follows within the month and ten days more.
"""

_REASONS = {RELEASED: "goods released", GATE_OUT: "goods released", CANCELLED: "declaration cancelled"}
"""Why an act that is still open when this happened will not take place."""


def before_lodging(events: Sequence[Row]) -> list[int]:
    """Return the positions of those that happened too long before their declaration, where it is known here.

    Counted from its lodging or its first receipt, whichever was earlier: what waited during an outage comes late with
    its own `lodged_at`. What is kept already, since it came before its declaration, may be sent again.
    """
    named = {_text(row, "declaration_id") for row in events if row["kind"] in PRESUPPOSING} - {""}
    known = Declaration.objects.filter(pk__in=named).values_list("pk", "lodged_at", "received_at") if named else ()
    first = {number: min(lodged_at, received_at or lodged_at) for number, lodged_at, received_at in known}
    early = [position for position, row in enumerate(events) if _before_first(row, first)]
    numbers = [_text(events[position], "event_id") for position in early]
    kept = set(Event.objects.filter(event_id__in=numbers).values_list("event_id", flat=True)) if early else ()
    return [position for position in early if _text(events[position], "event_id") not in kept]


def _before_first(row: Row, first: Mapping[str, datetime]) -> bool:
    came, occurred_at = first.get(_text(row, "declaration_id")), row["occurred_at"]
    assert isinstance(occurred_at, datetime)
    return came is not None and _too_early(_text(row, "kind"), occurred_at, came)


def _too_early(kind: str, occurred_at: datetime, came: datetime) -> bool:
    return kind in PRESUPPOSING and occurred_at < came - LONGEST_BEFORE


@action("event.record")
def record_events(*, events: Sequence[Row], by: Actor, at: datetime) -> list[dict[str, object]]:
    """Keep events, canonical rows of the table events; all of them or none.

    Returns for each its number and whether it was `kept` or `repeated`. An event without a number gets one made of
    its kind, moment and subject. Raises ConflictError naming every number that is kept with other content.
    """
    lock_chain()  # before any declaration, as whoever decides takes them: else the two wait for each other
    named = [dict(row, event_id=row.get("event_id") or _number(row)) for row in events]
    digests = [_digest(row) for row in named]
    held = {
        one.event_id: one.content_digest
        for one in Event.objects.filter(event_id__in=[_text(r, "event_id") for r in named])
    }
    answers: list[dict[str, object]] = []
    conflicts: list[Problem] = []
    for row, digest in zip(named, digests, strict=True):
        number = _text(row, "event_id")
        before = held.get(number)
        if before is not None and before != digest:
            conflicts.append(Problem(f"event {number} is kept with other content", suggestion="send a new number"))
        elif before is None:
            held[number] = digest
            kept = _keep(row, digest, by, at)
            record(f"event:{kept.pk}", digest.encode())
        answers.append({"event_id": number, "status": "repeated" if before else "kept"})
    if conflicts:
        raise ConflictError(conflicts)
    if all(answer["status"] == "repeated" for answer in answers):
        record("event:repeated", str(len(answers)).encode())
    return answers


def _keep(row: Row, digest: str, by: Actor, at: datetime) -> Event:
    occurred_at = row["occurred_at"]
    assert isinstance(occurred_at, datetime)
    event = Event.objects.create(
        event_id=_text(row, "event_id"),
        kind=_text(row, "kind"),
        occurred_at=occurred_at,
        declaration_id=_text(row, "declaration_id"),
        document=_text(row, "document"),
        row={name: value for name, value in row.items() if isinstance(value, str)},
        content_digest=digest,
        received_at=at,
        client=by.reference,
    )
    if event.declaration_id:
        _apply(event, at)
    return event


def _apply(event: Event, at: datetime) -> None:
    """Bring the declaration up to what happened; an event of a declaration not known here is kept all the same."""
    declaration = Declaration.objects.select_for_update().filter(pk=event.declaration_id).first()
    if declaration is None:
        return
    if event.kind in (RELEASED, GATE_OUT) and _cancelled_before(declaration, event):
        return
    match event.kind:
        case "released":
            declaration.released_at = declaration.released_at or event.occurred_at
            declaration.in_flight = False
        case "cancelled":
            declaration.cancelled_at = declaration.cancelled_at or event.occurred_at
            declaration.in_flight = False
        case "gate_out":
            declaration.gate_out_at = declaration.gate_out_at or event.occurred_at
            declaration.released_at = declaration.released_at or event.occurred_at
            declaration.in_flight = False
        case "agency_hold":
            declaration.held_by = sorted({*declaration.held_by, _agency(event)})
        case "agency_release":
            declaration.held_by = sorted(set(declaration.held_by) - {_agency(event)})
        case _:
            return
    declaration.save()
    if event.kind in _REASONS:
        close_acts([event.declaration_id], reason=_REASONS[event.kind], at=at)


def _cancelled_before(declaration: Declaration, event: Event) -> bool:
    """Tell whether the declaration was cancelled by then: nothing is released under it, and its channel hands on."""
    return declaration.cancelled_at is not None and declaration.cancelled_at < event.occurred_at


def early_events(numbers: Collection[str]) -> dict[str, list[Event]]:
    """Return by declaration the events that came before it, in the order in which they came."""
    statement = f"SELECT DISTINCT declaration_id FROM records_event WHERE declaration_id {among()}"
    named = [number for (number,) in ask(statement, [texts(numbers)])] if numbers else []
    found: dict[str, list[Event]] = {}
    if named:
        for event in Event.objects.filter(declaration_id__in=named).order_by("pk"):
            found.setdefault(event.declaration_id, []).append(event)
    return found


def held_by(events: Iterable[Event]) -> list[str]:
    """Return the agencies whose hold stands after these events, sorted."""
    agencies: set[str] = set()
    for event in events:
        if event.kind == HOLD:
            agencies.add(_agency(event))
        elif event.kind == HOLD_ENDS:
            agencies.discard(_agency(event))
    return sorted(agencies)


def apply_early(events: Iterable[Event], at: datetime) -> None:
    """Bring a declaration that was just decided up to the events that came before it; within its transaction.

    One that turns out to have happened too long before it changes nothing.
    """
    early = list(events)
    named = {event.declaration_id for event in early}
    known = Declaration.objects.filter(pk__in=named).values_list("pk", "lodged_at", "received_at")
    first = {number: min(lodged_at, received_at or lodged_at) for number, lodged_at, received_at in known}
    for event in early:
        if not _too_early(event.kind, event.occurred_at, first.get(event.declaration_id, event.occurred_at)):
            _apply(event, at)


def _agency(event: Event) -> str:
    return str(event.row.get("detail") or "agency")


def _number(row: Row) -> str:
    subject = _text(row, "declaration_id") or _text(row, "document") or _text(row, "container")
    moment = row["occurred_at"]
    assert isinstance(moment, datetime)
    return f"{row['kind']} {moment.isoformat()} {subject}"[:200]


def _digest(row: Row) -> str:
    return hashlib.sha256(rows_to_json([row]).encode("utf-8", "surrogatepass")).hexdigest()


def _text(row: Row, name: str) -> str:
    return str(row.get(name) or "")
