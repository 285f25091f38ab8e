"""The incumbent table: what the past policy decided of each declaration, and with what probability."""

import numpy as np
import pyarrow as pa

from tidewaiter.core.tables import INCUMBENT
from tidewaiter.engines.generate import columns as to
from tidewaiter.engines.generate import papers
from tidewaiter.engines.generate.country import OFFICES
from tidewaiter.engines.generate.criteria import CHANNELS, CRITERIA, REROUTE_REASONS, Selection
from tidewaiter.engines.generate.declarations import Lodged
from tidewaiter.engines.generate.timeline import Timeline

SCHEMA = to.schema_of(INCUMBENT)


def officers_of(lodged: Lodged, selection: Selection) -> pa.Array:
    """Return the officer of each declaration as a code: office and number."""
    most = int(selection.officer.max(initial=0)) + 1
    names = [f"{office.code}-{number + 1:02d}" for office in OFFICES for number in range(most)]
    return to.texts(to.vocabulary(names), lodged.heads.office * most + selection.officer)


def incumbent_table(lodged: Lodged, selection: Selection, times: Timeline, officers: pa.Array, until: int) -> pa.Table:
    """Return the decisions taken before that second."""
    rows = np.flatnonzero(times.decided < until)
    part = selection.take(rows)
    channels = to.vocabulary([channel.value for channel in CHANNELS])
    picked = pa.array(np.where(part.examined, rows, 0), mask=~part.examined)
    columns = {
        "declaration_id": papers.declaration_ids(lodged.heads).take(pa.array(rows)),
        "decided_at": to.instants(times.decided[rows]),
        "channel": to.texts(channels, part.channel),
        "criterion": to.texts(to.vocabulary([one.code for one in CRITERIA]), part.criterion),
        "rerouted_to": to.texts(channels, part.rerouted),
        "reroute_reason": to.texts(to.vocabulary(REROUTE_REASONS), part.reason),
        "examiner": officers.take(picked),
        "selection_probability": to.ratios(part.probability),
        "in_random_sample": pa.array(part.in_random),
        "version": to.integers(np.ones(len(rows))),
        "known_at": to.instants(times.decided[rows]),
    }
    return to.table_of(SCHEMA, columns, len(rows))
