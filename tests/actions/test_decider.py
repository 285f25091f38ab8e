"""Calls wait for their group: none is lost, none waits for the whole of a long one."""

import queue
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import pytest
from tests.office import NOON

from tidewaiter.actions.acting import SERVICE, Actor
from tidewaiter.actions.decisions.deciding import MOST_DECLARATIONS, PIECE, Answer, Decider, Lodged, when_asked

type Group = Sequence[tuple[Lodged, Actor]]


def lodged(*numbers: str) -> list[Lodged]:
    return [Lodged(number, 1, ({"item_number": 1},)) for number in numbers]


def many(count: int) -> list[Lodged]:
    return lodged(*(f"L{number}" for number in range(count)))


class Gate:
    """Decides when it is let: one group each time, and remembers what the groups held."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.began, self._let = threading.Semaphore(0), threading.Semaphore(0)
        self.refused: frozenset[str] = frozenset()

    def decide(self, group: Group, _: datetime) -> list[Answer]:
        numbers = [one.declaration_id for one, _ in group]
        self.began.release()
        assert self._let.acquire(timeout=20)
        if self.refused.intersection(numbers):
            raise ArithmeticError("not this one")
        self.groups.append(numbers)
        return [Answer(status="decided", declaration_id=number) for number in numbers]

    def let(self, count: int = 1) -> None:
        self._let.release(count)

    def wait(self) -> None:
        assert self.began.acquire(timeout=20)


@contextmanager
def deciding(decide: Callable[[Group, datetime], list[Answer]], *, most: int = 10_000) -> Iterator[Decider]:
    decider = Decider(when_asked(decide), clock=lambda: NOON, ready=list, most_waiting=most)
    decider.start()
    yield decider
    decider.stop()


def test_a_short_call_goes_before_the_rest_of_a_long_one() -> None:
    gate = Gate()
    with deciding(gate.decide) as decider:
        first = decider.submit(lodged("FIRST"), SERVICE)
        gate.wait()
        whole = decider.submit(many(10 * PIECE), SERVICE)
        short = decider.submit(lodged("SHORT"), SERVICE)
        gate.let(2)
        assert [one.declaration_id for one in short.result(20)] == ["SHORT"]
        assert first.done()
        assert not whole.done()
        gate.let(100)
        assert [one.declaration_id for one in whole.result(20)] == [f"L{number}" for number in range(10 * PIECE)]
    assert gate.groups[1] == [*(f"L{number}" for number in range(PIECE)), "SHORT"]


def test_a_long_call_goes_on_however_many_short_ones_come() -> None:
    gate = Gate()
    with deciding(gate.decide) as decider:
        decider.submit(lodged("FIRST"), SERVICE)
        gate.wait()
        whole = decider.submit(many(3 * PIECE), SERVICE)
        for turn in range(3):
            for number in range(2 * MOST_DECLARATIONS):
                decider.submit(lodged(f"S{turn}-{number}"), SERVICE)
            gate.let()
            gate.wait()
        gate.let(100)
        assert len(whole.result(20)) == 3 * PIECE
    assert [sum(number.startswith("L") for number in group) for group in gate.groups[1:4]] == [PIECE] * 3
    assert max(map(len, gate.groups)) <= MOST_DECLARATIONS


def test_a_long_call_that_fails_in_part_says_so_once_the_rest_is_decided() -> None:
    gate = Gate()
    gate.refused = frozenset({"L3"})
    gate.let(100)
    with deciding(gate.decide) as decider:
        whole = decider.submit(many(3 * PIECE), SERVICE)
        with pytest.raises(ArithmeticError):
            whole.result(20)
    assert sorted(number for group in gate.groups for number in group) == sorted(
        f"L{number}" for number in range(PIECE, 3 * PIECE)
    )


def test_what_was_taken_is_decided_before_the_end_and_nothing_is_taken_after() -> None:
    gate = Gate()
    with deciding(gate.decide) as decider:
        first = decider.submit(lodged("FIRST"), SERVICE)
        gate.wait()
        taken = [decider.submit(many(2 * PIECE), SERVICE), decider.submit(lodged("LAST"), SERVICE)]
        stopping = threading.Thread(target=decider.stop)
        stopping.start()
        gate.let(100)
        stopping.join(20)
        assert first.done()
        assert [len(one.result(0)) for one in taken] == [2 * PIECE, 1]
        with pytest.raises(RuntimeError, match="stopping"):
            decider.submit(lodged("LATE"), SERVICE).result(0)
    assert "stopping" in decider.ready()


def test_calls_beyond_what_may_wait_are_refused_whole() -> None:
    gate = Gate()
    with deciding(gate.decide, most=3) as decider:
        decider.submit(lodged("FIRST"), SERVICE)
        gate.wait()
        with pytest.raises(queue.Full):
            decider.submit(many(4 * PIECE), SERVICE)
        assert decider.waiting == 0
        decider.submit(many(3 * PIECE), SERVICE)
        assert decider.waiting == 3
        gate.let(100)


def test_a_call_without_declarations_has_no_answers() -> None:
    gate = Gate()
    gate.let()
    with deciding(gate.decide) as decider:
        assert decider.submit([], SERVICE).result(20) == []


def test_the_next_group_is_begun_before_the_callers_of_the_last_one_go_on() -> None:
    gate, told = Gate(), list[str]()

    def begin(group: Group, at: datetime) -> Callable[[], list[Answer]]:
        told.append("begun " + " ".join(one.declaration_id for one, _ in group))
        return lambda: gate.decide(group, at)

    decider = Decider(begin, clock=lambda: NOON, ready=list)
    decider.start()
    first = decider.submit(lodged("A"), SERVICE)
    gate.wait()
    first.add_done_callback(lambda _: told.append("told A"))
    second = decider.submit(lodged("B"), SERVICE)
    gate.let(2)
    assert [one.declaration_id for one in (*first.result(20), *second.result(20))] == ["A", "B"]
    decider.stop()
    assert told == ["begun A", "begun B", "told A"]


def test_a_group_that_cannot_be_begun_is_told_to_each_of_its_callers() -> None:
    def begin(group: Group, _: datetime) -> Callable[[], list[Answer]]:
        if any(one.declaration_id == "B" for one, _ in group):
            raise ArithmeticError("not this one")
        return lambda: [Answer(status="decided", declaration_id=one.declaration_id) for one, _ in group]

    decider = Decider(begin, clock=lambda: NOON, ready=list)
    calls = {number: decider.submit(lodged(number), SERVICE) for number in "ABC"}
    decider.start()
    assert calls["A"].result(20)[0].declaration_id == "A"
    assert isinstance(calls["B"].exception(20), ArithmeticError)
    assert calls["C"].result(20)[0].declaration_id == "C"
    decider.stop()


class Decides:
    """What decides by a set, for as long as somebody holds it."""

    def begin(self, group: Group, _: datetime) -> Callable[[], list[Answer]]:
        self.group = group
        return self.answers

    def answers(self) -> list[Answer]:
        return [Answer(status="decided", declaration_id=one.declaration_id) for one, _ in self.group]


def test_what_decided_the_last_group_is_let_go_while_no_more_declarations_come() -> None:
    standing = [Decides()]
    held = weakref.ref(standing[0])

    def begin(group: Group, at: datetime) -> Callable[[], list[Answer]]:
        return standing[0].begin(group, at)

    decider = Decider(begin, clock=lambda: NOON, ready=list)
    decider.start()
    assert decider.submit(lodged("A"), SERVICE).result(20)
    standing[:] = [Decides()]
    until = time.monotonic() + 10
    while held() is not None and time.monotonic() < until:
        time.sleep(0.01)
    assert held() is None
    assert decider.submit(lodged("B"), SERVICE).result(20)
    decider.stop()
