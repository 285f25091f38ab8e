"""One run of the generator: settle who and what, then month by month draw, declare, select, examine and write."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from tidewaiter.core.errors import InputError, Problem
from tidewaiter.core.progress import Progress
from tidewaiter.core.tables.results import STATES
from tidewaiter.engines.generate import (
    consignments,
    decisions,
    declarations,
    examinations,
    seizures,
    stated,
    timeline,
    truth,
)
from tidewaiter.engines.generate.amendments import amended
from tidewaiter.engines.generate.calendar import DAY, Calendar, calendar_of, day_weights, quotas
from tidewaiter.engines.generate.columns import vocabulary
from tidewaiter.engines.generate.country import OFFICES, UTC_OFFSET, load_goods, load_partners
from tidewaiter.engines.generate.criteria import WATCH_MONTHS, Seen, officer_count, select
from tidewaiter.engines.generate.declarations import Lodged, Registers, declarations_table, register
from tidewaiter.engines.generate.planting import COVER_LOAD, planted
from tidewaiter.engines.generate.prices import priced
from tidewaiter.engines.generate.reports import reports
from tidewaiter.engines.generate.schemes import Plan, plan
from tidewaiter.engines.generate.streams import Streams
from tidewaiter.engines.generate.trade import Month, draw
from tidewaiter.engines.generate.traders import Traders, brokers, honest_traders, suppliers
from tidewaiter.engines.generate.words import described
from tidewaiter.engines.generate.write import ParquetFiles, write_json, write_json_lines

FEWEST_ITEMS = 100
MOST_ITEMS = 50_000_000
SCHEMAS = {
    "declarations": declarations.SCHEMA,
    "events": timeline.SCHEMA,
    "consignments": consignments.SCHEMA,
    "results": examinations.SCHEMA,
    "seizures": seizures.SCHEMA,
    "incumbent": decisions.SCHEMA,
    "truth": truth.SCHEMA,
    "today": declarations.SCHEMA,
    "today_truth": truth.SCHEMA,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationReport:
    """What a run wrote: the folder, items and declarations of the period, irregular ones, schemes, rows by file."""

    out: Path
    seed: int
    items: int
    declarations: int
    irregular_declarations: int
    selected_declarations: int
    schemes: int
    reports: int
    today: date
    rows: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """Everything settled before the first month."""

    streams: Streams
    calendar: Calendar
    items: int
    traders: Traders
    honest: int
    plan: Plan
    registers: Registers
    officers: np.ndarray

    @property
    def until(self) -> int:
        """Return the second (UTC) at which the last day ends."""
        return self.calendar.edges[-1] * DAY - UTC_OFFSET


def generate(
    items: int,
    seed: int,
    out: Path,
    *,
    months: int = 18,
    start: date = date(2024, 7, 1),
    progress: Progress | None = None,
) -> GenerationReport:
    """Write the trade of the fictional country into the folder `out` and return what was written.

    `items` is the number of items declared in the period (amendments not counted twice), `months` its length from the
    first of the month of `start`. The same arguments give the same bytes. InputError when an argument is out of range.
    """
    _check(items, seed, months, out)
    out.mkdir(parents=True, exist_ok=True)
    settled = _settle(items, seed, calendar_of(start, months))
    with ParquetFiles(out, SCHEMAS) as files:
        tally = _months(settled, files, progress or (lambda *_: None))
        _today(settled, tally, files)
    told = _plain_files(settled, out)
    return GenerationReport(
        out=out,
        seed=seed,
        items=items,
        declarations=tally.serial - 1,
        irregular_declarations=tally.irregular,
        selected_declarations=tally.selected,
        schemes=len(settled.plan.schemes),
        reports=told,
        today=(np.datetime64(settled.calendar.edges[-1], "D")).astype(date),
        rows=files.rows,
    )


def _check(items: int, seed: int, months: int, out: Path) -> None:
    """Raise InputError naming every argument that is out of range."""
    problems = []
    if not FEWEST_ITEMS <= items <= MOST_ITEMS:
        problems.append(
            Problem(f"{items} items cannot be generated", suggestion=f"ask for {FEWEST_ITEMS} to {MOST_ITEMS}")
        )
    if seed < 0:
        problems.append(Problem(f"the seed {seed} is negative", suggestion="give a whole number from 0"))
    if not 1 <= months <= 120:
        problems.append(Problem(f"{months} months cannot be generated", suggestion="ask for 1 to 120"))
    if out.exists() and not out.is_dir():
        problems.append(Problem(f"{out} is not a folder", suggestion="name a folder to write into"))
    if problems:
        raise InputError(problems)


def _settle(items: int, seed: int, calendar: Calendar) -> Country:
    """Return who trades, who cheats and who examines."""
    streams = Streams(seed)
    honest = honest_traders(streams, calendar, items)
    schemes, traders = plan(streams, calendar, items, honest)
    registers = Registers(
        traders=register(traders.companies),
        brokers=register(brokers(streams, items)),
        suppliers=register(suppliers(streams, items)),
    )
    return Country(
        streams=streams,
        calendar=calendar,
        items=items,
        traders=traders,
        honest=len(honest),
        plan=schemes,
        registers=registers,
        officers=np.array([officer_count(items, office) for office in range(len(OFFICES))]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What goes on from month to month: the next serial number, counts, and when each trader's watch ends (a month).

    `found` holds findings not yet known: the trader and the second each becomes known.
    """

    serial: int
    irregular: int
    selected: int
    watched_until: np.ndarray
    found: tuple[np.ndarray, np.ndarray]

    def watching(self, month: Month) -> "Tally":
        """Return the tally with those put on the watch list of whom findings became known before the month."""
        trader, known = self.found
        due = known < month.start * DAY - UTC_OFFSET
        until = self.watched_until.copy()
        until[trader[due]] = month.index + WATCH_MONTHS
        return replace(self, watched_until=until, found=(trader[~due], known[~due]))


