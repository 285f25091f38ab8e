"""What comes in as JSON is read as ingest reads the same from a file, or refused with every problem and its place."""

import json
import tempfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api_world import a_declaration

from tidewaiter.core.administration import Administration
from tidewaiter.core.errors import InputError
from tidewaiter.core.mapping import FileMapping, Source, TableMapping
from tidewaiter.core.tables import DECLARATIONS, Field, FieldType
from tidewaiter.faces.api.documents import TOP_ONLY, Documents
from tidewaiter.faces.api.json_reading import read_json
from tidewaiter.faces.api.spelling import longest
from tidewaiter.storage.lake.ingest.reading import read_declarations

ZONE = "Europe/Berlin"
DOCUMENTS = Documents(ZONE)

BLANKS = st.sampled_from(
    ["", " ", " \ufeff \u00a0\ufeff", "\ufeff ", "  ", "\t", "\n", "\u00a0", "\u2003", "\x1c", "\ufeff"]
)
LETTERS = st.characters(exclude_categories=("Cs", "Cn", "Cc")) | st.sampled_from("ßŉǰΐﬁᾳåÅ\u0301\u0308\x1d\t\n")
ODD_TEXT = st.tuples(BLANKS, st.text(LETTERS, max_size=12), BLANKS).map("".join)
PLAIN_TEXT = st.text("abcXYZ 019-/|;ßé", min_size=1, max_size=8)


def texts(field: Field) -> st.SearchStrategy[str]:
    return (ODD_TEXT | PLAIN_TEXT).filter(lambda text: len(text) <= longest(field))


def numbers(field: Field) -> st.SearchStrategy[int | Decimal | str]:
    top = Decimal(10) ** (18 - field.scale) - Decimal(1).scaleb(-field.scale)
    exact = st.decimals(-top, top, places=field.scale) | st.decimals(-100, 100, places=field.scale)
    spelled = exact.map(lambda number: f" {number:+f} ") | st.sampled_from(
        ["1e3", "5.", ".5", "12.50", "-0", "007", ""]
    )
    return exact | st.integers(-(10**9), 10**9) | spelled


def moments() -> st.SearchStrategy[str]:
    times = st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)) | st.sampled_from(  # noqa: DTZ001  # local clocks
        [datetime(2025, 10, 26, 2, 30), datetime(2025, 3, 30, 2, 30), datetime(2024, 2, 29)]  # noqa: DTZ001
    )
    shapes = (
        lambda moment: moment.isoformat(),
        lambda moment: moment.isoformat(" ", "minutes"),
        lambda moment: moment.date().isoformat(),
        lambda moment: moment.isoformat(timespec="milliseconds") + "Z",
        lambda moment: moment.isoformat(timespec="seconds") + "+05:30",
        lambda moment: moment.isoformat(timespec="seconds") + "-1200",
    )
    return st.builds(lambda moment, shape: shape(moment), times, st.sampled_from(shapes))


def records(field: Field) -> st.SearchStrategy[list[dict[str, Any]]]:
    parts = {
        part.name: PLAIN_TEXT.map(str.upper) if part.type is FieldType.CODE else numbers(part) for part in field.fields
    }
    kept = st.fixed_dictionaries({}, optional=parts).filter(
        lambda entry: any(str(part).strip() for part in entry.values())
    )
    return st.lists(kept, max_size=3)


def spelled(field: Field) -> st.SearchStrategy[Any]:
    """Return values as a client might write them, all of which both ways of reading take."""
    if field.values:
        return st.sampled_from(field.values).map(lambda word: f" {word.upper()} ")
    match field.type:
        case FieldType.INTEGER:
            return st.integers(1 - 10**18, 10**18 - 1) | st.sampled_from([" 12 ", "+7", "3.0", "", Decimal("12.0")])
        case FieldType.DECIMAL:
            return numbers(field)
        case FieldType.INSTANT:
            return moments()
        case FieldType.CODES:
            return st.lists(texts(field), max_size=4)
        case FieldType.RECORDS:
            return records(field)
        case _:
            return texts(field)


TOP = {field.name: spelled(field) for field in DECLARATIONS.fields if field.name in ("lodged_at", "flow")}
ANY = {
    field.name: st.none() | spelled(field)
    for field in DECLARATIONS.fields
    if field.name not in (*TOP_ONLY, "item_number")
}
ITEMS = st.lists(st.fixed_dictionaries({}, optional=ANY), min_size=1, max_size=3)
DECLARED = st.builds(
    lambda top, office, shared, items: {**shared, **office, **top, "items": items},
    st.fixed_dictionaries(TOP),
    st.fixed_dictionaries({}, optional={"office": texts(DECLARATIONS.field("office"))}),
    st.fixed_dictionaries({}, optional=ANY),
    ITEMS,
)


