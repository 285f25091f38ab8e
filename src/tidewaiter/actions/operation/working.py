"""The worker: what the service does on its own schedule, each piece of work harmless to do again.

Everything is asked of the records: what was published and not yet asked of goods in flight, what was received and not
yet copied, which days are to be closed. A worker that was stopped goes on where it left.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import batched
from pathlib import Path

from django.db import close_old_connections, connection, transaction

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.audit.lodged_heads import lodge_head
from tidewaiter.actions.decisions.events import HOLD
from tidewaiter.actions.decisions.flight import AT_ONCE, Asked, Redecided, redecide, redecide_all, redecide_late
from tidewaiter.actions.decisions.readying import Readying
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.actions.decisions.told_since import confirmed_since
from tidewaiter.actions.draws import Keys, lodge_key
from tidewaiter.actions.examinations.assignments import assign_waiting
from tidewaiter.actions.examinations.lapses import expire_yellow
from tidewaiter.actions.examinations.reexaminations import draw_again
from tidewaiter.actions.lake.copying import Copied, anything_uncopied, copy_to_lake
from tidewaiter.actions.profiles.list_watch import watch_edits
from tidewaiter.actions.profiles.lookouts import any_expired, expire_lookouts
from tidewaiter.actions.profiles.profile_force import expire_profiles
from tidewaiter.actions.profiles.publishing import earlier_set, keep_catalogue
from tidewaiter.actions.retention.purging import run_approved
from tidewaiter.actions.retention.retention import due
from tidewaiter.core.errors import LakeError, TidewaiterError
from tidewaiter.core.facts import Catalogue
from tidewaiter.storage.attachments import Attachments
from tidewaiter.storage.lake.facts.statistics import update_statistics
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.lake.manifest import MANIFEST
from tidewaiter.storage.records import models

COPY_EVERY = timedelta(seconds=60)
LODGE_EVERY = timedelta(hours=1)
LATE = timedelta(minutes=1)
"""How long before its commit the clock of a decision may have been read."""

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Done:
    """One piece of work that was done: its name, and what came of it in numbers."""

    name: str
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Worker:
    """One process that does the service's own work. `heads` is the file outside the database for heads of the chain.

    `files` are the attachments; without them no purge list is run.
    """

    lake: Path
    catalogue: Catalogue
    keys: Keys
    clock: Callable[[], datetime]
    heads: Path | None = None
    told: Callable[[Done], None] = lambda _: None
    files: Attachments | None = None
    readying: Readying = field(init=False)
    _copied_at: datetime = _LONG_AGO
    _lodged_at: datetime = _LONG_AGO
    _day: date | None = None
    _catalogue: str = ""
    _closed: bool = True
    _confirmed_asked: set[str] = field(default_factory=set)
    _held_until: int = 0

    def __post_init__(self) -> None:
        """Make what this process decides by."""
        self.readying = Readying(self.lake, self.catalogue, clock=self.clock)

    def turn(self) -> list[Done]:
        """Do once whatever is due, and say what was done."""
        if not connection.in_atomic_block:
            close_old_connections()
        done = self._look()
        standing = self.readying.current
        if standing is not None:
            self._keep_catalogue(standing)
            done += self._of_the_day(standing)
            standing = self.readying.standing()
            done += self._in_flight(standing)
            done += self._held(standing)
            done += self._confirmed(standing)
            done += self._examinations(standing)
        done += self._copy()
        done += self._lodge()
        for one in done:
            self.told(one)
        return done

    def _look(self) -> list[Done]:
        """Make ready what is new. Where it cannot be read the old stands, and that is told once."""
        try:
            self.readying.look()
        except TidewaiterError as error:
            told, self.readying.problem = self.readying.problem, str(error)
            return [] if told == self.readying.problem else [Done(f"what is new cannot be used: {error}")]
        return []

    def _keep_catalogue(self, standing: Standing) -> None:
        """Keep the fact catalogue that decisions are now taken with: it may be newer than the set."""
        if self._catalogue != standing.catalogue.version:
            keep_catalogue(standing.catalogue, self.clock())
            self._catalogue = standing.catalogue.version

    def _of_the_day(self, standing: Standing) -> list[Done]:
        """Begin a new day: lodge its key's digest, close the day before, let end what ends."""
        if self._day == standing.on:
            return self._close_late(standing)
        at = self.clock()
        lodge_key(day=standing.on, keys=self.keys, by=SERVICE, at=at)
        ended = expire_profiles(on=standing.on, by=SERVICE, at=at)
        lapsed = expire_yellow(policy=standing.content.policy, on=standing.on, by=SERVICE, at=at)
        passed = watch_edits(catalogue=self.catalogue, by=SERVICE, at=at)
        closed = self._closed = self.close_day(standing.on - timedelta(days=1))
        self._day, self._lodged_at = standing.on, _LONG_AGO
        self.readying.look()
        counts = {"ended": len(ended.ended), "lapsed": len(lapsed), "passed": passed, "closed": int(closed)}
        return [Done("day", counts), *self._retention(at)]

    def _close_late(self, standing: Standing) -> list[Done]:
        """Close the day before where the lake could not be written when the day began."""
        if self._closed:
            return []
        self._closed = self.close_day(standing.on - timedelta(days=1))
        return [Done("day closed"), *self._look()] if self._closed else []

    def _retention(self, at: datetime) -> list[Done]:
        """Run the purge lists that two persons approved, once a day, and tell how much is past its period.

        A list that cannot be run now, because others hold the database or the lake, is run the next day.
        """
        purged = run_approved(lake=self.lake, store=self.files, by=SERVICE, at=at) if self.files else []
        counts = {"purged": sum(one.records for one in purged), "due": sum(1 for _ in due(at, self._lake_or_none()))}
        return [Done("retention", counts)] if any(counts.values()) else []

    def _lake_or_none(self) -> Path | None:
        return self.lake if (self.lake / MANIFEST).exists() else None

    def close_day(self, day: date) -> bool:
        """Copy all that was received, close the day in the lake and bring statistics up to date.

        False where the lake is being written by another; it is tried again in the next turn.
        """
        try:
            self._all_copied()
            lake = Lake.open(self.lake)
            closed = lake.snapshot().closed_through
            if closed is None or closed < day:
                lake.close_days(day)
            update_statistics(Lake.open(self.lake), self.catalogue)
        except LakeError:
            return False
        return True

    def _all_copied(self) -> None:
        until = self.clock()
        while anything_uncopied(until):
            copy_to_lake(lake=self.lake, by=SERVICE, at=self.clock())

    def _in_flight(self, standing: Standing) -> list[Done]:
        """Ask of goods in flight what was published since, or became valid with the new day."""
        latest = models.Publication.objects.order_by("-pk").first()
        if latest is None or latest.set_id != standing.content.digest:
            return []
        asked = models.Publication.objects.filter(redecided_at__isnull=False).order_by("-pk").first()
        if asked is not None and asked.pk == latest.pk and self._asked_on(asked, standing) == standing.on:
            return []
        before = self._asked(asked, standing) if asked else None
        cause = latest.cause if asked is None or asked.pk != latest.pk else f"what is valid on {standing.on}"
        at = self.clock()
        found = redecide_all(standing=standing, before=before, keys=self.keys, cause=cause, clock=self.clock)
        since = at - LATE
        with transaction.atomic():
            found.add(
                redecide_late(
                    standing=standing, before=before, keys=self.keys, cause=cause, since=since, at=self.clock()
                )
            )
            models.Publication.objects.filter(pk__lte=latest.pk, redecided_at=None).update(redecided_at=at)
            models.Publication.objects.filter(pk=latest.pk).update(redecided_at=at)
        return [Done("goods in flight", _counts(found))]

    def _held(self, standing: Standing) -> list[Done]:
        """Decide again the goods that another agency has put a hold on since the last look."""
        events = models.Event.objects.filter(pk__gt=self._held_until, kind=HOLD).order_by("pk")
        found = list(events.values_list("pk", "declaration_id"))
        if not found:
            return []
        done = self._again(standing, sorted({number for _, number in found}), "held by another agency")
        self._held_until = found[-1][0]
        return [Done("held goods", _counts(done))]

    def _confirmed(self, standing: Standing) -> list[Done]:
        """Decide again the goods for which a lookout's possible match was confirmed since they were decided."""
        numbers = [number for number in confirmed_since() if number not in self._confirmed_asked]
        if not numbers:
            return []
        done = self._again(standing, numbers, "a match was confirmed")
        self._confirmed_asked.update(numbers)
        return [Done("goods in flight", _counts(done))]

    def _again(self, standing: Standing, numbers: list[str], cause: str) -> Redecided:
        done = Redecided()
        for part in batched(numbers, AT_ONCE):
            done.add(
                redecide(
                    standing=standing, news=None, numbers=part, keys=self.keys, cause=cause,
                    by=SERVICE, at=self.clock(),
                )
            )  # fmt: skip
        return done

    def _asked(self, publication: models.Publication, standing: Standing) -> Asked:
        content, then = earlier_set(publication.set_id, self.catalogue)
        return Asked.of(content, then, self._asked_on(publication, standing))

    def _asked_on(self, publication: models.Publication, standing: Standing) -> date:
        assert publication.redecided_at is not None
        return standing.day_of(publication.redecided_at)

    def _examinations(self, standing: Standing) -> list[Done]:
        at, policy = self.clock(), standing.content.policy
        assigned = assign_waiting(keys=self.keys, policy=policy, by=SERVICE, at=at)
        drawn = draw_again(keys=self.keys, policy=policy, on=standing.on, by=SERVICE, at=at)
        if any_expired(at):
            expire_lookouts(by=SERVICE, at=at)  # how many is not told: logs are for people who may not know
        counts = {"assigned": len(assigned), "drawn again": len(drawn)}
        return [Done("examinations", counts)] if any(counts.values()) else []

    def _copy(self) -> list[Done]:
        at = self.clock()
        if at < self._copied_at + COPY_EVERY:
            return []
        self._copied_at = at
        if not anything_uncopied():
            return []
        try:
            copied: Copied = copy_to_lake(lake=self.lake, by=SERVICE, at=at)
        except LakeError:
            return [Done("copy put off: the lake is being written")]
        return [Done("copied to the lake", {**copied.rows, "rejected": copied.rejected})] if copied.rows else []

    def _lodge(self) -> list[Done]:
        at = self.clock()
        if self.heads is None or at < self._lodged_at + LODGE_EVERY:
            return []
        self._lodged_at = at
        lodged = lodge_head(self.heads, at)
        return [Done("head lodged", {"sequence": lodged.sequence})] if lodged else []


def _counts(found: Redecided) -> dict[str, int]:
    return {
        "asked": found.asked,
        "met": found.met,
        "changed": found.changed,
        "risen": found.risen,
        "recalled": found.recalled,
    }
