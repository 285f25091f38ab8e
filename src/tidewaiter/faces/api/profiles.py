"""Risk profiles: every step of their life. Text and reasons are answered to whoever is cleared for them."""

from datetime import date, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema, Status

from tidewaiter.actions.profiles import profile_force, profiles
from tidewaiter.actions.profiles.profile_reading import ProfileView, profiles_seen, read_profile
from tidewaiter.actions.profiles.rehearsal import rehearsal
from tidewaiter.core.errors import InputError
from tidewaiter.core.profile import Status as Standing
from tidewaiter.core.progress import unheard
from tidewaiter.faces.api.calling import Given, Page, caller, moment, needs, officer, paged, today
from tidewaiter.faces.api.forms import Because, Code, Day, Login, ReasonText, Version, YamlText, login_of
from tidewaiter.faces.api.known import catalogue
from tidewaiter.faces.api.service import lake_in_use
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.records.models import ProfileStep, ProfileVersion

router = Router(tags=["profiles"])

_ONE = "/profiles/{path:code}/versions/{number}"


class ProfileOutline(Schema):
    """A version without what it rests on."""

    code: str
    number: int
    status: Standing
    title: str
    rank: int = Field(description="Classification that reading the whole needs")
    author: str
    reviewer: str | None
    approver: str | None
    valid_from: date | None
    valid_to: date | None
    review_on: date | None
    digest: str
    changed_at: datetime


class ProfileStepAnswer(Schema):
    """One step of a version's life."""

    at: datetime
    by: str | None = Field(description="Login; null for the clock")
    before: str
    after: str
    reason: str
    report: dict[str, Any] = Field(description="What a test found, or what a review recommends")


class ProfileAnswer(ProfileOutline):
    """A version; `text` is null and `steps` empty where it rests on information above the caller's clearance."""

    text: str | None
    steps: list[ProfileStepAnswer]


class ProfilePage(Schema):
    """A page of versions."""

    entries: list[ProfileOutline]
    next: int | None


class Due(Schema):
    """What the clock asks: ended validity, overdue reviews, and those overdue beyond the grace."""

    ended: list[ProfileOutline]
    review: list[ProfileOutline]
    beyond_grace: list[ProfileOutline]


class NewDraft(Given):
    """A draft to be begun: of a new code, or the next version of one that is there."""

    text: YamlText
    rank: (
        Annotated[int, Field(ge=0, le=32767, description="Classification; left out: that of the version before")] | None
    ) = None
    co_authors: list[Login] = Field([], max_length=50)


class NewText(Given):
    """Another text for a draft."""

    text: YamlText


class CoAuthors(Given):
    """All who write a draft beside its author."""

    co_authors: Annotated[list[Login], Field(max_length=50)]


class Period(Given):
    """Over which declarations a draft is back-tested with its test; nothing given: it is not."""

    start: Day | None = None
    end: Day | None = None
    tuned_until: Annotated[date, Field(description="Last day the author looked at")] | None = None


class Review(Given):
    """What a review says."""

    recommendation: profiles.Recommendation
    comment: ReasonText


class Kept(Given):
    """An interim review of a version that stays as it is."""

    review_on: Day
    evaluation: ReasonText


class Which(Page):
    """Which versions are asked for."""

    status: Standing | None = None
    code: Code | None = None


type ProfileCode = Path[Code]
type ProfileNumber = Path[Version]


@router.get("/profiles", auth=needs("profile.read"), response=ProfilePage, summary="List profile versions")
def list_profiles(request: HttpRequest, asked: Query[Which]) -> dict[str, Any]:
    """Return versions in the order in which they were begun."""
    found = profiles_seen(officer(request), status=asked.status, code=asked.code).filter(pk__gt=asked.after)
    page = paged(list(found[: asked.limit]), asked, lambda version: version.pk)
    return {**page, "entries": [_outline(version) for version in page["entries"]]}


