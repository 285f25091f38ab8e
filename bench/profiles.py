"""Random risk profiles over any fact table, as many as asked for, shaped like those a customs office writes.

A profile joins two to five questions: goods, origin, party or office, a threshold, a suspicious price, a word of the
description, a gap. Some have alternatives, some exceptions, some count shared indicators. Constants are values that
stand in the table, so profiles hit.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

from bench.fact_table import facts_in
from tidewaiter.core.condition import (
    And,
    Between,
    Compare,
    CompareFact,
    Condition,
    Constant,
    Flag,
    HasWord,
    IsMissing,
    Not,
    OneOf,
    Op,
    Or,
    Points,
    StartsWith,
)
from tidewaiter.core.facts import Fact, FactType
from tidewaiter.engines.matching.bitmaps import hits
from tidewaiter.engines.matching.compile import compile_set
from tidewaiter.engines.matching.encode import encode

_SAMPLE_ROWS = 20_000
_ORDERED = (FactType.DECIMAL, FactType.INTEGER, FactType.RATIO)
_FACTORS = tuple(map(Decimal, ("0.25", "0.4", "0.5", "0.6", "0.75", "1.5", "2", "3")))


def generated_profiles(path: Path, count: int, seed: int) -> dict[str, Condition]:
    """Return that many conditions by code over the fact table; the same table and seed give the same ones.

    As in an office that reviews its profiles, one that would hit over 0.5 % of items is not kept; one in twenty may hit
    up to 5 %.
    """
    maker = _Maker(path, seed)
    kept: list[Condition] = []
    while len(kept) < count:
        drawn = [maker.profile() for _ in range(count // 2 + 100)]
        kept += [profile for profile, share in zip(drawn, maker.shares(drawn), strict=True) if maker.accepts(share)]
    return {f"G{number:05d}": profile for number, profile in enumerate(kept[:count])}


class _Maker:
    """Draws questions whose constants come from the first rows of a fact table."""

    def __init__(self, path: Path, seed: int) -> None:
        self._random = Random(seed)
        facts = facts_in(path)
        self._sample = sample = next(
            pq.ParquetFile(path).iter_batches(_SAMPLE_ROWS, columns=[fact.name for fact in facts])
        )
        self._values = {fact: _present(sample.column(fact.name), fact) for fact in facts}
        known = [fact for fact in facts if self._values[fact]]
        distinct = {fact: len(set(self._values[fact])) for fact in known}
        texts = [fact for fact in known if fact.type is FactType.TEXT]
        self._codes = [fact for fact in texts if distinct[fact] <= 400 and not fact.name.startswith("hs")]
        self._parties = [fact for fact in texts if distinct[fact] > 400 and not fact.name.startswith("hs")]
        self._goods = [fact for fact in texts if fact.name.startswith("hs")] or texts
        self._words = [fact for fact in known if fact.type is FactType.WORDS]
        self._numbers = [fact for fact in known if fact.type in _ORDERED]
        self._days = [fact for fact in known if fact.type is FactType.DATE]
        self._flags = [fact for fact in known if fact.type is FactType.FLAG]
        self._gappy = [fact for fact in facts if sample.column(fact.name).null_count] or list(facts)
        self._quantiles = {fact: sorted(self._values[fact]) for fact in self._numbers + self._days}
        self._indicators = [self._question() for _ in range(80)]

    def profile(self) -> Condition:
        """Draw one profile's condition."""
        draw = self._random.random()
        terms = [self._goods_or_origin(), *(self._question() for _ in range(self._random.randint(2, 4)))]
        if draw < 0.15:
            terms.append(Or((self._question(), And((self._question(), self._question())), self._question())))
        elif draw < 0.25:
            terms.append(self._count())
        elif draw < 0.35:
            terms.append(Not(And((self._question(), self._question()))))
        elif draw < 0.45:
            terms.append(self._random.choice(self._indicators))
        return And(tuple(terms))

    def shares(self, profiles: Sequence[Condition]) -> list[float]:
        """Return the share of the sample that each condition hits."""
        compiled = compile_set({str(number): profile for number, profile in enumerate(profiles)})
        counts = hits(compiled, encode(self._sample, compiled.facts)).counts()
        return [float(count) / self._sample.num_rows for count in counts]

    def accepts(self, share: float) -> bool:
        """Tell whether a profile of that hit share would be kept in service."""
        return share <= (0.05 if self._random.random() < 0.05 else 0.005)

    def _goods_or_origin(self) -> Condition:
        return self._good() if self._random.random() < 0.6 else self._code()

    def _question(self) -> Condition:
        kinds: Sequence[tuple[Callable[[], Condition], int]] = (
            (self._good, 15),
            (self._code, 25),
            (self._party, 6),
            (self._threshold, 22),
            (self._range, 6),
            (self._price, 7 if len(self._numbers) > 1 else 0),
            (self._word, 7 if self._words else 0),
            (self._flag, 8 if self._flags else 0),
            (self._gap, 4),
        )
        return self._random.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]()

    def _pick(self, fact: Fact, most: int) -> tuple[str, ...]:
        values = [str(value) for value in self._random.choices(self._values[fact], k=self._random.randint(1, most))]
        return tuple(sorted(set(values)))

    def _good(self) -> Condition:
        fact = self._random.choice(self._goods)
        chosen = self._pick(fact, 4)
        if self._random.random() < 0.7:
            return StartsWith(fact, tuple(sorted({value[: self._random.choice((2, 4, 6))] for value in chosen})))
        return OneOf(fact, chosen)

    def _code(self) -> Condition:
        fact = self._random.choice(self._codes)
        draw = self._random.random()
        if draw < 0.45:
            return Compare(fact, Op.EQ, self._pick(fact, 1)[0])
        if draw < 0.55:
            return Compare(fact, Op.NE, self._pick(fact, 1)[0])
        among = OneOf(fact, self._pick(fact, 12))
        return Not(among) if draw < 0.65 else among

    def _party(self) -> Condition:
        fact = self._random.choice(self._parties or self._codes)
        return OneOf(fact, self._pick(fact, self._random.choice((3, 20, 300))))

    def _at(self, fact: Fact, low: float, high: float) -> Constant:
        values = self._quantiles[fact]
        return values[int(self._random.uniform(low, high) * (len(values) - 1))]

    def _threshold(self) -> Condition:
        fact = self._random.choice(self._numbers)
        if self._random.random() < 0.5:
            return Compare(fact, self._random.choice((Op.GT, Op.GE)), self._at(fact, 0.6, 0.995))
        return Compare(fact, self._random.choice((Op.LT, Op.LE)), self._at(fact, 0.005, 0.4))

    def _range(self) -> Condition:
        fact = self._random.choice(self._numbers + self._days)
        return Between(fact, self._at(fact, 0.0, 0.45), self._at(fact, 0.55, 1.0))

    def _price(self) -> Condition:
        prices = [fact for fact in self._numbers if "unit_value" in fact.name and fact.type is FactType.DECIMAL]
        first, second = self._random.sample(prices if len(prices) > 1 else self._numbers, 2)
        return CompareFact(first, self._random.choice((Op.LT, Op.GT)), self._random.choice(_FACTORS), second)

    def _word(self) -> Condition:
        fact = self._random.choice(self._words)
        return HasWord(fact, tuple(sorted({self._phrase(fact) for _ in range(self._random.randint(1, 3))})))

    def _phrase(self, fact: Fact) -> str:
        words = str(self._random.choice(self._values[fact])).split() or ["goods"]
        start = self._random.randrange(len(words))
        draw = self._random.random()
        if draw < 0.3:
            return f"{words[start][:5]}*"
        return " ".join(words[start : start + (2 if draw < 0.5 else 1)])

    def _flag(self) -> Condition:
        flag = Flag(self._random.choice(self._flags))
        return Not(flag) if self._random.random() < 0.3 else flag

    def _gap(self) -> Condition:
        gap = IsMissing(self._random.choice(self._gappy))
        return Not(gap) if self._random.random() < 0.4 else gap

    def _count(self) -> Condition:
        chosen = self._random.sample(self._indicators, self._random.randint(3, 7))
        if self._random.random() < 0.5:
            return Points(self._random.randint(2, len(chosen) - 1), tuple((term, 1) for term in chosen))
        weighted = tuple((term, self._random.randint(1, 5)) for term in chosen)
        return Points(max(2, sum(weight for _, weight in weighted) // 2), weighted)


def _present(column: pa.Array, fact: Fact) -> list[Constant]:
    values = [value for value in column.to_pylist() if value is not None]
    if fact.type is FactType.INTEGER:
        return [Decimal(value) for value in values]
    return [Decimal(repr(round(value, 4))) for value in values] if fact.type is FactType.RATIO else values
