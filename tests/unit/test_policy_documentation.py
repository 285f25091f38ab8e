"""The page on routing policy files names every part a policy may have, and every fact a consignment knows."""

import re
from pathlib import Path

from tidewaiter.core.facts import Catalogue
from tidewaiter.core.policy import Policy
from tidewaiter.engines.selection.cargo import FACTS
from tidewaiter.language.policy import SHIPPED, read_policy
from tidewaiter.language.policy_form import policy_content

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "policy-files.md").read_text()


def test_every_part_of_a_policy_is_on_the_page_and_in_the_shipped_file() -> None:
    parts = policy_content(Policy(name="p", version=1, random_share=0.02))
    shipped = SHIPPED.read_text()
    for part in parts:
        assert re.search(rf"`{part}[:`]|, `{part}`", PAGE), part
        assert re.search(rf"^{part}:", shipped, re.MULTILINE), part
    assert read_policy(SHIPPED, Catalogue("none", {})).name == "default"


def test_every_fact_a_consignment_knows_is_on_the_page() -> None:
    section = PAGE.partition("## Advance cargo")[2]
    assert set(FACTS) == set(re.findall(r"`(\w+)`", section))