@router.get("/profiles/due", auth=needs("profile.read"), response=Due, summary="See what validity and reviews ask")
def profiles_due(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001
    """Return the versions whose validity has ended or whose review is overdue today."""
    found = profile_force.due(today())
    return {name: [_outline(one) for one in getattr(found, name)] for name in ("ended", "review", "beyond_grace")}


@router.post("/profiles", auth=needs("profile.draft"), response={201: ProfileAnswer}, summary="Begin a draft")
def draft_profile(request: HttpRequest, given: NewDraft) -> Status[Any]:
    """Begin the first version of a code, or the next."""
    version = profiles.draft_profile(
        text=given.text,
        rank=given.rank,
        co_authors=given.co_authors,
        catalogue=catalogue(),
        by=caller(request),
        at=moment(),
    )
    return Status(201, _whole(version))


@router.get(_ONE, auth=needs("profile.read"), response=ProfileAnswer, summary="Read a version")
def get_profile(request: HttpRequest, code: ProfileCode, number: ProfileNumber) -> dict[str, Any]:
    """Return a version as far as the caller is cleared; reading a classified one is recorded."""
    return _answer(read_profile(code=code, number=number, by=caller(request), at=moment()))


@router.put(f"{_ONE}/text", auth=needs("profile.edit"), response=ProfileAnswer, summary="Write a draft anew")
def edit_profile(request: HttpRequest, code: ProfileCode, number: ProfileNumber, given: NewText) -> dict[str, Any]:
    """Replace a draft's text; its author and co-authors may."""
    version = profiles.edit_profile(
        code=code, number=number, text=given.text, catalogue=catalogue(), by=caller(request), at=moment()
    )
    return _whole(version)


@router.put(f"{_ONE}/co-authors", auth=needs("profile.share"), response=ProfileAnswer, summary="Name co-authors")
def share_profile(request: HttpRequest, code: ProfileCode, number: ProfileNumber, given: CoAuthors) -> dict[str, Any]:
    """Name all who write the draft beside its author."""
    version = profiles.share_profile(
        code=code, number=number, co_authors=given.co_authors, by=caller(request), at=moment()
    )
    return _whole(version)


@router.post(f"{_ONE}/test", auth=needs("profile.test"), response=ProfileStepAnswer, summary="Test a draft")
def rehearse_profile(request: HttpRequest, code: ProfileCode, number: ProfileNumber, given: Period) -> dict[str, Any]:
    """Check the text, run its test cases and, over a period, a back-test; what was found is kept with the step."""
    step = profiles.rehearse_profile(
        code=code,
        number=number,
        catalogue=catalogue(),
        on=today(),
        backtest=_backtest(request, code, number, given),
        by=caller(request),
        at=moment(),
    )
    return _step(step)


def _backtest(request: HttpRequest, code: str, number: int, given: Period) -> dict[str, object] | None:
    if given.start is None and given.end is None:
        return None
    if given.start is None or given.end is None:
        raise InputError("a back-test has a first and a last day")
    return rehearsal(
        code=code,
        number=number,
        lake=Lake.open(lake_in_use()),
        catalogue=catalogue(),
        start=given.start,
        end=given.end,
        tuned_until=given.tuned_until,
        progress=unheard,
        by=caller(request),
        at=moment(),
    )


@router.post(f"{_ONE}/withdraw", auth=needs("profile.withdraw"), response=ProfileAnswer, summary="Back to draft")
def withdraw_profile(request: HttpRequest, code: ProfileCode, number: ProfileNumber, given: Because) -> dict[str, Any]:
    """Take a version that is tested or in review back to draft."""
    version = profiles.withdraw_profile(code=code, number=number, reason=given.reason, by=caller(request), at=moment())
    return _whole(version)


@router.post(f"{_ONE}/submit", auth=needs("profile.submit"), response=ProfileAnswer, summary="Hand to review")
def submit_profile(request: HttpRequest, code: ProfileCode, number: ProfileNumber, given: Because) -> dict[str, Any]:
    """Hand a tested version to review; 422 names every failing test case and every blank part."""
    return _judged(profiles.submit_profile, request, code, number, given)


@router.post(f"{_ONE}/review", auth=needs("profile.review"), response=ProfileAnswer, summary="Review")
def review_profile(request: HttpRequest, code: ProfileCode, number: ProfileNumber, given: Review) -> dict[str, Any]:
    """Recommend approval, or send the version back to its author."""
    version = profiles.review_profile(
        code=code,
        number=number,
        recommendation=given.recommendation,
        comment=given.comment,
        by=caller(request),
        at=moment(),
    )
    return _whole(version)


@router.post(f"{_ONE}/approve", auth=needs("profile.approve"), response=ProfileAnswer, summary="Approve")
def approve_profile(request: HttpRequest, code: ProfileCode, number: ProfileNumber, given: Because) -> dict[str, Any]:
    """Approve what a review recommends; never by its author."""
    return _judged(profiles.approve_profile, request, code, number, given)


@router.post(f"{_ONE}/shadow", auth=needs("profile.shadow"), response=ProfileAnswer, summary="Run in shadow")
def shadow_profile(request: HttpRequest, code: ProfileCode, number: ProfileNumber, given: Because) -> dict[str, Any]:
    """Let an approved version run live without selecting."""
    return _judged(profile_force.shadow_profile, request, code, number, given)


@router.post(f"{_ONE}/activate", auth=needs("profile.activate"), response=ProfileAnswer, summary="Put in force")
def activate_profile(request: HttpRequest, code: ProfileCode, number: ProfileNumber, given: Because) -> dict[str, Any]:
    """Let an approved version select; the one before it is retired with that."""
    return _judged(profile_force.activate_profile, request, code, number, given)


@router.post(f"{_ONE}/resume", auth=needs("profile.resume"), response=ProfileAnswer, summary="Put in force again")
def resume_profile(request: HttpRequest, code: ProfileCode, number: ProfileNumber, given: Because) -> dict[str, Any]:
    """Let a suspended version select again."""
    return _judged(profile_force.resume_profile, request, code, number, given)


@router.post(f"{_ONE}/suspend", auth=needs("profile.suspend"), response=ProfileAnswer, summary="Suspend")
def suspend_profile(request: HttpRequest, code: ProfileCode, number: ProfileNumber, given: Because) -> dict[str, Any]:
    """Take a version out of force for a while."""
    version = profile_force.suspend_profile(
        code=code, number=number, reason=given.reason, by=caller(request), at=moment()
    )
    return _whole(version)


@router.post(f"{_ONE}/retire", auth=needs("profile.retire"), response=ProfileAnswer, summary="Retire")
def retire_profile(request: HttpRequest, code: ProfileCode, number: ProfileNumber, given: Because) -> dict[str, Any]:
    """End a version for good."""
    version = profile_force.retire_profile(
        code=code, number=number, reason=given.reason, by=caller(request), at=moment()
    )
    return _whole(version)


@router.post(f"{_ONE}/keep", auth=needs("profile.keep"), response=ProfileAnswer, summary="Record an interim review")
def keep_profile(request: HttpRequest, code: ProfileCode, number: ProfileNumber, given: Kept) -> dict[str, Any]:
    """Keep a version as it is until its next review."""
    version = profile_force.keep_profile(
        code=code,
        number=number,
        review_on=given.review_on,
        evaluation=given.evaluation,
        on=today(),
        by=caller(request),
        at=moment(),
    )
    return _whole(version)


def _judged(action: Any, request: HttpRequest, code: str, number: int, given: Because) -> dict[str, Any]:
    """Call an action that looks at the version's readiness on the day."""
    version: ProfileVersion = action(
        code=code,
        number=number,
        reason=given.reason,
        catalogue=catalogue(),
        on=today(),
        by=caller(request),
        at=moment(),
    )
    return _whole(version)


def _whole(version: ProfileVersion) -> dict[str, Any]:
    """Return a version to one who has just worked on it, and so is cleared for it."""
    return _answer(ProfileView(version, list(version.steps.select_related("by").order_by("pk")), whole=True))


def _answer(view: ProfileView) -> dict[str, Any]:
    return {
        **_outline(view.version),
        "text": view.version.text if view.whole else None,
        "steps": [_step(step) for step in view.steps],
    }


def _outline(version: ProfileVersion) -> dict[str, Any]:
    return {
        "code": version.code,
        "number": version.number,
        "status": version.status,
        "title": version.title,
        "rank": version.rank,
        "author": version.author.login,
        "reviewer": login_of(version.reviewer),
        "approver": login_of(version.approver),
        "valid_from": version.valid_from,
        "valid_to": version.valid_to,
        "review_on": version.review_on,
        "digest": version.digest,
        "changed_at": version.changed_at,
    }


def _step(step: ProfileStep) -> dict[str, Any]:
    return {
        "at": step.at,
        "by": login_of(step.by),
        "before": step.before,
        "after": step.after,
        "reason": step.reason,
        "report": step.report,
    }
