"""The public set of import declarations, from the file to its facts."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.language.mappings import load_mapping
from tidewaiter.storage.lake.facts.table import fact_batches
from tidewaiter.storage.lake.ingest.run import ingest_file
from tidewaiter.storage.lake.lake import Lake

SET = Path(__file__).parents[2].parent / "shared" / "data" / "import-declarations" / "train.csv"


@pytest.mark.slow
@pytest.mark.skipif(not SET.exists(), reason="the public set of import declarations is not on this machine")
def test_every_row_of_the_public_set_has_its_facts(tmp_path: Path) -> None:
    ingest_file(tmp_path / "lake", SET, load_mapping("import-declarations"))
    snapshot = Lake.open(tmp_path / "lake").snapshot()
    wanted = ["hs6", "unit_value", "importer_declarations", "importer_results", "unit_value_peers", "lodged_on"]
    batches = fact_batches(snapshot, load_catalogue(), date(2020, 1, 1), date(2020, 12, 31), only=wanted)
    facts = pa.Table.from_batches(list(batches))
    assert facts.num_rows == 37_385
    assert pc.min(pc.utf8_length(facts["hs6"])).as_py() == 6
    first = facts.filter(pc.equal(facts["lodged_on"], date(2020, 1, 1)))
    assert pc.max(first["importer_declarations"]).as_py() == 0
    january = facts.filter(pc.less(facts["lodged_on"], date(2020, 1, 31)))
    assert pc.max(january["importer_results"]).as_py() == 0
    assert pc.max(facts["importer_results"]).as_py() > 0
    assert january["unit_value_peers"].null_count == january.num_rows
    assert pc.min(facts["unit_value_peers"]).as_py() >= 20
