"""Figures by entity, held compactly: a digest of each name, sorted, and a row of whole numbers.

A name is known by 96 bits of its MD5 digest (a name given by a stranger could at worst find another's figures, and two
names that meet by chance are expected once in 10^28 pairs), so that no text is held. Each entity takes 12 bytes and
4 or 8 for every figure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import md5
from struct import unpack

import numpy as np
import numpy.typing as npt
import pyarrow as pa

DIGESTS = "md5_number_lower({name}) AS key, CAST(md5_number_upper({name}) % 4294967296 AS UINTEGER) AS mark"
"""The two columns of an entity's digest, as DuckDB gives them."""

_REMEMBERED = 10_000
"""Entities of a kind whose figures are kept at hand as Python values."""

type Integers = npt.NDArray[np.int32] | npt.NDArray[np.int64]


def digest(name: str) -> tuple[int, int]:
    """Return the two parts of a name's digest, as DIGESTS gives them."""
    halves: tuple[int, int] = unpack("<QQ", md5(name.encode(), usedforsecurity=False).digest())
    return halves[1], halves[0] & 0xFFFFFFFF


class Figures:
    """The figures of one kind of entity: for every entity known a row, for all others the row of `unseen`."""

    __slots__ = ("_figures", "_keys", "_marks", "_remembered", "_unseen", "names")

    def __init__(self, table: pa.Table, unseen: Mapping[str, int | None]) -> None:
        """Take a table of key and mark (see DIGESTS) and the figures named by `unseen`, its integers.

        `unseen` gives what an entity that is not in the table has. A missing figure is None.
        """
        self.names = tuple(unseen)
        order = np.argsort(table["key"].to_numpy(), kind="stable")
        self._keys = table["key"].to_numpy()[order]
        self._marks = table["mark"].to_numpy()[order]
        self._figures = _matrix(table, order, self.names)
        self._unseen = tuple(unseen.values())
        self._remembered: dict[str | None, tuple[int | None, ...]] = {}

    @property
    def bytes_held(self) -> int:
        """Return the bytes of the columns."""
        return int(self._keys.nbytes + self._marks.nbytes + self._figures.nbytes)

    def __len__(self) -> int:
        """Return how many entities are known."""
        return len(self._keys)

    def columns_of(self, names: Sequence[str | None]) -> list[tuple[int | None, ...]]:
        """Return the figures of each name, a column a figure; None where the name or the figure is missing."""
        remembered = self._remembered
        unknown = {name for name in names if name not in remembered}
        if unknown:
            if len(remembered) > _REMEMBERED:
                remembered.clear()
                unknown = set(names)
            remembered.update(self._found(unknown))
        return list(zip(*[remembered[name] for name in names], strict=True))

    def _found(self, names: Iterable[str | None]) -> Iterator[tuple[str | None, tuple[int | None, ...]]]:
        """Give each name with its figures, as Python values."""
        listed = [name for name in names if name is not None]
        digests = [digest(name) for name in listed]
        starts = np.searchsorted(self._keys, np.array([key for key, _ in digests], np.uint64)).tolist()
        for name, start, parts in zip(listed, starts, digests, strict=True):
            place = self._place(start, *parts)
            if place is None:
                yield name, self._unseen
            else:
                yield name, tuple([None if figure == MISSING else figure for figure in self._figures[place].tolist()])
        yield None, (None,) * len(self.names)

    def _place(self, at: int, key: int, mark: int) -> int | None:
        while at < len(self._keys) and self._keys[at] == key:
            if self._marks[at] == mark:
                return at
            at += 1
        return None


def _matrix(table: pa.Table, order: npt.NDArray[np.int64], names: Sequence[str]) -> Integers:
    """Return a row an entity, in that order, with its figures."""
    columns = [table[name].fill_null(MISSING).to_numpy() for name in names]
    narrow = all(not len(column) or (column.min() >= MISSING and column.max() < 1 << 31) for column in columns)
    matrix: Integers = np.empty((len(order), len(names)), np.int32 if narrow else np.int64)
    for i, column in enumerate(columns):
        matrix[:, i] = column[order]
    return matrix


MISSING = -(1 << 31)
"""Stands for a figure that is missing."""
