"""Decides declarations in a process beside this one, so that two of them use two processors.

This process reads what comes by the network and answers it; the other holds the conditions and the history of one
standing, weighs, routes and writes. It is made in the background and takes its place with its standing; it ends when
nobody holds its standing any more, or with this process, however that ends. What is decided here (advance cargo,
requests, goods in flight) is weighed there, over a line of its own: a group may be waiting for the very records that
are being written here.
"""

import gc
import pickle
import subprocess
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import batched
from pathlib import Path
from socket import socketpair
from typing import Any
from weakref import finalize

from django.db import close_old_connections, connections

from tidewaiter.actions.acting import Actor
from tidewaiter.actions.decisions.deciding import Answer, Group, Lodged
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.decisions.line import BrokenLineError, Line
from tidewaiter.actions.decisions.readying import Make, Wanted, made_standing
from tidewaiter.actions.decisions.standing import Named, Standing
from tidewaiter.actions.decisions.weighing import Count, Lot, Weighed, Weigher, WeigherGoneError
from tidewaiter.actions.draws import Keys
from tidewaiter.actions.profiles.publishing import SetContent, content_of, set_text
from tidewaiter.core.administration import Administration
from tidewaiter.core.facts import Catalogue
from tidewaiter.engines.selection.deciding import InForce
from tidewaiter.engines.selection.live import NO_CONDITIONS, LiveForce
from tidewaiter.engines.selection.lookouts import LookoutIndex
from tidewaiter.storage.lake.facts.live_same_day import SameDayAsked
from tidewaiter.storage.lake.lake import Lake

AT_ONCE = 16
"""Declarations told together: the first are routed while the others are weighed."""

PATIENCE = 30.0
"""Seconds without a word after which a process that weighs is given up: declarations wait for it."""

PATIENCE_WITH_RECORDS = 120.0
"""The same for one that decides: it may have to wait until others have written."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the other process is to make ready: a published set, on a lake, for a day. It draws by `keys`."""

    lake: Path
    text: str
    digest: str
    on: date
    keys: Keys


@dataclass(frozen=True, slots=True)
class _Group:
    """Declarations to be decided together, each with the place of who sent it among the callers."""

    lodged: Sequence[tuple[Lodged, int]]
    callers: Sequence[Actor]
    at: datetime

    @classmethod
    def of(cls, group: Group, at: datetime) -> "_Group":
        """Tell every caller once: they are more than their names."""
        callers: dict[Actor, int] = {}
        lodged = [(one, callers.setdefault(by, len(callers))) for one, by in group]
        return cls(lodged, list(callers), at)

    def whole(self) -> list[tuple[Lodged, Actor]]:
        """Return the declarations with their callers."""
        return [(one, self.callers[place]) for one, place in self.lodged]


@dataclass(frozen=True, slots=True)
class _Made:
    """What it tells once it is ready: all of a standing but what it weighs with."""

    content: SetContent
    force: InForce
    lookouts: LookoutIndex
    image: Named
    administration: Administration
    mark_kinds: dict[str, str]


class Apart:
    """A process that decides, and weighs for others; a conversation once begun is read to its end."""

    def __init__(self, command: Sequence[str]) -> None:
        """Start it. The command ends with the numbers of the files to talk by: of groups, and of lots."""
        (mine, groups), (mine_of_lots, lots) = socketpair(), socketpair()
        self._groups, self._lots = Line.of(mine, PATIENCE), Line.of(mine_of_lots, PATIENCE)
        self._weighing = threading.Lock()
        with groups, lots:
            ends = [groups.fileno(), lots.fileno()]
            self._process = subprocess.Popen(  # noqa: S603  # our own command
                [*command, *map(str, ends)], pass_fds=ends, stdin=subprocess.DEVNULL
            )
        self._broken = False
        self._finalize = finalize(self, _end, self._process, self._groups, self._lots)

    @property
    def process_number(self) -> int:
        """Return the number of the process."""
        return self._process.pid

    @property
    def sound(self) -> bool:
        """Tell whether it can decide."""
        return not self._broken and self._process.poll() is None

    def made(self, order: Order, catalogue: Catalogue) -> Standing:
        """Return the standing it was made ready for; from here it decides. Raises what hindered it, and ends it."""
        try:
            self._groups.tell(order)
            told: _Made = _whole(self._groups.heard())
        except BaseException as error:
            self._finalize()
            if isinstance(error, BrokenLineError):
                raise WeigherGoneError("the process that decides declarations ended before it was ready") from error
            raise
        return Standing(
            content=told.content,
            on=order.on,
            force=LiveForce(order.on, told.force, NO_CONDITIONS, NO_CONDITIONS, told.lookouts),
            image=told.image,
            catalogue=catalogue,
            administration=told.administration,
            mark_kinds=told.mark_kinds,
            weigher=self,
        )

    def begin(self, group: Group, at: datetime) -> Callable[[], list[Answer]]:
        """Have a group decided there, as `decide_group` does; return what waits for its answers, to be called once.

        One thread has groups decided, and begins none before it has the answers of the last. Raises WeigherGoneError,
        as waiting does, which also raises whatever hindered the group.
        """
        try:
            self._groups.tell(_Group.of(group, at))
        except BrokenLineError as error:
            raise self._gone() from error
        return self._answers

    def _answers(self) -> list[Answer]:
        try:
            told = self._groups.heard(PATIENCE_WITH_RECORDS)
        except BrokenLineError as error:
            raise self._gone() from error
        answers: list[Answer] = _whole(told)
        return answers

    def weigh(self, lot: Lot, count: Count) -> Generator[Weighed]:
        """Give what the facts of each parcel say, in their order. Raises WeigherGoneError."""
        with self._weighing:
            self._tell_of_lots(lot)
            asked = _whole(self._heard_of_lots())
            try:
                counts = count(asked)
            except BaseException:
                self._tell_of_lots(None)
                raise
            self._tell_of_lots([counts.get(one, 0) for one in asked])
            yield from self._told()

    def _told(self) -> Generator[Weighed]:
        """Give what is told until the end; what nobody asks for any more is read all the same."""
        more = True
        try:
            while more:
                part = self._heard_of_lots()
                more = isinstance(part, tuple)
                yield from _whole(part)
        except GeneratorExit:
            while more:
                more = isinstance(self._heard_of_lots(), tuple)
            raise

    def _tell_of_lots(self, what: object) -> None:
        try:
            self._lots.tell(what)
        except BrokenLineError as error:
            raise self._gone() from error

    def _heard_of_lots(self) -> Any:
        try:
            return self._lots.heard(PATIENCE)
        except BrokenLineError as error:
            raise self._gone() from error

    def _gone(self) -> WeigherGoneError:
        """Give the process up; return what is told to those who wait for it."""
        self._broken = True
        self._process.kill()
        self._process.wait()
        return WeigherGoneError("the process that decides declarations has ended")


