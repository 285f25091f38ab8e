"""Makes what a process decides by, in the background, and puts it in place by one assignment.

A process asks now and then whether the publication, the day or the lake has changed. What is new is made while the old
still decides; the first is made before the process says that it is ready.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from django.db import close_old_connections, connections

from tidewaiter.actions.decisions.same_day import mark_kinds
from tidewaiter.actions.decisions.standing import Standing, facts_asked, made_ready
from tidewaiter.actions.decisions.weighing import Here
from tidewaiter.actions.profiles.publishing import SetContent, latest_publication, set_content
from tidewaiter.core.errors import TidewaiterError
from tidewaiter.core.facts import Catalogue
from tidewaiter.storage.lake.facts.live import DayImage
from tidewaiter.storage.lake.facts.live_image import make_image
from tidewaiter.storage.lake.facts.recipes import recipes
from tidewaiter.storage.lake.facts.table import statistics_day
from tidewaiter.storage.lake.lake import Lake

FILINGS_DAYS = 90
"""Filings older than this are not held in memory."""


def made_standing(
    lake: Lake, catalogue: Catalogue, content: SetContent, on: date, *, before: Standing | None = None
) -> Standing:
    """Return what decides on that day by that set; what of `before` still holds is taken over."""
    force = made_ready(content, catalogue, on)
    held = before.image if before is not None and isinstance(before.image, DayImage) else None
    image = _image(lake, catalogue, facts_asked(content, force, catalogue, on), on, held)
    return Standing(
        content=content,
        on=on,
        force=force,
        image=image,
        catalogue=catalogue,
        administration=lake.administration,
        mark_kinds=mark_kinds(recipes(catalogue)),
        weigher=Here(force, image, on),
    )


def _image(lake: Lake, catalogue: Catalogue, asked: frozenset[str], on: date, held: DayImage | None) -> DayImage:
    snapshot = lake.snapshot()
    until = statistics_day(snapshot, on)
    if held is not None and held.statistics_on == until and asked <= set(held.facts_asked):
        return held
    return make_image(snapshot, catalogue, until, only=asked, filed_from=on - timedelta(days=FILINGS_DAYS))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a process should decide by: the set's digest, the day, and the day at whose close history is taken.

    Within a day history stays as it is, whatever is loaded into the lake: what comes late counts from the next close.
    """

    digest: str
    on: date
    statistics_on: date


type Make = Callable[[Wanted, Standing | None], Standing]
"""Makes what is wanted ready, taking over what holds of the standing before."""


def making_here(lake: Path, catalogue: Catalogue) -> Make:
    """Return what makes standings within this process."""

    def make(wanted: Wanted, before: Standing | None) -> Standing:
        same_set = before is not None and before.content.digest == wanted.digest
        content = before.content if before and same_set else set_content(wanted.digest, catalogue)
        return made_standing(Lake.open(lake), catalogue, content, wanted.on, before=before)

    return make


class Readying:
    """Keeps one process's standing up to date."""

    def __init__(
        self,
        lake: Path,
        catalogue: Catalogue,
        *,
        clock: Callable[[], datetime],
        every: float = 1.0,
        make: Make | None = None,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Take where the lake is, the clock, how often to look, in seconds, and what makes standings (None: here).

        `told` is told once why what is new cannot be used; the old stands meanwhile.
        """
        self.lake, self._clock, self._every, self._told = lake, clock, every, told
        self._make = make or making_here(lake, catalogue)
        self.current: Standing | None = None
        self.problem = "the set in force and the history of the day are being made ready"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="readying", daemon=True)

    def start(self) -> None:
        """Begin to look, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End looking; what is in place stays."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def standing(self) -> Standing:
        """Return what decides now. Raises RuntimeError before the first is ready."""
        if self.current is None:
            raise RuntimeError(self.problem)
        return self.current

    def why_not_ready(self) -> list[str]:
        """Return why nothing can be decided; empty when something stands."""
        now = self.current
        if now is not None and not now.weigher.sound:
            return ["what weighs declarations has ended and is being made again"]
        return [self.problem] if now is None else []

    def look(self) -> bool:
        """Make and put in place what is new; tell whether anything was."""
        wanted = self._wanted()
        if wanted is None:
            return False
        if not self._is_new(wanted):
            self.problem = ""
            return False
        self.current = self._make(wanted, self.current)
        self.problem = ""
        return True

    def _wanted(self) -> Wanted | None:
        publication = latest_publication()
        if publication is None:
            self.problem = "nothing was published yet: run `tidewaiter setup` or publish a set"
            return None
        snapshot = Lake.open(self.lake).snapshot()
        on = self._clock().astimezone(ZoneInfo(snapshot.administration.time_zone)).date()
        return Wanted(publication.set_id, on, statistics_day(snapshot, on))

    def _is_new(self, wanted: Wanted) -> bool:
        now = self.current
        if now is None or not now.weigher.sound:
            return True
        return Wanted(now.content.digest, now.on, now.image.statistics_on) != wanted

    def look_on(self) -> None:
        """Look; where what is new cannot be used the old stands on, and why is told once."""
        try:
            self.look()
        except Exception as error:
            problem = str(error) if isinstance(error, TidewaiterError) else f"{type(error).__name__}: {error}"
            if problem != self.problem:
                self._told(problem)
            self.problem = problem

    def _run(self) -> None:
        while not self._stop.is_set():
            close_old_connections()  # one that the server cut would be asked in vain for ever
            self.look_on()
            self._stop.wait(self._every)
        connections.close_all()
