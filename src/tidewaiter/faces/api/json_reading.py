"""JSON read strictly: exact decimals, every name once, no NaN, no NUL, no unpaired surrogate, not too deep."""

import json
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from tidewaiter.core.errors import InputError, Place, Problem

DEEPEST: Final = 32
"""How many objects and lists may stand within each other."""


class _RepeatedNameError(ValueError):
    """An object has a name twice."""


def read_json(body: bytes) -> Any:
    """Return the document: objects, lists, text, int, Decimal, bool, None. Raises InputError with the place.

    Texts may still hold NUL, other control characters and unpaired surrogates, and lists may be deep: see `checked`.
    """
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _unreadable(f"is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        what = error.msg.lower() if body.strip() else "the body is empty"
        raise _unreadable(f"is not JSON: {what}", Place("body", error.lineno, error.colno)) from None
    except _RepeatedNameError as error:
        raise _unreadable(f"holds an object with the same name twice: {error}") from None
    except RecursionError:
        raise _unreadable("is nested too deeply") from None
    except (ValueError, InvalidOperation):
        raise _unreadable("holds a number that is too long, or NaN, or infinity") from None


def _unreadable(what: str, place: Place = Place("body")) -> InputError:  # noqa: B008  # frozen
    return InputError(Problem(what, place))


def checked(document: Any) -> Any:
    """Return the document as it is. Raises InputError for NUL, unpaired surrogates and too much nesting."""
    problems = list(_bad_texts(document, "", DEEPEST))
    if problems:
        raise InputError(problems)
    return document


def _bad_texts(value: Any, place: str, levels: int) -> Iterator[Problem]:
    if isinstance(value, str):
        if not storable(value):
            yield Problem("holds NUL or an unpaired surrogate", Place(place.removeprefix(".") or "body"))
    elif isinstance(value, dict | list):
        if levels == 0:
            yield Problem(f"is nested more than {DEEPEST} deep", Place(place[:200] or "body"))
            return
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for name, part in entries:
            if isinstance(name, str) and not storable(name):
                yield Problem("holds a name with NUL or an unpaired surrogate", Place(place or "body"))
                continue
            yield from _bad_texts(part, f"{place}[{name}]" if isinstance(name, int) else f"{place}.{name}", levels - 1)


def storable(text: str) -> bool:
    """Tell whether both databases and the lake can keep the text: no NUL, no unpaired surrogate."""
    if text.isascii():
        return "\x00" not in text
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise _RepeatedNameError(ascii(twice[:60]))
    return made


def _no_constant(name: str) -> Any:
    raise ValueError(name)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=Decimal, parse_constant=_no_constant)
