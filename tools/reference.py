"""Writes the generated reference pages again: `python -m tools.reference`. Tests hold them up to date."""

import subprocess
import sys
from pathlib import Path

from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.storage.lake.facts.page import facts_page
from tidewaiter.storage.lake.schema_page import schema_page
from tools.service_pages import pages

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"


def main() -> None:
    """Write schema.md, facts.md, starter-pack.md and the pages of the service."""
    (REFERENCE / "schema.md").write_text(schema_page(), encoding="utf-8")
    (REFERENCE / "facts.md").write_text(facts_page(load_catalogue()), encoding="utf-8")
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
    subprocess.run([sys.executable, str(ROOT / "tests" / "unit" / "test_starter.py")], check=True)


if __name__ == "__main__":
    main()
