"""The auditor's check of a day's draw with the opened key: everything drawn and not drawn, and who examined.

What goods are drawn by is worked out again from the declarations as they were received, in their order; fractions from
the key; shares from the policy of the set each decision names; officers from the rosters kept with the assignments.
Marks that hand on a draw of the day, and that nothing received explains, are told: whoever may choose the day may
choose one whose key is known.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import batched
from zoneinfo import ZoneInfo

from django.db.models import Q

from tidewaiter.actions.acting import Actor, action, record
from tidewaiter.actions.audit.drawn_goods import DrawnGoods, Policies, drawn_goods
from tidewaiter.actions.packing import unpacked
from tidewaiter.core.decision_json import decision_from_json
from tidewaiter.core.errors import NotKnownError
from tidewaiter.core.facts import Catalogue
from tidewaiter.engines.selection.assignment import Assignment, ReExamination
from tidewaiter.engines.selection.verify import DrawRecord, draw_record, verify
from tidewaiter.storage.records import models


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawCheck:
    """What the check of a day found: how much was looked at, and every discrepancy in words (none: all is right).

    `believed` are marks from before the first declaration held, taken as they stand since earlier ones were purged.
    """

    day: date
    declarations: int
    decisions: int
    drawn: int
    assignments: int
    reexaminations: int
    believed: int
    discrepancies: tuple[str, ...]


@action("draw.verify", reads=True)
def verify_draw(*, day: date, key: bytes, zone: ZoneInfo, catalogue: Catalogue, by: Actor, at: datetime) -> DrawCheck:
    """Check every draw made with the key of a day. Raises NotKnownError where no key was lodged for it."""
    lodged = models.DrawDay.objects.filter(pk=day).first()
    if lodged is None:
        raise NotKnownError(f"no key was lodged for {day}")
    policies, marks = Policies(catalogue), _marks_of(day)
    until = models.Lodgement.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    goods = drawn_goods(day, zone, policies, until)
    again = {number for number, drawn in goods.lots.items() if any(on == day for _, on in drawn.beside)}
    records = list(_records(day, again, policies))
    meanwhile = set(models.Lodgement.objects.filter(pk__gt=until).values_list("declaration_id", flat=True))
    records = [one for one in records if one.declaration_id not in meanwhile and _with_key(one, goods, day)]
    others = {(one.declaration_id, one.key_day) for one in records if one.key_day != day}
    expected = {
        number: drawn.identity
        for number, drawn in goods.lots.items()
        if (drawn.day == day or (number, drawn.day) in others) and number not in meanwhile
    }
    found = verify(
        records,
        keys={day: key},
        digests={day: lodged.key_digest},
        policies=policies.by_version,
        identities=expected,
        beside=goods.beside,
    )
    check = DrawCheck(
        day=day,
        declarations=len(expected),
        decisions=len(records),
        drawn=sum(one.in_random_sample for one in records),
        assignments=sum(len(one.assignments) for one in records),
        reexaminations=sum(len(one.re_examinations) for one in records),
        believed=goods.believed,
        discrepancies=(*policies.problems, *found, *_wrong_marks(day, goods, marks), *_missing_marks(goods)),
    )
    record(f"draw:{day}")
    return check


type DrawnMark = tuple[str, str]
"""A mark and the identity that it hands on."""


def _marks_of(day: date) -> set[DrawnMark]:
    """Return what marks hand on of the draws of a day, as stored."""
    return set(models.DrawIdentity.objects.filter(day=day).values_list("mark", "identity"))


def _wrong_marks(day: date, goods: DrawnGoods, before: set[DrawnMark]) -> Iterator[str]:
    """Tell of marks that nothing received explains, and of those that are gone; `before` were stored before the check.

    Where the beginning of the records was purged, marks older than it cannot be explained.
    """
    if goods.believed_before is None or day >= goods.believed_before:
        for mark, identity in sorted(before - goods.handed_on):
            yield f"{mark} hands on '{identity}' of {day}, which nothing received explains"
    if goods.believed_before is None:
        for mark, identity in sorted(goods.handed_on - _marks_of(day)):
            yield f"{mark} no longer hands on '{identity}' of {day}"


def _missing_marks(goods: DrawnGoods) -> Iterator[str]:
    """Tell of declarations of the day that would not be found again by what they declared."""
    for part in batched(sorted(goods.marks), 500):
        held = models.Mark.objects.filter(declaration_id__in=part)
        kept = {(number, f"{kind} {value}") for number, kind, value in held.values_list(*_MARK)}
        for number in part:
            for mark in sorted(goods.marks[number]):
                if (number, mark) not in kept:
                    yield f"declaration {number}: names {mark}, under which it is not found again"


_MARK = ("declaration_id", "kind", "value")


def _with_key(record: DrawRecord, goods: DrawnGoods, day: date) -> bool:
    """Tell whether a decision was, or should have been, drawn with the key of the day."""
    beside = {*record.beside, *goods.beside.get((record.declaration_id, record.version), ())}
    return record.key_day == day or any(on == day for _, on in beside)


def _records(day: date, again: Collection[str], policies: Policies) -> Iterator[DrawRecord]:
    """Give the decisions drawn with the key of the day, and those of declarations also drawn with it."""
    wanted = Q(draw_day=day) | Q(declaration_id__in=again) if again else Q(draw_day=day)
    decisions = models.Decision.objects.filter(wanted).order_by("decided_at", "pk").defer("facts", "answer")
    assignments = _assignments(day)
    reexaminations = _reexaminations(day)
    given: set[str] = set()
    for row in decisions.iterator(500):
        policies.of(row.set_id)
        number, first = row.declaration_id, row.declaration_id not in given
        given.add(number)
        yield draw_record(
            decision_from_json(json.loads(unpacked(row.body))["decision"]),
            row.draw_day,
            assignments=tuple(assignments.get(number, ())) if first else (),
            re_examinations=tuple(reexaminations.get(number, ())) if first else (),
        )


def _assignments(day: date) -> Mapping[str, list[Assignment]]:
    """Return the officers drawn with the day's key, by declaration."""
    rows = models.Assignment.objects.filter(day=day).select_related("officer")
    numbers = _declarations({row.decision_id for row in rows})
    found: dict[str, list[Assignment]] = {}
    for row in rows:
        made = Assignment(officer=row.officer.login, roster={name: int(w) for name, w in dict(row.roster).items()})
        found.setdefault(numbers.get(row.decision_id, ""), []).append(made)
    return found


def _reexaminations(day: date) -> Mapping[str, list[ReExamination]]:
    rows = models.Reexamination.objects.filter(day=day).select_related("officer")
    acts = {act.pk: act for act in models.Act.objects.filter(pk__in=[r.act_id for r in rows]).select_related("officer")}
    found: dict[str, list[ReExamination]] = {}
    for row in rows:
        act = acts.get(row.act_id)
        if act is None:
            continue
        assigned = None
        if row.officer is not None:
            roster = {name: int(weight) for name, weight in dict(row.roster).items()}
            assigned = Assignment(officer=row.officer.login, roster=roster, purpose="re-examination:officer")
        first = act.officer.login if act.officer else ""
        lot = ReExamination(share=row.share, drawn=row.drawn, first_officer=first, assignment=assigned)
        found.setdefault(act.declaration_id, []).append(lot)
    return found


def _declarations(decisions: set[str]) -> dict[str, str]:
    rows = models.Decision.objects.filter(pk__in=decisions).values_list("pk", "declaration_id")
    return dict(rows)
