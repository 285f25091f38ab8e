import csv
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.trade import Row, add, at, cancelled, item, lake_of, result

from tidewaiter.core.errors import InputError
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.storage.lake.facts.statistics import update_statistics
from tidewaiter.storage.lake.facts.table import fact_batches
from tidewaiter.storage.lake.ingest.run import ingest_file
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.lake.purge import PartyPurge, PartyRule, Purge, TablePurged, purge_lake

PERSON = PartyPurge(codes=frozenset({"TAX-4711"}), names=frozenset({"Aino Väinölä"}))


def consignment(number: str, day: int, **fields: Any) -> Row:
    base: Row = {"consignment_id": number, "house_document": number, "filed_at": at(day), "version": 1}
    return base | {"known_at": at(day)} | fields


def seizure(number: str, day: int, **fields: Any) -> Row:
    return {"seizure_number": number, "seized_at": at(day), "version": 1, "known_at": at(day)} | fields


def event(number: str, day: int, **fields: Any) -> Row:
    base: Row = {"event_id": number, "kind": "arrived", "occurred_at": at(day), "version": 1, "known_at": at(day)}
    return base | fields


def decided(declaration: str, day: int) -> Row:
    base: Row = {"declaration_id": declaration, "decided_at": at(day), "channel": "red", "version": 1}
    return base | {"known_at": at(day)}


@cache
def model() -> Path:
    """Return a lake made once, to be copied."""
    return make(Path(mkdtemp()) / "lake").folder


def a_lake(folder: Path) -> Lake:
    """Return a new lake of two months in which one declaration, bill and person stand in every table they can."""
    return Lake.open(shutil.copytree(model(), folder))


def make(folder: Path) -> Lake:
    person = {"importer_code": "TAX-4711", "importer_name": "Aino Väinölä", "importer_address": "Backstreet 12"}
    return lake_of(
        folder,
        declarations=[
            item("DECL-0815", 1, previous_document="BILL-77", importer_code="I9"),
            item("DECL-0815", 1, item_number=2, importer_code="I9"),
            item("DECL-0815", 40, version=2, importer_code="I9"),
            item("DECL-0900", 2, previous_document="BILL-77", description="for aino  VÄINÖLÄ, private", **person),
            item("DECL-0901", 45, containers=["ABCU1234567"]),
        ],
        events=[
            event("E1", 0, document="BILL-77"),
            event("E2", 3, document="BILL-77", declaration_id="DECL-0900", detail="same owner as DECL-0815"),
            event("arrived/1/BILL-77", 3, document="BILL-77", declaration_id="DECL-0900"),
            cancelled("DECL-0815", 50),
        ],
        consignments=[consignment("BILL-77", 0, consignee_name="AINO VÄINÖLÄ"), consignment("BILL-78", 0)],
        results=[result("ACT-1", "DECL-0815", 3, found=True), result("ACT-2", "DECL-0900", 4, found=False)],
        incumbent=[decided("DECL-0815", 1), decided("DECL-0900", 2)],
        seizures=[
            seizure("SZ-5", 3, declaration_id="DECL-0815", document="BILL-77", goods="shoes"),
            seizure("SZ-6", 4, goods="a bag of Aino Väinölä", parties=[
                {"role": "OWNER", "code": "TAX-4711", "name": "A. Väinölä"},
                {"role": "DRIVER", "code": "P2", "name": "Bo"}]),
        ],
    )  # fmt: skip


def derive(lake: Lake) -> None:
    """Make everything that is worked out from a lake and kept."""
    catalogue = load_catalogue()
    update_statistics(lake, catalogue)
    for _ in fact_batches(lake.snapshot(), catalogue, at(0).date(), at(70).date()):
        pass


def found_in(folder: Path, *words: str) -> list[str]:
    """Return the files under a folder that hold one of the words: as they are, or as Parquet written out."""
    held = []
    for path in folder.rglob("*"):
        if path.is_file():
            texts = [path.read_bytes().decode("utf-8", "replace"), path.name]
            if path.suffix == ".parquet":
                texts.append(str(pq.read_table(path).to_pylist()))
                texts.append(str(pq.read_metadata(path).to_dict()))
            if any(word.casefold() in text.casefold() for word in words for text in texts):
                held.append(path.relative_to(folder).as_posix())
    return held


