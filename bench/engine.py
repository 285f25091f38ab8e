"""The engine measured side by side with DuckDB (one WHERE per profile) and Polars (all expressions in one select).

`python -m bench.engine` prints a Markdown fragment and writes the figures as JSON; each contender runs in a process of
its own, with two threads, from the same Parquet file. `--table F` asks another fact table.
"""

import argparse
import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.fact_table import facts_in, write_facts
from bench.profiles import generated_profiles
from tidewaiter.core.condition import Condition
from tidewaiter.core.facts import Fact, FactType, FactValue
from tidewaiter.engines.matching.bitmaps import Hits, hits, scan
from tidewaiter.engines.matching.compile import compile_set
from tidewaiter.engines.matching.encode import BLOCK_ROWS, HELD_THREADS, Block, FlagColumn, TextColumn, encode
from tidewaiter.engines.matching.live import publish
from tidewaiter.engines.matching.overlap import Overlap

SEED = 1
LIVE_PROFILES = 5_000
LIVE_ROWS = 20_000
EDITS = 40

type Figures = dict[str, Any]


def batches(path: Path, facts: tuple[Fact, ...]) -> Iterator[pa.RecordBatch]:
    """Read a fact table in blocks, only these facts; codes as Parquet's own dictionaries."""
    texts = [fact.name for fact in facts if fact.type is FactType.TEXT]
    names = [fact.name for fact in facts]
    return pq.ParquetFile(path, read_dictionary=texts, pre_buffer=False).iter_batches(BLOCK_ROWS, columns=names)  # type: ignore[no-any-return]


def measured(work: Callable[[], Any]) -> tuple[Any, Figures]:
    """Return what the work gives, with its wall and processor seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}


def ours(path: Path, conditions: Mapping[str, Condition]) -> Figures:
    """Measure all conditions over the file: reading, encoding and compiling included."""

    def work() -> list[int]:
        compiled = compile_set(conditions)
        total = np.zeros(len(conditions), np.int64)
        for _, found in scan(compiled, batches(path, compiled.facts)):
            total += found.counts()
        return [int(count) for count in total]

    counts, figures = measured(work)
    return {**figures, "counts": counts}


def ours_digest(path: Path, conditions: Mapping[str, Condition]) -> Figures:
    """Return which rows each condition hits, as DuckDB's digest counts them."""
    from bench.contenders import MIXED  # noqa: PLC0415  the contenders' libraries stay out of our peak

    compiled = compile_set(conditions)
    digest = np.zeros((len(conditions), 2), np.int64)
    start = 0
    for batch, found in scan(compiled, batches(path, compiled.facts)):
        for place in range(len(conditions)):
            rows = found.rows_of(place) + start
            digest[place] += len(rows), int(((rows * MIXED) % 2**32).sum())
        start += batch.num_rows
    return {"digest": digest.tolist()}


def theirs(path: Path, conditions: Mapping[str, Condition], name: str) -> Figures:
    """Measure a contender, or take DuckDB's digest."""
    from bench import contenders  # noqa: PLC0415

    if name == "duckdb_digest":
        return {"digest": [list(pair) for pair in contenders.duckdb_digest(path, conditions).values()]}
    work = contenders.duckdb_counts if name == "duckdb" else contenders.polars_counts
    counts, figures = measured(lambda: work(path, conditions))
    return {**figures, "counts": counts}


def edited(path: Path, _: Mapping[str, Condition]) -> Figures:
    """Measure single profiles over blocks already open."""
    facts = facts_in(path)
    opened = [encode(batch, facts) for batch in batches(path, facts)]
    times = []
    for number, condition in enumerate(generated_profiles(path, 2 * EDITS, SEED + 7).values()):
        _, figures = measured(partial(_asked, condition, opened))
        if number >= EDITS:
            times.append(figures["wall_s"] * 1e3)
    return {"median_ms": float(np.median(times)), "largest_ms": max(times)}


def _asked(condition: Condition, opened: list[Block]) -> list[Hits]:
    compiled = compile_set({"edited": condition})
    return [hits(compiled, block, threads=HELD_THREADS) for block in opened]


def overlap(path: Path, conditions: Mapping[str, Condition]) -> Figures:
    """Measure the counting of pairs alone, the hits being there."""
    compiled = compile_set(conditions)
    found = [each for _, each in scan(compiled, batches(path, compiled.facts))]
    together = Overlap(compiled.names)

    def work() -> None:
        for each in found:
            together.add(each)

    return measured(work)[1]


def live(path: Path, _: Mapping[str, Condition]) -> Figures:
    """Measure one row at a time, each asked once, after publishing."""
    conditions = generated_profiles(path, LIVE_PROFILES, SEED + 1)
    published, figures = measured(lambda: publish(conditions))
    rows = _rows(path)
    gc.collect()
    gc.freeze()  # as a serving process does once a set is published
    times, matched = [], 0
    for row in map(dict, rows):  # a row is fresh, as a serving process has just made it
        start = time.perf_counter_ns()
        found = published.matches(row)
        times.append((time.perf_counter_ns() - start) / 1e3)
        matched += len(found)
    low, median, high = np.percentile(times, [5, 50, 99])
    return {
        "publish_s": figures["wall_s"],
        "terms": published.terms,
        "p5_us": float(low),
        "median_us": float(median),
        "p99_us": float(high),
        "matches_a_row": matched / len(rows),
    }


