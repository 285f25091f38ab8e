"""What a partner agency reads: its own holds and requests for control, and what was found in the goods.

The agency of a reader is the office he or she works at, by its code or its name: holds and requests name it by one of
the two, in letters of any case. Nothing tells what else selected the goods, nor who looked at them; what was found is
told once nothing is open about them any more.
"""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from tidewaiter.actions.acting import Actor, action, officer_of, record
from tidewaiter.actions.decisions.events import HOLD
from tidewaiter.actions.decisions.flight import RECALLED_DAYS
from tidewaiter.actions.decisions.requests import SubjectKind
from tidewaiter.actions.examinations.waiting import with_open_acts
from tidewaiter.actions.packing import to_json
from tidewaiter.core.errors import ConflictError, Problem
from tidewaiter.storage.records.models import ControlRequest, Declaration, Event, Mark, Office, Officer, Result
from tidewaiter.storage.records.visibility import visible_to

MOST_GOODS: Final = 100
"""Declarations of one request whose results are told: those lodged last."""

_SETTLED: Final = ("final", "overturned")


@dataclass(frozen=True, slots=True)
class Found:
    """What a control of the goods established, by its kind: the latest word, whoever looked."""

    kind: str
    outcome: str
    state: str
    known_at: datetime
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Goods:
    """Goods that a hold or a request concerns. `results` is empty while anything is open about them."""

    declaration_id: str
    results: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A hold of the agency; `standing` tells whether the agency holds the goods now."""

    event_id: str
    placed_at: datetime
    standing: bool
    goods: Goods


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of the agency, with the goods that it met so far."""

    request: ControlRequest
    goods: tuple[Goods, ...]


@action("agency.read")
def own_holds(*, after: int = 0, limit: int = 100, by: Actor, at: datetime) -> list[Held]:
    """Return holds that the reader's agency placed on declarations, the latest first, `after` of them left out.

    The reading is recorded. Raises ConflictError for a reader without an office.
    """
    agency = _agency(officer_of(by))
    holds = Event.objects.filter(kind=HOLD).exclude(declaration_id="")
    placed = holds.filter(row__detail__in=_written(holds.values_list("row__detail", flat=True), agency)).order_by("-pk")
    events = list(placed[after : after + limit])
    numbers = {one.declaration_id for one in events}
    goods = _goods(numbers, at)
    holders = dict(Declaration.objects.filter(pk__in=numbers).values_list("pk", "held_by"))
    names = _names(agency)
    record(f"agency:{agency.pk}", to_json([one.event_id for one in events]).encode())
    return [
        Held(
            event_id=one.event_id,
            placed_at=one.occurred_at,
            standing=not names.isdisjoint(holder.casefold() for holder in holders.get(one.declaration_id, ())),
            goods=goods[one.declaration_id],
        )
        for one in events
    ]


@action("agency.read")
def own_requests(*, after: int = 0, limit: int = 100, by: Actor, at: datetime) -> list[Asked]:
    """Return requests that the reader's agency asked for, within the clearance, as `own_holds` does."""
    officer = officer_of(by)
    agency = _agency(officer)
    seen = visible_to(officer, ControlRequest.objects.all())
    seen = seen.filter(asked_by__in=_written(seen.values_list("asked_by", flat=True), agency))
    requests = list(seen.order_by("-raised_at", "reference")[after : after + limit])
    named = {one.pk: _declarations(one) for one in requests}
    goods = _goods({number for numbers in named.values() for number in numbers}, at)
    record(f"agency:{agency.pk}", to_json([one.reference for one in requests]).encode())
    return [Asked(one, tuple(goods[number] for number in named[one.pk])) for one in requests]


def _agency(officer: Officer) -> Office:
    if officer.office is None:
        advice = "an administrator gives you the agency's office"
        raise ConflictError(Problem("you are of no agency", suggestion=advice))
    return officer.office


def _names(agency: Office) -> AbstractSet[str]:
    return {name.casefold() for name in (agency.code, agency.name) if name}


def _written(names: QuerySet[Any, str | None], agency: Office) -> Sequence[str]:
    """Return those of the names that are the agency's, each as it is written.

    Compared here, because SQLite knows no capital letters beyond ASCII and PostgreSQL none of some languages.
    """
    own = _names(agency)
    return [name for name in names.order_by().distinct() if name and name.casefold() in own]


def _declarations(asked: ControlRequest) -> list[str]:
    """Return the declarations that a request met, those lodged last first.

    They are those received before it expired or ended that were still in flight when it was raised, or released at
    most RECALLED_DAYS before: the container or document of a request carries the goods of others before and after.
    """
    numbers: Collection[str] = [asked.subject]
    if asked.subject_kind != SubjectKind.DECLARATION:
        marks = Mark.objects.filter(kind=asked.subject_kind, value=asked.subject)
        numbers = list(marks.values_list("declaration_id", flat=True).distinct())
    until = min(asked.ended_at or asked.expires_at, asked.expires_at)
    since = asked.raised_at - timedelta(days=RECALLED_DAYS)
    met = Declaration.objects.annotate(came_at=Coalesce("received_at", "lodged_at")).filter(
        Q(cancelled_at=None) | Q(cancelled_at__gte=asked.raised_at),
        Q(released_at=None) | Q(released_at__gte=since),
        pk__in=numbers,
        came_at__lt=until,
    )
    return list(met.order_by("-lodged_at", "pk").values_list("pk", flat=True)[:MOST_GOODS])


def _goods(numbers: Collection[str], at: datetime) -> Mapping[str, Goods]:
    """Return the goods of declarations with what was found in them, of each kind of control the latest word."""
    waiting = with_open_acts(numbers, at)
    latest: dict[str, dict[str, Found]] = {number: {} for number in numbers}
    results = Result.objects.filter(act__declaration_id__in=set(numbers) - waiting).select_related("act")
    for one in results.order_by("known_at", "pk"):
        if one.state in _SETTLED:
            told = Found(one.act.kind, one.outcome, one.state, one.known_at, tuple(one.row.get("categories") or ()))
            latest[one.act.declaration_id][one.act.kind] = told
    return {number: Goods(number, tuple(found.values())) for number, found in latest.items()}
