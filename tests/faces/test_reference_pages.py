"""Pages written from the code are those that stand in docs/reference; every command and route is on one."""

from pathlib import Path

import pytest
from tools.service_pages import pages

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", ["rights.md", "routes.md", "commands.md"])
def test_a_page_stands_as_the_code_writes_it(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == pages()[name]


def test_no_route_is_open_to_nobody() -> None:
    rows = [line for line in pages()["routes.md"].splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert not [row for row in rows if row.endswith("|  |")]
