"""Tessaria, the fictional island republic whose trade is generated: its offices, goods, partners and codes."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

NAME = "Customs of the Republic of Tessaria"
CODE = "XT"
CURRENCY = "USD"
TIME_ZONE = "Indian/Mauritius"
UTC_OFFSET = 4 * 3600
VAT_RATE = 15
EXCISE_RATE = 20
ANTI_DUMPING_RATE = 35
LOW_VALUE = 1_000
"""Below this customs value (national currency) a consignment may claim low-value relief L10."""

FLOWS = ("import", "export", "transit")
MODES = ("1", "4")
"""Transport modes by position: sea, air (UN/ECE Recommendation 19)."""
RELIEFS = ("D20", "C30", "R40", "L10")
RELIEF_MEANINGS = ("diplomatic goods", "charity", "returned goods", "low value")
TRUSTED = ("S", "F")
"""Trusted-trader types: security, simplification (facilitation)."""
CURRENCIES = ("USD", "EUR", "GBP", "JPY")
BASE_RATES = (1.0, 1.08, 1.27, 0.0067)
TERMS = ("FOB", "CIF", "CFR", "EXW")
ANTI_DUMPING = frozenset({"690721", "871200", "401120", "730630", "392321", "731815"})
"""Goods that pay anti-dumping duty when they originate in CN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """A customs office: its code, town, location, the mode it serves, its share of that mode and of random exams."""

    code: str
    town: str
    location: str
    mode: int
    share: float
    random_share: float


OFFICES = (
    Office(code="TS101", town="Salmouth", location="XTSAL", mode=0, share=0.55, random_share=0.015),
    Office(code="TS102", town="Port Ferren", location="XTFER", mode=0, share=0.30, random_share=0.015),
    Office(code="TS103", town="Caldra Bay", location="XTCAL", mode=0, share=0.15, random_share=0.010),
    Office(code="TS201", town="Salmouth Airport", location="XTSLA", mode=1, share=0.75, random_share=0.015),
    Office(code="TS202", town="Ostrel Airport", location="XTOST", mode=1, share=0.25, random_share=0.020),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """The goods traded, by position. Masses in kg, prices in USD per kg, rates in percent."""

    hs: tuple[str, ...]
    sector: np.ndarray
    unit: tuple[str, ...]
    kg_per_unit: np.ndarray
    price: np.ndarray
    spread: np.ndarray
    duty: np.ndarray
    shipment_kg: np.ndarray
    licence: tuple[str, ...]
    origins: np.ndarray
    words: tuple[tuple[str, ...], ...]
    excise: np.ndarray
    dumped: np.ndarray

    def at(self, hs: str) -> int:
        """Return the position of a code; ValueError when it is not traded."""
        return self.hs.index(hs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Partners:
    """Partner countries, by position. `freight` is USD per kg by sea, `days` the passage by sea."""

    country: tuple[str, ...]
    level: np.ndarray
    currency: np.ndarray
    days: np.ndarray
    freight: np.ndarray
    preferential: np.ndarray
    hubs: np.ndarray
    sea: tuple[str, ...]
    air: tuple[str, ...]
    town: tuple[str, ...]

    def at(self, country: str) -> int:
        """Return the position of a country; ValueError when it is no partner."""
        return self.country.index(country)


def _rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a data file of this package."""
    with files(__package__).joinpath(name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _numbers(rows: list[dict[str, str]], column: str) -> np.ndarray:
    """Return one column as float64."""
    return np.array([float(row[column]) for row in rows])


@cache
def load_partners() -> Partners:
    """Return the partner countries."""
    rows = _rows("partners.csv")
    return Partners(
        country=tuple(row["country"] for row in rows),
        level=_numbers(rows, "level"),
        currency=np.array([CURRENCIES.index(row["currency"]) for row in rows]),
        days=_numbers(rows, "days"),
        freight=_numbers(rows, "freight"),
        preferential=_numbers(rows, "preferential") > 0,
        hubs=np.flatnonzero(_numbers(rows, "hub")),
        sea=tuple(row["sea"] for row in rows),
        air=tuple(row["air"] for row in rows),
        town=tuple(row["town"] for row in rows),
    )


@cache
def load_goods() -> Goods:
    """Return the goods traded; `origins` is a matrix of shares, good by partner."""
    rows = _rows("goods.csv")
    sectors = sorted({row["sector"] for row in rows})
    return Goods(
        hs=tuple(row["hs"] for row in rows),
        sector=np.array([sectors.index(row["sector"]) for row in rows]),
        unit=tuple(row["unit"] for row in rows),
        kg_per_unit=_numbers(rows, "kg_per_unit"),
        price=_numbers(rows, "price"),
        spread=_numbers(rows, "spread"),
        duty=_numbers(rows, "duty"),
        shipment_kg=_numbers(rows, "shipment_kg"),
        licence=tuple(row["licence"] for row in rows),
        origins=_origins(rows),
        words=tuple(tuple(row["words"].split("|")) for row in rows),
        excise=np.array([row["licence"] == "EXC" for row in rows]),
        dumped=np.array([row["hs"] in ANTI_DUMPING for row in rows]),
    )


def _origins(rows: list[dict[str, str]]) -> np.ndarray:
    """Return the share of each partner (column) in the supply of each good (row)."""
    partners = load_partners()
    shares = np.zeros((len(rows), len(partners.country)))
    for position, row in enumerate(rows):
        for part in row["origins"].split():
            shares[position, partners.at(part[:2])] = float(part[2:])
    return shares / shares.sum(axis=1, keepdims=True)
