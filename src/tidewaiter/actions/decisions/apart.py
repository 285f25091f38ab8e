"""Decides declarations in a process beside this one, so that two of them use two processors.

This process reads what comes by the network and answers it; the other holds the conditions and the history of one
standing, weighs, routes and writes. It is made in the background and takes its place with its standing; it ends when
nobody holds its standing any more, or with this process, however that ends. What is decided here (advance cargo,
requests, goods in flight) is weighed there, over a line of its own: a group may be waiting for the very records that
are being written here. A copy of the other weighs the next group ahead (`actions.decisions.ahead`).
"""

import pickle
import subprocess
import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from socket import socketpair
from typing import Any
from weakref import finalize

from tidewaiter.actions.decisions.ahead import SentGroup
from tidewaiter.actions.decisions.deciding import Answer, Answers, Group
from tidewaiter.actions.decisions.line import BrokenLineError, Line
from tidewaiter.actions.decisions.readying import Make, Wanted
from tidewaiter.actions.decisions.standing import Named, Standing
from tidewaiter.actions.decisions.weighing import Count, Lot, Weighed, WeigherGoneError
from tidewaiter.actions.draws import Keys
from tidewaiter.actions.profiles.publishing import SetContent, set_text
from tidewaiter.core.administration import Administration
from tidewaiter.core.facts import Catalogue
from tidewaiter.engines.selection.deciding import InForce
from tidewaiter.engines.selection.live import NO_CONDITIONS, LiveForce
from tidewaiter.engines.selection.lookouts import LookoutIndex

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
class Made:
    """What it tells once it is ready: all of a standing but what it weighs with."""

    content: SetContent
    force: InForce
    lookouts: LookoutIndex
    image: Named
    administration: Administration
    mark_kinds: dict[str, str]


class Apart:
    """A process that decides, and weighs for others; a conversation once begun is read to its end.

    A copy of it weighs the next group ahead, while one is decided.
    """

    def __init__(self, command: Sequence[str]) -> None:
        """Start it. The command ends with the numbers of the files to talk by: of groups, of lots, of what is ahead."""
        (mine, groups), (mine_of_lots, lots), (mine_ahead, ahead) = socketpair(), socketpair(), socketpair()
        self._groups, self._lots = Line.of(mine, PATIENCE), Line.of(mine_of_lots, PATIENCE)
        self._ahead = Line.of(mine_ahead, PATIENCE)
        self._weighing = threading.Lock()
        with groups, lots, ahead:
            ends = [groups.fileno(), lots.fileno(), ahead.fileno()]
            self._process = subprocess.Popen(  # noqa: S603  # our own command
                [*command, *map(str, ends)], pass_fds=ends, stdin=subprocess.DEVNULL
            )
        self._broken = self._alone = False
        self._number = self._finished = 0
        self._finalize = finalize(self, _end, self._process, self._groups, self._lots, self._ahead)

    @property
    def process_number(self) -> int:
        """Return the number of the process."""
        return self._process.pid

    @property
    def sound(self) -> bool:
        """Tell whether it can decide."""
        return not self._broken and self._process.poll() is None

    @property
    def complete(self) -> bool:
        """Tell whether groups are weighed ahead: where its copy has ended it decides on alone."""
        return not self._alone

    def made(self, order: Order, catalogue: Catalogue) -> Standing:
        """Return the standing it was made ready for; from here it decides. Raises what hindered it, and ends it."""
        try:
            self._groups.tell(order)
            told: Made = _whole(self._groups.heard())
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

    def begin(self, group: Group, at: datetime) -> Answers:
        """Have a group decided there, as `decide_group` does; return what waits for its answers, to be called once.

        One thread has groups decided, and begins none before it has the answers of the last. Raises WeigherGoneError,
        as waiting does, which also raises whatever hindered the group.
        """
        self._tell_of_group(pickle.dumps(SentGroup.of(group, at), protocol=pickle.HIGHEST_PROTOCOL))
        return self._answers

    def foresee(self, group: Group, at: datetime) -> "SentAhead":
        """Have a group weighed ahead while another is decided; where nothing weighs ahead any more, do nothing yet."""
        number = self._number = self._number + 1
        try:
            if not self._alone:
                self._ahead.tell(SentGroup.of(group, at, number, self._finished))
        except BrokenLineError:
            self._alone = True
        return SentAhead(self, group, at, number)

    def is_weighed(self) -> bool:
        """Tell whether the group weighed ahead waits to be decided."""
        return self._alone or self._ahead.speaks()

    def begin_weighed(self, group: Group, at: datetime, number: int) -> Answers:
        """Have the group that was weighed ahead decided; whether it was or not, as `begin` does."""
        try:
            told = b"" if self._alone else self._ahead.taken(PATIENCE_WITH_RECORDS)
        except BrokenLineError:
            self._alone, told = True, b""
        if not told:
            return self.begin(group, at)
        self._tell_of_group(told)
        return partial(self._answers, number)

    def _tell_of_group(self, told: bytes) -> None:
        try:
            self._groups.pass_on(told)
        except BrokenLineError as error:
            raise self._gone() from error

    def _answers(self, number: int = 0) -> list[Answer]:
        try:
            told = self._groups.heard(PATIENCE_WITH_RECORDS)
            self._finished = max(self._finished, number)
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


@dataclass(frozen=True, slots=True)
class SentAhead:
    """A group that was sent to be weighed ahead."""

    apart: Apart
    group: Group
    at: datetime
    number: int

    def ready(self) -> bool:
        """Tell whether deciding it can begin without waiting."""
        return self.apart.is_weighed()

    def begin(self) -> Answers:
        """Begin to decide it, once weighed."""
        return self.apart.begin_weighed(self.group, self.at, self.number)


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


def apart(standing: Standing) -> Apart:
    """Return the process that decides by a standing made apart. Raises TypeError for another standing."""
    if not isinstance(standing.weigher, Apart):
        raise TypeError("this standing decides where it is")
    return standing.weigher
