"""A back-test: profiles run over past declarations, block by block, and what is known of those they match."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidewaiter.core.condition import Condition, facts_of
from tidewaiter.core.facts import Fact
from tidewaiter.engines.backtest.advice import advice
from tidewaiter.engines.backtest.figures import Frame
from tidewaiter.engines.backtest.pairs import pairs_of
from tidewaiter.engines.backtest.report import Count, Pair, Period, ProfileFigures, Report
from tidewaiter.engines.backtest.results import KnownResults, known_results
from tidewaiter.engines.backtest.tally import Offices, Rows, Tally, exclusive, packed, packed_places, rows_of
from tidewaiter.engines.matching.bitmaps import Hits, hits
from tidewaiter.engines.matching.compile import compile_set
from tidewaiter.engines.matching.encode import encode
from tidewaiter.engines.matching.overlap import Overlap

type Progress = Callable[[int], None]
"""Called with the number of items done so far."""

NEEDED_FACTS = ("lodged_on", "office")
EXAMPLE_FACTS = 6
NEVER = 1 << 40


def needed_facts(conditions: Mapping[str, Condition]) -> tuple[str, ...]:
    """Return the names of the facts a back-test of these conditions reads, in alphabetical order."""
    asked = {fact.name for condition in conditions.values() for fact in facts_of(condition)}
    return tuple(sorted(asked.union(NEEDED_FACTS)))


def example_facts(condition: Condition) -> tuple[str, ...]:
    """Return the names of the facts shown with an example: those the condition asks about, the first few."""
    return tuple(sorted(fact.name for fact in facts_of(condition)))[:EXAMPLE_FACTS]


def backtest(
    batches: Iterable[pa.RecordBatch],
    outcomes: pa.Table,
    conditions: Mapping[str, Condition],
    *,
    period: Period,
    tuned_until: date | None = None,
    in_force: Collection[str] = (),
    as_of: date | None = None,
    currency: str = "",
    progress: Progress | None = None,
) -> Report:
    """Return the report of conditions (linked and resolved) by profile code over the fact table of the period.

    `batches` hold whole declarations; `outcomes` is the table of storage.lake.outcomes for the same period, taken on
    `as_of` (None: with all that is known). `in_force` names those of the codes that are in force. `tuned_until` is
    the last day the author looked at while writing; the days before and after it are reported apart too.
    """
    known = known_results(outcomes, as_of=as_of)
    offices = Offices()
    compiled = compile_set(conditions)
    spans = _spans(period, tuned_until)
    runs = [_Run(conditions, period, span, in_force, known, offices) for span in spans]
    lacking = Lacking(compiled.facts)
    done = 0
    for batch in batches:
        for piece, touched in _pieces(batch, runs):
            rows = rows_of(piece, known, offices, period.start)
            found = hits(compiled, encode(piece, compiled.facts))
            for run in touched:
                run.add(rows, found)
        lacking.look(batch)
        done += batch.num_rows
        if progress is not None:
            progress(done)
    absent = {code: lacking.of(condition) for code, condition in conditions.items()}
    whole, *parts = (run.report(absent, currency) for run in runs)
    return replace(whole, tuned_until=tuned_until, parts=tuple(parts))


class Lacking:
    """Facts that no item seen so far has."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._names = {fact.name for fact in facts}

    def look(self, batch: pa.RecordBatch) -> None:
        """Strike off the facts that an item of the batch has."""
        self._names = {name for name in self._names if batch[name].null_count == batch.num_rows}

    def of(self, condition: Condition) -> tuple[str, ...]:
        """Return those of the facts a condition asks about that no item has."""
        return tuple(sorted(self._names & {fact.name for fact in facts_of(condition)}))


def _spans(period: Period, tuned_until: date | None) -> list[Period]:
    if tuned_until is None:
        return [period]
    after = tuned_until + timedelta(days=1)
    spans = [Period(period.start, min(tuned_until, period.end)), Period(max(after, period.start), period.end)]
    return [period, *(span for span in spans if span.start <= span.end)]


