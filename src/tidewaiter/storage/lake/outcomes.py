"""What became of each declaration of a period: results, time and money, and what the system in use had decided."""

from datetime import date

import duckdb
import pyarrow as pa

from tidewaiter.core.administration import Administration
from tidewaiter.core.finding import IMMATERIAL_CATEGORIES
from tidewaiter.core.tables.results import AUDIT, FOUND, PROTECTION_CATEGORIES
from tidewaiter.storage.lake.lake import Snapshot

# The rule of core.finding.is_material in SQL; a test holds the two equal.
MATERIAL = """
    state = 'final' AND list_contains($found, outcome) AND (
        coalesce(seizure_value, 0) > 0
        OR list_has_any(coalesce(categories, []), $always_material)
        OR CASE WHEN duty_assessed IS NOT NULL THEN duty_assessed > 0 AND duty_assessed >= $material_duty
           ELSE len(coalesce(categories, [])) = 0
                OR len(list_filter(categories, lambda named: NOT list_contains($immaterial, named))) > 0 END)
"""

# Overturned is completed too: the goods were examined, and the finding fell.
_LODGED = """
    lodged AS (
        SELECT declaration_id, min(lodged_at) AS lodged_at, any_value(previous_document) AS document
        FROM declarations GROUP BY declaration_id),
    period AS (
        SELECT *, CAST(timezone($zone, lodged_at) AS DATE) AS lodged_on FROM lodged
        WHERE CAST(timezone($zone, lodged_at) AS DATE) BETWEEN $start AND $end)
"""

_ACTS = f"""
    known AS (
        SELECT *, CAST(timezone($zone, known_at) AS DATE) AS known_on
        FROM results SEMI JOIN period USING (declaration_id)
        WHERE act <> $audit AND CAST(timezone($zone, known_at) AS DATE) <= $as_of
        QUALIFY row_number() OVER (PARTITION BY act_id ORDER BY version DESC) = 1),
    acts AS (
        SELECT *, outcome <> 'not_inspected' AS inspected,
            state IN ('final', 'overturned') AND outcome <> 'not_inspected' AS completed,
            coalesce({MATERIAL}, false) AS material,
            CASE WHEN outcome = 'nothing_found' OR duty_collected IS NOT NULL OR duty_refunded IS NOT NULL
                 THEN coalesce(duty_collected, 0) - coalesce(duty_refunded, 0) END AS recovered,
            list_transform(items, lambda item: TRY_CAST(item AS BIGINT)) AS item_numbers
        FROM known),
    found AS (
        SELECT declaration_id, bool_or(completed) AS labelled, bool_or(material) AS offence,
            bool_or(completed AND state = 'final' AND list_contains($found, outcome)) AS found,
            bool_or(inspected AND NOT completed) AS waiting, count(*) AS acts,
            CASE WHEN count(*) FILTER (completed AND items IS NULL) = 0
                 THEN list_sort(list_distinct(flatten(list(item_numbers) FILTER (completed)))) END AS looked_at,
            CASE WHEN count(*) FILTER (material AND items IS NULL) = 0
                 THEN list_sort(list_distinct(flatten(list(item_numbers) FILTER (material)))) END AS found_in,
            list_sort(list_distinct(flatten(list(categories) FILTER (state = 'final' AND list_contains($found, outcome)
                AND categories IS NOT NULL)))) AS categories,
            sum(duty_assessed) FILTER (completed) AS duty_assessed,
            sum(duty_collected) FILTER (completed) AS duty_collected,
            sum(duty_refunded) FILTER (completed) AS duty_refunded,
            sum(recovered) FILTER (completed) AS recovered,
            bool_or(material AND recovered IS NOT NULL) AS offence_valued,
            sum(officer_minutes) AS officer_minutes, max(known_on) AS known_on
        FROM acts GROUP BY declaration_id)
"""

