"""How many items each two conditions hit together, counted block by block, exactly.

Two conditions that hit many rows are counted by the bits their bitmaps share; one that hits few looks only at the words
where it has a bit; two that hit few are paired row by row from lists.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from tidewaiter.engines.matching.bitmaps import Hits
from tidewaiter.engines.matching.encode import HELD_THREADS

_DENSE_SHARE = 0.01
"""Above this share of a block's rows a condition is counted as hitting many; there the ways cost about the same."""


class Overlap:
    """Counts of items hit together by every two conditions of a set."""

    def __init__(self, names: Sequence[str], *, threads: int = HELD_THREADS) -> None:
        """Start at zero for conditions of these names."""
        self.names = tuple(names)
        self._threads = threads
        self._together = np.zeros((len(self.names), len(self.names)), np.int64)

    def add(self, hits: Hits) -> None:
        """Count a block. Its names must be those of this overlap, in their order."""
        assert hits.names == self.names
        counts = hits.counts()
        many = counts > _DENSE_SHARE * hits.rows
        dense, sparse = np.flatnonzero(many), np.flatnonzero(~many & (counts > 0))
        maps = hits.bits[dense]
        by_word = np.ascontiguousarray(maps.T)
        with ThreadPoolExecutor(self._threads) as pool:
            shared = pool.map(lambda place: _shared(maps, place), range(len(dense)))
            for place, found in enumerate(shared):
                self._count(dense[place : place + 1], dense[place:], found)
            crossed = pool.map(lambda index: _crossed(by_word, hits.bits[index]), sparse)
            for index, found in zip(sparse, crossed, strict=True):
                self._count(np.array([index]), dense, found)
            lists = list(pool.map(lambda index: hits.rows_of(int(index)), sparse))
        self._together[np.ix_(sparse, sparse)] += _paired(lists)

    def matrix(self) -> NDArray[np.int64]:
        """Return items hit together, conditions by conditions in the order of `names`; the diagonal has each one's."""
        return self._together.copy()

    def _count(self, one: NDArray[np.int64], others: NDArray[np.int64], found: NDArray[np.int64]) -> None:
        """Add what one condition shares with others, both ways round, the condition itself once."""
        self._together[one, others] += found
        different = others != one
        self._together[others[different], one] += found[different]


def _shared(maps: NDArray[np.uint64], place: int) -> NDArray[np.int64]:
    """Return how many bits one bitmap shares with itself and each after it."""
    shared: NDArray[np.int64] = np.bitwise_count(maps[place:] & maps[place]).sum(axis=1, dtype=np.int64)
    return shared


def _crossed(by_word: NDArray[np.uint64], few: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return how many bits a nearly empty bitmap shares with each of others, these given words by bitmaps."""
    words = np.flatnonzero(few)
    shared: NDArray[np.int64] = np.bitwise_count(by_word[words] & few[words, None]).sum(axis=0, dtype=np.int64)
    return shared


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
