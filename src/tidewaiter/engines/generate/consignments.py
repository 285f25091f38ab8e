"""Advance cargo: the manifest lines under which a month's goods arrived."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidewaiter.core.tables import CONSIGNMENTS
from tidewaiter.core.tables.field import MASS_SCALE
from tidewaiter.engines.generate import columns as to
from tidewaiter.engines.generate import papers
from tidewaiter.engines.generate.country import MODES, OFFICES
from tidewaiter.engines.generate.declarations import Lodged, Registers
from tidewaiter.engines.generate.planting import COVER_LOAD
from tidewaiter.engines.generate.streams import fraction, mixed
from tidewaiter.engines.generate.timeline import Timeline
from tidewaiter.engines.generate.trade import Heads
from tidewaiter.engines.generate.words import FORMS, VAGUE, load_vocabulary

SCHEMA = to.schema_of(CONSIGNMENTS)
NOT_FILED = 0.03
PLACEHOLDERS = ("SAME AS CONSIGNEE", "TO ORDER")
STUFFED = ("SUPPLIER'S WAREHOUSE", "CONSOLIDATION SHED", "FREE ZONE DEPOT", "PORT YARD")


def consignments_table(lodged: Lodged, registers: Registers, times: Timeline, gang: np.ndarray, until: int) -> pa.Table:
    """Return the manifest lines filed before that second; a few are missing, as in life.

    `gang` tells which declarations carry a smugglers' cover load: their lines share a consolidator.
    """
    filed = (lodged.heads.flow != 1) & (fraction(lodged.heads.number, 81) >= NOT_FILED) & (times.filed < until)
    rows = np.flatnonzero(filed)
    part, moments = lodged.of(rows), times.take(rows)
    heads, seed = part.heads, lodged.seed
    house, master = papers.house_documents(seed, heads), papers.master_documents(seed, heads)
    columns = {
        "consignment_id": pc.coalesce(house, master),
        "house_document": house,
        "master_document": master,
        "filed_at": to.instants(moments.filed),
        "eta": to.instants(moments.arrived // 3_600 * 3_600),
        "version": to.integers(np.ones(len(rows))),
        "known_at": to.instants(moments.filed),
    }
    columns |= _route(heads) | _parties(heads, registers, gang[rows]) | _load(part)
    return to.table_of(SCHEMA, columns, len(rows))


def _route(heads: Heads) -> dict[str, pa.Array]:
    """Return carrier, vessel, voyage and places."""
    carrier = papers.carriers(heads)
    codes, names = (to.vocabulary([one[at] for one in papers.CARRIERS]) for at in (0, 1))
    stuffed = (mixed(heads.supplier, 4) % np.uint64(len(STUFFED))).astype(np.int64)
    return {
        "transport_mode": to.texts(to.vocabulary(MODES), heads.mode),
        "conveyance": papers.conveyances(heads),
        "voyage": papers.voyages(heads),
        "carrier_code": to.texts(codes, carrier),
        "carrier_name": to.texts(names, carrier),
        "port_of_loading": to.texts(papers.port_names(), papers.ports_of_loading(heads)),
        "port_of_discharge": to.texts(to.vocabulary([office.location for office in OFFICES]), heads.office),
        "place_of_stuffing": to.texts(
            to.vocabulary(STUFFED), stuffed, (fraction(heads.number, 82) < 0.2) | (heads.mode == 1)
        ),
    }


def _parties(heads: Heads, registers: Registers, gang: np.ndarray) -> dict[str, pa.Array]:
    """Return consignor, consignee, notify party and consolidator."""
    suppliers, traders = registers.suppliers, registers.traders
    other = (mixed(heads.trader, 6) % np.uint64(len(traders[0]))).astype(np.int64)
    consignee = np.where(fraction(heads.number, 83) < 0.04, other, heads.trader)
    notify = np.where(fraction(heads.number, 84) < 0.3, heads.number % 10 // 9, -1)
    named = pc.coalesce(to.texts(to.vocabulary(PLACEHOLDERS), notify), to.texts(registers.brokers[1], heads.broker))
    small = (fraction(heads.supplier, 85) < 0.3) | gang
    consolidator = np.where(gang, 7, (mixed(heads.origin, 8) % np.uint64(12)).astype(np.int64))
    consolidator = np.where(small, consolidator, -1)
    codes, names = (to.vocabulary([one[at] for one in papers.CONSOLIDATORS]) for at in (0, 1))
    return {
        "consignor_name": to.texts(suppliers[1], heads.supplier),
        "consignor_address": to.texts(suppliers[2], heads.supplier),
        "consignee_code": to.texts(traders[0], consignee, fraction(heads.number, 86) < 0.15),
        "consignee_name": to.texts(traders[1], consignee),
        "consignee_address": to.texts(traders[2], consignee),
        "notify_name": named,
        "notify_code": to.texts(registers.brokers[0], np.where(notify < 0, heads.broker, -1)),
        "consolidator_code": to.texts(codes, consolidator),
        "consolidator_name": to.texts(names, consolidator),
    }


def _load(lodged: Lodged) -> dict[str, pa.Array]:
    """Return containers, description, mass and packages; the manifest speaks of the first good, briefly and truly."""
    heads, items, figures = lodged.heads, lodged.items, lodged.figures
    first = np.cumsum(heads.items) - heads.items
    vague = load_vocabulary().vague + heads.number % len(VAGUE)
    words = np.where(fraction(heads.number, 87) < 0.08, vague, items.good[first] * FORMS + heads.number % 2)
    gross = np.bincount(items.head, weights=figures.gross, minlength=len(heads))
    hidden = np.bincount(items.head, weights=lodged.declared.role == COVER_LOAD, minlength=len(heads)) > 0
    short = np.bincount(items.head, weights=lodged.declared.mass < 1, minlength=len(heads)) > 0
    drift = 1 + np.where(fraction(heads.number, 88) < 0.1, (fraction(heads.number, 89) - 0.5) * 0.1, 0)
    drift += np.where(hidden, 0.04, 0) + np.where(short & (fraction(heads.number, 90) < 0.5), 0.25, 0)
    packages = np.bincount(items.head, weights=figures.packages, minlength=len(heads))
    return {
        "containers": _containers(lodged),
        "description": to.texts(load_vocabulary().words, words),
        "gross_mass": to.decimals(np.rint(gross * drift), MASS_SCALE),
        "packages": to.integers(packages.astype(np.int64)),
    }


def _containers(lodged: Lodged) -> pa.Array:
    """Return containers with status and seals; an EMPTY one now and then by mistake."""
    boxes = papers.boxes_of(lodged.seed, lodged.heads, lodged.items, lodged.figures)
    rows = len(boxes.head)
    number = lodged.heads.number[boxes.head]
    drawn = fraction(number, np.arange(rows) * 0, 91)
    status = np.where(drawn < 0.004, 2, np.where(boxes.full, 0, 1))
    seals = 1 + (fraction(number, 92) < 0.15).astype(np.int64)
    seals = np.where(fraction(number, 93) < 0.03, 0, seals)
    owner = np.repeat(np.arange(rows), seals)
    serial = mixed(number[owner], owner - owner[0] if len(owner) else owner, 94) % np.uint64(10**7)
    texts = to.joined(to.constant("TSL", len(owner)), to.letters(to.digits(serial, 7)))
    records = pa.StructArray.from_arrays(
        [boxes.numbers, to.texts(to.vocabulary(["FULL", "LCL", "EMPTY"]), status), to.lists(texts, seals)],
        names=["number", "status", "seals"],
    )
    return to.lists(records, boxes.counts)
