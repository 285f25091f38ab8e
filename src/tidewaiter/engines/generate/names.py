"""Made-up names, addresses and codes of companies. Any likeness to a real company is chance."""

from dataclasses import dataclass

import numpy as np

_STEMS = [
    "Abrel",
    "Adonra",
    "Alcamar",
    "Amberlin",
    "Ansova",
    "Arbetto",
    "Arvane",
    "Balcore",
    "Beltram",
    "Berrow",
    "Bolvara",
    "Brandel",
    "Calvesta",
    "Camarin",
    "Carrow",
    "Celdra",
    "Corvane",
    "Dalmar",
    "Damison",
    "Dorvale",
    "Drassin",
    "Elbrin",
    "Elkora",
    "Emberly",
    "Eskander",
    "Falmora",
    "Farrow",
    "Fendale",
    "Ferrol",
    "Galvane",
    "Garmond",
    "Glendara",
    "Gorvane",
    "Halbrook",
    "Harvane",
    "Heltra",
    "Hollin",
    "Ibrova",
    "Ilmar",
    "Indrale",
    "Jorvane",
    "Kaldera",
    "Kelmont",
    "Kestrin",
    "Korvale",
    "Lamora",
    "Larkin",
    "Lendale",
    "Lorvane",
    "Maldora",
    "Marvane",
    "Melbrin",
    "Merrow",
    "Mondale",
    "Narvane",
    "Nelbrook",
    "Norvale",
    "Obrin",
    "Olmara",
    "Orvane",
    "Palmeri",
    "Parvane",
    "Pelbrook",
    "Quillon",
    "Ralmora",
    "Renvale",
    "Rosmar",
    "Salvane",
    "Selbrin",
    "Solmara",
    "Sorvane",
    "Talbrin",
    "Tarvane",
    "Telmora",
    "Thornal",
    "Torvane",
    "Ulmara",
    "Umbrel",
    "Valcora",
    "Velbrook",
    "Verrow",
    "Wenmar",
    "Westrin",
    "Yarrow",
    "Yelmora",
    "Zaldara",
    "Zelmont",
    "Zorvane",
]
_TRADES = [
    "Trading",
    "Imports",
    "Supplies",
    "General",
    "Merchants",
    "Commercial",
    "Distribution",
    "Wholesale",
    "Enterprises",
    "Holdings",
    "Ventures",
    "International",
    "Logistics",
    "Brothers",
    "Group",
    "Stores",
    "Global",
    "Overseas",
    "Resources",
    "Partners",
]
_FORMS = ("Ltd", "Limited", "Co Ltd", "PLC", "LLC", "& Sons Ltd")
_FOREIGN_TRADES = [
    "Export",
    "Manufacturing",
    "Industries",
    "Textiles",
    "Foods",
    "Electronics",
    "Industrial",
    "Trading",
    "Products",
    "Works",
    "Mills",
    "Machinery",
    "Chemicals",
    "Agro",
    "Metals",
    "Global",
    "Technologies",
    "Factory",
]
_FOREIGN_FORMS = ("Co Ltd", "GmbH", "Inc", "SA", "Pvt Ltd", "Ltd", "SpA", "FZE", "BV", "JSC")
_STREETS = [
    "Harbour Road",
    "Quay Street",
    "Mill Lane",
    "Market Square",
    "Station Road",
    "Lighthouse Avenue",
    "Rope Walk",
    "Cooper Street",
    "Dock Road",
    "Warehouse Row",
    "Chandler Street",
    "Bay View",
    "Signal Hill",
    "Old Customs Street",
    "Industrial Zone",
    "Orchard Road",
    "Salt Lane",
]
_TOWNS = ("Salmouth", "Port Ferren", "Caldra Bay", "Ostrel", "Minster Hill", "Venn", "Loweport")


@dataclass(frozen=True, slots=True, kw_only=True)
class Companies:
    """Companies by position: code, name and address."""

    code: tuple[str, ...]
    name: tuple[str, ...]
    address: tuple[str, ...]


def company_names(rng: np.random.Generator, count: int, *, foreign: bool = False) -> tuple[str, ...]:
    """Return so many names; large counts repeat stems, as registers do."""
    trades, forms = (_FOREIGN_TRADES, _FOREIGN_FORMS) if foreign else (_TRADES, _FORMS)
    picks = np.column_stack(
        [rng.integers(0, len(part), count) for part in (_STEMS, _STEMS, trades, forms)] + [rng.random(count) < 0.35]
    ).tolist()
    return tuple(f"{_STEMS[a]}{' ' + _STEMS[b] if two else ''} {trades[c]} {forms[d]}" for a, b, c, d, two in picks)


def addresses(rng: np.random.Generator, count: int, *, towns: tuple[str, ...] = _TOWNS) -> tuple[str, ...]:
    """Return so many addresses; about one in fourteen is a post-office box."""
    picks = np.column_stack(
        [
            rng.integers(1, 200, count),
            rng.integers(0, len(_STREETS), count),
            rng.integers(0, len(towns), count),
            rng.random(count) < 0.07,
        ]
    ).tolist()
    return tuple(
        f"PO Box {number * 7}, {towns[town]}" if box else f"{number} {_STREETS[street]}, {towns[town]}"
        for number, street, town, box in picks
    )


def codes(rng: np.random.Generator, prefix: str, count: int) -> tuple[str, ...]:
    """Return so many different registration codes: prefix and eight digits."""
    steps = np.cumsum(rng.integers(1, max(2, 80_000_000 // max(count, 1)), count))
    return tuple(f"{prefix}{10_000_000 + int(step)}" for step in rng.permutation(steps))


def companies(rng: np.random.Generator, prefix: str, count: int) -> Companies:
    """Return so many national companies."""
    return Companies(code=codes(rng, prefix, count), name=company_names(rng, count), address=addresses(rng, count))
