"""Profile files: what is read, what is refused with its place, and what check warns of."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from tests.strategies import small_catalogue

from tidewaiter.core.channel import Channel
from tidewaiter.core.condition import Always, HasWord, OneOf, StartsWith
from tidewaiter.core.errors import InputError
from tidewaiter.core.profile import Entry, Match, Status, Treatment, effective_conditions
from tidewaiter.language.parse import parse_condition
from tidewaiter.language.profiles import check, missing_parts, read_profiles

CATALOGUE = small_catalogue()


def files(folder: Path, **texts: str) -> Path:
    """Write each text as a YAML file of that name."""
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def found_in(folder: Path) -> list[str]:
    """Return what check finds, with places as `file:line:column`."""
    return [str(problem).replace(f"{folder}/", "") for problem in check([folder], CATALOGUE)]


WHOLE = """
code: FW-014
version: 3
title: Cheap shoes from a new importer
status: active
example: true
risk_area: undervaluation
register_entry: R-07
description: Shoes declared far below what others pay.
assessment: Two seizures; peer prices.
level: high
rationale: |
  First line.
  Second line.
flow: [import]
offices: ["040", no, 12]
condition: |
  starts_with(hs_code, '64') AND new_importer
  AND unit_value < 0.6 * unit_value_p10
exceptions: in_list(origin, 'friends')
treatments:
  - channel: red
    probability: 0.5
    controls: [count the pairs, weigh a carton]
  - {channel: yellow, probability: 0.5}
instruction: Compare invoice and labels.
result_codes: [undervaluation]
valid_from: 2024-01-01
valid_to: 2024-12-31
review_on: 2024-06-30
forecast_matches_per_day: 3
forecast_hours_per_day: 4.5
owner: Risk unit
contact: risk@example.org
author: A. Author
approver: B. Approver
legal_basis: Customs Act 12
handling: restricted
sources: [report 12, seizure 7]
evaluation: ""
test_cases:
  - must_match: a tenth of the price
    facts: {hs_code: 640399, is_new: true, unit_value: 1.00, unit_value_p10: 10, origin: CN}
  - must_not_match: an old importer
    facts: {hs_code: 640399, is_new: false, unit_value: 1.00, unit_value_p10: 10, origin: CN}
  - must_not_match: a friend
    facts: {hs_code: 640399, is_new: true, unit_value: 1.00, unit_value_p10: 10, origin: XF, lodged_on: 2024-07-01}
  - must_match: no friend any more
    facts: {hs_code: 640399, is_new: true, unit_value: 1.00, unit_value_p10: 10, origin: XF, lodged_on: 2024-08-01}
"""
INDICATORS = """
indicators:
  new_importer:
    title: A new importer
    condition: is_new OR unseen
  unseen:
    condition: findings < 0
    version: 2
"""
FRIENDS = """
list: friends
title: Partners with a treaty
entries:
  - value: XF
    valid_to: 2024-07-31
    note: treaty ends
  - XG