def numbers(lake: Lake, table: str, key: str) -> list[str]:
    with duckdb.connect() as connection:
        lake.snapshot().register(connection)
        return [row[0] for row in connection.execute(f"SELECT {key} FROM {table} ORDER BY ALL").fetchall()]


def rows_of(lake: Lake, table: str, declaration: str | None) -> list[dict[str, Any]]:
    rows = [row for path in lake.snapshot().paths(table) for row in pq.read_table(path).to_pylist()]
    return rows if declaration is None else [row for row in rows if row["declaration_id"] == declaration]


@pytest.mark.slow
def test_no_byte_of_the_lake_names_a_purged_record(tmp_path: Path) -> None:
    lake = a_lake(tmp_path / "lake")
    derive(lake)
    for word in ("DECL-0815", "BILL-77", "ACT-1", "SZ-5", "TAX-4711", "Aino Väinölä"):
        assert found_in(lake.folder, word)
    assert any(name.startswith("derived/facts/") for name in found_in(lake.folder, "DECL-0815"))
    assert any(name.startswith("derived/movements/") for name in found_in(lake.folder, "TAX-4711"))
    purge = Purge(
        declarations=frozenset({"DECL-0815"}),
        consignments=frozenset({"BILL-77"}),
        acts=frozenset({"ACT-2"}),
        seizures=frozenset({"SZ-5"}),
        parties=(PERSON,),
    )
    done = purge_lake(lake, purge)
    words = ("DECL-0815", "BILL-77", "ACT-1", "ACT-2", "SZ-5", "TAX-4711", "Väinölä", "Backstreet")
    assert found_in(lake.folder, *words) == []
    assert done.tables == {
        "declarations": TablePurged(3, 1),
        "events": TablePurged(3, 1),
        "consignments": TablePurged(1, 0),
        "results": TablePurged(2, 0),
        "incumbent": TablePurged(1, 0),
        "seizures": TablePurged(1, 1),
    }
    assert done.state == lake.snapshot().id


def test_what_is_not_named_stays_as_it_was(tmp_path: Path) -> None:
    lake = a_lake(tmp_path / "lake")
    before = rows_of(lake, "declarations", "DECL-0901")
    untouched = lake.snapshot().digests("consignments")
    purge_lake(lake, Purge(declarations=frozenset({"DECL-0815"})))
    assert rows_of(lake, "declarations", "DECL-0901") == before
    assert lake.snapshot().digests("consignments") == untouched
    assert numbers(lake, "declarations", "declaration_id") == ["DECL-0900", "DECL-0901"]


def test_a_seizure_outlives_its_declaration_and_forgets_its_number(tmp_path: Path) -> None:
    lake = a_lake(tmp_path / "lake")
    purge_lake(lake, Purge(declarations=frozenset({"DECL-0815"})))
    assert numbers(lake, "seizures", "(seizure_number, declaration_id)::VARCHAR") == ["(SZ-5, NULL)", "(SZ-6, NULL)"]


def test_a_party_made_blank_leaves_the_declaration_and_a_new_digest(tmp_path: Path) -> None:
    lake = a_lake(tmp_path / "lake")
    query = "concat_ws(',', declaration_id, importer_code, importer_name, description, content_digest)"
    (before,) = [row for row in numbers(lake, "declarations", query) if row.startswith("DECL-0900")]
    purge_lake(lake, Purge(parties=(PERSON,)))
    (after,) = [row for row in numbers(lake, "declarations", query) if row.startswith("DECL-0900")]
    assert len(after.split(",")) == 2
    assert before.split(",")[-1] != after.split(",")[-1]
    owner, driver = rows_of(lake, "seizures", None)[1]["parties"]
    assert owner == {"role": "OWNER", "code": None, "name": None}
    assert driver == {"role": "DRIVER", "code": "P2", "name": "Bo"}


def test_a_party_removed_takes_its_records_with_it(tmp_path: Path) -> None:
    lake = a_lake(tmp_path / "lake")
    gone = PartyPurge(codes=frozenset({"tax-4711"}), names=PERSON.names, rule=PartyRule.REMOVE)
    purge_lake(lake, Purge(parties=(gone,)))
    assert numbers(lake, "declarations", "declaration_id") == ["DECL-0815"] * 3 + ["DECL-0901"]
    assert numbers(lake, "consignments", "consignment_id") == ["BILL-78"]
    assert numbers(lake, "seizures", "seizure_number") == ["SZ-5"]
    assert numbers(lake, "results", "act_id") == ["ACT-1"]
    assert found_in(lake.folder, "Väinölä", "TAX-4711", "DECL-0900", "BILL-77", "SZ-6") == []


