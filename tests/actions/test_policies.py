"""The routing policy and the indicators: one proposes, another puts in force; what changes is shown."""

import pytest
from tests.dossier import CATALOGUE, DAY, an_active_profile, dossier, in_force_text
from tests.office import NOON, an_officer

from tidewaiter.actions.profiles.indicators import approve_indicators, propose_indicators
from tidewaiter.actions.profiles.policies import (
    approve_policy,
    next_version,
    policy_in_force,
    propose_policy,
    refuse_policy,
)
from tidewaiter.actions.profiles.publishing import set_content
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import Officer, Proposal, Publication

pytestmark = pytest.mark.django_db


def a_policy(version: int, share: str = "0.03") -> str:
    return f"policy: national\nversion: {version}\nrandom: {{share: {share}}}\n"


def proposed(text: str, by: Officer | None = None) -> Proposal:
    officer = by or an_officer(Role.MANAGER)
    return propose_policy(text=text, reason="committee of March", catalogue=CATALOGUE, by=officer, at=NOON)


def approved(number: int, by: Officer | None = None) -> Proposal:
    return approve_policy(number=number, catalogue=CATALOGUE, by=by or an_officer(Role.RISK_MANAGER), at=NOON)


def test_the_shipped_policy_counts_until_one_is_approved() -> None:
    assert (policy_in_force().number, policy_in_force().shipped) == (1, True)
    proposed(a_policy(2))
    assert policy_in_force().shipped
    approved(2)
    assert (policy_in_force().number, policy_in_force().shipped) == (2, False)


def test_who_proposed_a_policy_does_not_approve_it() -> None:
    manager = an_officer(Role.RISK_MANAGER)
    proposed(a_policy(2), manager)
    with pytest.raises(NotAllowedError):
        approved(2, manager)


def test_an_approved_policy_is_published_under_its_number() -> None:
    proposed(a_policy(2))
    approved(2)
    content = set_content(Publication.objects.get().set_id, CATALOGUE)
    assert (content.policy.version, content.policy.random_share) == (2, 0.03)


def test_a_policy_states_its_own_number() -> None:
    with pytest.raises(InputError, match="the next is 2"):
        proposed(a_policy(7))


def test_the_number_of_a_refused_version_is_not_used_again() -> None:
    proposed(a_policy(2))
    refuse_policy(number=2, reason="too thin", by=an_officer(Role.RISK_MANAGER), at=NOON)
    assert next_version() == 3


def test_every_problem_of_a_policy_is_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        proposed("policy: national\nversion: 2\nrandom: {share: 2, channel: green}\n")
    assert len(caught.value.problems) == 2


def test_a_refused_policy_is_not_approved_later() -> None:
    proposed(a_policy(2))
    refuse_policy(number=2, reason="too thin", by=an_officer(Role.RISK_MANAGER), at=NOON)
    with pytest.raises(ConflictError):
        approved(2)


SHOES = "indicators:\n  shoes:\n    condition: starts_with(hs_code, '64')\n"
WIDER = SHOES.replace("'64'", "'6'")


def proposed_indicators(text: str, by: Officer | None = None) -> Proposal:
    return propose_indicators(
        name="footwear",
        text=text,
        reason="new heading",
        catalogue=CATALOGUE,
        on=DAY,
        by=by or an_officer(Role.ANALYST),
        at=NOON,
    )


def test_changing_an_indicator_shows_the_profiles_it_changes() -> None:
    in_force_text("indicator", "footwear", SHOES)
    an_active_profile(dossier("FW-1", condition="shoes"))
    an_active_profile(dossier("FW-2"))
    assert proposed_indicators(WIDER).lost == {"profiles": ["FW-1@1"]}


def test_an_indicator_needs_a_second_person() -> None:
    both = an_officer(Role.ANALYST, Role.RISK_MANAGER)
    proposed_indicators(SHOES, both)
    with pytest.raises(NotAllowedError):
        approve_indicators(name="footwear", number=1, catalogue=CATALOGUE, on=DAY, by=both, at=NOON)
    found = approve_indicators(
        name="footwear", number=1, catalogue=CATALOGUE, on=DAY, by=an_officer(Role.RISK_MANAGER), at=NOON
    )
    assert found.state == "in force"


def test_an_indicator_that_breaks_a_profile_in_force_is_refused() -> None:
    in_force_text("indicator", "footwear", SHOES)
    an_active_profile(dossier("FW-1", condition="shoes"))
    with pytest.raises(InputError, match="cheap shoes"):
        proposed_indicators(SHOES.replace("'64'", "'99'"))


def test_taking_away_an_indicator_that_is_used_is_refused() -> None:
    in_force_text("indicator", "footwear", SHOES)
    an_active_profile(dossier("FW-1", condition="shoes"))
    with pytest.raises(InputError, match="shoes"):
        proposed_indicators("indicators:\n  boots:\n    condition: starts_with(hs_code, '6402')\n")


def test_a_text_without_indicators_is_refused() -> None:
    with pytest.raises(InputError, match="no indicators"):
        proposed_indicators("list: watched\nentries: [I1]\n")
