"""What the process beside the service does: it decides groups, weighs lots for others, and has the next group weighed.

It is started by `actions.decisions.apart`, makes a standing ready, and ends when its lines are closed.
"""

import gc
import os
import pickle
import threading
from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from itertools import batched

from django.db import close_old_connections, connections

from tidewaiter.actions.decisions.ahead import Ahead, Foreseeing, SentGroup
from tidewaiter.actions.decisions.apart import Made, Order
from tidewaiter.actions.decisions.fact_making import weighing_here
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.decisions.line import BrokenLineError, Line
from tidewaiter.actions.decisions.readying import made_standing
from tidewaiter.actions.decisions.standing import Named, Standing
from tidewaiter.actions.decisions.weighing import Count, Lot, Weighed, Weigher
from tidewaiter.actions.draws import Keys
from tidewaiter.actions.profiles.publishing import content_of
from tidewaiter.core.facts import Catalogue
from tidewaiter.storage.lake.facts.live_same_day import SameDayAsked
from tidewaiter.storage.lake.lake import Lake

AT_ONCE = 16
"""Declarations told together: the first are routed while the others are weighed."""


def serve_apart(groups: Line, lots: Line, ahead: Line, catalogue: Catalogue) -> None:
    """Make a standing ready, then decide by it until the other end is closed: what the other process does."""
    try:
        order: Order = groups.heard()
        standing = _standing(order, catalogue)
    except Exception as error:
        _tell(groups, error)
        return
    gc.freeze()  # what stands for a day is never looked through for rings again: that would hold up groups
    _start_copy(standing, ahead, groups, lots)
    groups.tell(_made(standing))
    turn = threading.Lock()
    weighing = threading.Thread(target=weigh_on, args=(lots, standing.weigher, turn), name="weighing", daemon=True)
    weighing.start()
    try:
        _decide_on(groups, standing, order.keys, turn)
    finally:
        connections.close_all()


def _start_copy(standing: Standing, ahead: Line, *others: Line) -> None:
    """Start a copy of this process that weighs ahead, and shares what stands for the day; it ends with its line."""
    connections.close_all()
    if os.fork():
        ahead.close()
        return
    try:
        for line in others:
            line.close()
        _foresee_on(ahead, Ahead(standing))
    finally:
        os._exit(0)


def _foresee_on(line: Line, ahead: Ahead) -> None:
    """Weigh group by group ahead until the other end is closed; what cannot be is left to whoever decides."""
    while True:
        try:
            group: SentGroup = line.heard()
            try:
                close_old_connections()
                told = ahead.weighed(group)
            except Exception:
                told = group
            line.tell(told)
        except BrokenLineError:
            return


def _standing(order: Order, catalogue: Catalogue) -> Standing:
    content = content_of(order.text, order.digest, catalogue)
    return made_standing(Lake.open(order.lake), catalogue, content, order.on)


def _made(standing: Standing) -> Made:
    named = Named(standing.image.name, standing.image.statistics_on)
    kinds, force = dict(standing.mark_kinds), standing.force
    return Made(standing.content, force.force, force.lookouts, named, standing.administration, kinds)


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

    @property
    def complete(self) -> bool:
        """Tell whether nothing of it is missing."""
        return self.weigher.complete

    def weigh(self, lot: Lot, count: Count) -> Generator[Weighed]:
        """Give what the facts of each parcel say, in their order."""
        with self.turn, closing(self.weigher.weigh(lot, count)) as told:
            yield from told


def _decide_on(groups: Line, standing: Standing, keys: Keys, turn: threading.Lock) -> None:
    """Decide group by group until the other end is closed."""
    while True:
        try:
            group: SentGroup = groups.heard()
        except BrokenLineError:
            return
        try:
            close_old_connections()  # one that the server cut would be asked in vain for ever
            weigher = Foreseeing(weighing_here(standing), group.foreseen) if group.foreseen else standing.weigher
            decided_by = replace(standing, weigher=_InTurn(weigher, turn))
            groups.tell(decide_group(decided_by, keys, group.whole(), group.at))
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
