"""A fact table that looks like a year of trade, made with numpy: skewed codes, prices by product, gaps, descriptions.

Only for measurements: no schemes are planted and no rows belong together beyond their declaration.
"""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tidewaiter.core.facts import Fact, FactType

PIECE_ROWS = 262_144
_WORDS = re.findall(
    r"\w+",
    """
    cotton steel plastic used new frozen dried leather parts machine valve pump engine tyre shoes shirt trousers
    men women children toy lamp battery lithium phone tablet cable copper scrap metal waste paper board wood
    furniture chair table oil palm soya rice wheat flour sugar coffee tea cocoa wine beer whisky cigarettes
    tobacco leaf meat beef pork chicken fish tuna shrimp milk powder cheese butter apple orange banana onion
    garlic pepper medicine vaccine vitamin cosmetic perfume soap detergent paint resin polymer granules film sheet
    tube pipe wire screw bolt nut bearing gear motor bus truck car van spare kit sample mixed assorted articles
    goods other for industrial domestic use household electric electronic digital optical medical glass ceramic
    tile cement stone marble granite
    """,
)
CODES = {  # fact: (how many codes, how skewed, share missing)
    "flow": (3, 1.5, 0.0),
    "office": (40, 1.1, 0.0),
    "procedure": (25, 1.6, 0.0),
    "previous_procedure": (20, 1.8, 0.1),
    "relief_code": (60, 1.2, 0.85),
    "origin": (190, 1.1, 0.002),
    "departure": (190, 1.1, 0.0),
    "destination": (30, 1.8, 0.0),
    "transport_mode": (6, 1.2, 0.0),
    "loading_port": (900, 1.05, 0.02),
    "discharge_port": (35, 1.2, 0.0),
    "terms_of_delivery": (11, 1.2, 0.03),
    "invoice_currency": (40, 1.7, 0.0),
    "valuation_method": (6, 2.2, 0.0),
    "preference_code": (30, 1.5, 0.6),
    "origin_proof": (12, 1.3, 0.6),
    "quantity_unit": (25, 1.5, 0.1),
    "trusted_trader": (4, 1.5, 0.7),
    "payment_terms": (9, 1.2, 0.2),
    "package_kind": (80, 1.3, 0.05),
    "importer": (40_000, 1.02, 0.0),
    "exporter": (80_000, 1.02, 0.01),
    "declarant": (1_500, 1.05, 0.0),
    "carrier": (400, 1.1, 0.05),
    "consolidator": (700, 1.05, 0.6),
    "importer_country": (60, 1.9, 0.0),
    "vessel": (3_000, 1.02, 0.4),
}
_DECIMALS = {  # fact: (scale, median, spread, share missing)
    "customs_value": (2, 4000.0, 2.0, 0.0),
    "invoice_value": (2, 4000.0, 2.0, 0.001),
    "freight": (2, 200.0, 1.5, 0.05),
    "insurance": (2, 20.0, 1.5, 0.3),
    "net_mass_kg": (3, 800.0, 2.0, 0.0),
    "gross_mass_kg": (3, 900.0, 2.0, 0.0),
    "supplementary_units": (3, 120.0, 2.0, 0.5),
    "duty_amount": (2, 300.0, 2.5, 0.0),
    "tax_amount": (2, 700.0, 2.2, 0.0),
    "unit_value": (4, 5.0, 1.5, 0.002),
    "unit_value_p10": (4, 2.0, 1.2, 0.04),
    "unit_value_p50": (4, 5.0, 1.2, 0.04),
    "unit_value_p90": (4, 12.0, 1.2, 0.04),
    "declared_rate": (4, 5.0, 1.0, 0.1),
    "statistical_value": (2, 4100.0, 2.0, 0.0),
}
_INTEGERS = {  # fact: (mean of a geometric distribution, share missing)
    "items": (6, 0.0),
    "packages": (40, 0.01),
    "containers_count": (2, 0.3),
    "importer_declarations_90d": (60, 0.0),
    "importer_declarations_365d": (220, 0.0),
    "importer_findings_365d": (2, 0.0),
    "exporter_declarations_365d": (150, 0.01),
    "exporter_findings_365d": (2, 0.01),
    "declarant_declarations_90d": (900, 0.0),
    "declarant_findings_365d": (12, 0.0),
    "pair_declarations_365d": (30, 0.0),
    "route_declarations_365d": (400, 0.0),
    "importer_age_days": (800, 0.0),
    "carrier_findings_365d": (5, 0.05),
    "unit_value_rows": (300, 0.04),
    "days_since_arrival": (9, 0.2),
    "day_of_week": (4, 0.0),
}
_RATIOS = {  # fact: (mean, share missing)
    "duty_share": (0.08, 0.001),
    "tax_share": (0.18, 0.001),
    "freight_share": (0.06, 0.05),
    "net_over_gross": (0.85, 0.001),
    "importer_finding_rate": (0.05, 0.4),
    "exporter_finding_rate": (0.05, 0.5),
    "declarant_finding_rate": (0.04, 0.05),
    "value_to_median": (1.0, 0.04),
    "mass_to_package": (20.0, 0.02),
    "score": (0.2, 0.0),
}
_FLAGS = {  # fact: (share true, share missing)
    "origin_differs": (0.12, 0.002),
    "new_importer": (0.03, 0.0),
    "new_pair": (0.09, 0.0),
    "claims_preference": (0.35, 0.0),
    "container_check_failed": (0.01, 0.3),
    "night_lodged": (0.08, 0.0),
    "has_licence": (0.15, 0.0),
    "shares_container": (0.1, 0.3),
}


