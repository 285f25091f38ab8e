"""What is declared in figures: masses, invoice, freight, customs value, duties and taxes, and the shortfall."""

from dataclasses import dataclass

import numpy as np

from tidewaiter.engines.generate.country import (
    ANTI_DUMPING_RATE,
    BASE_RATES,
    EXCISE_RATE,
    LOW_VALUE,
    RELIEFS,
    VAT_RATE,
    load_goods,
    load_partners,
)
from tidewaiter.engines.generate.planting import COVER_LOAD, Declared
from tidewaiter.engines.generate.streams import Streams
from tidewaiter.engines.generate.trade import Frame, Heads, Items

TAX_TYPES = ("CUD", "ADD", "EXC", "VAT")
"""Customs duty, anti-dumping duty, excise, value-added tax."""
RATE_DIGITS = 8
AIR_FREIGHT = 2.4
"""USD per kg by air."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxes(Frame):
    """Tax lines of items: per type of TAX_TYPES (columns) the base and amount in cents and the rate in percent.

    A type is charged where `charged` is true; a rate may be 0 (preference, relief).
    """

    base: np.ndarray
    rate: np.ndarray
    amount: np.ndarray
    charged: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures(Frame):
    """The declared figures of items. Masses in grams, quantities in thousandths, money in cents of its currency.

    `exchange` is national currency for one of the invoice currency, in 1e-8; `charges` tells whether freight and
    insurance stand apart from the invoice; `relief` is final (low-value relief included); `evaded` is what duties and
    taxes fall short by, `fair` the true customs value.
    """

    net: np.ndarray
    gross: np.ndarray
    quantity: np.ndarray
    packages: np.ndarray
    invoice: np.ndarray
    exchange: np.ndarray
    freight: np.ndarray
    insurance: np.ndarray
    value: np.ndarray
    relief: np.ndarray
    fair: np.ndarray
    evaded: np.ndarray


def exchange_rates(streams: Streams, month: int) -> np.ndarray:
    """Return the month's rate of each currency in 1e-8 of the national one."""
    noise = streams.of("rates", month).normal(0, 0.008, len(BASE_RATES))
    wave = 0.03 * np.sin(month / 4 + np.arange(len(BASE_RATES)))
    moved = np.array(BASE_RATES) * np.exp(np.where(np.arange(len(BASE_RATES)) == 0, 0, noise + wave))
    rates: np.ndarray = np.round(moved * 10**RATE_DIGITS).astype(np.int64)
    return rates


def priced(streams: Streams, month: int, heads: Heads, items: Items, declared: Declared) -> tuple[Figures, Taxes]:
    """Return the figures and tax lines of a month's items."""
    rng = streams.of("figures", month)
    rates = exchange_rates(streams, month)
    currency = heads.currency[items.head]
    fair = items.net * items.price
    slip = np.where(rng.random(len(items)) < 0.0012, rng.choice([0.1, 10.0], len(items)), 1.0)
    slip = np.where(declared.role < 0, slip, 1.0)
    step = np.where(currency == 3, 100, 1)
    invoice = np.maximum(np.rint(fair * declared.value * slip * 1e8 / rates[currency] * 100 / step) * step, step)
    freight, insurance = _charges(rng, heads, items, fair)
    value = _national(invoice, rates[currency]) + freight + insurance
    relief = _low_value(rng, heads, items, declared, value)
    taxes = assessed(value, declared.good, declared.origin, declared.preference, relief, heads.flow[items.head] == 0)
    true_value = np.rint(fair * 100).astype(np.int64) + freight + insurance
    net, gross = _masses(rng, items, declared)
    figures = Figures(
        net=net,
        gross=gross,
        quantity=_quantities(items, declared, net),
        packages=_packages(rng, items, gross),
        invoice=invoice.astype(np.int64),
        exchange=rates[currency],
        freight=freight,
        insurance=insurance,
        value=value,
        relief=relief,
        fair=true_value,
        evaded=_evaded(heads, items, declared, true_value, taxes),
    )
    return figures, taxes


def _national(invoice: np.ndarray, exchange: np.ndarray) -> np.ndarray:
    """Return cents of the national currency."""
    cents: np.ndarray = np.rint(invoice * (exchange / 10**RATE_DIGITS)).astype(np.int64)
    return cents


