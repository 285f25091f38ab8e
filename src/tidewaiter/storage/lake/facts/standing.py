"""Which version of a declaration stands when, and from when its results count: the ground of every statistic.

A version stands from the day it counts until a higher version counts or the declaration is cancelled; nothing counts
before its own day. All days here are day-close: what stands on a day is what was known when that day ended.
"""

import duckdb

from tidewaiter.core.administration import Administration
from tidewaiter.core.finding import IMMATERIAL_CATEGORIES
from tidewaiter.core.tables.results import FOUND, PROTECTION_CATEGORIES
from tidewaiter.storage.lake.outcomes import MATERIAL

_HEADS = """
    CREATE OR REPLACE TEMP TABLE head AS
    SELECT declaration_id, version, min(lodged_on) AS lodged_on, strftime(min(lodged_on), '%Y-%m') AS month,
        greatest(min(counted_on), min(lodged_on)) AS from_on
    FROM (SELECT declaration_id, version, counted_on,
            CAST(timezone(getvariable('zone'), lodged_at) AS DATE) AS lodged_on FROM declarations)
    GROUP BY declaration_id, version
"""

_ENDED = """
    CREATE OR REPLACE TEMP TABLE ended AS
    WITH cancelled AS (
        SELECT declaration_id,
            min(greatest(counted_on, CAST(timezone(getvariable('zone'), occurred_at) AS DATE))) AS cancelled_on
        FROM events WHERE kind = 'cancelled' AND declaration_id IS NOT NULL GROUP BY declaration_id),
    followed AS (
        SELECT declaration_id, version, month, min(from_on) OVER (
            PARTITION BY declaration_id ORDER BY version ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS next_on
        FROM head SEMI JOIN (
            SELECT declaration_id FROM head GROUP BY declaration_id HAVING count(*) > 1
            UNION ALL SELECT declaration_id FROM cancelled) AS touched USING (declaration_id))
    SELECT declaration_id, version, month, least(next_on, cancelled_on) AS until_on
    FROM followed LEFT JOIN cancelled USING (declaration_id)
    WHERE next_on IS NOT NULL OR cancelled_on IS NOT NULL
"""

# Acts of one declaration may overlap in time; `counts` adds them up and keeps the days on which the sum leaves 0
# or returns to it, so that a declaration with two findings counts once.
_OUTCOMES = f"""
    CREATE OR REPLACE TEMP TABLE outcome AS
    WITH acts AS (
        SELECT act_id, declaration_id, version,
            greatest(counted_on, CAST(timezone(getvariable('zone'), completed_at) AS DATE)) AS from_on,
            state IN ('final', 'overturned') AND outcome <> 'not_inspected' AS results,
            coalesce({MATERIAL}, false) AS findings
        FROM results),
    stood AS (
        SELECT *, min(from_on) OVER (PARTITION BY act_id ORDER BY version
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS until_on FROM acts),
    changes AS (
        SELECT declaration_id, metric, from_on AS day, 1 AS change
        FROM (SELECT *, unnest(['results', 'findings']) AS metric, unnest([results, findings]) AS holds FROM stood)
        WHERE holds AND (until_on IS NULL OR until_on > from_on)
        UNION ALL
        SELECT declaration_id, metric, until_on, -1
        FROM (SELECT *, unnest(['results', 'findings']) AS metric, unnest([results, findings]) AS holds FROM stood)
        WHERE holds AND until_on > from_on),
    daily AS (SELECT declaration_id, metric, day, sum(change) AS change FROM changes GROUP BY ALL),
    counts AS (
        SELECT *, sum(change) OVER (PARTITION BY declaration_id, metric ORDER BY day) AS held FROM daily),
    turns AS (SELECT * FROM counts WHERE (held > 0) <> (held - change > 0))
    SELECT declaration_id, metric, day AS from_on, next_day AS until_on
    FROM (SELECT *, lead(day) OVER (PARTITION BY declaration_id, metric ORDER BY day) AS next_day FROM turns)
    WHERE held > 0
"""


def make_standing(connection: duckdb.DuckDBPyConnection, administration: Administration) -> None:
    """Make the tables `head`, `ended` and `outcome` from the lake's views.

    `head`: one row a version, with its day and month of lodging and the day it counts from. `ended`: versions that
    stopped standing, with the first day they no longer stand. `outcome`: by declaration and metric (results,
    findings) the days from and until which it holds (until None: still).
    """
    connection.execute(_HEADS)
    connection.execute(_ENDED)
    connection.execute(
        _OUTCOMES,
        {
            "found": list(FOUND),
            "always_material": [*PROTECTION_CATEGORIES, "PERMIT"],
            "immaterial": sorted(IMMATERIAL_CATEGORIES),
            "material_duty": administration.material_duty,
        },
    )
