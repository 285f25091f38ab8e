"""Items hit together are counted exactly, however the rows come in blocks and however often a profile hits."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewaiter.engines.matching.bitmaps import Hits
from tidewaiter.engines.matching.overlap import Overlap

SHARES = (0.0, 0.002, 0.009, 0.011, 0.3, 1.0)


def hits_of(matrix: np.ndarray) -> Hits:
    padded = np.pad(matrix, ((0, 0), (0, -matrix.shape[1] % 64)))
    bits = np.packbits(padded, axis=1, bitorder="little").view(np.uint64)
    return Hits(tuple(f"P{number}" for number in range(len(matrix))), matrix.shape[1], bits)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(SHARES), min_size=1, max_size=12),
    st.lists(st.integers(0, 3000), min_size=1, max_size=3),
    st.integers(0, 2**32 - 1),
)
def test_the_overlap_is_the_number_of_items_hit_by_both(shares: list[float], sizes: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    blocks = [random.random((len(shares), rows)) < np.array(shares)[:, None] for rows in sizes]
    overlap = Overlap([f"P{number}" for number in range(len(shares))])
    for block in blocks:
        overlap.add(hits_of(block))
    whole = np.concatenate(blocks, axis=1).astype(np.int64)
    assert np.array_equal(overlap.matrix(), whole @ whole.T)


def test_a_profile_that_hits_every_item_of_a_large_block_is_counted_without_rounding() -> None:
    everything = np.ones((2, 100_000), np.bool_)
    overlap = Overlap(["P0", "P1"])
    for _ in range(3):
        overlap.add(hits_of(everything))
    assert overlap.matrix().tolist() == [[300_000, 300_000], [300_000, 300_000]]
