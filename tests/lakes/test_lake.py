import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from tidewaiter.core.administration import Administration
from tidewaiter.core.errors import InputError, LakeError
from tidewaiter.core.tables import TABLES
from tidewaiter.storage.lake.lake import Lake, Snapshot
from tidewaiter.storage.lake.schema import row_schema

LODGED = dt.datetime(2024, 1, 31, 20, tzinfo=dt.UTC)


def rows(declaration: str, items: int = 1, lodged: dt.datetime = LODGED) -> pa.Table:
    return pa.table(
        {
            "declaration_id": [declaration] * items,
            "item_number": list(range(1, items + 1)),
            "lodged_at": [lodged] * items,
            "flow": ["import"] * items,
        }
    )


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", Administration(currency="KRW", time_zone="Asia/Seoul"))


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def ids(snapshot: Snapshot, connection: duckdb.DuckDBPyConnection) -> list[str]:
    snapshot.register(connection)
    found = connection.execute("SELECT declaration_id FROM declarations ORDER BY ALL").fetchall()
    return [name for (name,) in found]


def test_an_empty_lake_shows_every_table_typed_and_empty(lake: Lake, connection: duckdb.DuckDBPyConnection) -> None:
    lake.snapshot().register(connection)
    for table in TABLES.values():
        found = connection.sql(f"SELECT * FROM {table.name}").to_arrow_table()
        assert (found.num_rows, found.schema.names) == (0, row_schema(table).names)
        assert [str(f.type) for f in found.schema] == [
            str(f.type).replace("item:", "l:").replace("element:", "l:") for f in row_schema(table)
        ]


def test_rows_added_are_there_for_a_later_snapshot_only(lake: Lake, connection: duckdb.DuckDBPyConnection) -> None:
    before = lake.snapshot()
    with lake.writing() as writer:
        writer.add("declarations", rows("A", 2))
    assert ids(before, connection) == []
    assert ids(lake.snapshot(), connection) == ["A", "A"]
    assert lake.snapshot().id != before.id


def test_an_error_while_writing_leaves_nothing(lake: Lake) -> None:
    before = lake.snapshot()

    def fail() -> None:
        with lake.writing() as writer:
            writer.add("declarations", rows("A"))
            writer.close_days(dt.date(2024, 1, 31))
            raise KeyError("stop")

    with pytest.raises(KeyError):
        fail()
    assert lake.snapshot() == before
    assert list(lake.folder.rglob("*.parquet")) == []


def test_a_second_writer_is_told_who_is_writing(lake: Lake) -> None:
    with lake.writing(), pytest.raises(LakeError, match=f"being written by process {os.getpid()}"), lake.writing():
        pass


def test_a_writer_in_another_process_is_kept_out_and_a_reader_is_not(lake: Lake) -> None:
    code = "import sys; from tidewaiter.storage.lake.lake import Lake\nlake = Lake.open(sys.argv[1]); lake.snapshot()\n"
    code += "with lake.writing(): pass"
    with lake.writing():
        done = subprocess.run(
            [sys.executable, "-c", code, str(lake.folder)], capture_output=True, text=True, check=False
        )
    assert "LakeError" in done.stderr
    assert f"process {os.getpid()}" in done.stderr


def test_a_partition_is_the_month_of_the_administrations_calendar(lake: Lake) -> None:
    with lake.writing() as writer:
        writer.add("declarations", rows("A"))
    assert list(lake.snapshot().partitions("declarations")) == ["2024-02"]


def test_a_row_counts_from_its_day_in_the_administrations_time_zone(
    lake: Lake, connection: duckdb.DuckDBPyConnection
) -> None:
    with lake.writing() as writer:
        writer.add("declarations", rows("A"))
    lake.snapshot().register(connection)
    assert connection.execute("SELECT counted_on FROM declarations").fetchall() == [(dt.date(2024, 2, 1),)]


def test_a_row_that_comes_late_counts_from_the_day_after_the_last_closed_one(
    lake: Lake, connection: duckdb.DuckDBPyConnection
) -> None:
    lake.close_days(dt.date(2024, 2, 10))
    with lake.writing() as writer:
        writer.add("declarations", rows("A"))
    lake.snapshot().register(connection)
    assert connection.execute("SELECT counted_on FROM declarations").fetchall() == [(dt.date(2024, 2, 11),)]


def test_a_closed_day_stays_closed(lake: Lake) -> None:
    lake.close_days(dt.date(2024, 2, 10))
    lake.close_days(dt.date(2024, 2, 1))
    assert lake.snapshot().closed_through == dt.date(2024, 2, 10)


def test_a_replaced_partition_stays_readable_for_who_read_before(lake: Lake) -> None:
    for value in (1, 2):
        with lake.writing() as writer:
            writer.replace("statistics", "2024", pa.table({"x": [value]}))
        if value == 1:
            earlier = lake.snapshot()
    with lake.writing() as writer:
        writer.replace("statistics", "2025", pa.table({"x": [3]}))
    (old,), (new, _) = earlier.paths("statistics"), lake.snapshot().paths("statistics")
    assert (pa.parquet.read_table(old)["x"].to_pylist(), pa.parquet.read_table(new)["x"].to_pylist()) == ([1], [2])


def test_what_a_killed_writer_left_is_swept_by_the_next(lake: Lake) -> None:
    with lake.writing() as writer:
        writer.add("declarations", rows("A"))
    (kept,) = lake.snapshot().paths("declarations")
    orphan = Path(kept).with_name("00000099-0000-abc.parquet")
    orphan.write_bytes(b"half")
    with lake.writing():
        pass
    assert (orphan.exists(), Path(kept).exists()) == (False, True)


def test_equal_ingests_give_byte_identical_files(tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        lake = Lake.create(tmp_path / name, Administration())
        table = rows("A", 3).append_column("loaded_at", pa.array([LODGED] * 3, pa.timestamp("us", tz="UTC")))
        with lake.writing() as writer:
            writer.add("declarations", table)
        digests.append(lake.snapshot().digests("declarations"))
    assert digests[0] == digests[1]


def test_a_folder_without_a_lake_says_so(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="holds no lake"):
        Lake.open(tmp_path)


def test_a_damaged_manifest_is_one_clear_error(lake: Lake) -> None:
    (lake.folder / "manifest.json").write_text('{"format": 1, "schema": 1}')
    with pytest.raises(LakeError, match="damaged"):
        lake.snapshot()


def test_a_lake_is_not_made_among_other_files(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(LakeError, match="not empty"):
        Lake.create(tmp_path, Administration())


def test_an_administration_needs_a_currency_and_a_time_zone_that_exist(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        Lake.create(tmp_path / "lake", Administration(currency="WON", time_zone="Asia/Soul"))
    assert len(caught.value.problems) == 2


def test_an_unknown_column_is_refused(lake: Lake) -> None:
    with pytest.raises(InputError, match="no field 'orign'"), lake.writing() as writer:
        writer.add("declarations", rows("A").append_column("orign", pa.array(["CN"])))
