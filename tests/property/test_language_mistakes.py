"""Whatever is written, the answer is a condition or problems with places; never anything else."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import conditions, small_catalogue

from tidewaiter.core.condition import Condition
from tidewaiter.core.errors import InputError
from tidewaiter.language.parse import parse_condition
from tidewaiter.language.profiles import check
from tidewaiter.language.text import text

CATALOGUE = small_catalogue()
WRITTEN = """
origin items unit_value lodged_on is_new description_words duty_share odd nope AND OR NOT IN BETWEEN LIKE IS NULL
TRUE FALSE DATE starts_with has_word in_list at_least points ( ) ( ) , , = <> < >= * - + / == ; -- /* */ ' " 'x'
'64%' 'watched' '2024-01-31' '' 5 1.5 -3 1e400 .5 5abc {{ é 東 1e-7
"""
PIECES = WRITTEN.split()
SOUP = st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join)
LINES = st.sampled_from(
    [
        "code: A",
        "condition: is_new",
        "condition: |",
        "  is_new",
        "  AND nope",
        "indicators:",
        "  a:",
        "    condition: a",
        "list: watched",
        "entries:",
        "- x",
        "- {value: y}",
        "  - z: [",
        "test_cases:",
        "- must_match: x",
        "  facts:",
        "    is_new: true",
        "    items: é",
        "treatments: [{channel: red}]",
        "&a *a",
        "? x",
        "'",
        "\t",
        "---",
        "a: b: c",
        "~",
        "file: watched",
        "match: words",
        "version: 1e3",
        "flow: [[]]",
        "\ufeff",
        "title: !!x y",
        "facts: {a",
        "}",
        "\x00",
    ]
)


def outcome(written: str) -> Condition | list[str]:
    """Return the condition, or the problems."""
    try:
        return parse_condition(written, CATALOGUE, indicators={"odd"}, lists={"watched"})
    except InputError as error:
        return [str(problem) for problem in error.problems]


@given(written=SOUP | st.text(max_size=30))
def test_any_text_is_a_condition_or_problems_with_places(written: str) -> None:
    found = outcome(written)
    if isinstance(found, list):
        assert found
        assert all(re.match(r"\d+:\d+: .", problem) for problem in found)
    else:
        assert outcome(text(found)) == found


@given(condition=conditions(CATALOGUE, max_leaves=4), data=st.data())
def test_a_condition_with_a_piece_lost_or_added_is_still_answered(condition: Condition, data: st.DataObject) -> None:
    pieces = text(condition).split(" ")
    at = data.draw(st.integers(0, len(pieces) - 1))
    changed = [*pieces[:at], *data.draw(st.lists(st.sampled_from(PIECES), max_size=1)), *pieces[at + 1 :]]
    assert outcome(" ".join(changed)) != []


@given(lines=st.lists(LINES, max_size=12))
def test_any_file_is_checked_to_the_end(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    file: Path = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text("\n".join(lines), encoding="utf-8", newline="")
    assert all(problem.place.file and problem.message for problem in check([file], CATALOGUE))
