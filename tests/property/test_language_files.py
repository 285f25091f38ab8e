"""Profiles survive being written and read, and every character of a YAML value is found again in its file."""

import unicodedata
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import DESCRIPTIONS, TEXTS, conditions, constants, small_catalogue

from tidewaiter.core.channel import Channel
from tidewaiter.core.facts import Fact, FactType, normalised_words
from tidewaiter.core.profile import Profile, Status, TestCase, Treatment
from tidewaiter.language.documents import Entries, Scalar, read_document
from tidewaiter.language.profiles import read_profiles
from tidewaiter.language.write import write_profile

CATALOGUE = small_catalogue()
ODD = (
    "no",
    "0123",
    "1e3",
    "2024-01-01",
    "null",
    "~",
    "a: b",
    "- x",
    "# x",
    "'",
    '"',
    "two\nlines",
    "é\n\n  东",
    "{x",
    "@",
    "\x85x",
)
PROSE = st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TEXT = PROSE.map(str.strip).map(lambda text: unicodedata.normalize("NFC", text).strip())
LINES = st.lists(TEXT.filter(bool), max_size=3).map(tuple)
DAYS = st.none() | st.dates()
NUMBERS = st.none() | st.floats(0, 1e12)
FACTS = [fact for fact in CATALOGUE if fact.type is not FactType.WORDS]


def case_facts() -> st.SearchStrategy[dict[str, object]]:
    one = st.sampled_from(FACTS).flatmap(lambda fact: st.tuples(st.just(fact.name), _outside(fact)))
    return st.lists(one, max_size=4).map(dict)


def _outside(fact: Fact) -> st.SearchStrategy[object]:
    if fact.type is FactType.FLAG:
        return st.booleans()
    if fact.type is FactType.TEXT:
        return st.sampled_from([text.strip() for text in (*TEXTS, *ODD)]) | st.none()
    return constants(fact)


TREATMENTS = st.builds(Treatment, st.sampled_from(Channel), st.floats(1e-9, 0.333), LINES)
ALWAYS = st.builds(Treatment, st.sampled_from(Channel), st.just(1.0), LINES)
PROFILES = st.builds(
    Profile,
    code=st.sampled_from(["A", "FW-014", "0123", "no", "1e3", "x/y.z_1"]),
    condition=conditions(CATALOGUE, max_leaves=5),
    exceptions=st.none() | conditions(CATALOGUE, max_leaves=3),
    version=st.integers(1, 999),
    status=st.sampled_from(Status),
    flow=st.sampled_from([(), ("import",)]),
    offices=LINES,
    treatments=st.lists(TREATMENTS, max_size=3).map(tuple) | st.tuples(ALWAYS),
    review_on=DAYS,
    valid_from=DAYS,
    forecast_matches_per_day=NUMBERS,
    forecast_hours_per_day=NUMBERS,
    test_cases=st.lists(st.builds(TestCase, TEXT.filter(bool), case_facts(), st.booleans()), max_size=3).map(tuple),
    example=st.booleans(),
    result_codes=LINES,
    sources=LINES,
    **dict.fromkeys(("title", "rationale", "instruction", "owner", "approver", "evaluation"), TEXT),
)


@given(profile=PROFILES)
def test_a_written_profile_reads_back_as_the_same_profile(
    tmp_path_factory: pytest.TempPathFactory, profile: Profile
) -> None:
    file: Path = tmp_path_factory.getbasetemp() / "written.yaml"
    file.write_text(write_profile(profile), encoding="utf-8", newline="")
    assert read_profiles([file], CATALOGUE).profiles == {profile.code: profile}


@given(
    value=st.text(st.sampled_from("ab'\"\\é东 \n:#-x.,&*"), min_size=1, max_size=40).filter(str.strip),
    style=st.sampled_from([None, "'", '"', "|", ">"]),
    width=st.sampled_from([5, 20, 100]),
)
def test_every_character_of_a_value_is_found_in_its_file(value: str, style: str | None, width: int) -> None:
    written = yaml.dump({"key": {"in": value}}, default_style=style, width=width, allow_unicode=True)
    root = read_document(written, "f.yaml")
    assert isinstance(root, Entries)
    inner = root.get("key")
    assert isinstance(inner, Entries)
    node = inner.get("in")
    assert isinstance(node, Scalar)
    assert node.text == value
    lines = written.split("\n")
    for offset, character in enumerate(value):
        place = node.place_of(offset)
        assert place.line is not None
        assert place.column is not None
        found = lines[place.line - 1][place.column - 1 : place.column]
        assert found in (character, "\\") or character.isspace()


@given(text=st.text(max_size=30) | st.sampled_from(DESCRIPTIONS))
def test_normalising_words_twice_changes_nothing(text: str) -> None:
    once = normalised_words(text)
    assert normalised_words(once) == once
    assert once == "" or (once[0], once[-1]) == (" ", " ")
