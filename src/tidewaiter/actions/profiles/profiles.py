"""A profile version on its way to approval: draft, test, submit, review, approve. Every step keeps who, when and why.

Only the author and named co-authors write, and only while the version is a draft. Whoever wrote any of it neither
reviews nor approves it. What happens once it is approved is in `profile_force`.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from tidewaiter.actions.acting import Actor, action, officer_of, record
from tidewaiter.actions.officers import officer_named
from tidewaiter.actions.packing import to_json
from tidewaiter.actions.profiles.proposals import text_digest
from tidewaiter.actions.profiles.readiness import Readiness, readiness, readiness_of_text, refuse_unready
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError, Problem
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.profile import Profile, Status
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Classification, Officer, ProfileStep, ProfileVersion
from tidewaiter.storage.records.visibility import cleared_for

UNFINISHED: Final = (Status.DRAFT, Status.TESTED, Status.IN_REVIEW)
"""Where a version still waits for approval; of one code there is one such version at a time."""


class Recommendation(StrEnum):
    """What a review asks for."""

    APPROVE = "approve"
    SEND_BACK = "send back"


@action("profile.draft")
def draft_profile(
    *,
    text: str,
    rank: int | None = None,
    co_authors: Collection[str] = (),
    catalogue: Catalogue,
    by: Actor,
    at: datetime,
) -> ProfileVersion:
    """Begin a version: the first of a new code, or the next of one that is there.

    `rank` None takes that of the version before. The text may be unfinished; it must be readable YAML with a code.
    Raises InputError where it is not, ConflictError while another version of the code waits for approval.
    """
    author = officer_of(by)
    profile = _readable(text, "draft", catalogue, author)
    lock_chain()
    earlier = ProfileVersion.objects.filter(code=profile.code).order_by("-number").first()
    if earlier is not None:
        _refuse_two_unfinished(profile.code)
        cleared(author, earlier)
    version = ProfileVersion(
        code=profile.code,
        number=1 if earlier is None else earlier.number + 1,
        author=author,
        rank=_rank(rank, earlier, author),
    )
    _write(version, text, profile)
    version.changed_at = at
    version.save()
    version.co_authors.set([officer_named(login) for login in co_authors])
    step(version, Status.DRAFT, by=author, reason="", at=at, report={"digest": version.digest}, before="")
    return version


@action("profile.edit")
def edit_profile(*, code: str, number: int, text: str, catalogue: Catalogue, by: Actor, at: datetime) -> ProfileVersion:
    """Write a draft's text anew. Raises NotAllowedError but for author and co-authors, ConflictError for no draft."""
    author = officer_of(by)
    version = written_by(code, number, author)
    expect(version, Status.DRAFT)
    profile = _readable(text, str(version), catalogue, author)
    if profile.code != code:
        advice = f"keep 'code: {code}', or begin a profile of the new code"
        raise InputError(Problem(f"the text is of profile '{profile.code}'", profile.place, advice))
    _write(version, text, profile)
    step(version, Status.DRAFT, by=author, reason="", at=at, report={"digest": version.digest})
    return version


@action("profile.share")
def share_profile(*, code: str, number: int, co_authors: Collection[str], by: Actor, at: datetime) -> ProfileVersion:
    """Name the co-authors of a draft (all of them). Only the author does."""
    author = officer_of(by)
    version = written_by(code, number, author)
    expect(version, Status.DRAFT)
    if version.author_id != author.pk:
        raise NotAllowedError("only the author names co-authors")
    version.co_authors.set([officer_named(login) for login in co_authors])
    record(version.reference, to_json({"co_authors": sorted(set(co_authors))}).encode())
    record(f"standing:{version}", standing_content(version))
    return version


@action("profile.test")
def rehearse_profile(
    *,
    code: str,
    number: int,
    catalogue: Catalogue,
    on: date,
    backtest: Mapping[str, object] | None = None,
    by: Actor,
    at: datetime,
) -> ProfileStep:
    """Read the text among what is in force, run its test cases, and keep what was found; tested when all is well.

    `backtest` is the summary of a back-test made before (`actions.profiles.rehearsal`), kept with the step. Blank parts
    are named but stop nothing yet.
    """
    author = officer_of(by)
    version = written_by(code, number, author)
    expect(version, Status.DRAFT, Status.TESTED)
    found = readiness(version, catalogue, on)
    report = findings_of(found) | ({"backtest": dict(backtest)} if backtest is not None else {})
    return step(version, Status.TESTED if found.passed else Status.DRAFT, by=author, reason="", at=at, report=report)


