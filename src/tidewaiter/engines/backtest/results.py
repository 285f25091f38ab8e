"""The outcomes of a period as arrays, one entry a declaration, ready to be summed over whatever a profile matches."""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tidewaiter.core.channel import Channel
from tidewaiter.core.facts import days_since_epoch
from tidewaiter.core.rate import rate
from tidewaiter.engines.backtest.report import Results

type Flags = NDArray[np.bool_]
type Integers = NDArray[np.int64]

MATURE_SHARE = 0.9
"""Days are mature once this share of examined declarations, by the lags seen, would have its result."""

HIT, NOTHING_FOUND, NOT_INSPECTED = 0, 1, 2
KINDS = ("hit", "nothing found", "not inspected")

_ITEM_BITS = 20
_UNKNOWN = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class ItemKeys:
    """Which items of labelled declarations count: all of some declarations, listed ones of others."""

    whole: Flags
    listed: Integers

    def of(self, index: Integers, item_number: Integers) -> Flags:
        """Tell for each row, given its declaration's index and its item number, whether it counts."""
        listed = np.isin(index << _ITEM_BITS | item_number, self.listed) if len(self.listed) else False
        return self.whole[index] | listed


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownResults:
    """Outcomes by declaration index. The last index stands for a declaration of which nothing is known.

    Amounts are scaled integers (thousandths of the currency, tenths of officer minutes, minutes of trader time), the
    smallest int64 where unknown. `probability` is NaN where none was logged. `traced` marks declarations about which
    anything but their lodging is known. `drawn` were selected by the system in use with a logged probability,
    `criterion` selected by it otherwise than by the random sample alone.
    """

    ids: pa.Array
    labelled: Flags
    offence: Flags
    immaterial: Flags
    pending: Flags
    not_inspected: Flags
    looked_at: ItemKeys
    found_in: ItemKeys
    recovered: Integers
    officer_time: Integers
    trader_time: Integers
    in_random: Flags
    probability: NDArray[np.float64]
    drawn: Flags
    criterion: Flags
    traced: Flags
    kind: NDArray[np.int8]
    keys: NDArray[np.uint64]
    categories: pa.ChunkedArray
    immature_from: date | None
    has_random: bool
    has_probability: bool
    has_incumbent: bool

    @property
    def nothing(self) -> int:
        """Return the index that stands for a declaration of which nothing is known."""
        return len(self.ids)

    def index_of(self, declaration_ids: pa.Array) -> Integers:
        """Return the index of each declaration."""
        found = pc.index_in(declaration_ids, value_set=self.ids)
        return np.asarray(pc.fill_null(found, self.nothing).to_numpy(zero_copy_only=False), np.int64)

    def results(self, chosen: Integers, items: tuple[int, int]) -> Results:
        """Return the results of the declarations with these indices.

        `items` are the counts of their items looked at, and of items of an act with a material finding.
        """
        labelled = chosen[self.labelled[chosen]]
        clean = labelled[~self.offence[labelled] & ~self.immaterial[labelled]]
        offences = int(self.offence[labelled].sum())
        hours = _total(self.officer_time[labelled], 600)
        recovered = _total(self.recovered[labelled], 1000)
        if offences and (self.recovered[labelled[self.offence[labelled]]] == _UNKNOWN).all():
            recovered = None
        return Results(
            labelled=len(labelled),
            labelled_items=items[0],
            offences=offences,
            offences_items=items[1],
            immaterial=int(self.immaterial[labelled].sum()),
            pending=int(self.pending[chosen].sum()),
            not_inspected=int(self.not_inspected[chosen].sum()),
            hit_rate=rate(offences, len(labelled)),
            hit_rate_items=rate(items[1], items[0]),
            recovered=recovered,
            officer_hours=hours,
            trader_hours=_total(self.trader_time[labelled], 60),
            false_positive_officer_hours=_total(self.officer_time[clean], 600),
            false_positive_trader_hours=_total(self.trader_time[clean], 60),
            value_per_officer_hour=None if recovered is None or not hours else round(recovered / hours, 2),
        )


def _total(amounts: Integers, scale: int) -> Decimal | None:
    """Return the sum of the known amounts in whole units, to three decimals; None when none is known."""
    known = amounts[amounts != _UNKNOWN]
    return round(Decimal(int(known.sum())) / scale, 3) if len(known) else None


