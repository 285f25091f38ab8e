"""The days of the generated period and how much is traded on each."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np

EPOCH = date(1970, 1, 1)
DAY = 86_400
WEEKDAYS = np.array([1.10, 1.10, 1.05, 1.05, 1.00, 0.25, 0.08])
SEASON = np.array([0.92, 0.88, 0.98, 1.00, 1.02, 1.00, 0.99, 1.02, 1.06, 1.14, 1.17, 0.98])
GROWTH = 0.006
"""Growth of trade a month."""


def day_number(day: date) -> int:
    """Return days since 1970-01-01."""
    return (day - EPOCH).days


def day_of(number: int) -> date:
    """Return the day of a number of days since 1970-01-01."""
    return EPOCH + timedelta(days=int(number))


@dataclass(frozen=True, slots=True)
class Calendar:
    """A period of whole months: `edges` are the days on which they begin, the last the day after the period."""

    edges: tuple[int, ...]

    @property
    def first(self) -> int:
        """Return the first day."""
        return self.edges[0]

    @property
    def last(self) -> int:
        """Return the last day."""
        return self.edges[-1] - 1

    @property
    def months(self) -> int:
        """Return the number of months."""
        return len(self.edges) - 1

    def share(self, fraction: float) -> int:
        """Return the day that lies that fraction into the period."""
        return self.first + int((self.last - self.first) * fraction)


def calendar_of(start: date, months: int) -> Calendar:
    """Return the calendar of so many months from the first of the month `start` lies in."""
    ordinals = [start.year * 12 + start.month - 1 + step for step in range(months + 1)]
    return Calendar(tuple(day_number(date(ordinal // 12, ordinal % 12 + 1, 1)) for ordinal in ordinals))


def day_weights(days: np.ndarray, first: int) -> np.ndarray:
    """Return how busy each day is, compared with the others."""
    stamps = days.astype("datetime64[D]")
    month = stamps.astype("datetime64[M]").astype(np.int64) % 12
    busy: np.ndarray = WEEKDAYS[(days + 3) % 7] * SEASON[month] * (1 + GROWTH) ** ((days - first) / 30.4)
    return busy


def quotas(calendar: Calendar, items: int) -> np.ndarray:
    """Return how many items each month has; they add up to `items`."""
    busy = np.array(
        [day_weights(np.arange(start, end), calendar.first).sum() for start, end in pairwise(calendar.edges)]
    )
    cuts = np.round(np.cumsum(busy) / busy.sum() * items).astype(np.int64)
    return np.diff(cuts, prepend=0)