def test_purging_again_changes_nothing(tmp_path: Path) -> None:
    lake = a_lake(tmp_path / "lake")
    purge = Purge(declarations=frozenset({"DECL-0815"}), parties=(PERSON,))
    purge_lake(lake, purge)
    before = lake.snapshot()
    again = purge_lake(lake, purge)
    assert (again.tables, again.rejects) == ({}, 0)
    assert lake.snapshot() == before


@pytest.mark.slow
def test_statistics_are_made_again_without_the_purged_rows(tmp_path: Path) -> None:
    lake = a_lake(tmp_path / "lake")
    catalogue = load_catalogue()
    update_statistics(lake, catalogue)
    purge_lake(lake, Purge(declarations=frozenset({"DECL-0815"})))
    update_statistics(lake, catalogue)
    with duckdb.connect() as connection:
        kept = connection.execute(
            f"SELECT entity, sum(declarations) FROM '{lake.snapshot().derived}/movements/*.parquet' "
            "WHERE entity IN ('I9', 'I1') GROUP BY entity"
        ).fetchall()
    assert dict(kept) == {"I1": 1}


@pytest.mark.slow
def test_void_files_left_by_a_kill_go_with_the_next_purge(tmp_path: Path) -> None:
    lake = a_lake(tmp_path / "lake")
    derived = lake.snapshot().derived / "facts"
    derived.mkdir(parents=True)
    shutil.copy(lake.snapshot().paths("results")[0], derived)
    old = {path: path.read_bytes() for path in lake.folder.rglob("*.parquet")}
    purge = Purge(declarations=frozenset({"DECL-0815"}))
    purge_lake(lake, purge)
    for path, content in old.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert found_in(lake.folder, "DECL-0815")
    purge_lake(lake, purge)
    assert found_in(lake.folder, "DECL-0815") == []


@pytest.mark.slow
def test_files_superseded_before_the_purge_do_not_wait_out_their_grace(tmp_path: Path) -> None:
    lake = a_lake(tmp_path / "lake")
    first = lake.snapshot().partitions("results")["2024-01"][0]
    with lake.writing() as writer:
        writer.replace("copy", "all", Path(first))
    with lake.writing() as writer:
        writer.replace("copy", "all", None)
    purge_lake(lake, Purge(declarations=frozenset({"DECL-0815"})))
    assert found_in(lake.folder, "DECL-0815", "ACT-1") == []


