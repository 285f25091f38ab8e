"""The days of the draw: the key's digest lodged in the morning, the key opened to auditors by two persons, later.

The key of a day is made from the custodians' shares when it is needed and kept in memory only; what stands in the
records is its digest.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from django.db import connection
from django.db.models import Count

from tidewaiter.actions.acting import Actor, action, officer_of, record
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError, Problem
from tidewaiter.engines.selection.draw import Draw, Drawn, StrictestDraw, key_digest
from tidewaiter.engines.selection.inheritance import Inherited
from tidewaiter.storage.records.asking import ask
from tidewaiter.storage.records.models import Declaration, DrawDay, Officer

OPENS_AFTER_DAYS = 30
"""A key is opened when the last consignment of its day is released, or after so many days."""


class Keys(Protocol):
    """Whatever holds the draw's secret in memory and gives the key of a day."""

    def day_key(self, day: date) -> bytes:
        """Return the key of that day."""


def draw_of(keys: Keys, drawn: Inherited) -> Drawn:
    """Return the draw of goods: the strictest of all their lots where there are several."""
    first, *beside = (Draw(keys.day_key(lot.day), lot.identity) for lot in drawn.lots)
    return StrictestDraw(first, beside) if beside else first


def lodge_within(day: date, keys: Keys, at: datetime) -> str:
    """Return the digest of the day's key, lodged first where that is still to do; within an action or group.

    Raises ConflictError where a digest was lodged that is not this key's: decisions would not be verifiable.
    """
    digest = key_digest(keys.day_key(day))
    marks = [connection.ops.adapt_datefield_value(day)]
    held = ask("SELECT key_digest FROM records_drawday WHERE day = %s", marks)
    if not held:
        made, _ = DrawDay.objects.get_or_create(day=day, defaults={"key_digest": digest, "lodged_at": at})
        held = [(made.key_digest,)]
    if held != [(digest,)]:
        raise ConflictError(f"the key of {day} is not the one whose digest was lodged; ask both custodians")
    return digest


def check_keys(keys: Keys) -> None:
    """Raise InputError naming every day whose lodged digest these keys do not match, unless it was opened long ago.

    Goods are drawn with the key of the day they were first lodged, so keys of earlier days must be held as well.
    """
    problems: list[Problem] = []
    for one in DrawDay.objects.filter(opened_at=None).order_by("day"):
        try:
            right = key_digest(keys.day_key(one.day)) == one.key_digest
        except NotKnownError:
            right = False
        if not right:
            problems.append(Problem(f"the key of {one.day} is not the one whose digest was lodged"))
    if problems:
        advice = "both custodians of that pair have to give their shares, beside those of the pair in use"
        raise InputError([*problems[:5], Problem(f"{len(problems)} days cannot be drawn for", suggestion=advice)])


@action("draw.lodge")
def lodge_key(*, day: date, keys: Keys, by: Actor, at: datetime) -> DrawDay:
    """Lodge the digest of a day's key with the inspectorate; lodging it again changes nothing."""
    digest = lodge_within(day, keys, at)
    record(f"draw:{day}", digest.encode())
    return DrawDay.objects.get(day=day)


@action("draw.open")
def open_key(*, day: date, keys: Keys, second: Officer, today: date, by: Actor, at: datetime) -> bytes:
    """Open the key of a day to an auditor: the inspectorate and one other officer, together.

    It is refused while goods drawn with it are unreleased, for up to 30 days. Raises ConflictError then, NotKnownError
    where no key was lodged, NotAllowedError where the second person is the first or not active.
    """
    officer = officer_of(by)
    if second.pk == officer.pk or not second.active:
        raise NotAllowedError("the key is opened by the inspectorate and another active officer together")
    draw_day = DrawDay.objects.select_for_update().filter(day=day).first()
    if draw_day is None:
        raise NotKnownError(f"no key was lodged for {day}")
    if day >= today:
        raise ConflictError(f"{day} is not over")
    waiting = Declaration.objects.filter(draw_day=day, in_flight=True).count()
    if waiting and today < day + timedelta(days=OPENS_AFTER_DAYS):
        raise ConflictError(
            f"{waiting} declarations drawn with the key of {day} are not released; "
            f"it opens with the last of them, or on {day + timedelta(days=OPENS_AFTER_DAYS)}"
        )
    key = keys.day_key(day)
    if key_digest(key) != draw_day.key_digest:
        raise ConflictError(f"the key of {day} is not the one whose digest was lodged")
    if draw_day.opened_at is None:
        draw_day.opened_at, draw_day.opened_by, draw_day.opened_second = at, officer, second
        draw_day.save()
    record(f"draw:{day}")
    record(f"draw:{day}:second:{second.reference}")
    return key


@dataclass(frozen=True, slots=True)
class DayOfDraw:
    """One day of the draw: its key's digest, how many of its declarations are in flight, when it was opened."""

    day: date
    key_digest: str
    in_flight: int
    opened_at: datetime | None


def days_of_the_draw() -> list[DayOfDraw]:
    """Return the days of the draw, the latest first; nothing in it is restricted."""
    waiting = dict(
        Declaration.objects.filter(in_flight=True).values_list("draw_day").annotate(waiting=Count("pk")).order_by()
    )
    return [
        DayOfDraw(one.day, one.key_digest, waiting.get(one.day, 0), one.opened_at)
        for one in DrawDay.objects.order_by("-day")
    ]
