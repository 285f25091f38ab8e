"""Asks the records by statements written once, where a query made anew by the ORM costs more than its answer.

For what is asked of every group of declarations and nearly always finds nothing or one row. A list of values is one
mark of the statement, so that it stays the same whatever the number of values and is prepared once.
"""

import json
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from django.db import connection


def ask(statement: str, marks: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return the rows a statement finds; `%s` stands for each mark."""
    with connection.cursor() as cursor:
        cursor.execute(statement, marks)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def say(statement: str, marks: Sequence[Any]) -> None:
    """Carry out a statement that returns nothing."""
    with connection.cursor() as cursor:
        cursor.execute(statement, marks)


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
