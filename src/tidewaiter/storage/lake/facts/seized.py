"""History facts from seizures: how many touched a port, an origin or a heading, and how long ago."""

from datetime import date

import duckdb

from tidewaiter.storage.lake.facts.items import WORKING
from tidewaiter.storage.lake.facts.recipes import Seizures

_WEIGHT = 1_000_000
"""Decayed weights are whole millionths, so that their sum does not depend on the order of adding."""

_HS4 = "CASE WHEN length(hs_code) >= 4 THEN left(hs_code, 4) END"


def make_seized(connection: duckdb.DuckDBPyConnection, name: str, recipe: Seizures, source: str) -> None:
    """Make the table `seized_NAME`: the fact by entity and statistics day that the relation `source` has.

    A seizure counts in its latest version from the close of the day it became known; it is as old as its day.
    """
    at = WORKING.get(recipe.at, recipe.at)
    ask = f"SELECT DISTINCT {at} AS entity, statistics_day AS day FROM {source} WHERE {at} IS NOT NULL"
    _make(connection, name, recipe, ask)


def make_seized_of_all(connection: duckdb.DuckDBPyConnection, name: str, recipe: Seizures, on: date) -> None:
    """Make the table `seized_NAME`: the fact at the close of that day for every entity that a seizure touched."""
    _make(connection, name, recipe, f"SELECT DISTINCT entity, DATE '{on}' AS day FROM touched")


def _make(connection: duckdb.DuckDBPyConnection, name: str, recipe: Seizures, ask: str) -> None:
    named = ", ".join(_HS4 if column == "hs4" else column for column in recipe.columns)
    figure, oldest = _figure(recipe)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE seized_{name} AS
        WITH dated AS (
            SELECT *, CAST(timezone(getvariable('zone'), seized_at) AS DATE) AS seized_on FROM seizures),
        known AS (
            SELECT *, greatest(counted_on, seized_on) AS from_on, min(greatest(counted_on, seized_on)) OVER (
                PARTITION BY seizure_number ORDER BY version ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)
                AS until_on FROM dated),
        touched AS (
            SELECT entity, from_on, until_on, seized_on, count(*) AS seizures FROM (
                SELECT unnest(list_distinct([{named}])) AS entity, from_on, until_on, seized_on FROM known)
            WHERE entity IS NOT NULL GROUP BY ALL),
        ask AS ({ask})
        SELECT ask.entity, ask.day, {figure} AS seized
        FROM ask LEFT JOIN touched ON touched.entity = ask.entity AND from_on <= day
            AND (until_on IS NULL OR until_on > day) AND seized_on > day - {oldest}
        GROUP BY ask.entity, ask.day
    """)


def _figure(recipe: Seizures) -> tuple[str, int]:
    if recipe.half_life is None:
        return "CAST(coalesce(sum(seizures), 0) AS BIGINT)", recipe.days or 100_000
    weight = f"CAST(round(pow(0.5, (day - seized_on) / {recipe.half_life}.0) * {_WEIGHT}) AS BIGINT)"
    return f"CAST(coalesce(sum(seizures * {weight}), 0) AS DOUBLE) / {_WEIGHT}", 20 * recipe.half_life