"""


def test_a_whole_profile_is_read_as_it_is_written(tmp_path: Path) -> None:
    profile_set = read_profiles([files(tmp_path, p=WHOLE, i=INDICATORS, friends=FRIENDS)], CATALOGUE)
    profile = profile_set.profiles["FW-014"]
    assert (profile.version, profile.status, profile.example) == (3, Status.ACTIVE, True)
    assert profile.offices == ("040", "no", "12")
    assert profile.rationale == "First line.\nSecond line."
    assert profile.treatments == (
        Treatment(Channel.RED, 0.5, ("count the pairs", "weigh a carton")),
        Treatment(Channel.YELLOW, 0.5),
    )
    assert (profile.valid_from, profile.forecast_hours_per_day) == (date(2024, 1, 1), 4.5)
    assert profile.test_cases[0].facts["hs_code"] == "640399"
    assert profile.test_cases[0].facts["unit_value"] == Decimal(1)
    assert profile_set.lists["friends"].entries[0] == Entry("XF", None, date(2024, 7, 31), "treaty ends")
    assert profile_set.indicators["new_importer"].condition == parse_condition("is_new OR findings < 0", CATALOGUE)
    assert missing_parts(profile) == []


def test_test_cases_are_run_on_their_own_day(tmp_path: Path) -> None:
    assert found_in(files(tmp_path, p=WHOLE, i=INDICATORS, friends=FRIENDS)) == []


def test_a_draft_of_code_and_condition_can_be_read_but_not_put_in_force(tmp_path: Path) -> None:
    profile_set = read_profiles([files(tmp_path, p="code: D-1\ncondition: origin = 'CN'\n")], CATALOGUE)
    missing = missing_parts(profile_set.profiles["D-1"])
    assert {"title", "treatments", "review_on", "test_cases (must_match)"} <= set(missing)
    assert found_in(tmp_path) == []
    (tmp_path / "p.yaml").write_text("code: D-1\nstatus: active\ncondition: origin = 'CN'\n")
    assert found_in(tmp_path)[0].startswith("p.yaml:1:7: profile 'D-1' is active and lacks title, risk_area,")


def test_only_the_indicator_that_cannot_be_read_is_told_not_the_profiles_that_use_it(tmp_path: Path) -> None:
    case = "    test_cases: [{must_match: from there, facts: {origin: CN}}]"
    broken = f"indicators:\n  a:\n    condition: orign = 'CN'\n{case}\n  b:\n    condition: a OR is_new\n{case}\n"
    profile = "code: P\ncondition: b\ntest_cases: [{must_match: from there, facts: {origin: CN}}]\n"
    (problem,) = found_in(files(tmp_path, i=broken, p=profile))
    assert "'orign' is not a fact" in problem


def test_a_failing_test_case_says_what_it_leaves_open(tmp_path: Path) -> None:
    text = """
code: D-1
condition: origin = 'CN' AND is_new
test_cases:
  - must_match: from there
    facts: {origin: CN}
  - must_not_match: from there and new
    facts: {origin: CN, is_new: true}
"""
    assert found_in(files(tmp_path, p=text)) == [
        "p.yaml:5:5: test case 'from there' must match and does not; the case says nothing of is_new",
        "p.yaml:7:5: test case 'from there and new' must not match and does; mend the condition or the case",
    ]


def test_flow_and_office_count_in_a_case_that_names_them(tmp_path: Path) -> None:
    text = """
code: D-1
condition: is_new
offices: ["40"]
test_cases:
  - must_match: anywhere within
    facts: {is_new: true}
  - must_not_match: another office
    facts: {is_new: true, office: 41}
