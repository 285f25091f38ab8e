"""Writes many new rows at once, at a fraction of what the ORM's own bulk insert costs a row.

The statement is made once a table and its columns; values are prepared column by column, as the model's fields want
them. Only for tables whose rows the service writes by the hundred: no signals, and no defaults of the model for
columns left out.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any

from django.db import connection, models

from tidewaiter.storage.records.asking import say, say_many

type Prepare = Callable[[Any], Any]


def insert(rows: Sequence[models.Model], *, unless_there: bool = False) -> None:
    """Insert new rows of one model; with `unless_there` those that break a unique key are left out."""
    if rows:
        names = _names(type(rows[0]))
        insert_values(type(rows[0]), names, _values(rows, names), unless_there=unless_there)


def put(rows: Sequence[models.Model], key: Sequence[str], changed: Iterable[str]) -> None:
    """Insert rows, or where the key (columns) is there already set the changed columns to the new values."""
    if rows:
        names = _names(type(rows[0]))
        put_values(type(rows[0]), names, _values(rows, names), key, changed)


def insert_values(
    model: type[models.Model], names: tuple[str, ...], rows: Sequence[Sequence[Any]], *, unless_there: bool = False
) -> None:
    """Insert new rows given as values in the order of the named fields (a foreign key by its `_id`)."""
    _write(model, names, rows, " ON CONFLICT DO NOTHING" if unless_there else "")


def put_values(
    model: type[models.Model],
    names: tuple[str, ...],
    rows: Sequence[Sequence[Any]],
    key: Sequence[str],
    changed: Iterable[str],
) -> None:
    """Insert rows given as values, or where the key is there already set the changed columns to the new values."""
    sets = ", ".join(f'"{name}" = excluded."{name}"' for name in changed)
    keys = ", ".join(f'"{name}"' for name in key)
    _write(model, names, rows, f" ON CONFLICT ({keys}) DO UPDATE SET {sets}")


def _write(model: type[models.Model], names: tuple[str, ...], rows: Sequence[Sequence[Any]], tail: str) -> None:
    if not rows:
        return
    statement, prepared = _statement(model, names, connection.vendor)
    columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
    for place, prepare in prepared:
        columns[place] = [prepare(value) for value in columns[place]]
    if connection.vendor == "postgresql":
        say(statement + tail, [list(column) for column in columns])
    else:
        say_many(statement + tail, list(zip(*columns, strict=True)))


def _values(rows: Sequence[models.Model], names: Sequence[str]) -> list[list[Any]]:
    return [[getattr(row, name) for name in names] for row in rows]


@cache
def _names(model: type[models.Model]) -> tuple[str, ...]:
    """Return the fields that are given when a row is new: all but a number the database counts."""
    fields = model._meta.concrete_fields  # noqa: SLF001  Django's documented way to a model's fields
    return tuple(field.attname for field in fields if not isinstance(field, models.AutoField))


@cache
def _statement(
    model: type[models.Model], names: tuple[str, ...], vendor: str
) -> tuple[str, tuple[tuple[int, Prepare], ...]]:
    """Return what inserts rows of a model, and which columns are prepared how.

    PostgreSQL is given each column as one array, so that the statement goes there and back once for all rows.
    """
    described = model._meta  # noqa: SLF001  as above
    by_name = {field.attname: field for field in described.concrete_fields}
    columns = ", ".join(f'"{by_name[name].column}"' for name in names)
    prepared = [(place, _prepare(by_name[name])) for place, name in enumerate(names)]
    if vendor == "postgresql":
        arrays = ", ".join(f"%s::{_array_type(by_name[name])}" for name in names)
        values = f"SELECT * FROM unnest({arrays})"
    else:
        values = f"VALUES ({', '.join('%s' for _ in names)})"
    statement = f'INSERT INTO "{described.db_table}" ({columns}) {values}'
    return statement, tuple((place, prepare) for place, prepare in prepared if prepare is not None)


def _array_type(field: Any) -> str:
    """Return the type of an array of a column's values; a text too long is then refused, where a cast would cut it."""
    kind = str(field.db_type(connection))
    return "text[]" if kind.startswith("varchar") else f"{kind}[]"


def _prepare(field: Any) -> Prepare | None:
    """Return what makes a value of the field one of the database; None where it is one."""
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    match target:
        case models.DateTimeField():
            return _instant
        case models.DateField():
            return _day
        case models.CharField() | models.TextField() | models.IntegerField() | models.FloatField():
            return None
        case _:
            return lambda value: target.get_db_prep_save(value, connection)


@lru_cache(maxsize=4096)
def _instant(value: datetime | None) -> Any:
    return connection.ops.adapt_datetimefield_value(value) if value is not None else None


@lru_cache(maxsize=4096)
def _day(value: date | None) -> Any:
    return connection.ops.adapt_datefield_value(value) if value is not None else None
