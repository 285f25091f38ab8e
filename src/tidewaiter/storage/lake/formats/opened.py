"""Opening an input file by what it is, not by what its name says."""

from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path

from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.core.mapping import FileFormat
from tidewaiter.storage.lake.formats.chunk import InputFile
from tidewaiter.storage.lake.formats.delimited import open_delimited
from tidewaiter.storage.lake.formats.excel import open_excel
from tidewaiter.storage.lake.formats.parquet import open_parquet

_ZIP, _OLD_EXCEL, _PARQUET = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PAR1"
_NOT_OURS = {
    b"\x1f\x8b": "gzip",
    b"%PDF": "PDF",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"7z\xbc\xaf": "7-Zip",
}


def open_input(path: Path, form: FileFormat, wanted: Collection[str] = ()) -> InputFile:
    """Return the file, opened as Parquet, Excel or delimited text; `wanted` columns help to find the delimiter.

    Raises InputError when there is no such file, or it is none of these.
    """
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except FileNotFoundError:
        raise InputError(Problem("there is no such file", Place(str(path)))) from None
    except IsADirectoryError:
        raise InputError(Problem("this is a folder, not a file", Place(str(path)), "name one file")) from None
    except OSError as error:
        raise InputError(Problem(f"the file cannot be read: {error.strerror}", Place(str(path)))) from error
    if not start:
        raise InputError(Problem("the file is empty", Place(str(path))))
    if start.startswith(_PARQUET):
        return open_parquet(path)
    if start.startswith((_ZIP, _OLD_EXCEL)):
        return open_excel(path, form)
    for mark, kind in _NOT_OURS.items():
        if start.startswith(mark):
            raise InputError(
                Problem(f"this is a {kind} file", Place(str(path)), "unpack it, or give CSV, Excel or Parquet")
            )
    return open_delimited(path, form, wanted)


def check_columns(file: InputFile, path: Path, required: Collection[str]) -> None:
    """Raise InputError naming every required column that the file has not, with the header nearest to it."""
    problems = []
    for name in sorted(set(required) - set(file.headers)):
        near = get_close_matches(name, file.headers, n=1)
        advice = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(h for h in file.headers if h)}"
        problems.append(Problem(f"the file has no column {name!r}", Place(str(path), 1), advice))
    if problems:
        raise InputError(problems)
