"""The truth nobody in Tessaria knows: which items are irregular, by which scheme, and what they cost."""

import numpy as np
import pyarrow as pa

from tidewaiter.core.tables.field import MONEY_SCALE
from tidewaiter.core.tables.results import CATEGORIES
from tidewaiter.engines.generate import columns as to
from tidewaiter.engines.generate import papers
from tidewaiter.engines.generate.declarations import Lodged
from tidewaiter.engines.generate.examinations import item_categories
from tidewaiter.engines.generate.planting import COVER_LOAD, ROLES
from tidewaiter.engines.generate.schemes import OPPORTUNIST, Kind, Plan

SCHEMA = pa.schema(
    [
        ("declaration_id", pa.string()),
        ("item_number", pa.int64()),
        ("scheme", pa.string()),
        ("scheme_id", pa.string()),
        ("role", pa.string()),
        ("category", pa.string()),
        ("evaded_duty", pa.decimal128(18, MONEY_SCALE)),
        ("prohibited", pa.bool_()),
        ("true_hs6", pa.string()),
        ("true_origin", pa.string()),
    ]
)


def truth_table(plan: Plan, lodged: Lodged, goods: pa.Array, countries: pa.Array) -> pa.Table:
    """Return one row for each irregular item; `goods` and `countries` are the codes by position."""
    rows = np.flatnonzero(lodged.declared.role >= 0)
    items, declared = lodged.items.take(rows), lodged.declared.take(rows)
    kinds = [*(scheme.kind.value for scheme in plan.schemes), Kind.OPPORTUNISM.value]
    ids = [*(scheme.scheme_id for scheme in plan.schemes), OPPORTUNIST]
    columns = {
        "declaration_id": papers.declaration_ids(lodged.heads).take(pa.array(items.head)),
        "item_number": to.integers(items.number),
        "scheme": to.texts(to.vocabulary(kinds), declared.scheme),
        "scheme_id": to.texts(to.vocabulary(ids), declared.scheme),
        "role": to.texts(to.vocabulary(ROLES), declared.role),
        "category": to.texts(to.vocabulary(CATEGORIES), item_categories(plan, lodged)[rows]),
        "evaded_duty": to.decimals(lodged.figures.evaded[rows], MONEY_SCALE, held=2),
        "prohibited": pa.array(declared.role == COVER_LOAD),
        "true_hs6": to.texts(goods, items.good),
        "true_origin": to.texts(countries, items.origin),
    }
    return to.table_of(SCHEMA, columns, len(rows))
