"""The worked example of the reference is what the language reads."""

import re
from pathlib import Path

from tests.strategies import small_catalogue

from tidewaiter.language.profile_files import KEYS
from tidewaiter.language.profiles import check, missing_parts, read_profiles

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "profile-files.md").read_text(encoding="utf-8")


def test_the_worked_example_is_read_and_holds(tmp_path: Path) -> None:
    for name, text in re.findall(r"^`([\w.-]+)`:\n\n```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE):
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert check([tmp_path], small_catalogue()) == []
    profile = read_profiles([tmp_path], small_catalogue()).profiles["FW-014"]
    assert missing_parts(profile) == ["approver"]


def test_every_key_of_a_profile_is_explained() -> None:
    explained = set(re.findall(r"`(\w+)`", PAGE[PAGE.index("## Profile\n") : PAGE.index("## Test cases")]))
    assert set(KEYS) <= explained
