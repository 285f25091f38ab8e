"""Examinations of what the past policy selected: imperfect looks, and results that become known days later."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tidewaiter.core.tables import RESULTS
from tidewaiter.core.tables.field import MONEY_SCALE
from tidewaiter.core.tables.results import ACTS, CATEGORIES, STATES
from tidewaiter.engines.generate import columns as to
from tidewaiter.engines.generate import papers
from tidewaiter.engines.generate.calendar import DAY
from tidewaiter.engines.generate.criteria import ORANGE, RED, YELLOW, Selection
from tidewaiter.engines.generate.declarations import Lodged
from tidewaiter.engines.generate.planting import COVER_LOAD, ROLE_CATEGORIES
from tidewaiter.engines.generate.schemes import Plan
from tidewaiter.engines.generate.streams import Streams
from tidewaiter.engines.generate.timeline import NEVER, Timeline
from tidewaiter.engines.generate.trade import Frame

SCHEMA = to.schema_of(RESULTS)
DOCUMENTS, SCAN, PHYSICAL = range(len(ACTS))
DETECTION = np.array(
    [
        [0.35, 0.25, 0.25, 0.02, 0.55, 0.30, 0.05],
        [0.02, 0.05, 0.00, 0.55, 0.05, 0.00, 0.20],
        [0.40, 0.60, 0.15, 0.80, 0.35, 0.10, 0.60],
    ]
)
"""Chance that an act (row) finds an irregularity of a role (column), where the item is looked at."""
LOOKED_AT = 4
"""A physical examination looks at about so many items."""
CLERICAL_RATE = 0.04
PROVISIONAL_RATE = 0.35
OVERTURNED_RATE = 0.05
WORDS = ("not_inspected", "nothing_found", "found_other", "found_as_suspected")
NOT_INSPECTED, NOTHING, OTHER, SUSPECTED = range(len(WORDS))
REASONS = ("no officer free within the time limit", "goods released before the examination", "scanner out of order")


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts(Frame):
    """Examination acts. `head` is the declaration's row, `act` a position in ACTS; money in cents.

    `categories` is a matrix of flags by CATEGORIES; `looked` packs the looked-at item numbers (bit n-1; -1: all).
    """

    head: np.ndarray
    act: np.ndarray
    completed: np.ndarray
    known: np.ndarray
    outcome: np.ndarray
    categories: np.ndarray
    assessed: np.ndarray
    seized: np.ndarray
    minutes: np.ndarray
    looked: np.ndarray

    def __len__(self) -> int:
        """Return the number of acts."""
        return len(self.head)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """Items crossed with the acts on their declaration: the act's row, the item's row, what was looked at and found."""

    act: np.ndarray
    item: np.ndarray
    looked: np.ndarray
    found: np.ndarray


def examined(streams: Streams, month: int, plan: Plan, lodged: Lodged, selection: Selection, times: Timeline) -> Acts:
    """Return the acts on a month's selected declarations."""
    rng = streams.of("examinations", month)
    head, act = _planned(selection)
    looks = _looks(rng, plan, lodged, selection, head, act)
    count = len(head)
    categories = np.zeros((count, len(CATEGORIES)), dtype=bool)
    categories[looks.act[looks.found], item_categories(plan, lodged)[looks.item[looks.found]]] = True
    found = categories.any(axis=1)
    part = rng.uniform(0.75, 1.0, len(looks.item))
    assessed = _summed(looks, lodged.figures.evaded[looks.item] * part, count)
    hidden = looks.found & (lodged.declared.role[looks.item] == COVER_LOAD)
    street = np.exp(rng.normal(11.2, 0.9, len(looks.item))) * 100
    outcome = _outcomes(rng, selection, head, found)
    clerical = (outcome == NOTHING) & (rng.random(count) < CLERICAL_RATE) & ~_friendly(plan, lodged, selection)[head]
    categories[clerical, CATEGORIES.index("CLERICAL")] = True
    done = selection.inspected[head]
    return Acts(
        head=head,
        act=act,
        completed=np.where(done, times.examined_to[head], np.minimum(times.released, times.cancelled)[head]),
        known=_lags(rng, count),
        outcome=np.where(clerical, OTHER, outcome),
        categories=categories & done[:, None],
        assessed=np.where(done, assessed, 0).astype(np.int64),
        seized=np.where(done, np.bincount(looks.act, weights=np.where(hidden, street, 0), minlength=count), 0).astype(
            np.int64
        ),
        minutes=np.where(done, times.minutes[head] * np.where(act == DOCUMENTS, 0.4, 1.0), 0),
        looked=_packed(looks, lodged, act, count),
    )


