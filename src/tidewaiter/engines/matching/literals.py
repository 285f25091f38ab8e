"""The distinct literals of a set asked of a block of rows, a chunk at a time: one packed bitmap for each.

Literals about a text are looked up, up to 64 in one step, by the code of each row's text. Literals about a number are
one comparison of the whole chunk.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidewaiter.core.condition import Between, Compare, CompareFact, Condition, Constant, IsMissing, Not, OneOf
from tidewaiter.core.facts import Fact
from tidewaiter.engines.matching.classes import MISSING, TextClasses, number, table_type
from tidewaiter.engines.matching.comparison import OPERATORS, compared_numbers, compared_texts
from tidewaiter.engines.matching.compile import ClassedLiterals, CompiledSet, NumberLiterals, WordLiterals
from tidewaiter.engines.matching.encode import Block, FlagColumn, NumberColumn, TextColumn

type Bitmap = NDArray[np.uint64]
"""One bit a row, the first row lowest; bits beyond the last row are 0."""

type Truths = NDArray[np.bool_] | NDArray[np.uint8]
"""One byte a row, true where not 0."""

_FEW_VALUES = 6


def packed(true: Truths) -> Bitmap:
    """Return truths as a bitmap."""
    found = np.packbits(true, bitorder="little")
    short = -len(found) % 8
    return (np.concatenate([found, np.zeros(short, np.uint8)]) if short else found).view(np.uint64)


class Questions:
    """The literals of a set, made ready for one block. Chunks may be asked from several threads."""

    def __init__(self, compiled: CompiledSet, block: Block) -> None:
        """Read the block's distinct texts; rows are not touched yet."""
        self._nodes = len(compiled.nodes)
        self._sources: list[_ByCode | _ByNumber | _ByBoth] = [_by_code(asked, block) for asked in compiled.classed]
        self._sources += [_by_word(asked, block) for asked in compiled.words]
        self._sources += [_by_number(asked, block) for asked in compiled.numbers]
        self._sources += [_ByBoth(node, literal, block) for node, literal in compiled.compared]

    def bitmaps(self, start: int, stop: int) -> list[Bitmap]:
        """Return a list by node number with the bitmaps of the literals for those rows; other places are empty."""
        maps = [_NOTHING] * self._nodes
        for source in self._sources:
            source.answer(start, stop, maps)
        return maps


_NOTHING: Bitmap = np.zeros(0, np.uint64)


@dataclass(frozen=True, slots=True)
class _ByCode:
    """Literals read off tables by the code of each row (-1 is the last); bit j of table g answers literal 64 g + j."""

    codes: NDArray[np.int32] | NDArray[np.uint8]
    asks: Sequence[int]
    tables: NDArray[Any]

    def answer(self, start: int, stop: int, maps: list[Bitmap]) -> None:
        codes = self.codes[start:stop].astype(np.intp)
        width = self.tables.itemsize
        for group, table in enumerate(self.tables):
            asks = self.asks[8 * width * group : 8 * width * (group + 1)]
            answers = np.take(table, codes, mode="wrap").view(np.uint8).reshape(len(codes), width)
            for byte in range(-(-len(asks) // 8)):
                eight = np.ascontiguousarray(answers[:, byte])
                for bit, ask in enumerate(asks[8 * byte : 8 * byte + 8]):
                    maps[ask] = packed(eight & np.uint8(1 << bit))


@dataclass(frozen=True, slots=True)
class _ByNumber:
    """Literals about a number or a date: of each whether it is NOT of what follows."""

    column: NumberColumn
    fact: Fact
    asks: Sequence[tuple[int, Condition, bool]]

    def answer(self, start: int, stop: int, maps: list[Bitmap]) -> None:
        values = self.column.values[start:stop]
        valid = None if self.column.valid is None else packed(self.column.valid[start:stop])
        for ask, literal, negated in self.asks:
            true = self._true(literal, values, start, stop)
            found = packed(~true if negated else true)
            maps[ask] = found if valid is None or isinstance(literal, IsMissing) else found & valid

    def _true(self, literal: Condition, values: NDArray[Any], start: int, stop: int) -> NDArray[np.bool_]:
        true: NDArray[np.bool_]
        match literal:
            case Compare(_, op, value):
                true = OPERATORS[op](values, self._held(value))
            case Between(_, low, high):
                true = (values >= self._held(low)) & (values <= self._held(high))
            case OneOf(_, several):
                true = self._among(values, [self._held(value) for value in several])
            case IsMissing():
                valid = self.column.valid
                true = np.zeros(len(values), np.bool_) if valid is None else ~valid[start:stop]
            case _:
                raise TypeError(f"{literal!r} cannot be asked of a number or a date")
        return true

    def _among(self, values: NDArray[Any], several: Sequence[float]) -> NDArray[np.bool_]:
        if len(several) > _FEW_VALUES:
            found: NDArray[np.bool_] = np.isin(
                values, np.array([held for held in several if _fits(held)], values.dtype)
            )
        else:
            found = np.logical_or.reduce([values == held for held in several])
        return found

    def _held(self, value: Constant) -> float:
        return number(value, self.fact)


def _fits(held: Any) -> bool:
    return isinstance(held, float) or -(2**63) <= held < 2**63


@dataclass(frozen=True, slots=True)
class _ByBoth:
    """A fact against a factor times another."""

    ask: int
    literal: CompareFact
    block: Block

    def answer(self, start: int, stop: int, maps: list[Bitmap]) -> None:
        left, right = self.block.columns[self.literal.fact.name], self.block.columns[self.literal.other.name]
        if isinstance(left, TextColumn) and isinstance(right, TextColumn):
            maps[self.ask] = packed(compared_texts(self.literal, left, right, start, stop))
        elif isinstance(left, NumberColumn) and isinstance(right, NumberColumn):
            maps[self.ask] = packed(compared_numbers(self.literal, left, right, start, stop))
        else:
            raise TypeError(f"the block holds {self.literal.fact.name} and {self.literal.other.name} in two forms")


def _by_code(literals: ClassedLiterals, block: Block) -> _ByCode:
    classes = literals.classes
    column = block.columns[classes.fact.name]
    if isinstance(column, FlagColumn):
        return _ByCode(column.codes, literals.asks, literals.tables)
    assert isinstance(column, TextColumn)
    assert isinstance(classes, TextClasses)
    of_code = np.append(classes.classes_of(column.texts), MISSING)
    return _ByCode(column.codes, literals.asks, np.ascontiguousarray(literals.tables[:, of_code]))


def _by_word(literals: WordLiterals, block: Block) -> _ByCode:
    column = block.columns[literals.fact.name]
    assert isinstance(column, TextColumn)
    width = table_type(len(literals.asks)).itemsize * 8
    tables = np.zeros((-(-len(literals.asks) // width), len(column.distinct) + 1), table_type(len(literals.asks)))
    for place, (phrases, negated) in enumerate(literals.searches):
        table, bit = tables[place // width], tables.dtype.type(1 << place % width)
        found = column.word_index.having(phrases)
        if negated:
            table[:-1] |= bit
            table[found] &= ~bit
        else:
            table[found] |= bit
    return _ByCode(column.codes, literals.asks, tables)


def _by_number(literals: NumberLiterals, block: Block) -> _ByNumber:
    column = block.columns[literals.fact.name]
    assert isinstance(column, NumberColumn)
    asks = [
        (node, literal.term, True) if isinstance(literal, Not) else (node, literal, False)
        for node, literal in literals.asks
    ]
    return _ByNumber(column, literals.fact, asks)
