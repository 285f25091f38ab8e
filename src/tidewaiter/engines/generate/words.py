"""Descriptions of goods as declarants write them: good ones, abbreviated ones, vague ones, misspelt ones."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa

from tidewaiter.engines.generate.columns import vocabulary
from tidewaiter.engines.generate.country import load_goods

FORMS = 24
"""Ways to describe one good."""
VAGUE = (
    "GOODS", "GENERAL CARGO", "SPARE PARTS", "ASSORTED ITEMS", "CONSUMER GOODS", "ACCESSORIES", "SAMPLES",
    "AS PER INVOICE", "HOUSEHOLD ARTICLES", "VARIOUS", "PARTS", "MIXED GOODS",
)  # fmt: skip
_BRANDS = ("Norvale", "Kestrin", "Solmara", "Arvane", "Velbrook", "Tarvane")
_SUFFIXES = (
    "", "", "", ", new", ", for retail sale", ", as per invoice", ", assorted models", ", in cartons",
    ", {brand} brand", ", {brand} model {number}", " ({number} ctns)", ", grade A",
)  # fmt: skip
SPELLED_WRONG = 3
"""How many of the forms, the last ones, hold a spelling mistake."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All descriptions: good by good FORMS of them, then the vague ones from `vague` on."""

    words: pa.Array
    vague: int


@cache
def load_vocabulary() -> Vocabulary:
    """Return the descriptions; the same in every run."""
    rng = np.random.Generator(np.random.PCG64(11))
    forms = [_form(rng, words, form) for words in load_goods().words for form in range(FORMS)]
    return Vocabulary(vocabulary([*forms, *VAGUE]), len(forms))


def _form(rng: np.random.Generator, words: tuple[str, ...], form: int) -> str:
    """Return one way to describe a good."""
    stem = words[form % len(words)]
    suffix = _SUFFIXES[int(rng.integers(0, len(_SUFFIXES)))]
    text = stem + suffix.format(brand=_BRANDS[int(rng.integers(0, len(_BRANDS)))], number=int(rng.integers(10, 900)))
    if form >= FORMS - SPELLED_WRONG:
        at = int(rng.integers(1, len(stem) - 1))
        text = text[:at] + text[at + 1 :]
    return text.upper() if form % 3 == 0 else text


def described(rng: np.random.Generator, good: np.ndarray, trader: np.ndarray) -> np.ndarray:
    """Return positions in the vocabulary: traders keep to a form of their own; some are vague, a few misspelt."""
    habit = (trader * 7 + good * 3) % (FORMS - SPELLED_WRONG)
    other = rng.integers(0, FORMS - SPELLED_WRONG, len(good))
    form = np.where(rng.random(len(good)) < 0.6, habit, other)
    wrong = rng.random(len(good)) < 0.015
    form = np.where(wrong, FORMS - 1 - rng.integers(0, SPELLED_WRONG, len(good)), form)
    vague = rng.random(len(good)) < 0.025
    return np.where(vague, load_vocabulary().vague + rng.integers(0, len(VAGUE), len(good)), good * FORMS + form)
