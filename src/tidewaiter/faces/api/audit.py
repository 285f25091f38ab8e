"""The audit events, for the inspectorate alone; each search is an event itself."""

from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema
from pydantic import AwareDatetime

from tidewaiter.actions.audit.auditing import Search, search_events
from tidewaiter.faces.api.calling import Page, caller, moment, needs, paged
from tidewaiter.faces.api.worklist import NO_NUL
from tidewaiter.storage.records.models import AuditEvent

router = Router(tags=["audit"])

_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

type Moment = Annotated[AwareDatetime, Field(ge=_EARLIEST, le=_LATEST)]


class EventsWanted(Page):
    """Which events are asked for; what is left out is not asked about."""

    actor: Annotated[
        str, Field(max_length=200, pattern=NO_NUL, description="officer:1, client:1 or system:service")
    ] = ""
    record: Annotated[str, Field(max_length=200, pattern=NO_NUL, description="decision:D1, or the kind decision")] = ""
    action: Annotated[str, Field(max_length=200, pattern=NO_NUL, description="As in the table of rights")] = ""
    since: Moment | None = Field(None, description="From this instant on")
    until: Moment | None = Field(None, description="Before this instant")


class AuditEventAnswer(Schema):
    """One event: references only, and the digest of what the record then held; withheld parts are said to be."""

    sequence: int
    at: datetime
    actor: str
    action: str
    record: str
    digest: str
    previous: str
    hash: str


class AuditEventPage(Schema):
    """A part of the events found."""

    entries: list[AuditEventAnswer]
    next: int | None


@router.get("/audit/events", auth=needs("audit.search"), response=AuditEventPage, summary="Search the audit events")
def audit_events(request: HttpRequest, wanted: Query[EventsWanted]) -> dict[str, Any]:
    """Return the events that fit, in the order of the chain."""
    search = Search(
        actor=wanted.actor,
        record=wanted.record,
        action=wanted.action,
        since=wanted.since,
        until=wanted.until,
        after=wanted.after,
        limit=wanted.limit,
    )
    found = search_events(search=search, by=caller(request), at=moment())
    return paged([_event(one) for one in found.events], wanted, lambda one: one["sequence"])


def _event(one: AuditEvent) -> dict[str, Any]:
    return {name: getattr(one, name) for name in AuditEventAnswer.model_fields}
