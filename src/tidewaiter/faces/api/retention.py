"""Retention: rules by two persons, legal holds, what is due, and purge lists. The worker runs what was approved."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema, Status

from tidewaiter.actions.retention import holds, purging
from tidewaiter.actions.retention import retention as keeping
from tidewaiter.actions.retention import retention_lists as kept
from tidewaiter.faces.api.calling import LARGEST_NUMBER, Given, Page, caller, moment, needs, paged
from tidewaiter.faces.api.service import service
from tidewaiter.storage.records.models import LegalHold, Purge, RetentionRule

router = Router(tags=["retention"])

type Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of a rule")]
type HoldNumber = Annotated[int, Path(ge=1, le=LARGEST_NUMBER, description="Number of a hold")]
type PurgeNumber = Annotated[str, Path(max_length=40, pattern=r"^[A-Za-z0-9-]+$", description="Number of a list")]
type Kind = Annotated[str, Path(max_length=40, pattern=r"^[a-z]+$", description="Kind of record")]
type Reference = Annotated[str, Field(max_length=200, description="A record as kind:number")]
type Why = Annotated[str, Field(max_length=4000, description="Why")]


class RuleGiven(Given):
    """How long a kind of record is to be kept."""

    kind: Annotated[str, Field(max_length=40)]
    days: Annotated[int, Field(ge=1, le=keeping.MOST_DAYS)]
    legal_basis: Annotated[str, Field(max_length=200)]


class HoldGiven(Given):
    """A record that is not to be purged."""

    record: Reference
    reason: Why


class LiftGiven(Given):
    """Why a hold is lifted."""

    reason: Why


class LiftAgreed(Given):
    """Whether the second person agrees."""

    agreed: bool


class PurgeGiven(Given):
    """What is to go: records named, or all that is due of some kinds."""

    records: Annotated[tuple[Reference, ...], Field(max_length=10_000)] = ()
    due: Annotated[tuple[Annotated[str, Field(max_length=40)], ...], Field(max_length=20)] = ()
    reason: Why


class RuleAnswer(Schema):
    """A rule; number 0 is the one shipped, `proposed_by` null for one in force."""

    kind: str
    number: int
    days: int
    legal_basis: str
    proposed_by: str | None


class DueAnswer(Schema):
    """A record past its rule."""

    record: str = Field(description="Empty where the caller may not see the record; the rule names its kind")
    since: datetime
    rule: str
    held: bool


class HoldAnswer(Schema):
    """A legal hold; `record` and the reasons are empty where the caller may not see the record."""

    number: int
    record: str
    reason: str
    by: str
    at: datetime
    lifting: bool = Field(description="That it be lifted waits for a second person; it stands until then")
    lifted_by: str | None = Field(description="Who asked that it be lifted")
    lifted_second: str | None = Field(description="The second person, who agreed")
    lifted_at: datetime | None
    lifted_reason: str


class HoldPage(Schema):
    """A part of the holds."""

    entries: list[HoldAnswer]
    next: int | None


class PurgeAnswer(Schema):
    """A purge list; `records` is how many it names, `stayed` how many of them did not go."""

    number: str
    reason: str
    records: int
    stayed: int
    digest: str
    made_by: str
    made_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    applied_at: datetime | None
    done_at: datetime | None


class EntryAnswer(Schema):
    """One record of a purge list; of a list that was applied the digest alone is left."""

    place: int
    kind: str
    record: str = Field(description="Empty once applied, and where the caller may not see the record")
    digest: str = Field(description="Empty before the list is applied")
    rule: str
    stayed: str = Field(description="Why it did not go; empty where it went, or was not yet to go")


class EntryPage(Schema):
    """A part of a purge list."""

    entries: list[EntryAnswer]
    next: int | None


@router.get("/retention/rules", auth=needs("retention.due"), response=list[RuleAnswer], summary="List rules")
def retention_rules(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the rule in force for every kind, and those that wait for a second person."""
    by, at = caller(request), moment()
    standing = [_rule(one.kind, one.number, one.days, one.legal_basis) for one in kept.rules_in_force(by=by, at=at)]
    return standing + [_proposed(one) for one in kept.rules_proposed(by=by, at=at)]


@router.post("/retention/rules", auth=needs("retention.propose"), response={201: RuleAnswer}, summary="Propose a rule")
def propose_retention_rule(request: HttpRequest, given: RuleGiven) -> Status[Any]:
    """Propose how long a kind of record is kept."""
    made = keeping.propose_rule(
        kind=given.kind, days=given.days, legal_basis=given.legal_basis, by=caller(request), at=moment()
    )
    return Status(201, _proposed(made))


@router.post(
    "/retention/rules/{kind}/{number}/approval",
    auth=needs("retention.approve"),
    response=RuleAnswer,
    summary="Approve a rule",
)
def approve_retention_rule(request: HttpRequest, kind: Kind, number: Number) -> dict[str, Any]:
    """Put a rule in force, as the second person."""
    made = keeping.approve_rule(kind=kind, number=number, by=caller(request), at=moment())
    return _rule(made.kind, made.number, made.days, made.legal_basis)


