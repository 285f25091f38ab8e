"""Time and memory of loading a made-up year of declarations, every field filled, as CSV and as Parquet.

    python bench/ingest.py [--items 1000000]

Each load runs in a process of its own: into an empty lake, then the same file again (all versions compared).
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from tidewaiter.core.tables import DECLARATIONS, Field, FieldType
from tidewaiter.storage.lake.ingest.run import ingest_file
from tidewaiter.storage.lake.schema import quoted

GIVEN = {
    "declaration_id": "'D' || lpad(CAST(n // 3 AS VARCHAR), 9, '0')",
    "item_number": "n % 3 + 1",
    "lodged_at": "TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_seconds((n // 3) * 3 * 31000000 // $items)",
    "flow": "'import'",
    "hs_code": "lpad(CAST(10000 + hash(n) % 969999 AS VARCHAR), 6, '0')",
    "tariff_edition": "2022",
    "description": "'goods of kind ' || hash(n) % 5000 || ', in cartons'",
    "containers": "['MSCU' || lpad(CAST(hash(n // 3) % 9999999 AS VARCHAR), 7, '0')]",
    "tax_lines": "[{'type': 'DUTY', 'base': (hash(n) % 900000)::DECIMAL(18, 3), 'rate': 8::DECIMAL(18, 4), "
    "'amount': (hash(n) % 70000)::DECIMAL(18, 3)}]",
}


def made_up(field: Field) -> str:
    """Return an expression for the field in row `n`."""
    if field.name in GIVEN:
        return GIVEN[field.name]
    spread = f"hash(n + {len(field.name)})"
    match field.type:
        case FieldType.DECIMAL:
            return f"({spread} % 9000000 / 100)::DECIMAL(18, {field.scale})"
        case FieldType.INTEGER:
            return f"{spread} % 400"
        case FieldType.CODES:
            return "CASE WHEN n % 9 = 0 THEN ['L1', 'L2'] END"
        case _:
            return f"'{field.name[:4]}' || {spread} % 20000"


def write_file(path: Path, items: int) -> None:
    """Write the declarations as CSV or Parquet, by the path's ending."""
    text = path.suffix == ".csv"
    written = {
        FieldType.CODES: "array_to_string({}, '|')",
        FieldType.RECORDS: "CAST(to_json({}) AS VARCHAR)",
    }
    columns = ", ".join(
        f"{(written.get(field.type, '{}') if text else '{}').format(made_up(field))} AS {quoted(field.name)}"
        for field in DECLARATIONS.fields
    ).replace("$items", str(items))
    form = "FORMAT csv, HEADER" if text else "FORMAT parquet"
    with duckdb.connect(config={"threads": 2, "memory_limit": "1GB"}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"COPY (SELECT {columns} FROM range({items}) t(n)) TO '{path}' ({form})")


def load(lake: Path, file: Path) -> None:
    """Load the file and print what it took."""
    begun, cpu = time.perf_counter(), time.process_time()
    report = ingest_file(lake, file)
    taken, cpu = time.perf_counter() - begun, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{file.suffix[1:]:8} read {report.read:,} accepted {report.accepted:,} unchanged {report.unchanged:,}: "
        f"{taken:.1f} s, {cpu:.1f} CPU s, peak {peak:.2f} GB",
        flush=True,
    )


def main() -> None:
    """Run the loads one after the other."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--items", type=int, default=1_000_000)
    arguments.add_argument("--load", nargs=2, type=Path, metavar=("LAKE", "FILE"))
    given = arguments.parse_args()
    if given.load:
        load(*given.load)
        return
    with tempfile.TemporaryDirectory() as name:
        for kind in ("csv", "parquet"):
            file = Path(name) / f"declarations.{kind}"
            write_file(file, given.items)
            for _ in range(2):
                subprocess.run([sys.executable, __file__, "--load", str(Path(name) / kind), str(file)], check=True)


if __name__ == "__main__":
    main()
