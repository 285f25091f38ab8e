"""What a sample of a column's cells looks like: dates, commodity codes, countries, currencies, numbers."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tidewaiter.core.codes import COUNTRIES, CURRENCIES, is_container, is_hs_code

DATE_FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d", "%d-%m-%Y", "%Y/%m/%d")
TIME_FORMATS = tuple(f"{day} {time}" for day in DATE_FORMATS for time in ("%H:%M:%S", "%H:%M"))
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
_ISO_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*")
MOST = 0.9


@dataclass(frozen=True, slots=True)
class Looks:
    """What nine in ten of a column's filled cells are. `date_format` is empty where they are no days or moments.

    `distinct` is the share of different values among the filled cells; `short_hs` tells that commodity codes seem to
    have lost a leading zero.
    """

    filled: int
    distinct: float
    date_format: str
    number: bool
    country: bool
    currency: bool
    hs: bool
    short_hs: bool
    container: bool
    examples: tuple[str, ...]


def looks(cells: Sequence[str | None]) -> Looks:
    """Return what the cells look like."""
    filled = [cell.strip() for cell in cells if cell and cell.strip()]
    lengths = {len(cell) for cell in filled if cell.isdigit()}
    short = _most(filled, str.isdigit) and lengths <= {5, 6, 7, 8, 9, 10} and bool(lengths & {5, 7, 9})
    return Looks(
        filled=len(filled),
        distinct=len(set(filled)) / len(filled) if filled else 0.0,
        date_format=_date_format(filled),
        number=_most(filled, lambda cell: _NUMBER.fullmatch(cell) is not None),
        country=_most(filled, COUNTRIES.__contains__),
        currency=_most(filled, CURRENCIES.__contains__),
        hs=_most(filled, lambda cell: len(cell) >= 6 and is_hs_code(cell)) or short,
        short_hs=short and min(lengths) == 5 and max(lengths) == 6,
        container=_most(filled, is_container),
        examples=tuple(dict.fromkeys(filled))[:3],
    )


def _most(filled: Sequence[str], test: Callable[[str], bool]) -> bool:
    return bool(filled) and sum(1 for cell in filled if test(cell)) >= MOST * len(filled)


def _date_format(filled: Sequence[str]) -> str:
    """Return the first format under which the cells are dates; `iso` for moments in ISO 8601; empty for neither."""
    if _most(filled, lambda cell: _ISO_INSTANT.fullmatch(cell) is not None):
        return "iso"
    for form in (*DATE_FORMATS, *TIME_FORMATS):
        if filled and sum(1 for cell in filled if _is_date(cell, form)) >= MOST * len(filled):
            return form
    return ""


def _is_date(cell: str, form: str) -> bool:
    try:
        moment = datetime.strptime(cell, form)  # noqa: DTZ007 - only its shape is asked for
    except ValueError:
        return False
    return 1950 <= moment.year <= 2100
