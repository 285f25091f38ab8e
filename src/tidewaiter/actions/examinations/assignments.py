"""Who examines: officers by the keyed draw, weighted by the minutes they have free; replacing one needs a reason.

What the draw was made from (roster, weights, identity and the day of its key) is kept with each assignment, so that
an auditor with the opened key can make it again. The roster are the examiners on duty at the act's office; an office
that keeps no roster for the moment has all its examiners on duty for a working day.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet

from tidewaiter.actions.acting import Actor, action, officer_of, record
from tidewaiter.actions.draws import Keys
from tidewaiter.actions.examinations.acts import CLOSED, OPEN
from tidewaiter.actions.packing import to_json
from tidewaiter.actions.reading import explained
from tidewaiter.actions.rights import granting
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import ConflictError, NotKnownError, Place, Problem
from tidewaiter.core.policy import Policy
from tidewaiter.core.role import Role
from tidewaiter.engines.selection.assignment import assign, free_minutes
from tidewaiter.engines.selection.draw import Draw
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Act, Assignment, Duty, Officer, Replacement
from tidewaiter.storage.records.visibility import visible_to

WORKING_DAY_MINUTES = 480
AT_ONCE = 300

CHANNEL_OF_KIND = {"physical": Channel.RED, "scan": Channel.ORANGE, "documents": Channel.YELLOW}
"""The channel whose minutes the policy states for a kind of act."""


@dataclass(slots=True)
class Rosters:
    """The examiners on duty at each office with their free minutes, as they go down while acts are given away."""

    policy: Policy
    at: datetime
    officers: dict[str, Officer] = field(default_factory=dict)
    _free: dict[str, dict[str, int]] = field(default_factory=dict)

    def of(self, office: str) -> dict[str, int]:
        """Return the free minutes of each examiner on duty at the office, by login; empty when nobody is."""
        if office not in self._free:
            self._free[office] = self._read(office)
        return dict(self._free[office])

    def take(self, office: str, officer: str, kinds: Iterable[str]) -> None:
        """Count acts as given to an officer."""
        free = self._free[office]
        free[officer] = max(0, free[officer] - sum(minutes(kind, self.policy) for kind in kinds))

    def _read(self, office: str) -> dict[str, int]:
        available = on_duty(office, self.at)
        self.officers |= {officer.login: officer for officer in available}
        by_login = {officer.login: length for officer, length in available.items()}
        waiting = Act.objects.filter(officer__in=available).exclude(state=CLOSED).select_related("officer")
        given: defaultdict[str, int] = defaultdict(int)
        for act in waiting:
            if act.officer is not None:
                given[act.officer.login] += minutes(act.kind, self.policy)
        return free_minutes(by_login, given, by_login)


def minutes(kind: str, policy: Policy) -> int:
    """Return the officer minutes an act of that kind is taken to last."""
    return policy.minutes.get(CHANNEL_OF_KIND[kind], 0)


def on_duty(office: str, at: datetime) -> dict[Officer, int]:
    """Return the examiners on duty at an office at an instant, each with the whole minutes of the duty.

    Of duties that overlap, set before that was refused, the longest counts.
    """
    held = Duty.objects.filter(office=office, officer__office=office, starts_at__lte=at, ends_at__gt=at)
    listed: dict[Officer, int] = {}
    for one in held.select_related("officer"):
        length = int((one.ends_at - one.starts_at).total_seconds() // 60)
        listed[one.officer] = max(length, listed.get(one.officer, 0))
    if not listed:
        listed = dict.fromkeys(Officer.objects.filter(office_id=office, active=True), WORKING_DAY_MINUTES)
    return {officer: length for officer, length in listed.items() if officer.holds(Role.EXAMINER)}


def assign_waiting(*, keys: Keys, policy: Policy, by: Actor, at: datetime) -> list[Assignment]:
    """Give every act that nobody has to an examiner by the draw; return the assignments.

    The acts of one declaration that wait together go to one officer. What has nobody on duty stays waiting. At most
    300 are given away at once, so that no decision waits long behind it. A second examination is not given away here,
    for it has a lot of its own.
    """
    acts = list(
        Act.objects.filter(officer=None, state=OPEN, reexamines=None)
        .select_related("decision")
        .order_by("due_on", "pk")
    )
    rosters = Rosters(policy, at)
    ready = [act for act in acts if rosters.of(act.office)]
    return _assign(acts=ready, rosters=rosters, keys=keys, by=by, at=at) if ready else []


def _offices(acts: QuerySet[Act]) -> list[str]:
    return list(acts.order_by("office").values_list("office", flat=True).distinct())


@action("act.assign")
def _assign(*, acts: Sequence[Act], rosters: Rosters, keys: Keys, by: Actor, at: datetime) -> list[Assignment]:
    grouped: defaultdict[str, list[Act]] = defaultdict(list)
    for act in acts:
        grouped[act.declaration_id].append(act)
    made: list[Assignment] = []
    for together in grouped.values():
        made += _draw(together, rosters, keys, at)
    for officer in {one.officer for one in made}:
        theirs = [one.subject for one in made if one.officer == officer]
        Act.objects.filter(pk__in=theirs).update(officer=officer)
    Assignment.objects.bulk_create(made)
    for one in made:
        record(f"act:{one.subject}", assignment_content(one))
    return made


def assignment_content(assignment: Assignment) -> bytes:
    """Return what the audit chain holds of an assignment: the officer, and all that the lot was drawn from."""
    parts = [assignment.officer.reference, assignment.identity, assignment.day.isoformat(), assignment.roster]
    return to_json(parts).encode("utf-8", "surrogatepass")


def _draw(acts: Sequence[Act], rosters: Rosters, keys: Keys, at: datetime) -> list[Assignment]:
    first = acts[0].decision
    drawn = assign(Draw(keys.day_key(first.draw_day), first.identity), rosters.of(acts[0].office))
    officer = rosters.officers[drawn.officer]
    rosters.take(acts[0].office, drawn.officer, [act.kind for act in acts])
    for act in acts:
        act.officer = officer
    return [
        Assignment(
            subject=act.pk,
            decision_id=act.decision_id,
            identity=first.identity,
            day=first.draw_day,
            roster=dict(drawn.roster),
            officer=officer,
            at=at,
        )
        for act in acts
    ]


@action("act.replace")
def replace_officer(*, act_id: str, officer: str, reason: str, by: Actor, at: datetime) -> Replacement:
    """Give an act to another examiner than the draw did, for a reason that the inspectorate sees.

    Raises NotKnownError for an act of another office, InputError for a reason of fewer than 5 characters, and
    ConflictError, in one sentence whatever the cause, where the act is closed or the officer may not have it.
    """
    explained(reason)
    manager = officer_of(by)
    lock_chain()
    seen = visible_to(manager, Act.objects.select_for_update(of=("self",)), granting("act.replace"))
    act = seen.filter(pk=act_id).first()
    after = Officer.objects.filter(login=officer).first()
    if act is None:
        raise NotKnownError(f"no act {act_id}")
    if after is None or not _may_have(act, after):
        advice = "name another examiner of its office, while it is not closed"
        raise ConflictError(Problem(f"act {act_id} cannot be given to this officer", Place("officer"), advice))
    made = Replacement.objects.create(act=act, before=act.officer, after=after, reason=reason, by=manager, at=at)
    act.officer = after
    act.save(update_fields=["officer"])
    record(f"act:{act.pk}", f"{after.reference} {reason}".encode("utf-8", "surrogatepass"))
    return made


def _may_have(act: Act, after: Officer) -> bool:
    """Tell whether an open act may be given to an officer: an examiner of its office who has neither it nor the first.

    The causes are not told apart, so that a refusal does not say by itself which act is a second examination.
    """
    first = act.reexamines.officer_id if act.reexamines else None
    available = after.holds(Role.EXAMINER) and after.office_id == act.office
    return act.state != CLOSED and available and after.pk not in (act.officer_id, first)
