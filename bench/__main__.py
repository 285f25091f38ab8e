"""Runs every measurement, one after another, and writes docs/reference/benchmarks.md: `python -m bench`."""

import argparse
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "benchmarks.md"
NOTES = Path(__file__).with_name("notes.md")
CAVEAT = """Figures of a shared machine vary; ratios are of one run, the contenders one after another on the same files,
two threads each, hits compared.
"""
PARTS = {
    "The engine beside DuckDB and Polars": ["bench.engine"],
    "The main job on a generated country": ["bench.country"],
    "Ingest with every field filled": ["bench.ingest"],
    "The generator": ["bench.generate"],
    "The service under load": ["bench.service"],
    "The check of a day's draw": ["bench.draw_check"],
}


def machine() -> str:
    """Return what the figures were measured on."""
    memory = psutil.virtual_memory().total / 1024**3
    libraries = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "polars", "pyarrow", "numpy"))
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GB, {platform.system()}, "
        f"Python {platform.python_version()}, {libraries}"
    )


def section(title: str, words: list[str]) -> str:
    """Run one measurement and return its part of the page."""
    print(f"{title} ...", file=sys.stderr, flush=True)
    command = ["python", "-m", *words]
    done = subprocess.run([sys.executable, *command[1:]], check=True, stdout=subprocess.PIPE, text=True)
    return f"## {title}\n\n`{' '.join(command)}`\n\n{done.stdout.strip()}\n"


def main() -> None:
    """Measure all parts; the page is replaced only when all have run at full size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=[words[0] for words in PARTS.values()], help="run one part and print it")
    asked = parser.parse_args()
    chosen = {title: words for title, words in PARTS.items() if asked.only in (None, words[0])}
    sections = [section(title, words) for title, words in chosen.items()]
    if asked.only:
        print("\n".join(sections))
        return
    today = datetime.now(UTC).date()
    head = f"# Benchmarks\n\nMeasured by `make bench` on {today}: {machine()}.\n{CAVEAT}"
    PAGE.write_text("\n".join([head, *sections, NOTES.read_text(encoding="utf-8")]), encoding="utf-8")
    print(f"written to {PAGE}")


if __name__ == "__main__":
    main()
