"""What the readings refuse, and sizes beyond which nothing is linked."""

from pathlib import Path

import pytest
from tests.strategies import small_catalogue

from tidewaiter.core.condition import InList, Use
from tidewaiter.core.errors import InputError
from tidewaiter.core.facts import Catalogue, Fact, FactType
from tidewaiter.language.evaluate import truth
from tidewaiter.language.parse import parse_condition
from tidewaiter.language.phrases import explained
from tidewaiter.language.profiles import check
from tidewaiter.language.sql import sql_text

CATALOGUE = small_catalogue()


@pytest.mark.parametrize("name", [Use("new_importer"), InList(CATALOGUE["origin"], "new_importer")])
def test_a_name_still_to_be_resolved_has_neither_truth_nor_sql(name: Use | InList) -> None:
    with pytest.raises(ValueError, match="'new_importer' is not resolved"):
        truth(name, {})
    with pytest.raises(ValueError, match="'new_importer' is not resolved"):
        sql_text(name)


def test_a_ratio_that_is_no_number_is_missing() -> None:
    asked = parse_condition("duty_share > 0.5", CATALOGUE)
    assert truth(asked, {"duty_share": float("nan")}) is None
    assert truth(asked, {"duty_share": float("inf")}) is None
    assert truth(parse_condition("duty_share IS NULL", CATALOGUE), {"duty_share": float("nan")}) is True


def test_the_facts_of_a_condition_are_explained_with_their_units() -> None:
    asked = parse_condition("unit_value > 5 AND origin = 'CN'", CATALOGUE)
    assert explained(asked) == ("origin: country of origin", "unit value: value of a kilogram (per kg)")


def test_facts_that_cannot_be_brought_to_one_scale_are_not_compared() -> None:
    facts = [Fact("fine", FactType.DECIMAL, scale=18), Fact("whole", FactType.INTEGER)]
    catalogue = Catalogue("x", {fact.name: fact for fact in facts})
    with pytest.raises(InputError, match="have too many decimals to be compared exactly; use a factor with fewer"):
        parse_condition("whole > 1.23456789 * fine", catalogue)


def test_a_fact_with_a_reserved_name_of_duckdb_is_quoted() -> None:
    catalogue = Catalogue("x", {"order": Fact("order", FactType.INTEGER)})
    assert sql_text(parse_condition("order > 5", catalogue)) == '"order" > 5'


def test_counts_within_counts_are_limited(tmp_path: Path) -> None:
    nested = "is_new"
    for _ in range(4):
        nested = f"at_least(1, {nested}, is_new)"
    (tmp_path / "p.yaml").write_text(f"code: A\ncondition: {nested}\n")
    assert [problem.message for problem in check([tmp_path], CATALOGUE)] == [
        "counts and points are nested deeper than 3 levels"
    ]


def test_a_long_chain_of_indicators_is_refused(tmp_path: Path) -> None:
    steps = "\n".join(f"  s{i}: {{condition: is_new AND NOT s{i + 1}}}" for i in range(120))
    (tmp_path / "i.yaml").write_text(f"indicators:\n{steps}\n  s120: {{condition: is_new}}\n")
    messages = [problem.message for problem in check([tmp_path], CATALOGUE) if not problem.warning]
    assert messages
    assert all("too deep" in message or "deeper than 100 levels" in message for message in messages)


@pytest.mark.parametrize("number", ["1e99999999999999999999", "1e-99999999999999999999", "9" * 5000])
def test_a_number_beyond_all_measure_is_told_with_its_place(number: str) -> None:
    with pytest.raises(InputError, match="1:14: the number is too long; round it"):
        parse_condition(f"unit_value < {number}", CATALOGUE)
