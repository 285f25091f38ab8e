"""YAML files from outside: what could harm or mislead is refused with its place."""

from pathlib import Path

import pytest
import yaml

from tidewaiter.core.errors import InputError, Place
from tidewaiter.language import documents
from tidewaiter.language.documents import Entries, Items, Scalar, read_document, read_text


def problems_of(text: str) -> list[str]:
    """Return the problems of a text as `line:column: message`."""
    with pytest.raises(InputError) as caught:
        read_document(text)
    return [f"{problem.place}: {problem.message}" for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\na: 2", "2:1: key 'a' stands twice"),
        ("a: &x 1", "1:4: anchor '&x' is not allowed"),
        ("a: !!python/object:os.system x", "1:4: tag 'tag:yaml.org,2002:python/object:os.system' is not allowed"),
        ("a: !!str 5", "1:4: tag 'tag:yaml.org,2002:str' is not allowed"),
        ("a: 1\n---\nb: 2", "2:1: a second document starts here"),
        ("[a, b]: 1", "1:1: a key must be a single word"),
        ("a: \x07", "1:4: control character U+0007 is not allowed"),
        ("a: " + "[" * 30, "1:24: nested deeper than 20 levels"),
    ],
)
def test_what_could_harm_is_refused(text: str, problem: str) -> None:
    assert problems_of(text)[0] == problem


def test_aliases_are_refused_one_by_one() -> None:
    assert problems_of("a: &x [1]\nb: [*x, *x]") == [
        "1:4: anchor '&x' is not allowed",
        "2:5: alias '*x' is not allowed",
        "2:9: alias '*x' is not allowed",
    ]


@pytest.mark.parametrize("text", ["a: [1,\nb: 2", "a: 'x", "a:\n\t- b", "a: b: c", "- a\nb: c", "a: @x", "{a: b"])
def test_what_is_no_yaml_is_one_problem_with_its_place_and_advice(text: str) -> None:
    with pytest.raises(InputError) as caught:
        read_document(text, "f.yaml")
    (problem,) = caught.value.problems
    assert problem.message.startswith("is not YAML: ")
    assert problem.place.file == "f.yaml"
    assert problem.place.line is not None
    assert problem.suggestion is not None


@pytest.mark.parametrize("loader", [yaml.SafeLoader, documents._LOADER])
def test_values_stay_as_they_are_written(loader: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "_LOADER", loader)
    root = read_document("a: no\nb: 0123\nc: '~'\nd: ~\ne: 2024-01-01\nf: 1_000\ng: [.5, on]\n")
    assert isinstance(root, Entries)
    scalars = [value for _, value in root.pairs if isinstance(value, Scalar)]
    assert [value.text for value in scalars] == ["no", "0123", "~", "~", "2024-01-01", "1_000"]
    assert [value.missing for value in scalars] == [False, False, False, True, False, False]
    last = root.get("g")
    assert isinstance(last, Items)
    assert [str(node.place) for node in last.nodes] == ["7:5", "7:9"]


@pytest.mark.parametrize("text", ["", "# nothing", "---\n", "~", "\n\n"])
def test_an_empty_file_is_an_empty_mapping(text: str) -> None:
    assert read_document(text) == Entries((), Place(None, 1, 1), {})


def test_a_file_in_another_encoding_is_told_where(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes("a: b\nc: Côte".encode("latin-1"))
    with pytest.raises(InputError, match=r"x\.yaml:2:5: byte 0xf4 is not UTF-8 text; save the file as UTF-8"):
        read_text(file)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: b")
    assert read_text(file) == "a: b"


def test_a_huge_file_and_a_folder_are_not_read(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes(b"#" * (documents.MAX_BYTES + 1))
    with pytest.raises(InputError, match="is larger than 5,000,000 bytes"):
        read_text(file)
    with pytest.raises(InputError, match="cannot be read"):
        read_text(tmp_path)
