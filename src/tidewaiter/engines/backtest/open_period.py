"""A period held open, so that an edited profile is answered while its author watches."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from tidewaiter.core.condition import Condition
from tidewaiter.core.facts import Fact
from tidewaiter.engines.backtest.figures import Frame
from tidewaiter.engines.backtest.pairs import nearest_first
from tidewaiter.engines.backtest.report import Count, Pair, Period, Report
from tidewaiter.engines.backtest.results import Flags, Integers, known_results
from tidewaiter.engines.backtest.run import Lacking, example_facts, framed_report, immature_day
from tidewaiter.engines.backtest.tally import Bits, Offices, Rows, Tally, ones, packed, packed_places, rows_of
from tidewaiter.engines.matching.bitmaps import hits
from tidewaiter.engines.matching.compile import compile_set
from tidewaiter.engines.matching.encode import HELD_THREADS, Block, encode


@dataclass(frozen=True, slots=True)
class _Held:
    """One block: its rows, its facts encoded, and what the other profiles match of its items and declarations."""

    rows: Rows
    block: Block
    bits: Bits
    declared: Bits


class OpenPeriod:
    """The declarations of a period with all that an edit may ask, built once and held in memory.

    `facts` are those an edit may use; `conditions` the profiles an edited one is set beside, `in_force` the codes of
    those in force.
    """

    def __init__(
        self,
        batches: Iterable[pa.RecordBatch],
        outcomes: pa.Table,
        facts: Collection[Fact],
        conditions: Mapping[str, Condition],
        *,
        period: Period,
        in_force: Collection[str] = (),
        as_of: date | None = None,
        currency: str = "",
    ) -> None:
        self.codes = tuple(conditions)
        self._period, self._currency = period, currency
        self._in_force = np.array([code in in_force for code in self.codes], np.bool_)
        self._known, self._offices = known_results(outcomes, as_of=as_of), Offices()
        self._immature = immature_day(self._known, period)
        self._compiled = compile_set(conditions)
        self._lacking = Lacking({*facts, *self._compiled.facts})
        self._own = np.zeros(len(conditions), np.int64)
        everything = Tally(period)
        self._frame = Frame(period, period, self._known, self._offices, everything)
        self._held = [self._hold(batch, facts, everything) for batch in batches if batch.num_rows]
        self._frame.prepare()

    def _hold(self, batch: pa.RecordBatch, facts: Collection[Fact], everything: Tally) -> _Held:
        self._lacking.look(batch)
        rows = rows_of(batch, self._known, self._offices, self._period.start)
        block = encode(batch, {*facts, *self._compiled.facts})
        bits = hits(self._compiled, block).bits
        declared = np.zeros((len(bits), -(-len(rows.first) // 64)), np.uint64)
        scratch = Tally(self._period)
        for number, line in enumerate(bits):
            declared[number] = packed_places(scratch.add(rows, line, self._known, self._immature), len(rows.first))
        everything.add(rows, packed(np.ones(rows.items, np.bool_)), self._known, self._immature)
        self._own += np.bitwise_count(bits).sum(axis=1, dtype=np.int64)
        return _Held(rows, block, bits, declared)

    def edited(self, code: str, condition: Condition) -> Report:
        """Return the report of one profile as it is being written, beside the others (itself among them left out)."""
        compiled = compile_set({code: condition})
        tally = Tally(self._period, example_facts(condition))
        others = np.array([other != code for other in self.codes], np.bool_)
        both = np.zeros(len(self.codes), np.int64)
        marginal = np.zeros(4, np.int64)
        for held in self._held:
            (line,) = hits(compiled, held.block, threads=HELD_THREADS).bits
            declarations = tally.add(held.rows, line, self._known, self._immature)
            declared = packed_places(declarations, len(held.rows.first))
            both += np.bitwise_count(held.bits & line).sum(axis=1, dtype=np.int64)
            for place, chosen in ((0, others), (2, others & self._in_force)):
                marginal[place] += ones(line & ~_any(held.bits, chosen))
                marginal[place + 1] += ones(declared & ~_any(held.declared, chosen))
        items, declarations_alone, in_force, in_force_declarations = map(int, marginal)
        figures = self._frame.figures(
            code, tally, Count(items, declarations_alone), Count(in_force, in_force_declarations)
        )
        overlap = self._overlaps(code, tally.items, both, others)
        return framed_report(
            self._frame, tally, {code: figures}, overlap, {code: self._lacking.of(condition)}, self._currency
        )

    def _overlaps(self, code: str, items: int, both: Integers, others: Flags) -> tuple[Pair, ...]:
        found = [
            Pair(code, self.codes[number], int(both[number]), items, int(self._own[number]))
            for number in np.flatnonzero(others & (both > 0))
        ]
        return nearest_first(found)


def _any(bits: Bits, chosen: Flags) -> Bits:
    united: Bits = np.bitwise_or.reduce(bits[chosen], axis=0)
    return united
