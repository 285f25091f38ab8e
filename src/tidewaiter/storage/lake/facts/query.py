"""The one query that makes fact rows from a month's items and the tables prepared for them."""

from collections.abc import Mapping

from tidewaiter.core.facts import Catalogue, Fact, FactType
from tidewaiter.storage.lake.facts.history import Asked
from tidewaiter.storage.lake.facts.items import BETWEEN, TEXTS
from tidewaiter.storage.lake.facts.peers import LEAST, LEVELS, month_asked
from tidewaiter.storage.lake.facts.recipes import (
    Count,
    Distinct,
    Expression,
    FieldOf,
    Peers,
    Recipe,
    SameDay,
    Seizures,
    Since,
)

KEY = ("declaration_id", "version", "item_number")
"""The columns of a fact row before its facts."""

_DAYS = "day BETWEEN getvariable('first_day') AND getvariable('last_day')"


def texts_read(catalogue: Catalogue, made: Mapping[str, Recipe]) -> frozenset[str]:
    """Return the working columns of words that these facts read."""
    read = " ".join(recipe.sql for recipe in made.values() if isinstance(recipe, Expression))
    fields = {
        f"{recipe.field}_words"
        for name, recipe in made.items()
        if isinstance(recipe, FieldOf) and catalogue[name].type is FactType.WORDS
    }
    return frozenset(name for name in TEXTS if name in fields or name in read)


def fact_query(catalogue: Catalogue, made: Mapping[str, Recipe], asked: tuple[Asked, ...]) -> str:
    """Return the query for the fact rows of the table `item`, in order of lodging.

    The inner query looks up what is kept by entity, consignment and peers; the outer one has only names that are
    unique, so that the catalogue's expressions read them bare.
    """
    looked_up = "".join(f", {figure} AS {name}" for name, r in made.items() if (figure := _looked_up(name, r)))
    columns = ", ".join(
        f"{typed_sql(_read(catalogue[name], r), catalogue[name])} AS {name}" for name, r in made.items()
    )
    return (
        f"SELECT declaration_id, version, item_number, {columns} "
        f"FROM (SELECT item.*, consignment{looked_up} FROM item {_joins(made, asked)}) "
        "ORDER BY lodged_at, declaration_id, item_number"
    )


def _read(fact: Fact, recipe: Recipe) -> str:
    match recipe:
        case FieldOf(field):
            return f"{field}_words" if fact.type is FactType.WORDS else field
        case Expression(sql):
            return sql
        case _:
            return fact.name


def _looked_up(name: str, recipe: Recipe) -> str | None:
    match recipe:
        case Count(of=of) | Distinct(of=of):
            return f"{Asked(of).table}.{name}"
        case Since(of=of):
            return f"item.decided_on - {Asked(of).table}.{name}"
        case Seizures():
            return f"seized_{name}.seized"
        case Peers(figure, of):
            return f"coalesce({', '.join(f'peers_{of}_{i}.{figure}' for i in range(len(LEVELS)))})"
        case SameDay():
            return f"same_day_{name}.earlier"
        case FieldOf() | Expression():
            return None


def typed_sql(expression: str, fact: Fact) -> str:
    """Return the expression with its value brought to the fact's type; missing where it does not fit."""
    match fact.type:
        case FactType.TEXT | FactType.WORDS:
            return f"CAST(({expression}) AS VARCHAR)"
        case FactType.DECIMAL:
            return f"TRY_CAST(({expression}) AS DECIMAL(18, {fact.scale}))"
        case FactType.INTEGER:
            return f"TRY_CAST(({expression}) AS BIGINT)"
        case FactType.RATIO:
            return f"finite({expression})"
        case FactType.DATE:
            return f"CAST(({expression}) AS DATE)"
        case FactType.FLAG:
            return f"CAST(({expression}) AS BOOLEAN)"


def _joins(made: Mapping[str, Recipe], asked: tuple[Asked, ...]) -> str:
    parts = [
        "LEFT JOIN (SELECT declaration_id AS consigned_id, document AS consigned_under, filing AS consignment "
        "FROM filing) AS consigned ON consigned_id = item.declaration_id AND consigned_under = item.previous_document"
    ]
    parts += [_daily_join(one.table, _entity(one.kind)) for one in asked]
    for name, recipe in made.items():
        if isinstance(recipe, Seizures):
            parts.append(_daily_join(f"seized_{name}", f"item.{recipe.at}"))
        elif isinstance(recipe, SameDay):
            same = "" if recipe.of == ("containers",) else f" AND same_day_{name}.entity = {_entity(recipe.of)}"
            parts.append(f"LEFT JOIN same_day_{name} ON same_day_{name}.declaration_id = item.declaration_id{same}")
    measures = dict.fromkeys(recipe.of for recipe in made.values() if isinstance(recipe, Peers))
    return " ".join([*parts, *(_peer_joins(measure) for measure in measures)])


def _daily_join(table: str, entity: str) -> str:
    return (
        f"LEFT JOIN (FROM {table} WHERE {_DAYS}) AS {table} "
        f"ON {table}.entity = {entity} AND {table}.day = item.statistics_day"
    )


def _peer_joins(measure: str) -> str:
    joins = []
    for i, (level, columns) in enumerate(LEVELS):
        table = f"peers_{measure}_{i}"
        same = " ".join(f"AND {table}.{column} = item.{column}" for column in columns)
        joins.append(
            f"LEFT JOIN (SELECT * FROM peers_{measure} WHERE level = '{level}' AND rows >= {LEAST}) AS {table} "
            f"ON {table}.month = {month_asked('item.statistics_day')} {same}"
        )
    return " ".join(joins)


def _entity(kind: tuple[str, ...]) -> str:
    return f" || {BETWEEN} || ".join(f"item.{column}" for column in kind)
