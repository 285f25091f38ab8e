"""Numbers on papers: declarations, transport documents, containers, seals, vessels and voyages.

All are fixed functions of the run's seed and the declaration's serial number, so that every table and every version
tells the same.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa

from tidewaiter.engines.generate.calendar import day_of
from tidewaiter.engines.generate.columns import constant, digits, joined, letters, texts, vocabulary
from tidewaiter.engines.generate.country import OFFICES, load_partners
from tidewaiter.engines.generate.prices import Figures
from tidewaiter.engines.generate.streams import fraction, mixed
from tidewaiter.engines.generate.trade import Heads, Items

CARRIERS = (
    ("OBL", "Oceanbridge Line"), ("TSW", "Transwave Shipping"), ("NVL", "Norvane Lines"), ("KMR", "Kestrel Maritime"),
    ("SGC", "Southern Gyre Container"), ("BLS", "Blue Lantern Shipping"), ("MRD", "Meridian Feeder"),
    ("PLX", "Palmetto Express Line"), ("TZA", "Tessaria Air Cargo"), ("VLA", "Velmar Airways"),
    ("OSJ", "Ostrel Jet Freight"), ("SKB", "Skybarrow Cargo"),
)  # fmt: skip
SEA_CARRIERS = 8
_VESSELS = ("Aurelia", "Brightwater", "Calandra", "Dunmore", "Elsinora", "Fairhaven")
_OWNERS = ("OBLU", "TSWU", "NVLU", "KMRU", "SGCU", "BLSU", "MRDU", "PLXU", "TCXU", "QRLU")
_CONSOLIDATORS = "Abrel Bolvara Camarin Damison Elkora Farrow Gorvane Halbrook Ilmar Jorvane Kelmont Lamora"
CONSOLIDATORS = tuple(
    (f"K{100 + at}", f"{stem} Consolidation Services") for at, stem in enumerate(_CONSOLIDATORS.split())
)
MAX_BOXES = 6
BOX_GRAMS = 24_000_000
WRONG_CHECK_DIGITS = 0.006


def declaration_ids(heads: Heads) -> pa.Array:
    """Return the numbers of the declarations: year, office, serial number."""
    years = heads.day.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    offices = texts(vocabulary([office.code for office in OFFICES]), heads.office)
    return joined(letters(digits(years % 100, 2)), offices, letters(digits(heads.number, 8)))


def has_house(heads: Heads) -> np.ndarray:
    """Tell which declarations have a house document: most by sea, all by air."""
    housed: np.ndarray = (fraction(heads.number, 31) < 0.8) | (heads.mode == 1)
    return housed


def house_documents(seed: int, heads: Heads) -> pa.Array:
    """Return house bills and house air waybills; missing where the goods came under a master document alone."""
    prefix = texts(vocabulary(["HBL", "HAWB"]), np.where(has_house(heads), heads.mode, -1))
    return joined(prefix, letters(digits((heads.number * 7_919 + seed % 9_973) % 900_000_007, 9)))


def master_documents(seed: int, heads: Heads) -> pa.Array:
    """Return master bills: of one's own where there is no house document, else shared by carrier, port and week."""
    carrier = carriers(heads)
    week = heads.day // 4
    shared = mixed(seed, carrier, heads.origin, heads.office, week, heads.number % 3) % np.uint64(90_000_000)
    number = np.where(has_house(heads), shared.astype(np.int64), 90_000_000 + heads.number)
    return joined(texts(vocabulary([code for code, _ in CARRIERS]), carrier), letters(digits(number, 9)))


def carriers(heads: Heads) -> np.ndarray:
    """Return the carrier's position: each serves some origins."""
    at = mixed(heads.origin, fraction(heads.number, 33) < 0.3, 5)
    air = len(CARRIERS) - SEA_CARRIERS
    sea = (at % np.uint64(SEA_CARRIERS)).astype(np.int64)
    return np.where(heads.mode == 0, sea, SEA_CARRIERS + (at % np.uint64(air)).astype(np.int64))


