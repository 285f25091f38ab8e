"""Results of examinations: entered in one form, corrected by new versions."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Router, Schema, Status

from tidewaiter.actions.examinations.results import ResultVersion, correct_result, record_result, results_of
from tidewaiter.core.tables.results import CATEGORIES, OUTCOMES, STATES
from tidewaiter.faces.api.calling import Given, caller, moment, needs
from tidewaiter.faces.api.worklist import ActId

router = Router(tags=["examination"])

type Amount = Annotated[Decimal | None, Field(description="National currency")]
type Codes = Annotated[list[str] | None, Field(max_length=1000)]


class ResultGiven(Given):
    """What an act established. The outcome alone is enough where nothing was found."""

    outcome: Annotated[str, Field(max_length=40, json_schema_extra={"enum": list(OUTCOMES)})]
    state: Annotated[str, Field(max_length=40, json_schema_extra={"enum": list(STATES)})] = "final"
    completed_at: Annotated[datetime | None, Field(description="With its time zone; now where it is left out")] = None
    not_inspected_reason: Annotated[str | None, Field(max_length=4000)] = None
    categories: Annotated[
        list[str] | None,
        Field(max_length=40, json_schema_extra={"items": {"type": "string", "enum": list(CATEGORIES)}}),
    ] = None
    items: Codes = None
    containers: Codes = None
    share_examined: Annotated[float | None, Field(description="Of the named goods, 0 to 1")] = None
    duty_assessed: Amount = None
    duty_collected: Amount = None
    duty_refunded: Amount = None
    penalty: Amount = None
    seizure_value: Amount = None
    officer_minutes: Annotated[Decimal | None, Field(description="Minutes, one decimal place")] = None
    note: Annotated[str, Field(max_length=4000)] = ""

    def fields(self) -> Mapping[str, object]:
        """Return the fields of core.tables.RESULTS that were given."""
        return self.model_dump(exclude={"note", "reason"}, exclude_none=True)


class CorrectionGiven(ResultGiven):
    """The whole result as it stands now, and why there is a new version."""

    reason: Annotated[str, Field(max_length=4000, description="Correction, laboratory's answer, appeal")]


class ResultAnswer(Schema):
    """One version of a result."""

    act_id: str
    version: int
    state: str
    outcome: str


class ResultVersionAnswer(ResultAnswer):
    """One version of a result with all that was entered. `by` is the login of who entered it, empty: the service."""

    fields: dict[str, Any]
    note: str
    reason: str
    by: str
    known_at: datetime


@router.post(
    "/acts/{act_id}/result", auth=needs("result.record"), response={201: ResultAnswer}, summary="Enter a result"
)
def result(request: HttpRequest, act_id: ActId, given: ResultGiven) -> Status[Any]:
    """Enter what an act established; every problem is told at once."""
    made = record_result(act_id=act_id, given=given.fields(), note=given.note, by=caller(request), at=moment())
    return Status(201, made)


@router.post(
    "/acts/{act_id}/corrections", auth=needs("result.correct"), response={201: ResultAnswer}, summary="Correct a result"
)
def correction(request: HttpRequest, act_id: ActId, given: CorrectionGiven) -> Status[Any]:
    """Add a version to a result; the earlier ones stay as they are."""
    made = correct_result(
        act_id=act_id, given=given.fields(), reason=given.reason, note=given.note, by=caller(request), at=moment()
    )
    return Status(201, made)


@router.get(
    "/acts/{act_id}/results",
    auth=needs("result.read"),
    response=list[ResultVersionAnswer],
    summary="Read a result's versions",
)
def result_versions(request: HttpRequest, act_id: ActId) -> list[ResultVersion]:
    """Return every version, the first first."""
    return results_of(act_id=act_id, by=caller(request), at=moment())
