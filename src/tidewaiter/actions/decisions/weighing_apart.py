"""Weighs declarations in a process beside this one, so that two of them use two processors.

The other process holds the conditions and the history of one standing and nothing else: no records, no keys. It is made
in the background and takes its place with its standing; it ends when nobody holds its standing any more, or with this
process, however that ends.
"""

import subprocess
import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import batched
from multiprocessing.connection import Connection
from pathlib import Path
from socket import socketpair
from typing import Any
from weakref import finalize

from tidewaiter.actions.decisions.readying import Make, Wanted, made_standing
from tidewaiter.actions.decisions.standing import Named, Standing
from tidewaiter.actions.decisions.weighing import Count, Lot, Weighed, WeigherGoneError
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


@dataclass(frozen=True, slots=True)
class Order:
    """What the other process is to make ready: a published set, on a lake, for a day."""

    lake: Path
    text: str
    digest: str
    on: date


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
    """A process that weighs. One conversation at a time; a conversation once begun is read to its end."""

    def __init__(self, command: Sequence[str]) -> None:
        """Start it. The command ends with the number of the file to talk by."""
        mine, other = socketpair()
        with other:
            words = [*command, str(other.fileno())]
            self._process = subprocess.Popen(  # noqa: S603  # our own command
                words, pass_fds=[other.fileno()], stdin=subprocess.DEVNULL
            )
        self._connection = Connection(mine.detach())
        self._lock = threading.Lock()
        self._broken = False
        self._finalize = finalize(self, _end, self._process, self._connection)

    @property
    def process_number(self) -> int:
        """Return the number of the process."""
        return self._process.pid

    @property
    def sound(self) -> bool:
        """Tell whether it can weigh."""
        return not self._broken and self._process.poll() is None

    def made(self, order: Order, catalogue: Catalogue) -> Standing:
        """Return the standing it was made ready for; from here it weighs. Raises what hindered it, and ends it."""
        try:
            self._connection.send(order)
            told: _Made = _whole(self._connection.recv())
        except BaseException as error:
            self._finalize()
            if isinstance(error, OSError | EOFError):
                raise WeigherGoneError("the process that weighs declarations ended before it was ready") from error
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

    def weigh(self, lot: Lot, count: Count) -> Generator[Weighed]:
        """Give what the facts of each parcel say, in their order. Raises WeigherGoneError."""
        with self._lock:
            try:
                self._connection.send(lot)
                asked = _whole(self._heard())
                try:
                    counts = count(asked)
                except BaseException:
                    self._connection.send(None)
                    raise
                self._connection.send([counts.get(one, 0) for one in asked])
                yield from self._told()
            except (OSError, EOFError) as error:
                self._broken = True
                self._process.kill()
                self._process.wait()
                raise WeigherGoneError("the process that weighs declarations has ended") from error

    def _told(self) -> Generator[Weighed]:
        """Give what is told until the end; what nobody asks for any more is read all the same."""
        more = True
        try:
            while more:
                part = self._heard()
                more = isinstance(part, tuple)
                yield from _whole(part)
        except GeneratorExit:
            while more:
                more = isinstance(self._heard(), tuple)
            raise

    def _heard(self) -> Any:
        if not self._connection.poll(PATIENCE):
            raise TimeoutError(f"the process that weighs declarations has said nothing for {PATIENCE:.0f} s")
        return self._connection.recv()


def _whole(told: Any) -> Any:
    """Return what was told; nothing for the end of a conversation. Raises what hindered the other process."""
    if isinstance(told, Exception):
        raise told
    return () if told is None else told


def _end(process: subprocess.Popen[bytes], connection: Connection) -> None:
    """Let the process see that nobody asks any more, and wait for it."""
    connection.close()
    process.wait()


def making_apart(lake: Path, catalogue: Catalogue, command: Sequence[str]) -> Make:
    """Return what makes standings whose weighing is done in a process that the command starts."""

    def make(wanted: Wanted, _: Standing | None) -> Standing:
        return Apart(command).made(Order(lake, set_text(wanted.digest), wanted.digest, wanted.on), catalogue)

    return make


def serve_weighing(connection: Connection, catalogue: Catalogue) -> None:
    """Make a standing ready, then weigh by it until the other end is closed: what the other process does."""
    try:
        standing = _standing(connection.recv(), catalogue)
    except Exception as error:
        _tell(connection, error)
        return
    connection.send(_made(standing))
    while True:
        try:
            lot: Lot = connection.recv()
            told = standing.weigher.weigh(lot, lambda asked: _counted(connection, asked))
            for part in batched(told, AT_ONCE):
                connection.send(part)
            connection.send(None)
        except (EOFError, OSError):
            return
        except _NobodyAsksError:
            continue
        except Exception as error:
            _tell(connection, error)


def _standing(order: Order, catalogue: Catalogue) -> Standing:
    content = content_of(order.text, order.digest, catalogue)
    return made_standing(Lake.open(order.lake), catalogue, content, order.on)


def _made(standing: Standing) -> _Made:
    named = Named(standing.image.name, standing.image.statistics_on)
    kinds, force = dict(standing.mark_kinds), standing.force
    return _Made(standing.content, force.force, force.lookouts, named, standing.administration, kinds)


class _NobodyAsksError(Exception):
    """The declarations under way are not to be weighed any more."""


def _counted(connection: Connection, asked: Sequence[SameDayAsked]) -> dict[SameDayAsked, int]:
    connection.send(list(asked))
    counts: list[int] | None = connection.recv()
    if counts is None:
        raise _NobodyAsksError
    return dict(zip(asked, counts, strict=True))


def _tell(connection: Connection, error: Exception) -> None:
    """Tell what went wrong, in words where the error itself cannot be sent."""
    try:
        connection.send(error)
    except Exception:
        connection.send(RuntimeError(f"{type(error).__name__}: {error}"))