def file_of(documents: list[dict[str, Any]], folder: Path) -> Path:
    """Write the same declarations as a file: a row an item, all text but lists."""
    rows = []
    for document in documents:
        top = {name: value for name, value in document.items() if name != "items"}
        for item in document["items"]:
            given = {name: value for name, value in item.items() if not empty(DECLARATIONS.field(name), value)}
            rows.append({name: cell(DECLARATIONS.field(name), value) for name, value in {**top, **given}.items()})
    columns = {
        field.name: pa.array(
            [row.get(field.name) for row in rows],
            pa.list_(pa.string()) if field.type is FieldType.CODES else pa.string(),
        )
        for field in DECLARATIONS.fields
    }
    path = folder / "declarations.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def empty(field: Field, value: Any) -> bool:
    """Tell whether an item gives nothing of its own: then what stands at the top holds."""
    one = Documents("UTC")._item[field.name]
    return value is None or one(value) is None


def cell(field: Field, value: Any) -> Any:
    match value:
        case None:
            return None
        case list() if field.type is FieldType.CODES:
            return value
        case list():
            return json.dumps(
                [{name: str(part) for name, part in entry.items()} for entry in value], ensure_ascii=False
            )
        case Decimal():
            return format(value, "f")
        case _:
            return str(value)


MAPPING = FileMapping(
    name="as named",
    tables=(
        TableMapping(
            table="declarations", fields={field.name: Source(columns=(field.name,)) for field in DECLARATIONS.fields}
        ),
    ),
    administration=Administration(time_zone=ZONE),
)


def ingested(documents: list[dict[str, Any]]) -> dict[tuple[str, int], dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        read = read_declarations(file_of(documents, Path(folder)), MAPPING)
    assert read.rejected == 0, read.rejects
    names = [field.name for field in DECLARATIONS.fields]
    rows = read.rows.select(names).to_pylist()
    return {(row["declaration_id"], row["item_number"]): row for row in rows}


@pytest.mark.slow
@settings(max_examples=10)
@given(documents=st.lists(DECLARED, min_size=4, max_size=12))
def test_json_is_read_as_ingest_reads_a_file(documents: list[dict[str, Any]]) -> None:
    for number, document in enumerate(documents):
        document["declaration_id"] = f" D{number}é "
        for place, item in enumerate(document["items"]):
            item["item_number"] = place + 1
    expected = ingested(documents)
    read = [row for document in documents for row in DOCUMENTS.declaration(document).rows]
    assert {(row["declaration_id"], row["item_number"]): row for row in read} == expected


def test_a_number_keeps_every_digit_it_was_written_with() -> None:
    body = json.dumps(a_declaration()).replace("12345.67", "123456789012345.120")
    (row,) = DOCUMENTS.declaration(read_json(body.encode())).rows
    assert row["invoice_value"] == Decimal("123456789012345.120")
    assert str(row["invoice_value"]) == "123456789012345.120"


def exact(document: Any) -> Any:
    """Return a document as it is read from JSON: numbers with a point are decimals."""
    match document:
        case float():
            return Decimal(str(document))
        case dict():
            return {name: exact(part) for name, part in document.items()}
        case list():
            return [exact(part) for part in document]
        case _:
            return document


def problems(document: object) -> dict[str, str]:
    with pytest.raises(InputError) as refused:
        DOCUMENTS.declaration(exact(document))
    return {str(problem.place): str(problem) for problem in refused.value.problems}


def test_every_problem_is_told_at_once_with_its_place_and_what_was_meant() -> None:
    document = a_declaration(3, lodged_at="yesterday", flow="imports", importr_code="I1")
    document["items"][1] |= {"hs_cod": "64", "net_mass": "1.2345", "item_number": 1, "office": "OTHER"}
    document["items"][2] |= {"hs_code": 640399, "containers": ["A", 5], "tax_lines": [{"bas": 1}]}
    found = problems(document)
    assert found.keys() == {
        "lodged_at",
        "flow",
        "importr_code",
        "items[1].hs_cod",
        "items[1].net_mass",
        "items[1].item_number",
        "items[1].office",
        "items[2].hs_code",
        "items[2].containers[1]",
        "items[2].tax_lines[0].bas",
    }
    assert "did you mean 'importer_code'?" in found["importr_code"]
    assert "did you mean 'hs_code'?" in found["items[1].hs_cod"]
    assert "did you mean 'import'?" in found["flow"]
    assert '"640399"' in found["items[2].hs_code"]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"items": []}, "items"),
        ({"items": None}, "items"),
        ({"items": [{"item_number": number + 1} for number in range(1000)]}, "items"),
        ({"items": ["x"]}, "items[0]"),
        ({"items": [{}]}, "items[0].item_number"),
        ({"items": [{"item_number": 0}]}, "items[0].item_number"),
        ({"version": 0}, "version"),
        ({"version": 2**40}, "version"),
        ({"version": True}, "version"),
        ({"declaration_id": " "}, "declaration_id"),
        ({"declaration_id": "x" * 201}, "declaration_id"),
        ({"declaration_id": 5}, "declaration_id"),
        ({"item_number": 1}, "item_number"),
        ({"lodged_at": "2026-03-02T10:00:00.1234567Z"}, "lodged_at"),
        ({"lodged_at": "9999-12-31T23:59:59-12:00"}, "lodged_at"),
        ({"lodged_at": "0001-01-01"}, "lodged_at"),
        ({"importer_name": "a\x00b"}, "importer_name"),
        ({"importer_name": "a\ud800"}, "importer_name"),
        ({"net_mass": Decimal("1e400")}, "net_mass"),
        ({"net_mass": Decimal(1000000000000000)}, "net_mass"),
        ({"net_mass": "1.0005"}, "net_mass"),
        ({"net_mass": "NaN"}, "net_mass"),
        ({"net_mass": True}, "net_mass"),
        ({"packages": Decimal("1.5")}, "packages"),
        ({"packages": Decimal("1e999999")}, "packages"),
        ({"packages": 10**18}, "packages"),
        ({"tax_lines": {"base": 1}}, "tax_lines"),
        ({"tax_lines": [[]]}, "tax_lines[0]"),
        ({"containers": {"a": 1}}, "containers"),
        ({"containers": ["A"] * 501}, "containers"),
    ],
)
def test_what_cannot_be_read_is_refused_where_it_stands(change: dict[str, Any], place: str) -> None:
    assert list(problems(a_declaration() | change)) == [place]


