"""Counts of what profiles match, added up block by block; a declaration never spans two blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from heapq import nsmallest

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tidewaiter.core.facts import days_since_epoch
from tidewaiter.engines.backtest.against import mixed
from tidewaiter.engines.backtest.report import Period
from tidewaiter.engines.backtest.results import KINDS, Flags, Integers, KnownResults

type Bits = NDArray[np.uint64]
"""Packed bits, the first row in the lowest bit and 0 beyond the last; one line a profile where there are several."""

EXAMPLES_A_KIND = 4


def packed(flags: Flags) -> Bits:
    """Return flags as packed bits."""
    bits = np.zeros(-(-len(flags) // 64), np.uint64)
    filled = np.packbits(flags, bitorder="little")
    bits.view(np.uint8)[: len(filled)] = filled
    return bits


def packed_places(places: Integers, count: int) -> Bits:
    """Return packed bits for `count` rows with those at these places set."""
    flags = np.zeros(count, np.bool_)
    flags[places] = True
    return packed(flags)


def ones(bits: Bits) -> int:
    """Return the number of bits that are set."""
    return int(np.bitwise_count(bits).sum(dtype=np.int64))


def places(bits: Bits) -> Integers:
    """Return the numbers of the rows whose bit is set, rising; quick where most words are empty."""
    words = np.flatnonzero(bits)
    word, bit = np.nonzero(np.unpackbits(bits[words].view(np.uint8), bitorder="little").reshape(-1, 64))
    found: Integers = 64 * words[word] + bit
    return found


class Offices:
    """Offices numbered as they are met; "" is none stated."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}

    def numbers(self, column: pa.Array) -> Integers:
        """Return the number of each office."""
        encoded = pc.fill_null(column, "").dictionary_encode()
        numbers: Integers = np.array([self._number(name) for name in encoded.dictionary.to_pylist()], np.int64)
        taken: Integers = numbers[encoded.indices.to_numpy()]
        return taken

    def _number(self, name: str) -> int:
        number = self._numbers.setdefault(name, len(self.names))
        if number == len(self.names):
            self.names.append(name)
        return number


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What a block's rows are: their declaration within the block, and per declaration its day, office and index.

    `day` counts from the first day of the period; `index` is into the known results.
    """

    declaration: Integers
    item_number: Integers
    first: Integers
    day: Integers
    office: Integers
    index: Integers
    looked_at: Bits
    found_in: Bits
    batch: pa.RecordBatch

    @property
    def items(self) -> int:
        """Return the number of rows."""
        return len(self.declaration)


def rows_of(batch: pa.RecordBatch, known: KnownResults, offices: Offices, start: date) -> Rows:
    """Return what the rows of a batch of facts are; it needs `lodged_on` and `office`."""
    ids = batch["declaration_id"].cast(pa.string())
    changed = pc.not_equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False)
    starts = np.append(True, changed).astype(np.bool_)[: batch.num_rows]
    first = np.flatnonzero(starts)
    declaration = np.cumsum(starts) - 1
    index = known.index_of(ids.take(pa.array(first)))
    item_number = np.asarray(batch["item_number"].to_numpy(), np.int64)
    days = np.asarray(batch["lodged_on"].cast(pa.int32()).to_numpy(), np.int64)
    return Rows(
        declaration=declaration,
        item_number=item_number,
        first=first,
        day=days[first] - days_since_epoch(start),
        office=offices.numbers(batch["office"].cast(pa.string()).take(pa.array(first))),
        index=index,
        looked_at=packed(known.looked_at.of(index[declaration], item_number)),
        found_in=packed(known.found_in.of(index[declaration], item_number)),
        batch=batch,
    )


def exclusive(bits: Bits, among: Flags) -> Integers:
    """Return for each profile how many rows no other profile of those `among` it matches."""
    once, twice = np.zeros_like(bits[:1]).reshape(-1), np.zeros_like(bits[:1]).reshape(-1)
    for line in bits[among]:
        twice |= once & line
        once |= line
    alone = (line & ~(twice if inside else once) for line, inside in zip(bits, among, strict=True))
    return np.array([ones(line) for line in alone], np.int64)


@dataclass(frozen=True, slots=True)
class Found:
    """A matched declaration that may serve as an example: its key, rows and facts."""

    key: int
    declaration_id: str
    items: tuple[int, ...]
    day: int
    office: int
    index: int
    facts: Mapping[str, object]


class Tally:
    """What one profile (or the set together) has matched so far."""

    def __init__(self, period: Period, facts: Sequence[str] = ()) -> None:
        self.items = self.labelled_items = self.offences_items = self.unsupported = self.immature = 0
        self.days = np.zeros((2, period.days), np.int64)
        self.offices = np.zeros((2, 0), np.int64)
        self.traced: list[Integers] = []
        self.examples: dict[int, list[Found]] = {kind: [] for kind in range(len(KINDS))}
        self._facts = facts

    def add(self, rows: Rows, bits: Bits, known: KnownResults, immature_day: int) -> Integers:
        """Add what the bits match; return the numbers of the declarations matched, within the block."""
        matched = places(bits)
        of = rows.declaration[matched]
        once = np.append(True, of[1:] != of[:-1])[: len(of)]
        declarations = of[once]
        self.items += len(matched)
        self.labelled_items += ones(bits & rows.looked_at)
        self.offences_items += ones(bits & rows.found_in)
        self._count(rows.day, of, declarations)
        self._count_offices(rows.office, of, declarations)
        index = rows.index[declarations]
        self.unsupported += len(index) - int(np.count_nonzero(known.probability[index] > 0))
        self.immature += int(np.count_nonzero(rows.day[declarations] >= immature_day))
        self.traced.append(index[known.traced[index]])
        if self._facts and len(declarations):
            self._keep_examples(rows, matched, of, np.flatnonzero(once), known)
        return np.asarray(declarations)

    def _count(self, day: Integers, of: Integers, declarations: Integers) -> None:
        length = self.days.shape[1]
        self.days[0] += np.bincount(day[of], minlength=length)
        self.days[1] += np.bincount(day[declarations], minlength=length)

    def _count_offices(self, office: Integers, of: Integers, declarations: Integers) -> None:
        length = max(self.offices.shape[1], int(office.max(initial=-1)) + 1)
        grown = np.zeros((2, length), np.int64)
        grown[:, : self.offices.shape[1]] = self.offices
        grown[0] += np.bincount(office[of], minlength=length)
        grown[1] += np.bincount(office[declarations], minlength=length)
        self.offices = grown

    def _keep_examples(
        self, rows: Rows, matched: Integers, of: Integers, firsts: Integers, known: KnownResults
    ) -> None:
        index = rows.index[of[firsts]]
        keys = mixed(index.astype(np.uint64), 0)
        ends = np.append(firsts[1:], len(of))
        for kind, kept in self.examples.items():
            candidates = np.flatnonzero((known.kind[index] == kind) & (index < known.nothing))
            if len(candidates) > EXAMPLES_A_KIND:
                candidates = candidates[np.argpartition(keys[candidates], EXAMPLES_A_KIND)[:EXAMPLES_A_KIND]]
            worst = kept[-1].key if len(kept) == EXAMPLES_A_KIND else 1 << 64
            fresh = [
                self._found(int(keys[c]), rows, matched[firsts[c] : ends[c]])
                for c in candidates
                if int(keys[c]) < worst
            ]
            self.examples[kind] = nsmallest(EXAMPLES_A_KIND, [*kept, *fresh], key=lambda found: found.key)

    def _found(self, key: int, rows: Rows, matched: Integers) -> Found:
        """Return one matched declaration, given its matched rows."""
        row = int(matched[0])
        declaration = rows.declaration[row]
        return Found(
            key=key,
            declaration_id=rows.batch["declaration_id"][row].as_py(),
            items=tuple(map(int, rows.item_number[matched])),
            day=int(rows.day[declaration]),
            office=int(rows.office[declaration]),
            index=int(rows.index[declaration]),
            facts={name: rows.batch[name][row].as_py() for name in self._facts},
        )
