"""The few functions that the catalogue's expressions may use besides DuckDB's own, defined once per connection."""

import duckdb
import pyarrow as pa

from tidewaiter.core.codes import COUNTRIES, CURRENCIES
from tidewaiter.core.facts import normalised_words

PLACEHOLDERS = (
    "to order",
    "to the order",
    "to order of shipper",
    "same as consignee",
    "same as above",
    "as per bill of lading",
    "unknown",
    "not known",
    "not available",
    "not applicable",
    "n a",
    "na",
    "none",
    "nil",
    "tba",
    "tbd",
    "xxx",
    "various",
    "consignee",
    "shipper",
    "test",
)
"""Names that stand for nobody, as words."""

VAGUE_WORDS = (
    *("goods", "parts", "samples", "sample", "accessories", "general", "cargo", "merchandise", "articles", "items"),
    *("various", "misc", "miscellaneous", "other", "others", "spare", "spares", "products", "material", "materials"),
    *("equipment", "supplies", "stuff", "things", "consolidated", "freight", "all", "kinds", "said", "to", "contain"),
    *(
        "stc",
        "fak",
        "personal",
        "effects",
        "household",
        "gift",
        "gifts",
        "commercial",
        "assorted",
        "mixed",
        "of",
        "and",
    ),
    *("the", "for", "as", "per", "invoice", "attached", "list", "nos", "pcs", "pieces", "ctns", "cartons", "pkgs"),
)
"""A description made of these words alone says nothing about the goods."""

POST_BOXES = (
    *("p ?o ?box", "post office box", "mail ?box", "postbus", "postfach", "apartado", "casilla", "boite postale"),
    "virtual office",
)
"""What an address without a door is called, as patterns over its words."""

_LETTERS = "0123456789A?BCDEFGHIJK?LMNOPQRSTU?VWXYZ"

# The check digit of ISO 6346: letters count from 10 leaving out multiples of 11, positions weigh powers of two.
_MACROS = f"""
CREATE OR REPLACE TEMP MACRO ratio(part, whole) AS
    CASE WHEN whole <> 0 THEN CAST(part AS DOUBLE) / CAST(whole AS DOUBLE) END;
CREATE OR REPLACE TEMP MACRO plain_words(t) AS
    coalesce(nullif(regexp_replace(' ' || lower(t) || ' ', '[^a-z0-9]+', ' ', 'g'), ' '),
        CASE WHEN t IS NOT NULL THEN '' END);
CREATE OR REPLACE TEMP MACRO is_plain(t) AS strlen(t) = length(t);
CREATE OR REPLACE TEMP MACRO place_of(t) AS
    nullif(trim(regexp_replace(lower(strip_accents(t)), '[^\\pL\\pN]+', ' ', 'g')), '');
CREATE OR REPLACE TEMP MACRO word_count(words) AS
    CASE WHEN words IS NULL OR words = '' THEN 0 ELSE length(words) - length(replace(words, ' ', '')) - 1 END;
CREATE OR REPLACE TEMP MACRO placeholder(words) AS
    words = '' OR list_contains(getvariable('placeholders'), trim(words))
    OR starts_with(words, ' to order ') OR starts_with(words, ' to the order ');
CREATE OR REPLACE TEMP MACRO vague(words) AS
    words = '' OR regexp_full_match(words, '( ({"|".join(VAGUE_WORDS)}))+ ');
CREATE OR REPLACE TEMP MACRO post_box(place) AS
    regexp_matches(place, '(^| )({"|".join(POST_BOXES)})( |$)');
CREATE OR REPLACE TEMP MACRO word_share(listed, others) AS
    len([word for word in listed if contains(others, ' ' || word || ' ')]) / CAST(len(listed) AS DOUBLE);
CREATE OR REPLACE TEMP MACRO in_national(amount, currency, invoice_currency, exchange_rate) AS
    CASE WHEN currency = getvariable('currency') THEN CAST(amount AS DECIMAL(18, 3))
        WHEN currency = invoice_currency
        THEN TRY_CAST(CAST(amount AS DECIMAL(20, 3)) * CAST(exchange_rate AS DECIMAL(18, 8)) AS DECIMAL(18, 3)) END;
CREATE OR REPLACE TEMP MACRO word_overlap(words, others) AS
    CASE WHEN words = '' OR others IS NULL THEN NULL ELSE
        word_share(list_distinct(string_split(trim(words), ' ')), others) END;
CREATE OR REPLACE TEMP MACRO known_country(c) AS
    CASE WHEN c IS NOT NULL THEN list_contains(getvariable('countries'), c) END;
CREATE OR REPLACE TEMP MACRO known_currency(c) AS
    CASE WHEN c IS NOT NULL THEN list_contains(getvariable('currencies'), c) END;
CREATE OR REPLACE TEMP MACRO known_hs(c) AS
    regexp_full_match(c, '([0-9]{{2}}|[0-9]{{4}}|[0-9]{{6,12}})') AND left(c, 2) NOT IN ('00', '77');
CREATE OR REPLACE TEMP MACRO container_valid(c) AS
    CASE WHEN NOT regexp_full_match(c, '[A-Z]{{3}}[UJZ][0-9]{{7}}') THEN false ELSE
        CAST(list_sum([(strpos('{_LETTERS}', substr(c, CAST(i AS BIGINT) + 1, 1)) - 1) << i for i in range(10)])
            AS BIGINT) % 11 % 10 = CAST(substr(c, 11, 1) AS BIGINT) END;
CREATE OR REPLACE TEMP MACRO finite(x) AS CASE WHEN isfinite(CAST(x AS DOUBLE)) THEN CAST(x AS DOUBLE) END;
"""


def define_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the functions of the catalogue's expressions known to a connection."""
    for name, values in (
        ("placeholders", PLACEHOLDERS),
        ("countries", sorted(COUNTRIES)),
        ("currencies", sorted(CURRENCIES)),
    ):
        connection.execute(f"SET VARIABLE {name} = ?", [list(values)])
    connection.execute(_MACROS)


def words_columns(connection: duckdb.DuckDBPyConnection, relation: str, texts: dict[str, str]) -> tuple[str, str]:
    """Return the SELECT list and the joins that put texts into words for word search.

    `texts` maps the name of the new column to the text's expression over the relation. The words are exactly those
    of core.facts.normalised_words: plain ASCII is done in SQL, every other text once in Python.
    """
    if not texts:
        return "", ""
    counts = ", ".join(f"count(*) FILTER (NOT is_plain({text}))" for text in texts.values())
    found = connection.execute(f"SELECT {counts} FROM {relation}").fetchone() or ()
    columns, joins = [], []
    for (name, text), others in zip(texts.items(), found, strict=True):
        if others:
            _spell(connection, f"{name}_spelt", f"SELECT DISTINCT {text} FROM {relation} WHERE NOT is_plain({text})")
            joins.append(f"LEFT JOIN {name}_spelt ON {name}_spelt.text = {text}")
            columns.append(f"CASE WHEN is_plain({text}) THEN plain_words({text}) ELSE {name}_spelt.words END AS {name}")
        else:
            columns.append(f"plain_words({text}) AS {name}")
    return ", ".join(columns), " ".join(joins)


def _spell(connection: duckdb.DuckDBPyConnection, table: str, query: str) -> None:
    listed = [text for (text,) in connection.execute(query).fetchall()]
    spelt = pa.table(
        {
            "text": pa.array(listed, pa.string()),
            "words": pa.array([normalised_words(text) for text in listed], pa.string()),
        }
    )
    connection.register("spelt", spelt)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM spelt")
    connection.unregister("spelt")