def _planned(selection: Selection) -> tuple[np.ndarray, np.ndarray]:
    """Return the acts each channel asks for, declaration by declaration: red has two."""
    final = selection.final
    documents = np.flatnonzero((final == YELLOW) | (final == RED))
    scans, physical = np.flatnonzero(final == ORANGE), np.flatnonzero(final == RED)
    head = np.concatenate([documents, scans, physical])
    act = np.repeat([DOCUMENTS, SCAN, PHYSICAL], [len(documents), len(scans), len(physical)])
    order = np.lexsort((act, head))
    return head[order], act[order]


def _friendly(plan: Plan, lodged: Lodged, selection: Selection) -> np.ndarray:
    """Tell which declarations of a colluding broker come before the colluding officer."""
    heads = lodged.heads
    friendly = np.zeros(len(heads), dtype=bool)
    for scheme in plan.schemes:
        if scheme.officer is not None:
            pair = (heads.broker == scheme.broker) & (selection.officer == scheme.officer)
            friendly |= pair & (heads.office == scheme.office)
    return friendly


def _looks(
    rng: np.random.Generator, plan: Plan, lodged: Lodged, selection: Selection, head: np.ndarray, act: np.ndarray
) -> Looks:
    """Return what each act looked at and found; what documents already showed is not found again."""
    heads, declared = lodged.heads, lodged.declared
    counts = heads.items[head]
    row = np.repeat(np.arange(len(head)), counts)
    starts = np.cumsum(heads.items) - heads.items
    item = starts[head][row] + np.arange(len(row)) - (np.cumsum(counts) - counts)[row]
    few = np.minimum(LOOKED_AT / np.maximum(counts[row], 1), 1)
    first = lodged.items.number[item] == 1
    looked = (act[row] != PHYSICAL) | first | (rng.random(len(row)) < few)
    role = declared.role[item]
    chance = np.where(role >= 0, DETECTION[act[row], np.maximum(role, 0)], 0)
    chance = np.where(_friendly(plan, lodged, selection)[head][row], 0, chance)
    found = looked & (rng.random(len(row)) < chance) & selection.inspected[head][row]
    hits = np.flatnonzero(found)
    again = np.ones(len(hits), dtype=bool)
    again[np.unique(item[hits], return_index=True)[1]] = False
    found[hits[again]] = False
    return Looks(act=row, item=item, looked=looked, found=found)


def item_categories(plan: Plan, lodged: Lodged) -> np.ndarray:
    """Return the position in CATEGORIES of what is wrong with each item; 0 where nothing is."""
    by_role = np.array([CATEGORIES.index(category) for category in ROLE_CATEGORIES])
    hidden = [CATEGORIES.index(scheme.category) if scheme.category else 0 for scheme in plan.schemes]
    by_scheme = np.array([*hidden, 0])
    role = lodged.declared.role
    categories: np.ndarray = np.where(
        role == COVER_LOAD, by_scheme[np.maximum(lodged.declared.scheme, 0)], by_role[np.maximum(role, 0)]
    )
    return categories


def _summed(looks: Looks, values: np.ndarray, count: int) -> np.ndarray:
    """Return the sum over what was found, by act."""
    return np.rint(np.bincount(looks.act, weights=np.where(looks.found, values, 0), minlength=count))


