"""A share that never travels without its counts."""

from dataclasses import dataclass
from math import sqrt

Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its counts and its 95 % Wilson interval (unweighted samples only).

    `low` and `high` are shares between 0 and 1. Source: E. B. Wilson, JASA 22 (1927), 209-212.
    """

    numerator: int
    denominator: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """Return the share itself, between 0 and 1."""
        return self.numerator / self.denominator

    def __str__(self) -> str:
        """Return `12 of 61 (19.7 %, 11.7-31.2)`."""
        return (
            f"{self.numerator:,} of {self.denominator:,} "
            f"({100 * self.value:.1f} %, {100 * self.low:.1f}-{100 * self.high:.1f})"
        )


def rate(numerator: int, denominator: int) -> Rate | None:
    """Return the share with its interval; None when nothing was tried, for zero would read as failure.

    Raises ValueError when the counts cannot be a share.
    """
    if not 0 <= numerator <= denominator:
        raise ValueError(f"{numerator} of {denominator} is not a share")
    if denominator == 0:
        return None
    share, n, z2 = numerator / denominator, denominator, Z_95 * Z_95
    centre = share + z2 / (2 * n)
    spread = Z_95 * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low = 0.0 if numerator == 0 else max(0.0, (centre - spread) / (1 + z2 / n))
    high = 1.0 if numerator == denominator else min(1.0, (centre + spread) / (1 + z2 / n))
    return Rate(numerator, denominator, low, high)