def _charges(rng: np.random.Generator, heads: Heads, items: Items, fair: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return freight and insurance in cents; none where the terms include them (CIF both, CFR freight)."""
    terms, air = heads.terms[items.head], heads.mode[items.head] == 1
    per_kg = np.where(air, AIR_FREIGHT, load_partners().freight[items.origin])
    freight = items.net * per_kg * np.exp(rng.normal(0, 0.25, len(items)))
    freight = np.minimum(freight, fair * 0.8) * 100
    cents = np.where(np.isin(terms, (1, 2)), 0, np.maximum(np.rint(freight), 1)).astype(np.int64)
    insurance = np.where(terms == 1, 0, np.maximum(np.rint(fair * rng.uniform(0.2, 0.5, len(items))), 1))
    return cents, insurance.astype(np.int64)


def _low_value(
    rng: np.random.Generator, heads: Heads, items: Items, declared: Declared, value: np.ndarray
) -> np.ndarray:
    """Return the reliefs, with low-value relief claimed by most who may."""
    single = (heads.items == 1)[items.head] & (heads.flow[items.head] == 0)
    may = single & (value < LOW_VALUE * 100) & (declared.relief < 0) & (declared.role < 0)
    return np.where(may & (rng.random(len(items)) < 0.6), RELIEFS.index("L10"), declared.relief)


def assessed(
    value: np.ndarray,
    good: np.ndarray,
    origin: np.ndarray,
    preference: np.ndarray,
    relief: np.ndarray,
    imported: np.ndarray,
) -> Taxes:
    """Return the tax lines for customs values in cents: duty, anti-dumping and excise on value, VAT on all of it."""
    goods = load_goods()
    free = relief >= 0
    duty = np.where(preference | free, 0, goods.duty[good])
    dumped = goods.dumped[good] & (origin == load_partners().at("CN"))
    rates = [duty, np.where(free, 0, ANTI_DUMPING_RATE), np.where(free, 0, EXCISE_RATE), np.where(free, 0, VAT_RATE)]
    amounts = [(value * rate + 50) // 100 for rate in (np.asarray(rate, dtype=np.int64) for rate in rates[:3])]
    charged = np.column_stack([imported, imported & dumped, imported & goods.excise[good], imported])
    vat_base = value + sum(np.where(charged[:, at], amounts[at], 0) for at in range(3))
    vat = (vat_base * np.asarray(rates[3], dtype=np.int64) + 50) // 100
    return Taxes(
        base=np.column_stack([value, value, value, vat_base]),
        rate=np.column_stack(rates).astype(np.int64),
        amount=np.column_stack([*amounts, vat]),
        charged=charged,
    )


def due(taxes: Taxes) -> np.ndarray:
    """Return what is charged in all, in cents."""
    return np.where(taxes.charged, taxes.amount, 0).sum(axis=1)


def _evaded(heads: Heads, items: Items, declared: Declared, true_value: np.ndarray, taxes: Taxes) -> np.ndarray:
    """Return what is charged too little, in cents: the true goods at the true value against what was declared."""
    wrong = (declared.role >= 0) & (declared.role != COVER_LOAD)
    rightful = declared.preference & (declared.origin == items.origin)
    imported = heads.flow[items.head] == 0
    true = assessed(true_value, items.good, items.origin, rightful, np.full(len(items), -1), imported)
    return np.where(wrong, np.maximum(due(true) - due(taxes), 0), 0)


def _masses(rng: np.random.Generator, items: Items, declared: Declared) -> tuple[np.ndarray, np.ndarray]:
    """Return declared net and gross mass in grams; now and then honestly swapped, or gross simply repeated."""
    net = np.maximum(np.rint(items.net * declared.mass * 1000), 1)
    gross = np.rint(net * (1.02 + rng.gamma(1.5, 0.04, len(items))) / 10) * 10
    gross = np.maximum(gross, net)
    swapped, same = rng.random(len(items)) < 0.003, rng.random(len(items)) < 0.02
    low = np.where(swapped, gross, net)
    high = np.where(swapped | same, net, gross)
    return low.astype(np.int64), high.astype(np.int64)


def _quantities(items: Items, declared: Declared, net: np.ndarray) -> np.ndarray:
    """Return declared quantities in thousandths of the unit of the declared good."""
    goods = load_goods()
    by_mass = np.array([unit == "KG" for unit in goods.unit])[declared.good]
    pieces = np.maximum(np.rint(items.quantity * declared.mass), 1) * 1000
    return np.where(by_mass, net, pieces).astype(np.int64)


def _packages(rng: np.random.Generator, items: Items, gross: np.ndarray) -> np.ndarray:
    """Return the number of packages, of some 20 kg each."""
    per_package = 20_000 * np.exp(rng.normal(0, 0.5, len(items)))
    packages: np.ndarray = np.maximum(np.rint(gross / per_package), 1).astype(np.int64)
    return packages
