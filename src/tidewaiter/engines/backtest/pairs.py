"""Which profiles match the same items, as pairs for a report."""

import numpy as np

from tidewaiter.engines.backtest.report import Pair
from tidewaiter.engines.matching.overlap import Overlap


def pairs_of(overlap: Overlap) -> tuple[Pair, ...]:
    """Return the pairs of profiles with any item in common, nearest first; each pair in the order of its codes."""
    together, codes = overlap.matrix(), overlap.names
    own = together.diagonal()
    found = []
    for pair in np.argwhere(np.triu(together, 1)).tolist():
        a, b = sorted(pair, key=codes.__getitem__)
        found.append(Pair(codes[a], codes[b], int(together[a, b]), int(own[a]), int(own[b])))
    return nearest_first(found)


def nearest_first(pairs: list[Pair]) -> tuple[Pair, ...]:
    """Return pairs by the share that both match of what either does, highest first."""
    return tuple(sorted(pairs, key=lambda pair: (-pair.jaccard, pair.a, pair.b)))
