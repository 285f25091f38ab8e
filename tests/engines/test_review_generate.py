"""What a plain recount of a generated country found wrong once: moments, and who the past policy says selected."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewaiter.core.tables.results import STATES
from tidewaiter.engines.generate.criteria import CRITERIA, GREEN, RED, YELLOW, strictest
from tidewaiter.engines.generate.examinations import Acts, standings
from tidewaiter.engines.generate.run import generate
from tidewaiter.engines.generate.streams import Streams
from tidewaiter.engines.generate.timeline import NEVER

FIRED = st.lists(st.booleans(), min_size=len(CRITERIA), max_size=len(CRITERIA))


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(12_000, 8, tmp_path_factory.mktemp("country")).out


def ask(country: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        for name in ("incumbent", "results"):
            connection.read_parquet(str(country / f"{name}.parquet")).create_view(name)
        return connection.execute(query).fetchall()


def abandoned(count: int) -> Acts:
    """Return acts with duty at stake on declarations that were cancelled before anybody looked."""
    zeros = np.zeros(count, np.int64)
    return Acts(
        head=np.arange(count),
        act=zeros,
        completed=np.full(count, NEVER),
        known=np.full(count, 3600),
        outcome=zeros,
        categories=np.zeros((count, 1), np.bool_),
        assessed=np.full(count, 90_000),
        seized=zeros,
        minutes=np.zeros(count),
        looked=zeros,
    )


def test_an_examination_that_never_took_place_has_no_result() -> None:
    assert len(standings(Streams(1), 0, abandoned(500)).state) == 0


def test_an_examination_that_took_place_has_one_final_result() -> None:
    acts = abandoned(500)
    acts.completed[:] = 1_700_000_000
    state = standings(Streams(1), 0, acts).state
    assert np.count_nonzero(state == STATES.index("final")) == 500


@pytest.mark.slow
def test_no_result_is_older_than_the_decision_to_examine(country: Path) -> None:
    asked = "SELECT count(*), count(*) FILTER (completed_at < decided_at OR results.known_at < completed_at)"
    ((acts, early),) = ask(country, f"{asked} FROM results JOIN incumbent USING (declaration_id)")
    assert acts > 100
    assert early == 0


@given(fired=FIRED, drawn=st.booleans())
def test_a_draw_selects_without_a_criterion_and_hides_none(fired: list[bool], drawn: bool) -> None:
    channel, criterion = (int(found[0]) for found in strictest(np.array([fired]), np.array([drawn])))
    given_by = [one.channel for one, hit in zip(CRITERIA, fired, strict=True) if hit]
    assert channel == (RED if drawn else max(given_by, default=GREEN))
    if max(given_by, default=GREEN) >= YELLOW or (given_by and not drawn):
        assert fired[criterion]
        assert CRITERIA[criterion].channel == max(given_by)
    else:
        assert criterion == -1


@pytest.mark.slow
def test_nobody_suspected_what_only_the_draw_selected(country: Path) -> None:
    outcomes = ask(
        country,
        "SELECT outcome, count(*) FROM results JOIN incumbent USING (declaration_id) "
        "WHERE in_random_sample AND criterion IS NULL GROUP BY outcome",
    )
    assert dict(outcomes)["nothing_found"] > 0
    assert "found_as_suspected" not in dict(outcomes)
