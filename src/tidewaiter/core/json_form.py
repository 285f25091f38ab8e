"""Our frozen values as JSON and back without loss: dataclasses, enumerations, days, tuples, mappings, sets.

Made once for each type from its annotations. A key left out is read as the field's default, so that what an older
version stored can still be read; a key that is not known is refused, so that nothing is dropped in silence.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeAliasType, cast, get_args, get_origin, get_type_hints

from tidewaiter.core.errors import InputError

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Form:
    """How values of one type are written and read; None where JSON holds them as they are."""

    write: Callable[[Any], Any] | None
    read: Callable[[Any], Any]


def to_json(value: object) -> Json:
    """Return a dataclass value as what json.dumps takes. Equal values give equal JSON."""
    kind: Any = type(value)
    write = _form(kind).write
    assert write is not None
    return cast("Json", write(value))


def from_json[T](kind: type[T], written: Mapping[str, Any]) -> T:
    """Return the value that was written. Raises InputError where it cannot be read as that type."""
    wanted: Any = kind
    try:
        return cast("T", _form(wanted).read(written))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"this is not the stored form of a {kind.__name__}: {error}") from error


@cache
def _form(kind: Any) -> _Form:
    if isinstance(kind, TypeAliasType):
        return _form(kind.__value__)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return _optional(_form(next(one for one in inner if one is not NoneType)))
    if origin is tuple:
        return _several(_form(inner[0])) if inner[-1] is Ellipsis else _row(tuple(_form(one) for one in inner))
    if origin is frozenset:
        return _set(_form(inner[0]))
    if origin is Mapping:
        return _mapping(*inner)
    return _record(kind) if is_dataclass(kind) else _plain(kind)


def _plain(kind: Any) -> _Form:
    if issubclass(kind, StrEnum):
        return _Form(str, kind)
    if kind is date:
        return _Form(date.isoformat, date.fromisoformat)
    return _Form(None, float) if kind is float else _Form(None, _checked(kind))


def _checked(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"{value!r} is no {kind.__name__}")
        return value

    return read


def _optional(form: _Form) -> _Form:
    write, read = form.write, form.read
    return _Form(
        None if write is None else lambda value: None if value is None else write(value),
        lambda value: None if value is None else read(value),
    )


def _several(form: _Form) -> _Form:
    write, read = form.write, form.read
    return _Form(
        list if write is None else lambda values: [write(value) for value in values],
        lambda values: tuple([read(value) for value in values]),
    )


def _row(forms: tuple[_Form, ...]) -> _Form:
    def write(values: Any) -> list[Any]:
        pairs = zip(forms, values, strict=True)
        return [value if form.write is None else form.write(value) for form, value in pairs]

    return _Form(write, lambda values: tuple(form.read(value) for form, value in zip(forms, values, strict=True)))


def _set(form: _Form) -> _Form:
    several = _several(form)
    write = several.write
    assert write is not None
    return _Form(lambda values: sorted(write(values)), lambda values: frozenset(several.read(values)))


def _mapping(key: Any, value: Any) -> _Form:
    of_key, of_value = _form(key), _form(value)
    write, read = of_value.write, of_value.read
    read_key: Callable[[str], Any] = int if key is int else of_key.read
    return _Form(
        (lambda values: {str(key): value for key, value in values.items()})
        if write is None
        else lambda values: {str(key): write(value) for key, value in values.items()},
        lambda values: {read_key(key): read(value) for key, value in values.items()},
    )


def _record(kind: Any) -> _Form:
    hints = get_type_hints(kind)
    forms = {one.name: _form(hints[one.name]) for one in fields(kind)}
    needed = [one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING]
    writers = tuple((name, form.write) for name, form in forms.items())
    readers = {name: form.read for name, form in forms.items()}

    def write(value: Any) -> Json:
        found = {}
        for name, write_one in writers:
            held = getattr(value, name)
            found[name] = held if write_one is None else write_one(held)
        return found

    def read(written: Mapping[str, Any]) -> Any:
        if missing := [name for name in needed if name not in written]:
            raise KeyError(f"{kind.__name__} lacks {', '.join(missing)}")
        if unknown := [name for name in written if name not in readers]:
            raise KeyError(f"{kind.__name__} has no {', '.join(unknown)}")
        return kind(**{name: readers[name](value) for name, value in written.items()})

    return _Form(write, read)