def _months(settled: Country, files: ParquetFiles, progress: Progress) -> Tally:
    """Write all months, one after another."""
    nobody = np.empty(0, dtype=np.int64)
    tally = Tally(
        serial=1,
        irregular=0,
        selected=0,
        watched_until=np.full(len(settled.traders), -1),
        found=(nobody, nobody),
    )
    edges = settled.calendar.edges
    for index, items in enumerate(quotas(settled.calendar, settled.items)):
        progress("generating months", index, settled.calendar.months)
        month = Month(index=index, start=edges[index], end=edges[index + 1], items=int(items), serial=tally.serial)
        tally = _month(settled, month, tally.watching(month), files)
    progress("generating months", settled.calendar.months, settled.calendar.months)
    return tally


def _lodged(settled: Country, month: Month) -> Lodged:
    """Return what is declared in a month."""
    streams, traders = settled.streams, settled.traders
    heads, items = draw(streams, settled.calendar, month, traders, settled.plan)
    heads, items, declared = planted(streams, month.index, traders, settled.plan, heads, items)
    figures, taxes = priced(streams, month.index, heads, items, declared)
    named = np.where(declared.true_words, items.good, declared.good)
    return Lodged(
        seed=streams.seed,
        heads=heads,
        items=items,
        declared=declared,
        figures=figures,
        taxes=taxes,
        words=described(streams.of("words", month.index), named, heads.trader[items.head]),
    )


def _month(settled: Country, month: Month, tally: Tally, files: ParquetFiles) -> Tally:
    """Write one month and return the tally after it."""
    streams, until = settled.streams, settled.until
    lodged = _lodged(settled, month)
    seen = Seen(lodged=lodged, traders=settled.traders, watched=tally.watched_until > month.index)
    selection = select(streams, month.index, settled.plan, seen, settled.officers)
    times = timeline.timeline(streams, month.index, lodged.heads, selection)
    acts = examinations.examined(streams, month.index, settled.plan, lodged, selection, times)
    standing = examinations.standings(streams, month.index, acts)
    officers = decisions.officers_of(lodged, selection)
    _write_declarations(settled, month, lodged, times, files)
    files.append("events", timeline.events_table(lodged, times, officers, until))
    files.append("incumbent", decisions.incumbent_table(lodged, selection, times, officers, until))
    files.append("results", examinations.results_table(lodged, acts, standing, officers, until))
    files.append("seizures", seizures.seizures_table(lodged, settled.registers, acts, until))
    files.append("seizures", seizures.loose_seizures(streams, month, until))
    irregular = np.unique(lodged.items.head[lodged.declared.role >= 0])
    traders, known = _findings(lodged, acts, standing)
    return replace(
        tally,
        serial=month.serial + len(lodged.heads),
        irregular=tally.irregular + len(irregular),
        selected=tally.selected + int(selection.examined.sum()),
        found=(np.concatenate([tally.found[0], traders]), np.concatenate([tally.found[1], known])),
    )


