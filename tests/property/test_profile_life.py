"""Whatever people do in whatever order: one active version a code, four eyes, and approved texts that never change."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.dossier import CATALOGUE, DAY, dossier
from tests.office import NOON

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.profiles import profile_force as force
from tidewaiter.actions.profiles import profiles as life
from tidewaiter.actions.profiles.publishing import composed
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError
from tidewaiter.core.profile import Status
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import Officer, ProfileVersion

REFUSED = (ConflictError, InputError, NotAllowedError, NotKnownError)
CODES = ("FW-1", "FW-2")
people = st.integers(0, 2)
codes = st.sampled_from(CODES)
crews = st.permutations(range(3)) | st.permutations(range(3)) | st.lists(people, min_size=3, max_size=3)
"""Author, reviewer and approver: mostly three persons."""
numbers = st.integers(1, 3)


class Life(RuleBasedStateMachine):
    """Three people who hold every role try everything on two profiles."""

    @initialize()
    def begin(self) -> None:
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        roles = [role.value for role in Role]
        self.people = [Officer.objects.create(login=f"p{number}", name="P", roles=roles) for number in range(3)]
        self.texts: dict[str, str] = {}
        self.days = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    def tried(self, step: Any, **given: Any) -> None:
        try:
            with transaction.atomic():
                step(**given, at=NOON + timedelta(days=self.days))
        except REFUSED:
            pass

    def judged(self, step: Any, code: str, number: int, by: int, **given: Any) -> None:
        on = DAY + timedelta(days=self.days)
        self.tried(step, code=code, number=number, catalogue=CATALOGUE, on=on, by=self.people[by], **given)

    @rule(code=codes, by=people, narrow=st.booleans(), co_author=st.none() | people)
    def draft(self, code: str, by: int, narrow: bool, co_author: int | None) -> None:
        text = dossier(code, condition=f"starts_with(hs_code, '{'64' if narrow else '6'}')")
        named = [] if co_author is None else [f"p{co_author}"]
        self.tried(life.draft_profile, text=text, co_authors=named, catalogue=CATALOGUE, by=self.people[by])

    @rule(code=codes, number=numbers, by=people, broken=st.booleans())
    def edit(self, code: str, number: int, by: int, broken: bool) -> None:
        text = dossier(code, extra="evaluation: edited\n")
        text = text.replace("640399", "990000") if broken else text
        given = {"code": code, "number": number, "text": text, "catalogue": CATALOGUE, "by": self.people[by]}
        self.tried(life.edit_profile, **given)

    @rule(code=codes, number=numbers, by=people, step=st.sampled_from(("rehearse", "submit", "approve")))
    def prepare(self, code: str, number: int, by: int, step: str) -> None:
        self.judged(getattr(life, f"{step}_profile"), code, number, by)

    @rule(code=codes, number=numbers, by=people, recommendation=st.sampled_from(life.Recommendation))
    def review(self, code: str, number: int, by: int, recommendation: life.Recommendation) -> None:
        given = {"recommendation": recommendation, "comment": "seen", "by": self.people[by]}
        self.tried(life.review_profile, code=code, number=number, **given)

    @rule(code=codes, number=numbers, by=people, step=st.sampled_from(("shadow", "activate", "resume")))
    def run(self, code: str, number: int, by: int, step: str) -> None:
        self.judged(getattr(force, f"{step}_profile"), code, number, by, reason="now")

    @rule(code=codes, number=numbers, by=people, step=st.sampled_from(("suspend", "retire", "withdraw")))
    def stop(self, code: str, number: int, by: int, step: str) -> None:
        found = life.withdraw_profile if step == "withdraw" else getattr(force, f"{step}_profile")
        self.tried(found, code=code, number=number, reason="enough", by=self.people[by])

    @rule(code=codes, crew=crews)
    def bring_to_force(self, code: str, crew: list[int]) -> None:
        """Do what leads to an active version, by whoever: the rest is then tried on one that is."""
        author, reviewer, approver = crew
        self.draft(code, author, narrow=True, co_author=None)
        for number in (1, 2, 3):
            self.prepare(code, number, author, "rehearse")
            self.prepare(code, number, author, "submit")
            self.review(code, number, reviewer, life.Recommendation.APPROVE)
            self.prepare(code, number, approver, "approve")
            self.run(code, number, approver, "activate")

    @precondition(lambda self: self.days < 400)
    @rule(days=st.sampled_from((1, 150, 310)))
    def wait(self, days: int) -> None:
        self.days += days
        self.tried(force.expire_profiles, on=DAY + timedelta(days=self.days), by=SERVICE)

    @invariant()
    def at_most_one_version_of_a_code_is_active(self) -> None:
        active = list(ProfileVersion.objects.filter(status=Status.ACTIVE.value).values_list("code", flat=True))
        assert len(active) == len(set(active))

    @invariant()
    def nobody_approved_what_they_wrote(self) -> None:
        for version in ProfileVersion.objects.exclude(approver=None):
            assert version.approver_id not in life.writers(version)
            assert version.reviewer_id not in life.writers(version)

    @invariant()
    def an_approved_text_never_changes(self) -> None:
        for version in ProfileVersion.objects.exclude(approver=None):
            assert self.texts.setdefault(str(version), version.text) == version.text

    @invariant()
    def nothing_runs_beyond_its_validity_once_the_clock_was_asked(self) -> None:
        on = DAY + timedelta(days=self.days)
        assert not ProfileVersion.objects.filter(status__in=force.RUNNING, valid_to__lt=on).exists()

    @invariant()
    def what_is_published_is_what_runs(self) -> None:
        running = ProfileVersion.objects.filter(status__in=force.RUNNING)
        assert all(version.text.split("\n")[0] in composed() for version in running)


def life_of(examples: int, steps: int) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=checks
        ),
    )


@pytest.mark.django_db
def test_no_order_of_actions_breaks_the_rules() -> None:
    life_of(15, 12)


@pytest.mark.slow
@pytest.mark.django_db
def test_no_order_of_many_actions_breaks_the_rules() -> None:
    life_of(30, 40)
