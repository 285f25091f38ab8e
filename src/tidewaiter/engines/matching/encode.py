"""A block of item rows as arrays the engine can work on: texts as codes, decimals as scaled integers."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, assert_never

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tidewaiter.core.errors import InputError, Problem
from tidewaiter.core.facts import Fact, FactType
from tidewaiter.engines.matching.words import WordIndex

BLOCK_ROWS = 131_072
THREADS = 1
"""Where blocks stream past, a second thread costs more processor time than it saves (decision 0007)."""
HELD_THREADS = 2
"""Where blocks are held open and somebody waits for the answer."""


class TextColumn:
    """A text fact: for each row the number of its text among the distinct ones, -1 when missing."""

    def __init__(self, codes: NDArray[np.int32], distinct: pa.Array) -> None:
        """Take the codes and the distinct texts (a string array without nulls)."""
        self.codes = codes
        self.distinct = distinct
        self._translations: dict[TextColumn, NDArray[np.int32]] = {}

    @cached_property
    def texts(self) -> list[str]:
        """The distinct texts as Python strings."""
        texts: list[str] = self.distinct.to_pylist()
        return texts

    def codes_in(self, other: "TextColumn") -> NDArray[np.int32]:
        """Return for each distinct text its code in another column, -2 where it has none; -2 also for missing."""
        if other not in self._translations:
            numbers = {text: number for number, text in enumerate(other.texts)}
            self._translations[other] = np.array([*(numbers.get(text, -2) for text in self.texts), -2], np.int32)
        return self._translations[other]

    @cached_property
    def word_index(self) -> WordIndex:
        """The words of the distinct texts, ready to be searched."""
        return WordIndex(self.distinct)


class NumberColumn:
    """A numeric or date fact: int64 (scaled, or days since 1970-01-01) or float64; `valid` is None when all are."""

    def __init__(self, values: NDArray[np.int64] | NDArray[np.float64], valid: NDArray[np.bool_] | None) -> None:
        """Take the values (anything where missing) and which are present."""
        self.values = values
        self.valid = valid

    @cached_property
    def largest(self) -> int:
        """The largest magnitude among the values; asked of int64 only."""
        return max(abs(int(self.values.min())), abs(int(self.values.max()))) if len(self.values) else 0


@dataclass(frozen=True, slots=True)
class FlagColumn:
    """A flag: for each row its class (0 missing, 1 false, 2 true)."""

    codes: NDArray[np.uint8]


type Column = TextColumn | NumberColumn | FlagColumn


@dataclass(frozen=True, slots=True)
class Block:
    """Rows ready for the engine, with the columns of the facts asked for."""

    rows: int
    columns: Mapping[str, Column] = field(default_factory=dict)


def encode(batch: pa.RecordBatch, facts: Iterable[Fact], *, threads: int = THREADS) -> Block:
    """Return the block of a batch of the fact table, with these facts.

    Raises InputError naming every fact that the batch lacks or holds in another type.
    """
    wanted = list(facts)
    problems = [problem for fact in wanted if (problem := _mismatch(batch.schema, fact)) is not None]
    if problems:
        raise InputError(problems)
    with ThreadPoolExecutor(threads) as pool:
        columns = pool.map(lambda fact: _column(batch.column(fact.name), fact), wanted)
        return Block(batch.num_rows, dict(zip((fact.name for fact in wanted), columns, strict=True)))


def blocks(batches: Iterable[pa.RecordBatch], facts: Iterable[Fact], *, threads: int = THREADS) -> Iterator[Block]:
    """Encode batches one after another."""
    wanted = tuple(facts)
    return (encode(batch, wanted, threads=threads) for batch in batches)


def _mismatch(schema: pa.Schema, fact: Fact) -> Problem | None:
    index = schema.get_field_index(fact.name)
    if index < 0:
        return Problem(f"the fact table has no column '{fact.name}'", suggestion="build it again with this catalogue")
    found = schema.field(index).type
    if not _readable(fact.type)(found):
        return Problem(f"column '{fact.name}' of the fact table is {found}; a {fact.type} fact was expected")
    return None


def _readable(kind: FactType) -> Callable[[pa.DataType], bool]:
    match kind:
        case FactType.TEXT | FactType.WORDS:
            return _is_text
        case FactType.DECIMAL:
            return lambda found: bool(pa.types.is_decimal(found) or pa.types.is_integer(found))
        case FactType.INTEGER:
            return lambda found: bool(pa.types.is_integer(found))
        case FactType.RATIO:
            return lambda found: bool(pa.types.is_floating(found))
        case FactType.DATE:
            return lambda found: bool(pa.types.is_date32(found))
        case FactType.FLAG:
            return lambda found: bool(pa.types.is_boolean(found))
        case _:
            assert_never(kind)


def _is_text(found: pa.DataType) -> bool:
    if pa.types.is_dictionary(found):
        return _is_text(found.value_type)
    return bool(pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_string_view(found))


def _column(array: pa.Array, fact: Fact) -> Column:
    match fact.type:
        case FactType.TEXT | FactType.WORDS:
            return _text_column(array)
        case FactType.DECIMAL:
            return _whole_column(array, _decimals(array, fact))
        case FactType.INTEGER:
            return _whole_column(array, array.cast(pa.int64()))
        case FactType.DATE:
            return _whole_column(array, array.view(pa.int32()).cast(pa.int64()))
        case FactType.RATIO:
            return _ratio_column(array)
        case FactType.FLAG:
            codes = array.cast(pa.int8()).fill_null(-1).to_numpy(zero_copy_only=False) + np.int8(1)
            return FlagColumn(codes.astype(np.uint8))
        case _:
            assert_never(fact.type)


def _text_column(array: pa.Array) -> TextColumn:
    if not pa.types.is_dictionary(array.type) or array.dictionary.null_count or array.dictionary.type != pa.string():
        array = array.cast(pa.string()).dictionary_encode()
    codes = array.indices.cast(pa.int32()).fill_null(-1).to_numpy(zero_copy_only=False)
    return TextColumn(codes, array.dictionary)


def _whole_column(array: pa.Array, whole: pa.Array | NDArray[np.int64]) -> NumberColumn:
    if isinstance(whole, np.ndarray):
        return NumberColumn(whole, _valid(array))
    return NumberColumn(whole.fill_null(0).to_numpy(zero_copy_only=False), _valid(array))


def _decimals(array: pa.Array, fact: Fact) -> pa.Array | NDArray[np.int64]:
    """Return decimals as int64 of the fact's scale, read straight from the low half of each 128-bit value."""
    if pa.types.is_integer(array.type):
        array = array.cast(pa.decimal128(38, 0))
    kept = pa.decimal128(18, fact.scale)
    if array.type != kept:
        array = array.cast(kept)
    buffer: Any = array.buffers()[1]
    if buffer is None or not len(array):
        return np.zeros(len(array), np.int64)
    halves = np.frombuffer(buffer, np.int64)
    return np.ascontiguousarray(halves[2 * array.offset : 2 * (array.offset + len(array)) : 2])


def _ratio_column(array: pa.Array) -> NumberColumn:
    values = array.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)
    finite = np.isfinite(values)
    return NumberColumn(values, None if finite.all() else finite)


def _valid(array: pa.Array) -> NDArray[np.bool_] | None:
    if not array.null_count:
        return None
    valid: NDArray[np.bool_] = array.is_valid().to_numpy(zero_copy_only=False)
    return valid