def facts_in(path: Path) -> tuple[Fact, ...]:
    """Return the facts of a fact table, by the types of its columns; a text named `..._words` is for word search."""
    schema = pq.read_schema(path)
    return tuple(_fact(field) for field in schema if field.name not in ("declaration_id", "version", "item_number"))


def _fact(field: pa.Field) -> Fact:
    kind = field.type
    if pa.types.is_decimal(kind):
        return Fact(field.name, FactType.DECIMAL, scale=kind.scale)
    if pa.types.is_integer(kind):
        return Fact(field.name, FactType.INTEGER)
    if pa.types.is_floating(kind):
        return Fact(field.name, FactType.RATIO)
    if pa.types.is_date(kind):
        return Fact(field.name, FactType.DATE)
    if pa.types.is_boolean(kind):
        return Fact(field.name, FactType.FLAG)
    return Fact(field.name, FactType.WORDS if field.name.endswith("_words") else FactType.TEXT)


def write_facts(path: Path, rows: int, seed: int) -> None:
    """Write a fact table of that many rows; the same seed gives the same rows."""
    shared = np.random.default_rng(seed)
    hs_codes = np.unique(shared.integers(1_000_000, 97_000_000, 5_000))
    hs_texts = np.array([f"{code:08d}00" for code in hs_codes])
    descriptions = np.array([_description(shared) for _ in range(60_000)])
    writer: pq.ParquetWriter | None = None
    for start in range(0, rows, PIECE_ROWS):
        count = min(PIECE_ROWS, rows - start)
        table = _piece(np.random.default_rng([seed, start]), start, count, hs_texts, descriptions)
        if writer is None:
            writer = pq.ParquetWriter(path, table.schema, compression="lz4", store_decimal_as_integer=True)
        writer.write_table(table, row_group_size=PIECE_ROWS)
    if writer is not None:
        writer.close()


def _piece(
    random: np.random.Generator, start: int, count: int, hs_texts: NDArray[np.str_], descriptions: NDArray[np.str_]
) -> pa.Table:
    numbers = np.arange(start, start + count)
    columns: dict[str, pa.Array] = {
        "declaration_id": pa.array([f"D{number // 4:09d}" for number in numbers]),
        "version": pa.array(np.ones(count, np.int64)),
        "item_number": pa.array(numbers % 4 + 1),
        "lodged_on": pa.array((numbers // 2_740 + 18_262).astype(np.int32)).cast(pa.date32()),
        "arrived_on": _arrivals(random, numbers),
    }
    for name, (size, skew, gaps) in CODES.items():
        columns[name] = _codes(random, [f"{name[:2].upper()}{code:05d}" for code in range(size)], skew, gaps, count)
    hs = random.zipf(1.15, count) % len(hs_texts)
    columns["hs_code"] = pa.array(hs_texts[hs])
    for digits in (2, 4, 6):
        columns[f"hs{digits}"] = pa.array(hs_texts.astype(f"<U{digits}")[hs])
    rare = random.random(count) < 0.15
    pick = (hs * 12 + random.integers(0, 12, count)) % len(descriptions)
    texts = descriptions[pick].astype(object)
    texts[rare] = [f"{text}{number} " for text, number in zip(texts[rare], numbers[rare] % 90_000, strict=True)]
    columns["description_words"] = pa.array(texts)
    for name, (scale, median, spread, gaps) in _DECIMALS.items():
        columns[name] = _decimals(random, scale, median, spread, gaps, count)
    for name, (mean, gaps) in _INTEGERS.items():
        columns[name] = _with_gaps(random, random.geometric(1 / mean, count) - 1, gaps)
    for name, (mean_ratio, gaps) in _RATIOS.items():
        columns[name] = _with_gaps(random, random.gamma(2.0, mean_ratio / 2, count), gaps)
    for name, (share, gaps) in _FLAGS.items():
        columns[name] = _with_gaps(random, random.random(count) < share, gaps)
    return pa.table(columns)


def _arrivals(random: np.random.Generator, numbers: NDArray[np.int64]) -> pa.Array:
    days = numbers // 2_740 + 18_262 - random.integers(0, 9, len(numbers))
    return _with_gaps(random, days.astype(np.int32), 0.1).cast(pa.date32())


def _description(random: np.random.Generator) -> str:
    words = random.integers(0, len(_WORDS), random.integers(2, 9))
    return f" {' '.join(_WORDS[word] for word in words)} "


def _with_gaps(random: np.random.Generator, values: NDArray[np.generic], gaps: float) -> pa.Array:
    return pa.array(values, mask=random.random(len(values)) < gaps)


def _codes(random: np.random.Generator, codes: list[str], skew: float, gaps: float, count: int) -> pa.Array:
    weights = 1 / np.arange(1, len(codes) + 1) ** skew
    picked = np.searchsorted(np.cumsum(weights) / weights.sum(), random.random(count)).clip(0, len(codes) - 1)
    indices = pa.array(picked.astype(np.int32), mask=random.random(count) < gaps)
    return pa.DictionaryArray.from_arrays(indices, pa.array(codes)).cast(pa.string())


def _decimals(
    random: np.random.Generator, scale: int, median: float, spread: float, gaps: float, count: int
) -> pa.Array:
    whole = np.rint(np.exp(random.normal(np.log(median), spread, count)) * 10**scale).astype(np.int64)
    halves = np.stack([whole, np.zeros_like(whole)], axis=1)
    validity = np.packbits(random.random(count) >= gaps, bitorder="little")
    buffers = [pa.py_buffer(validity.tobytes()), pa.py_buffer(halves.tobytes())]
    return pa.Array.from_buffers(pa.decimal128(18, scale), count, buffers)