@router.get("/retention/due", auth=needs("retention.due"), response=list[DueAnswer], summary="List what is due")
def retention_due(request: HttpRequest) -> list[keeping.Due]:
    """Return the records past their rule, with those a hold stops; what is in the lake alone is not among them."""
    return keeping.list_due(by=caller(request), at=moment())


@router.get("/retention/holds", auth=needs("retention.due"), response=HoldPage, summary="List legal holds")
def legal_holds(request: HttpRequest, page: Query[Page]) -> dict[str, Any]:
    """Return legal holds, those lifted too."""
    found = kept.holds(by=caller(request), at=moment(), after=page.after, limit=page.limit)
    return paged([_hold(one) for one in found], page, lambda one: one["number"])


@router.post("/retention/holds", auth=needs("hold.place"), response={201: HoldAnswer}, summary="Place a legal hold")
def place_legal_hold(request: HttpRequest, given: HoldGiven) -> Status[Any]:
    """Hold a record that is there, and all that would be purged with it, back from every purge."""
    made = holds.place_hold(
        about=given.record, reason=given.reason, lake=service().lake, by=caller(request), at=moment()
    )
    return Status(201, _hold(made))


@router.post("/retention/holds/{number}/lift", auth=needs("hold.lift"), response=HoldAnswer, summary="Lift a hold")
def lift_legal_hold(request: HttpRequest, number: HoldNumber, given: LiftGiven) -> dict[str, Any]:
    """Ask that a legal hold be lifted; it stands until a second person confirms it."""
    return _hold(holds.lift_hold(hold=number, reason=given.reason, by=caller(request), at=moment()))


@router.post(
    "/retention/holds/{number}/lift/confirm",
    auth=needs("hold.confirm_lift"),
    response=HoldAnswer,
    summary="Confirm that a hold is lifted",
)
def confirm_hold_lifted(request: HttpRequest, number: HoldNumber, given: LiftAgreed) -> dict[str, Any]:
    """Lift a hold as the second person, or refuse to."""
    by = caller(request)
    (told,) = kept.told_holds([holds.confirm_lift(hold=number, agreed=given.agreed, by=by, at=moment())], by)
    return _hold(told)


@router.get("/purges", auth=needs("purge.read"), response=list[PurgeAnswer], summary="List purges")
def purge_lists(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the latest purge lists."""
    return [_purge(one) for one in kept.purges(by=caller(request), at=moment())]


@router.get("/purges/{number}/entries", auth=needs("purge.read"), response=EntryPage, summary="Read a purge list")
def purge_list_entries(request: HttpRequest, number: PurgeNumber, page: Query[Page]) -> dict[str, Any]:
    """Return what a list names, for who is to approve it; the reading is recorded."""
    found = kept.read_entries(number=number, after=page.after, limit=page.limit, by=caller(request), at=moment())
    return paged(found, page, lambda one: one.place)


@router.post("/purges", auth=needs("purge.make"), response={201: PurgeAnswer}, summary="Make a purge list")
def make_purge_list(request: HttpRequest, given: PurgeGiven) -> Status[Any]:
    """Make a list; nothing goes before another approves it."""
    now = moment()
    listed: list[keeping.Due | str] = list(given.records)
    if given.due:
        listed += [one for one in keeping.due(now) if one.record.partition(":")[0] in given.due and not one.held]
    return Status(201, _purge(purging.make_purge(records=listed, reason=given.reason, by=caller(request), at=now)))


@router.post(
    "/purges/{number}/approval", auth=needs("purge.approve"), response=PurgeAnswer, summary="Approve a purge list"
)
def approve_purge_list(request: HttpRequest, number: PurgeNumber) -> dict[str, Any]:
    """Approve a list, as the second person; the worker then takes away what it names."""
    return _purge(purging.approve_purge(number=number, by=caller(request), at=moment()))


def _rule(kind: str, number: int, days: int, legal_basis: str) -> dict[str, Any]:
    return {"kind": kind, "number": number, "days": days, "legal_basis": legal_basis, "proposed_by": None}


def _proposed(one: RetentionRule) -> dict[str, Any]:
    return _rule(one.kind, one.number, one.days, one.legal_basis) | {"proposed_by": one.by.login}


def _hold(one: LegalHold) -> dict[str, Any]:
    stated = {name: getattr(one, name) for name in ("record", "reason", "at", "lifted_at", "lifted_reason")}
    lifting = one.lifted_by_id is not None and one.lifted_at is None
    persons = {"lifted_by": one.lifted_by, "lifted_second": one.lifted_second}
    logins = {name: who.login if who else None for name, who in persons.items()}
    return {"number": one.pk, "by": one.by.login, "lifting": lifting, **logins, **stated}


def _purge(one: Purge) -> dict[str, Any]:
    moments = {name: getattr(one, name) for name in ("made_at", "approved_at", "applied_at", "done_at")}
    return {
        "number": one.pk,
        "reason": one.reason,
        "records": len(one.records),
        "stayed": sum("stayed" in entry for entry in one.records),
        "digest": one.digest,
        "made_by": one.made_by.login,
        "approved_by": one.approved_by.login if one.approved_by else None,
        **moments,
    }
