"""Where declarations come on the day and in the order of their lodging, counting by receipt changes nothing."""

from hypothesis import given
from hypothesis import strategies as st

from tidewaiter.storage.lake.facts.live_same_day import Counted, Receipt, same_day_asked
from tidewaiter.storage.lake.facts.live_shapes import Column
from tidewaiter.storage.lake.facts.recipes import Recipe, SameDay

RECIPES: dict[str, Recipe] = {
    "importer_same_day": SameDay(("importer_code",)),
    "container_same_day": SameDay(("containers",)),
}
DAY = 86_400_000_000

DECLARED = st.lists(
    st.tuples(
        st.integers(0, 2 * DAY - 1),
        st.sampled_from(("I1", "I2", None)),
        st.lists(st.sampled_from("XYZ"), unique=True, max_size=2),
    ),
    max_size=12,
)


def columns(declared: list[tuple[int, str | None, list[str]]], lodged: list[int]) -> dict[str, Column]:
    return {
        "declaration_id": [f"D{number:02}" for number in range(len(declared))],
        "lodged_at": list(lodged),
        "lodged_on": [at // DAY for at in lodged],
        "importer_code": [importer for _, importer, _ in declared],
        "containers": [boxes or None for _, _, boxes in declared],
    }


@given(DECLARED)
def test_what_comes_on_its_day_counts_as_the_lake_counts_it(
    declared: list[tuple[int, str | None, list[str]]],
) -> None:
    held = columns(declared, [at for at, _, _ in declared])
    came = {
        str(number): Receipt(at // DAY, at // DAY * DAY + (at % DAY) // 2)
        for number, at in zip(held["declaration_id"], held["lodged_at"], strict=True)
    }
    plain = Counted(RECIPES, same_day_asked(RECIPES, held), {}).columns(held)
    assert Counted(RECIPES, same_day_asked(RECIPES, held, came), {}).columns(held) == plain


@given(DECLARED, st.lists(st.integers(0, 9 * DAY), min_size=12, max_size=12))
def test_no_date_of_a_client_moves_a_count(declared: list[tuple[int, str | None, list[str]]], dated: list[int]) -> None:
    came = {f"D{number:02}": Receipt(at // DAY, at * 100 + number) for number, (at, _, _) in enumerate(declared)}
    counts = []
    for lodged in ([0] * len(declared), dated[: len(declared)]):
        held = columns(declared, lodged)
        counts.append(Counted(RECIPES, same_day_asked(RECIPES, held, came), {}).columns(held))
    assert counts[0] == counts[1]
