"""The decider: takes declarations from many threads, decides them in groups, answers when they are on the disk.

One thread takes whatever waits, has it decided in one transaction and lets the callers go on after the commit: a commit
waits for the disk, so one a request would be the limit of everything. Before it does so it begins the next group, so
that what decides is never idle for the sake of callers. A group that fails is tried again one by one, so that one bad
declaration harms no other. A long call is cut into pieces, of which each group takes one at least: short calls never
wait for the whole of it, nor it for all of them.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import batched, islice

from django.db import connections

from tidewaiter.actions.acting import Actor
from tidewaiter.actions.rows import in_order, rows_to_json

MOST_DECLARATIONS = 256
"""Declarations in one group: enough to share a commit, few enough that the first need not wait for long."""

PIECE = 64
"""Declarations of one call that are decided together."""


@dataclass(frozen=True, slots=True)
class Lodged:
    """A declaration as received: its canonical rows, one an item, without version.

    `text` is their canonical JSON; empty where it is still to be written, and the rows may be in any order.
    """

    declaration_id: str
    version: int | None
    rows: tuple[Mapping[str, object], ...]
    text: str = ""

    @classmethod
    def written(cls, declaration_id: str, version: int | None, rows: Sequence[Mapping[str, object]]) -> "Lodged":
        """Return the declaration with its text and nothing absent: the work of the thread that received it."""
        given = tuple({name: value for name, value in row.items() if value is not None} for row in in_order(rows))
        return cls(declaration_id, version, given, rows_to_json(given))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a client system is told about one declaration.

    `status` is decided (new), repeated (the stored answer again) or conflict (`problem` says why). `text` is the JSON
    of the decision as it was stored; `current_channel` and `current_decision` tell where the declaration stands now,
    `acts_open` whether officers have something to do about the goods yet.
    """

    status: str
    declaration_id: str
    text: str = ""
    current_channel: str = ""
    current_decision: str = ""
    acts_open: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """Declarations that came in one call, and who sent them."""

    lodged: tuple[Lodged, ...]
    by: Actor
    future: Future[list[Answer]] = field(default_factory=Future, compare=False)


type Group = Sequence[tuple[Lodged, Actor]]
type DecideGroup = Callable[[Group, datetime], list[Answer]]
type BeginGroup = Callable[[Group, datetime], Callable[[], list[Answer]]]
"""Begins to decide a group; what it gives is called once, and waits for the answers."""


def when_asked(decide: DecideGroup) -> BeginGroup:
    """Return what decides a group in the moment its answers are asked for."""
    return lambda group, at: partial(decide, group, at)


@dataclass(frozen=True, slots=True)
class _Begun:
    """A group under way."""

    group: list[Request]
    answers: Callable[[], list[Answer]]


class Decider:
    """One thread that has groups decided; any number of threads that ask."""

    def __init__(
        self,
        begin: BeginGroup,
        *,
        clock: Callable[[], datetime],
        ready: Callable[[], list[str]],
        most_waiting: int = 10_000,
    ) -> None:
        """Take what begins to decide a group, the clock, and what tells why the service is not ready."""
        self._begin, self._clock, self._ready, self._most = begin, clock, ready, most_waiting
        self._short: deque[Request] = deque()
        self._long: deque[Request] = deque()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="decider", daemon=True)
        self._stopped = threading.Event()
        self.group_sizes: list[int] = []

    def start(self) -> None:
        """Begin to decide."""
        self._thread.start()

    def stop(self) -> None:
        """Decide what has been taken, then end; what is sent later is refused."""
        with self._changed:
            self._stopped.set()
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()

    def ready(self) -> list[str]:
        """Return why declarations cannot be decided now; empty when they can."""
        stopped = ["stopping"] if self._stopped.is_set() else []
        dead = [] if self._thread.is_alive() or not self._thread.ident else ["the decider has ended"]
        return [*stopped, *dead, *self._ready()]

    @property
    def waiting(self) -> int:
        """Return how many short calls and pieces of long ones wait."""
        return len(self._short) + len(self._long)

    def submit(self, lodged: Sequence[Lodged], by: Actor) -> Future[list[Answer]]:
        """Return the answers to come, in the order of the declarations. Raises queue.Full when too many wait."""
        pieces = [Request(part, by) for part in batched(lodged, PIECE)] or [Request((), by)]
        answers = _joined([piece.future for piece in pieces])
        with self._changed:
            if self._stopped.is_set():
                answers.set_exception(RuntimeError("the service is stopping"))
                return answers
            if self.waiting + len(pieces) > self._most:
                raise queue.Full
            (self._long if len(pieces) > 1 else self._short).extend(pieces)
            self._changed.notify()
        return answers

    def _run(self) -> None:
        try:
            under_way = self._begun(self._group(wait=True))
            while under_way:
                outcomes = self._outcomes(under_way)
                following = self._begun(self._group(wait=False))
                for request, outcome in outcomes:
                    if isinstance(outcome, Exception):
                        request.future.set_exception(outcome)
                    else:
                        request.future.set_result(outcome)
                under_way = following  # what decided the last group is let go while nothing comes
                if under_way is None:
                    under_way = self._begun(self._group(wait=True))
        finally:
            connections.close_all()

    def _group(self, *, wait: bool) -> list[Request]:
        """Return what is decided next; nothing where nothing is there or, told to wait, where no more will come."""
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: self._short or self._long or self._stopped.is_set())
            group, size = [], 0
            for request in self._in_turn():
                group.append(request)
                size += len(request.lodged)
                if size >= MOST_DECLARATIONS:
                    break
        if group:
            self.group_sizes = [*self.group_sizes[-99:], size]
        return group

    def _in_turn(self) -> Iterator[Request]:
        """Take what waits: a piece of a long call, the short calls, and where there are none more of the long ones."""
        if self._long:
            yield self._long.popleft()
        waited = bool(self._short)
        while self._short:
            yield self._short.popleft()
        while self._long and not waited:
            yield self._long.popleft()

    def _begun(self, group: list[Request]) -> _Begun | None:
        """Begin to decide a group; what hinders it is told when its answers are asked for."""
        if not group:
            return None
        try:
            answers = self._begin([(lodged, one.by) for one in group for lodged in one.lodged], self._clock())
        except Exception as error:
            return _Begun(group, partial(_hindered, error))
        return _Begun(group, answers)

    def _outcomes(self, begun: _Begun) -> list[tuple[Request, list[Answer] | Exception]]:
        """Wait for the answers of a group; one that failed is tried again call by call."""
        try:
            answers = iter(begun.answers())
        except Exception as error:
            if len(begun.group) == 1:
                return [(begun.group[0], error)]
            again = (self._begun([one]) for one in begun.group)
            return [outcome for one in again if one for outcome in self._outcomes(one)]
        return [(one, list(islice(answers, len(one.lodged)))) for one in begun.group]


def _hindered(error: Exception) -> list[Answer]:
    raise error


def _joined(parts: Sequence[Future[list[Answer]]]) -> Future[list[Answer]]:
    """Return all answers once the last part has them; where a part fails, that is told then."""
    if len(parts) == 1:
        return parts[0]
    whole: Future[list[Answer]] = Future()
    left = len(parts)

    def done(_: Future[list[Answer]]) -> None:
        nonlocal left
        left -= 1
        if left:
            return
        failed = next((error for part in parts if (error := part.exception()) is not None), None)
        if failed is not None:
            whole.set_exception(failed)
        else:
            whole.set_result([answer for part in parts for answer in part.result()])

    for part in parts:
        part.add_done_callback(done)
    return whole
