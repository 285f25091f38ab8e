"""Hits beyond capacity: listed, deferred or waived by a named manager; what was cut and the risk accepted.

Whoever may not see profiles by their codes is shown no codes here either: all figures, without the table by profile.
"""

from datetime import date, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema

from tidewaiter.actions.examinations import capacity
from tidewaiter.actions.examinations.cut import Cut, Expected, cut
from tidewaiter.faces.api.calling import Given, Page, caller, moment, needs, officer, today
from tidewaiter.faces.api.forms import Code, Day, ReasonText, Share, share_answer
from tidewaiter.faces.api.service import service
from tidewaiter.storage.records.models import Decision
from tidewaiter.storage.records.visibility import PROFILE_ROLES

router = Router(tags=["capacity"])

type DecisionNumber = Path[Annotated[str, Field(max_length=40, description="Number of a decision")]]


class Asked(Given):
    """Which day, and where; nothing given: today, at all offices the caller sees."""

    day: Day | None = None
    office: Code | None = None


class HitsAsked(Page):
    """Which hits beyond capacity are asked for."""

    day: Day | None = None
    office: Code | None = None
    shift: Annotated[str, Field(max_length=40)] | None = None


class HitAnswer(Schema):
    """A declaration selected beyond the minutes there are, and what a manager decided about it."""

    decision_id: str
    declaration_id: str
    office: str
    shift: str
    channel: str
    decided_at: datetime
    choice: str | None
    until: date | None
    reason: str | None
    by: str | None


class HitPage(Schema):
    """A page of hits."""

    entries: list[HitAnswer]
    next: int | None


class ExpectedAnswer(Schema):
    """A number of findings with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


class CutProfileAnswer(Schema):
    """What was cut of one profile's hits; null figures where nothing it selected was ever looked at."""

    code: str
    title: str
    hits: int
    waived: int
    deferred: int
    rate: Share | None
    expected: ExpectedAnswer | None


class AcceptanceAnswer(Schema):
    """Who accepted the risk of a hit."""

    by: str
    name: str
    decision_id: str
    choice: str
    until: date | None
    reason: str
    at: datetime


class CutAnswer(Schema):
    """What was cut on a day. Counts are of declarations: selected, not inspected. Rates are naive."""

    day: date
    selected: int
    beyond: int
    waived: int
    deferred: int
    undecided: int
    unknown: int = Field(description="Declarations none of whose profiles has a rate")
    minutes: int = Field(description="Officer minutes that the declarations cut would have taken")
    expected: ExpectedAnswer | None = Field(description="Findings forgone; null where nothing is known")
    by_profile: list[CutProfileAnswer] | None
    accepted: list[AcceptanceAnswer]


class Deferral(Given):
    """To which day a hit is deferred, and why."""

    until: Day
    reason: ReasonText


class Waiver(Given):
    """Why a hit is waived."""

    reason: ReasonText


@router.get("/capacity/beyond", auth=needs("capacity.read"), response=HitPage, summary="List hits beyond capacity")
def list_beyond(request: HttpRequest, asked: Query[HitsAsked]) -> dict[str, Any]:
    """Return the hits of a day beyond capacity, in the order of their decisions."""
    found = capacity.beyond_capacity(officer(request), asked.day or today(), office=asked.office, shift=asked.shift)
    rows = [_hit(decision) for decision in found[asked.after : asked.after + asked.limit]]
    return {"entries": rows, "next": asked.after + asked.limit if len(rows) >= asked.limit else None}


@router.get("/capacity/cut", auth=needs("capacity.read"), response=CutAnswer, summary="See what was cut")
def get_cut(request: HttpRequest, asked: Query[Asked]) -> dict[str, Any]:
    """Return what was cut on a day, the findings expected of it, and who accepted the risk."""
    reader = officer(request)
    found = cut(asked.day or today(), reader, office=asked.office, material_duty=service().material_duty)
    return _cut(found, codes=reader.holds(*PROFILE_ROLES))


@router.post("/capacity/{decision_id}/defer", auth=needs("capacity.defer"), response=HitAnswer, summary="Defer a hit")
def defer_hit(request: HttpRequest, decision_id: DecisionNumber, given: Deferral) -> dict[str, Any]:
    """Defer a hit beyond capacity to a later day."""
    made = capacity.defer_hit(
        decision=decision_id, until=given.until, reason=given.reason, on=today(), by=caller(request), at=moment()
    )
    return _hit(made.decision)


@router.post("/capacity/{decision_id}/waive", auth=needs("capacity.waive"), response=HitAnswer, summary="Waive a hit")
def waive_hit(request: HttpRequest, decision_id: DecisionNumber, given: Waiver) -> dict[str, Any]:
    """Waive a hit beyond capacity: selected, not inspected."""
    made = capacity.waive_hit(decision=decision_id, reason=given.reason, by=caller(request), at=moment())
    return _hit(made.decision)


def _hit(decision: Decision) -> dict[str, Any]:
    choice = capacity.latest_choice(decision)
    return {
        "decision_id": decision.pk,
        "declaration_id": decision.declaration_id,
        "office": decision.office,
        "shift": decision.shift,
        "channel": decision.channel,
        "decided_at": decision.decided_at,
        "choice": choice.choice if choice else None,
        "until": choice.until if choice else None,
        "reason": choice.reason if choice else None,
        "by": choice.by.login if choice else None,
    }


def _cut(found: Cut, *, codes: bool) -> dict[str, Any]:
    by_profile = [
        {
            "code": one.code,
            "title": one.title,
            "hits": one.hits,
            "waived": one.waived,
            "deferred": one.deferred,
            "rate": share_answer(one.rate),
            "expected": _expected(one.expected),
        }
        for one in found.by_profile
    ]
    accepted = [
        {
            "by": one.officer.login,
            "name": one.officer.name,
            "decision_id": one.decision_id,
            "choice": one.choice.value,
            "until": one.until,
            "reason": one.reason,
            "at": one.at,
        }
        for one in found.accepted
    ]
    counts = ("day", "selected", "beyond", "waived", "deferred", "undecided", "unknown", "minutes")
    return {
        **{name: getattr(found, name) for name in counts},
        "expected": _expected(found.expected),
        "by_profile": by_profile if codes else None,
        "accepted": accepted,
    }


def _expected(found: Expected | None) -> dict[str, float] | None:
    return None if found is None else {"value": found.value, "low": found.low, "high": found.high}
