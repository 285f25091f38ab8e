"""Declarations weighed ahead: decided as if nothing had been, and weighed again only where something came between."""

import random
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import transaction
from tests.service_world import KEYS, NOW, a_profile, history, lodged, published

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.decisions.ahead import Ahead, Foreseeing, SentGroup
from tidewaiter.actions.decisions.consignments import assess
from tidewaiter.actions.decisions.deciding import Lodged
from tidewaiter.actions.decisions.fact_making import weighing_here
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.actions.decisions.weighing import Count, Here, Lot, Weighed
from tidewaiter.storage.records.models import Decision

pytestmark = pytest.mark.django_db

type Between = Callable[[int], None]
"""What others write after a group was weighed and before it is decided."""


def nothing(_: int) -> None:
    """Write nothing."""


@dataclass(frozen=True, slots=True)
class Noting(Here):
    """Weighs here, and notes what."""

    noted: list[str]

    @classmethod
    def of(cls, here: Here) -> "Noting":
        return cls(here.force, here.image, here.on, [])

    def weigh(self, lot: Lot, count: Count) -> Generator[Weighed]:
        self.noted.extend(parcel.number for parcel in lot.parcels)
        yield from Here.weigh(self, lot, count)


@pytest.fixture
def standing(tmp_path: Path) -> Standing:
    """Decide by what was lodged the same day and what was filed."""
    a_profile("MANY", "importer_same_day >= 3")
    a_profile("BOXES", "container_same_day >= 1", channel="orange")
    a_profile("UNFILED", "consignment_found = FALSE", channel="yellow")
    return published(history(tmp_path / "lake"))


def written(*several: Lodged) -> list[Lodged]:
    return [Lodged.written(one.declaration_id, one.version, one.rows) for one in several]


def a_day(seed: int) -> list[list[Lodged]]:
    """Return groups of declarations that share importers, documents and containers; some come again, changed or not."""
    chance, groups = random.Random(seed), list[list[Lodged]]()
    for _ in range(6):
        group = [
            lodged(
                f"D{chance.randrange(25)}",
                items=chance.randint(1, 2),
                importer_code=f"I{chance.randrange(3)}",
                origin=chance.choice(["VN", "CN"]),
                previous_document=chance.choice([None, "BL1", "BL2", "BL3"]),
                containers=chance.choice([None, ["MSKU1234565"], ["MSKU1234565", "TGHU7654321"]]),
            )
            for _ in range(chance.randint(1, 7))
        ]
        groups.append(written(*group))
    return groups


def at(number: int) -> datetime:
    return NOW + timedelta(seconds=number)


def decided(standing: Standing, groups: Sequence[Sequence[Lodged]], between: Between, *, ahead: bool) -> list[object]:
    """Return all decisions once the groups are decided in their order, each weighed while the one before is decided."""
    foresees, sent = Ahead(standing), list[SentGroup]()
    with transaction.atomic():
        for number, group in enumerate(groups, 1):
            callers = [(one, SERVICE) for one in group]
            sent.append(foresees.weighed(SentGroup.of(callers, at(number), number, max(0, number - 2))))
            if number > 1:
                one_decided(standing, sent[number - 2], between, number - 1, ahead=ahead)
        one_decided(standing, sent[-1], between, len(groups), ahead=ahead)
        rows = Decision.objects.order_by("declaration_id", "version", "ordinal")
        fields = ("id", "version", "ordinal", "channel", "answer", "body", "facts", "counted_on")
        found = [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in rows.values_list(*fields)]
        transaction.set_rollback(True)
    return list(found)


def one_decided(standing: Standing, sent: SentGroup, between: Between, number: int, *, ahead: bool) -> None:
    between(number)
    foreseen = sent.foreseen if ahead else {}
    weigher = Foreseeing(weighing_here(standing), foreseen)
    decide_group(replace(standing, weigher=weigher), KEYS, sent.whole(), sent.at)


@pytest.mark.parametrize("seed", range(8))
def test_a_declaration_weighed_ahead_is_decided_as_any_other(standing: Standing, seed: int) -> None:
    groups = a_day(seed)

    def others(number: int) -> None:
        """Lodge for an importer of the day elsewhere, and file a document, while declarations wait weighed."""
        if number % 2 == 0:
            stranger = written(lodged(f"ELSEWHERE{number}", importer_code="I1", containers=["TGHU7654321"]))
            decide_group(standing, KEYS, [(one, SERVICE) for one in stranger], at(number))
        if number == 3:
            filed = {"consignment_id": "BL2", "master_document": "BL2", "filed_at": NOW, "version": None}
            assess(rows=[filed], standing=standing, keys=KEYS, by=SERVICE, at=at(number))

    for between in (nothing, others):
        assert decided(standing, groups, between, ahead=True) == decided(standing, groups, between, ahead=False)


def test_nothing_is_weighed_again_where_nothing_came_between(standing: Standing) -> None:
    groups = [written(*(lodged(f"D{turn}-{n}", importer_code=f"I{n % 2}") for n in range(4))) for turn in range(4)]
    noting = Noting.of(weighing_here(standing))
    watched = replace(standing, weigher=noting)
    decided(watched, groups, nothing, ahead=True)
    assert sorted(noting.noted) == sorted(one.declaration_id for group in groups for one in group)


def test_what_was_counted_otherwise_is_weighed_again_and_nothing_else(standing: Standing) -> None:
    group = written(lodged("A", importer_code="I1"), lodged("B", importer_code="I2"), lodged("C", importer_code="I1"))
    sent = Ahead(standing).weighed(SentGroup.of([(one, SERVICE) for one in group], at(2), 1))
    decide_group(standing, KEYS, [(one, SERVICE) for one in written(lodged("X", importer_code="I1"))], at(1))
    noting = Noting.of(weighing_here(standing))
    weigher = Foreseeing(noting, sent.foreseen)
    decide_group(replace(standing, weigher=weigher), KEYS, sent.whole(), sent.at)
    assert noting.noted == ["A", "C"]


def test_a_filing_that_came_between_is_read(standing: Standing) -> None:
    groups = [written(lodged("A", previous_document="BL2"))]

    def filed(number: int) -> None:
        filing = {"consignment_id": "BL2", "master_document": "BL2", "filed_at": NOW, "version": None}
        assess(rows=[filing], standing=standing, keys=KEYS, by=SERVICE, at=at(number))

    found = decided(standing, groups, filed, ahead=True)
    assert found == decided(standing, groups, filed, ahead=False) != decided(standing, groups, nothing, ahead=False)
