"""Asks the records by statements written once, where a query made anew by the ORM costs more than its answer.

For what is asked of every group of declarations and nearly always finds nothing or one row. A list of values is one
mark of the statement, so that it stays the same whatever the number of values and is prepared once.
"""

import json
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections


def ask(statement: str, marks: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return the rows a statement finds; `%s` stands for each mark."""
    records = _records()
    with records.wrap_database_errors:
        found: list[tuple[Any, ...]] = records.connection.execute(spelled(statement, records.vendor), marks).fetchall()
    return found


def say(statement: str, marks: Sequence[Any]) -> None:
    """Carry out a statement that returns nothing."""
    records = _records()
    with records.wrap_database_errors:
        records.connection.execute(spelled(statement, records.vendor), marks)


def say_many(statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """Carry out a statement once for the marks of each row."""
    records = _records()
    with records.wrap_database_errors:
        cursor = records.connection.cursor()
        cursor.executemany(spelled(statement, records.vendor), rows)
        cursor.close()


def _records() -> Any:
    """Return this thread's connection to the records, opened: its driver is asked without Django between."""
    records = connections[DEFAULT_DB_ALIAS]
    records.ensure_connection()
    return records


@lru_cache(maxsize=256)
def spelled(statement: str, vendor: str) -> str:
    """Return a statement with its marks as the driver spells them."""
    return statement.replace("%s", "?") if vendor == "sqlite" else statement


@lru_cache(maxsize=8)
def _among(vendor: str) -> str:
    return "= ANY(%s)" if vendor == "postgresql" else "IN (SELECT value FROM json_each(%s))"


def among() -> str:
    """Return what stands behind a column of text in a statement: it is one of the `texts` given as one mark."""
    return _among(connection.vendor)


def texts(values: Collection[str]) -> Any:
    """Return texts as the one mark that `among` wants."""
    return list(values) if connection.vendor == "postgresql" else json.dumps(list(values))


def held_until_the_end() -> str:
    """Return what ends a statement whose row no other may change before this transaction ends.

    SQLite lets only one transaction write from its beginning, so nothing need be said there.
    """
    return " FOR UPDATE" if connection.vendor == "postgresql" else ""
