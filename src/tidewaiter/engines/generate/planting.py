"""What is declared instead of the truth: schemes and opportunism laid over a month's honest trade."""

from dataclasses import dataclass, replace
from typing import assert_never

import numpy as np

from tidewaiter.engines.generate.country import LOW_VALUE, RELIEFS, load_goods, load_partners
from tidewaiter.engines.generate.schemes import Kind, Plan, Scheme
from tidewaiter.engines.generate.streams import Streams
from tidewaiter.engines.generate.trade import Frame, Heads, Items
from tidewaiter.engines.generate.traders import Traders

OPPORTUNISM_RATE = 0.0095
"""Chance of an unplanned irregularity in an import item of a trader of mean laxness."""

ROLES = ("undervalued", "misclassified", "false origin", "cover load", "relief abused", "split", "understated mass")
ROLE_CATEGORIES = (
    "UNDERVALUATION",
    "MISCLASSIFICATION",
    "ORIGIN",
    "UNDECLARED_GOODS",
    "RELIEF_ABUSE",
    "RELIEF_ABUSE",
    "QUANTITY_OR_WEIGHT",
)
UNDERVALUED, MISCLASSIFIED, FALSE_ORIGIN, COVER_LOAD, RELIEF_ABUSED, SPLIT, UNDERSTATED = range(len(ROLES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared(Frame):
    """What is declared of each item, and what is wrong with it.

    `good` and `origin` as declared; `value` and `mass` are what is declared of the true value and mass (1: all);
    `relief` a position in country.RELIEFS or -1; `preference` whether one is claimed. `role` is a position in ROLES,
    -1 where nothing is wrong; `scheme` that of the scheme, -1 where nothing is wrong, the number of schemes for an
    opportunist; `true_words` whether the description names the true good though the code does not.
    """

    good: np.ndarray
    origin: np.ndarray
    value: np.ndarray
    mass: np.ndarray
    relief: np.ndarray
    preference: np.ndarray
    role: np.ndarray
    scheme: np.ndarray
    true_words: np.ndarray


def planted(
    streams: Streams, month: int, traders: Traders, plan: Plan, heads: Heads, items: Items
) -> tuple[Heads, Items, Declared]:
    """Return the month's trade as declared, with what is wrong."""
    declared = _truthful(streams.of("claims", month), heads, items)
    for position, scheme in enumerate(plan.schemes):
        rng = streams.of(f"plant {scheme.scheme_id}", month)
        rows = _irregular_rows(rng, traders, position, scheme, heads, items)
        if len(rows):
            heads, items, declared = _lay(rng, position, scheme, rows, heads, items, declared)
    rng = streams.of("opportunism", month)
    return heads, items, _opportunism(rng, traders, len(plan.schemes), heads, items, declared)


def _truthful(rng: np.random.Generator, heads: Heads, items: Items) -> Declared:
    """Return everything declared as it is; preferences and reliefs claimed by right."""
    count, goods = len(items), load_goods()
    imported = heads.flow[items.head] == 0
    right = load_partners().preferential[items.origin] & (goods.duty[items.good] > 0) & imported
    relieved = (rng.random(len(heads)) < 0.013) & (heads.flow == 0)
    relief = np.where(relieved, rng.choice(3, len(heads), p=[0.3, 0.3, 0.4]), -1)[items.head]
    return Declared(
        good=items.good,
        origin=items.origin,
        value=np.ones(count),
        mass=np.ones(count),
        relief=relief,
        preference=right & (rng.random(len(heads)) < 0.75)[items.head] & (relief < 0),
        role=np.full(count, -1),
        scheme=np.full(count, -1),
        true_words=np.zeros(count, dtype=bool),
    )


def _irregular_rows(
    rng: np.random.Generator, traders: Traders, position: int, scheme: Scheme, heads: Heads, items: Items
) -> np.ndarray:
    """Return the items a scheme touches: of its members, its goods, within its days."""
    member = traders.scheme[heads.trader] == position
    within = (heads.day >= scheme.starts_on) & (heads.day <= scheme.ends_on)
    touched = member & within & (rng.random(len(heads)) < scheme.rate)
    likely = rng.random(len(items)) < 0.85
    first = items.number == 1
    return np.flatnonzero(touched[items.head] & (likely | first) & np.isin(items.good, scheme.goods))


def _set(array: np.ndarray, rows: np.ndarray, values: np.ndarray | float) -> np.ndarray:
    """Return a copy with the rows set."""
    changed = array.copy()
    changed[rows] = values
    return changed


def _lay(
    rng: np.random.Generator,
    position: int,
    scheme: Scheme,
    rows: np.ndarray,
    heads: Heads,
    items: Items,
    declared: Declared,
) -> tuple[Heads, Items, Declared]:
    """Return the trade with the scheme laid over those items."""
    declared = replace(
        declared,
        scheme=_set(declared.scheme, rows, position),
        relief=_set(declared.relief, rows, -1),
        preference=_set(declared.preference, rows, False),
    )
    match scheme.kind:
        case Kind.MISCLASSIFICATION:
            return heads, items, _misclassified(rng, scheme, rows, items, declared)
        case Kind.ORIGIN:
            return *_through_hub(scheme, rows, heads, items), _false_origin(scheme, rows, declared)
        case Kind.SMUGGLING:
            return heads, items, replace(declared, role=_set(declared.role, rows, COVER_LOAD))
        case Kind.RELIEF:
            role, relief = _set(declared.role, rows, RELIEF_ABUSED), _set(declared.relief, rows, scheme.relief)
            return heads, items, replace(declared, role=role, relief=relief)
        case Kind.SPLIT:
            return heads, _small(rng, rows, items), _split(rows, declared)
        case Kind.SHIFT:
            return _shifted(rng, scheme, rows, heads, items, declared)
        case Kind.UNDERVALUATION | Kind.SHELL | Kind.COLLUSION | Kind.OPPORTUNISM:
            return heads, items, _undervalued(rng, scheme, rows, declared)
        case never:
            assert_never(never)


def _undervalued(rng: np.random.Generator, scheme: Scheme, rows: np.ndarray, declared: Declared) -> Declared:
    """Return the items declared at part of their value."""
    part = rng.uniform(scheme.low, scheme.high, len(rows))
    return replace(declared, value=_set(declared.value, rows, part), role=_set(declared.role, rows, UNDERVALUED))


def _misclassified(
    rng: np.random.Generator, scheme: Scheme, rows: np.ndarray, items: Items, declared: Declared
) -> Declared:
    """Return the items declared under the code of lower duty; a third of the descriptions still tell the truth."""
    code_for = dict(zip(scheme.goods, scheme.declared, strict=True))
    codes = np.array([code_for[good] for good in items.good[rows].tolist()])
    return replace(
        declared,
        good=_set(declared.good, rows, codes),
        role=_set(declared.role, rows, MISCLASSIFIED),
        true_words=_set(declared.true_words, rows, rng.random(len(rows)) < 0.35),
    )


def _false_origin(scheme: Scheme, rows: np.ndarray, declared: Declared) -> Declared:
    """Return the items declared as originating in the hub's country, with its preference."""
    return replace(
        declared,
        origin=_set(declared.origin, rows, scheme.declared_origin),
        preference=_set(declared.preference, rows, True),
        role=_set(declared.role, rows, FALSE_ORIGIN),
    )


def _through_hub(scheme: Scheme, rows: np.ndarray, heads: Heads, items: Items) -> tuple[Heads, Items]:
    """Return the declarations routed through the hub and declared as dispatched from it."""
    touched = np.unique(items.head[rows])
    heads = replace(
        heads,
        hub=_set(heads.hub, touched, scheme.declared_origin),
        shipped_from_hub=_set(heads.shipped_from_hub, touched, True),
    )
    return heads, items


def _small(rng: np.random.Generator, rows: np.ndarray, items: Items) -> Items:
    """Return the items cut down to just under the low-value limit."""
    net = np.maximum(np.round(LOW_VALUE * rng.uniform(0.6, 0.9, len(rows)) / items.price[rows], 3), 0.02)
    goods = load_goods()
    pieces = np.maximum(np.round(net / goods.kg_per_unit[items.good[rows]]), 1)
    net = np.minimum(net, np.maximum(LOW_VALUE * 0.93 / items.price[rows], 0.002))
    return replace(items, net=_set(items.net, rows, np.round(net, 3)), quantity=_set(items.quantity, rows, pieces))


def _split(rows: np.ndarray, declared: Declared) -> Declared:
    """Return the items with low-value relief claimed."""
    low_value = RELIEFS.index("L10")
    return replace(declared, relief=_set(declared.relief, rows, low_value), role=_set(declared.role, rows, SPLIT))


def _shifted(
    rng: np.random.Generator,
    scheme: Scheme,
    rows: np.ndarray,
    heads: Heads,
    items: Items,
    declared: Declared,
) -> tuple[Heads, Items, Declared]:
    """Return undervaluation before the day of change, false origin through a hub from that day on."""
    after = heads.day[items.head[rows]] >= (scheme.shifts_on or 0)
    declared = _undervalued(rng, scheme, rows[~after], declared)
    if not after.any():
        return heads, items, declared
    heads, items = _through_hub(scheme, rows[after], heads, items)
    return heads, items, _false_origin(scheme, rows[after], declared)


def _opportunism(
    rng: np.random.Generator, traders: Traders, position: int, heads: Heads, items: Items, declared: Declared
) -> Declared:
    """Return the items with unplanned irregularities added: value or mass understated by lax traders."""
    trader = heads.trader[items.head]
    chance = np.minimum(OPPORTUNISM_RATE * traders.laxness[trader], 0.15)
    free = (traders.scheme[trader] < 0) & (heads.flow[items.head] == 0) & (declared.relief < 0)
    rows = np.flatnonzero((rng.random(len(items)) < chance) & free)
    light = rng.random(len(rows)) < 0.4
    part = rng.uniform(0.5, 0.9, len(rows))
    return replace(
        declared,
        value=_set(declared.value, rows, part),
        mass=_set(declared.mass, rows[light], part[light]),
        role=_set(_set(declared.role, rows, UNDERVALUED), rows[light], UNDERSTATED),
        scheme=_set(declared.scheme, rows, position),
    )
