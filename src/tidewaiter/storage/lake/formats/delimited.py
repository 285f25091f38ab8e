"""Delimited text: comma, semicolon, tab or bar; quoted cells may hold line ends, and line numbers stay exact."""

import codecs
import csv
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.csv as pa_csv

from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.core.mapping import FileFormat
from tidewaiter.storage.lake.formats.chunk import CHUNK_ROWS, Chunk, checked_headers, text_chunk

LONGEST_LINE = 1 << 20
BLOCK = 16 << 20
DELIMITERS = (",", ";", "\t", "|")
_MARKS = {
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_RUNAWAY = ("field larger", "unexpected end of data")


@dataclass(frozen=True, slots=True)
class DelimitedFile:
    """A checked text file: its whole content is text of that encoding without NUL or endless lines."""

    path: Path
    encoding: str
    delimiter: str
    headers: tuple[str, ...]
    size: int
    lines: int

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """Read the named columns, some rows at a time; a row with too few or too many cells is a fault."""
        places = [self.headers.index(column) for column in columns]
        return self._quick(places) if self._is_plain() else self._careful(places)

    def _is_plain(self) -> bool:
        """Tell whether every line is one row of the header's width, so that a row's number is its line."""
        try:
            with self._stream([0]) as stream:
                return bool(sum(batch.num_rows for batch in stream) + 1 == self.lines)
        except pa.ArrowException:
            return False

    def _stream(self, places: Sequence[int]) -> pa_csv.CSVStreamingReader:
        names = [f"h{place}" for place in range(len(self.headers))]
        return pa_csv.open_csv(
            self.path,
            read_options=pa_csv.ReadOptions(
                column_names=names, skip_rows=1, block_size=BLOCK, encoding=self.encoding.removesuffix("-sig")
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=self.delimiter, newlines_in_values=True, ignore_empty_lines=True
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=[names[place] for place in places],
                strings_can_be_null=False,
            ),
        )

    def _quick(self, places: Sequence[int]) -> Iterator[Chunk]:
        """Read a plain file: rows are lines, so Arrow's reader may take them in parallel."""
        line = 2
        with self._stream(places or [0]) as stream:
            for batch in stream:
                for start in range(0, batch.num_rows, CHUNK_ROWS):
                    part = batch.slice(start, CHUNK_ROWS)
                    names = [f"c{number}" for number in range(part.num_columns)]
                    lines = pa.array(range(line, line + part.num_rows), pa.int64())
                    line += part.num_rows
                    faults = pa.nulls(part.num_rows, pa.string())
                    yield Chunk(lines, pa.table(part.columns, names=names), faults, (line - 1) / self.lines)

    def _careful(self, places: Sequence[int]) -> Iterator[Chunk]:
        """Read any file row by row: cells over several lines, blank lines, rows too short or too long."""
        with self._open() as file:
            reader = csv.reader(file, delimiter=self.delimiter, strict=True)
            next(reader)
            while True:
                lines, rows, faults = self._rows(reader)
                if not lines:
                    return
                yield text_chunk(lines, rows, faults, places, file.buffer.tell() / max(self.size, 1))  # type: ignore[attr-defined]

    def _open(self) -> IO[str]:
        return self.path.open(encoding=self.encoding, newline="")

    def _rows(self, reader: "csv.Reader") -> tuple[list[int], list[list[str]], dict[int, str]]:  # type: ignore[name-defined]
        width = len(self.headers)
        lines: list[int] = []
        rows: list[list[str]] = []
        faults: dict[int, str] = {}
        last = reader.line_num
        while len(rows) < CHUNK_ROWS:
            try:
                row = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                faults[len(rows)] = self._quoting(error, last + 1, reader.line_num)
                row = [""] * width
            if row:
                if len(row) != width:
                    faults[len(rows)] = f"the row has {len(row)} cells, the header {width}"
                    row = (row + [""] * width)[:width]
                lines.append(last + 1)
                rows.append(row)
            last = reader.line_num
        return lines, rows, faults

    def _quoting(self, error: csv.Error, first: int, last: int) -> str:
        if str(error).startswith(_RUNAWAY):
            raise InputError(
                Problem(
                    "a cell begins here that does not end: it runs on for over 131,072 characters or to the end",
                    Place(str(self.path), first),
                    "look for a quotation mark that is not closed",
                )
            ) from error
        return f"quotation marks do not pair up in lines {first} to {last}: {error}"


def open_delimited(path: Path, form: FileFormat, wanted: Collection[str]) -> DelimitedFile:
    """Return the file, checked from end to end. Raises InputError, with the line, for what is no such text."""
    encoding = "utf-8-sig" if codecs.lookup(form.encoding).name == "utf-8" else form.encoding
    lines = _check_text(path, encoding)
    with path.open(encoding=encoding, newline="") as file:
        delimiter = form.delimiter or _delimiter(file, wanted)
        file.seek(0)
        try:
            headers = next(csv.reader(file, delimiter=delimiter, strict=True), [])
        except csv.Error as error:
            raise InputError(Problem(f"the header cannot be read: {error}", Place(str(path), 1))) from error
    return DelimitedFile(path, encoding, delimiter, checked_headers(path, headers), path.stat().st_size, lines)


def _delimiter(file: IO[str], wanted: Collection[str]) -> str:
    """Return the delimiter under which the header names most of the wanted columns, then most columns."""

    def found(delimiter: str) -> tuple[int, int]:
        file.seek(0)
        try:
            names = [name.strip() for name in next(csv.reader(file, delimiter=delimiter), [])]
        except csv.Error:
            return (0, 0)
        return (len(set(names) & set(wanted)), len(names))

    return max(DELIMITERS, key=found)


def _check_text(path: Path, encoding: str) -> int:
    """Return how many lines the file has; raise InputError at the first byte that is no text of the encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    wide = codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))
    line, tail, offset, block = 1, 0, 0, b""
    with path.open("rb") as file:
        while read := file.read(BLOCK):
            block = read
            if offset == 0 and not wide:
                _check_mark(path, block)
            held = len(decoder.getstate()[0])
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                raise _undecodable(path, encoding, block, error.start - held, line, offset) from error
            if not wide:
                tail = _check_lines(path, block, line, tail)
            line += block.count(b"\n")
            offset += len(block)
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise InputError(Problem(f"the file ends within a character of {encoding}", Place(str(path), line))) from error
    return line - 1 if block.endswith(b"\n") else line


def _check_mark(path: Path, block: bytes) -> None:
    for mark, name in _MARKS.items():
        if block.startswith(mark):
            raise InputError(
                Problem(
                    f"the file is written in {name}",
                    Place(str(path)),
                    f"say 'encoding: {name}' in the mapping, or save it as UTF-8",
                )
            )


def _undecodable(path: Path, encoding: str, block: bytes, at: int, line: int, offset: int) -> InputError:
    at = max(at, 0)
    before = block[:at]
    column = at - (before.rfind(b"\n") + 1) + 1
    return InputError(
        Problem(
            f"byte 0x{block[at]:02x} at position {offset + at:,} is no {encoding.removesuffix('-sig')}",
            Place(str(path), line + before.count(b"\n"), column),
            "name the file's encoding in the mapping (often cp1252 or latin-1), or save it as UTF-8",
        )
    )


def _check_lines(path: Path, block: bytes, line: int, tail: int) -> int:
    """Refuse NUL bytes and endless lines in a block that begins `tail` bytes into a line; return the new tail."""
    nul = block.find(b"\0")
    if nul >= 0:
        place = Place(str(path), line + block.count(b"\n", 0, nul))
        raise InputError(Problem("the file is no text: it holds a NUL byte", place, "give CSV, Excel or Parquet"))
    start, first = 0, True
    while start < len(block):
        # A line end within the limit is the usual case: jump from limit to limit, not from line to line.
        limit = start + LONGEST_LINE - (tail if first else 0)
        end = block.rfind(b"\n", start, max(limit, start) + 1)
        if end < 0:
            rest = len(block) - start + (tail if first else 0)
            if limit >= len(block):
                return rest
            place = Place(str(path), line + block.count(b"\n", 0, start))
            raise InputError(Problem(f"a line is longer than {LONGEST_LINE:,} bytes", place, "is this a CSV file?"))
        start, first = end + 1, False
    return 0
