"""Amended declarations: a later version with its complete item set."""

from dataclasses import replace

import numpy as np

from tidewaiter.engines.generate.declarations import Lodged
from tidewaiter.engines.generate.prices import RATE_DIGITS, assessed
from tidewaiter.engines.generate.streams import Streams
from tidewaiter.engines.generate.words import FORMS, load_vocabulary


def amended(streams: Streams, month: int, lodged: Lodged) -> Lodged:
    """Return the declarations as amended: some values put right upwards, some descriptions made clearer."""
    rng = streams.of("amended figures", month)
    items, declared, figures = lodged.items, lodged.declared, lodged.figures
    count = len(items)
    honest = declared.role < 0
    raised = honest & (rng.random(count) < 0.6)
    factor = np.where(raised, rng.uniform(1.01, 1.25, count), 1.0)
    invoice = np.where(raised, np.rint(figures.invoice * factor / 100) * 100, figures.invoice).astype(np.int64)
    national = np.rint(invoice * (figures.exchange / 10**RATE_DIGITS)).astype(np.int64)
    value = np.where(raised, national + figures.freight + figures.insurance, figures.value)
    imported = lodged.heads.flow[items.head] == 0
    taxes = assessed(value, declared.good, declared.origin, declared.preference, figures.relief, imported)
    plain = items.good * FORMS + 1
    clearer = honest & ((lodged.words >= load_vocabulary().vague) | (rng.random(count) < 0.2))
    return replace(
        lodged,
        figures=replace(figures, invoice=invoice, value=value),
        taxes=taxes,
        words=np.where(clearer, plain, lodged.words),
    )