@action("profile.withdraw")
def withdraw_profile(*, code: str, number: int, reason: str, by: Actor, at: datetime) -> ProfileVersion:
    """Take a version that is tested or in review back to draft. Author and co-authors do."""
    author = officer_of(by)
    version = written_by(code, number, author)
    expect(version, Status.TESTED, Status.IN_REVIEW)
    step(version, Status.DRAFT, by=author, reason=given(reason), at=at)
    return version


@action("profile.submit")
def submit_profile(
    *, code: str, number: int, reason: str = "", catalogue: Catalogue, on: date, by: Actor, at: datetime
) -> ProfileVersion:
    """Hand a tested version to review. Raises InputError with every failing test case and every blank part."""
    author = officer_of(by)
    version = written_by(code, number, author)
    expect(version, Status.TESTED)
    refuse_unready(version, readiness(version, catalogue, on), on)
    version.reviewer = None
    step(version, Status.IN_REVIEW, by=author, reason=reason, at=at)
    return version


@action("profile.review")
def review_profile(
    *, code: str, number: int, recommendation: Recommendation, comment: str, by: Actor, at: datetime
) -> ProfileVersion:
    """Comment on a version in review and recommend its approval, or send it back to its author."""
    reviewer = officer_of(by)
    version = not_own(code, number, reviewer)
    expect(version, Status.IN_REVIEW)
    after = Status.IN_REVIEW if recommendation is Recommendation.APPROVE else Status.DRAFT
    version.reviewer = reviewer if recommendation is Recommendation.APPROVE else None
    report = {"recommendation": recommendation.value}
    step(version, after, by=reviewer, reason=given(comment), at=at, report=report)
    return version


@action("profile.approve")
def approve_profile(
    *, code: str, number: int, reason: str = "", catalogue: Catalogue, on: date, by: Actor, at: datetime
) -> ProfileVersion:
    """Approve a version whose review recommends it. Never by its author nor by anyone who wrote any of it.

    Raises InputError with every failing test case and blank part, ConflictError before a review recommends it.
    """
    approver = officer_of(by)
    version = not_own(code, number, approver)
    expect(version, Status.IN_REVIEW)
    if version.reviewer_id is None:
        raise ConflictError(f"no review recommends {version} yet")
    refuse_unready(version, readiness(version, catalogue, on), on)
    version.approver = approver
    step(version, Status.APPROVED, by=approver, reason=reason, at=at)
    return version


def version_held(code: str, number: int) -> ProfileVersion:
    """Return a version, held until the transaction ends. Raises NotKnownError."""
    lock_chain()
    return version_found(code, number)


def version_found(code: str, number: int) -> ProfileVersion:
    """Return a version as it stands. Raises NotKnownError."""
    found = ProfileVersion.objects.select_related("author").filter(code=code, number=number).first()
    if found is None:
        raise NotKnownError(f"there is no version {number} of profile {code}")
    return found


def written_by(code: str, number: int, officer: Officer) -> ProfileVersion:
    """Return a version that the officer may write. Raises NotAllowedError for anyone else."""
    version = version_held(code, number)
    refuse_stranger(version, officer)
    return version


def refuse_stranger(version: ProfileVersion, officer: Officer) -> None:
    """Raise NotAllowedError unless the officer is author or co-author, and cleared for what the version rests on."""
    if officer.pk != version.author_id and not version.co_authors.filter(pk=officer.pk).exists():
        raise NotAllowedError(f"only the author and co-authors work on {version}")
    cleared(officer, version)


def not_own(code: str, number: int, officer: Officer) -> ProfileVersion:
    """Return a version that the officer wrote no part of. Raises NotAllowedError for author, co-authors and editors."""
    version = version_held(code, number)
    if officer.pk in writers(version):
        raise NotAllowedError("another person reviews and approves what you wrote")
    cleared(officer, version)
    return version