def conveyances(heads: Heads) -> pa.Array:
    """Return vessels and flights."""
    names = [
        f"MV {CARRIERS[at][1].split()[0]} {vessel}" if at < SEA_CARRIERS else f"{CARRIERS[at][0]} freighter {number}"
        for at in range(len(CARRIERS))
        for number, vessel in enumerate(_VESSELS)
    ]
    return texts(vocabulary(names), carriers(heads) * len(_VESSELS) + _sailing(heads))


def _sailing(heads: Heads) -> np.ndarray:
    """Return which of a carrier's vessels called that week."""
    return (mixed(carriers(heads), heads.day // 7) % np.uint64(len(_VESSELS))).astype(np.int64)


def voyages(heads: Heads) -> pa.Array:
    """Return voyage numbers: year, week and vessel."""
    weeks = heads.day // 7 - (day_of(int(heads.day[0])).year - 1970) * 52 if len(heads) else heads.day
    return joined(letters(digits(weeks % 1000, 3)), letters(digits(_sailing(heads) + 1, 1)), constant("E", len(heads)))


def ports_of_loading(heads: Heads) -> np.ndarray:
    """Return positions in `port_names`: the hub's port where goods changed ship, else the origin's."""
    sea_port = np.where(heads.hub >= 0, heads.hub, heads.origin)
    return np.where(heads.mode == 0, sea_port, heads.origin + len(load_partners().sea))


@cache
def port_names() -> pa.Array:
    """Return the partner countries' sea ports, then their airports."""
    partners = load_partners()
    return vocabulary([*partners.sea, *partners.air])


def departures(heads: Heads) -> np.ndarray:
    """Return the partner from which goods are declared as dispatched."""
    return np.where(heads.shipped_from_hub & (heads.hub >= 0), heads.hub, heads.origin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """The containers of declarations: how many each has, all numbers in order, and the declaration of each."""

    counts: np.ndarray
    numbers: pa.Array
    head: np.ndarray
    full: np.ndarray


def boxes_of(seed: int, heads: Heads, items: Items, figures: Figures) -> Boxes:
    """Return the containers: by sea as many as the gross mass asks for, one shared one for small lots, none by air."""
    gross = np.bincount(items.head, weights=figures.gross, minlength=len(heads))
    needed = np.clip(np.ceil(gross / BOX_GRAMS), 1, MAX_BOXES).astype(np.int64)
    counts = np.where((heads.mode == 0) & (heads.flow != 1), needed, 0)
    head = np.repeat(np.arange(len(heads)), counts)
    within = np.arange(len(head)) - (np.cumsum(counts) - counts)[head]
    numbers = container_numbers(mixed(seed, heads.number[head], within, 17))
    return Boxes(counts=counts, numbers=numbers, head=head, full=gross[head] > 6_000_000)


def container_numbers(drawn: np.ndarray) -> pa.Array:
    """Return container numbers with the check digit of ISO 6346, a few of them wrong."""
    owners = np.array([list(owner.encode()) for owner in _OWNERS], dtype=np.uint8)
    body = np.column_stack(
        [
            owners[(drawn % np.uint64(len(owners))).astype(np.int64)],
            digits((drawn >> np.uint64(8)) % np.uint64(10**6), 6),
        ]
    )
    wrong = (drawn >> np.uint64(40)) % np.uint64(1000) < np.uint64(int(WRONG_CHECK_DIGITS * 1000))
    check = (check_digits(body) + np.where(wrong, 3, 0)) % 10
    return letters(np.column_stack([body, (check + 48).astype(np.uint8)]))


def check_digits(body: np.ndarray) -> np.ndarray:
    """Return the ISO 6346 check digit for rows of four letters and six digits in ASCII."""
    values = np.zeros(128, dtype=np.int64)
    values[48:58] = np.arange(10)
    values[65:91] = [value for value in range(10, 39) if value % 11]
    checks: np.ndarray = (values[body] * 2 ** np.arange(10)).sum(axis=1) % 11 % 10
    return checks
