import json
from pathlib import Path

import duckdb
import pytest

from tidewaiter.engines.generate.run import generate
from tidewaiter.engines.integrity.clean import clean_pairs
from tidewaiter.engines.integrity.cleared import Clearance, with_observed_rosters
from tidewaiter.engines.integrity.frequent import frequent_pairs

CLEARED = """
    SELECT declaration_id, any_value(declarant_code), any_value(office), any_value(officer),
        CAST(min(completed_at) AS DATE), bool_or(outcome LIKE 'found%')
    FROM (SELECT * FROM results WHERE state = 'final' AND outcome <> 'not_inspected'
          QUALIFY row_number() OVER (PARTITION BY act_id ORDER BY version DESC) = 1) AS results
    JOIN (SELECT * FROM declarations WHERE version = 1 AND item_number = 1) AS declarations USING (declaration_id)
    WHERE officer IS NOT NULL AND declarant_code IS NOT NULL
    GROUP BY declaration_id ORDER BY declaration_id
"""


def cleared(folder: Path) -> list[Clearance]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name in ("declarations", "results"):
            connection.read_parquet(str(folder / f"{name}.parquet")).create_view(name)
        rows = connection.execute(CLEARED).fetchall()
    return [
        Clearance(
            declaration_id=number, declarant=declarant, office=office, officer=officer, cleared_on=on, found=found
        )
        for number, declarant, office, officer, on, found in rows
    ]


def broker_of(folder: Path, importers: list[str]) -> str:
    """Return the declarant who lodged most for these importers."""
    with duckdb.connect() as connection:
        lodged = connection.read_parquet(str(folder / "declarations.parquet"))
        marks = ", ".join("?" for _ in importers)
        query = f"SELECT mode(declarant_code) FROM lodged WHERE importer_code IN ({marks})"
        assert lodged.columns
        ((broker,),) = connection.execute(query, importers).fetchall()
        return str(broker)


@pytest.mark.slow
def test_the_collusion_planted_in_generated_trade_is_found_and_nothing_else(tmp_path: Path) -> None:
    made = generate(60_000, 12, tmp_path)
    schemes = json.loads((made.out / "schemes.json").read_text())["schemes"]
    planted = {
        (scheme["officer"], broker_of(made.out, [member["importer_code"] for member in scheme["members"]]))
        for scheme in schemes
        if scheme["officer"]
    }
    period = with_observed_rosters(cleared(made.out))
    assert {(one.officer, one.party) for one in frequent_pairs(period).findings} == planted
    assert {(one.officer, one.party) for one in clean_pairs(period).findings} <= planted