def known_results(outcomes: pa.Table, *, as_of: date | None = None) -> KnownResults:
    """Return the arrays of an outcomes table (storage.lake.outcomes); `as_of` is the day it was taken."""
    ids = outcomes["declaration_id"].combine_chunks()
    labelled, offence = _flags(outcomes, "labelled"), _flags(outcomes, "offence")
    channel = outcomes["incumbent_channel"]
    selected = _padded(pc.fill_null(pc.is_in(channel, pa.array([c.value for c in Channel if c.selects])), False))
    in_random, probability = _flags(outcomes, "in_random_sample"), _ratios(outcomes, "selection_probability")
    only_random = in_random & _padded(pc.is_null(outcomes["criterion"]))
    states = [_flags(outcomes, name) for name in ("immaterial", "pending", "not_inspected")]
    return KnownResults(
        ids=ids,
        labelled=labelled,
        offence=offence,
        immaterial=states[0],
        pending=states[1],
        not_inspected=states[2],
        looked_at=_items(outcomes["looked_at"], labelled),
        found_in=_items(outcomes["found_in"], offence),
        recovered=_scaled(outcomes["recovered"], 1000),
        officer_time=_scaled(outcomes["officer_minutes"], 10),
        trader_time=_scaled(outcomes["trader_hours"], 60),
        in_random=in_random,
        probability=probability,
        drawn=selected & (probability > 0),
        criterion=selected & ~only_random,
        traced=labelled | states[1] | states[2] | selected | in_random,
        kind=np.where(offence, HIT, np.where(labelled, NOTHING_FOUND, NOT_INSPECTED)).astype(np.int8),
        keys=_keys(ids, labelled),
        categories=outcomes["categories"],
        immature_from=_immature_from(outcomes, as_of),
        has_random=bool(in_random.any()),
        has_probability=bool((probability > 0).any()),
        has_incumbent=outcomes.num_rows > channel.null_count,
    )


def _padded(column: pa.ChunkedArray) -> Flags:
    return np.append(np.asarray(column.to_numpy(), np.bool_), False)


def _flags(outcomes: pa.Table, name: str) -> Flags:
    return _padded(pc.fill_null(outcomes[name], False))


def _ratios(outcomes: pa.Table, name: str) -> NDArray[np.float64]:
    return np.append(np.asarray(pc.cast(outcomes[name], pa.float64()).to_numpy(), np.float64), np.nan)


def _scaled(column: pa.ChunkedArray, scale: int) -> Integers:
    """Return amounts as whole numbers of 1/scale; what is finer is rounded. The smallest int64 where unknown."""
    factor = pa.scalar(scale, pa.decimal128(6, 0)) if pa.types.is_decimal(column.type) else float(scale)
    whole = pc.cast(pc.round(pc.multiply(column, factor)), pa.int64())
    return np.append(np.asarray(pc.fill_null(whole, _UNKNOWN).to_numpy(), np.int64), _UNKNOWN)


def _items(numbers: pa.ChunkedArray, among: Flags) -> ItemKeys:
    """Return which items count of the declarations `among`: those listed, or all where no list is given."""
    parents = pc.list_parent_indices(numbers.combine_chunks()).to_numpy()
    listed = pc.list_flatten(numbers.combine_chunks())
    keys = parents.astype(np.int64) << _ITEM_BITS | np.asarray(pc.fill_null(listed, 0).to_numpy(), np.int64)
    return ItemKeys(whole=among & _padded(pc.is_null(numbers)), listed=np.sort(keys))


def _keys(ids: pa.Array, labelled: Flags) -> NDArray[np.uint64]:
    """Return a 64-bit key of each labelled declaration's number, 0 for the others."""
    keys = np.zeros(len(ids) + 1, np.uint64)
    chosen = np.flatnonzero(labelled)
    texts = ids.take(pa.array(chosen)).to_pylist()
    digests = b"".join(hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts)
    keys[chosen] = np.frombuffer(digests, "<u8")
    return keys


def _immature_from(outcomes: pa.Table, as_of: date | None) -> date | None:
    """Return the first day whose results are not all known: the horizon less the lag most results keep within."""
    examined = outcomes.filter(outcomes["labelled"])
    if examined.num_rows == 0:
        return None
    known = examined["known_on"].cast(pa.int32()).to_numpy()
    lag = int(np.quantile(known - examined["lodged_on"].cast(pa.int32()).to_numpy(), MATURE_SHARE, method="higher"))
    horizon = int(known.max()) if as_of is None else days_since_epoch(as_of)
    first = date(1970, 1, 1) + timedelta(days=horizon - lag + 1)
    return first if first <= pc.max(outcomes["lodged_on"]).as_py() else None
