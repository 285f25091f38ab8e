"""How many items each two conditions hit together, counted block by block, exactly.

Conditions that hit many rows are multiplied as matrices; those that hit few are paired row by row from lists. The
matrix product is of 0 and 1 in float32 over so few rows at a time that every sum is a whole number float32 holds.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tidewaiter.engines.bitmaps import Hits

_DENSE_SHARE = 0.01
"""Above this share of a block's rows a condition is counted as dense; where the two ways cost about the same."""

_PRODUCT_ROWS = 16_384
_BYTE_ROWS = 255


class Overlap:
    """Counts of items hit together by every two conditions of a set."""

    def __init__(self, names: Sequence[str]) -> None:
        """Start at zero for conditions of these names."""
        self.names = tuple(names)
        self._together = np.zeros((len(self.names), len(self.names)), np.int64)

    def add(self, hits: Hits) -> None:
        """Count a block. Its names must be those of this overlap, in their order."""
        assert hits.names == self.names
        counts = hits.counts()
        is_dense = counts > _DENSE_SHARE * hits.rows
        dense, sparse = np.flatnonzero(is_dense), np.flatnonzero(~is_dense & (counts > 0))
        table = _by_row(hits, dense)
        self._together[np.ix_(dense, dense)] += _products(table)
        lists = [_rows_hit(hits.bits[index]) for index in sparse]
        crossed = np.array([_sum_of_rows(table, rows) for rows in lists], np.int64).reshape(len(sparse), len(dense))
        self._together[np.ix_(sparse, dense)] += crossed
        self._together[np.ix_(dense, sparse)] += crossed.T
        self._together[np.ix_(sparse, sparse)] += _paired(lists)

    def matrix(self) -> NDArray[np.int64]:
        """Return items hit together, conditions by conditions in the order of `names`; the diagonal has each one's."""
        return self._together.copy()


def _rows_hit(bits: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the places of the set bits, rising; quick where most words are empty."""
    words = np.flatnonzero(bits)
    if 8 * len(words) > len(bits):
        return np.flatnonzero(np.unpackbits(bits.view(np.uint8), bitorder="little"))
    within = np.unpackbits(bits[words].view(np.uint8), bitorder="little").reshape(len(words), 64)
    word, bit = np.nonzero(within)
    places: NDArray[np.int64] = 64 * words[word] + bit
    return places


def _by_row(hits: Hits, chosen: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return rows by chosen conditions as 0 and 1."""
    table = np.empty((hits.rows, len(chosen)), np.uint8)
    packed = hits.bits.view(np.uint8)[chosen]
    for start in range(0, hits.rows, _PRODUCT_ROWS):
        stop = min(start + _PRODUCT_ROWS, hits.rows)
        some = packed[:, start // 8 : -(-stop // 8)]
        table[start:stop] = np.unpackbits(some, axis=1, count=stop - start, bitorder="little").T
    return table


def _products(table: NDArray[np.uint8]) -> NDArray[np.int64]:
    total = np.zeros((table.shape[1], table.shape[1]), np.int64)
    for start in range(0, len(table), _PRODUCT_ROWS):
        some = table[start : start + _PRODUCT_ROWS].astype(np.float32)
        total += (some.T @ some).astype(np.int64)
    return total


def _sum_of_rows(table: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the column sums over some rows; bytes are added in groups too small to overflow one."""
    some = table[rows]
    full = len(rows) - len(rows) % _BYTE_ROWS
    grouped = some[:full].reshape(full // _BYTE_ROWS, _BYTE_ROWS, table.shape[1]).sum(axis=1, dtype=np.uint8)
    total: NDArray[np.int64] = grouped.sum(axis=0, dtype=np.int64) + some[full:].sum(axis=0, dtype=np.uint8)
    return total


def _paired(lists: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return how often each two of the row lists hold the same row, as a symmetric matrix."""
    count = len(lists)
    if not count:
        return np.zeros((0, 0), np.int64)
    keys = np.sort(np.concatenate([found * count + number for number, found in enumerate(lists)]))
    row, number = np.divmod(keys, count)
    total = np.bincount(number * count + number, minlength=count * count)
    first, step = np.arange(len(keys)), 1
    while len(first):
        first = first[first + step < len(keys)]
        first = first[row[first] == row[first + step]]
        total += np.bincount(number[first] * count + number[first + step], minlength=count * count)
        step += 1
    upper = total.reshape(count, count)
    return upper + upper.T - np.diag(upper.diagonal())
