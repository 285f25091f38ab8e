"""The life of a profile version: who may do what, when, and what is refused."""

from datetime import date, timedelta

import pytest
from tests.dossier import CATALOGUE, DAY, an_active_profile, an_approved_profile, dossier
from tests.office import NOON, an_officer

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.profiles.profile_force import (
    activate_profile,
    due,
    expire_profiles,
    keep_profile,
    resume_profile,
    retire_profile,
    shadow_profile,
    suspend_profile,
)
from tidewaiter.actions.profiles.profiles import (
    Recommendation,
    approve_profile,
    draft_profile,
    edit_profile,
    rehearse_profile,
    review_profile,
    share_profile,
    submit_profile,
    withdraw_profile,
)
from tidewaiter.actions.profiles.publishing import set_content
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError
from tidewaiter.core.profile import Status
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import Classification, Officer, ProfileVersion, Publication

pytestmark = pytest.mark.django_db


def a_draft(text: str | None = None, *, author: Officer | None = None) -> ProfileVersion:
    author = author or an_officer(Role.PROFILE_AUTHOR)
    return draft_profile(text=dossier() if text is None else text, catalogue=CATALOGUE, by=author, at=NOON)


def rehearsed(version: ProfileVersion) -> ProfileVersion:
    rehearse_profile(code=version.code, number=version.number, catalogue=CATALOGUE, on=DAY, by=version.author, at=NOON)
    version.refresh_from_db()
    return version


def submitted(version: ProfileVersion) -> ProfileVersion:
    rehearsed(version)
    return submit_profile(
        code=version.code, number=version.number, catalogue=CATALOGUE, on=DAY, by=version.author, at=NOON
    )


def test_a_profile_goes_from_draft_to_active_and_every_step_is_kept() -> None:
    version = an_active_profile(dossier())
    steps = [(step.before, step.after) for step in version.steps.order_by("pk")]
    assert steps == [
        ("", "draft"), ("draft", "tested"), ("tested", "in review"), ("in review", "in review"),
        ("in review", "approved"), ("approved", "active"),
    ]  # fmt: skip


def test_activating_publishes_the_set() -> None:
    an_active_profile(dossier())
    assert Publication.objects.get().cause == "profile FW-1@1 active"


def test_the_author_may_not_approve() -> None:
    author = an_officer(Role.PROFILE_AUTHOR, Role.RISK_MANAGER)
    version = submitted(a_draft(author=author))
    review_profile(
        code="FW-1", number=1, recommendation=Recommendation.APPROVE, comment="ok", by=an_officer(Role.ANALYST), at=NOON
    )
    with pytest.raises(NotAllowedError):
        approve_profile(code="FW-1", number=version.number, catalogue=CATALOGUE, on=DAY, by=author, at=NOON)


def test_who_edited_may_not_approve_even_when_no_longer_a_co_author() -> None:
    helper = an_officer(Role.PROFILE_AUTHOR, Role.RISK_MANAGER, login="helper")
    version = a_draft()
    share_profile(code="FW-1", number=1, co_authors=["helper"], by=version.author, at=NOON)
    edit_profile(code="FW-1", number=1, text=dossier() + "evaluation: new\n", catalogue=CATALOGUE, by=helper, at=NOON)
    share_profile(code="FW-1", number=1, co_authors=[], by=version.author, at=NOON)
    submitted(version)
    with pytest.raises(NotAllowedError):
        review_profile(code="FW-1", number=1, recommendation=Recommendation.APPROVE, comment="fine", by=helper, at=NOON)


def test_nobody_else_edits_a_draft() -> None:
    a_draft()
    with pytest.raises(NotAllowedError):
        edit_profile(
            code="FW-1", number=1, text=dossier(), catalogue=CATALOGUE, by=an_officer(Role.PROFILE_AUTHOR), at=NOON
        )


def test_a_text_in_review_cannot_be_edited() -> None:
    version = submitted(a_draft())
    with pytest.raises(ConflictError):
        edit_profile(code="FW-1", number=1, text=dossier(), catalogue=CATALOGUE, by=version.author, at=NOON)


def test_a_version_in_force_keeps_its_text_even_when_saved_directly() -> None:
    version = an_active_profile(dossier())
    version.text += "# quietly\n"
    with pytest.raises(ConflictError):
        version.save()


def test_editing_what_is_in_force_makes_the_next_version() -> None:
    version = an_active_profile(dossier())
    assert a_draft(dossier(condition="starts_with(hs_code, '6')"), author=version.author).number == 2


