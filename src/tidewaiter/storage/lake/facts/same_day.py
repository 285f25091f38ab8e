"""Same-day facts: declarations of an entity lodged earlier the same day, by moment of lodging, then by number."""

import duckdb

from tidewaiter.storage.lake.facts.items import entity


def make_same_day(connection: duckdb.DuckDBPyConnection, name: str, of: tuple[str, ...], source: str) -> None:
    """Make the table `same_day_NAME` from the relation `source`: by declaration and entity, how many came earlier.

    `source` has every declaration of the days concerned, each once, with the fields of its items. An entity of
    containers is by declaration alone: earlier declarations that name any of its containers.
    """
    query = _sharing() if of == ("containers",) else _earlier(entity(of))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE same_day_{name} AS {query.format(source=source)}")


def _earlier(named: str) -> str:
    return f"""
        SELECT declaration_id, entity, row_number() OVER (
            PARTITION BY entity, lodged_on ORDER BY lodged_at, declaration_id) - 1 AS earlier
        FROM (SELECT declaration_id, {named} AS entity, min(lodged_at) AS lodged_at, min(lodged_on) AS lodged_on
            FROM {{source}} WHERE {named} IS NOT NULL GROUP BY ALL)
    """


def _sharing() -> str:
    return """
        WITH boxed AS (
            SELECT DISTINCT declaration_id, lodged_at, lodged_on, unnest(containers) AS box FROM {source}),
        pairs AS (
            SELECT DISTINCT boxed.declaration_id, other.declaration_id AS earlier FROM boxed JOIN boxed AS other
            ON other.box = boxed.box AND other.lodged_on = boxed.lodged_on
                AND (other.lodged_at, other.declaration_id) < (boxed.lodged_at, boxed.declaration_id))
        SELECT declaration_id, count(earlier) AS earlier FROM (SELECT DISTINCT declaration_id FROM boxed)
        LEFT JOIN pairs USING (declaration_id) GROUP BY declaration_id
    """
