"""The command line's contract: what it prints, what it writes, how it leaves."""

import csv
import json
import os
import sys
from pathlib import Path

import click
import duckdb
import pytest

from tidewaiter.faces.cli.main import exit_code, tidewaiter
from tidewaiter.faces.cli.write import write_text

HEADERS = [
    *("Declaration ID", "Date", "Office ID", "Process Type", "Import Type", "Import Use", "Payment Type"),
    *("Mode of Transport", "Declarant ID", "Importer ID", "Seller ID", "Courier ID", "HS6 Code"),
    *("Country of Departure", "Country of Origin", "Tax Rate", "Tax Type", "Country of Origin Indicator"),
    *("Net Mass", "Item Price", "Fraud", "Critical Fraud"),
]
DRAFT = "code: SHOES\ncondition: hs_chapter = 64 AND origin <> 'IT'\n"
ACTIVE = """
code: SHOES
version: 2
status: active
title: Shoes not from Italy
risk_area: revenue
register_entry: R-1
description: Shoes of any origin but Italy
assessment: an example for a test
level: medium
rationale: none but the test's
condition: hs_chapter = 64 AND origin <> 'IT'
treatments:
  - {channel: red, probability: 1}
instruction: Count the pairs.
result_codes: [UNDERVALUATION]
valid_from: 2020-01-01
valid_to: 2022-12-31
review_on: 2022-06-30
forecast_matches_per_day: 1
forecast_hours_per_day: 1
owner: risk unit
contact: risk unit
author: A
approver: B
legal_basis: Customs Act
handling: official
sources: [test]
test_cases:
  - {must_match: from China, facts: {hs_chapter: 64, origin: CN}}
  - {must_not_match: from Italy, facts: {hs_chapter: 64, origin: IT}}
"""


def rows(first: int, count: int, month: str) -> list[list[object]]:
    """Made-up declarations in the layout of the public Korean set; every third is of shoes, every fourth from Italy."""
    made: list[list[object]] = []
    for n in range(first, first + count):
        hs, origin = ("640391" if n % 3 == 0 else "870323"), ("IT" if n % 4 == 0 else "CN")
        fraud = int(n % 5 == 0)
        day = f"{month}-{n % 27 + 1:02d}"
        ids = [f"DEC{n % 4}", f"IMP{n % 7}", f"SEL{n % 3}", ""]
        goods = [hs, origin, origin, 8.0, "A", "Y", 10.5 + n, 1000.25 * n, fraud, fraud]
        made.append([10_000_000 + n, day, 40, "B", 11, 21, 11, 40, *ids, *goods])
    return made


