"""Back-test profile files on a lake."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tidewaiter.core.errors import InputError, NotKnownError, Problem
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.profile import ProfileSet, Status, effective_conditions
from tidewaiter.core.progress import Progress
from tidewaiter.engines.backtest.report import Period, Report
from tidewaiter.engines.backtest.run import backtest, needed_facts
from tidewaiter.language.packs import only_profiles_in, with_neighbours
from tidewaiter.language.profiles import read_profiles
from tidewaiter.storage.lake.facts.table import fact_batches
from tidewaiter.storage.lake.lake import Lake, Snapshot
from tidewaiter.storage.lake.outcomes import outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class BackTest:
    """A report with what it rests on: profiles, state of the lake, catalogue, and the day the lists were read for."""

    report: Report
    profile_set: ProfileSet
    snapshot: Snapshot
    catalogue: Catalogue
    lists_on: date

    @property
    def titles(self) -> dict[str, str]:
        """Return the title of each profile by its code."""
        return {code: profile.title for code, profile in self.profile_set.profiles.items()}

    @property
    def sources(self) -> dict[str, str]:
        """Return what the figures rest on, in words for the head of a report."""
        return {
            "administration": self.snapshot.administration.name,
            "state of the lake": self.snapshot.id[:12],
            "fact catalogue": self.catalogue.version,
            "lists read for": self.lists_on.isoformat(),
        }


def back_test(
    paths: Sequence[Path],
    *,
    lake: Lake,
    catalogue: Catalogue,
    start: date,
    end: date,
    tuned_until: date | None = None,
    as_of: date | None = None,
    progress: Progress,
) -> BackTest:
    """Run the profiles of the files over the declarations lodged from start to end, both included.

    Lists are read for the last day: a draft is asked with today's knowledge. Results count as known on `as_of` (None:
    all the lake holds). Raises InputError for problems of the files, NotKnownError when no declaration was lodged.
    """
    profile_set = only_profiles_in(read_profiles(with_neighbours(paths), catalogue), paths)
    if not profile_set.profiles:
        raise InputError(
            Problem(f"there is no profile in {', '.join(map(str, paths))}", suggestion="give a file with 'profile:'")
        )
    return back_test_set(
        profile_set,
        lake=lake,
        catalogue=catalogue,
        start=start,
        end=end,
        tuned_until=tuned_until,
        as_of=as_of,
        progress=progress,
    )


def back_test_set(
    profile_set: ProfileSet,
    *,
    lake: Lake,
    catalogue: Catalogue,
    start: date,
    end: date,
    tuned_until: date | None = None,
    as_of: date | None = None,
    progress: Progress,
) -> BackTest:
    """Run a set of profiles over the declarations lodged from start to end, as `back_test` does those of files.

    Raises InputError when the period ends before it begins, NotKnownError when no declaration was lodged in it.
    """
    if end < start:
        raise InputError(f"the period ends on {end}, before it begins on {start}")
    conditions = effective_conditions(profile_set, catalogue, end)
    snapshot = lake.snapshot()
    known = outcomes(snapshot, start, end, as_of=as_of)
    if not known.num_rows:
        raise NotKnownError(f"the lake holds no declaration lodged from {start} to {end}")
    report = backtest(
        fact_batches(snapshot, catalogue, start, end, only=needed_facts(conditions), progress=progress),
        known,
        conditions,
        period=Period(start, end),
        tuned_until=tuned_until,
        in_force=[code for code, profile in profile_set.profiles.items() if profile.status is Status.ACTIVE],
        as_of=as_of,
        currency=snapshot.administration.currency,
        progress=lambda done: progress("items back-tested", done, None),
    )
    return BackTest(report=report, profile_set=profile_set, snapshot=snapshot, catalogue=catalogue, lists_on=end)
