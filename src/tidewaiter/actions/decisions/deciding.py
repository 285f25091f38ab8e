"""The decider: takes declarations from many threads, decides them in groups, answers when they are on the disk.

One thread takes whatever waits, decides it in one transaction and lets the callers go on after the commit: a commit
waits for the disk, so one a request would be the limit of everything. A group that fails is tried again one by one,
so that one bad declaration harms no other.
"""

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connections

from tidewaiter.actions.acting import Actor

MOST_DECLARATIONS = 256
"""Declarations in one group: enough to share a commit, few enough that the first need not wait for long."""


@dataclass(frozen=True, slots=True)
class Lodged:
    """A declaration as received: its canonical rows, one an item, without version."""

    declaration_id: str
    version: int | None
    rows: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a client system is told about one declaration.

    `status` is decided (new), repeated (the stored answer again) or conflict (`problem` says why). `text` is the JSON
    of the decision as it was stored; `current_channel` and `current_decision` tell where the declaration stands now.
    """

    status: str
    declaration_id: str
    text: str = ""
    current_channel: str = ""
    current_decision: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """Declarations that came in one call, and who sent them."""

    lodged: tuple[Lodged, ...]
    by: Actor
    future: Future[list[Answer]] = field(default_factory=Future, compare=False)


type DecideGroup = Callable[[Sequence[tuple[Lodged, Actor]], datetime], list[Answer]]


class Decider:
    """One thread that decides; any number of threads that ask."""

    def __init__(
        self,
        decide: DecideGroup,
        *,
        clock: Callable[[], datetime],
        ready: Callable[[], list[str]],
        most_waiting: int = 10_000,
    ) -> None:
        """Take what decides a group, the clock, and what tells why the service is not ready."""
        self._decide, self._clock, self._ready = decide, clock, ready
        self._waiting: queue.Queue[Request | None] = queue.Queue(most_waiting)
        self._thread = threading.Thread(target=self._run, name="decider", daemon=True)
        self._stopped = threading.Event()
        self.group_sizes: list[int] = []

    def start(self) -> None:
        """Begin to decide."""
        self._thread.start()

    def stop(self) -> None:
        """Decide what has been taken, then end; what is sent later is refused."""
        if not self._stopped.is_set():
            self._stopped.set()
            self._waiting.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    def ready(self) -> list[str]:
        """Return why declarations cannot be decided now; empty when they can."""
        stopped = ["stopping"] if self._stopped.is_set() else []
        dead = [] if self._thread.is_alive() or not self._thread.ident else ["the decider has ended"]
        return [*stopped, *dead, *self._ready()]

    @property
    def waiting(self) -> int:
        """Return how many calls wait."""
        return self._waiting.qsize()

    def submit(self, lodged: Sequence[Lodged], by: Actor) -> Future[list[Answer]]:
        """Return the answers to come, in the order of the declarations. Raises queue.Full when too many wait."""
        request = Request(tuple(lodged), by)
        if self._stopped.is_set():
            request.future.set_exception(RuntimeError("the service is stopping"))
        else:
            self._waiting.put_nowait(request)
        return request.future

    def _run(self) -> None:
        try:
            while (first := self._waiting.get()) is not None:
                self._serve(self._group(first))
            while not self._waiting.empty():
                last = self._waiting.get()
                if last is not None:
                    last.future.set_exception(RuntimeError("the service is stopping"))
        finally:
            connections.close_all()

    def _group(self, first: Request) -> list[Request]:
        group, size = [first], len(first.lodged)
        while size < MOST_DECLARATIONS:
            try:
                following = self._waiting.get_nowait()
            except queue.Empty:
                break
            if following is None:
                self._waiting.put(None)
                break
            group.append(following)
            size += len(following.lodged)
        self.group_sizes = [*self.group_sizes[-99:], size]
        return group

    def _serve(self, group: list[Request]) -> None:
        try:
            answers = self._decide([(lodged, one.by) for one in group for lodged in one.lodged], self._clock())
        except Exception as error:
            if len(group) == 1:
                group[0].future.set_exception(error)
                return
            for one in group:
                self._serve([one])
            return
        start = 0
        for one in group:
            one.future.set_result(answers[start : start + len(one.lodged)])
            start += len(one.lodged)