def _whole(told: Any) -> Any:
    """Return what was told; nothing for the end of a conversation. Raises what hindered the other process."""
    if isinstance(told, Exception):
        raise told
    return () if told is None else told


def _end(process: subprocess.Popen[bytes], *lines: Line) -> None:
    """Let the process see that nobody asks any more, and wait for it; what does not end is ended."""
    for line in lines:
        line.close()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def making_apart(lake: Path, catalogue: Catalogue, command: Sequence[str], keys: Keys) -> Make:
    """Return what makes standings whose deciding is done in a process that the command starts."""

    def make(wanted: Wanted, _: Standing | None) -> Standing:
        order = Order(lake, set_text(wanted.digest), wanted.digest, wanted.on, keys)
        return Apart(command).made(order, catalogue)

    return make


def deciding_apart(standing: Standing, group: Group, at: datetime) -> Callable[[], list[Answer]]:
    """Begin to decide a group in the process of a standing made apart. Raises TypeError for another standing."""
    if not isinstance(standing.weigher, Apart):
        raise TypeError("this standing decides where it is")
    return standing.weigher.begin(group, at)


def serve_apart(groups: Line, lots: Line, catalogue: Catalogue) -> None:
    """Make a standing ready, then decide by it until the other end is closed: what the other process does."""
    try:
        order: Order = groups.heard()
        standing = _standing(order, catalogue)
    except Exception as error:
        _tell(groups, error)
        return
    gc.freeze()  # what stands for a day is never looked through for rings again: that would hold up groups
    groups.tell(_made(standing))
    turn = threading.Lock()
    weighing = threading.Thread(target=weigh_on, args=(lots, standing.weigher, turn), name="weighing", daemon=True)
    weighing.start()
    try:
        _decide_on(groups, replace(standing, weigher=_InTurn(standing.weigher, turn)), order.keys)
    finally:
        connections.close_all()


def _standing(order: Order, catalogue: Catalogue) -> Standing:
    content = content_of(order.text, order.digest, catalogue)
    return made_standing(Lake.open(order.lake), catalogue, content, order.on)


def _made(standing: Standing) -> _Made:
    named = Named(standing.image.name, standing.image.statistics_on)
    kinds, force = dict(standing.mark_kinds), standing.force
    return _Made(standing.content, force.force, force.lookouts, named, standing.administration, kinds)


@dataclass(frozen=True, slots=True)
class _InTurn:
    """Weighs when nobody else does: history is read by one thread at a time.

    Whoever weighs holds the records' chain, here as there, so nobody waits for long, and never for each other.
    """

    weigher: Weigher
    turn: threading.Lock

    @property
    def sound(self) -> bool:
        """Tell whether it can weigh."""
        return self.weigher.sound

    def weigh(self, lot: Lot, count: Count) -> Generator[Weighed]:
        """Give what the facts of each parcel say, in their order."""
        with self.turn, closing(self.weigher.weigh(lot, count)) as told:
            yield from told


def _decide_on(groups: Line, standing: Standing, keys: Keys) -> None:
    """Decide group by group until the other end is closed."""
    while True:
        try:
            group: _Group = groups.heard()
        except BrokenLineError:
            return
        try:
            close_old_connections()  # one that the server cut would be asked in vain for ever
            groups.tell(decide_group(standing, keys, group.whole(), group.at))
        except Exception as error:
            _tell(groups, error)


def weigh_on(lots: Line, weigher: Weigher, turn: threading.Lock) -> None:
    """Weigh lot by lot for those who write in the process at the other end, until it is closed."""
    while True:
        try:
            lot: Lot = lots.heard()
            told = _InTurn(weigher, turn).weigh(lot, lambda asked: _counted(lots, asked))
            with closing(told):
                for part in batched(told, AT_ONCE):
                    lots.tell(part)
            lots.tell(None)
        except BrokenLineError:
            return
        except _NobodyAsksError:
            continue
        except Exception as error:
            _tell(lots, error)


class _NobodyAsksError(Exception):
    """The declarations under way are not to be weighed any more."""


def _counted(line: Line, asked: Sequence[SameDayAsked]) -> dict[SameDayAsked, int]:
    line.tell(list(asked))
    counts: list[int] | None = line.heard()
    if counts is None:
        raise _NobodyAsksError
    return dict(zip(asked, counts, strict=True))


def _tell(line: Line, error: Exception) -> None:
    """Tell what went wrong, in words where the error itself cannot be sent, to nobody where the line is closed."""
    told = error
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  # our own
    except Exception:
        told = RuntimeError(f"{type(error).__name__}: {error}")
    with suppress(BrokenLineError):
        line.tell(told)
