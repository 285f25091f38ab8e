"""The consignment of each declaration: the latest filing known at the moment of decision."""

import duckdb

from tidewaiter.storage.lake.facts.macros import words_columns

TEXTS = ("conveyance", "consolidator_name", "consignor_name", "consignee_name", "notify_name", "place_of_stuffing")
"""Texts of a filing that become words, in columns named so with `_words`; the description too."""

_MATCHED = """
    CREATE OR REPLACE TEMP TABLE matched AS
    WITH asked AS (
        SELECT DISTINCT declaration_id, previous_document AS document, moment, decided_on
        FROM item WHERE previous_document IS NOT NULL)
    SELECT declaration_id, document, version, master_document, moment, decided_on
    FROM asked JOIN consignments ON consignment_id = document
        AND greatest(known_at, filed_at) <= moment AND counted_on <= decided_on
    QUALIFY row_number() OVER (PARTITION BY declaration_id, document ORDER BY version DESC) = 1
"""

_HOUSES = """
    CREATE OR REPLACE TEMP TABLE housed AS
    SELECT declaration_id, document, count(DISTINCT house.consignment_id) AS houses
    FROM matched JOIN consignments AS house USING (master_document)
    WHERE greatest(house.known_at, house.filed_at) <= moment AND house.counted_on <= decided_on
    GROUP BY declaration_id, document
"""

_SEALS = """
    CREATE OR REPLACE TEMP TABLE resealed AS
    WITH sealed AS (
        SELECT consignment_id, version, list_sort(flatten([box.seals for box in containers])) AS seals
        FROM consignments SEMI JOIN (SELECT document FROM matched WHERE version > 1) AS again
        ON consignment_id = document)
    SELECT declaration_id, document, latest.seals <> earliest.seals AS seals_changed
    FROM matched JOIN sealed AS latest ON latest.consignment_id = document AND latest.version = matched.version
    JOIN (SELECT consignment_id, arg_min(seals, version) AS seals FROM sealed GROUP BY consignment_id) AS earliest
        ON earliest.consignment_id = document
    WHERE matched.version > 1
"""


def make_filings(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table `filing` from `item`: one row a declaration and previous document that has a consignment."""
    connection.execute(_MATCHED)
    connection.execute(_HOUSES)
    connection.execute(_SEALS)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE found AS SELECT matched.declaration_id, matched.document, filed.* "
        "FROM matched JOIN consignments AS filed ON consignment_id = document AND filed.version = matched.version"
    )
    texts = {f"{name}_words": f"found.{name}" for name in TEXTS} | {"description_words": "found.description"}
    columns, joins = words_columns(connection, "found", texts)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE filing AS SELECT found.*, houses, coalesce(seals_changed, false) "
        f"AS seals_changed, {columns} FROM found LEFT JOIN housed USING (declaration_id, document) "
        f"LEFT JOIN resealed USING (declaration_id, document) {joins}"
    )
