"""The batch engine, the live engine, DuckDB and the plain reading of the tree agree on every condition."""

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategies import arrow_rows, conditions, fact_rows, literals, small_catalogue

from tidewaiter.core.condition import And, Condition, Not, Or, Points
from tidewaiter.core.facts import FactValue
from tidewaiter.engines.matching.bitmaps import hits
from tidewaiter.engines.matching.compile import compile_set
from tidewaiter.engines.matching.encode import encode
from tidewaiter.engines.matching.live import publish
from tidewaiter.language.evaluate import truth
from tidewaiter.language.sql import sql_text

CATALOGUE = small_catalogue()
SETS = st.lists(conditions(CATALOGUE), min_size=1, max_size=5).map(lambda found: dict(enumerate_names(found)))
ROWS = fact_rows(CATALOGUE)

type Rows = Sequence[Mapping[str, FactValue]]
type Hit = dict[str, list[int]]


def enumerate_names(found: Sequence[Condition]) -> list[tuple[str, Condition]]:
    return [(f"P{number}", condition) for number, condition in enumerate(found)]


def plain(profiles: Mapping[str, Condition], rows: Rows) -> Hit:
    return {
        name: [number for number, row in enumerate(rows) if truth(condition, row)]
        for name, condition in profiles.items()
    }


def batch(profiles: Mapping[str, Condition], rows: Rows, block_rows: int) -> Hit:
    compiled = compile_set(profiles)
    found: Hit = {name: [] for name in profiles}
    start = 0
    for piece in arrow_rows(CATALOGUE, rows).to_batches(max_chunksize=block_rows):
        answer = hits(compiled, encode(piece, compiled.facts))
        for index, name in enumerate(answer.names):
            found[name] += [start + int(row) for row in answer.rows_of(index)]
        start += piece.num_rows
    return found


def live(profiles: Mapping[str, Condition], rows: Rows) -> Hit:
    published = publish(profiles)
    found: Hit = {name: [] for name in profiles}
    for number, row in enumerate(rows):
        for name in published.matches(row):
            found[name].append(number)
    return found


def duckdb_where(profiles: Mapping[str, Condition], rows: Rows) -> Hit:
    numbered = arrow_rows(CATALOGUE, rows).append_column("n", pa.array(range(len(rows)), pa.int64()))
    found: Hit = {}
    with duckdb.connect() as connection:
        connection.register("facts", numbered)
        for name, condition in profiles.items():
            answer = connection.sql(f"SELECT n FROM facts WHERE {sql_text(condition)} ORDER BY n").fetchall()
            found[name] = [number for (number,) in answer]
    return found


@settings(max_examples=60, deadline=None)
@given(SETS, ROWS, st.integers(1, 13))
def test_the_batch_engine_hits_the_rows_of_which_a_condition_is_true(
    profiles: dict[str, Condition], rows: Rows, block_rows: int
) -> None:
    assert batch(profiles, rows, block_rows) == plain(profiles, rows)


@settings(max_examples=60, deadline=None)
@given(SETS, ROWS)
def test_the_live_engine_matches_the_conditions_that_are_true_of_a_row(
    profiles: dict[str, Condition], rows: Rows
) -> None:
    assert live(profiles, rows) == plain(profiles, rows)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(SETS, ROWS, st.integers(1, 13))
def test_duckdb_where_returns_the_rows_that_the_engines_hit(
    profiles: dict[str, Condition], rows: Rows, block_rows: int
) -> None:
    expected = duckdb_where(profiles, rows)
    assert batch(profiles, rows, block_rows) == expected
    assert live(profiles, rows) == expected


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.lists(literals(CATALOGUE), min_size=20, max_size=60), ROWS)
def test_literals_of_every_kind_asked_together_answer_as_each_alone(found: list[Condition], rows: Rows) -> None:
    negated: list[Condition] = [Not(literal) for literal in found]
    profiles = dict(enumerate_names(found + negated))
    expected = plain(profiles, rows)
    assert batch(profiles, rows, 64) == expected
    assert live(profiles, rows) == expected


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(SETS, ROWS, st.randoms(use_true_random=False))
def test_the_order_of_profiles_does_not_change_their_hits(
    profiles: dict[str, Condition], rows: Rows, random: object
) -> None:
    names = list(profiles)
    random.shuffle(names)  # type: ignore[attr-defined]
    shuffled = {name: profiles[name] for name in names}
    assert batch(shuffled, rows, 5) == batch(profiles, rows, 5)
    assert live(shuffled, rows) == live(profiles, rows)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(SETS, conditions(CATALOGUE), ROWS)
def test_adding_a_profile_changes_no_others_hits(profiles: dict[str, Condition], added: Condition, rows: Rows) -> None:
    more = {**profiles, "ADDED": added}
    kept = {name: found for name, found in batch(more, rows, 5).items() if name != "ADDED"}
    kept_live = {name: found for name, found in live(more, rows).items() if name != "ADDED"}
    assert kept == batch(profiles, rows, 5)
    assert kept_live == live(profiles, rows)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.lists(literals(CATALOGUE), min_size=8, max_size=8), ROWS, st.integers(1, 60))
def test_a_condition_with_too_many_alternatives_still_answers_as_it_reads(
    found: list[Condition], rows: Rows, k: int
) -> None:
    pairs = [And((a, b)) for a in found[:4] for b in found[4:]]
    either = Or(tuple(pairs))
    exploding = And(tuple(Or((pair, literal)) for pair, literal in zip(pairs, found * 2, strict=True)))
    points = Points(k, tuple((pair, weight % 7 + 1) for weight, pair in enumerate(pairs)))
    profiles: dict[str, Condition] = {"either": either, "exploding": exploding, "points": points, "not": Not(points)}
    expected = plain(profiles, rows)
    assert live(profiles, rows) == expected
    assert batch(profiles, rows, 64) == expected
