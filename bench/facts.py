"""Measures the making of the fact table: a lake of N items over 18 months, statistics and every fact from scratch.

python -m bench.facts [ITEMS] [--keep FOLDER]
"""

import argparse
import json
import resource
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from tidewaiter.core.administration import Administration
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.storage.lake.facts.statistics import update_statistics
from tidewaiter.storage.lake.facts.table import fact_batches
from tidewaiter.storage.lake.lake import Lake

START, DAYS, ITEMS_EACH = date(2024, 7, 1), 546, 2.5

_HEADS = """
    CREATE TEMP TABLE heads AS SELECT i AS n, 'D' || lpad(CAST(i AS VARCHAR), 8, '0') AS declaration_id,
        TIMESTAMPTZ '2024-07-01 06:00:00+00' + to_seconds(CAST(floor(hash(i, 1) % 47174400) AS BIGINT)) AS lodged_at,
        CAST(floor(pow(hash(i, 2) % 100000 / 100000.0, 3) * 20000) AS BIGINT) AS importer,
        CAST(floor(pow(hash(i, 3) % 100000 / 100000.0, 2) * 8000) AS BIGINT) AS exporter,
        hash(i, 4) % 200 AS declarant, hash(i, 5) % 60 AS carrier, hash(i, 6) % 40 AS country, hash(i, 7) % 15 AS office
    FROM range(?) r(i)
"""

_ITEMS = """
    SELECT declaration_id, item AS item_number, lodged_at, 'import' AS flow, 'O' || office AS office,
        '4000' AS requested_procedure, 'B' || declarant AS declarant_code, 'Broker ' || declarant AS declarant_name,
        'I' || importer AS importer_code, 'Importing company ' || importer || ' Ltd.' AS importer_name,
        importer % 9000 || ' Harbour Street' AS importer_address,
        'E' || exporter AS exporter_code, 'Exporter ' || exporter AS exporter_name, 'E' || exporter AS seller_code,
        'Road ' || exporter AS exporter_address, 'C' || carrier AS carrier_code,
        'BL' || n AS previous_document, '1' AS transport_mode, 'P' || (country * 3 + n % 3) AS port_of_loading,
        'XXPRT' AS port_of_discharge, ['CSQU' || (1000000 + n % 9000000)] AS containers,
        lpad(CAST(10000 + hash(importer, item) % 150 * 557 + 100 AS VARCHAR), 6, '0') AS hs_code,
        2022 AS tariff_edition, 'goods of kind ' || hash(importer, item) % 150 || ' sort ' || n % 1000 AS description,
        chr(65 + CAST(country % 26 AS INTEGER)) || 'A' AS origin,
        chr(65 + CAST((country + n % 10 // 9) % 26 AS INTEGER)) || 'A' AS departure,
        CAST(10 + hash(n, item, 1) % 100000 / 10.0 AS DECIMAL(18, 3)) AS net_mass,
        CAST(11 + hash(n, item, 1) % 100000 / 9.5 AS DECIMAL(18, 3)) AS gross_mass,
        CAST(1 + n % 100 AS DECIMAL(18, 3)) AS quantity, 'PCE' AS quantity_unit, 1 + n % 50 AS packages,
        CAST(100 + hash(n, item, 2) % 1000000 / 7.0 AS DECIMAL(18, 3)) AS invoice_value, 'EUR' AS invoice_currency,
        CAST(1.1 AS DECIMAL(18, 8)) AS exchange_rate, CAST(50 AS DECIMAL(18, 3)) AS freight,
        'EUR' AS freight_currency, CASE WHEN n % 5 = 0 THEN 'P1' END AS preference,
        CASE WHEN n % 50 = 0 THEN 'R' || n % 7 END AS relief_code,
        [{'type': 'DUTY', 'base': CAST(100 AS DECIMAL(18, 3)), 'rate': CAST(5 AS DECIMAL(18, 4)),
          'amount': CAST(5 AS DECIMAL(18, 3))}] AS tax_lines,
        version, CASE WHEN version = 2 THEN lodged_at + INTERVAL 3 DAY ELSE lodged_at END AS known_at
    FROM heads, unnest(range(1, 2 + CAST(hash(n, 8) % 4 AS BIGINT))) i(item),
        unnest(CASE WHEN n % 50 = 7 THEN [1, 2] ELSE [1] END) v(version)
    WHERE strftime(lodged_at, '%Y-%m') = ?
"""

