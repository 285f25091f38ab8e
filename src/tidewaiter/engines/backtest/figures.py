"""From counts to figures: what a tally of matches says against all that is known of the period."""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tidewaiter.core.rate import rate
from tidewaiter.engines.backtest.against import Incumbent, Side
from tidewaiter.engines.backtest.measure import Drawn, random_sample, weighted
from tidewaiter.engines.backtest.report import Count, Example, Period, ProfileFigures, RandomSample, Results, Weighted
from tidewaiter.engines.backtest.results import KINDS, NOT_INSPECTED, Flags, Integers, KnownResults
from tidewaiter.engines.backtest.tally import Found, Offices, Tally

NONE = Count(0, 0)


class Frame:
    """All declarations of a period, or of a part of it, against which a profile's figures are set.

    `whole` is the period tallied over, `part` the days reported; `everything` the tally of all rows of the part.
    """

    def __init__(self, whole: Period, part: Period, known: KnownResults, offices: Offices, everything: Tally) -> None:
        self.whole, self.part = whole, part
        self.known, self.offices, self.everything = known, offices, everything

    @cached_property
    def traced(self) -> Integers:
        """Indices of all declarations of the part about which anything but their lodging is known."""
        return joined(self.everything.traced)

    @cached_property
    def results(self) -> Results:
        """The results of all declarations."""
        tally = self.everything
        return self.known.results(self.traced, (tally.labelled_items, tally.offences_items))

    @cached_property
    def members(self) -> Integers:
        """Indices of the examined members of the random sample."""
        return self.traced[self.known.in_random[self.traced] & self.known.labelled[self.traced]]

    @cached_property
    def base(self) -> RandomSample | None:
        """The random sample as a whole; None when no membership was ever recorded."""
        if not self.known.has_random:
            return None
        return random_sample(np.ones(len(self.members), np.bool_), self.known.offence[self.members])

    @cached_property
    def _drawn_index(self) -> Integers:
        return self.traced[self.known.drawn[self.traced]]

    @cached_property
    def _drawn(self) -> Drawn:
        known, index = self.known, self._drawn_index
        return Drawn(known.probability[index], known.labelled[index], known.offence[index])

    @cached_property
    def incumbent(self) -> Incumbent | None:
        """The selections of the system in use; None when its decisions are not loaded."""
        if not self.known.has_incumbent:
            return None
        selected = self.traced[self.known.criterion[self.traced]]
        return Incumbent(self.side(len(selected), selected))

    def prepare(self) -> None:
        """Work out now what every profile's figures need, so that the first one asked for is as quick as the next."""
        self.figures("", Tally(self.whole), NONE, NONE)
        if self.incumbent is not None:
            self.incumbent.prepare()

    def side(self, declarations: int, index: Integers) -> Side:
        """Return one side of a comparison: so many declarations, those with these indices being traced."""
        labelled = index[self.known.labelled[index]]
        return Side(declarations, labelled, self.known.keys[labelled], self.known.offence[labelled])

    def figures(self, code: str, tally: Tally, marginal: Count, marginal_in_force: Count) -> ProfileFigures:
        """Return the figures of one profile."""
        index = joined(tally.traced)
        declarations = int(tally.days[1].sum())
        results = self.known.results(index, (tally.labelled_items, tally.offences_items))
        offences = self.results.offences
        flags = np.zeros(self.known.nothing + 1, np.bool_)
        flags[index] = True
        return ProfileFigures(
            code=code,
            matches=tally.items,
            declarations=declarations,
            by_day=self.by_day(tally),
            by_month=self.by_month(tally),
            by_office=self.by_office(tally),
            last_match_on=self._last(tally),
            results=results,
            labelled_share=rate(results.labelled, declarations),
            caught=rate(results.offences, offences),
            missed=offences - results.offences,
            marginal=marginal,
            marginal_in_force=marginal_in_force,
            immature=tally.immature,
            random=self._random(flags),
            weighted=self._weighted(flags, declarations, tally.unsupported),
            against=None if self.incumbent is None else self.incumbent.compared(self.side(declarations, index)),
            examples=tuple(self._examples(tally)),
        )

    def _random(self, flags: Flags) -> RandomSample | None:
        if not self.known.has_random:
            return None
        return random_sample(flags[self.members], self.known.offence[self.members])

    def _weighted(self, flags: Flags, declarations: int, unsupported: int) -> Weighted | None:
        if not self.known.has_probability:
            return None
        return weighted(self._drawn, flags[self._drawn_index], declarations, unsupported)

    def _days(self, tally: Tally) -> NDArray[np.int64]:
        first = (self.part.start - self.whole.start).days
        return tally.days[:, first : first + self.part.days]

    def by_day(self, tally: Tally) -> tuple[Count, ...]:
        """Return what is matched on each day of the part."""
        return tuple(Count(items, declarations) for items, declarations in self._days(tally).T.tolist())

    def by_month(self, tally: Tally) -> dict[str, Count]:
        """Return what is matched in each month, written 2020-01; months without a match left out."""
        days = self._days(tally)
        first = np.datetime64(self.part.start, "D")
        months = (first + np.arange(self.part.days)).astype("datetime64[M]")
        named, place = np.unique(months, return_inverse=True)
        items, declarations = (np.bincount(place, line).astype(np.int64).tolist() for line in days)
        return _counted(zip(map(str, named), items, declarations, strict=True))

    def by_office(self, tally: Tally) -> dict[str, Count]:
        """Return what is matched by office; offices without a match left out."""
        columns = enumerate(tally.offices.T.tolist())
        return _counted(sorted((self.offices.names[place], items, of) for place, (items, of) in columns))

    def _last(self, tally: Tally) -> date | None:
        matched = np.flatnonzero(tally.days[0])
        return self.whole.start + timedelta(days=int(matched[-1])) if len(matched) else None

    def _examples(self, tally: Tally) -> Iterable[Example]:
        for kind, found in tally.examples.items():
            for one in found:
                yield self._example(kind, one)

    def _example(self, kind: int, found: Found) -> Example:
        categories = None if kind == NOT_INSPECTED else self.known.categories[found.index].as_py()
        return Example(
            kind=KINDS[kind],
            declaration_id=found.declaration_id,
            items=found.items,
            lodged_on=self.whole.start + timedelta(days=found.day),
            office=self.offices.names[found.office] or None,
            categories=tuple(categories or ()),
            facts=found.facts,
        )


def joined(parts: Iterable[Integers]) -> Integers:
    """Return all the indices in one array, rising, however they were cut into blocks."""
    return np.sort(np.concatenate([np.zeros(0, np.int64), *parts]))


def _counted(rows: Iterable[tuple[str, int, int]]) -> dict[str, Count]:
    return {name: Count(items, declarations) for name, items, declarations in rows if items}
