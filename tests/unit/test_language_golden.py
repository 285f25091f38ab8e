"""Conditions as analysts write them, beside every reading of them, in plain files."""

from pathlib import Path

import duckdb
import pytest
from tests.strategies import arrow_rows, small_catalogue

from tidewaiter.core.condition import InList, Use, walk
from tidewaiter.core.errors import InputError
from tidewaiter.language.parse import parse_condition
from tidewaiter.language.phrases import words
from tidewaiter.language.sql import RESERVED_BY_DUCKDB, sql_text
from tidewaiter.language.text import text

CATALOGUE = small_catalogue()
BLOCKS = [
    {line[0]: line[2:] for line in block.splitlines() if not line.startswith("#")}
    for block in (Path(__file__).parents[1] / "golden" / "conditions" / "cases.txt").read_text().split("\n\n")
    if "\n=" in block or "\n!" in block
]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block[">"][:40])
def test_a_condition_reads_as_the_file_says(block: dict[str, str]) -> None:
    found = {">": block[">"]}
    try:
        condition = parse_condition(block[">"], CATALOGUE, indicators={"new_importer", "odd_route"}, lists={"watched"})
        found |= {"=": text(condition), '"': words(condition)}
        if not any(isinstance(node, Use | InList) for node in walk(condition)):
            found["$"] = sql_text(condition)
    except InputError as error:
        found["!"] = str(error.problems[0]).partition(": ")[2]
    assert found == block


@pytest.mark.parametrize("sql", [block["$"] for block in BLOCKS if "$" in block])
def test_duckdb_takes_every_text(sql: str) -> None:
    with duckdb.connect() as connection:
        connection.register("facts", arrow_rows(CATALOGUE, [{}]))
        assert len(connection.execute(f"SELECT {sql} FROM facts").fetchall()) == 1


def test_every_reserved_word_of_duckdb_is_quoted() -> None:
    with duckdb.connect() as connection:
        asked = "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'"
        assert {name for (name,) in connection.execute(asked).fetchall()} <= RESERVED_BY_DUCKDB
