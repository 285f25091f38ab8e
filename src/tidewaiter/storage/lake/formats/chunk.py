"""What every file format gives: headers, and rows by the chunk with the line each came from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from tidewaiter.core.errors import InputError, Place, Problem

CHUNK_ROWS = 49_152
"""Rows held as Python text at a time: some 150 MB at sixty columns."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a file. `cells` has one column per column asked for, in that order, of text or of the file's type.

    `lines` is where each row begins, counted from 1 (Parquet: the number of the row). `faults` says for each row why it
    cannot be used as a row (null for nearly all); the cells of such a row are filled up with absent ones. `done` is the
    share of the file read so far, 0 to 1.
    """

    lines: pa.Array
    cells: pa.Table
    faults: pa.Array
    done: float


class InputFile(Protocol):
    """A file opened for reading, whatever its format."""

    @property
    def headers(self) -> tuple[str, ...]:
        """Return the names of the columns, in order."""

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """Read the named columns, some rows at a time. Raises InputError where the file ceases to be readable."""


def checked_headers(path: Path, headers: Sequence[str], line: int = 1) -> tuple[str, ...]:
    """Return the headers without outer white space. Raises InputError when two columns bear one name, or none has."""
    named = tuple(header.strip() for header in headers)
    twice = sorted({name for name in named if name and named.count(name) > 1})
    if twice:
        raise InputError(
            Problem(
                f"column {name!r} stands {named.count(name)} times in the header",
                Place(str(path), line),
                "rename or remove all but one",
            )
            for name in twice
        )
    if not any(named):
        raise InputError(Problem("the header has no column names", Place(str(path), line)))
    return named


def text_chunk(
    lines: list[int], rows: list[list[str]], faults: dict[int, str], places: Sequence[int], done: float
) -> Chunk:
    """Return the chunk of these rows; `places` are the positions of the columns asked for, `faults` are by row."""
    cells = [pa.array([row[place] for row in rows], pa.string()) for place in places]
    said = (
        pa.array([faults.get(number) for number in range(len(rows))], pa.string())
        if faults
        else pa.nulls(len(rows), pa.string())
    )
    names = [f"c{number}" for number in range(len(places))]
    table = pa.table(cells, names=names) if cells else pa.table({"none": pa.nulls(len(rows))})
    return Chunk(pa.array(lines, pa.int64()), table, said, done)