_TIMES = """
    moments AS (
        SELECT declaration_id, min(occurred_at) FILTER (kind = 'arrived') AS arrived,
            min(occurred_at) FILTER (kind = 'lodged') AS lodged,
            max(occurred_at) FILTER (kind = 'released') AS released,
            max(occurred_at) FILTER (kind = 'gate_out') AS gate_out
        FROM events SEMI JOIN period USING (declaration_id) GROUP BY declaration_id),
    arrivals AS (
        SELECT document, min(occurred_at) AS arrived FROM events
        WHERE kind = 'arrived' AND document IS NOT NULL GROUP BY document),
    times AS (
        SELECT declaration_id, epoch(coalesce(
            gate_out - coalesce(moments.arrived, arrivals.arrived), released - coalesce(lodged, lodged_at))) / 3600
            AS trader_hours
        FROM period JOIN moments USING (declaration_id) LEFT JOIN arrivals USING (document))
"""

_INCUMBENT = """
    decided AS (
        SELECT * FROM incumbent SEMI JOIN period USING (declaration_id)
        WHERE CAST(timezone($zone, known_at) AS DATE) <= $as_of
        QUALIFY row_number() OVER (PARTITION BY declaration_id ORDER BY version DESC) = 1)
"""

_OUTCOMES = f"""
    WITH {_LODGED}, {_ACTS}, {_TIMES}, {_INCUMBENT}
    SELECT declaration_id, lodged_on, coalesce(labelled, false) AS labelled, coalesce(offence, false) AS offence,
        coalesce(found AND NOT offence, false) AS immaterial,
        coalesce(waiting AND NOT labelled, false) AS pending,
        coalesce(acts > 0 AND NOT labelled AND NOT waiting, false) AS not_inspected,
        CASE WHEN labelled THEN looked_at END AS looked_at, CASE WHEN offence THEN found_in END AS found_in,
        CASE WHEN len(categories) > 0 THEN categories END AS categories,
        duty_assessed, duty_collected, duty_refunded,
        CASE WHEN labelled AND (NOT offence OR offence_valued)
             THEN CAST(recovered AS DECIMAL(18, 3)) END AS recovered,
        CAST(officer_minutes AS DECIMAL(18, 1)) AS officer_minutes,
        CASE WHEN trader_hours >= 0 THEN trader_hours END AS trader_hours, known_on,
        decided.channel AS incumbent_channel, criterion, selection_probability, in_random_sample
    FROM period LEFT JOIN found USING (declaration_id) LEFT JOIN times USING (declaration_id)
    LEFT JOIN decided USING (declaration_id)
    ORDER BY lodged_at, declaration_id
"""

END_OF_TIME = date(9999, 12, 31)


def outcomes(snapshot: Snapshot, start: date, end: date, *, as_of: date | None = None) -> pa.Table:
    """Return one row a declaration lodged from start to end (both included), in order of lodging.

    Results of examinations and incumbent decisions count in their latest version known by the end of `as_of` (None: all
    that the lake holds); post-clearance audits do not, for nothing had selected what they looked at. Of labelled,
    pending and not_inspected at most one is true; `labelled` is a completed final act, one whose finding was overturned
    included, since the goods were looked at. `looked_at` and `found_in` list item numbers (None on a labelled
    declaration: all items; on an offence: all items of it). `recovered` is duty collected less refunded in national
    currency, None when unlabelled or when no amount of an offence is known.
    `trader_hours` runs from arrival to gate-out, else from lodging to release; None when the events do not allow it.
    """
    connection = duckdb.connect(config={"threads": 2})
    try:
        snapshot.register(connection)
        parameters = _parameters(snapshot.administration, start, end, as_of)
        return connection.sql(_OUTCOMES, params=parameters).to_arrow_table()
    finally:
        connection.close()


def _parameters(administration: Administration, start: date, end: date, as_of: date | None) -> dict[str, object]:
    return {
        "zone": administration.time_zone,
        "start": start,
        "end": end,
        "as_of": as_of or END_OF_TIME,
        "audit": AUDIT,
        "found": list(FOUND),
        "always_material": [*PROTECTION_CATEGORIES, "PERMIT"],
        "immaterial": sorted(IMMATERIAL_CATEGORIES),
        "material_duty": administration.material_duty,
    }