def test_two_versions_of_a_code_do_not_wait_for_approval_at_once() -> None:
    version = a_draft()
    with pytest.raises(ConflictError, match="FW-1@1"):
        a_draft(author=version.author)


def test_a_draft_needs_a_readable_code() -> None:
    with pytest.raises(InputError):
        a_draft("title: no code\ncondition: net_mass > 1\n")


def test_an_unfinished_text_may_be_a_draft() -> None:
    assert a_draft("code: X-1\ncondition: orign = 'CN'\n").status == "draft"


def test_submitting_names_every_blank_part_and_every_failing_case() -> None:
    version = rehearsed(a_draft())
    text = dossier().replace("owner: risk unit\n", "").replace("level: high\n", "").replace("640399", "650399")
    withdraw_profile(code="FW-1", number=1, reason="more to do", by=version.author, at=NOON)
    edit_profile(code="FW-1", number=1, text=text, catalogue=CATALOGUE, by=version.author, at=NOON)
    ProfileVersion.objects.filter(pk=version.pk).update(status="tested")
    with pytest.raises(InputError) as caught:
        submit_profile(code="FW-1", number=1, catalogue=CATALOGUE, on=DAY, by=version.author, at=NOON)
    told = "\n".join(str(problem) for problem in caught.value.problems)
    assert "level, owner" in told
    assert "'cheap shoes' must match and does not" in told


def test_a_failing_test_keeps_the_version_a_draft_and_says_why() -> None:
    version = a_draft(dossier().replace("640399", "650399"))
    step = rehearse_profile(code="FW-1", number=1, catalogue=CATALOGUE, on=DAY, by=version.author, at=NOON)
    assert (step.after, step.report["passed"]) == ("draft", False)
    assert "cheap shoes" in step.report["errors"][0]


def test_a_review_may_send_a_version_back() -> None:
    submitted(a_draft())
    version = review_profile(
        code="FW-1",
        number=1,
        recommendation=Recommendation.SEND_BACK,
        comment="say who told you",
        by=an_officer(Role.ANALYST),
        at=NOON,
    )
    assert version.status == "draft"


def test_nothing_is_approved_before_a_review_recommends_it() -> None:
    submitted(a_draft())
    with pytest.raises(ConflictError):
        approve_profile(code="FW-1", number=1, catalogue=CATALOGUE, on=DAY, by=an_officer(Role.RISK_MANAGER), at=NOON)


def test_an_earlier_review_does_not_count_for_a_text_submitted_again() -> None:
    version = submitted(a_draft())
    reviewer = an_officer(Role.ANALYST)
    review_profile(code="FW-1", number=1, recommendation=Recommendation.APPROVE, comment="fine", by=reviewer, at=NOON)
    withdraw_profile(code="FW-1", number=1, reason="a slip", by=version.author, at=NOON)
    version.refresh_from_db()
    submitted(version)
    with pytest.raises(ConflictError):
        approve_profile(code="FW-1", number=1, catalogue=CATALOGUE, on=DAY, by=an_officer(Role.RISK_MANAGER), at=NOON)


def test_activating_the_next_version_retires_the_one_before() -> None:
    first = an_active_profile(dossier())
    second = an_active_profile(dossier(condition="starts_with(hs_code, '6')"), author=first.author)
    first.refresh_from_db()
    assert (first.status, second.status) == ("retired", "active")
    assert first.steps.get(after="retired").reason == "superseded by version 2"


def test_a_version_in_shadow_runs_beside_the_active_one_of_its_code() -> None:
    first = an_active_profile(dossier())
    an_approved_profile(dossier(condition="starts_with(hs_code, '6')"), author=first.author)
    shadow_profile(
        code="FW-1",
        number=2,
        reason="try it",
        catalogue=CATALOGUE,
        on=DAY,
        by=an_officer(Role.RISK_MANAGER),
        at=NOON,
    )
    published = Publication.objects.order_by("-pk")[0]
    profiles = set_content(published.set_id, CATALOGUE).profiles.profiles
    assert {key: (one.version, one.status) for key, one in profiles.items()} == {
        "FW-1": (1, Status.ACTIVE),
        "FW-1@2": (2, Status.SHADOW),
    }