_OTHERS = {
    "results": """
        SELECT 'A' || n AS act_id, declaration_id, 'physical' AS act, lodged_at + INTERVAL 2 DAY AS completed_at,
            'final' AS state, CASE WHEN n % 6 = 0 THEN 'found_as_suspected' ELSE 'nothing_found' END AS outcome,
            CASE WHEN n % 6 = 0 THEN ['UNDERVALUATION'] END AS categories, lodged_at + INTERVAL 9 DAY AS known_at
        FROM heads WHERE n % 12 < 1 OR n % 18 = 6""",
    "events": """
        SELECT 'V' || n AS event_id, CASE WHEN n % 97 = 3 THEN 'cancelled' ELSE 'released' END AS kind,
            lodged_at + INTERVAL 1 DAY AS occurred_at, declaration_id FROM heads""",
    "consignments": """
        SELECT 'BL' || n AS consignment_id, 'BL' || n AS house_document, 'M' || n // 5 AS master_document,
            lodged_at - INTERVAL 2 DAY AS filed_at, 'C' || carrier AS carrier_code,
            'P' || (country * 3) AS port_of_loading, 'Importing company ' || importer || ' Ltd.' AS consignee_name,
            'To order' AS notify_name, 'goods of kind ' || n % 150 AS description,
            [{'number': 'CSQU' || (1000000 + n % 9000000), 'status': 'FULL', 'seals': ['S' || n]}] AS containers,
            CAST(5000 AS DECIMAL(18, 3)) AS gross_mass, 50 AS packages, lodged_at - INTERVAL 1 DAY AS eta
        FROM heads""",
    "seizures": """
        SELECT 'Z' || n AS seizure_number, lodged_at + INTERVAL 2 DAY AS seized_at, declaration_id,
            chr(65 + CAST(country % 26 AS INTEGER)) || 'A' AS origin, 'P' || (country * 3) AS port_of_loading
        FROM heads WHERE n % 400 = 0""",
}


def make_lake(folder: Path, items: int) -> Lake:
    """Make a lake of about so many items, the same for the same number."""
    lake = Lake.create(folder, Administration(currency="USD", time_zone="UTC"))
    with duckdb.connect(config={"threads": 2}) as connection, lake.writing() as writer:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(_HEADS, [round(items / ITEMS_EACH)])
        months = connection.execute("SELECT DISTINCT strftime(lodged_at, '%Y-%m') FROM heads ORDER BY 1").fetchall()
        for (month,) in months:
            writer.add("declarations", _arrow(connection, _ITEMS, [month]))
        for table, query in _OTHERS.items():
            writer.add(table, _arrow(connection, query, []))
    return lake


def _arrow(connection: duckdb.DuckDBPyConnection, query: str, marks: list[object]) -> pa.Table:
    return connection.sql(query, params=marks).to_arrow_table()


def measure(lake: Lake) -> dict[str, float]:
    """Return seconds of statistics, facts, and facts again, rows, and the peak memory of the process in MB."""
    catalogue = load_catalogue()
    begun = time.perf_counter()
    update_statistics(lake, catalogue)
    stated = time.perf_counter()
    end = date(START.year + 2, 12, 31)
    rows = sum(batch.num_rows for batch in fact_batches(lake.snapshot(), catalogue, START, end))
    made = time.perf_counter()
    sum(batch.num_rows for batch in fact_batches(lake.snapshot(), catalogue, START, end, only=["hs6", "unit_value"]))
    again = time.perf_counter()
    return {
        "statistics_s": round(stated - begun, 1),
        "facts_s": round(made - stated, 1),
        "again_s": round(again - made, 2),
        "rows": rows,
        "facts": len(catalogue.facts),
        "cpu_s": round(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]), 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    """Make a lake in a folder of its own and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("items", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--keep", type=Path, help="use, or make and keep, the lake of this folder")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.keep or Path(scratch) / "lake"
        lake = Lake.open(folder) if (folder / "manifest.json").exists() else make_lake(folder, chosen.items)
        print(json.dumps(measure(lake)))


if __name__ == "__main__":
    main()
