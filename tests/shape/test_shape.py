"""The house rules that can be counted: sizes, names, docstrings, and what core may import."""

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "tidewaiter"
FILES = sorted(SOURCE.rglob("*.py"))
TO_READ = [file for file in FILES if "migrations" not in file.parts]
"""Migrations are written by Django, and read one operation at a time."""
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Walk every function of a file."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of lines of a function, its docstring left out."""
    body = function.body
    documented = ast.get_docstring(function) is not None
    first = body[1].lineno if documented and len(body) > 1 else function.lineno
    return (function.end_lineno or first) - first + 1


@pytest.mark.parametrize("file", TO_READ, ids=lambda file: str(file.relative_to(SOURCE)))
def test_a_file_stays_small_enough_to_read(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= 400


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_no_function_is_over_fifty_lines(file: Path) -> None:
    assert {f.name: length(f) for f in functions(file) if length(f) > 50} == {}


def test_nine_functions_in_ten_are_within_twenty_five_lines() -> None:
    lengths = sorted(length(function) for file in FILES for function in functions(file))
    assert lengths[int(len(lengths) * 0.9)] <= 25


NAMED_BY_DJANGO = SOURCE / "storage" / "records" / "sqlite" / "base.py"
"""Django looks for the class of a database backend in a module of this name."""


@pytest.mark.parametrize(
    "file", [file for file in FILES if file != NAMED_BY_DJANGO], ids=lambda file: str(file.relative_to(SOURCE))
)
def test_modules_are_named_for_what_they_hold(file: Path) -> None:
    assert FORBIDDEN_NAMES.isdisjoint({file.stem, *file.parent.relative_to(SOURCE).parts})


@pytest.mark.parametrize("file", sorted((SOURCE / "core").rglob("*.py")), ids=lambda file: file.stem)
def test_core_imports_nothing_outside_the_standard_library(file: Path) -> None:
    imported: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert imported - {"tidewaiter"} <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("file", sorted((SOURCE / "core").rglob("*.py")), ids=lambda file: file.stem)
def test_core_asks_neither_clock_nor_chance(file: Path) -> None:
    text = file.read_text()
    assert not any(word in text for word in ("datetime.now", "date.today", "time.time", "import random", "import os"))


def module_of(file: Path) -> str:
    """Return the dotted name of a file of ours; a package stands for its `__init__`."""
    parts = file.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_by(file: Path, modules: set[str]) -> set[str]:
    """Return the modules of ours that a file imports, also inside functions, and the packages they stand in."""
    named: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return named & modules - {module_of(file)}


def test_no_modules_import_each_other_in_a_ring() -> None:
    modules = {module_of(file) for file in FILES}
    TopologicalSorter({module_of(file): imported_by(file, modules) for file in FILES}).prepare()