def test_an_older_version_does_not_come_back() -> None:
    first = an_active_profile(dossier())
    manager = an_officer(Role.RISK_MANAGER)
    suspend_profile(code="FW-1", number=1, reason="too many hits", by=manager, at=NOON)
    an_active_profile(dossier(condition="starts_with(hs_code, '6')"), author=first.author)
    with pytest.raises(ConflictError):
        resume_profile(code="FW-1", number=1, reason="back", catalogue=CATALOGUE, on=DAY, by=manager, at=NOON)


def test_a_suspended_version_selects_again_when_resumed() -> None:
    an_active_profile(dossier())
    manager = an_officer(Role.RISK_MANAGER)
    suspend_profile(code="FW-1", number=1, reason="too many hits", by=manager, at=NOON)
    version = resume_profile(
        code="FW-1", number=1, reason="capacity is back", catalogue=CATALOGUE, on=DAY, by=manager, at=NOON
    )
    assert version.status == "active"
    assert Publication.objects.count() == 3


def test_a_version_past_its_validity_is_not_activated() -> None:
    an_approved_profile(dossier())
    with pytest.raises(InputError, match="ended on 2027-01-01"):
        activate_profile(
            code="FW-1",
            number=1,
            reason="late",
            catalogue=CATALOGUE,
            on=date(2027, 1, 2),
            by=an_officer(Role.RISK_MANAGER),
            at=NOON,
        )


def test_the_clock_retires_what_is_past_its_validity() -> None:
    version = an_active_profile(dossier())
    expire_profiles(on=date(2027, 1, 1), grace=timedelta(days=400), by=SERVICE, at=NOON)
    version.refresh_from_db()
    assert version.status == "active"
    expire_profiles(on=date(2027, 1, 2), by=SERVICE, at=NOON)
    version.refresh_from_db()
    assert version.status == "retired"
    assert version.steps.get(after="retired").by is None


def test_an_overdue_review_is_listed_at_once_and_suspends_after_the_grace() -> None:
    version = an_active_profile(dossier())
    assert [one.pk for one in due(date(2026, 7, 2)).review] == [version.pk]
    assert not due(date(2026, 7, 1)).review
    expire_profiles(on=date(2026, 7, 31), by=SERVICE, at=NOON)
    version.refresh_from_db()
    assert version.status == "active"
    expire_profiles(on=date(2026, 8, 1), by=SERVICE, at=NOON)
    version.refresh_from_db()
    assert version.status == "suspended"


def test_an_interim_review_sets_the_next_and_is_not_the_authors() -> None:
    author = an_officer(Role.PROFILE_AUTHOR, Role.RISK_MANAGER)
    an_active_profile(dossier(), author=author)
    with pytest.raises(NotAllowedError):
        keep_profile(code="FW-1", number=1, review_on=date(2026, 9, 1), evaluation="fine", on=DAY, by=author, at=NOON)
    kept = keep_profile(
        code="FW-1",
        number=1,
        review_on=date(2026, 9, 1),
        evaluation="finds 2 in 10",
        on=DAY,
        by=an_officer(Role.RISK_MANAGER),
        at=NOON,
    )
    assert kept.review_on == date(2026, 9, 1)


def test_a_review_day_after_the_end_of_validity_is_refused() -> None:
    an_active_profile(dossier())
    with pytest.raises(InputError):
        keep_profile(
            code="FW-1",
            number=1,
            review_on=date(2027, 1, 2),
            evaluation="fine",
            on=DAY,
            by=an_officer(Role.RISK_MANAGER),
            at=NOON,
        )


def test_an_author_retires_own_drafts_and_nothing_in_force() -> None:
    version = a_draft()
    retire_profile(code="FW-1", number=1, reason="not worth it", by=version.author, at=NOON)
    active = an_active_profile(dossier(), author=version.author)
    with pytest.raises(NotAllowedError):
        retire_profile(code="FW-1", number=active.number, reason="quietly", by=version.author, at=NOON)


def test_a_step_without_a_reason_is_refused() -> None:
    an_active_profile(dossier())
    with pytest.raises(InputError):
        suspend_profile(code="FW-1", number=1, reason=" ", by=an_officer(Role.RISK_MANAGER), at=NOON)


def test_nobody_works_on_what_is_above_the_own_clearance() -> None:
    Classification.objects.create(rank=2, code="SECRET", label="Secret")
    version = an_approved_profile(dossier(), rank=2)
    with pytest.raises(NotAllowedError):
        shadow_profile(
            code=version.code,
            number=1,
            reason="try",
            catalogue=CATALOGUE,
            on=DAY,
            by=an_officer(Role.RISK_MANAGER, clearance=1),
            at=NOON,
        )
