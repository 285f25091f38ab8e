"""What an examiner is given to do: the control instruction, and nothing of why.

A task has the same form whatever selected the goods, a second examination included: the kind of act, the declaration,
the day it is due, and a checklist for each item. No profile, lookout, score, probability or draw reaches this module's
answers, and neither does a moment that would betray one: goods of trusted traders stand first, then tasks in the order
of their due day and of lodging. An act that an examiner was not given is answered as one that does not exist.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from tidewaiter.actions.acting import Actor, officer_of, require
from tidewaiter.actions.examinations.acts import CLOSED
from tidewaiter.actions.profiles.traders import latest_statuses
from tidewaiter.actions.rights import granting
from tidewaiter.core.errors import NotKnownError
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import Act, Decision, Declaration, Officer, Override
from tidewaiter.storage.records.visibility import visible_to


@dataclass(frozen=True, slots=True, kw_only=True)
class Checklist:
    """The control instruction of one item, line by line."""

    item_number: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One act as an examiner sees it. `officer` is the login of who has it; empty: nobody yet.

    `place` is where the goods are to be looked at, where that was agreed; `detention_notice` the number of the notice
    given; `declarant_present` None: nobody has said.
    """

    act_id: str
    declaration_id: str
    office: str
    kind: str
    state: str
    channel: str
    due_on: date
    officer: str
    place: str
    detention_notice: str
    detention_notice_at: datetime | None
    declarant_present: bool | None
    checklist: tuple[Checklist, ...]


MOST_TASKS = 1000


def worklist(*, by: Actor, at: datetime, on: date | None = None, office: str = "", closed: bool = False) -> list[Task]:
    """Return the tasks of an examiner, or of an office for its manager, the most urgent first.

    `on` is the administration's day (None: that of `at`); a trader counts as trusted by the status of that day.
    `office` narrows a manager's list; `closed` asks for what was done last instead of what waits. At most 1,000.
    """
    require("act.read", by, at)
    acts = acts_seen(officer_of(by), granting("act.read"))
    acts = acts.filter(office=office) if office else acts
    if closed:
        return _tasks(acts.filter(state=CLOSED).order_by("-closed_at", "pk")[:MOST_TASKS])
    waiting = acts.exclude(state=CLOSED).annotate(first=of_trusted_trader(on or at.date()))
    return _tasks(waiting.order_by("-first", "due_on", "pk")[:MOST_TASKS])


def of_trusted_trader(on: date) -> Exists:
    """Return the condition on acts that importer or declarant is a trusted trader whose status counts on that day."""
    counting = latest_statuses().filter(Q(valid_to=None) | Q(valid_to__gte=on), suspended=False, valid_from__lte=on)
    party = Q(party_code=OuterRef("decision__declaration__importer_code"))
    return Exists(counting.filter(party | Q(party_code=OuterRef("decision__declaration__declarant_code"))))


def task(*, act_id: str, by: Actor, at: datetime) -> Task:
    """Return one task. Raises NotKnownError for an act the officer may not see."""
    require("act.read", by, at)
    found = _tasks(acts_seen(officer_of(by), granting("act.read")).filter(pk=act_id))
    if not found:
        raise NotKnownError(f"no act {act_id} is yours")
    return found[0]


def acts_seen(officer: Officer, granted: Collection[Role]) -> QuerySet[Act]:
    """Return the acts an officer may see for what these roles grant: examiners the own ones, managers the office's."""
    acts = visible_to(officer, Act.objects.all(), granted)
    return acts.filter(officer=officer) if blinded(officer) else acts


def blinded(officer: Officer) -> bool:
    """Tell whether the officer examines, and so must not meet what another did or found on the same goods."""
    return officer.holds(Role.EXAMINER) and not officer.holds(Role.MANAGER, Role.INSPECTORATE)


def _tasks(acts: QuerySet[Act]) -> list[Task]:
    found = list(acts.select_related("officer"))
    declarations = Declaration.objects.in_bulk({act.declaration_id for act in found})
    checklists = _checklists(declarations.values())
    found.sort(key=lambda act: _place(act, declarations[act.declaration_id]))
    return [_task(act, declarations[act.declaration_id], checklists) for act in found]


def _place(act: Act, declaration: Declaration) -> tuple[bool, date, datetime, str, str, str]:
    """Return what orders tasks: trusted traders first, where that was asked for."""
    first = bool(getattr(act, "first", False))
    return not first, act.due_on, declaration.lodged_at, act.declaration_id, act.kind, act.pk


def _task(act: Act, declaration: Declaration, checklists: dict[str, tuple[Checklist, ...]]) -> Task:
    return Task(
        act_id=act.pk,
        declaration_id=act.declaration_id,
        office=act.office,
        kind=act.kind,
        state=act.state,
        channel=declaration.channel,
        due_on=act.due_on,
        officer=act.officer.login if act.officer else "",
        place=act.place,
        detention_notice=act.detention_notice,
        detention_notice_at=act.detention_notice_at,
        declarant_present=act.declarant_present,
        checklist=checklists[declaration.pk],
    )


def _checklists(declarations: Collection[Declaration]) -> dict[str, tuple[Checklist, ...]]:
    """Return the checklists by declaration: of the decision that stands, or as an officer raised the channel since.

    They come from the answers given to client systems, which are free of reasons.
    """
    standing = {one.decision_id: one.pk for one in declarations}
    answers = Decision.objects.filter(pk__in=standing).values_list("pk", "answer")
    found = {
        standing[number]: {item["item_number"]: item["instructions"] for item in json.loads(answer)["items"]}
        for number, answer in answers
    }
    raised = Override.objects.filter(decision_id__in=standing, state="in force").exclude(instructions={})
    for one in raised.order_by("pk"):
        found[one.declaration_id] = {int(number): lines for number, lines in one.instructions.items()}
    return {
        declaration: tuple(Checklist(item_number=number, lines=tuple(lines)) for number, lines in items.items())
        for declaration, items in found.items()
    }
