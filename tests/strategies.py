"""Hypothesis strategies for catalogues, conditions and fact rows that several tests share.

Constants and facts are drawn from the same few values, so that both sides of every threshold are met.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

import pyarrow as pa
from hypothesis import strategies as st

from tidewaiter.core.condition import (
    Always,
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
    exact_digits,
)
from tidewaiter.core.facts import MAX_DIGITS, Catalogue, Fact, FactType, FactValue, days_since_epoch, normalised_words
from tidewaiter.core.profile import phrase

T = FactType
TEXTS = (
    "",
    "A",
    "AB",
    "ab",
    "CN",
    "CN2",
    "É",
    "é",
    "ßtraße",
    "東京",
    "6403",
    "640399",
    "x'y",
    'q"q',
    "%",
    "_",
    " ",
    "🚢",
)
PHRASES = ("scrap", "scrap metal", "met*", "é", "shoes", "東京", "2", "of sc*", "straße")
DESCRIPTIONS = ("", "Scrap METAL", "metal of scrap", "shoes, 2 pairs", "É é", "東京 shoes", "metallic", "x", "Straße 2")
DAYS = (date(1, 1, 1), date(1969, 12, 31), date(1970, 1, 1), date(2020, 2, 29), date(2024, 7, 1), date(9999, 12, 31))
FACTORS = tuple(map(Decimal, ("1", "0.6", "-1", "2", "1.00000001", "0.333", "999999999", "0.000000001")))
RATIOS = tuple(
    map(Decimal, ("0", "0.1", "0.3", "-0.3", "1", "1E-300", "1E+300", "0.30000000000000004", "33.333333333333336"))
)


def small_catalogue() -> Catalogue:
    """Return a catalogue with two or three facts of every type, the ones every catalogue needs included."""
    facts = [
        Fact("flow", T.TEXT),
        Fact("office", T.TEXT),
        Fact("origin", T.TEXT, meaning="country of origin"),
        Fact("departure", T.TEXT, meaning="country of departure"),
        Fact("hs_code", T.TEXT, meaning="commodity code"),
        Fact("description_words", T.WORDS, meaning="words of the description"),
        Fact("containers", T.WORDS, meaning="container numbers"),
        Fact("unit_value", T.DECIMAL, scale=2, unit="per kg", meaning="value of a kilogram"),
        Fact("unit_value_p10", T.DECIMAL, scale=4, unit="per kg", meaning="tenth percentile of the unit value"),
        Fact("pieces", T.DECIMAL, scale=0),
        Fact("items", T.INTEGER, meaning="items of the declaration"),
        Fact("findings", T.INTEGER, meaning="findings of the importer"),
        Fact("freight_share", T.RATIO, meaning="freight over value"),
        Fact("duty_share", T.RATIO, meaning="duty over value"),
        Fact("lodged_on", T.DATE, meaning="day of lodging"),
        Fact("arrived_on", T.DATE, meaning="day of arrival"),
        Fact("is_new", T.FLAG, meaning="the importer is new"),
        Fact("claims_preference", T.FLAG, meaning="preference is claimed"),
    ]
    return Catalogue("small", {fact.name: fact for fact in facts})


def of_type(catalogue: Catalogue, *types: FactType) -> list[Fact]:
    """Return the facts of these types."""
    return [fact for fact in catalogue if fact.type in types]


def whole_numbers(fact: Fact) -> list[int]:
    """Return scaled values worth trying for an exact fact: around zero and at both ends of what it holds."""
    top = 2**63 - 1 if fact.type is T.INTEGER else 10**MAX_DIGITS - 1
    bottom = -(2**63) if fact.type is T.INTEGER else -top
    one = 10**fact.scale
    return [0, 1, -1, one, 6 * one // 10, 3 * one, 5 * one, -2 * one, 2**53 + 1, top, top - 1, bottom]


def constants(fact: Fact) -> st.SearchStrategy[Constant]:
    """Return constants that the fact can be compared with."""
    match fact.type:
        case T.TEXT:
            return st.sampled_from(TEXTS)
        case T.DATE:
            return st.sampled_from(DAYS) | st.dates(date(2020, 1, 1), date(2020, 1, 9))
        case T.RATIO:
            return st.sampled_from(RATIOS)
        case _:
            values = st.sampled_from(whole_numbers(fact)) | st.integers(-9, 9)
            return values.map(lambda value: exact_decimal(value, fact.scale))


def exact_decimal(value: int, scale: int) -> Decimal:
    """Return a scaled integer as a decimal in its shortest form."""
    number = Decimal((int(value < 0), tuple(map(int, str(abs(value)))), -scale))
    return number.normalize() if value else Decimal(0)


def sorted_tuple[C: (str, Constant)](values: Sequence[C]) -> tuple[C, ...]:
    """Return the values as the tree holds a set: sorted, without repeats."""
    return tuple(sorted(set(values)))


def compare_facts(catalogue: Catalogue) -> st.SearchStrategy[Condition]:
    """Return comparisons of two facts of one kind that the language takes."""
    numeric = of_type(catalogue, T.DECIMAL, T.INTEGER, T.RATIO)
    numbers = st.builds(
        CompareFact, st.sampled_from(numeric), st.sampled_from(Op), st.sampled_from(FACTORS), st.sampled_from(numeric)
    ).filter(_comparable)
    days, texts = st.sampled_from(of_type(catalogue, T.DATE)), st.sampled_from(of_type(catalogue, T.TEXT))
    dates = st.builds(CompareFact, days, st.sampled_from(Op), st.just(Decimal(1)), days)
    equals = st.builds(CompareFact, texts, st.sampled_from((Op.EQ, Op.NE)), st.just(Decimal(1)), texts)
    return numbers | dates | equals


def _comparable(condition: CompareFact) -> bool:
    exact = condition.fact.exact and condition.other.exact
    return not exact or exact_digits(condition.fact, condition.factor, condition.other) <= 38


def _compare(fact: Fact) -> st.SearchStrategy[Condition]:
    ops = (Op.EQ, Op.NE) if fact.type is T.TEXT else tuple(Op)
    return st.builds(Compare, st.just(fact), st.sampled_from(ops), constants(fact))


def _between(fact: Fact) -> st.SearchStrategy[Condition]:
    ends = st.tuples(constants(fact), constants(fact)).map(lambda pair: tuple(sorted(pair)))
    return ends.map(lambda pair: Between(fact, *pair))


def _one_of(fact: Fact) -> st.SearchStrategy[Condition]:
    few = st.lists(constants(fact), min_size=1, max_size=5)
    return few.map(lambda values: OneOf(fact, sorted_tuple(values)))


def literals(catalogue: Catalogue) -> st.SearchStrategy[Condition]:
    """Return literals of every kind but InList."""
    texts = st.sampled_from(of_type(catalogue, T.TEXT))
    words = st.sampled_from(of_type(catalogue, T.WORDS))
    ordered = st.sampled_from(of_type(catalogue, T.DECIMAL, T.INTEGER, T.RATIO, T.DATE))
    prefixes = st.lists(st.sampled_from([text for text in TEXTS if text]), min_size=1, max_size=3).map(sorted_tuple)
    phrases = st.lists(st.sampled_from(PHRASES).map(phrase), min_size=1, max_size=3).map(sorted_tuple)
    return st.one_of(
        (texts | ordered).flatmap(_compare),
        ordered.flatmap(_between),
        (texts | ordered).flatmap(_one_of),
        st.builds(StartsWith, texts, prefixes),
        st.builds(HasWord, words, phrases),
        st.builds(IsMissing, st.sampled_from(list(catalogue))),
        st.builds(Flag, st.sampled_from(of_type(catalogue, T.FLAG))),
        compare_facts(catalogue),
        st.builds(Always, st.booleans()),
    )


def _points(children: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    weights = st.integers(1, 4) | st.just(1)
    weighted = st.lists(st.tuples(children, weights), min_size=1, max_size=4)
    return weighted.flatmap(
        lambda terms: st.builds(Points, st.integers(1, sum(weight for _, weight in terms)), st.just(tuple(terms)))
    )


def conditions(catalogue: Catalogue, max_leaves: int = 12) -> st.SearchStrategy[Condition]:
    """Return conditions over the catalogue, linked and resolved: every literal, NOT, AND, OR, counts, points."""

    def grown(children: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
        several = st.lists(children, min_size=2, max_size=4).map(tuple)
        return st.builds(Not, children) | st.builds(And, several) | st.builds(Or, several) | _points(children)

    return st.recursive(literals(catalogue), grown, max_leaves=max_leaves)


def values(fact: Fact) -> st.SearchStrategy[FactValue]:
    """Return values of the fact as the engine holds them; often missing. NaN and infinity stand for missing ratios."""
    match fact.type:
        case T.TEXT:
            found: st.SearchStrategy[FactValue] = st.sampled_from(TEXTS)
        case T.WORDS:
            found = st.sampled_from(DESCRIPTIONS).map(normalised_words)
        case T.FLAG:
            found = st.booleans()
        case T.DATE:
            found = (st.sampled_from(DAYS) | st.dates(date(2020, 1, 1), date(2020, 1, 9))).map(days_since_epoch)
        case T.RATIO:
            odd = st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308])
            found = st.sampled_from(RATIOS).map(float) | odd | st.floats(-1, 1)
        case _:
            found = st.sampled_from(whole_numbers(fact)) | st.integers(-9, 9)
    return st.none() | found | found | found


def fact_rows(catalogue: Catalogue, max_size: int = 12) -> st.SearchStrategy[list[dict[str, FactValue]]]:
    """Return rows of facts, each with every fact of the catalogue."""
    return st.lists(st.fixed_dictionaries({fact.name: values(fact) for fact in catalogue}), max_size=max_size)


def arrow_rows(catalogue: Catalogue, rows: Sequence[Mapping[str, FactValue]]) -> pa.Table:
    """Return the rows as a fact table: the three key columns, then one column a fact; NaN and infinity are null."""
    count = len(rows)
    keys = {
        "declaration_id": pa.array([f"D{index:06d}" for index in range(count)], pa.string()),
        "version": pa.array([1] * count, pa.int64()),
        "item_number": pa.array([1] * count, pa.int64()),
    }
    columns = {
        fact.name: pa.array([_outside(row.get(fact.name), fact) for row in rows], arrow_type(fact))
        for fact in catalogue
    }
    return pa.table({**keys, **columns})


def arrow_type(fact: Fact) -> pa.DataType:
    """Return the Arrow type of a fact's column."""
    return {
        T.TEXT: pa.string(),
        T.WORDS: pa.string(),
        T.DECIMAL: pa.decimal128(MAX_DIGITS, fact.scale),
        T.INTEGER: pa.int64(),
        T.RATIO: pa.float64(),
        T.DATE: pa.date32(),
        T.FLAG: pa.bool_(),
    }[fact.type]


def _outside(value: FactValue, fact: Fact) -> object:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if fact.type is T.DECIMAL:
        return Decimal((int(value < 0), tuple(map(int, str(abs(int(value))))), -fact.scale))  # type: ignore[operator]
    return date(1970, 1, 1) + timedelta(days=int(value)) if fact.type is T.DATE else value
