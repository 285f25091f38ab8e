"""Results: what an act established, entered in twenty seconds, kept as versions that never change.

The first form asks one thing: not inspected (why), nothing found, found other than suspected, found as suspected; then
categories, then detail. A correction, a laboratory's answer or an appeal is a new version with its reason.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from tidewaiter.actions.acting import Actor, action, officer_of, record, require
from tidewaiter.actions.examinations.acts import CLOSED, NOT_INSPECTED, PENDING, officer_code
from tidewaiter.actions.examinations.waiting import telling_what_closed
from tidewaiter.actions.examinations.worklist import acts_seen
from tidewaiter.actions.reading import Row, read_row, stored
from tidewaiter.actions.rights import granting
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError, Place, Problem
from tidewaiter.core.role import Role
from tidewaiter.core.tables import RESULTS
from tidewaiter.core.tables.results import FOUND
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Act, Officer, Override, Result

FINAL, OVERTURNED = "final", "overturned"
FOLLOWS: Final[Mapping[str, tuple[str, ...]]] = {
    "": ("pending", "provisional", FINAL),
    "pending": ("pending", "provisional", FINAL),
    "provisional": ("provisional", FINAL),
    FINAL: (FINAL, OVERTURNED),
    OVERTURNED: (OVERTURNED, FINAL),
}
"""Which state a new version may have after the one before it ("": the first)."""

FILLED_IN = ("act_id", "declaration_id", "act", "officer")
"""Fields of the row that come from the act; giving them is an error."""

MONEY = ("duty_assessed", "duty_collected", "duty_refunded", "penalty", "seizure_value")


@action("result.record")
def record_result(*, act_id: str, given: Mapping[str, object], note: str = "", by: Actor, at: datetime) -> Result:
    """Record what an act established, by the examiner who has it or a manager of the office.

    `given` are fields of core.tables.RESULTS; without `state` it is final, without `completed_at` it is now. Raises
    InputError with every problem, NotKnownError for an act of somebody else, ConflictError when a result is there
    already or nobody has the act.
    """
    act = _act(act_id, officer_of(by), "result.record")
    if act.state != "open":
        raise ConflictError(f"act {act_id} has a result; a correction needs its reason")
    return _add(act, given, "", None, note=note, reason="", by=officer_of(by), at=at)


@action("result.correct")
def correct_result(
    *, act_id: str, given: Mapping[str, object], reason: str, note: str = "", by: Actor, at: datetime
) -> Result:
    """Add a version to a result: a correction, a laboratory's answer, an appeal; the earlier ones stay as they are.

    `given` is the whole result as it stands now. Raises as `record_result`; ConflictError where there is none yet.
    """
    act = _act(act_id, officer_of(by), "result.correct")
    latest = act.results.order_by("-version").first()
    if latest is None:
        raise ConflictError(f"act {act_id} has no result yet")
    return _add(act, given, latest.state, latest, note=note, reason=reason, by=officer_of(by), at=at)


def _act(act_id: str, officer: Officer, action: str) -> Act:
    lock_chain()
    held = acts_seen(officer, granting(action)).select_for_update(of=("self",)).select_related("officer", "decision")
    act = held.filter(pk=act_id).first()
    if act is None:
        raise NotKnownError(f"no act {act_id} is yours")
    if act.officer is None:
        raise ConflictError(f"act {act_id} is not given to an examiner yet")
    if act.officer_id != officer.pk and not officer.holds(Role.MANAGER):
        raise NotAllowedError("a result is entered by the examiner who did the act, or by a manager")
    return act


def _add(
    act: Act,
    given: Mapping[str, object],
    before: str,
    latest: Result | None,
    *,
    note: str,
    reason: str,
    by: Officer,
    at: datetime,
) -> Result:
    row, problems = _read(act, given, before, at)
    if latest is not None and not reason.strip():
        problems.append(Problem("a new version needs its reason", Place("reason")))
    if problems:
        raise InputError(problems)
    with telling_what_closed([act.declaration_id], by=by, at=at):
        result = Result.objects.create(
            act=act,
            version=latest.version + 1 if latest else 1,
            state=row["state"],
            outcome=row["outcome"],
            row=stored(row),
            note=note,
            reason=reason,
            by=by,
            known_at=at,
        )
        _settle(act, result, at)
    record(f"act:{act.pk}", json.dumps([result.row, note, reason], sort_keys=True).encode())
    return result


def _settle(act: Act, result: Result, at: datetime) -> None:
    """Bring the act to where the result puts it; a final one is shown with the overrides of its declaration."""
    closed = act.state == CLOSED or result.state in (FINAL, OVERTURNED)
    act.state = CLOSED if closed else PENDING
    act.closed_at = act.closed_at or (at if closed else None)
    act.save(update_fields=["state", "closed_at"])
    if closed and result.outcome != NOT_INSPECTED:
        overrides = Override.objects.filter(declaration_id=act.declaration_id, state="in force")
        (overrides if result.outcome in FOUND else overrides.filter(result_act=None)).update(result_act=act)


def _read(act: Act, given: Mapping[str, object], before: str, at: datetime) -> tuple[Row, list[Problem]]:
    stated = {"state": FINAL, "completed_at": at} | {name: value for name, value in given.items() if value is not None}
    row, problems = read_row(RESULTS, stated, later=FILLED_IN)
    problems += [Problem("is filled in from the act", Place(name)) for name in FILLED_IN if name in given]
    problems += contradictions(row, before, at)
    problems += _unknown_items(act, row)
    assert act.officer is not None
    filled = {"act_id": act.pk, "declaration_id": act.declaration_id, "act": act.kind}
    return row | filled | {"officer": officer_code(act.officer)}, problems


def contradictions(row: Row, before: str, at: datetime) -> Iterator[Problem]:
    """Tell what in a result cannot be true together, or not after a version in the state `before`."""
    outcome, state = row.get("outcome"), row.get("state", "")
    if state and state not in FOLLOWS[before]:
        after = f"after {before} comes" if before else "the first version is"
        yield Problem(f"'{state}' cannot stand here: {after} {' or '.join(FOLLOWS[before])}", Place("state"))
    if outcome == NOT_INSPECTED and "not_inspected_reason" not in row:
        yield Problem("say why the act did not take place", Place("not_inspected_reason"))
    if outcome not in (None, NOT_INSPECTED) and "not_inspected_reason" in row:
        yield Problem("goods that were looked at have no such reason", Place("not_inspected_reason"))
    if outcome == NOT_INSPECTED and state != FINAL:
        yield Problem("what was not inspected awaits no answer: it is final", Place("state"))
    if outcome in FOUND and state == FINAL and "categories" not in row:
        yield Problem("name at least one category of what was found", Place("categories"))
    if outcome is not None and outcome not in FOUND:
        for name in ("categories", *MONEY):
            if row.get(name):
                yield Problem(f"{outcome.replace('_', ' ')}: there is nothing to state here", Place(name))
    yield from _out_of_bounds(row, at)


def _out_of_bounds(row: Row, at: datetime) -> Iterator[Problem]:
    for name in (*MONEY, "officer_minutes"):
        if row.get(name, Decimal(0)) < 0:
            yield Problem("is not negative", Place(name))
    if not 0 <= row.get("share_examined", 1) <= 1:
        yield Problem("is a share between 0 and 1", Place("share_examined"))
    if "completed_at" in row and row["completed_at"] > at:
        yield Problem("lies in the future", Place("completed_at"))


def _unknown_items(act: Act, row: Row) -> Iterator[Problem]:
    answer = json.loads(act.decision.answer)
    known = {str(item["item_number"]) for item in answer["items"]}
    for number in row.get("items", ()):
        if known and number not in known:
            yield Problem(f"the declaration has no item {number}", Place("items"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultVersion:
    """One version of a result as it is shown. `officer` did the act; `by` entered it (empty: the service)."""

    act_id: str
    version: int
    state: str
    outcome: str
    fields: Mapping[str, Any]
    note: str
    reason: str
    by: str
    known_at: datetime


def results_of(*, act_id: str, by: Actor, at: datetime) -> list[ResultVersion]:
    """Return every version of an act's result, the first first. Raises NotKnownError for an act of somebody else."""
    require("result.read", by, at)
    act = acts_seen(officer_of(by), granting("result.read")).filter(pk=act_id).first()
    if act is None:
        raise NotKnownError(f"no act {act_id} is yours")
    return [_shown(one) for one in act.results.select_related("by").order_by("version")]


def _shown(result: Result) -> ResultVersion:
    return ResultVersion(
        act_id=result.act_id,
        version=result.version,
        state=result.state,
        outcome=result.outcome,
        fields=result.row,
        note=result.note,
        reason=result.reason,
        by=result.by.login if result.by else "",
        known_at=result.known_at,
    )
