"""The auditor's check of a day's draw with the opened key: everything drawn and not drawn, and who examined.

What goods are drawn by is worked out again from the declarations as they were received, in their order; fractions from
the key; shares from the policy of the set each decision names; officers from the rosters kept with the assignments.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from heapq import merge
from zoneinfo import ZoneInfo

from tidewaiter.actions.acting import Actor, action, record
from tidewaiter.actions.decisions.flight import lodged_rows
from tidewaiter.actions.packing import unpacked
from tidewaiter.actions.profiles.publishing import SetContent, set_content
from tidewaiter.core.decision_json import decision_from_json
from tidewaiter.core.errors import NotKnownError
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.policy import Policy
from tidewaiter.engines.selection.assignment import Assignment, ReExamination
from tidewaiter.engines.selection.inheritance import Inherited, Marked, hands_on, inherit, marked
from tidewaiter.engines.selection.verify import DrawRecord, draw_record, verify
from tidewaiter.storage.records import models


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawCheck:
    """What the check of a day found: how much was looked at, and every discrepancy in words (none: all is right)."""

    day: date
    declarations: int
    decisions: int
    drawn: int
    assignments: int
    reexaminations: int
    discrepancies: tuple[str, ...]


@action("draw.verify", reads=True)
def verify_draw(*, day: date, key: bytes, zone: ZoneInfo, catalogue: Catalogue, by: Actor, at: datetime) -> DrawCheck:
    """Check every draw made with the key of a day. Raises NotKnownError where no key was lodged for it."""
    lodged = models.DrawDay.objects.filter(pk=day).first()
    if lodged is None:
        raise NotKnownError(f"no key was lodged for {day}")
    policies = _Policies(catalogue)
    until = models.Lodgement.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    expected = _identities(day, zone, policies, until)
    records = list(_records(day, policies))
    meanwhile = set(models.Lodgement.objects.filter(pk__gt=until).values_list("declaration_id", flat=True))
    records = [one for one in records if one.declaration_id not in meanwhile]
    expected = {number: drawn for number, drawn in expected.items() if number not in meanwhile}
    found = verify(
        records,
        keys={day: key},
        digests={day: lodged.key_digest},
        policies=policies.by_version,
        identities=expected,
    )
    check = DrawCheck(
        day=day,
        declarations=len(expected),
        decisions=len(records),
        drawn=sum(one.in_random_sample for one in records),
        assignments=sum(len(one.assignments) for one in records),
        reexaminations=sum(len(one.re_examinations) for one in records),
        discrepancies=(*policies.problems, *found),
    )
    record(f"draw:{day}")
    return check


class _Policies:
    """The routing policies of the sets that decisions name, by version."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.by_version: dict[int, Policy] = {}
        self.problems: list[str] = []
        self._sets: dict[str, SetContent] = {}

    def of(self, digest: str) -> Policy:
        """Return the policy of a set, and note it; two policies of one version are a discrepancy."""
        if digest not in self._sets:
            content = self._sets[digest] = set_content(digest, self.catalogue)
            held = self.by_version.setdefault(content.policy.version, content.policy)
            if held != content.policy:
                self.problems.append(f"two routing policies have version {content.policy.version}")
        return self._sets[digest].policy


def _records(day: date, policies: _Policies) -> Iterator[DrawRecord]:
    decisions = models.Decision.objects.filter(draw_day=day).order_by("decided_at", "pk").defer("facts", "answer")
    assignments = _assignments(day)
    reexaminations = _reexaminations(day)
    given: set[str] = set()
    for row in decisions.iterator(500):
        policies.of(row.set_id)
        number, first = row.declaration_id, row.declaration_id not in given
        given.add(number)
        yield draw_record(
            decision_from_json(json.loads(unpacked(row.body))["decision"]),
            day,
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


_MAKING_READY = timedelta(days=1)
"""What comes while a new day is made ready is drawn with the key of the day before."""


@dataclass(frozen=True, slots=True)
class _Came:
    """Goods as they came, in a version of a declaration or in a filing; `on` and `set_digest` as decided then.

    `set_digest` is None where no decision of it is held: it counts by the day it came.
    """

    own: Marked
    declared: bool
    received_at: datetime
    on: date | None
    set_digest: str | None


def _identities(day: date, zone: ZoneInfo, policies: _Policies, until: int) -> dict[str, str]:
    """Return what each declaration drawn with the day's key must be drawn by, from what was received, in order.

    `until` is the last version of a declaration that counts. What came before the records begin is taken from the marks
    that were kept of it.
    """
    moments = (_first_moment(models.Lodgement), _first_moment(models.Consignment))
    first = min((moment for moment in moments if moment is not None), default=None)
    if first is None:
        return {}
    seen = {
        row.mark: Inherited(identity=row.identity, day=row.day)
        for row in models.DrawIdentity.objects.filter(day__lt=first.astimezone(zone).date()).order_by("-day")
    }
    found: dict[str, Inherited] = {}
    container_days = Policy(name="", version=0, random_share=0).container_mark_days
    for came in merge(_declared(until), _filed(), key=lambda one: one.received_at):
        on, number = _day_of(came, zone, policies), came.own.declaration_id
        if came.set_digest is not None:
            container_days = policies.of(came.set_digest).container_mark_days
        drawn = found.get(number) if came.declared else None
        drawn = drawn or inherit(came.own, seen, on, container_days)
        if came.declared:
            found[number] = drawn
        for mark in came.own.marks:
            held = seen.get(mark)
            if held is None or not hands_on(mark, held.day, on, container_days):
                seen[mark] = drawn
    return {number: drawn.identity for number, drawn in found.items() if drawn.day == day}


def _day_of(came: _Came, zone: ZoneInfo, policies: _Policies) -> date:
    """Return the day on which it was decided; a day that does not fit the moment it came is a discrepancy."""
    day = came.received_at.astimezone(zone).date()
    if came.on is None or timedelta(0) <= day - came.on <= _MAKING_READY:
        return came.on or day
    policies.problems.append(f"{came.own.declaration_id}: came on {day} and was decided as on {came.on}")
    return day


def _first_moment(model: type[models.Lodgement] | type[models.Consignment]) -> datetime | None:
    return model.objects.order_by("pk").values_list("received_at", flat=True).first()


def _declared(until: int) -> Iterator[_Came]:
    """Give the versions of declarations in the order in which they were decided: that of their rows, not of clocks."""
    held = models.Decision.objects.order_by("-ordinal")
    named = held.values_list("declaration_id", "version", "decided_on", "set_id").iterator(2_000)
    decided = {(number, version): (on, digest) for number, version, on, digest in named}
    for row in models.Lodgement.objects.filter(pk__lte=until).order_by("pk").iterator(500):
        on, digest = decided.get((row.declaration_id, row.version), (None, None))
        yield _Came(marked(lodged_rows(row)), True, row.received_at, on, digest)


def _filed() -> Iterator[_Came]:
    """Give filings in their order: a declaration under the document of one is drawn by it."""
    for row in models.Consignment.objects.order_by("pk").defer("answer", "row").iterator(500):
        body, number = json.loads(unpacked(row.body)), row.consignment_id
        own = Marked(declaration_id=number, document=number, containers=frozenset())
        yield _Came(own, False, row.received_at, date.fromisoformat(body["on"]), body["set"])
