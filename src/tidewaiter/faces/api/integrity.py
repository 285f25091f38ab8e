"""The integrity report, for the inspectorate alone."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from tidewaiter.actions.audit.integrity import integrity_report
from tidewaiter.core.rate import Rate
from tidewaiter.engines.integrity.edits import WorkingHours
from tidewaiter.engines.integrity.finding import Figure, IntegrityFinding, Screening
from tidewaiter.engines.integrity.overrides import OverrideSuccess
from tidewaiter.faces.api.calling import Given, caller, moment, needs
from tidewaiter.faces.api.service import service

router = Router(tags=["integrity"])

_EARLIEST, _LATEST = date(2000, 1, 1), date(2200, 1, 1)


class Period(Given):
    """Days of the administration, both included."""

    start: Annotated[date, Field(ge=_EARLIEST, le=_LATEST)]
    end: Annotated[date, Field(ge=_EARLIEST, le=_LATEST)]


class RateAnswer(Schema):
    """A share with its counts and 95 % interval."""

    numerator: int
    denominator: int
    low: float
    high: float


class FigureAnswer(RateAnswer):
    """A share with a name, and the count that chance would give (null: no such comparison)."""

    name: str
    expected: float | None


class FindingAnswer(Schema):
    """Something to look at; it is no proof."""

    office: str | None
    officer: str | None
    party: str | None
    sentence: str
    figures: list[FigureAnswer]
    evidence: list[str]
    p: float | None
    p_adjusted: float | None


class ScreeningAnswer(Schema):
    """One check: what it found, and how much it looked at."""

    kind: str
    summary: str
    tested: int
    findings: list[FindingAnswer]


class SuccessAnswer(Schema):
    """How often overrides were borne out by a later examination; `officer` null: all officers."""

    officer: str | None
    lowering: bool
    overrides: int
    borne_out: RateAnswer | None


class IntegrityAnswer(Schema):
    """Every check over one period."""

    screenings: list[ScreeningAnswer]
    success: list[SuccessAnswer]


@router.get("/integrity", auth=needs("integrity.read"), response=IntegrityAnswer, summary="Read the integrity report")
def integrity(request: HttpRequest, period: Query[Period]) -> dict[str, Any]:
    """Return what every integrity check finds in a period; the reading is recorded."""
    zone = ZoneInfo(service().time_zone)
    report = integrity_report(
        start=datetime.combine(period.start, time(), zone),
        end=datetime.combine(period.end + timedelta(days=1), time(), zone),
        hours=WorkingHours(time_zone=service().time_zone),
        by=caller(request),
        at=moment(),
    )
    return {
        "screenings": [_screening(one) for one in report.screenings],
        "success": [_success(one) for one in report.success],
    }


def _screening(one: Screening) -> dict[str, Any]:
    return {
        "kind": one.kind.value,
        "summary": str(one),
        "tested": one.tested,
        "findings": [_finding(found) for found in one.findings],
    }


def _finding(one: IntegrityFinding) -> dict[str, Any]:
    return {
        "office": one.office,
        "officer": one.officer,
        "party": one.party,
        "sentence": one.sentence,
        "figures": [_figure(figure) for figure in one.figures],
        "evidence": list(one.evidence),
        "p": one.p,
        "p_adjusted": one.p_adjusted,
    }


def _figure(one: Figure) -> dict[str, Any]:
    return {"name": one.name, "expected": one.expected, **_rate(one.rate)}


def _rate(one: Rate) -> dict[str, Any]:
    return {"numerator": one.numerator, "denominator": one.denominator, "low": one.low, "high": one.high}


def _success(one: OverrideSuccess) -> dict[str, Any]:
    return {
        "officer": one.officer,
        "lowering": one.lowering,
        "overrides": one.overrides,
        "borne_out": None if one.borne_out is None else _rate(one.borne_out),
    }
