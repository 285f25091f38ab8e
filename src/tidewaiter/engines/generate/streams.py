"""Seeded streams of random numbers, one per concern and month.

A stream depends on the seed, the concern's name and the month only, so that drawing more or less for one concern
reshuffles no other, and a month can be made without the months before it.
"""

import zlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Streams:
    """All streams of one seed (a whole number, at least 0)."""

    seed: int

    def of(self, concern: str, month: int = 0) -> np.random.Generator:
        """Return a fresh PCG64 generator for that concern and month, at its beginning."""
        key = (zlib.crc32(concern.encode()), month)
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=key)))


def mixed(*parts: np.ndarray | int) -> np.ndarray:
    """Return a fixed pseudo-random uint64 for each combination of whole numbers (element by element).

    Used for habits that hold over months: which supplier an importer buys a good from, at what level of price.
    """
    state = np.zeros(1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for part in parts:
            state = (state ^ np.asarray(part).astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
            state = (state ^ (state >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
            state = state ^ (state >> np.uint64(32))
    return state


def fraction(*parts: np.ndarray | int) -> np.ndarray:
    """Return a fixed pseudo-random number in [0, 1) for each combination of whole numbers."""
    return (mixed(*parts) >> np.uint64(11)).astype(np.float64) / float(1 << 53)