def _findings(
    lodged: Lodged, acts: examinations.Acts, standing: examinations.Standings
) -> tuple[np.ndarray, np.ndarray]:
    """Return the trader and the second of each final result with duty or goods seized."""
    serious = (acts.assessed > 0) | (acts.seized > 0)
    rows = serious[standing.act] & (standing.state == STATES.index("final"))
    return lodged.heads.trader[acts.head[standing.act[rows]]], standing.known[rows]


def _write_declarations(
    settled: Country, month: Month, lodged: Lodged, times: timeline.Timeline, files: ParquetFiles
) -> None:
    """Write the declarations, their amendments, their consignments and the truth about them."""
    traders, registers, until = settled.traders, settled.registers, settled.until
    files.append("declarations", declarations_table(lodged, traders, registers, 1, lodged.heads.lodged))
    moments = timeline.amended_at(settled.streams, month.index, times)
    rows = np.flatnonzero(moments < until)
    later = amended(settled.streams, month.index, lodged.of(rows))
    files.append("declarations", declarations_table(later, traders, registers, 2, moments[rows]))
    _write_consignments(settled, lodged, times, files)
    files.append("truth", _truth(settled, lodged))


def _write_consignments(settled: Country, lodged: Lodged, times: timeline.Timeline, files: ParquetFiles) -> None:
    """Write the manifest lines of declarations."""
    covers = np.bincount(lodged.items.head, weights=lodged.declared.role == COVER_LOAD, minlength=len(lodged.heads))
    table = consignments.consignments_table(lodged, settled.registers, times, covers > 0, settled.until)
    files.append("consignments", table)


def _truth(settled: Country, lodged: Lodged) -> pa.Table:
    """Return the truth about declarations."""
    goods, partners = load_goods(), load_partners()
    return truth.truth_table(settled.plan, lodged, vocabulary(goods.hs), vocabulary(partners.country))


def _today(settled: Country, tally: Tally, files: ParquetFiles) -> None:
    """Write the declarations of the day after the period, and those of their consignments that are filed already."""
    calendar = settled.calendar
    first = calendar.edges[-1]
    before = day_weights(np.arange(calendar.edges[-2], first), calendar.first).sum()
    busy = day_weights(np.array([first]), calendar.first)[0] / before
    items = max(30, int(quotas(calendar, settled.items)[-1] * busy))
    month = Month(index=calendar.months, start=first, end=first + 1, items=items, serial=tally.serial)
    lodged = _lodged(settled, month)
    table = declarations_table(lodged, settled.traders, settled.registers, 1, lodged.heads.lodged)
    files.append("today", table)
    files.append("today_truth", _truth(settled, lodged))
    seen = Seen(lodged=lodged, traders=settled.traders, watched=tally.watched_until > month.index)
    selection = select(settled.streams, month.index, settled.plan, seen, settled.officers)
    _write_consignments(
        settled, lodged, timeline.timeline(settled.streams, month.index, lodged.heads, selection), files
    )


def _plain_files(settled: Country, out: Path) -> int:
    """Write the files that are no tables and return the number of reports."""
    told = reports(settled.streams, settled.calendar, settled.plan, settled.traders, settled.honest)
    write_json_lines(out / "reports.jsonl", (report.shown() for report in told))
    write_json_lines(out / "reports_truth.jsonl", (report.hidden() for report in told))
    seed = settled.streams.seed
    named = stated.schemes_stated(settled.calendar, settled.plan, settled.traders, seed, settled.items)
    write_json(out / "schemes.json", named)
    (out / "tidewaiter.toml").write_text(stated.SETTINGS, encoding="utf-8")
    (out / "README.txt").write_text(stated.README, encoding="utf-8")
    return len(told)