def _pieces(batch: pa.RecordBatch, runs: Sequence["_Run"]) -> Iterator[tuple[pa.RecordBatch, Sequence["_Run"]]]:
    """Cut a batch into days within one part each, with the runs that count them."""
    if not batch.num_rows:
        return
    whole, *parts = runs
    if not parts:
        yield batch, runs
    for part in parts:
        day = batch["lodged_on"]
        inside = batch.filter(pc.and_(pc.greater_equal(day, part.span.start), pc.less_equal(day, part.span.end)))
        if inside.num_rows:
            yield inside, (whole, part)


class _Run:
    """The running counts of all profiles over one span of days."""

    def __init__(
        self,
        conditions: Mapping[str, Condition],
        period: Period,
        span: Period,
        in_force: Collection[str],
        known: KnownResults,
        offices: Offices,
    ) -> None:
        self.span = span
        self.codes = tuple(conditions)
        self._known, self._offices, self._period = known, offices, period
        self._in_force = np.array([code in in_force for code in self.codes], np.bool_)
        self._all = np.ones(len(self.codes), np.bool_)
        self._immature = immature_day(known, period)
        self._tallies = [Tally(period, example_facts(condition)) for condition in conditions.values()]
        self._united, self._everything = Tally(period), Tally(period)
        self._marginal = np.zeros((4, len(self.codes)), np.int64)
        self._overlap = Overlap(self.codes)

    def add(self, rows: Rows, found: Hits) -> None:
        """Count one block."""
        bits = found.bits
        declared = np.zeros((len(bits), -(-len(rows.first) // 64)), np.uint64)
        for number, (tally, line) in enumerate(zip(self._tallies, bits, strict=True)):
            declared[number] = packed_places(tally.add(rows, line, self._known, self._immature), len(rows.first))
        self._united.add(rows, np.bitwise_or.reduce(bits, axis=0), self._known, self._immature)
        self._everything.add(rows, packed(np.ones(rows.items, np.bool_)), self._known, self._immature)
        self._marginal[0] += exclusive(bits, self._all)
        self._marginal[1] += exclusive(declared, self._all)
        self._marginal[2] += exclusive(bits, self._in_force)
        self._marginal[3] += exclusive(declared, self._in_force)
        self._overlap.add(found)

    def report(self, absent: Mapping[str, Collection[str]], currency: str) -> Report:
        """Return the figures of all that was counted."""
        frame = Frame(self._period, self.span, self._known, self._offices, self._everything)
        profiles = {
            code: frame.figures(code, tally, Count(*map(int, own[:2])), Count(*map(int, own[2:])))
            for code, tally, own in zip(self.codes, self._tallies, self._marginal.T, strict=True)
        }
        return framed_report(frame, self._united, profiles, pairs_of(self._overlap), absent, currency)


def framed_report(
    frame: Frame,
    united: Tally,
    profiles: Mapping[str, ProfileFigures],
    overlap: tuple[Pair, ...],
    absent: Mapping[str, Collection[str]],
    currency: str,
) -> Report:
    """Return the report of profiles set in their frame; `absent` names by profile the facts that no item has."""
    together = Count(united.items, int(united.days[1].sum()))
    return Report(
        period=frame.part,
        items=frame.everything.items,
        declarations=int(frame.everything.days[1].sum()),
        everything=frame.results,
        base=frame.base,
        united=frame.figures("", united, together, together),
        profiles=tuple(profiles.values()),
        overlap=overlap,
        advice=advice(profiles, overlap, frame.base, absent),
        offices=frame.by_office(frame.everything),
        immature_from=frame.known.immature_from,
        currency=currency,
    )


def immature_day(known: KnownResults, period: Period) -> int:
    """Return the first immature day, counted from the start of the period; far off when all days are mature."""
    return NEVER if known.immature_from is None else (known.immature_from - period.start).days
