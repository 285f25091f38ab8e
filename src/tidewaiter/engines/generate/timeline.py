"""When things happened to a declaration, from manifest to gate: plausible times by mode and channel, and its events."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidewaiter.core.tables import EVENTS
from tidewaiter.engines.generate import columns as to
from tidewaiter.engines.generate import papers
from tidewaiter.engines.generate.country import OFFICES
from tidewaiter.engines.generate.criteria import ORANGE, RED, YELLOW, Selection
from tidewaiter.engines.generate.declarations import Lodged
from tidewaiter.engines.generate.streams import Streams
from tidewaiter.engines.generate.trade import Frame, Heads

SCHEMA = to.schema_of(EVENTS)
HOUR = 3_600
NEVER = np.iinfo(np.int64).max
AGENCIES = ("VETERINARY SERVICE", "MEDICINES BOARD", "STANDARDS BUREAU")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline(Frame):
    """Seconds (UTC) at which each step happened; NEVER where it did not."""

    filed: np.ndarray
    arrived: np.ndarray
    discharged: np.ndarray
    lodged: np.ndarray
    paid: np.ndarray
    decided: np.ndarray
    positioned: np.ndarray
    examined_from: np.ndarray
    examined_to: np.ndarray
    agency_hold: np.ndarray
    agency_release: np.ndarray
    released: np.ndarray
    gate_out: np.ndarray
    cancelled: np.ndarray
    minutes: np.ndarray


def timeline(streams: Streams, month: int, heads: Heads, selection: Selection) -> Timeline:
    """Return the steps of a month's declarations."""
    rng = streams.of("timeline", month)
    count, lodged, air = len(heads), heads.lodged, heads.mode == 1
    early = rng.random(count) < 0.55
    arrived = lodged + _hours(rng, np.where(air, 6, 30), 0.6) * np.where(early, 1, -1)
    filed = arrived - _hours(rng, np.where(air, 5, 60), 0.5)
    discharged = arrived + _hours(rng, np.where(air, 3, 14), 0.5)
    decided = lodged + rng.integers(90, 1_500, count)
    exam_from, exam_to, minutes = _examination(rng, selection, discharged, decided)
    paid = decided + _hours(rng, np.full(count, 5.0), 0.9)
    hold = np.where(rng.random(count) < 0.02, decided + rng.integers(HOUR, 5 * HOUR, count), NEVER)
    lifted = np.where(hold < NEVER, np.minimum(hold, NEVER // 2) + _hours(rng, np.full(count, 40.0), 0.6), NEVER)
    last = np.maximum.reduce([np.where(step < NEVER, step, 0) for step in (paid, exam_to, lifted, decided)])
    released = last + _hours(rng, np.where(selection.final >= YELLOW, 3, 0.3), 0.7)
    cancelled = np.where(rng.random(count) < 0.016, decided + _hours(rng, np.full(count, 2.0), 0.9), NEVER)
    gone = cancelled < released
    steps = {
        "filed": filed, "arrived": arrived, "discharged": discharged, "lodged": lodged, "paid": paid,
        "decided": decided, "examined_from": exam_from, "examined_to": exam_to, "agency_hold": hold,
        "agency_release": lifted, "released": released,
    }  # fmt: skip
    steps["positioned"] = np.where((exam_from < NEVER) & (selection.final >= ORANGE), exam_from - HOUR, NEVER)
    steps["gate_out"] = np.maximum(released, discharged) + _hours(rng, np.where(air, 6, 26), 0.7)
    for name in ("paid", "positioned", "examined_from", "examined_to", "released", "gate_out", "agency_release"):
        steps[name] = np.where(gone & (steps[name] > cancelled), NEVER, steps[name])
    return Timeline(**_at_home(heads, steps), cancelled=np.where(gone, cancelled, NEVER), minutes=minutes)


def _hours(rng: np.random.Generator, median: np.ndarray, spread: float) -> np.ndarray:
    """Return lognormal durations in seconds about a median in hours."""
    return np.maximum(np.rint(median * HOUR * np.exp(rng.normal(0, spread, len(median)))), 60).astype(np.int64)


def _examination(
    rng: np.random.Generator, selection: Selection, discharged: np.ndarray, decided: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return beginning and end of the examination, and the officer's minutes, by channel."""
    final = selection.final
    median = np.select([final == RED, final == ORANGE], [95.0, 22.0], 35.0)
    minutes = np.maximum(np.round(median * np.exp(rng.normal(0, 0.5, len(final))), 1), 3.0)
    ready = np.where(final == YELLOW, decided, np.maximum(discharged, decided) + 2 * HOUR)
    began = ready + _hours(rng, np.select([final == RED, final == ORANGE], [22.0, 9.0], 6.0), 0.7)
    examined = selection.examined & selection.inspected
    ended = began + (minutes * 60).astype(np.int64)
    return np.where(examined, began, NEVER), np.where(examined, ended, NEVER), minutes


def _at_home(heads: Heads, steps: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the steps; exports do not arrive and are not discharged or paid for."""
    exported = heads.flow == 1
    abroad = ("filed", "arrived", "discharged", "paid")
    return {name: np.where(exported, NEVER, step) if name in abroad else step for name, step in steps.items()}


KINDS = (
    "arrived", "discharged", "lodged", "paid", "decided", "positioned", "examined_from", "examined_to",
    "agency_hold", "agency_release", "released", "gate_out", "cancelled",
)  # fmt: skip
_BY_OFFICER = ("examined_from", "examined_to")


def events_table(lodged: Lodged, times: Timeline, officers: pa.Array, until: int) -> pa.Table:
    """Return the events up to that second, declaration by declaration, in the order of KINDS within each."""
    heads = lodged.heads
    moments = np.column_stack([getattr(times, kind) for kind in KINDS])
    delay = 60 + (heads.number * 37 % 540)
    head, kind = np.nonzero(moments + np.minimum(delay[:, None], NEVER - moments) < until)
    rows = len(head)
    seconds = moments[head, kind]
    by_officer = np.isin(kind, [KINDS.index(name) for name in _BY_OFFICER])
    hold = np.isin(kind, [KINDS.index("agency_hold"), KINDS.index("agency_release")])
    ids = papers.declaration_ids(heads).take(pa.array(head))
    columns = {
        "event_id": to.joined(ids, to.constant("-", rows), to.letters(to.digits(kind + 1, 2))),
        "kind": to.texts(to.vocabulary(KINDS), kind),
        "occurred_at": to.instants(seconds),
        "declaration_id": ids,
        "document": _documents(lodged, heads).take(pa.array(head)),
        "office": to.texts(to.vocabulary([office.code for office in OFFICES]), heads.office[head]),
        "officer": officers.take(pa.array(np.where(by_officer, head, 0), mask=~by_officer)),
        "detail": to.texts(to.vocabulary(AGENCIES), heads.number[head] % len(AGENCIES), ~hold),
        "version": to.integers(np.ones(rows)),
        "known_at": to.instants(seconds + delay[head]),
    }
    return to.table_of(SCHEMA, columns, rows)


def _documents(lodged: Lodged, heads: Heads) -> pa.Array:
    """Return the document each declaration's goods came under; missing for exports."""
    house, master = papers.house_documents(lodged.seed, heads), papers.master_documents(lodged.seed, heads)
    either = pc.coalesce(house, master)
    return pc.if_else(pa.array(heads.flow == 1), pa.nulls(len(heads), pa.string()), either)


def amended_at(streams: Streams, month: int, times: Timeline) -> np.ndarray:
    """Return the second at which each declaration was amended; NEVER for most. Some are after the decision."""
    rng = streams.of("amendments", month)
    count = len(times.lodged)
    amended = rng.random(count) < 0.06
    moment = times.lodged + HOUR // 4 + np.rint(rng.exponential(9 * HOUR, count)).astype(np.int64)
    latest = np.minimum(times.released, times.cancelled)
    late = (rng.random(count) < 0.15) & (times.cancelled == NEVER)
    return np.where(amended & ((moment < latest) | late), moment, NEVER)
