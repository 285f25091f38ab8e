"""Figures by entity, held compactly: a digest of each name, sorted, and a row of whole numbers.

A name is known by 96 bits of its MD5 digest (a name given by a stranger could at worst find another's figures, and two
names that meet by chance are expected once in 10^28 pairs), so that no text is held. Each entity takes 12 bytes and
4 or 8 for every figure.
"""

from collections.abc import Mapping, Sequence
from hashlib import md5
from struct import unpack

import numpy as np
import numpy.typing as npt
import pyarrow as pa

DIGESTS = "md5_number_lower({name}) AS key, CAST(md5_number_upper({name}) % 4294967296 AS UINTEGER) AS mark"
"""The two columns of an entity's digest, as DuckDB gives them."""

_REMEMBERED = 200_000

type Integers = npt.NDArray[np.int32] | npt.NDArray[np.int64]


def digest(name: str) -> tuple[int, int]:
    """Return the two parts of a name's digest, as DIGESTS gives them."""
    halves: tuple[int, int] = unpack("<QQ", md5(name.encode(), usedforsecurity=False).digest())
    return halves[1], halves[0] & 0xFFFFFFFF


class Figures:
    """The figures of one kind of entity: for every entity known a row, for all others the row of `unseen`."""

    __slots__ = ("_figures", "_keys", "_marks", "_missing", "_remembered", "names")

    def __init__(self, table: pa.Table, unseen: Mapping[str, int | None]) -> None:
        """Take a table of key and mark (see DIGESTS) and the figures named by `unseen`, its integers.

        `unseen` gives what an entity that is not in the table has. A missing figure is None.
        """
        self.names = tuple(unseen)
        order = np.argsort(table["key"].to_numpy(), kind="stable")
        self._keys = table["key"].to_numpy()[order]
        self._marks = table["mark"].to_numpy()[order]
        self._figures = _matrix(table, order, unseen)
        self._missing = [i for i, default in enumerate(unseen.values()) if default is None]
        self._remembered: dict[str | None, int] = {}

    @property
    def bytes_held(self) -> int:
        """Return the bytes of the columns."""
        return int(self._keys.nbytes + self._marks.nbytes + self._figures.nbytes)

    def __len__(self) -> int:
        """Return how many entities are known."""
        return len(self._keys)

    def columns_of(self, names: Sequence[str | None]) -> list[list[int | None]]:
        """Return the figures of each name, a column a figure; None where the name or the figure is missing."""
        remembered = self._remembered
        unknown = [name for name in set(names) if name not in remembered]
        if unknown:
            if len(remembered) > _REMEMBERED:
                remembered.clear()
                unknown = list(set(names))
            remembered.update(zip(unknown, self._places(unknown), strict=True))
        places = [remembered[name] for name in names]
        columns: list[list[int | None]] = self._figures[:, places].tolist()
        for i in self._missing if None not in names else range(len(columns)):
            columns[i] = [None if value == MISSING else value for value in columns[i]]
        return columns

    def _places(self, names: Sequence[str | None]) -> list[int]:
        """Return the row of each name; behind those known there are one of the unseen and one of the missing."""
        digests = [digest(name) if name is not None else (0, 0) for name in names]
        keys = np.array([low for low, _ in digests], np.uint64)
        places = np.searchsorted(self._keys, keys)
        return [self._place(name, at, *parts) for name, at, parts in zip(names, places.tolist(), digests, strict=True)]

    def _place(self, name: str | None, at: int, key: int, mark: int) -> int:
        size = len(self._keys)
        if name is None:
            return size + 1
        while at < size and self._keys[at] == key:
            if self._marks[at] == mark:
                return at
            at += 1
        return size


def _matrix(table: pa.Table, order: npt.NDArray[np.int64], unseen: Mapping[str, int | None]) -> Integers:
    """Return a row a figure, with what the unseen and the missing have at the end."""
    columns = [table[name].fill_null(MISSING).to_numpy()[order] for name in unseen]
    narrow = all(not len(column) or (column.min() >= MISSING and column.max() < 1 << 31) for column in columns)
    matrix: Integers = np.full((len(unseen), len(order) + 2), MISSING, np.int32 if narrow else np.int64)
    for i, (column, default) in enumerate(zip(columns, unseen.values(), strict=True)):
        matrix[i, :-2] = column
        matrix[i, -2] = MISSING if default is None else default
    return matrix


MISSING = -(1 << 31)
"""Stands for a figure that is missing."""
