"""Two selections compared at equal numbers of examinations.

Only labelled declarations can be compared, and the larger selection would find more by its size alone. So it is cut
to the size of the smaller by a keyed order that neither side can steer, many times over.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tidewaiter.core.rate import rate
from tidewaiter.engines.backtest.report import AgainstIncumbent, Spread

DRAWS = 200
HELD_CASES = 100_000
"""Up to so many labelled declarations the order of every draw is worked out once and held."""

type Keys = NDArray[np.uint64]
type Flags = NDArray[np.bool_]
_GOLDEN = 0x9E3779B97F4A7C15


def mixed(keys: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Return keys stirred under a seed (the finaliser of splitmix64): an order none can steer, the same everywhere."""
    z = keys + np.uint64(_GOLDEN * (seed + 1) % 2**64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def offences_at(keys: Keys, offence: Flags, examinations: int) -> Spread:
    """Return the offences found when only so many of the declarations are examined, over seeded draws.

    Where the set is no larger than that, every draw is the whole set and the spread is a single number.
    """
    if examinations >= len(keys):
        total = float(offence.sum())
        return Spread(total, total, total)
    return _spread(np.fromiter(_draws(keys, offence, examinations), np.int64, DRAWS))


def _draws(keys: Keys, offence: Flags, examinations: int) -> Iterator[int]:
    for seed in range(DRAWS):
        first = np.argpartition(mixed(keys, seed), examinations)[:examinations]
        yield int(np.count_nonzero(offence[first]))


def _spread(found: NDArray[np.int64]) -> Spread:
    low, high = np.quantile(found, (0.025, 0.975))
    return Spread(float(found.mean()), float(low), float(high))


@dataclass(frozen=True, slots=True)
class Side:
    """One selection: how many declarations it takes, and of the labelled ones their numbers, keys and offences."""

    declarations: int
    labelled: NDArray[np.int64]
    keys: NDArray[np.uint64]
    offence: NDArray[np.bool_]


class Incumbent:
    """The selections of the system in use, which any number of profiles are compared with."""

    def __init__(self, side: Side) -> None:
        self.side = side

    @cached_property
    def _found(self) -> NDArray[np.uint32]:
        """Offences found after each number of examinations: one line a draw."""
        keys, offence = self.side.keys, self.side.offence
        orders = (np.argsort(mixed(keys, seed)) for seed in range(DRAWS))
        return np.stack([np.cumsum(offence[order], dtype=np.uint32) for order in orders])

    def prepare(self) -> None:
        """Work the order of every draw out now, where it will be held."""
        if 0 < len(self.side.keys) <= HELD_CASES:
            self.offences_at(1)

    def offences_at(self, examinations: int) -> Spread:
        """Return the offences found at that number of examinations (at least one)."""
        if examinations >= len(self.side.keys) or len(self.side.keys) > HELD_CASES:
            return offences_at(self.side.keys, self.side.offence, examinations)
        return _spread(self._found[:, examinations - 1].astype(np.int64))

    def compared(self, ours: Side) -> AgainstIncumbent | None:
        """Return the comparison; None when either side has nothing labelled."""
        theirs = self.side
        examinations = min(len(ours.keys), len(theirs.keys))
        if examinations == 0:
            return None
        return AgainstIncumbent(
            examinations=examinations,
            ours=offences_at(ours.keys, ours.offence, examinations),
            theirs=self.offences_at(examinations),
            both=len(np.intersect1d(ours.labelled, theirs.labelled, assume_unique=True)),
            our_labelled_share=rate(len(ours.keys), ours.declarations),
            their_labelled_share=rate(len(theirs.keys), theirs.declarations),
            our_bounds=_bounds(ours),
            their_bounds=_bounds(theirs),
        )


def _bounds(side: Side) -> tuple[float, float] | None:
    if side.declarations == 0:
        return None
    found = int(side.offence.sum())
    unlabelled = side.declarations - len(side.keys)
    return found / side.declarations, (found + unlabelled) / side.declarations
