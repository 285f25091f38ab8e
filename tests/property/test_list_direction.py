"""The direction of a list edit: what is said to raise never takes a selection away."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import TEXTS, fact_rows, literals, of_type, small_catalogue

from tidewaiter.core.condition import And, Condition, InList, Not, Or, Points
from tidewaiter.core.facts import FactType
from tidewaiter.core.list_change import Direction, change_between, direction_of, uses_in_profile
from tidewaiter.core.profile import Entry, NamedList, Profile, applicable, resolved
from tidewaiter.language.evaluate import truth

CATALOGUE = small_catalogue()
DAYS = [date(2024, 1, 1) + timedelta(days=number) for number in range(5)]


def asked() -> st.SearchStrategy[Condition]:
    facts = st.sampled_from(of_type(CATALOGUE, FactType.TEXT, FactType.WORDS))
    return st.builds(InList, facts, st.just("watched"))


def conditions() -> st.SearchStrategy[Condition]:
    def grown(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
        several = st.lists(inner, min_size=2, max_size=3).map(tuple)
        counted = several.flatmap(
            lambda terms: st.builds(Points, st.integers(1, len(terms)), st.just(tuple((term, 1) for term in terms)))
        )
        return st.builds(Not, inner) | st.builds(And, several) | st.builds(Or, several) | counted

    return st.recursive(asked() | asked() | literals(CATALOGUE), grown, max_leaves=5)


days = st.none() | st.sampled_from(DAYS)
entries = st.builds(Entry, st.sampled_from([text for text in TEXTS if text.strip()]), days, days)
lists = st.lists(entries, max_size=4).map(lambda found: NamedList("watched", tuple(found)))
profiles = st.builds(
    lambda condition, exceptions: Profile(code="P", condition=condition, exceptions=exceptions),
    conditions(),
    st.none() | conditions(),
)


@given(profiles, lists, lists, st.sampled_from(DAYS), fact_rows(CATALOGUE, 4))
def test_an_edit_that_raises_takes_no_selection_away(
    profile: Profile, old: NamedList, new: NamedList, on: date, rows: list[dict[str, object]]
) -> None:
    direction = direction_of(change_between(old, new), uses_in_profile(profile, {}, "watched"))
    if direction is Direction.LOWERS:
        return
    whole = applicable(profile, {}, CATALOGUE["flow"], CATALOGUE["office"])
    before, after = (resolved(whole, {"watched": named}, on) for named in (old, new))
    for row in rows:
        assert truth(before, row) is not True or truth(after, row) is True  # type: ignore[arg-type]


@given(lists, lists, st.sampled_from(DAYS))
def test_what_is_in_force_on_a_day_changes_only_by_what_is_gained_or_lost(
    old: NamedList, new: NamedList, on: date
) -> None:
    change = change_between(old, new)
    before, after = set(old.values(on)), set(new.values(on))
    assert after - before <= set(change.gained)
    assert before - after <= set(change.lost)
