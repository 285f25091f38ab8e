"""Conditions asked of a block of rows: one packed bitmap for each distinct literal, then AND, OR and counts of them."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from typing import assert_never

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tidewaiter.core.condition import CompareFact
from tidewaiter.engines.classes import MISSING, FlagClasses, NumberClasses, TextClasses
from tidewaiter.engines.comparison import compared_numbers, compared_texts
from tidewaiter.engines.compile import AllOf, AnyOf, Ask, ClassedLiterals, CompiledSet, Known, Reach, WordLiterals
from tidewaiter.engines.encode import THREADS, Block, FlagColumn, NumberColumn, TextColumn, encode

type Bitmap = NDArray[np.uint64]
"""One bit a row, the first row lowest; bits beyond the last row are 0."""

CHUNK_ROWS = 65_536
"""Rows worked on at a time, so that what is between fits the processor's cache. A multiple of 64."""

_FEW_POINTS = 12


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
    questions = _Questions(compiled, block)
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


@dataclass(frozen=True, slots=True)
class _ByCode:
    """Literals read off a table by the code of each row (-1 is the last)."""

    codes: NDArray[np.int32] | NDArray[np.uint8]
    asks: Sequence[int]
    tables: NDArray[np.uint8]

    def codes_in(self, start: int, stop: int) -> NDArray[np.intp]:
        return self.codes[start:stop].astype(np.intp)


@dataclass(frozen=True, slots=True)
class _ByNumber:
    """Literals read off a table by the class of each row's number."""

    column: NumberColumn
    points: NDArray[np.int64] | NDArray[np.float64]
    skipped: int
    asks: Sequence[int]
    tables: NDArray[np.uint8]

    def codes_in(self, start: int, stop: int) -> NDArray[np.intp]:
        values = self.column.values[start:stop]
        if len(self.points) <= _FEW_POINTS:
            steps = np.full(len(values), 1, np.uint8)
            for point in self.points:
                steps += values >= point
                steps += values > point
            codes = steps.astype(np.intp)
        else:
            below = np.searchsorted(self.points, values)
            codes = 2 * below + 1
            codes += np.take(self.points, below, mode="clip") == values
        codes += 2 * self.skipped
        if self.column.valid is not None:
            codes[~self.column.valid[start:stop]] = MISSING
        return codes


class _Questions:
    """The literals of a set, made ready for one block."""

    def __init__(self, compiled: CompiledSet, block: Block) -> None:
        self._nodes = len(compiled.nodes)
        self._sources = [_source(literals, block) for literals in compiled.classed]
        self._sources += [_word_source(literals, block) for literals in compiled.words]
        self._compared = [(number, _compared(literal, block)) for number, literal in compiled.compared]

    def bitmaps(self, start: int, stop: int) -> list[Bitmap]:
        """Return a list by node number with the bitmaps of the literals for those rows; other places are empty."""
        maps = [_NOTHING] * self._nodes
        for source in self._sources:
            codes = source.codes_in(start, stop)
            for group, table in enumerate(source.tables):
                answers = np.take(table, codes, mode="wrap")
                for bit, ask in enumerate(source.asks[8 * group : 8 * group + 8]):
                    maps[ask] = _packed(answers & np.uint8(1 << bit))
        for number, true in self._compared:
            maps[number] = _packed(true[start:stop])
        return maps


_NOTHING: Bitmap = np.zeros(0, np.uint64)


def _source(literals: ClassedLiterals, block: Block) -> _ByCode | _ByNumber:
    classes = literals.classes
    column = block.columns[classes.fact.name]
    match classes, column:
        case TextClasses(), TextColumn():
            of_code = np.array([*map(classes.class_of, column.texts), MISSING], np.intp)
            return _ByCode(column.codes, literals.asks, np.ascontiguousarray(literals.tables[:, of_code]))
        case FlagClasses(), FlagColumn():
            return _ByCode(column.codes, literals.asks, literals.tables)
        case NumberClasses(), NumberColumn():
            points, skipped = _points(classes, column)
            return _ByNumber(column, points, skipped, literals.asks, literals.tables)
        case _:
            raise TypeError(f"the block holds {classes.fact.name} in another form")


def _points(classes: NumberClasses, column: NumberColumn) -> tuple[NDArray[np.int64] | NDArray[np.float64], int]:
    """Return the points that a value may reach, and how many lie below all int64 values."""
    if column.values.dtype == np.float64:
        return np.array(classes.points, np.float64), 0
    limits = np.iinfo(np.int64)
    skipped = sum(point < limits.min for point in classes.points)
    return np.array([p for p in classes.points if limits.min <= p <= limits.max], np.int64), skipped


def _word_source(literals: WordLiterals, block: Block) -> _ByCode:
    column = block.columns[literals.fact.name]
    assert isinstance(column, TextColumn)
    tables = np.zeros((-(-len(literals.asks) // 8), len(column.distinct) + 1), np.uint8)
    for number, (phrases, negated) in enumerate(literals.searches):
        true = column.word_index.having(phrases) != negated
        tables[number // 8, :-1] |= true.astype(np.uint8) << (number % 8)
    return _ByCode(column.codes, literals.asks, tables)


def _compared(literal: CompareFact, block: Block) -> NDArray[np.bool_]:
    left, right = block.columns[literal.fact.name], block.columns[literal.other.name]
    if isinstance(left, TextColumn) and isinstance(right, TextColumn):
        return compared_texts(literal, left, right)
    assert isinstance(left, NumberColumn)
    assert isinstance(right, NumberColumn)
    return compared_numbers(literal, left, right)


def _packed(true: NDArray[np.bool_] | NDArray[np.uint8]) -> Bitmap:
    packed = np.packbits(true, bitorder="little")
    short = -len(packed) % 8
    return (np.concatenate([packed, np.zeros(short, np.uint8)]) if short else packed).view(np.uint64)


def _combine(compiled: CompiledSet, maps: list[Bitmap], rows: int) -> None:
    for number, node in enumerate(compiled.nodes):
        match node:
            case Ask():
                pass
            case Known(truth):
                maps[number] = _packed(np.full(rows, truth))
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
