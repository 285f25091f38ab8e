import re
from pathlib import Path

from tidewaiter.language.mappings import parse_mapping
from tidewaiter.storage.lake.schema_page import schema_page

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def test_the_page_of_the_tables_is_up_to_date() -> None:
    assert (REFERENCE / "schema.md").read_text() == schema_page()


def test_the_mapping_shown_on_its_page_reads() -> None:
    shown = re.search(r"```yaml\n(.*?)```", (REFERENCE / "mappings.md").read_text(), re.DOTALL)
    assert shown is not None
    mapping = parse_mapping(shown[1], file="mappings.md")
    assert [table.table for table in mapping.tables] == ["declarations", "results", "events", "events"]