def test_a_field_at_the_top_holds_for_items_that_do_not_give_their_own() -> None:
    document = a_declaration(2, origin="CN")
    document["items"][0]["origin"] = None
    document["items"][1]["origin"] = "vn"
    assert [row["origin"] for row in DOCUMENTS.declaration(exact(document)).rows] == ["CN", "VN"]


def test_items_come_in_the_order_of_their_numbers() -> None:
    document = a_declaration(3)
    document["items"].reverse()
    assert [row["item_number"] for row in DOCUMENTS.declaration(exact(document)).rows] == [1, 2, 3]


def test_thousands_of_problems_are_counted_not_listed() -> None:
    document = a_declaration() | {f"unknown_{number}": 1 for number in range(5000)}
    found = problems(document)
    assert len(found) <= 201
    assert "4,800 problems more" in "".join(found.values())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nul",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": 1e' + b"9" * 30 + b"}",
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b'"\xed\xa0\x80"',
        b'"a\nb"',
        "{}".encode("utf-16"),
    ],
)
def test_what_is_not_strict_json_is_refused(body: bytes) -> None:
    with pytest.raises(InputError):
        read_json(body)


def test_an_event_without_a_number_has_one_made_of_what_it_says() -> None:
    event = {"kind": "released", "occurred_at": "1970-01-02T00:00:00Z", "declaration_id": "A"}
    assert DOCUMENTS.event(event)["event_id"] == "released/86400000/A"
    assert DOCUMENTS.event(event)["occurred_at"] == datetime(1970, 1, 2, tzinfo=UTC)


def test_an_event_says_what_it_happened_to() -> None:
    with pytest.raises(InputError, match="declaration_id or document"):
        DOCUMENTS.event({"kind": "released", "occurred_at": "2026-03-02T10:00:00Z"})


def test_a_consignment_bears_the_number_of_its_document() -> None:
    filed = DOCUMENTS.consignment({"master_document": "m1", "filed_at": "2026-03-02", "version": 2})
    assert (filed.row["consignment_id"], filed.version) == ("M1", 2)
    assert filed.row["filed_at"] == datetime(2026, 3, 1, 23, tzinfo=UTC)
    with pytest.raises(InputError, match="house_document or master_document"):
        DOCUMENTS.consignment({"filed_at": "2026-03-02"})
