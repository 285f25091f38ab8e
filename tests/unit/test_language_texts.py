"""Profiles, indicators and lists as texts, the way the records keep them."""

from datetime import date

import pytest

from tidewaiter.core.errors import InputError
from tidewaiter.core.profile import Entry, Match, NamedList
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.language.profiles import check_texts, read_profile_texts
from tidewaiter.language.write import write_list

CATALOGUE = load_catalogue()
PROFILE = "code: FW-1\ncondition: in_list(importer_code, 'watched') AND light\n"
INDICATORS = "indicators:\n  light:\n    condition: net_mass < 5\n"
LIST = "list: watched\nentries: [I1, I2]\n"


def test_texts_are_read_as_one_set() -> None:
    found = read_profile_texts({"profile FW-1": PROFILE, "indicators": INDICATORS, "list watched": LIST}, CATALOGUE)
    assert (list(found.profiles), list(found.indicators), list(found.lists)) == (["FW-1"], ["light"], ["watched"])


def test_a_problem_is_placed_by_the_name_of_its_text() -> None:
    with pytest.raises(InputError) as caught:
        read_profile_texts({"profile FW-1": PROFILE, "list watched": LIST}, CATALOGUE)
    (problem,) = caught.value.problems
    assert str(problem.place).startswith("profile FW-1:2:")


def test_all_problems_of_all_texts_are_told_at_once() -> None:
    found = check_texts({"a": "code: A\n", "b": "code: B\ncondition: orign = 'CN'\n"}, CATALOGUE)
    assert {problem.place.file for problem in found if not problem.warning} == {"a", "b"}


def test_a_text_names_no_file_of_the_server() -> None:
    found = check_texts({"list watched": "list: watched\nfile: watched.csv\n"}, CATALOGUE)
    assert any("no file beside it" in str(problem) for problem in found)


@pytest.mark.parametrize("text", ["code: \ud800", "code: A\ncondition: '\ud800'\n", "x\0", "- " * 50_000, "["])
def test_what_is_no_text_is_refused_with_its_place(text: str) -> None:
    found = check_texts({"draft": text}, CATALOGUE)
    assert found
    assert all(problem.place.file == "draft" for problem in found)


def test_a_written_list_reads_back_as_the_same_list() -> None:
    entries = (
        Entry("1", date(2024, 1, 1), date(2024, 12, 31), "seized: twice"),
        Entry("no"),
        Entry("  '#x' ".strip(), valid_to=date(2030, 1, 1)),
    )
    named = NamedList("watched", entries, Match.PREFIX, "Watched importers", "risk unit")
    text = write_list(named)
    assert read_profile_texts({"list": text}, CATALOGUE).lists["watched"] == named


def test_an_empty_list_is_written_too() -> None:
    named = NamedList("watched", ())
    assert read_profile_texts({"list": write_list(named)}, CATALOGUE).lists["watched"] == named


def test_a_text_that_is_too_large_is_refused() -> None:
    (problem,) = check_texts({"draft": "#" * 5_000_001}, CATALOGUE)
    assert "larger" in problem.message
