"""The routing policy file: read with every problem at once, and its rules kept."""

from pathlib import Path

import pytest

from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import InputError
from tidewaiter.core.facts import Catalogue, Fact, FactType
from tidewaiter.language.policy import SHIPPED, read_policy

CATALOGUE = Catalogue("test", {"hs4": Fact("hs4", FactType.TEXT), "office": Fact("office", FactType.TEXT)})


def written(folder: Path, text: str) -> Path:
    file = folder / "policy.yaml"
    file.write_text(text)
    return file


def test_the_policy_that_ships_draws_a_random_sample_everywhere() -> None:
    policy = read_policy(SHIPPED, CATALOGUE)
    assert policy.random_share_for("any office", None) == 0.02
    assert policy.random_share_for("any office", "AEOF") == 0.01
    assert all(policy.checklists[channel] for channel in (Channel.RED, Channel.ORANGE, Channel.YELLOW))


def test_an_office_may_have_its_own_share_and_a_mandatory_control_its_condition(tmp_path: Path) -> None:
    policy = read_policy(
        written(
            tmp_path,
            """
policy: national
version: 7
random: {share: 0.02, channel: yellow, offices: {"040": 0.05}}
mandatory:
  - {code: CITES, condition: "hs4 = '0106'", channel: yellow, controls: [permit], instruction: check the permit}
""",
        ),
        CATALOGUE,
    )
    assert policy.random_share_for("040", None) == 0.05
    assert policy.mandatory[0].treatment.controls == ("permit",)
    assert policy.version == 7


def test_every_problem_of_a_policy_is_told_with_its_place(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
policy: national
random: {share: 2, channel: purple}
mandatory:
  - {code: CITES, condition: "hs5 = '0106'", channel: yellow}
trusted_traders: {AEO: {profile_factor: 0, random_share: 0}}
checklist: {}
""",
    )
    with pytest.raises(InputError) as error:
        read_policy(file, CATALOGUE)
    text = str(error.value)
    assert f"{file}:3:17: a share is a number from 0 to 1; write 2 % as 0.02" in text
    assert f"{file}:3:29: 'purple' is not a channel" in text
    assert f"{file}:5:31: 'hs5' is not a fact; did you mean 'hs4'?" in text
    assert "a mandatory control states its instruction" in text
    assert "profile_factor is above 0" in text
    assert "random_share is above 0" in text
    assert f"{file}:7:1: 'checklist' is no part of a policy; did you mean 'checklists'?" in text


def test_a_policy_without_a_random_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a policy states its random share"):
        read_policy(written(tmp_path, "policy: none\n"), CATALOGUE)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("random: {channel: red}", "a policy states its random share"),
        ("random:", "a policy states its random share"),
        ("random: {share: 0.02, channel: green}", "the random sample is not controlled in green"),
        ("version: " + "9" * 5000, "version is a whole number from 1"),
        ("checklists: {red: [Compare seals: all of them, {Count: packages}]}", "a line is one text"),
        (
            "mandatory: [{code: A, condition: hs4 = '0106', channel: green, instruction: look}]",
            "green controls nothing",
        ),
        ("mandatory: [{code: A, condition: hs4 = '0106', channel: red, instruction: }]", "states its instruction"),
    ],
)
def test_a_policy_that_would_quietly_control_less_is_refused(text: str, problem: str, tmp_path: Path) -> None:
    share = "" if text.startswith("random") else "random: {share: 0.02}\n"
    with pytest.raises(InputError, match=problem):
        read_policy(written(tmp_path, f"{share}{text}\n"), CATALOGUE)


def test_two_mandatory_controls_of_one_code_are_refused_since_one_would_hide_the_other(tmp_path: Path) -> None:
    control = "  - {code: CITES, condition: hs4 = '0106', channel: yellow, instruction: look}\n"
    with pytest.raises(InputError, match="mandatory control 'CITES' stands twice"):
        read_policy(written(tmp_path, f"random: {{share: 0.02}}\nmandatory:\n{control}{control}"), CATALOGUE)
