"""Estimates from what was examined: the random sample, and inverse probability of selection."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from tidewaiter.core.rate import Z_95, Rate, rate
from tidewaiter.engines.backtest.report import Estimate, RandomSample, Weighted

ENOUGH_CASES = 30
SUPPORT_TOLERANCE = 0.01
"""Share of matched declarations that may lack a positive logged probability before an estimate is refused."""


def random_sample(matched: NDArray[np.bool_], offence: NDArray[np.bool_]) -> RandomSample:
    """Return the figures of the examined members of the random sample: one entry a member in both arrays."""
    base = rate(int(offence.sum()), len(offence))
    labelled = int(matched.sum())
    own = rate(int((matched & offence).sum()), labelled) if labelled >= ENOUGH_CASES else None
    return RandomSample(
        labelled=labelled,
        hit_rate=own,
        base_rate=base,
        lift=_lift(own, base),
        recall=rate(int((matched & offence).sum()), int(offence.sum())),
    )


def _lift(own: Rate | None, base: Rate | None) -> float | None:
    if own is None or base is None or base.numerator == 0:
        return None
    return own.value / base.value


@dataclass(frozen=True, slots=True)
class Drawn:
    """Declarations that were selected with a logged probability, one entry each.

    `probability` is above 0; `labelled` tells whether the selected declaration was examined in the end, `offence`
    whether that found a material offence.
    """

    probability: NDArray[np.float64]
    labelled: NDArray[np.bool_]
    offence: NDArray[np.bool_]


def weighted(drawn: Drawn, matched: NDArray[np.bool_], declarations: int, unsupported: int) -> Weighted:
    """Return the estimates for a profile that matches `declarations`, `unsupported` of them without a probability.

    Hit rate: Hajek estimator over matched declarations selected and examined. Recall: the same ratio, of offences
    matched to all offences. Variances by linearisation, as for draws with replacement (on the safe side).
    """
    if unsupported > SUPPORT_TOLERANCE * declarations:
        return _refused(f"{unsupported:,} of {declarations:,} matched declarations have no logged probability above 0")
    seen = drawn.labelled & matched
    if seen.sum() < ENOUGH_CASES:
        return _refused(f"too few cases: {int(seen.sum())} of {ENOUGH_CASES}")
    weight = 1 / drawn.probability
    return Weighted(hit_rate=_hit_rate(drawn, weight, matched), recall=_recall(drawn, weight, matched), refused=None)


def _refused(reason: str) -> Weighted:
    return Weighted(hit_rate=None, recall=None, refused=reason)


def _hit_rate(drawn: Drawn, weight: NDArray[np.float64], matched: NDArray[np.bool_]) -> Estimate:
    seen = drawn.labelled & matched
    w, y = weight[seen], drawn.offence[seen]
    share = float(w[y].sum() / w.sum())
    deviation = sqrt(float((w**2 * (y - share) ** 2).sum())) / float(w.sum())
    selected = float(weight[matched].sum())
    unseen = float(weight[matched & ~drawn.labelled].sum())
    found = float(w[y].sum())
    return _estimate(share, deviation, w, worst=found / selected, best=(found + unseen) / selected)


def _recall(drawn: Drawn, weight: NDArray[np.float64], matched: NDArray[np.bool_]) -> Estimate | None:
    offences = drawn.labelled & drawn.offence
    w, caught = weight[offences], matched[offences]
    if len(w) < ENOUGH_CASES:
        return None
    share = float(w[caught].sum() / w.sum())
    deviation = sqrt(float((w**2 * (caught - share) ** 2).sum())) / float(w.sum())
    return _estimate(share, deviation, w)


def _estimate(
    share: float, deviation: float, w: NDArray[np.float64], *, worst: float | None = None, best: float | None = None
) -> Estimate:
    """Close the interval; where all cases agree it ends at 3 over the effective number of cases (rule of three)."""
    effective = float(w.sum() ** 2 / (w**2).sum())
    reach = Z_95 * deviation if 0 < share < 1 else 3 / effective
    return Estimate(
        value=share,
        low=max(0.0, share - reach),
        high=min(1.0, share + reach),
        cases=len(w),
        effective=effective,
        worst=worst,
        best=best,
    )