def _outcomes(rng: np.random.Generator, selection: Selection, head: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Return the outcome of each act; what the random sample finds nobody suspected."""
    suspected = (rng.random(len(head)) < 0.6) & ~(selection.in_random & (selection.criterion < 0))[head]
    outcome = np.where(found, np.where(suspected, SUSPECTED, OTHER), NOTHING)
    return np.where(selection.inspected[head], outcome, NOT_INSPECTED)


def _lags(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return after how many seconds results become known: hours to days, some weeks."""
    return np.maximum(np.rint(1.6 * DAY * np.exp(rng.normal(0, 0.9, count))), 600).astype(np.int64)


def _packed(looks: Looks, lodged: Lodged, act: np.ndarray, count: int) -> np.ndarray:
    """Return the item numbers a physical examination looked at as bits; -1 where all were looked at."""
    bits = np.where(looks.looked, 2.0 ** (lodged.items.number[looks.item] - 1), 0)
    packed = np.bincount(looks.act, weights=bits, minlength=count).astype(np.int64)
    complete = np.bincount(looks.act, weights=~looks.looked, minlength=count) == 0
    return np.where(complete | (act != PHYSICAL), -1, packed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """The versions of results: the act's row, the version, its state, when known, and money in cents."""

    act: np.ndarray
    version: np.ndarray
    state: np.ndarray
    known: np.ndarray


def standings(streams: Streams, month: int, acts: Acts) -> Standings:
    """Return the versions of each act's result: some first provisional, a few final ones overturned after appeal."""
    rng = streams.of("standings", month)
    count = len(acts)
    first = _later(acts.completed, acts.known)
    duty = acts.assessed > 0
    provisional = duty & (rng.random(count) < PROVISIONAL_RATE)
    final = _later(first, np.where(provisional, rng.integers(5 * DAY, 40 * DAY, count), 0))
    appealed = duty & (rng.random(count) < OVERTURNED_RATE)
    overturned = np.where(appealed, _later(final, rng.integers(30, 120, count) * DAY), NEVER)
    states = np.column_stack([np.where(provisional, first, NEVER), final, overturned])
    act, step = np.nonzero(states < NEVER)
    version = np.cumsum(states < NEVER, axis=1)[act, step]
    names = np.array([STATES.index(name) for name in ("provisional", "final", "overturned")])
    return Standings(act=act, version=version, state=names[step], known=states[act, step])


def _later(moment: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Return the moment so many seconds later; NEVER stays NEVER."""
    return np.where(moment < NEVER, np.minimum(moment, NEVER // 2) + seconds, NEVER)


def results_table(lodged: Lodged, acts: Acts, standing: Standings, officers: pa.Array, until: int) -> pa.Table:
    """Return the results known before that second, version by version."""
    kept = np.flatnonzero(standing.known < until)
    act, state = standing.act[kept], standing.state[kept]
    rows = acts.take(act)
    final, overturned = state >= STATES.index("final"), state == STATES.index("overturned")
    done = rows.outcome != NOT_INSPECTED
    duty = rows.assessed > 0
    picked = pa.array(rows.head)
    ids = papers.declaration_ids(lodged.heads).take(picked)
    money = {"duty_assessed": (rows.assessed, ~duty), "seizure_value": (rows.seized, rows.seized == 0)}
    collected = rows.assessed * np.where(rows.head % 9 == 0, 6, 10) // 10
    money |= {"duty_collected": (collected, ~(duty & final)), "duty_refunded": (collected, ~(duty & overturned))}
    money |= {"penalty": (rows.assessed // 2, ~(duty & final & (rows.outcome == SUSPECTED)))}
    columns = {name: to.decimals(cents, MONEY_SCALE, held=2, missing=absent) for name, (cents, absent) in money.items()}
    columns |= {
        "act_id": to.joined(ids, to.texts(to.vocabulary(["-D", "-S", "-P"]), rows.act)),
        "declaration_id": ids,
        "act": to.texts(to.vocabulary(ACTS), rows.act),
        "completed_at": to.instants(rows.completed),
        "items": _item_lists(rows.looked, done),
        "share_examined": to.ratios(np.where(rows.act == PHYSICAL, 0.3, 1.0), ~done),
        "state": to.texts(to.vocabulary(STATES), state),
        "outcome": to.texts(to.vocabulary(WORDS), rows.outcome),
        "not_inspected_reason": to.texts(to.vocabulary(REASONS), rows.head % len(REASONS), done),
        "categories": _category_lists(rows.categories),
        "officer": officers.take(picked),
        "officer_minutes": to.decimals(np.rint(rows.minutes * 10), 1, missing=~done),
        "version": to.integers(standing.version[kept]),
        "known_at": to.instants(standing.known[kept]),
    }
    return to.table_of(SCHEMA, columns, len(kept))


def _item_lists(looked: np.ndarray, done: np.ndarray) -> pa.Array:
    """Return the numbers of the items looked at; missing where all were, or none because nothing was inspected."""
    bits = (np.where(done & (looked >= 0), looked, 0)[:, None] >> np.arange(32)) & 1
    _, number = np.nonzero(bits)
    return to.lists(to.texts(to.vocabulary([str(at + 1) for at in range(32)]), number), bits.sum(axis=1))


def _category_lists(categories: np.ndarray) -> pa.Array:
    """Return the categories of each act; missing where there are none."""
    _, which = np.nonzero(categories)
    return to.lists(to.texts(to.vocabulary(CATEGORIES), which), categories.sum(axis=1))
