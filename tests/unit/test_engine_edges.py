"""What the engine does at the edges: long lists, empty tables, foreign columns, numbers that pass 64 bits."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from tidewaiter.core.condition import (
    And,
    Compare,
    CompareFact,
    Condition,
    HasWord,
    InList,
    Not,
    OneOf,
    Op,
    Or,
    Points,
    StartsWith,
)
from tidewaiter.core.errors import InputError
from tidewaiter.core.facts import Fact, FactType, FactValue
from tidewaiter.engines.matching.bitmaps import hits, scan
from tidewaiter.engines.matching.compile import compile_set
from tidewaiter.engines.matching.encode import encode
from tidewaiter.engines.matching.live import publish
from tidewaiter.engines.matching.terms import terms_of
from tidewaiter.language.evaluate import truth

IMPORTER = Fact("importer", FactType.TEXT)
ORIGIN = Fact("origin", FactType.TEXT)
WORDS = Fact("description_words", FactType.WORDS)
VALUE = Fact("unit_value", FactType.DECIMAL, scale=2)
LEAST = Fact("unit_value_p10", FactType.DECIMAL, scale=4)
ITEMS = Fact("items", FactType.INTEGER)


def rows_hit(condition: Condition, batch: pa.RecordBatch) -> list[int]:
    compiled = compile_set({"P": condition})
    found: list[int] = hits(compiled, encode(batch, compiled.facts)).rows_of(0).tolist()
    return found


def money(*values: str | None, scale: int = 2) -> pa.Array:
    return pa.array([None if value is None else Decimal(value) for value in values], pa.decimal128(18, scale))


def test_a_list_of_ten_thousand_importers_finds_each_of_them_and_no_other() -> None:
    listed = OneOf(IMPORTER, tuple(f"I{number:06d}" for number in range(0, 20_000, 2)))
    importers = [f"I{number:06d}" for number in range(20_000)]
    batch = pa.record_batch({"importer": pa.array([*importers, None])})
    assert rows_hit(listed, batch) == list(range(0, 20_000, 2))
    assert rows_hit(Not(listed), batch) == list(range(1, 20_000, 2))
    published = publish({"listed": listed, "others": Not(listed)})
    assert published.matches({"importer": "I000002"}) == ["listed"]
    assert published.matches({"importer": "I000003"}) == ["others"]
    assert published.matches({"importer": None}) == []


def test_a_set_of_no_profiles_hits_nothing() -> None:
    batch = pa.record_batch({"importer": pa.array(["I1"])})
    assert hits(compile_set({}), encode(batch, ())).counts().tolist() == []
    assert publish({}).matches({"importer": "I1"}) == []


def test_a_table_without_rows_has_no_hits() -> None:
    batch = pa.record_batch({"importer": pa.array([], pa.string()), "description_words": pa.array([], pa.string())})
    assert rows_hit(And((StartsWith(IMPORTER, ("I",)), HasWord(WORDS, ("scrap",)))), batch) == []


def test_every_fact_the_table_lacks_or_holds_otherwise_is_named_at_once() -> None:
    batch = pa.record_batch({"items": pa.array(["many"])})
    compiled = compile_set({"P": And((Compare(ITEMS, Op.GT, Decimal(3)), Compare(ORIGIN, Op.EQ, "CN")))})
    with pytest.raises(InputError) as raised:
        encode(batch, compiled.facts)
    assert [problem.message for problem in raised.value.problems] == [
        "column 'items' of the fact table is string; a integer fact was expected",
        "the fact table has no column 'origin'",
    ]


def test_a_list_still_named_is_refused() -> None:
    with pytest.raises(TypeError, match="resolved"):
        compile_set({"P": InList(ORIGIN, "watch")})


def test_products_beyond_64_bits_are_compared_exactly() -> None:
    top = "9999999999999999.99"
    batch = pa.record_batch(
        {
            "unit_value": money(top, top, top, "-" + top, None),
            "unit_value_p10": money("33333333333333.3333", "33333333333333.3334", "0.0001", "1", "1", scale=4),
        }
    )
    a_little_over = Decimal("300.00000000000001")  # doubles cannot tell the first product from the value
    assert rows_hit(CompareFact(VALUE, Op.LT, a_little_over, LEAST), batch) == [0, 1, 3]
    assert rows_hit(CompareFact(VALUE, Op.EQ, a_little_over, LEAST), batch) == []
    assert rows_hit(CompareFact(VALUE, Op.EQ, Decimal(300), LEAST), batch) == [0]


def test_blocks_come_one_by_one_and_their_hits_add_up() -> None:
    table = pa.table({"origin": pa.array(["CN", "VN", None, "CN", "CN"])})
    compiled = compile_set({"P": Compare(ORIGIN, Op.EQ, "CN")})
    found = list(scan(compiled, table.to_batches(max_chunksize=2)))
    assert [batch.num_rows for batch, _ in found] == [2, 2, 1]
    assert [hit.rows_of(0).tolist() for _, hit in found] == [[0], [1], [0]]
    assert sum(int(hit.counts()[0]) for _, hit in found) == 3


def test_a_column_held_as_a_dictionary_answers_as_plain_text() -> None:
    plain = pa.array(["CN", None, "VN", "CN", ""])
    for array in (plain, plain.dictionary_encode(), plain.cast(pa.large_string())):
        assert rows_hit(Compare(ORIGIN, Op.NE, "CN"), pa.record_batch({"origin": array})) == [2, 4]


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [("scrap", [0, 1]), ("scrap metal", [0]), ("scrap met*", [0]), ("metallic waste*", [2]), ("metal", [0, 3])],
)
def test_a_phrase_is_found_as_whole_words_within_one_description(phrase: str, expected: list[int]) -> None:
    texts = [" scrap metal ", " old scrap ", " metallic wastes ", " metal ", "", " scrapmetal ", None]
    batch = pa.record_batch({"description_words": pa.array(texts)})
    assert rows_hit(HasWord(WORDS, (phrase,)), batch) == expected
    published = publish({"P": HasWord(WORDS, (phrase,))})
    assert [row for row, text in enumerate(texts) if published.matches({"description_words": text})] == expected


def test_hits_are_packed_without_bits_beyond_the_last_row() -> None:
    batch = pa.record_batch({"origin": pa.array(["CN"] * 70)})
    compiled = compile_set({"P": Not(Compare(ORIGIN, Op.EQ, "VN")), "Q": Compare(ORIGIN, Op.EQ, "VN")})
    found = hits(compiled, encode(batch, compiled.facts))
    assert found.counts().tolist() == [70, 0]
    assert found.matrix().shape == (2, 70)
    assert np.array_equal(found.truth_of(0), np.ones(70, np.bool_))


def test_shared_parts_are_kept_once() -> None:
    cheap, chinese = Compare(VALUE, Op.LT, Decimal("1.5")), Compare(ORIGIN, Op.EQ, "CN")
    both = compile_set({"P": And((cheap, chinese)), "Q": And((chinese, cheap)), "R": Or((cheap, chinese))})
    assert both.roots[0] == both.roots[1]
    assert len(both.nodes) == 4


def test_a_condition_of_many_alternatives_stays_within_its_bound() -> None:
    pairs = tuple(
        Or((Compare(IMPORTER, Op.EQ, f"I{number}"), Compare(ORIGIN, Op.EQ, f"C{number}"))) for number in range(30)
    )
    exploding = And(pairs)
    assert len(terms_of(exploding, 16)) <= 16
    assert len(terms_of(Points(15, tuple((pair, 1) for pair in pairs)), 16)) <= 16


@pytest.mark.slow
def test_profiles_for_one_importer_or_heading_each_are_found_among_hundreds() -> None:
    heading = Fact("hs_code", FactType.TEXT)
    profiles: dict[str, Condition] = {
        f"P{number:03d}": And(
            (
                OneOf(IMPORTER, (f"I{number:03d}", f"I{number + 1:03d}")),
                StartsWith(heading, (f"{number % 90 + 10}",)),
                Not(Compare(ORIGIN, Op.EQ, "CN")),
                Or((Compare(VALUE, Op.GT, Decimal(number)), HasWord(WORDS, ("scrap",)))),
            )
        )
        for number in range(900)
    }
    published = publish(profiles)
    rows: list[dict[str, FactValue]] = [
        {
            "importer": f"I{number:03d}" if number % 7 else None,
            "hs_code": f"{(number + number % 2) % 90 + 10}01",
            "origin": ("VN", "CN", None, "VN", "VN")[number % 5],
            "unit_value": number * 100 + (number % 3 - 1) * 100,
            "description_words": (" scrap metal ", None, " shoes ")[number % 3],
        }
        for number in range(900)
    ]
    found = [published.matches(row) for row in rows]
    assert found == [[name for name, condition in profiles.items() if truth(condition, row)] for row in rows]
    assert sum(map(len, found)) > 100
