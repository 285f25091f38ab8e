"""An image narrowed to some of its facts gives these as the whole one does."""

from pathlib import Path

import pytest
from tests.service_world import CATALOGUE, NOW, ON, history, lodged
from tests.trade import at

from tidewaiter.storage.lake.facts.live_image import make_image, narrowed

SOME = [
    ["hs_chapter"],
    ["importer_same_day", "origin"],
    ["unit_value", "unit_value_p25", "unit_value_peers"],
    ["importer_declarations_90d", "importer_first_seen_days"],
    [fact.name for fact in CATALOGUE if fact.origin == "consignment"],
    [fact.name for fact in CATALOGUE if fact.origin == "history"],
]


@pytest.mark.parametrize(
    "names", [SOME[0], *(pytest.param(some, marks=pytest.mark.slow) for some in SOME[1:])], ids=lambda names: names[0]
)
def test_facts_of_a_narrowed_image_are_those_of_the_whole(tmp_path: Path, names: list[str]) -> None:
    filing = {"consignment_id": "BL1", "house_document": "BL1", "filed_at": at(10), "known_at": at(10), "version": 1}
    lake = history(tmp_path / "lake", consignments=[filing])
    whole = make_image(lake.snapshot(), CATALOGUE, ON)
    known = [name for name in names if name in whole.facts_asked]
    assert known
    rows = [row for n in range(3) for row in lodged(f"D{n}", items=2, previous_document="BL1").rows]
    found = narrowed(whole, CATALOGUE, known).facts(rows, on=ON, moment=NOW)
    assert found == [
        {name: facts[name] for name in facts if name in known} for facts in whole.facts(rows, on=ON, moment=NOW)
    ]
    whole.close()
