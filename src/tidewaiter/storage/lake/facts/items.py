"""The items whose facts are wanted, with the working columns that the catalogue's expressions may use."""

from dataclasses import replace

import duckdb

from tidewaiter.core.administration import Administration
from tidewaiter.core.tables import DECLARATIONS, TABLES
from tidewaiter.storage.lake.facts.macros import define_macros, words_columns
from tidewaiter.storage.lake.lake import Snapshot
from tidewaiter.storage.lake.schema import create_view

BETWEEN = "chr(31)"
"""Stands between the parts of an entity's name; ingest takes it out of every text."""

_PLAIN = {
    "lodged_local": "timezone(getvariable('zone'), lodged_at)",
    "lodged_on": "CAST(timezone(getvariable('zone'), lodged_at) AS DATE)",
    "weighed": "CASE WHEN net_mass IS NOT NULL THEN 'weighed' END",
    "hs2": "CASE WHEN length(hs_code) >= 2 THEN left(hs_code, 2) END",
    "hs4": "CASE WHEN length(hs_code) >= 4 THEN left(hs_code, 4) END",
    "hs6": "CASE WHEN length(hs_code) >= 6 THEN left(hs_code, 6) END",
    "importer_place": "place_of(importer_address)",
    "exporter_place": "place_of(exporter_address)",
    "seller_place": "place_of(seller_address)",
    "invoice_value_national": "in_national(invoice_value, invoice_currency, invoice_currency, exchange_rate)",
    "freight_national": "in_national(freight, freight_currency, invoice_currency, exchange_rate)",
    "insurance_national": "in_national(insurance, insurance_currency, invoice_currency, exchange_rate)",
    "duty_total": "CASE WHEN list_bool_and([line.amount IS NOT NULL for line in tax_lines]) "
    "THEN list_sum([line.amount for line in tax_lines]) END",
}
_VALUE = f"coalesce(customs_value, {_PLAIN['invoice_value_national']})"
WORKING = _PLAIN | {
    "value_national": _VALUE,
    "unit_value": f"ratio({_VALUE}, net_mass)",
    "weight_per_package": "ratio(gross_mass, packages)",
}
"""Working columns by name, as DuckDB expressions over the fields of a declaration's item."""

TEXTS = {
    f"{field.name}_words": field.name
    for field in DECLARATIONS.fields
    if field.name.endswith(("_name", "_address")) or field.name == "description"
} | {
    "containers_words": "array_to_string(containers, ' ')",
    "licences_words": "array_to_string(licences, ' ')",
    "tax_types_words": "array_to_string([line.type for line in tax_lines], ' ')",
}
"""Working columns for word search, and the text of each."""

WHOLE = {
    "item_count": "count(*)",
    "declaration_value": "CASE WHEN count(value_national) = count(*) THEN sum(value_national) END",
    "declaration_net_mass": "CASE WHEN count(net_mass) = count(*) THEN sum(net_mass) END",
    "declaration_gross_mass": "CASE WHEN count(gross_mass) = count(*) THEN sum(gross_mass) END",
    "declaration_duty": "CASE WHEN count(duty_total) = count(*) THEN sum(duty_total) END",
    "declaration_packages": "CASE WHEN count(packages) = count(*) THEN sum(packages) END",
    "declaration_headings": "count(DISTINCT hs4)",
    "declaration_origins": "count(DISTINCT origin)",
}
"""Working columns of the declaration as a whole, as aggregates over its items."""


def entity(columns: tuple[str, ...]) -> str:
    """Return the expression that names an entity by these columns; missing when one of them is."""
    parts = (WORKING.get(column, column) for column in columns)
    return f" || {BETWEEN} || ".join(f"({part})" if len(columns) > 1 else part for part in parts)


def open_lake(snapshot: Snapshot, memory: str, spill: str) -> duckdb.DuckDBPyConnection:
    """Return a connection with a view of every table, the administration's settings and our functions."""
    connection = duckdb.connect(config={"memory_limit": memory, "threads": 2, "temp_directory": spill})
    connection.execute("SET enable_progress_bar = false")
    snapshot.register(connection)
    settle(connection, snapshot.administration)
    return connection


def settle(connection: duckdb.DuckDBPyConnection, administration: Administration) -> None:
    """Make the administration's settings and our functions known to a connection."""
    connection.execute("SET VARIABLE zone = ?", [administration.time_zone])
    connection.execute("SET VARIABLE currency = ?", [administration.currency])
    define_macros(connection)


def view_part(connection: duckdb.DuckDBPyConnection, table: str, paths: list[str], name: str) -> None:
    """Make a view of these files of a table under a name of its own."""
    create_view(connection, replace(TABLES[table], name=name), paths)


def make_items(connection: duckdb.DuckDBPyConnection, texts: frozenset[str]) -> None:
    """Make the table `item` from the relation `chosen`, with the working columns and these columns of words.

    `chosen` has the lake's columns of declarations and decided_on, statistics_day and moment: the day of decision,
    the day at whose close statistics are taken, and the instant up to which filings are known.
    """
    wanted = {name: text for name, text in TEXTS.items() if name in texts}
    columns, joins = words_columns(connection, "chosen", wanted)
    working = ", ".join(f"{made} AS {name}" for name, made in WORKING.items())
    whole = ", ".join(f"{made} AS {name}" for name, made in WHOLE.items())
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE item AS WITH worked AS "
        f"(SELECT chosen.*, {working}{', ' if columns else ''}{columns} FROM chosen {joins}), "
        f"whole AS (SELECT declaration_id, version, {whole} FROM worked GROUP BY declaration_id, version) "
        "SELECT * FROM worked JOIN whole USING (declaration_id, version)"
    )
    connection.execute("SET VARIABLE first_day = (SELECT min(statistics_day) FROM item)")
    connection.execute("SET VARIABLE last_day = (SELECT max(statistics_day) FROM item)")
