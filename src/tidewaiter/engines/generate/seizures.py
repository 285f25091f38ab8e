"""Seizures: what examinations found hidden, and some made without any declaration."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidewaiter.core.tables import SEIZURES
from tidewaiter.core.tables.field import MONEY_SCALE, QUANTITY_SCALE
from tidewaiter.core.tables.results import ACTS, CATEGORIES
from tidewaiter.engines.generate import columns as to
from tidewaiter.engines.generate import papers
from tidewaiter.engines.generate.calendar import DAY
from tidewaiter.engines.generate.country import OFFICES, load_partners
from tidewaiter.engines.generate.declarations import Lodged, Registers
from tidewaiter.engines.generate.examinations import Acts
from tidewaiter.engines.generate.streams import Streams
from tidewaiter.engines.generate.trade import Heads, Month

SCHEMA = to.schema_of(SEIZURES)
PROHIBITED = ("DRUGS", "CITES", "ARMS", "OTHER_PROHIBITED")
GOODS = ("Cocaine in bricks", "Ivory pieces", "Pistols and parts", "Unlicensed fireworks")
CODES = ("293972", "960110", "930200", "360410")
HIDDEN = ("behind a false wall", "within the cover load", "in the container's frame", "in cartons of the third row")
CENTS_A_GRAM = 4_000
MEANS = ("physical examination", "scan image", "search dog", "information received")


def _texts(words: tuple[str, ...], picked: np.ndarray) -> pa.Array:
    """Return the words picked, starting again past the last."""
    return to.texts(to.vocabulary(words), picked % len(words))


def turns(heads: np.ndarray) -> np.ndarray:
    """Return for each row which row of its head it is, from 1."""
    order = np.argsort(heads, kind="stable")
    found = np.empty(len(heads), np.int64)
    first = np.searchsorted(heads[order], heads[order])
    found[order] = np.arange(len(heads)) - first + 1
    return found


def seizures_table(lodged: Lodged, registers: Registers, acts: Acts, until: int) -> pa.Table:
    """Return the seizures made in examinations completed before that second."""
    rows = acts.take(np.flatnonzero((acts.seized > 0) & (acts.completed < until)))
    heads = lodged.heads.take(rows.head)
    kinds = rows.categories[:, [CATEGORIES.index(name) for name in PROHIBITED]].argmax(axis=1)
    ids = papers.declaration_ids(heads)
    house, master = papers.house_documents(lodged.seed, heads), papers.master_documents(lodged.seed, heads)
    grams = np.maximum(rows.seized // CENTS_A_GRAM, 1)
    columns = {
        "seizure_number": to.joined(
            to.constant("SZ-", len(rows)), ids, to.constant("-", len(rows)), to.letters(to.digits(turns(rows.head), 1))
        ),
        "seized_at": to.instants(rows.completed),
        "office": _texts(tuple(office.code for office in OFFICES), heads.office),
        "legal_basis": to.constant("Customs Act, section 84", len(rows)),
        "declaration_id": ids,
        "document": pc.coalesce(house, master),
        "category": _texts(PROHIBITED, kinds),
        "goods": _texts(GOODS, kinds),
        "hs_code": _texts(CODES, kinds),
        "quantity": to.decimals(grams, QUANTITY_SCALE),
        "quantity_unit": to.constant("KG", len(rows)),
        "value": to.decimals(rows.seized, MONEY_SCALE, held=2),
        "concealment": _texts(HIDDEN, heads.number),
        "detection_means": to.texts(to.vocabulary(MEANS), np.where(rows.act == ACTS.index("scan"), 1, 0)),
        "conveyance": papers.conveyances(heads),
        "version": to.integers(np.ones(len(rows))),
        "known_at": to.instants(rows.completed + 3_600),
    }
    return to.table_of(SCHEMA, columns | _route(heads) | {"parties": _parties(heads, registers)}, len(rows))


def _route(heads: Heads) -> dict[str, pa.Array]:
    """Return where the goods came from."""
    partners = load_partners()
    return {
        "origin": _texts(partners.country, heads.origin),
        "departure": _texts(partners.country, papers.departures(heads)),
        "port_of_loading": to.texts(papers.port_names(), papers.ports_of_loading(heads)),
        "transit_port": to.texts(to.vocabulary(partners.sea), heads.hub),
    }


def _parties(heads: Heads, registers: Registers) -> pa.Array:
    """Return importer and consignor of each seizure."""
    count = len(heads)
    both = np.arange(2 * count)
    first = both % 2 == 0
    shift = len(registers.traders[0])
    picked = np.where(first, heads.trader[both // 2], heads.supplier[both // 2] + shift)
    codes, names = (pa.concat_arrays([registers.traders[at], registers.suppliers[at]]) for at in (0, 1))
    roles = to.texts(to.vocabulary(["IMPORTER", "EXPORTER"]), both % 2)
    records = pa.StructArray.from_arrays(
        [roles, to.texts(codes, picked), to.texts(names, picked)], names=["role", "code", "name"]
    )
    return to.lists(records, np.full(count, 2))


def loose_seizures(streams: Streams, month: Month, until: int) -> pa.Table:
    """Return the month's seizures made without a declaration: on travellers, in the mail, at sea."""
    rng = streams.of("loose seizures", month.index)
    count = int(rng.poisson(1 + month.items / 4_000))
    seized = month.start * DAY + np.sort(rng.integers(0, (month.end - month.start) * DAY, count)) - 4 * 3_600
    kind = rng.integers(0, len(PROHIBITED), count)
    grams = np.rint(np.exp(rng.normal(7, 1.2, count)))
    columns = {
        "seizure_number": to.joined(
            to.constant("SZ-X", count), to.letters(to.digits(month.index * 100_000 + np.arange(count), 8))
        ),
        "seized_at": to.instants(seized),
        "office": _texts(tuple(office.code for office in OFFICES), rng.integers(0, len(OFFICES), count)),
        "legal_basis": to.constant("Customs Act, section 84", count),
        "category": _texts(PROHIBITED, kind),
        "goods": _texts(GOODS, kind),
        "hs_code": _texts(CODES, kind),
        "quantity": to.decimals(grams, QUANTITY_SCALE),
        "quantity_unit": to.constant("KG", count),
        "value": to.decimals(grams * CENTS_A_GRAM, MONEY_SCALE, held=2),
        "detection_means": _texts(MEANS, rng.integers(2, 4, count)),
        "origin": _texts(load_partners().country, rng.integers(0, len(load_partners().country), count)),
        "version": to.integers(np.ones(count)),
        "known_at": to.instants(seized + 3_600),
    }
    table = to.table_of(SCHEMA, columns, count)
    return table.filter(pa.array(seized + 3_600 < until))
