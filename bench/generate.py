"""Time and memory of generating a fictional country's trade.

    python -m bench.generate [--items 1000000]

Each size runs in a process of its own; a fifth of the items first, so that memory can be seen to stay flat.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tidewaiter.engines.generate.run import generate

LIMIT_SECONDS = 180
LIMIT_GB = 3.0


def measured(items: int, folder: Path) -> dict[str, Any]:
    """Generate into the folder and return what it took in this process."""
    began, cpu = time.perf_counter(), time.process_time()
    made = generate(items, 1, folder)
    return {
        "items": items,
        "declarations": made.declarations,
        "rows": sum(made.rows.values()),
        "wall_s": round(time.perf_counter() - began, 1),
        "cpu_s": round(time.process_time() - cpu, 1),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2, 2),
        "megabytes": round(sum(file.stat().st_size for file in folder.iterdir()) / 1e6),
    }


def in_a_process_of_its_own(items: int) -> dict[str, Any]:
    """Return the measurement of one size."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bench.generate", "--items", str(items), "--into", folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    taken: dict[str, Any] = json.loads(done.stdout)
    return taken


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--into", type=Path)
    asked = parser.parse_args()
    if asked.into:
        print(json.dumps(measured(asked.items, asked.into)))
        return
    print(f"Generator, {os.cpu_count()} cores; asked for: 1,000,000 items under {LIMIT_SECONDS} s and {LIMIT_GB} GB\n")
    print("| items | declarations | rows in all files | wall s | CPU s | peak GB | MB written |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for items in (asked.items // 5, asked.items):
        print("| " + " | ".join(f"{value:,}" for value in in_a_process_of_its_own(items).values()) + " |", flush=True)


if __name__ == "__main__":
    main()
