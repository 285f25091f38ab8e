"""A generated country through the main job: ingest with history statistics, facts, a back-test, an edited profile.

    python -m bench.country [--items 1000000]

Each step runs in a process of its own, so that its peak memory is its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from tidewaiter.core.condition import facts_of
from tidewaiter.core.profile import effective_conditions
from tidewaiter.core.tables import TABLES
from tidewaiter.engines.backtest.open_period import OpenPeriod
from tidewaiter.engines.backtest.report import Period
from tidewaiter.engines.backtest.run import backtest, needed_facts
from tidewaiter.engines.generate.run import generate
from tidewaiter.faces.config import config_of
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.language.mappings import load_mapping
from tidewaiter.language.parse import parse_condition
from tidewaiter.language.profiles import read_profiles
from tidewaiter.storage.lake.facts.statistics import update_statistics
from tidewaiter.storage.lake.facts.table import fact_batches
from tidewaiter.storage.lake.ingest.run import ingest_file
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.lake.outcomes import outcomes

START, END = date(2024, 7, 1), date(2025, 12, 31)
STARTER = Path(__file__).parents[1] / "src" / "tidewaiter" / "starter"
EDITS = 20
EDIT = "unit_value < 0.{} * unit_value_p25 AND unit_value_peers >= 30 AND hs_chapter >= {}"

type Figures = dict[str, float]


def declarations(folder: Path) -> Figures:
    """Ingest the declarations and build the history statistics, as `tidewaiter ingest` does."""
    began = time.perf_counter()
    ingested = _ingest(folder, "declarations")
    stated = time.perf_counter()
    update_statistics(Lake.open(folder / "lake"), load_catalogue())
    return {"rows": ingested, "ingest_s": stated - began, "statistics_s": time.perf_counter() - stated}


def others(folder: Path) -> Figures:
    """Ingest the five other tables and bring the statistics up to date."""
    began = time.perf_counter()
    rows = sum(_ingest(folder, name) for name in TABLES if name != "declarations")
    update_statistics(Lake.open(folder / "lake"), load_catalogue())
    return {"rows": rows, "wall_s": time.perf_counter() - began}


def _ingest(folder: Path, name: str) -> int:
    administration = config_of(folder / "tidewaiter.toml").administration
    done = ingest_file(
        folder / "lake",
        folder / f"{name}.parquet",
        load_mapping(name),
        loaded_at=datetime.now(UTC),
        administration=administration,
    )
    if done.accepted != done.read:
        raise SystemExit(f"{name}: {done.rejected} rows rejected")
    return done.read


def facts(folder: Path) -> Figures:
    """Make every fact of every item, history included."""
    began = time.perf_counter()
    snapshot = Lake.open(folder / "lake").snapshot()
    rows = sum(batch.num_rows for batch in fact_batches(snapshot, load_catalogue(), START, END))
    return {"rows": rows, "facts": len(load_catalogue().facts), "wall_s": time.perf_counter() - began}


def tested(folder: Path) -> Figures:
    """Back-test the starter pack over the whole period, facts made before."""
    began = time.perf_counter()
    catalogue = load_catalogue()
    conditions = effective_conditions(read_profiles([STARTER], catalogue), catalogue, END)
    snapshot = Lake.open(folder / "lake").snapshot()
    batches = fact_batches(snapshot, catalogue, START, END, only=needed_facts(conditions))
    report = backtest(batches, outcomes(snapshot, START, END), conditions, period=Period(START, END))
    return {"rows": report.items, "profiles": len(report.profiles), "wall_s": time.perf_counter() - began}


def edited(folder: Path) -> Figures:
    """Open the period once; then answer one edited profile again and again, the whole report each time."""
    began = time.perf_counter()
    catalogue = load_catalogue()
    conditions = effective_conditions(read_profiles([STARTER], catalogue), catalogue, END)
    snapshot = Lake.open(folder / "lake").snapshot()
    edits = {f"EDIT {number}": parse_condition(EDIT.format(30 + number, number), catalogue) for number in range(EDITS)}
    asked = {fact for condition in (*conditions.values(), *edits.values()) for fact in facts_of(condition)}
    names = {*needed_facts(conditions), *(fact.name for fact in asked)}
    batches = fact_batches(snapshot, catalogue, START, END, only=names)
    period = Period(START, END)
    opened = OpenPeriod(batches, outcomes(snapshot, START, END), asked, conditions, period=period)
    ready, times = time.perf_counter(), []
    for condition in edits.values():
        start = time.perf_counter()
        opened.edited("EDITED", condition)
        times.append(1000 * (time.perf_counter() - start))
    return {"open_s": ready - began, "median_ms": sorted(times)[EDITS // 2], "slowest_ms": max(times)}


PARTS: dict[str, Callable[[Path], Figures]] = {
    "declarations": declarations,
    "others": others,
    "facts": facts,
    "tested": tested,
    "edited": edited,
}


def apart(part: str, folder: Path) -> Figures:
    """Return a part's figures, measured in a process of its own, with its processor seconds and peak memory."""
    print(f"  {part} ...", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "bench.country", "--part", part, "--folder", str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    print(f"  {done.stdout.strip()}", file=sys.stderr, flush=True)
    figures: Figures = json.loads(done.stdout)
    return figures


def markdown(items: int, found: dict[str, Figures]) -> str:
    """Return the figures as a table."""
    load = found["declarations"]
    seconds = load["ingest_s"] + load["statistics_s"]
    rows = [
        ("ingest of declarations with history statistics", f"{seconds:.1f} s", load, "under 90 s and 2 GB"),
        (
            f"ingest of {found['others']['rows']:,.0f} rows of the other tables",
            _wall(found["others"]),
            found["others"],
            "",
        ),
        (f"all {found['facts']['facts']:.0f} facts of all items", _wall(found["facts"]), found["facts"], ""),
        (f"back-test of {found['tested']['profiles']:.0f} profiles", _wall(found["tested"]), found["tested"], ""),
        ("one edited profile, whole report", f"{found['edited']['median_ms']:.0f} ms", found["edited"], "under 300 ms"),
    ]
    lines = ["| step | wall | CPU s | peak MB | asked |", "|---|---:|---:|---:|---|"]
    lines += [
        f"| {step} | {wall} | {part['cpu_s']:.1f} | {part['peak_mb']:.0f} | {asked} |"
        for step, wall, part, asked in rows
    ]
    return "\n".join([f"{load['rows']:,.0f} rows of declarations ({items:,} items and their amendments).", "", *lines])


def _wall(figures: Figures) -> str:
    return f"{figures['wall_s']:.1f} s"


def main() -> None:
    """Measure every part on one generated country and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part:
        figures = PARTS[asked.part](asked.folder)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        figures |= {"cpu_s": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1024}
        print(json.dumps(figures))
        return
    with tempfile.TemporaryDirectory() as folder:
        generate(asked.items, 1, Path(folder))
        print(markdown(asked.items, {part: apart(part, Path(folder)) for part in PARTS}))


if __name__ == "__main__":
    main()
