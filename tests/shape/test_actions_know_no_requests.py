"""What import-linter can't say: which parts of Django stay with the faces (it sees another package only as a whole)."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "tidewaiter"
OF_FACES = ("django.http", "django.shortcuts", "django.urls", "django.views", "django.template", "django.test")
FILES = [file for folder in ("actions", "storage/records") for file in sorted((SOURCE / folder).rglob("*.py"))]


def named_in(file: Path) -> set[str]:
    """Return the dotted name of everything a file imports, also inside functions."""
    named: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named |= {f"{node.module}.{alias.name}" for alias in node.names}
    return named


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_requests_and_answers_stay_with_the_faces(file: Path) -> None:
    assert [
        name for name in sorted(named_in(file)) if f"{name}.".startswith(tuple(f"{part}." for part in OF_FACES))
    ] == []