"""
    assert found_in(files(tmp_path, p=text)) == []


GOLDEN = Path(__file__).parents[1] / "golden" / "conditions" / "file-refusals.txt"
REFUSED = [
    (block.partition("\n! ")[0], [line.removeprefix("! ") for line in block.splitlines() if line.startswith("! ")])
    for block in GOLDEN.read_text(encoding="utf-8").removesuffix("\n").split("\n====\n")
]


@pytest.mark.parametrize(("text", "problems"), REFUSED, ids=[text[-40:].replace("\n", "|") for text, _ in REFUSED])
def test_every_mistake_in_a_file_has_its_place_and_advice(tmp_path: Path, text: str, problems: list[str]) -> None:
    found = [line.removeprefix("p.yaml:") for line in found_in(files(tmp_path, p=text))]
    assert len(found) == len(problems)
    assert all(line.startswith(problem) for line, problem in zip(found, problems, strict=True)), found


def test_names_that_stand_twice_name_both_places(tmp_path: Path) -> None:
    twice = "code: A\ncondition: is_new\n"
    found = found_in(files(tmp_path, a=twice, b=twice, c="list: x\nentries: [y]", d="list: x\nentries: [y]"))
    assert found[0] == "b.yaml:1:7: profile 'A' stands twice; the other is at a.yaml:1:7"
    assert "d.yaml:1:7: list 'x' stands twice; the other is at c.yaml:1:7" in found


def test_problems_of_all_files_are_told_at_once_and_stop_the_reading(tmp_path: Path) -> None:
    files(tmp_path, a="code: A\ncondition: orign = 'x'", b="code: [", c="code: C\ncondition: nope")
    with pytest.raises(InputError) as caught:
        read_profiles([tmp_path], CATALOGUE)
    assert [Path(str(problem.place.file)).name for problem in caught.value.problems] == ["a.yaml", "b.yaml", "c.yaml"]


def test_an_empty_folder_and_a_missing_file_are_told(tmp_path: Path) -> None:
    found = check([tmp_path, tmp_path / "none.yaml"], CATALOGUE)
    assert [problem.message for problem in found] == [
        "holds no profile files",
        "cannot be read: No such file or directory",
    ]


def test_a_list_in_csv_is_read_with_its_validity_and_its_mistakes(tmp_path: Path) -> None:
    files(tmp_path, w="list: w\nfile: w.csv\nmatch: prefix\n", p="code: A\ncondition: in_list(origin, 'w')\n")
    (tmp_path / "w.csv").write_text(
        '\ufeffvalue,valid_from,note\r\n0123,,"a, b"\r\nno,2024-01-01,\r\n', encoding="utf-8"
    )
    named = read_profiles([tmp_path], CATALOGUE).lists["w"]
    assert named.entries == (Entry("0123", note="a, b"), Entry("no", date(2024, 1, 1)))
    (tmp_path / "w.csv").write_text("value,valid_from\nx,soon\ny,,z\n,\n")
    assert found_in(tmp_path) == [
        "w.csv:2: valid_from: 'soon' is no day of the calendar; write YYYY-MM-DD",
        "w.csv:3: the line has more cells than columns; quote values that contain commas",
        "w.csv:4: an entry has no value; write 'value:', or remove it",
    ]
    (tmp_path / "w.csv").write_text("code\nx\n")
    assert found_in(tmp_path) == ["w.csv:1: columns are code; use value and, if needed, valid_from, valid_to, note"]


def test_lists_resolve_by_how_they_are_matched_on_the_day(tmp_path: Path) -> None:
    files(
        tmp_path,
        exact="list: exact\nentries: [b, a, {value: c, valid_to: 2024-01-01}]",
        prefix="list: prefix\nmatch: prefix\nentries: ['64']",
        words="list: words\nmatch: words\nentries: [Scrap Met*]",
        gone="list: gone\nentries: [{value: c, valid_to: 2024-01-01}]",
        p1="code: A1\ncondition: in_list(origin, 'exact')",
        p2="code: A2\ncondition: in_list(hs_code, 'prefix')",
        p3="code: A3\ncondition: in_list(description_words, 'words')",
        p4="code: A4\ncondition: in_list(origin, 'gone')",
    )
    found = effective_conditions(read_profiles([tmp_path], CATALOGUE), CATALOGUE, date(2024, 1, 2))
    assert list(found.values()) == [
        OneOf(CATALOGUE["origin"], ("a", "b")),
        StartsWith(CATALOGUE["hs_code"], ("64",)),
        HasWord(CATALOGUE["description_words"], ("scrap met*",)),
        Always(False),
    ]


@pytest.mark.parametrize(
    ("condition", "warned"),
    [
        ("origin <> 'CN'", ["origin"]),
        ("NOT origin = 'CN'", ["origin"]),
        ("NOT (origin <> 'CN')", []),
        ("origin <> 'CN' OR origin IS NULL", []),
        ("hs_code NOT IN ('1') AND hs_code IS NOT NULL", []),
        ("NOT (is_new OR items < 5)", ["is_new", "items"]),
        ("NOT shared AND origin = 'CN'", ["departure"]),
        ("origin <> departure", ["departure", "origin"]),
        ("at_least(1, is_new, NOT claims_preference)", ["claims_preference"]),
    ],
)
def test_check_warns_where_a_missing_fact_quietly_decides(tmp_path: Path, condition: str, warned: list[str]) -> None:
    files(tmp_path, p=f'code: A\ncondition: "{condition}"', i="indicators:\n  shared: {condition: departure = 'X'}")
    found = [problem for problem in check([tmp_path], CATALOGUE) if problem.warning]
    assert [problem.message.split("'")[1] for problem in found] == warned


def test_indicators_that_double_with_every_step_are_refused(tmp_path: Path) -> None:
    steps = "\n".join(f"  s{i}: {{condition: s{i + 1} AND s{i + 1}}}" for i in range(30))
    found = found_in(files(tmp_path, i=f"indicators:\n{steps}\n  s30: {{condition: is_new}}"))
    assert found
    assert "terms with its indicators put in; use fewer, or simpler" in found[0]


def test_match_kinds_are_closed(tmp_path: Path) -> None:
    found = found_in(files(tmp_path, w="list: w\nmatch: fuzzy\nentries: [x]"))
    assert found[1] == f"w.yaml:2:8: match: 'fuzzy' is not known; use one of {', '.join(Match)}"
