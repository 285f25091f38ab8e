"""The declarations table of a month, in the canonical columns."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from tidewaiter.core.tables import DECLARATIONS
from tidewaiter.core.tables.field import EXCHANGE_RATE_SCALE, MASS_SCALE, MONEY_SCALE, QUANTITY_SCALE, TAX_RATE_SCALE
from tidewaiter.engines.generate import columns as to
from tidewaiter.engines.generate import papers
from tidewaiter.engines.generate.country import (
    CODE,
    CURRENCIES,
    FLOWS,
    MODES,
    OFFICES,
    RELIEFS,
    TERMS,
    TRUSTED,
    load_goods,
    load_partners,
)
from tidewaiter.engines.generate.names import Companies
from tidewaiter.engines.generate.planting import Declared
from tidewaiter.engines.generate.prices import TAX_TYPES, Figures, Taxes
from tidewaiter.engines.generate.streams import fraction, mixed
from tidewaiter.engines.generate.trade import Heads, Items
from tidewaiter.engines.generate.traders import Traders
from tidewaiter.engines.generate.words import load_vocabulary

SCHEMA = to.schema_of(DECLARATIONS)
TARIFF_EDITION = 2022
type Columns = dict[str, pa.Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registers:
    """Who can stand on a declaration, as texts ready to be picked from: code, name and address of each."""

    traders: tuple[pa.Array, pa.Array, pa.Array]
    brokers: tuple[pa.Array, pa.Array, pa.Array]
    suppliers: tuple[pa.Array, pa.Array, pa.Array]


def register(companies: Companies) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Return codes, names and addresses as texts."""
    return to.vocabulary(companies.code), to.vocabulary(companies.name), to.vocabulary(companies.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lodged:
    """All there is to say about the declarations of a month; `words` are positions in the vocabulary."""

    seed: int
    heads: Heads
    items: Items
    declared: Declared
    figures: Figures
    taxes: Taxes
    words: np.ndarray

    def of(self, rows: np.ndarray) -> "Lodged":
        """Return those declarations only (positions in ascending order), with all their items."""
        places = np.full(len(self.heads), -1)
        places[rows] = np.arange(len(rows))
        kept = np.flatnonzero(places[self.items.head] >= 0)
        items = self.items.take(kept)
        return replace(
            self,
            heads=self.heads.take(rows),
            items=replace(items, head=places[items.head]),
            declared=self.declared.take(kept),
            figures=self.figures.take(kept),
            taxes=self.taxes.take(kept),
            words=self.words[kept],
        )


def declarations_table(
    lodged: Lodged, traders: Traders, registers: Registers, version: int, known: np.ndarray
) -> pa.Table:
    """Return the rows of that version, known at those seconds (one a declaration)."""
    items = lodged.items
    of_heads = _papers(lodged) | _parties(lodged, traders, registers) | _codes(lodged, traders)
    rows = pa.array(items.head)
    columns = {name: column.take(rows) for name, column in of_heads.items()}
    columns |= _goods(lodged) | _figures(lodged) | {"tax_lines": _tax_lines(lodged.taxes)}
    columns["item_number"] = to.integers(items.number)
    columns["version"] = to.integers(np.full(len(items), version))
    columns["known_at"] = to.instants(known[items.head])
    return to.table_of(SCHEMA, columns, len(items))


def _papers(lodged: Lodged) -> Columns:
    """Return numbers, documents and places."""
    heads, seed = lodged.heads, lodged.seed
    house, master = papers.house_documents(seed, heads), papers.master_documents(seed, heads)
    boxes = papers.boxes_of(seed, heads, lodged.items, lodged.figures)
    exported = heads.flow == 1
    home = to.texts(to.vocabulary([office.location for office in OFFICES]), heads.office)
    abroad = to.texts(papers.port_names(), papers.ports_of_loading(heads))
    unknown = fraction(heads.number, 41) < 0.02
    return {
        "declaration_id": papers.declaration_ids(heads),
        "lodged_at": to.instants(heads.lodged),
        "previous_document": to.texts(pa.concat_arrays([house, master]), _previous(heads, unknown | exported)),
        "containers": to.lists(boxes.numbers, boxes.counts),
        "port_of_loading": pa.compute.if_else(pa.array(exported), home, abroad),
        "port_of_discharge": pa.compute.if_else(pa.array(exported), abroad, home),
    }


def _previous(heads: Heads, missing: np.ndarray) -> np.ndarray:
    """Return where the previous document stands among the house documents followed by the master documents."""
    own = np.arange(len(heads))
    return np.where(missing, -1, np.where(papers.has_house(heads), own, own + len(heads)))


def _party(role: str, texts: tuple[pa.Array, pa.Array, pa.Array], picked: np.ndarray) -> Columns:
    """Return the three columns of a party."""
    names = (f"{role}_code", f"{role}_name", f"{role}_address")
    return {name: to.texts(words, picked) for name, words in zip(names, texts, strict=True)}


def _parties(lodged: Lodged, traders: Traders, registers: Registers) -> Columns:
    """Return who declares, imports, exports, sells, buys and carries."""
    heads = lodged.heads
    exported, foreign = heads.flow == 1, len(traders)
    both = tuple(pa.concat_arrays([ours, theirs]) for ours, theirs in _pairs(registers))
    supplier = heads.supplier + foreign
    importer, exporter = np.where(exported, supplier, heads.trader), np.where(exported, heads.trader, supplier)
    third = foreign + (mixed(heads.supplier, 3) % np.uint64(len(registers.suppliers[0]))).astype(np.int64)
    seller = np.where(fraction(heads.number, 43) < 0.9, exporter, third)
    buyer = np.where(fraction(heads.number, 44) < 0.9, importer, -1)
    declarant = np.where(heads.broker < 0, heads.trader, heads.broker + len(traders))
    declaring = tuple(
        pa.concat_arrays([own, broker]) for own, broker in zip(registers.traders, registers.brokers, strict=True)
    )
    carriers = tuple(to.vocabulary([carrier[at] for carrier in papers.CARRIERS]) for at in (0, 1))
    return (
        _party("declarant", declaring, declarant)
        | _party("importer", both, importer)
        | _without_code(_party("exporter", both, exporter), "exporter_code", heads, exporter >= foreign)
        | _party("seller", both, seller)
        | _party("buyer", both, buyer)
        | {
            f"carrier_{part}": to.texts(words, papers.carriers(heads))
            for part, words in zip(("code", "name"), carriers, strict=True)
        }
    )


def _pairs(registers: Registers) -> list[tuple[pa.Array, pa.Array]]:
    """Return national and foreign texts, side by side."""
    return list(zip(registers.traders, registers.suppliers, strict=True))


def _without_code(columns: Columns, name: str, heads: Heads, foreign: np.ndarray) -> Columns:
    """Return the columns with that code missing in one foreign party of eight."""
    missing = foreign & (fraction(heads.supplier, 45) < 0.12)
    absent = pa.nulls(len(heads), pa.string())
    return columns | {name: pa.compute.if_else(pa.array(missing), absent, columns[name])}


def _codes(lodged: Lodged, traders: Traders) -> Columns:
    """Return the codes that hold for a whole declaration."""
    heads = lodged.heads
    number, flow = heads.number, heads.flow
    warehouse = (flow == 0) & (fraction(number, 51) < 0.05)
    procedure = np.where(warehouse, 3, flow)
    payment = (fraction(number, 53) * 4).astype(np.int64) - 1
    return {
        "flow": to.texts(to.vocabulary(FLOWS), flow),
        "office": to.texts(to.vocabulary([office.code for office in OFFICES]), heads.office),
        "declaration_type": to.texts(to.vocabulary(["IM", "EX", "TR"]), flow),
        "requested_procedure": to.texts(to.vocabulary(["40", "10", "80", "71"]), procedure),
        "previous_procedure": to.texts(to.vocabulary(["00", "71"]), (fraction(number, 52) < 0.04).astype(np.int64)),
        "nature_of_transaction": to.texts(to.vocabulary(["11", "21", "31"]), _skewed(number, 54)),
        "transport_mode": to.texts(to.vocabulary(MODES), heads.mode),
        "terms_of_delivery": to.texts(to.vocabulary(TERMS), heads.terms, fraction(number, 55) < 0.02),
        "invoice_currency": to.texts(to.vocabulary(CURRENCIES), heads.currency),
        "trusted_trader": to.texts(to.vocabulary(TRUSTED), traders.trusted[heads.trader]),
        "payment_terms": to.texts(to.vocabulary(["CASH", "DEFERRED", "BANK"]), payment),
        "destination": _destinations(heads),
        "departure": _countries(papers.departures(heads), flow == 1),
    }


def _skewed(number: np.ndarray, salt: int) -> np.ndarray:
    """Return 0 mostly, 1 and 2 now and then."""
    drawn = fraction(number, salt)
    return (drawn > 0.92).astype(np.int64) + (drawn > 0.97)


def _countries(partner: np.ndarray, own: np.ndarray) -> pa.Array:
    """Return country codes of partners, our own where asked."""
    codes = to.vocabulary([*load_partners().country, CODE])
    return to.texts(codes, np.where(own, len(codes) - 1, partner))


def _destinations(heads: Heads) -> pa.Array:
    """Return the country of destination: ours, but for exports and transit."""
    onward = np.where(heads.flow == 2, (heads.origin + 7) % len(load_partners().country), heads.origin)
    return _countries(onward, heads.flow == 0)


def _goods(lodged: Lodged) -> Columns:
    """Return codes, descriptions and countries of the items."""
    heads, items, declared, goods = lodged.heads, lodged.items, lodged.declared, load_goods()
    row = heads.number[items.head] * 64 + items.number
    suffix = (mixed(heads.trader[items.head], declared.good) % np.uint64(3)).astype(np.int64)
    codes = to.vocabulary([hs + end for hs in goods.hs for end in ("00", "10", "90")])
    units, licences = to.vocabulary(goods.unit), to.vocabulary([name or None for name in goods.licence])
    licensed = np.array([bool(name) for name in goods.licence])[declared.good] & (fraction(row, 61) < 0.94)
    licence = to.joined(licences.take(pa.array(declared.good)), to.letters(to.digits(row % 10**7, 7)))
    blank = fraction(row, 62) < 0.01
    return {
        "hs_code": to.texts(codes, declared.good * 3 + suffix),
        "tariff_edition": to.integers(np.full(len(items), TARIFF_EDITION)),
        "description": to.texts(load_vocabulary().words, lodged.words, fraction(row, 63) < 0.002),
        "origin": _countries(declared.origin, (heads.flow == 1)[items.head]),
        "relief_code": to.texts(to.vocabulary(RELIEFS), lodged.figures.relief),
        "purpose": to.texts(to.vocabulary(["RESALE", "OWN USE"]), (fraction(row, 64) < 0.2).astype(np.int64), blank),
        "quantity_unit": to.texts(units, declared.good),
        "supplementary_unit": to.texts(units, declared.good, _by_mass(declared.good)),
        "package_kind": to.texts(to.vocabulary(["CT", "PX", "BG", "DR"]), declared.good % 4, blank),
        "preference": to.texts(to.vocabulary(["PREF"]), declared.preference.astype(np.int64) - 1),
        "proof_of_origin": _proofs(declared, row),
        "licences": to.lists(licence.filter(pa.array(licensed)), licensed.astype(np.int64)),
        "valuation_method": to.texts(to.vocabulary(["1", "2", "6"]), _skewed(row, 65), fraction(row, 66) < 0.03),
    }


def _by_mass(good: np.ndarray) -> np.ndarray:
    """Tell which goods are counted in kg, so that no supplementary unit is asked for."""
    by_mass: np.ndarray = np.array([unit == "KG" for unit in load_goods().unit])[good]
    return by_mass


def _proofs(declared: Declared, row: np.ndarray) -> pa.Array:
    """Return the kind of proof of origin for items with a preference; now and then it is missing."""
    kind = (fraction(row, 67) < 0.3).astype(np.int64)
    absent = ~declared.preference | (fraction(row, 68) < 0.03)
    return to.texts(to.vocabulary(["CERTIFICATE", "DECLARATION"]), kind, absent)


def _figures(lodged: Lodged) -> Columns:
    """Return masses, quantities and money of the items."""
    heads, items, figures = lodged.heads, lodged.items, lodged.figures
    row = heads.number[items.head] * 64 + items.number
    no_freight, no_insurance = figures.freight == 0, figures.insurance == 0
    counted = _by_mass(lodged.declared.good)
    dollars = to.constant("USD", len(items))
    none = pa.nulls(len(items), pa.string())
    return {
        "net_mass": to.decimals(figures.net, MASS_SCALE, missing=fraction(row, 71) < 0.005),
        "gross_mass": to.decimals(figures.gross, MASS_SCALE, missing=fraction(row, 72) < 0.003),
        "quantity": to.decimals(figures.quantity, QUANTITY_SCALE, missing=fraction(row, 73) < 0.01),
        "supplementary_quantity": to.decimals(figures.quantity, QUANTITY_SCALE, missing=counted),
        "packages": to.integers(figures.packages, fraction(row, 74) < 0.01),
        "invoice_value": to.decimals(figures.invoice, MONEY_SCALE, held=2),
        "exchange_rate": to.decimals(figures.exchange, EXCHANGE_RATE_SCALE),
        "freight": to.decimals(figures.freight, MONEY_SCALE, held=2, missing=no_freight),
        "freight_currency": pa.compute.if_else(pa.array(no_freight), none, dollars),
        "insurance": to.decimals(figures.insurance, MONEY_SCALE, held=2, missing=no_insurance),
        "insurance_currency": pa.compute.if_else(pa.array(no_insurance), none, dollars),
        "customs_value": to.decimals(figures.value, MONEY_SCALE, held=2),
    }


def _tax_lines(taxes: Taxes) -> pa.Array:
    """Return the tax lines, in the order of TAX_TYPES."""
    charged = taxes.charged
    kinds = np.broadcast_to(np.arange(len(TAX_TYPES)), charged.shape)[charged]
    lines = pa.StructArray.from_arrays(
        [
            to.texts(to.vocabulary(TAX_TYPES), kinds),
            to.decimals(taxes.base[charged], MONEY_SCALE, held=2),
            to.decimals(taxes.rate[charged], TAX_RATE_SCALE, held=0),
            to.decimals(taxes.amount[charged], MONEY_SCALE, held=2),
        ],
        names=["type", "base", "rate", "amount"],
    )
    return to.lists(lines, charged.sum(axis=1))
