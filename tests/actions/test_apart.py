"""Declarations weighed in a process beside this one: the same as here, one conversation after another."""

import gc
import os
import signal
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from socket import socketpair

import pytest
from tests.service_world import CATALOGUE, KEYS, NOW, ON, a_profile, history, lodged, published

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.decisions.apart import Apart, Order, making_apart, weigh_on
from tidewaiter.actions.decisions.fact_making import parcel_of
from tidewaiter.actions.decisions.gathering import Case
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.decisions.line import Line
from tidewaiter.actions.decisions.readying import Readying, Wanted
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.actions.decisions.weighing import Count, Lot, Weighed
from tidewaiter.actions.profiles.publishing import republish, set_text
from tidewaiter.core.errors import InputError
from tidewaiter.faces.apart import COMMAND
from tidewaiter.storage.lake.facts.live_same_day import SameDayAsked
from tidewaiter.storage.records import models

pytestmark = pytest.mark.django_db


@pytest.fixture
def here(tmp_path: Path) -> Standing:
    """Decide by two profiles, one of them in shadow, within this process."""
    a_profile("SHOES", "hs_chapter = 64 AND importer_same_day >= 1")
    a_profile("WATCHED", "origin = 'VN'", status="shadow")
    return published(history(tmp_path / "lake"))


@pytest.fixture
def apart(here: Standing, tmp_path: Path) -> Iterator[Standing]:
    """Decide by the same in another process."""
    order = Order(tmp_path / "lake", set_text(here.content.digest), here.content.digest, ON, KEYS)
    yield Apart(COMMAND).made(order, CATALOGUE)
    gc.collect()


def a_lot(standing: Standing, *numbers: str) -> Lot:
    cases = [Case(lodged(number, 1, items=3), SERVICE, 1, "", "", "", None) for number in numbers]
    return Lot([parcel_of(standing, case, NOW) for case in cases], [], NOW)


def nothing(_: Sequence[SameDayAsked]) -> Mapping[SameDayAsked, int]:
    return {}


def two_of_each(asked: Sequence[SameDayAsked]) -> Mapping[SameDayAsked, int]:
    return dict.fromkeys(asked, 2)


def ended(standing: Standing) -> bool:
    until = time.monotonic() + 10
    while standing.weigher.sound and time.monotonic() < until:
        time.sleep(0.02)
    return not standing.weigher.sound


def test_what_is_weighed_apart_is_what_is_weighed_here(here: Standing, apart: Standing) -> None:
    lot = a_lot(here, *(f"D{n}" for n in range(40)))
    for count in (nothing, two_of_each):
        found = list(apart.weigher.weigh(lot, count))
        assert found == list(here.weigher.weigh(lot, count))
    assert {code for one in found for code in one.hits.profiles} == {"SHOES"}
    assert found[0].shadow == {"WATCHED": (1, 2, 3)}


@pytest.mark.slow
def test_decisions_apart_are_kept_as_those_here(here: Standing, apart: Standing) -> None:
    answers = decide_group(apart, KEYS, [(lodged("D1"), SERVICE), (lodged("D2"), SERVICE)], NOW)
    assert [answer.current_channel for answer in answers] == ["green", "red"]
    kept = models.Decision.objects.get(declaration_id="D2")
    assert (kept.image, kept.statistics_day) == (here.image.name, here.image.statistics_on)


@pytest.mark.slow
def test_a_conversation_broken_off_leaves_the_next_one_whole(here: Standing, apart: Standing) -> None:
    lot = a_lot(here, *(f"D{n}" for n in range(40)))
    assert next(iter(apart.weigher.weigh(lot, nothing))).subject.declaration_id == "D0"

    def unable(_: Sequence[SameDayAsked]) -> Mapping[SameDayAsked, int]:
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        list(apart.weigher.weigh(lot, unable))
    assert len(list(apart.weigher.weigh(lot, nothing))) == 40


@pytest.mark.slow
def test_what_hinders_the_other_process_is_told_here(here: Standing, apart: Standing) -> None:
    whole = a_lot(here, "D1")
    (parcel,) = whole.parcels
    nameless = [{**row, "item_number": "first"} for row in parcel.rows]
    with pytest.raises(ValueError, match="first"):
        list(apart.weigher.weigh(Lot([replace(parcel, rows=nameless)], [], NOW), nothing))
    assert len(list(apart.weigher.weigh(whole, nothing))) == 1


class Unable:
    """Weighs nothing: its history cannot be read."""

    sound = True

    def weigh(self, lot: Lot, count: Count) -> Generator[Weighed]:
        yield from ()
        raise FileNotFoundError("history")


def test_a_file_that_cannot_be_read_breaks_no_line() -> None:
    mine, other = socketpair()
    line = Line.of(mine, 5)
    weighing = threading.Thread(target=weigh_on, args=(Line.of(other, 5), Unable(), threading.Lock()))
    weighing.start()
    for _ in range(2):
        line.tell(Lot([], [], NOW))
        assert isinstance(line.heard(5), FileNotFoundError)
    line.close()
    weighing.join(5)
    assert not weighing.is_alive()


@pytest.mark.slow
def test_a_process_that_ended_is_told_and_made_again(here: Standing, tmp_path: Path) -> None:
    make = making_apart(tmp_path / "lake", CATALOGUE, COMMAND, KEYS)
    readying = Readying(tmp_path / "lake", CATALOGUE, clock=lambda: NOW, make=make)
    assert readying.look()
    assert not readying.why_not_ready()
    first = readying.standing()
    assert isinstance(first.weigher, Apart)
    os.kill(first.weigher.process_number, signal.SIGKILL)
    assert ended(first)
    assert readying.why_not_ready() == ["what weighs declarations has ended and is being made again"]
    with pytest.raises(RuntimeError, match="has ended"):
        list(first.weigher.weigh(a_lot(here, "D1"), nothing))
    assert readying.look()
    assert not readying.why_not_ready()
    assert not readying.look()


@pytest.mark.slow
def test_a_set_that_cannot_be_read_is_told_and_leaves_no_process(tmp_path: Path) -> None:
    apart = Apart(COMMAND)
    with pytest.raises(KeyError, match="indicators"):
        apart.made(Order(tmp_path / "lake", "{}", "", ON, KEYS), CATALOGUE)
    with pytest.raises(ProcessLookupError):
        os.kill(apart.process_number, 0)


def test_the_old_stands_while_the_new_cannot_be_used_and_that_is_told_once(here: Standing, tmp_path: Path) -> None:
    unable: list[str] = []

    def make(wanted: Wanted, before: Standing | None) -> Standing:
        if before is not None and unable:
            raise InputError(unable[-1])
        return here if before is None else replace(here, content=replace(here.content, digest=wanted.digest))

    told: list[str] = []
    readying = Readying(tmp_path / "lake", CATALOGUE, clock=lambda: NOW, make=make, told=told.append)
    readying.look_on()
    unable.append("'cargo' is not a fact")
    a_profile("MORE", "origin = 'CN'")
    republish(cause="test", by=SERVICE, at=NOW)
    for _ in range(3):
        readying.look_on()
    assert readying.standing() is here
    assert readying.why_not_ready() == []
    assert readying.problem == "'cargo' is not a fact"
    unable.clear()
    readying.look_on()
    assert readying.standing() is not here
    assert readying.problem == ""
    assert told == ["'cargo' is not a fact"]
