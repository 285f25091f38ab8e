import csv
import datetime as dt
import io
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidewaiter.core.administration import Administration
from tidewaiter.core.errors import InputError, LakeError
from tidewaiter.language.mappings import parse_mapping
from tidewaiter.storage.lake.ingest.reading import read_declarations
from tidewaiter.storage.lake.ingest.run import IngestReport, ingest_file
from tidewaiter.storage.lake.lake import Lake

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "import-declarations"
LOADED = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HEADER = ["declaration_id", "item_number", "lodged_at", "flow", "importer_code", "net_mass", "version"]


def line(
    declaration: str, item: object = 1, mass: str = "1.5", version: str = "", lodged: str = "2024-03-01"
) -> list[str]:
    return [declaration, str(item), lodged, "import", "T1", mass, version]


def write(path: Path, *rows: list[str], header: list[str] = HEADER) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def ingest(folder: Path, *rows: list[str]) -> IngestReport:
    return ingest_file(folder / "lake", write(folder / "input.csv", *rows), loaded_at=LOADED)


def held(folder: Path, what: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        Lake.open(folder / "lake").snapshot().register(connection)
        return connection.execute(f"SELECT {what} FROM declarations ORDER BY ALL").fetchall()


def counts(report: IngestReport) -> tuple[int, int, int, int]:
    return report.read, report.accepted, report.unchanged, report.rejected


def reasons(report: IngestReport) -> list[list[str]]:
    assert report.rejects_file is not None
    return list(csv.reader(io.StringIO(report.rejects_file.read_text())))[1:]


def test_the_same_file_twice_changes_nothing(tmp_path: Path) -> None:
    rows = [line("A", 1), line("A", 2), line("B", 1, "x")]
    ingest(tmp_path, *rows)
    before = Lake.open(tmp_path / "lake").snapshot()
    assert counts(ingest(tmp_path, *rows)) == (3, 0, 2, 1)
    assert Lake.open(tmp_path / "lake").snapshot() == before


def test_changed_content_under_a_known_number_is_the_next_version(tmp_path: Path) -> None:
    ingest(tmp_path, line("A", 1), line("A", 2))
    report = ingest(tmp_path, line("A", 1), line("A", 2, "9"))
    assert (counts(report), report.tables["declarations"].amended) == ((2, 2, 0, 0), 1)
    assert held(tmp_path, "version, item_number, CAST(net_mass AS VARCHAR)") == [
        (1, 1, "1.500"), (1, 2, "1.500"), (2, 1, "1.500"), (2, 2, "9.000"),
    ]  # fmt: skip


def test_a_declaration_that_loses_an_item_is_the_next_version(tmp_path: Path) -> None:
    ingest(tmp_path, line("A", 1), line("A", 2))
    ingest(tmp_path, line("A", 1))
    assert held(tmp_path, "version, item_number") == [(1, 1), (1, 2), (2, 1)]


def test_an_old_file_loaded_again_after_an_amendment_changes_nothing(tmp_path: Path) -> None:
    ingest(tmp_path, line("A", 1))
    ingest(tmp_path, line("A", 1, "9"))
    assert counts(ingest(tmp_path, line("A", 1))) == (1, 0, 1, 0)


def test_the_order_of_rows_is_no_change(tmp_path: Path) -> None:
    ingest(tmp_path, line("A", 1), line("A", 2))
    assert counts(ingest(tmp_path, line("A", 2), line("A", 1))) == (2, 0, 2, 0)


def test_a_supplied_version_with_other_content_is_rejected(tmp_path: Path) -> None:
    ingest(tmp_path, line("A", version="3"))
    report = ingest(tmp_path, line("A", mass="9", version="3"), line("A", mass="9", version="4"))
    assert counts(report) == (2, 1, 0, 1)
    assert reasons(report) == [["2", "version", "3", "version 3 of A is in the lake with other content"]]


def test_one_bad_item_rejects_the_whole_declaration(tmp_path: Path) -> None:
    report = ingest(tmp_path, line("A", 1), line("A", 2, "heavy"), line("B"))
    assert counts(report) == (3, 1, 0, 2)
    assert reasons(report) == [
        ["2", "", "", "sibling item 2 of the same declaration is rejected"],
        ["3", "net_mass", "heavy", "is no number, or too large"],
    ]


def test_a_row_cut_short_takes_its_siblings_along(tmp_path: Path) -> None:
    report = ingest(tmp_path, line("A", 1), ["A", "2", "2024-03-01"])
    assert (counts(report), reasons(report)[1][3]) == ((2, 0, 0, 2), "the row has 3 cells, the header 7")


def test_one_item_twice_with_different_content_is_rejected_and_with_the_same_is_not(tmp_path: Path) -> None:
    report = ingest(tmp_path, line("A"), line("A", mass="2"), line("B"), line("B"))
    assert counts(report) == (4, 1, 1, 2)
    assert held(tmp_path, "declaration_id") == [("B",)]


def test_versions_on_some_rows_only_are_rejected(tmp_path: Path) -> None:
    assert counts(ingest(tmp_path, line("A", 1, version="1"), line("A", 2))) == (2, 0, 0, 2)


def test_lines_are_counted_as_a_text_editor_does(tmp_path: Path) -> None:
    path = tmp_path / "input.csv"
    path.write_text(",".join(HEADER) + '\nA,1,2024-03-01,import,"T\n1",1,\n\nB,1,2024-03-01,import,T1,x,\n')
    report = ingest_file(tmp_path / "lake", path)
    assert (counts(report), reasons(report)[0][0]) == ((2, 1, 0, 1), "5")


def test_unknown_codes_and_doubtful_figures_are_kept(tmp_path: Path) -> None:
    header = [*HEADER[:4], "origin", "hs_code", "containers", "net_mass", "gross_mass"]
    row = ["A", "1", "2024-03-01", "import", "zz", "12", "NOPE1|CSQU3054383", "5", "2"]
    report = ingest_file(tmp_path / "lake", write(tmp_path / "input.csv", row, header=header))
    assert counts(report) == (1, 1, 0, 0)
    assert held(tmp_path, "origin, hs_code, containers") == [("ZZ", "12", ["NOPE1", "CSQU3054383"])]


def test_what_is_absent_stays_absent(tmp_path: Path) -> None:
    ingest(tmp_path, ["A", "1", "2024-03-01", "import", "", "", ""], ["B", "1", "2024-03-01", "import", " ", "NaN", ""])
    assert held(tmp_path, "importer_code, net_mass") == [(None, None), (None, None)]


def test_an_infinite_mass_is_no_number(tmp_path: Path) -> None:
    assert counts(ingest(tmp_path, line("A", mass="inf"), line("B", mass="1e30"), line("C", mass="1e3"))) == (
        3,
        1,
        0,
        2,
    )


def test_a_row_loaded_after_its_day_was_closed_counts_from_the_next_open_day(tmp_path: Path) -> None:
    Lake.create(tmp_path / "lake", Administration()).close_days(dt.date(2024, 3, 5))
    ingest(tmp_path, line("A"), line("B", lodged="2024-03-09"))
    assert held(tmp_path, "declaration_id, counted_on") == [("A", dt.date(2024, 3, 6)), ("B", dt.date(2024, 3, 9))]


def test_a_file_of_another_currency_is_kept_out_of_the_lake(tmp_path: Path) -> None:
    Lake.create(tmp_path / "lake", Administration(currency="USD"))
    mapping = parse_mapping("administration: {currency: KRW}\ntables: {declarations: canonical}\n", file="m.yaml")
    with pytest.raises(LakeError, match="is in USD"):
        ingest_file(tmp_path / "lake", write(tmp_path / "input.csv", line("A")), mapping)


def test_a_file_that_fits_no_shipped_mapping_says_which_was_near(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nearest: declarations lacks flow"):
        ingest_file(tmp_path / "lake", write(tmp_path / "input.csv", header=HEADER[:3]))
    assert not (tmp_path / "lake").exists()


def test_parquet_in_its_own_types_reads_as_the_csv_does(tmp_path: Path) -> None:
    table = pa.table(
        {
            "declaration_id": ["A", "A"],
            "item_number": [1, 2],
            "lodged_at": pa.array([LOADED, LOADED], pa.timestamp("us", tz="UTC")),
            "flow": ["import", "import"],
            "net_mass": [1.5, float("nan")],
            "containers": [["csqu3054383 "], []],
            "hs_code": [640319.0, 640320.0],
            "tax_lines": [[{"type": "vat", "rate": 8.5}], None],
        }
    )
    pq.write_table(table, tmp_path / "input.parquet")
    ingest_file(tmp_path / "lake", tmp_path / "input.parquet")
    found = held(tmp_path, "item_number, CAST(net_mass AS VARCHAR), containers, hs_code, CAST(tax_lines AS VARCHAR)")
    assert found == [
        (1, "1.500", ["CSQU3054383"], "640319", "[{'type': VAT, 'base': NULL, 'rate': 8.5000, 'amount': NULL}]"),
        (2, None, None, "640320", None),
    ]
    text = write(
        tmp_path / "same.csv",
        ["A", "1", "2026-01-01", "import", "1.50", "CSQU3054383", "640319", '[{"type":"VAT","rate":"8.5"}]'],
        ["A", "2", "2026-01-01", "import", "", "", "640320", "[]"],
        header=table.column_names,
    )
    assert counts(ingest_file(tmp_path / "lake", text)) == (2, 0, 2, 0)


def test_results_events_and_the_other_tables_have_their_keys_made_and_versions_kept(tmp_path: Path) -> None:
    header = ["declaration_id", "act", "completed_at", "state", "outcome", "categories", "known_at"]
    first = ["A", "scan", "2024-03-01", "provisional", "nothing_found", "", "2024-03-02T10:00:00+02:00"]
    second = ["A", "scan", "2024-03-01", "final", "found_other", "origin|CITES", "2024-04-01"]
    for row in (first, second, [*second[:5], "WITCHCRAFT", ""]):
        report = ingest_file(tmp_path / "lake", write(tmp_path / "results.csv", row, header=header))
    assert counts(report) == (1, 0, 0, 1)
    event = [["arrived", "2024-03-01 08:30:00", "A"], ["arrived", "2024-03-01", ""]]
    report = ingest_file(
        tmp_path / "lake", write(tmp_path / "e.csv", *event, header=["kind", "occurred_at", "declaration_id"])
    )
    assert counts(report) == (2, 1, 0, 1)
    with duckdb.connect() as connection:
        Lake.open(tmp_path / "lake").snapshot().register(connection)
        found = connection.execute(
            "SELECT act_id, version, CAST(known_at AS VARCHAR) FROM results ORDER BY ALL"
        ).fetchall()
    assert found == [("A/scan", 1, "2024-03-02 08:00:00+00"), ("A/scan", 2, "2024-04-01 00:00:00+00")]


def test_declarations_are_read_without_a_lake_whole_or_not_at_all(tmp_path: Path) -> None:
    read = read_declarations(write(tmp_path / "input.csv", line("B"), line("A", 1), line("A", 2, "x")))
    assert (read.rows["declaration_id"].to_pylist(), read.undecided) == (["B"], ("A",))
    assert (read.read, read.accepted, read.rejected, read.rejects[-1].line) == (3, 1, 2, 4)


def test_a_declaration_about_to_be_decided_goes_on_from_the_versions_the_lake_holds(tmp_path: Path) -> None:
    ingest(tmp_path, line("A", 1), line("B", 1))
    ingest(tmp_path, line("A", 1, "2.5"))
    file = write(tmp_path / "today.csv", line("A", 1, "9.5"), line("B", 1), line("C", 1))
    read = read_declarations(file, snapshot=Lake.open(tmp_path / "lake").snapshot())
    versions = dict(zip(*(read.rows[name].to_pylist() for name in ("declaration_id", "version")), strict=True))
    assert versions == {"A": 3, "B": 1, "C": 1}


def test_a_version_in_the_lake_with_other_content_is_not_decided(tmp_path: Path) -> None:
    ingest(tmp_path, line("A", 1, version="1"))
    file = write(tmp_path / "today.csv", line("A", 1, "9.5", version="1"))
    read = read_declarations(file, snapshot=Lake.open(tmp_path / "lake").snapshot())
    assert (read.undecided, read.rows.num_rows) == (("A",), 0)
    assert "is in the lake with other content" in read.rejects[0].reason


def test_items_of_one_declaration_lodged_at_two_moments_are_rejected_together(tmp_path: Path) -> None:
    report = ingest(tmp_path, line("A", 1), line("A", 2, lodged="2024-03-02"), line("B", 1))
    assert counts(report) == (3, 1, 0, 2)
    assert all(row[1] == "lodged_at" and row[3].startswith("differs between the rows of A") for row in reasons(report))


CELLS = st.one_of(
    st.sampled_from(
        ["", "A", "B", "1", "2", "1.5", "-3", "2024-03-01", "import", "x", "é", "\u00a0", "NaN", "a\nb", '"', "１"]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6),
)
GOOD = st.builds(
    line, st.sampled_from("ABC"), st.integers(1, 3), st.sampled_from(["1", "2"]), st.sampled_from(["", "", "1", "2"])
)
DIRTY = st.one_of(GOOD, GOOD, GOOD, st.lists(CELLS, min_size=6, max_size=8))


@pytest.mark.slow
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(files=st.lists(st.lists(DIRTY, max_size=8), min_size=1, max_size=2))
def test_every_row_read_is_accepted_unchanged_or_rejected(
    files: list[list[list[str]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("law")
    for rows in files:
        report = ingest(folder, *rows)
        again = ingest(folder, *rows)
        assert report.read == len(rows) == again.read
        assert report.accepted + report.unchanged + report.rejected == report.read
        assert (again.accepted, again.rejected) == (0, report.rejected)
        named = {int(row[0]) for row in reasons(report)} if report.rejected else set()
        assert len(named) == report.rejected
        assert sum(table.rows for table in report.tables.values()) == report.accepted


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason="the public import declarations are not beside the project")
def test_the_public_set_is_accounted_for_to_the_last_row(tmp_path: Path) -> None:
    train = ingest_file(tmp_path / "lake", DATA / "train.csv")
    valid = ingest_file(tmp_path / "lake", DATA / "valid.csv")
    assert (counts(train), counts(valid)) == ((37_385, 37_385, 0, 0), (8_134, 8_134, 0, 0))
    assert (train.mapping, train.assumed_known_at) == ("import-declarations", ("results",))
    lake = Lake.open(tmp_path / "lake")
    assert (lake.administration.currency, lake.snapshot().rows("declarations")) == ("KRW", 45_519)