def writers(version: ProfileVersion) -> frozenset[int]:
    """Return the author, the co-authors and everyone who ever edited the version, by their keys."""
    edited = version.steps.filter(report__has_key="digest").values_list("by_id", flat=True)
    named = version.co_authors.values_list("pk", flat=True)
    return frozenset({version.author_id, *named, *(key for key in edited if key is not None)})


def cleared(officer: Officer, version: ProfileVersion) -> None:
    """Raise NotAllowedError unless the officer's clearance reaches what the version rests on."""
    if not cleared_for(officer, version.rank):
        raise NotAllowedError(f"{version} rests on information above your clearance")


def expect(version: ProfileVersion, *statuses: Status) -> None:
    """Raise ConflictError unless the version stands at one of these."""
    if version.status not in statuses:
        wanted = " or ".join(statuses)
        raise ConflictError(f"{version} is {version.status}, not {wanted}")


def given(reason: str) -> str:
    """Return a reason. Raises InputError for a blank one."""
    if not reason.strip():
        raise InputError(Problem("a reason is needed", suggestion="say why in a sentence"))
    return reason


def step(
    version: ProfileVersion,
    after: Status,
    *,
    by: Officer | None,
    reason: str,
    at: datetime,
    report: Mapping[str, object] | None = None,
    before: str | None = None,
) -> ProfileStep:
    """Keep one step of a version's life, within an action. `by` None is the clock."""
    made = ProfileStep(
        version=version,
        at=at,
        by=by,
        before=version.status if before is None else before,
        after=after.value,
        reason=reason,
        report=dict(report or {}),
    )
    version.status, version.changed_at = after.value, at
    version.save()
    made.save()
    record(version.reference, step_content(made, version.digest))
    record(f"standing:{version}", standing_content(version))
    return made


def step_content(made: ProfileStep, digest: str) -> bytes:
    """Return what the audit chain holds of a step, after which the text had that digest."""
    content = {"status": made.after, "digest": digest, "by": made.by_id, "reason": made.reason, "report": made.report}
    return to_json(content).encode("utf-8", "surrogatepass")


def standing_content(version: ProfileVersion) -> bytes:
    """Return what the audit chain holds of a version beside its steps: rank, days, and whose work it is."""
    days = [day and day.isoformat() for day in (version.valid_from, version.valid_to, version.review_on)]
    persons = [version.author_id, version.reviewer_id, version.approver_id]
    written = sorted(version.co_authors.values_list("pk", flat=True))
    return to_json([version.rank, days, persons, written]).encode()


def findings_of(found: Readiness) -> dict[str, object]:
    """Return what a test found, as it is kept with the step: errors, warnings and blank parts."""
    return {
        "passed": found.passed,
        "errors": [str(problem) for problem in found.errors],
        "warnings": [str(problem) for problem in found.warnings],
        "blank": list(found.blank),
    }


def _readable(text: str, name: str, catalogue: Catalogue, author: Officer) -> Profile:
    """Return the profile of a text. Raises InputError where there is none, or its code is none."""
    found = readiness_of_text(text, name, catalogue, date.max, author=author.name)
    if found.profile is None or not found.profile.code:
        raise InputError(found.errors or "the text holds no profile with a code")
    return found.profile


def _write(version: ProfileVersion, text: str, profile: Profile) -> None:
    version.text, version.digest, version.title = text, text_digest(text), profile.title[:200]
    version.valid_from, version.valid_to, version.review_on = profile.valid_from, profile.valid_to, profile.review_on


def _refuse_two_unfinished(code: str) -> None:
    waiting = ProfileVersion.objects.filter(code=code, status__in=UNFINISHED).first()
    if waiting is not None:
        advice = "go on with it, or retire it"
        raise ConflictError(Problem(f"{waiting} by {waiting.author.login} is {waiting.status}", suggestion=advice))


def _rank(rank: int | None, earlier: ProfileVersion | None, author: Officer) -> int:
    wanted = rank if rank is not None else earlier.rank if earlier is not None else 0
    known = {0, *Classification.objects.values_list("rank", flat=True)}
    if wanted not in known:
        raise InputError(
            f"rank {wanted} is not in the classification scheme; it has {', '.join(map(str, sorted(known)))}"
        )
    if not cleared_for(author, wanted):
        raise NotAllowedError("you cannot write above your own clearance")
    return wanted
