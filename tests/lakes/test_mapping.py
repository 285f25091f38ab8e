import csv
import datetime as dt
from pathlib import Path

import pytest

from tidewaiter.core.errors import InputError
from tidewaiter.language.mappings import load_mapping, parse_mapping, shipped_mappings, shipped_names
from tidewaiter.storage.lake.ingest.reading import ReadDeclarations, read_declarations
from tidewaiter.storage.lake.ingest.suggest import suggest_mapping

NEEDED = "declaration_id: N, item_number: {constant: 1}, flow: {constant: import}"


def problems(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        parse_mapping(text, file="m.yaml")
    return [str(problem) for problem in caught.value.problems]


def read(folder: Path, fields: str, header: list[str], *rows: list[str], form: str = "{}") -> ReadDeclarations:
    path = folder / "input.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    text = f"format: {form}\ntables: {{declarations: {{{NEEDED}, {fields}}}}}"
    return read_declarations(path, parse_mapping(text, file="m.yaml"))


def test_every_shipped_mapping_reads_and_bears_the_name_of_its_file() -> None:
    assert tuple(mapping.name for mapping in shipped_mappings()) == shipped_names()
    assert "import-declarations" in shipped_names()


def test_an_unknown_mapping_names_those_there_are() -> None:
    with pytest.raises(InputError, match=r"no mapping 'import-declaration'; a file, or one of .*import-declarations"):
        load_mapping("import-declaration")


def test_every_problem_of_a_mapping_is_told_at_once_with_its_place() -> None:
    text = (
        "format: {delimeter: ';', time_zone: Mars/Base}\n"
        "administration: {currency: WON}\n"
        "tables:\n"
        "  declarations:\n"
        "    declaration_id: N\n"
        "    orign: C\n"
        "    net_mass: {column: M, times: many}\n"
        "    net_mass: M\n"
        "    known_at: {after: lodged}\n"
        "  seizure: canonical\n"
    )
    found = problems(text)
    assert [one.split(": ")[0] for one in found] == [
        "m.yaml:1:10", "m.yaml:1:37", "m.yaml:2:28", "m.yaml:5:5", "m.yaml:5:5", "m.yaml:5:5", "m.yaml:6:5",
        "m.yaml:7:34", "m.yaml:8:5", "m.yaml:9:23", "m.yaml:10:3",
    ]  # fmt: skip
    assert "'orign' is no field of declarations; did you mean 'origin'?" in "\n".join(found)
    assert "did you mean 'delimiter'?" in found[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the mapping is empty"),
        ("tables: [", "is not YAML"),
        ("name: &a x\ntables: {declarations: canonical}", "anchor '&a' is not allowed"),
        ("name: x", "needs 'tables'"),
        ("- a", "must be a map"),
        (f"tables: {{declarations: {{{NEEDED}, lodged_at: {{}}}}}}", "needs either a column or a constant"),
        ("format: {decimal_mark: x}\ntables: {declarations: canonical}", "decimal mark must be"),
        ("format: {encoding: utf-9}\ntables: {declarations: canonical}", "is no encoding"),
        ("tables: {declarations: everything}", "or the word 'canonical'"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_why(text: str, said: str) -> None:
    assert said in "\n".join(problems(text))


def test_dates_and_numbers_are_read_as_the_file_writes_them(tmp_path: Path) -> None:
    form = "{decimal_mark: ',', thousands_mark: '.', dates: ['%d.%m.%Y'], null_words: ['-']}"
    fields = "lodged_at: D, net_mass: {column: M, times: 1000}, customs_value: V, quantity: Q"
    found = read(
        tmp_path, fields, ["N", "D", "M", "V", "Q"], ["A", "31.01.2024", "1,5", "1.234.567,891", "-"], form=form
    )
    (row,) = found.rows.select(["lodged_at", "net_mass", "customs_value", "quantity"]).to_pylist()
    assert (row["lodged_at"].date(), str(row["net_mass"]), str(row["customs_value"]), row["quantity"]) == (
        dt.date(2024, 1, 31), "1500.000", "1234567.891", None,
    )  # fmt: skip


def test_codes_are_translated_padded_joined_and_split(tmp_path: Path) -> None:
    fields = "lodged_at: D, origin: {column: O, translate: {Korea: KR}}, hs_code: {column: H, pad: 6}, "
    fields += "importer_code: {columns: [N, O], joined_with: '-'}, containers: {column: C, split: '/'}"
    found = read(tmp_path, fields, ["N", "D", "O", "H", "C"], ["a", "2024-01-01", "Korea", "90111", " x1 / x2"])
    (row,) = found.rows.select(["origin", "hs_code", "importer_code", "containers"]).to_pylist()
    assert row == {"origin": "KR", "hs_code": "090111", "importer_code": "A-KOREA", "containers": ["X1", "X2"]}


def test_an_instant_without_a_zone_is_in_the_files_own_and_one_with_a_zone_is_not(tmp_path: Path) -> None:
    rows = [["A", "2024-01-01 09:00"], ["B", "2024-01-01T09:00:00+00:00"], ["C", "2024-01-01"]]
    found = read(tmp_path, "lodged_at: D", ["N", "D"], *rows, form="{time_zone: Asia/Seoul}")
    hours = dict(zip(found.rows["declaration_id"].to_pylist(), found.rows["lodged_at"].to_pylist(), strict=True))
    assert {name: (at.day, at.hour) for name, at in hours.items()} == {"A": (1, 0), "B": (1, 9), "C": (31, 15)}


def test_known_at_is_a_column_or_a_stated_lag(tmp_path: Path) -> None:
    fields = "lodged_at: D, known_at: {column: K, after: lodged_at, days: 30, assumed: true}"
    found = read(tmp_path, fields, ["N", "D", "K"], ["A", "2024-01-01", "2024-01-05"], ["B", "2024-01-01", ""])
    assert [at.date() for at in found.rows["known_at"].to_pylist()] == [dt.date(2024, 1, 5), dt.date(2024, 1, 31)]


def test_tax_lines_come_of_columns_and_a_blank_one_is_left_out(tmp_path: Path) -> None:
    fields = "lodged_at: D, tax_lines: [{type: T1, rate: R1}, {type: T2, amount: A2}]"
    header = ["N", "D", "T1", "R1", "T2", "A2"]
    found = read(
        tmp_path, fields, header, ["A", "2024-01-01", "duty", "8.5", "", ""], ["B", "2024-01-01", "", "x", "", ""]
    )
    (row,) = found.rows["tax_lines"].to_pylist()
    assert [(one["type"], str(one["rate"]), one["amount"]) for one in row] == [("DUTY", "8.5000", None)]
    assert [(reject.column, reject.value) for reject in found.rejects] == [("R1", "x")]


def test_what_a_cell_holds_never_becomes_sql(tmp_path: Path) -> None:
    hostile = "'); DROP TABLE rejects; --"
    fields = f'lodged_at: D, office: {{column: "{hostile}", translate: {{"{hostile}": "$p0 \'"}}}}'
    found = read(tmp_path, fields, ["N", "D", hostile], ["A", "2024-01-01", hostile])
    assert found.rows["office"].to_pylist() == ["$P0 '"]


def test_a_suggested_mapping_loads_and_reads_the_file_it_was_made_for(tmp_path: Path) -> None:
    path = tmp_path / "Entries 2024.csv"
    header = [
        "Entry number",
        "Line no",
        "Reg. date",
        "Origin Country",
        "HS",
        "Net weight (kg)",
        "CIF value",
        "Secret: x",
    ]
    rows = [
        [f"E{n}", "1", f"{n + 10}/03/2024", "CN", "64031" if n else "640319", "1.5", "100", "#\n- a: ["]
        for n in range(9)
    ]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    text = suggest_mapping(path)
    found = read_declarations(path, parse_mapping(text, file="suggested.yaml"))
    assert (found.accepted, found.rejected) == (9, 0)
    first = found.rows.select(["item_number", "origin", "hs_code", "net_mass"]).to_pylist()[1]
    assert (first["item_number"], first["origin"], first["hs_code"], str(first["net_mass"])) == (
        1,
        "CN",
        "064031",
        "1.500",
    )
    assert found.rows["lodged_at"].to_pylist()[0].date() == dt.date(2024, 3, 10)
    assert "Secret: x" in text.split("# Columns without a field:")[1]


def test_a_file_without_dates_cannot_be_given_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "input.csv"
    path.write_text("declaration number,colour\n1,red\n")
    with pytest.raises(InputError, match="no column was found for lodged_at"):
        suggest_mapping(path)
