"""Conditions asked of a block of rows: one packed bitmap for each distinct literal, then AND, OR and counts of them."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from typing import assert_never

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tidewaiter.engines.matching.compile import AllOf, AnyOf, Ask, CompiledSet, Known, Reach
from tidewaiter.engines.matching.encode import THREADS, Block, encode
from tidewaiter.engines.matching.literals import Bitmap, Questions, packed

CHUNK_ROWS = 131_072
"""Rows worked on at a time, so that what is between fits the processor's cache. A multiple of 64."""


@dataclass(frozen=True, slots=True)
class Hits:
    """Which rows of a block each condition is true of. `bits` has one packed row of uint64 for each name."""

    names: tuple[str, ...]
    rows: int
    bits: NDArray[np.uint64]

    def counts(self) -> NDArray[np.int64]:
        """Return the number of rows hit, for each name."""
        return np.bitwise_count(self.bits).sum(axis=1, dtype=np.int64)

    def rows_of(self, index: int) -> NDArray[np.int64]:
        """Return the rows hit by the condition at that place in `names`, rising."""
        return np.flatnonzero(self.truth_of(index))

    def truth_of(self, index: int) -> NDArray[np.bool_]:
        """Return for each row whether the condition at that place in `names` hits it."""
        return np.unpackbits(self.bits[index].view(np.uint8), count=self.rows, bitorder="little").view(np.bool_)

    def matrix(self) -> NDArray[np.bool_]:
        """Return conditions by rows as truths: one byte each, so for small blocks only."""
        packed = self.bits.view(np.uint8)
        return np.unpackbits(packed, axis=1, count=self.rows, bitorder="little").view(np.bool_)


def hits(compiled: CompiledSet, block: Block, *, threads: int = THREADS) -> Hits:
    """Return which rows of the block each condition is true of. The block must hold the facts of the set."""
    words = -(-block.rows // 64)
    bits = np.zeros((len(compiled.names), words), np.uint64)
    questions = Questions(compiled, block)
    starts = range(0, block.rows, CHUNK_ROWS)

    def answer(start: int) -> None:
        stop = min(start + CHUNK_ROWS, block.rows)
        maps = questions.bitmaps(start, stop)
        _combine(compiled, maps, stop - start)
        for row, root in enumerate(compiled.roots):
            bits[row, start // 64 : -(-stop // 64)] = maps[root]

    if threads == 1 or len(starts) < 2:
        for start in starts:
            answer(start)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(answer, starts))
    return Hits(compiled.names, block.rows, bits)


def scan(
    compiled: CompiledSet, batches: Iterable[pa.RecordBatch], *, threads: int = THREADS
) -> Iterator[tuple[pa.RecordBatch, Hits]]:
    """Walk batches of the fact table with the hits of each; nothing is kept of a batch once the next is asked for."""
    for batch in batches:
        yield batch, hits(compiled, encode(batch, compiled.facts, threads=threads), threads=threads)


def _combine(compiled: CompiledSet, maps: list[Bitmap], rows: int) -> None:
    for number, node in enumerate(compiled.nodes):
        match node:
            case Ask():
                pass
            case Known(truth):
                maps[number] = packed(np.full(rows, truth))
            case AllOf(parts):
                maps[number] = reduce(np.bitwise_and, [maps[part] for part in parts])
            case AnyOf(parts):
                maps[number] = reduce(np.bitwise_or, [maps[part] for part in parts])
            case Reach(k, weighted):
                maps[number] = _reached(k, [(maps[part], weight) for part, weight in weighted])
            case _:
                assert_never(node)


def _reached(k: int, weighted: Sequence[tuple[Bitmap, int]]) -> Bitmap:
    """Add weights row by row in sliced counters (one bitmap for each binary digit) and compare the sums with k."""
    digits = sum(weight for _, weight in weighted).bit_length()
    sliced = [np.zeros_like(weighted[0][0]) for _ in range(digits)]
    for bitmap, weight in weighted:
        for digit in range(weight.bit_length()):
            if weight >> digit & 1:
                _add(sliced, bitmap, digit)
    return _at_least(sliced, k)


def _add(sliced: list[Bitmap], carry: Bitmap, digit: int) -> None:
    while digit < len(sliced) and carry.any():
        sliced[digit], carry = sliced[digit] ^ carry, sliced[digit] & carry
        digit += 1


def _at_least(sliced: Sequence[Bitmap], k: int) -> Bitmap:
    """Return where the sums are k or more: compared digit by digit with k - 1, from the highest."""
    least = k - 1
    above = np.zeros_like(sliced[0])
    equal = ~above
    for digit in reversed(range(len(sliced))):
        if least >> digit & 1:
            equal = equal & sliced[digit]
        else:
            above = above | (equal & sliced[digit])
            equal = equal & ~sliced[digit]
    return above
