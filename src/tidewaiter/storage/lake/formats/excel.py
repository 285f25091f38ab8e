"""Excel workbooks. A workbook is a zip file, so its sizes are checked before anything is unpacked into memory."""

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import batched
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.core.mapping import FileFormat
from tidewaiter.storage.lake.formats.chunk import CHUNK_ROWS, Chunk, checked_headers, text_chunk

LARGEST_UNPACKED = 512 << 20
MOST_PARTS = 10_000
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class ExcelFile:
    """One sheet of a workbook that was found to be of bearable size. Its first row with cells is the header."""

    path: Path
    sheet: str
    decimal_mark: str
    headers: tuple[str, ...]

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """Read the named columns, some rows at a time; the line is the row's number in the sheet."""
        places = [self.headers.index(column) for column in columns]
        sheet = _workbook(self.path).get_sheet_by_name(self.sheet)
        first, total, width = _first_row(sheet), max(sheet.total_height, 1), len(self.headers)
        numbered = enumerate(sheet.iter_rows(), start=1)
        filled = ((line, row) for line, row in numbered if line > first and any(cell != "" for cell in row))
        for part in batched(filled, CHUNK_ROWS):
            rows = [[cell_text(cell, self.decimal_mark) for cell in row][:width] for _, row in part]
            rows = [row + [""] * (width - len(row)) for row in rows]
            yield text_chunk([line for line, _ in part], rows, {}, places, part[-1][0] / total)


def open_excel(path: Path, form: FileFormat) -> ExcelFile:
    """Return the mapping's sheet, else the first. Raises InputError when the file is no workbook, or a bomb."""
    if zipfile.is_zipfile(path):
        check_unpacked_size(path)
    book = _workbook(path)
    if not book.sheet_names:
        raise InputError(Problem("the workbook has no sheet", Place(str(path))))
    name = form.sheet or book.sheet_names[0]
    if name not in book.sheet_names:
        sheets = ", ".join(repr(sheet) for sheet in book.sheet_names)
        raise InputError(Problem(f"the workbook has no sheet {name!r}", Place(str(path)), f"it has {sheets}"))
    sheet = book.get_sheet_by_name(name)
    first = _first_row(sheet)
    header = next((row for line, row in enumerate(sheet.iter_rows(), start=1) if line == first), None)
    if header is None:
        raise InputError(Problem(f"sheet {name!r} is empty", Place(str(path))))
    headers = checked_headers(path, [cell_text(cell, ".") for cell in header], first)
    return ExcelFile(path, name, form.decimal_mark, headers)


def check_unpacked_size(path: Path) -> None:
    """Raise InputError when the workbook says it is, or is, larger unpacked than we will hold."""
    try:
        with zipfile.ZipFile(path) as packed:
            parts = packed.infolist()
            said = sum(part.file_size for part in parts)
            if said > LARGEST_UNPACKED or len(parts) > MOST_PARTS:
                raise InputError(
                    Problem(
                        f"the workbook unpacks to {said:,} bytes in {len(parts):,} parts; at most "
                        f"{LARGEST_UNPACKED:,} bytes in {MOST_PARTS:,} parts are read",
                        Place(str(path)),
                        "save the sheet as CSV or Parquet",
                    )
                )
            for part in parts:
                _unpack(packed, part)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise InputError(Problem(f"the workbook is damaged: {error}", Place(str(path)))) from error


def _unpack(packed: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Unpack one part and throw it away: a part that lies about its size fails its check sum."""
    with packed.open(part) as content:
        while content.read(_BLOCK):
            pass


def _workbook(path: Path) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_path(path)
    except (CalamineError, OSError, ValueError) as error:
        raise InputError(Problem(f"the workbook cannot be read: {error}", Place(str(path)))) from error


def _first_row(sheet: CalamineSheet) -> int:
    """Return the number of the first row that has cells, from 1."""
    return next((line for line, row in enumerate(sheet.iter_rows(), start=1) if any(cell != "" for cell in row)), 1)


def cell_text(cell: Any, decimal_mark: str) -> str:
    """Return a cell as the text that a CSV of the same sheet would hold; a whole number has no decimals."""
    match cell:
        case bool():
            return "true" if cell else "false"
        case float() if cell.is_integer() and abs(cell) < 1e15:
            return str(int(cell))
        case float():
            return repr(cell).replace(".", decimal_mark)
        case datetime() if cell.time() == time(0):
            return cell.date().isoformat()
        case datetime():
            return cell.isoformat(sep=" ")
        case date() | time():
            return cell.isoformat()
        case _:
            return str(cell)