def _rows(path: Path) -> list[dict[str, FactValue]]:
    """Return the last rows of the table as the live engine takes them; profiles were made from the first."""
    facts = facts_in(path)
    file = pq.ParquetFile(path)
    last = file.read_row_group(file.num_row_groups - 1, columns=[fact.name for fact in facts])
    batch = last.slice(max(0, last.num_rows - LIVE_ROWS)).combine_chunks().to_batches()[0]
    block = encode(batch, facts)
    columns = {}
    for name, column in block.columns.items():
        if isinstance(column, TextColumn):
            columns[name] = [None if code < 0 else column.texts[code] for code in column.codes]
        elif isinstance(column, FlagColumn):
            columns[name] = [None if code == 0 else code == 2 for code in column.codes.tolist()]
        else:
            valid = [True] * block.rows if column.valid is None else column.valid.tolist()
            columns[name] = [
                value if there else None for value, there in zip(column.values.tolist(), valid, strict=True)
            ]
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


PARTS: dict[str, Callable[[Path, Mapping[str, Condition]], Figures]] = {
    "ours": ours,
    "ours_digest": ours_digest,
    "edited": edited,
    "overlap": overlap,
    "live": live,
}


def run_part(part: str, path: Path, profiles: int) -> None:
    """Run one part in this process and print its figures as JSON."""
    conditions = generated_profiles(path, profiles, SEED)
    figures = PARTS[part](path, conditions) if part in PARTS else theirs(path, conditions, part)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**figures, "peak_mb": peak}))


def apart(part: str, path: Path, profiles: int) -> Figures:
    """Run one part in a process of its own."""
    print(f"  {part} ...", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "bench.engine", "--part", part, "--table", str(path), "--profiles", str(profiles)]
    threads = {"POLARS_MAX_THREADS": "2", "OMP_NUM_THREADS": "2"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **threads})
    figures: Figures = json.loads(done.stdout)
    return figures


def measure(path: Path, larger: Path | None, profiles: int) -> Figures:
    """Return all figures; `larger` is a table of five times the rows, None to leave that out."""
    found = {part: apart(part, path, profiles) for part in ("ours", "duckdb", "polars", "edited", "overlap", "live")}
    found["larger"] = apart("ours", larger, profiles) if larger is not None else {}
    digests = [apart(part, path, profiles)["digest"] for part in ("ours_digest", "duckdb_digest")]
    counts = [found[part].pop("counts") for part in ("ours", "duckdb", "polars")]
    found["larger"].pop("counts", None)
    return {
        "rows": pq.read_metadata(path).num_rows,
        "facts": len(facts_in(path)),
        "profiles": profiles,
        "hits": sum(counts[0]),
        "identical": digests[0] == digests[1] and counts[0] == counts[1] == counts[2],
        **found,
    }


def markdown(found: Figures) -> str:
    """Return the figures as a Markdown fragment."""
    us, duck, polars, larger = found["ours"], found["duckdb"], found["polars"], found["larger"]
    lines = [
        f"{found['profiles']:,} profiles x {found['rows']:,} items, {found['facts']} facts, {found['hits']:,} hits; "
        f"rows hit {'identical' if found['identical'] else '**DIFFERENT**'}.",
        "",
        "| | wall s | CPU s | peak MB |",
        "|---|---|---|---|",
    ]
    for name, row in (("Tidewaiter, from Parquet", us), ("DuckDB, one WHERE per profile", duck), ("Polars", polars)):
        lines.append(f"| {name} | {row['wall_s']:.1f} | {row['cpu_s']:.1f} | {row['peak_mb']:.0f} |")
    if larger:
        row = f"| {larger['wall_s']:.1f} | {larger['cpu_s']:.1f} | {larger['peak_mb']:.0f} |"
        lines.append(f"| Tidewaiter, five times the items {row}")
    edit, pairs, one = found["edited"], found["overlap"], found["live"]
    lines += [
        "",
        f"- CPU of DuckDB over ours: {duck['cpu_s'] / us['cpu_s']:.1f} (target 8 or more)",
        f"- wall time of Polars over ours: {polars['wall_s'] / us['wall_s']:.1f} (target 5 or more)",
        f"- one edited profile over open items: median {edit['median_ms']:.0f} ms, largest {edit['largest_ms']:.0f} ms "
        "(target under 100)",
        f"- overlap of all pairs: {pairs['wall_s']:.2f} s (target under 3)",
        f"- live, {LIVE_PROFILES:,} profiles ({one['terms']:,} terms): median {one['median_us']:.0f} us, 99th "
        f"percentile {one['p99_us']:.0f} us (targets 50 and 200), "
        f"{one['matches_a_row']:.1f} matches a row; published in "
        f"{one['publish_s']:.1f} s (target under 10)",
    ]
    if larger:
        lines.append(
            f"- peak at five times the items: {larger['peak_mb'] / us['peak_mb']:.2f} of it (target 1.3 or less)"
        )
    return "\n".join(lines)


def main() -> None:
    """Read the command line, make the tables where none is given, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.engine", description=__doc__)
    parser.add_argument("--table", type=Path, help="a fact table (Parquet); without it one is generated")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the generated table")
    parser.add_argument("--profiles", type=int, default=1_000)
    parser.add_argument("--no-larger", action="store_true", help="leave out the table of five times the rows")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        run_part(given.part, given.table, given.profiles)
        return
    with tempfile.TemporaryDirectory() as folder:
        table, larger = given.table, None
        if table is None:
            table = Path(folder) / "facts.parquet"
            write_facts(table, given.rows, SEED)
            if not given.no_larger:
                larger = Path(folder) / "larger.parquet"
                write_facts(larger, 5 * given.rows, SEED)
        found = measure(table, larger, given.profiles)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))
    print(markdown(found))


if __name__ == "__main__":
    main()
