import datetime as dt
import zipfile
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tidewaiter.core.errors import InputError
from tidewaiter.core.mapping import FileFormat
from tidewaiter.language.mappings import parse_mapping
from tidewaiter.storage.lake.formats import excel
from tidewaiter.storage.lake.formats.excel import cell_text
from tidewaiter.storage.lake.formats.opened import open_input
from tidewaiter.storage.lake.ingest.reading import read_declarations
from tidewaiter.storage.lake.ingest.run import ingest_file

GOOD = "declaration_id,item_number,lodged_at,flow,description\nA,1,2024-03-01,import,tea\n"
MORNING = dt.datetime.fromisoformat("2024-03-01 08:30:00")
MIDNIGHT = dt.datetime.fromisoformat("2024-03-02")


def refused(folder: Path, content: bytes, name: str = "input.csv", mapping: str = "") -> str:
    """Return the one error for a file, after looking that nothing was written."""
    path = folder / name
    path.write_bytes(content)
    chosen = parse_mapping(mapping or "tables: {declarations: canonical}", file="m.yaml")
    with pytest.raises(InputError) as caught:
        ingest_file(folder / "lake", path, chosen)
    assert not (folder / "lake").exists()
    return str(caught.value).replace(str(path), "FILE")


def test_a_missing_file_and_a_folder_are_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        ingest_file(tmp_path / "lake", tmp_path / "none.csv")
    with pytest.raises(InputError, match="a folder, not a file"):
        ingest_file(tmp_path / "lake", tmp_path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, b"") == "FILE: the file is empty"


def test_a_binary_file_is_refused_with_the_line_of_its_first_nul(tmp_path: Path) -> None:
    assert refused(tmp_path, GOOD.encode() + b"B\0C").startswith("FILE:3: the file is no text: it holds a NUL byte")


def test_a_compressed_file_is_named_for_what_it_is(tmp_path: Path) -> None:
    assert "this is a gzip file" in refused(tmp_path, b"\x1f\x8b\x08\x00abc")


def test_latin_1_is_refused_with_line_and_position(tmp_path: Path) -> None:
    said = refused(tmp_path, GOOD.encode() + "B,1,2024-03-01,import,thé\n".encode("latin-1"))
    assert said.startswith("FILE:3:25: byte 0xe9 at position 104 is no utf-8; name the file's encoding")


def test_utf_16_is_refused_by_name_and_read_when_the_mapping_says_so(tmp_path: Path) -> None:
    assert "the file is written in utf-16" in refused(tmp_path, GOOD.encode("utf-16"))
    said = parse_mapping("format: {encoding: utf-16}\ntables: {declarations: canonical}", file="m.yaml")
    assert read_declarations(tmp_path / "input.csv", said).accepted == 1


def test_a_ten_megabyte_line_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, GOOD.encode() + b"x" * 10_000_000).startswith("FILE:3: a line is longer than 1,048,576")


def test_a_quotation_mark_that_is_not_closed_is_one_error_at_its_line(tmp_path: Path) -> None:
    rest = 'B,1,2024-03-01,import,"tea\n' + "C,1,2024-03-01,import,tea\n" * 9000
    assert refused(tmp_path, (GOOD + rest).encode()).startswith("FILE:3: a cell begins here that does not end")


def test_missing_columns_are_all_named_with_the_nearest(tmp_path: Path) -> None:
    said = refused(tmp_path, b"declaration,item_number,lodged,flow\n")
    assert "no column 'declaration_id'; did you mean 'declaration'?" in said
    assert "no column 'lodged_at'; did you mean 'lodged'?" in said


