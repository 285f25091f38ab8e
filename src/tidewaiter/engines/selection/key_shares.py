"""The share a custodian keeps, as a short text that can be printed and typed again.

Spaces and case in its digits do not matter; its check finds a mistyped line.
"""

import re
from collections.abc import Iterable
from datetime import date
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.engines.selection.keys import Custodian, Share
from tidewaiter.engines.selection.secret_files import create_secret, read_secret

TITLE = "tidewaiter draw share, form 1"

_REMARK = "# Half of the secret behind the draw. Keep it apart from the other half; let no one else read or copy it."
_ADVICE = "compare it with the custodian's own copy"
_GROUP = 8
_FORMS = {
    "custodian": (re.compile("[12]of2"), "`1 of 2` or `2 of 2`"),
    "pair": (re.compile("[0-9a-f]{32}"), "32 hexadecimal digits"),
    "from": (re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}"), "a day as YYYY-MM-DD"),
    "secret": (re.compile("[0-9a-f]{64}"), "64 hexadecimal digits"),
    "check": (re.compile("[0-9a-f]{8}"), "8 hexadecimal digits"),
}


class _Line(NamedTuple):
    """One line of a share: its number, its name, and its value without spaces in lower case."""

    number: int
    name: str
    value: str


def share_text(share: Share) -> str:
    """Return a share as the text its custodian keeps."""
    digits = share.secret.hex()
    return (
        f"{TITLE}\n{_REMARK}\n"
        f"custodian: {share.custodian} of 2\n"
        f"pair: {share.pair}\n"
        f"from: {share.from_day}\n"
        f"secret: {' '.join(digits[start : start + _GROUP] for start in range(0, len(digits), _GROUP))}\n"
        f"check: {_check(share)}\n"
    )


def _check(share: Share) -> str:
    """Return the eight digits by which a mistyped share is found."""
    text = f"{TITLE}\n{share.custodian}\n{share.pair}\n{share.from_day}\n{share.secret.hex()}"
    return sha256(text.encode()).hexdigest()[:_GROUP]


def parse_share(text: str, file: str | None = None) -> Share:
    """Return the share that a text holds. Raises InputError with every problem and its line; none tells the secret."""
    title, *rest = text.removeprefix("\ufeff").splitlines() or [""]
    if title.strip() != TITLE:
        advice = f"the first line of a share is `{TITLE}`"
        raise InputError(Problem("this is not a share of the draw's secret", Place(file, 1), advice))
    lines = _lines(rest)
    problems = _problems(lines, file)
    if problems:
        raise InputError(problems)
    values = {line.name: line.value for line in lines}
    custodian: Custodian = 1 if values["custodian"].startswith("1") else 2
    secret = bytearray.fromhex(values["secret"])
    share = Share(values["pair"], custodian, date.fromisoformat(values["from"]), secret)
    if _check(share) != values["check"]:
        place = Place(file, next(line.number for line in lines if line.name == "check"))
        raise InputError(Problem("the check does not fit: a line was mistyped or damaged", place, _ADVICE))
    return share


def _lines(texts: Iterable[str]) -> list[_Line]:
    """Return the lines after the title; blank lines and remarks are left out."""
    return [
        _Line(number, name.strip().lower(), "".join(value.split()).lower())
        for number, text in enumerate(texts, 2)
        for name, _, value in [text.partition(":")]
        if text.strip() and not text.lstrip().startswith("#")
    ]


def _problems(lines: list[_Line], file: str | None) -> list[Problem]:
    """Return everything that keeps the lines from being a share, by line."""
    problems = []
    seen: set[str] = set()
    for line in lines:
        fault = _fault(line, seen)
        if fault:
            problems.append(Problem(fault[0], Place(file, line.number), fault[1]))
        seen.add(line.name)
    missing = [
        Problem(f"the line `{name}: ...` is missing", Place(file), _ADVICE) for name in _FORMS if name not in seen
    ]
    return problems + missing


def _fault(line: _Line, seen: set[str]) -> tuple[str, str] | None:
    """Return what is wrong with one line and what to do about it; None where it is as it should be."""
    if line.name not in _FORMS:
        near = get_close_matches(line.name, _FORMS, 1)
        known = f"did you mean `{near[0]}: ...`?" if near else f"its lines are {', '.join(_FORMS)}"
        return "this is no line of a share", known
    if line.name in seen:
        return f"the line `{line.name}: ...` stands twice", _ADVICE
    form, said = _FORMS[line.name]
    if not form.fullmatch(line.value) or (line.name == "from" and not _is_day(line.value)):
        return f"{line.name} must be {said}; {len(line.value)} characters stand here", _ADVICE
    return None


def _is_day(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def write_share(share: Share, path: Path) -> None:
    """Write a share to a new file that its owner alone may read. Raises InputError where the file exists already."""
    create_secret(path, share_text(share).encode())


def read_share(path: Path) -> Share:
    """Return the share of a file. Raises InputError where it is no share, damaged, or readable by others."""
    content = read_secret(path)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise InputError(
            Problem("this is not a share of the draw's secret: it is no text", Place(str(path)))
        ) from error
    return parse_share(text, str(path))
