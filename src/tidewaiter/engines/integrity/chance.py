"""What chance gives: exact tails of counts, and the correction for looking at many pairs at once.

Sources: Poisson-binomial tail by the convolution recursion (Y. Hong, Computational Statistics and Data Analysis 59
(2013), 41-51); equal odds ratios, exact (M. Zelen, Biometrika 58 (1971), 129-137); adjusted p-values (Y. Benjamini and
Y. Hochberg, JRSS B 57 (1995), 289-300).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import atan, cos, pi, sin, sqrt

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]

_NEGLIGIBLE = 1e-12


@dataclass(frozen=True, slots=True)
class Distribution:
    """The distribution of a count: `weights[i]` is the probability of `lowest + i`; the weights add up to 1."""

    lowest: int
    weights: Floats

    @property
    def expected(self) -> float:
        """Return the mean count."""
        return self.lowest + float(self.weights @ np.arange(len(self.weights)))

    @property
    def variance(self) -> float:
        """Return the variance of the count."""
        counts = np.arange(len(self.weights)) + self.lowest
        return max(0.0, float(self.weights @ (counts - self.expected) ** 2))

    def at_least(self, count: int) -> float:
        """Return the probability of this count or more."""
        return min(1.0, float(self.weights[max(0, count - self.lowest) :].sum()))

    def at_most(self, count: int) -> float:
        """Return the probability of this count or less."""
        return min(1.0, float(self.weights[: max(0, count - self.lowest + 1)].sum()))

    def plus(self, other: "Distribution") -> "Distribution":
        """Return the distribution of the sum with an independent count."""
        return Distribution(self.lowest + other.lowest, np.convolve(self.weights, other.weights))


NOTHING = Distribution(0, np.ones(1))
"""A count that is always 0."""


def hypergeometric(total: int, marked: int, drawn: int) -> Distribution:
    """Return how many marked ones are among `drawn` out of `total`, of which `marked` are marked."""
    lowest, highest = max(0, drawn + marked - total), min(marked, drawn)
    counts = np.arange(lowest, highest + 1)
    return _from_logs(lowest, _log_choose(marked, counts) + _log_choose(total - marked, drawn - counts))


@dataclass(frozen=True, slots=True)
class Crossed:
    """Counts of a 2x2 table of examinations and findings: this declarant against all others, under one condition."""

    theirs: int
    their_findings: int
    others: int
    other_findings: int


def common_odds(here: Crossed, elsewhere: Crossed) -> Distribution:
    """Return how many of the declarant's findings fall `here`, were its odds against others the same in both tables.

    Given the findings of both columns and the declarant's findings in all, this needs neither the declarant's nor
    the officer's own rate: Zelen's exact law, free of both.
    """
    found = here.their_findings + elsewhere.their_findings
    all_here = here.their_findings + here.other_findings
    all_elsewhere = elsewhere.their_findings + elsewhere.other_findings
    lowest = max(0, all_here - here.others, found - min(elsewhere.theirs, all_elsewhere))
    highest = min(here.theirs, all_here, found - max(0, all_elsewhere - elsewhere.others))
    counts = np.arange(lowest, highest + 1)
    return _from_logs(
        lowest,
        _log_choose(here.theirs, counts)
        + _log_choose(here.others, all_here - counts)
        + _log_choose(elsewhere.theirs, found - counts)
        + _log_choose(elsewhere.others, all_elsewhere - found + counts),
    )


def poisson_binomial_tails(chances: Floats, counts: Sequence[int]) -> list[float]:
    """Return for each column the exact probability of at least that many successes.

    `chances` has a row a trial and a column an officer; trials are independent. Only sums of positive terms are
    taken, so that a very small tail keeps its digits.
    """
    most = max(counts, default=0)
    # State `most` is "enough"; each column begins as many successes below it as it needs.
    state = np.zeros((len(counts), most + 1))
    state[np.arange(len(counts)), most - np.asarray(counts, dtype=np.int64)] = 1.0
    for row in chances:
        moving = state[:, :most] * row[:, None]
        state[:, :most] -= moving
        state[:, 1:] += moving
    return [min(1.0, float(tail)) for tail in state[:, most]]


def adjusted(raw: Sequence[float]) -> list[float]:
    """Return the Benjamini-Hochberg adjusted p-values: those at most q are the findings at false-discovery level q."""
    if not raw:
        return []
    order = np.argsort(raw)[::-1]
    ranks = np.arange(len(raw), 0, -1)
    stepped = np.minimum.accumulate(np.asarray(raw)[order] * len(raw) / ranks)
    result = np.empty(len(raw))
    result[order] = np.minimum(1.0, stepped)
    return [float(value) for value in result]


def student_tail(t: float, degrees: int) -> float:
    """Return the probability that Student's t with so many degrees of freedom (1 or more) is at least t.

    The finite sums of M. Abramowitz and I. Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
    """
    angle = atan(t / sqrt(degrees))
    term, total = (1.0, 0.0) if degrees % 2 == 0 else (cos(angle), 0.0)
    for step in range(2 + degrees % 2, degrees + 1, 2):
        total += term
        term *= (step - 1) / step * cos(angle) ** 2
    within = sin(angle) * total if degrees % 2 == 0 else 2 / pi * (angle + sin(angle) * total)
    return max(0.0, (1 - within) / 2)


def _from_logs(lowest: int, logs: Floats) -> Distribution:
    weights = np.exp(logs - logs.max())
    return Distribution(lowest, weights / weights.sum())


def _log_choose(total: int, chosen: npt.NDArray[np.int64]) -> Floats:
    logs = _log_factorials(1 << max(4, total.bit_length()))
    result: Floats = logs[total] - logs[chosen] - logs[total - chosen]
    return result


@lru_cache(maxsize=32)
def _log_factorials(size: int) -> Floats:
    """Return log(0!), log(1!), ... log(size!)."""
    return np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, size + 1)))))
