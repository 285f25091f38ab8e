"""What profile versions in shadow would have met."""

from datetime import date, timedelta
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from tidewaiter.actions.decisions.shadowing import LONGEST_DAYS, shadow_days
from tidewaiter.faces.api.calling import Given, caller, moment, needs, today
from tidewaiter.faces.api.profiles import ProfileCode, ProfileNumber

router = Router(tags=["profiles"])

_WEEK = timedelta(days=6)
_EARLIEST, _LATEST = date(2000, 1, 1), date(2200, 1, 1)

type BoundDay = Annotated[date, Field(ge=_EARLIEST, le=_LATEST, description="A calendar day of the administration")]


class Days(Given):
    """Days of the administration, both included, seven at most. Nothing given: the last seven."""

    start: BoundDay | None = None
    end: BoundDay | None = None


class ShadowDayAnswer(Schema):
    """One day of a version in shadow."""

    on: date
    decisions: int = Field(description="Decisions taken while it ran in shadow, those taken again included")
    met: int = Field(description="Those of them that it would have met")
    added: int = Field(description="Those it would have met that nothing selected")
    declarations: int = Field(description="Of how many declarations those met are")


@router.get(
    "/profiles/{path:code}/versions/{number}/shadow/days",
    auth=needs("profile.read"),
    response=list[ShadowDayAnswer],
    summary="Count what it would have met in shadow",
    description=f"Day by day, over at most {LONGEST_DAYS} days, from what decisions keep. The reading is recorded.",
)
def read_shadow(request: HttpRequest, code: ProfileCode, number: ProfileNumber, asked: Query[Days]) -> list[Any]:
    """Return what the version would have met, a day each; days without a decision are left out."""
    end = asked.end or (today() if asked.start is None else asked.start + _WEEK)
    start = asked.start or end - _WEEK
    return shadow_days(code=code, number=number, start=start, end=end, by=caller(request), at=moment())
