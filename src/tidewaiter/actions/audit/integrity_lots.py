"""The lots of examiners drawn in a period, read from the records, with who set and who ended the duties around them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.examinations.duties import FURTHEST, LONGEST
from tidewaiter.engines.integrity.lots import Lot
from tidewaiter.storage.records.models import Act, Assignment, AuditEvent, Duty, Officer, Reexamination


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What one lot was drawn from, whom it gave, and when."""

    act: str
    officer: Officer
    roster: Mapping[str, float]
    at: datetime
    again: bool


class _Duties:
    """The duties that touch a period, by office and officer; and those ended that may have touched it."""

    def __init__(self, start: datetime, end: datetime) -> None:
        held = Duty.objects.filter(starts_at__lt=end, ends_at__gt=start).select_related("by")
        self._held: defaultdict[tuple[str, int], list[Duty]] = defaultdict(list)
        for duty in held:
            self._held[duty.office, duty.officer_id].append(duty)
        self._ended: defaultdict[str, list[tuple[Duty, str]]] = defaultdict(list)
        for duty, by in _ended(start, end):
            self._ended[duty.office].append((duty, by))

    def set_by(self, office: str, officer: Officer, at: datetime) -> tuple[str, ...]:
        """Return who had put the officer on duty there at that moment, sorted."""
        counting = (one for one in self._held[office, officer.pk] if one.starts_at <= at < one.ends_at)
        return tuple(sorted({one.by.login for one in counting}))

    def ended_by(self, office: str, officer: Officer, at: datetime) -> tuple[str, ...]:
        """Return who had ended duties of others there that may have lasted until that moment, sorted.

        How long a duty was to last is not kept: it may have lasted until a day after its beginning.
        """
        others = ((one, by) for one, by in self._ended[office] if one.officer_id != officer.pk)
        return tuple(sorted({by for one, by in others if one.ends_at <= at < one.starts_at + LONGEST}))


def _ended(start: datetime, end: datetime) -> Iterator[tuple[Duty, str]]:
    """Give the duties ended that may have touched the period, each with the login of who ended it."""
    events = AuditEvent.objects.filter(action="duty.end", at__gte=start - FURTHEST - LONGEST, at__lt=end)
    who = {int(record.removeprefix("duty:")): actor for record, actor in events.values_list("record", "actor")}
    logins = {one.reference: one.login for one in Officer.objects.all()}
    for number, duty in Duty.objects.in_bulk(list(who)).items():
        yield duty, logins.get(who[number], who[number])


def lots(start: datetime, end: datetime) -> Iterator[Lot]:
    """Give every lot drawn from start to end (not included); what was drawn together for a declaration is one.

    A second examination counts when an officer was drawn for it, which may be later than the lot that asked for it.
    """
    drawn, duties = [*_first(start, end), *_again(start, end)], _Duties(start, end)
    acts = Act.objects.only("pk", "office", "declaration_id").in_bulk({one.act for one in drawn})
    seen: set[tuple[str, int, datetime, bool]] = set()
    for one in drawn:
        act = acts.get(one.act)
        key = (act.declaration_id if act else "", one.officer.pk, one.at, one.again)
        if act is None or key in seen:
            continue
        seen.add(key)
        weights = candidates(one.roster)
        yield Lot(
            declaration_id=act.declaration_id,
            office=act.office,
            officer=one.officer.login,
            candidates=len(weights),
            chance=weights.get(one.officer.login, 0.0) / (sum(weights.values()) or 1.0),
            again=one.again,
            set_by=duties.set_by(act.office, one.officer, one.at),
            ended_by=duties.ended_by(act.office, one.officer, one.at),
        )


def candidates(roster: Mapping[str, float]) -> dict[str, float]:
    """Return the weights above 0; where nobody had minutes free the draw took all alike."""
    free = {login: float(minutes) for login, minutes in roster.items() if minutes > 0}
    return free or dict.fromkeys(roster, 1.0)


def _first(start: datetime, end: datetime) -> Iterator[_Drawn]:
    held = Assignment.objects.filter(at__gte=start, at__lt=end).select_related("officer").order_by("pk")
    for lot in held:
        yield _Drawn(lot.subject, lot.officer, lot.roster, lot.at, again=False)


def _again(start: datetime, end: datetime) -> Iterator[_Drawn]:
    """Give the second examinations whose last event falls into the period: with it an officer had been drawn."""
    events = AuditEvent.objects.filter(actor=SERVICE.reference, action="act.reexamine", record__startswith="act:")
    named = set(events.filter(at__gte=start, at__lt=end).values_list("record", flat=True))
    last = dict(events.filter(record__in=named).order_by("sequence").values_list("record", "at"))
    when = {record.removeprefix("act:"): at for record, at in last.items() if start <= at < end}
    held = Reexamination.objects.filter(act_id__in=list(when), officer__isnull=False).select_related("officer")
    for lot in held.order_by("pk"):
        assert lot.officer is not None
        yield _Drawn(lot.act_id, lot.officer, lot.roster, when[lot.act_id], again=True)