def written(file: Path, content: list[list[object]]) -> Path:
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([HEADERS, *content])
    return file


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a lake of one month, a draft, an active profile, and a day to be decided."""
    folder = tmp_path_factory.mktemp("cli")
    written(folder / "past.csv", rows(1, 60, "2020-03"))
    written(folder / "today.csv", rows(100, 12, "2020-04"))
    (folder / "draft.yaml").write_text(DRAFT)
    (folder / "active.yaml").write_text(ACTIVE)
    arguments = ["ingest", str(folder / "past.csv"), "--mapping", "import-declarations", "--lake", str(folder / "lake")]
    assert exit_code(arguments) == 0
    return folder


def first_reject(file: str) -> dict[str, str]:
    with Path(file).open() as stream:
        return next(csv.DictReader(stream))


def decide(place: Path, file: Path, to: Path, profiles: str = "active.yaml") -> int:
    return exit_code(
        [
            *("decide", str(file), "--mapping", "import-declarations", "--profiles", str(place / profiles)),
            *("--lake", str(place / "lake"), "--on", "2020-05-04", "--key", "k", "--json", str(to)),
        ]
    )


def commands(group: click.Group, *path: str) -> list[tuple[str, ...]]:
    """Every command below a group, as the words that call it."""
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        found += commands(command, *path, name) if isinstance(command, click.Group) else [(*path, name)]
    return found


@pytest.mark.parametrize("words", commands(tidewaiter), ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code([*words, "--help"]) == 0
    assert len(capsys.readouterr().out.splitlines()) >= 5


@pytest.mark.parametrize("words", commands(tidewaiter), ids=" ".join)
def test_every_command_stands_in_the_reference(words: tuple[str, ...]) -> None:
    reference = (Path(__file__).parents[2] / "docs" / "reference" / "cli.md").read_text()
    assert words[0] in reference
    assert words[-1] in reference


def test_the_same_file_twice_is_accepted_then_unchanged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path / "a.csv", rows(1, 5, "2020-03"))
    arguments = ["ingest", str(file), "--mapping", "import-declarations", "--lake", str(tmp_path / "lake"), "--json"]
    assert exit_code(arguments) == 0
    first = json.loads(capsys.readouterr().out)
    assert first == {"read": 5, "accepted": 5, "unchanged": 0, "rejected": 0, "rejects_file": None}
    assert exit_code(arguments) == 0
    assert json.loads(capsys.readouterr().out) == {**first, "accepted": 0, "unchanged": 5}


def test_rejected_rows_are_counted_and_kept_and_the_rest_goes_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = rows(1, 5, "2020-03")
    bad[2][1] = "2020-02-31"
    file = written(tmp_path / "a.csv", bad)
    assert exit_code(["ingest", str(file), "--lake", str(tmp_path / "lake"), "--json"]) == 0
    counts = json.loads(capsys.readouterr().out)
    assert (counts["accepted"], counts["rejected"]) == (4, 1)
    reject = first_reject(counts["rejects_file"])
    assert (reject["line"], reject["column"], reject["value"]) == ("4", "Date", "2020-02-31")


def test_a_file_that_is_no_table_is_one_error_with_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "picture.csv"
    file.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    assert exit_code(["ingest", str(file), "--mapping", "import-declarations", "--lake", str(tmp_path / "lake")]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "picture.csv" in told.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["ingest", "no-such-file.csv"],
        ["ingest"],
        ["nonsense"],
        ["backtest", "x.yaml", "--from", "2020-01-01", "--to", "yesterday"],
        ["backtest", "x.yaml", "--from", "2020-01-01", "--to", "2020-02-01", "--lake", "no-such-lake"],
        ["check", "no-such-folder"],
        ["facts", "no_such_fact"],
        ["mapping", "show", "no-such-mapping"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_leaves_with_2_and_says_why_on_standard_error(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert exit_code(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.strip()
    assert list(tmp_path.iterdir()) == []


def test_a_back_test_of_a_draft_has_the_keys_others_rely_on(place: Path, tmp_path: Path) -> None:
    period = ["--from", "2020-03-01", "--to", "2020-03-31"]
    file = tmp_path / "report.json"
    to = ["--json", str(file), "--html", str(tmp_path / "report.html")]
    assert exit_code(["backtest", str(place / "draft.yaml"), "--lake", str(place / "lake"), *period, *to]) == 0
    report = json.loads(file.read_text())
    assert (report["items"], report["declarations"]) == (60, 60)
    (figures,) = report["profiles"]
    assert (figures["code"], figures["matches"], figures["declarations"]) == ("SHOES", 15, 15)
    assert (figures["labelled"], figures["offences"], figures["marginal_matches"]) == (15, 3, 15)
    assert figures["hit_rate"]["numerator"] == 3
    assert figures["hit_rate"]["denominator"] == 15
    assert "recovered" in figures
    assert "SHOES" in (tmp_path / "report.html").read_text()


@pytest.mark.slow
def test_anyone_can_check_a_back_test_with_duckdb_alone(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "facts.parquet"
    period = ["--from", "2020-03-01", "--to", "2020-03-31"]
    assert exit_code(["facts", "--lake", str(place / "lake"), *period, "--parquet", str(table)]) == 0
    capsys.readouterr()
    assert exit_code(["sql", str(place / "draft.yaml")]) == 0
    where = capsys.readouterr().out
    with duckdb.connect() as connection:
        counted = connection.execute(f"SELECT count(*) FROM '{table}' WHERE {where}").fetchone()
    assert counted == (15,)


def test_decisions_have_the_keys_others_rely_on_and_the_same_bytes_again(place: Path, tmp_path: Path) -> None:
    first, again = tmp_path / "first.json", tmp_path / "again.json"
    assert decide(place, place / "today.csv", first) == 0
    assert decide(place, place / "today.csv", again) == 0
    assert first.read_bytes() == again.read_bytes()
    answer = json.loads(first.read_text())
    assert (answer["read"], answer["accepted"], answer["rejected"], answer["rejects_file"]) == (12, 12, 0, None)
    assert answer["statistics_day"] == "2020-05-03"
    numbers = [decision["declaration_id"] for decision in answer["decisions"]]
    assert numbers == sorted(numbers)
    shoes = {str(10_000_000 + n) for n in range(100, 112) if n % 3 == 0 and n % 4 != 0}
    assert {d["declaration_id"] for d in answer["decisions"] if d["channel"] == "red"} >= shoes
    chosen = next(d for d in answer["decisions"] if d["declaration_id"] in shoes)
    assert chosen["selection_probability"] == 1.0
    assert chosen["treatments"] == [{"channel": "red", "controls": ["documents", "physical"]}]
    (item,) = chosen["items"]
    assert item["item_number"] == 1
    assert "Count the pairs." in item["instructions"]
    assert [reason["code"] for reason in item["reasons"]] == ["SHOES"]


def test_a_declaration_that_cannot_be_read_is_undecided_and_never_green(place: Path, tmp_path: Path) -> None:
    content = rows(100, 3, "2020-04")
    content[1][18] = "heavy"
    file, to = written(tmp_path / "today.csv", content), tmp_path / "decisions.json"
    assert decide(place, file, to) == 0
    answer = json.loads(to.read_text())
    assert (answer["read"], answer["accepted"], answer["rejected"]) == (3, 2, 1)
    assert [one["declaration_id"] for one in answer["undecided"]] == ["10000101"]
    assert "10000101" not in {one["declaration_id"] for one in answer["decisions"]}
    assert first_reject(answer["rejects_file"])["value"] == "heavy"


def test_a_draft_selects_nothing_and_is_named(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to = tmp_path / "decisions.json"
    assert decide(place, place / "today.csv", to, "draft.yaml") == 0
    answer = json.loads(to.read_text())
    assert answer["left_out"] == [{"code": "SHOES", "reason": "is draft"}]
    assert all(decision["in_random_sample"] or decision["channel"] == "green" for decision in answer["decisions"])
    assert "SHOES" in capsys.readouterr().err


def test_an_active_profile_with_a_blank_part_decides_nothing(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blank = ACTIVE.replace("legal_basis: Customs Act\n", "")
    (tmp_path / "blank.yaml").write_text(blank)
    to = tmp_path / "decisions.json"
    assert decide(place, place / "today.csv", to, str(tmp_path / "blank.yaml")) == 2
    assert "legal_basis" in capsys.readouterr().err
    assert not to.exists()


def test_check_leaves_with_1_where_there_is_a_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "profile.yaml"
    file.write_text("code: P\ncondition: orign = 'CN'\n")
    assert exit_code(["check", str(file)]) == 1
    assert f"{file}:2:12: 'orign' is not a fact; did you mean 'origin'?" in capsys.readouterr().out


@pytest.mark.parametrize("key", [[], ["--key", ""], ["--key", "a", "--key-file", "b"]], ids=["none", "empty", "two"])
def test_a_decision_needs_one_key(key: list[str], place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "decide",
        str(place / "today.csv"),
        "--profiles",
        str(place / "active.yaml"),
        "--on",
        "2020-05-04",
        *key,
    ]
    assert exit_code([*arguments, "--lake", str(place / "lake")]) == 2
    assert "key" in capsys.readouterr().err


def test_a_short_key_is_refused_with_the_way_to_make_a_good_one(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key").write_text("short")
    arguments = ["decide", str(place / "today.csv"), "--profiles", str(place / "active.yaml"), "--on", "2020-05-04"]
    assert exit_code([*arguments, "--lake", str(place / "lake"), "--key-file", str(tmp_path / "key")]) == 2
    assert "openssl rand -hex 32" in capsys.readouterr().err


VERSIONS = """declaration_id,version,item_number,lodged_at,flow,hs_code,origin
A,1,1,2020-05-04T08:00:00Z,import,640391,CN
A,2,1,2020-05-04T08:00:00Z,import,640391,IT
B,1,1,2020-05-04T08:00:00Z,import,640391,IT
B,2,1,2020-05-04T09:00:00Z,import,640391,CN
C,1,1,2020-05-04T08:00:00Z,import,640391,IT
C,2,1,no time at all,import,640391,CN
"""


def test_of_several_versions_the_latest_is_decided_once_and_none_where_one_cannot_be_read(
    place: Path, tmp_path: Path
) -> None:
    file, to = tmp_path / "versions.csv", tmp_path / "decisions.json"
    file.write_text(VERSIONS)
    arguments = ["--profiles", str(place / "active.yaml"), "--lake", str(place / "lake"), "--on", "2020-05-04"]
    assert exit_code(["decide", str(file), *arguments, "--key", "k", "--json", str(to)]) == 0
    answer = json.loads(to.read_text())
    found = [(one["declaration_id"], one["version"], len(one["reasons"])) for one in answer["decisions"]]
    assert found == [("A", 2, 1), ("B", 2, 2)]
    assert [one["declaration_id"] for one in answer["undecided"]] == ["C"]


def test_a_link_or_device_named_for_the_result_stays_what_it_is(tmp_path: Path) -> None:
    link, led_to, pipe = tmp_path / "link.json", tmp_path / "real.json", tmp_path / "pipe"
    link.symlink_to(led_to)
    write_text(link, "{}")
    assert link.is_symlink()
    assert led_to.read_text() == "{}"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_text(pipe, "{}")
    assert os.read(reader, 10) == b"{}"
    os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    ("option", "file"),
    [("--json", "no-such-folder/x.json"), ("--html", "."), ("--parquet", "/dev/null")],
)
def test_a_result_that_cannot_be_written_is_told_before_the_work(
    option: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    period = ["--lake", "no-such-lake", "--from", "2020-01-01", "--to", "2020-01-31", option, file]
    command = ["facts"] if option == "--parquet" else ["backtest", "x.yaml"]
    assert exit_code([*command, *period]) == 2
    assert option in capsys.readouterr().err


@pytest.mark.parametrize("day", ["20200131", "2020-W05-5", "2020-02-30", "0001-01-01", "9999-12-31", "today"])
def test_a_day_is_written_in_one_way(day: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["check", "x.yaml", "--on", day]) == 2
    assert "write it as 2020-01-31" in capsys.readouterr().err


def test_a_period_without_a_file_for_its_facts_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["facts", "--from", "2020-01-01"]) == 2
    assert "--parquet" in capsys.readouterr().err


def test_the_days_the_author_looked_at_are_told_apart_on_screen(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    period = ["--from", "2020-03-01", "--to", "2020-03-31", "--tuned-until", "2020-03-15"]
    assert exit_code(["backtest", str(place / "draft.yaml"), "--lake", str(place / "lake"), *period]) == 0
    told = capsys.readouterr().out
    assert "2020-03-01 to 2020-03-15:" in told
    assert "2020-03-16 to 2020-03-31:" in told


def test_one_file_named_twice_is_read_once(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    assert exit_code(["check", "draft.yaml", str(place / "draft.yaml"), f"../{place.name}/draft.yaml"]) == 0
    assert "stands twice" not in capsys.readouterr().out


def test_work_is_done_where_nobody_listens(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(sys, "stdout", None)
    assert decide(place, place / "today.csv", tmp_path / "decisions.json") == 0
    assert json.loads((tmp_path / "decisions.json").read_text())["read"] == 12


def test_a_day_still_to_come_is_not_closed_and_a_closed_one_stays_closed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path / "a.csv", rows(1, 2, "2020-03"))
    to = ["--lake", str(tmp_path / "lake")]
    assert exit_code(["ingest", str(file), *to]) == 0
    assert exit_code(["lake", "close", *to, "--through", "9998-12-31"]) == 2
    assert exit_code(["lake", "close", *to, "--through", "2020-03-31"]) == 0
    capsys.readouterr()
    assert exit_code(["lake", "close", *to, "--through", "2020-01-31"]) == 0
    assert capsys.readouterr().out == "closed through 2020-03-31\n"


def test_one_file_of_a_pack_finds_the_indicators_and_lists_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["starter", str(tmp_path / "pack")]) == 0
    file = str(tmp_path / "pack" / "profiles" / "ex-val-01.yaml")
    assert exit_code(["check", file, "--strict"]) == 0
    capsys.readouterr()
    assert exit_code(["sql", file, "--as", "words"]) == 0
    assert "unit value" in capsys.readouterr().out