def test_duplicate_headers_are_refused(tmp_path: Path) -> None:
    assert "column 'flow' stands 2 times in the header" in refused(tmp_path, b"flow, flow ,x\n")


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace(",", ";").encode(),
        GOOD.replace(",", "\t").encode(),
        GOOD.replace("tea", '"tea"').encode(),
        GOOD.rstrip().encode(),
        GOOD.replace("\n", "\n\n").encode(),
    ],
    ids=["byte order mark", "carriage returns", "semicolons", "tabs", "quotes", "no last line end", "blank lines"],
)
def test_the_usual_ways_of_writing_a_csv_read_alike(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "input.csv"
    path.write_bytes(content)
    read = read_declarations(path)
    assert (read.read, read.rows["description"].to_pylist()) == (1, ["tea"])


def test_a_cell_over_two_lines_keeps_its_line_end(tmp_path: Path) -> None:
    path = tmp_path / "input.csv"
    path.write_text(GOOD.replace("tea", '"tea,\nblack"'))
    assert read_declarations(path).rows["description"].to_pylist() == ["tea,\nblack"]


def test_a_header_alone_is_a_file_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "input.csv"
    path.write_text(GOOD.splitlines()[0])
    report = ingest_file(tmp_path / "lake", path)
    assert (report.read, report.rejects_file) == (0, None)


def workbook(path: Path) -> Path:
    book = openpyxl.Workbook()
    book.create_sheet("Notes").append(["nothing here"])
    sheet = book.worksheets[0]
    sheet.append([])
    sheet.append(["declaration_id", "item_number", "lodged_at", "flow", "net_mass", "hs_code"])
    sheet.append(["A", 1, MORNING, "import", 1.25, 90111])
    sheet.append([])
    sheet.append(["B", 1, MIDNIGHT, "import", "heavy", 90111])
    book.save(path)
    return path


def test_a_workbook_is_read_with_its_row_numbers_as_lines(tmp_path: Path) -> None:
    said = (
        "format: {decimal_mark: ','}\ntables: {declarations: {declaration_id: declaration_id, flow: flow, "
        "item_number: item_number, lodged_at: lodged_at, net_mass: net_mass, hs_code: {column: hs_code, pad: 6}}}"
    )
    read = read_declarations(workbook(tmp_path / "input.xlsx"), parse_mapping(said, file="m.yaml"))
    (row,) = read.rows.select(["lodged_at", "net_mass", "hs_code"]).to_pylist()
    assert (str(row["lodged_at"].replace(tzinfo=None)), str(row["net_mass"]), row["hs_code"]) == (
        "2024-03-01 08:30:00", "1.250", "090111",
    )  # fmt: skip
    assert [(reject.line, reject.value) for reject in read.rejects] == [(5, "heavy")]


def test_a_sheet_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no sheet 'March'; it has 'Sheet', 'Notes'"):
        open_input(workbook(tmp_path / "input.xlsx"), FileFormat(sheet="March"))


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel, "LARGEST_UNPACKED", 1_000_000)
    path = tmp_path / "input.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * 2_000_000)
    with pytest.raises(InputError, match="unpacks to 2,000,000 bytes"):
        open_input(path, FileFormat())


def test_a_workbook_that_lies_about_its_size_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "input.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("sheet.xml", b"0" * 2_000_000)
    content = bytearray(path.read_bytes())
    directory = content.rindex(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = (10).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        open_input(path, FileFormat())


def test_a_zip_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "input.xlsx"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("letter.txt", "dear")
    with pytest.raises(InputError, match="cannot be read"):
        open_input(path, FileFormat())


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "input.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="Parquet file cannot be read"):
        open_input(path, FileFormat())


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (1.0, "1"), (0.1, "0,1"), (True, "true"), (dt.date(2024, 3, 1), "2024-03-01"), ("x", "x"),
        (MIDNIGHT, "2024-03-02"), (MORNING, "2024-03-01 08:30:00"), (dt.time(8), "08:00:00"),
    ],
)  # fmt: skip
def test_a_cell_reads_as_a_csv_of_the_sheet_would(cell: object, text: str) -> None:
    assert cell_text(cell, ",") == text
