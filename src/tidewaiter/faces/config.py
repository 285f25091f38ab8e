"""Settings of one installation: `tidewaiter.toml` in the working folder, or the file TIDEWAITER_CONFIG names."""

import os
import tomllib
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tidewaiter.core.administration import Administration
from tidewaiter.core.errors import InputError, Place, Problem

FILE_NAME = "tidewaiter.toml"
DEFAULT_LAKE = Path("lake")
_TOP = ("lake", "administration")
_ADMINISTRATION = ("name", "currency", "time_zone", "material_duty")


@dataclass(frozen=True, slots=True)
class Config:
    """Where the lake is, and the administration's settings (None: taken from the mapping or the lake itself)."""

    lake: Path = DEFAULT_LAKE
    administration: Administration | None = None


def read_config(folder: Path) -> Config:
    """Return the settings in force for a working folder; defaults where there is no file.

    TIDEWAITER_LAKE overrides the lake. Raises InputError with every problem of the file.
    """
    named = os.environ.get("TIDEWAITER_CONFIG")
    file = Path(named) if named else folder / FILE_NAME
    config = config_of(file) if named or file.exists() else Config()
    lake = os.environ.get("TIDEWAITER_LAKE")
    return Config(Path(lake), config.administration) if lake else config


def config_of(file: Path) -> Config:
    """Return the settings of one file. Raises InputError with every problem of it."""
    place = Place(str(file))
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(Problem(f"cannot be read: {error.strerror}", place)) from error
    except ValueError as error:
        raise InputError(Problem(f"is not TOML: {error}", place)) from error
    problems = [*_unknown(content, _TOP, place)]
    table = content.get("administration", {})
    administration = None
    if not isinstance(table, dict):
        problems.append(Problem("administration: is not a table", place, "write [administration] on a line of its own"))
    elif "administration" in content:
        problems += _unknown(table, _ADMINISTRATION, place)
        administration = _administration(table, place, problems)
    lake = content.get("lake", str(DEFAULT_LAKE))
    if not isinstance(lake, str) or not lake:
        problems.append(Problem("lake: is not text", place))
    if problems:
        raise InputError(problems)
    return Config(file.parent / str(lake), administration)


def _unknown(table: dict[str, object], known: tuple[str, ...], place: Place) -> list[Problem]:
    return [
        Problem(f"'{name}' is not a setting", place, _did_you_mean(name, known)) for name in table if name not in known
    ]


def _did_you_mean(name: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean '{near[0]}'?" if near else f"the settings are {', '.join(known)}"


def _administration(table: dict[str, object], place: Place, problems: list[Problem]) -> Administration | None:
    default = Administration()
    currency = str(table.get("currency", default.currency)).upper()
    time_zone = str(table.get("time_zone", default.time_zone))
    found = len(problems)
    if len(currency) != 3 or not currency.isalpha() or not currency.isascii():
        problems.append(Problem(f"administration.currency: '{currency}' is not an ISO 4217 code", place))
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problems.append(
            Problem(f"administration.time_zone: '{time_zone}' is not a zone", place, "write it as 'Asia/Seoul'")
        )
    try:
        material_duty = Decimal(str(table.get("material_duty", default.material_duty)))
    except InvalidOperation:
        material_duty = Decimal("NaN")
    if not (material_duty.is_finite() and material_duty >= 0):
        problems.append(Problem("administration.material_duty: is not a number from 0", place, "write it as '50'"))
    if len(problems) > found:
        return None
    return Administration(
        name=str(table.get("name", default.name)),
        currency=currency,
        time_zone=time_zone,
        material_duty=material_duty,
    )