def test_rejected_rows_forget_too(tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows(
            [
                ["declaration_id", "item_number", "lodged_at", "flow", "net_mass"],
                ["DECL-0815", 1, "2024-01-01", "import", "heavy: Aino Väinölä"],
                ["DECL-0816", 1, "2024-01-01", "import", "light"],
            ]
        )
    report = ingest_file(tmp_path / "lake", file, loaded_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert report.rejects_file is not None
    done = purge_lake(Lake.open(tmp_path / "lake"), Purge(parties=(PERSON,)))
    assert (done.rejects, done.tables) == (1, {})
    assert found_in(tmp_path / "lake", "Väinölä") == []
    assert "light" in report.rejects_file.read_text()


def test_a_short_number_is_not_looked_for_in_free_text(tmp_path: Path) -> None:
    lake = lake_of(tmp_path / "lake", declarations=[item("7", 1), item("8", 1, description="7 boxes")],
                   events=[event("E1", 1, declaration_id="8", detail="paid 7 times")])  # fmt: skip
    done = purge_lake(lake, Purge(declarations=frozenset({"7"})))
    assert done.tables == {"declarations": TablePurged(1, 0)}


def test_a_name_within_another_word_is_not_meant(tmp_path: Path) -> None:
    texts = [item("D1", 1, description="marinade"), item("D2", 1, description="for Marina.")]
    lake = lake_of(tmp_path / "lake", declarations=texts)
    purge_lake(lake, Purge(parties=(PartyPurge(names=frozenset({"MARINA"})),)))
    assert numbers(lake, "declarations", "description") == ["marinade", None]


def test_a_name_in_a_script_without_spaces_is_found_with_its_ending(tmp_path: Path) -> None:
    texts = [item("D1", 1, description="김철수의 화물"), item("D2", 1, description="화물")]
    lake = lake_of(tmp_path / "lake", declarations=texts)
    purge_lake(lake, Purge(parties=(PartyPurge(names=frozenset({"김철수"})),)))
    assert numbers(lake, "declarations", "description") == ["화물", None]


def test_an_empty_word_would_match_everything_and_is_refused(tmp_path: Path) -> None:
    lake = a_lake(tmp_path / "lake")
    with pytest.raises(InputError) as caught:
        purge_lake(lake, Purge(acts=frozenset({" "}), parties=(PartyPurge(), PartyPurge(names=frozenset({""})))))
    assert len(caught.value.problems) == 3


@pytest.mark.slow
@settings(max_examples=5)
@given(st.sets(st.integers(0, 11)))
def test_what_is_left_is_what_would_be_there_had_the_purged_never_come(
    tmp_path_factory: pytest.TempPathFactory, gone: set[int]
) -> None:
    folder = tmp_path_factory.mktemp("law")
    rows = [item(f"DECL-{n:04d}", n * 6) for n in range(12)]
    lake = lake_of(folder / "whole", declarations=rows)
    done = purge_lake(lake, Purge(declarations=frozenset(f"DECL-{n:04d}" for n in gone)))
    never = lake_of(folder / "part", declarations=[row for n, row in enumerate(rows) if n not in gone])
    columns = "(declaration_id, lodged_at, known_at, counted_on, content_digest)::VARCHAR"
    assert numbers(lake, "declarations", columns) == numbers(never, "declarations", columns)
    assert sum(counts.removed for counts in done.tables.values()) == len(gone)


PURGING = """
import sys
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.lake.purge import PartyPurge, Purge, purge_lake
print("ready", flush=True)
sys.stdin.readline()
purge_lake(Lake.open(sys.argv[1]), Purge(declarations=frozenset({"DECL-0815"}),
    parties=(PartyPurge(codes=frozenset({"TAX-4711"}), names=frozenset({"Aino Väinölä"})),)))
"""


@pytest.mark.slow
def test_a_purge_killed_at_any_moment_leaves_the_tables_as_before_or_as_after(tmp_path: Path) -> None:
    words, chance, committed = ("DECL-0815", "TAX-4711", "Väinölä"), random.Random(3), 0
    purge = Purge(declarations=frozenset({"DECL-0815"}), parties=(PERSON,))
    plain = a_lake(tmp_path / "plain")
    begun = time.monotonic()
    after = purge_lake(plain, purge).state
    taken = time.monotonic() - begun
    for number in range(12):
        lake = a_lake(tmp_path / str(number))
        (lake.folder / "derived" / "facts").mkdir(parents=True)
        (lake.folder / "derived" / "facts" / "x.parquet").write_bytes(
            Path(lake.snapshot().paths("results")[0]).read_bytes()
        )
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PURGING, str(lake.folder)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdout.readline()
            process.stdin.write("\n")
            process.stdin.flush()
            time.sleep(chance.uniform(0.5, 1.3) * taken)
            os.kill(process.pid, signal.SIGKILL)
        rows = {table: lake.snapshot().rows(table) for table in ("declarations", "events", "results", "incumbent")}
        assert list(rows.values()) in ([5, 4, 2, 2], [2, 3, 1, 1])
        done = rows["declarations"] == 2
        committed += done
        taken *= 0.8 if done else 1.25  # about the moment of the commit, however quick the machine is just now
        purge_lake(lake, purge)
        assert found_in(lake.folder, *words) == []
        assert lake.snapshot().rows("declarations") == plain.snapshot().rows("declarations")
    assert after
    assert 0 < committed < 12


@pytest.mark.slow
def test_what_is_loaded_again_is_purged_again(tmp_path: Path) -> None:
    lake = a_lake(tmp_path / "lake")
    purge = Purge(declarations=frozenset({"DECL-0815"}))
    purge_lake(lake, purge)
    add(lake, declarations=[item("DECL-0815", 1)])
    assert purge_lake(lake, purge).tables == {"declarations": TablePurged(1, 0)}
    assert found_in(lake.folder, "DECL-0815") == []
