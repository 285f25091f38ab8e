"""Everything outside the language is refused with its place and what to write instead."""

import re
import time
from pathlib import Path

import pytest
from tests.strategies import small_catalogue

from tidewaiter.core.condition import OneOf
from tidewaiter.core.errors import InputError, Place
from tidewaiter.core.profile import Entry, Match, NamedList
from tidewaiter.language.parse import parse_condition

CATALOGUE = small_catalogue()
LISTS = {
    "watched": NamedList("watched", (Entry("A"),)),
    "chapters": NamedList("chapters", (Entry("64"),), Match.PREFIX),
    "vague": NamedList("vague", (Entry("parts"),), Match.WORDS),
}


def problems_of(text: str, place: Place = Place()) -> list[str]:  # noqa: B008
    """Return the problems of a text as `line:column: message; suggestion`."""
    try:
        parse_condition(text, CATALOGUE, indicators={"new_importer", "odd"}, lists=LISTS, place=place)
    except InputError as error:
        return [str(problem) for problem in error.problems]
    return []


GOLDEN = Path(__file__).parents[1] / "golden" / "conditions" / "refusals.txt"
REFUSED = [tuple(pair) for pair in re.findall(r"^> (.*)\n! (.*)$", GOLDEN.read_text(encoding="utf-8"), re.MULTILINE)]


@pytest.mark.parametrize(("text", "problem"), REFUSED, ids=[text[:40] for text, _ in REFUSED])
def test_what_is_outside_the_language_is_refused_with_place_and_advice(text: str, problem: str) -> None:
    assert problems_of(text)[0] == problem


def test_every_problem_is_told_at_once() -> None:
    text = "orign = 'CN' AND (items = 'x' OR lower(origin) = 'a') AND unit_value > 1.234 AND at_least(9, odd, nope)"
    assert [problem.split(": ")[0] for problem in problems_of(text)] == ["1:1", "1:27", "1:34", "1:72", "1:91", "1:99"]


def test_places_count_lines_and_begin_where_the_text_does() -> None:
    found = problems_of("origin = 'é'\n  AND orign = 'x'\nAND nope", Place("footwear.yaml", 14, 12))
    assert [problem.split(": ")[0] for problem in found] == ["footwear.yaml:15:7", "footwear.yaml:16:5"]
    assert problems_of("nope", Place("footwear.yaml", 14, 12))[0].startswith("footwear.yaml:14:12: ")


@pytest.mark.parametrize("opening", ["(", "NOT ", "at_least(1, ", "NOT ("])
def test_deep_nesting_is_one_clear_error(opening: str) -> None:
    found = problems_of(opening * 5_000 + "is_new")
    assert len(found) == 1
    assert "is nested deeper than 50 levels; name parts as indicators" in found[0]


def test_a_text_of_many_terms_is_no_deep_nesting() -> None:
    assert problems_of(" OR ".join(["is_new"] * 5_000)) == []


def test_a_text_beyond_a_million_characters_is_refused() -> None:
    assert "is longer than 1,000,000 characters" in problems_of("is_new" + " " * 1_000_000)[0]


def test_ten_thousand_values_are_read_quickly() -> None:
    values = ", ".join(f"'{number:08d}'" for number in range(10_000))
    before = time.process_time()
    condition = parse_condition(f"hs_code IN ({values})", CATALOGUE)
    assert isinstance(condition, OneOf)
    assert len(condition.values) == 10_000
    assert time.process_time() - before < 5


def test_texts_are_taken_in_their_composed_form() -> None:
    assert parse_condition("origin = 'E\u0301'", CATALOGUE) == parse_condition("origin = '\u00c9'", CATALOGUE)


def test_both_ends_of_what_a_fact_holds_can_be_written() -> None:
    assert problems_of("items IN (-9223372036854775808, 9223372036854775807)") == []
    assert problems_of("unit_value BETWEEN -9999999999999999.99 AND 9999999999999999.99") == []


def test_an_empty_condition_and_control_characters_are_refused() -> None:
    assert problems_of("") == ["1:1: the condition is empty; write for example: origin = 'XX'"]
    assert problems_of("is_new AND \0") == ["1:12: character U+0000 is not text; remove it"]
