"""The same goods keep the draw they were given first; one that is too old, or known to be harmless, helps nobody."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewaiter.engines.selection.draw import Draw, StrictestDraw, identities
from tidewaiter.engines.selection.draw import Lodged as Came
from tidewaiter.engines.selection.inheritance import (
    HandOn,
    Inherited,
    Lot,
    Marked,
    inherit,
    inherited_all,
    marked,
    marks_of,
)

ON = date(2026, 3, 2)
DAYS = HandOn(document_days=90, container_days=30)


def after(days: int) -> date:
    return ON + timedelta(days=days)


def one(number: str, documents: str = "", containers: str = "") -> Marked:
    return Marked(declaration_id=number, documents=tuple(documents.split()), containers=frozenset(containers.split()))


def names(drawn: Inherited) -> list[str]:
    return [lot.identity for lot in drawn.lots]


def test_the_marks_of_a_declaration_are_all_its_documents_then_its_containers() -> None:
    rows: list[dict[str, object]] = [
        {"declaration_id": "D1", "previous_document": None, "containers": ["C2"]},
        {"declaration_id": "D1", "previous_document": "BILL", "containers": ["C1", "C2"]},
        {"declaration_id": "D1", "previous_document": "AIRBILL", "containers": None},
        {"declaration_id": "D1", "previous_document": "BILL"},
    ]
    assert marks_of(rows) == ("document BILL", "document AIRBILL", "container C1", "container C2")
    assert marked(rows) == one("D1", "BILL AIRBILL", "C1 C2")


@pytest.mark.parametrize(("mark", "most"), [("document B", 90), ("container C", 30)])
def test_a_mark_hands_on_for_the_days_of_the_policy_and_then_is_as_if_it_were_new(mark: str, most: int) -> None:
    own = one("D9", "B") if mark == "document B" else one("D9", "", "C")
    seen = {mark: (Lot(ON, "FIRST"),)}
    assert inherit(own, seen, after(most), DAYS) == Inherited((Lot(ON, "FIRST"),))
    assert inherit(own, seen, after(most + 1), DAYS) == inherit(own, {}, after(most + 1), DAYS)


def test_all_documents_count_whichever_is_named_first() -> None:
    seen = {"document A": (Lot(after(1), "X"),), "document B": (Lot(ON, "Y"),)}
    assert names(inherit(one("D9", "A B"), seen, after(2), DAYS)) == ["Y", "X"]
    assert inherit(one("D9", "B A"), seen, after(2), DAYS) == inherit(one("D9", "A B"), seen, after(2), DAYS)


def test_a_document_not_drawn_spares_a_new_one_nothing() -> None:
    seen = {"document OLD": (Lot(ON, "OLD"),)}
    drawn = inherit(one("D9", "OLD NEW"), seen, after(2), DAYS)
    assert drawn.lots == (Lot(ON, "OLD"), Lot(after(2), "NEW"))


def test_another_document_in_the_same_container_is_not_drawn_anew() -> None:
    seen = {"container C1": (Lot(ON, "B1"),)}
    assert inherit(one("D9", "B2", "C1"), seen, after(2), DAYS).lots == (Lot(ON, "B1"),)
    assert names(inherit(one("D9", "B2", "C1 C2"), seen, after(2), DAYS)) == ["B1", "B2"]


def test_goods_split_and_joined_again_all_keep_the_first_draw() -> None:
    lodged = [one("D1", "B1", "C1"), one("D2", "B2", "C1"), one("D3", "B2"), one("D4", "", "C2"), one("D5")]
    found = inherited_all([(own, after(place)) for place, own in enumerate(lodged)], DAYS)
    assert {name: names(drawn) for name, drawn in found.items()} == {
        "D1": ["B1"], "D2": ["B1"], "D3": ["B1"], "D4": ["C2"], "D5": ["D5"],
    }  # fmt: skip
    assert [drawn.day for drawn in found.values()] == [ON, ON, ON, after(3), after(4)]


def test_within_the_days_of_a_container_it_is_the_inheritance_of_a_batch() -> None:
    lodged = [one("D1", "B1", "C1"), one("D2", "B2", "C1"), one("D3", "", "C1"), one("D4", "B2")]
    batch = identities(Came(own.declaration_id, next(iter(own.documents), None), own.containers) for own in lodged)
    live = inherited_all([(own, ON) for own in lodged], DAYS)
    assert {name: drawn.identity for name, drawn in live.items()} == batch


def test_a_container_drawn_anew_hands_on_its_new_draw() -> None:
    lodged = [(one("D1", "", "C1"), ON), (one("D2", "B2", "C1"), after(40)), (one("D3", "", "C1"), after(50))]
    assert inherited_all(lodged, DAYS)["D3"].lots == (Lot(after(40), "B2"),)


def test_an_amendment_keeps_its_draw_and_a_document_it_names_only_now_is_drawn() -> None:
    lodged = [(one("OTHER", "RED"), ON), (one("D1", "B1"), ON), (one("D1", "B1 RED"), after(1))]
    lodged.append((one("D1", "B1 RED NEW"), after(2)))
    assert names(inherited_all(lodged, DAYS)["D1"]) == ["B1", "RED", "NEW"]


def test_an_amendment_of_an_old_declaration_draws_nothing_anew() -> None:
    lodged = [(one("D1", "B1", "C1"), ON), (one("D1", "B1", "C1"), after(300))]
    assert inherited_all(lodged, DAYS)["D1"].lots == (Lot(ON, "B1"),)


MARKS = st.builds(
    lambda number, documents, containers: Marked(
        declaration_id=f"D{number}", documents=tuple(documents), containers=frozenset(containers)
    ),
    st.integers(0, 5),
    st.lists(st.sampled_from("ABCDE"), unique=True, max_size=3),
    st.lists(st.sampled_from("XYZ"), max_size=2),
)
HISTORY = st.lists(st.tuples(MARKS, st.integers(0, 60)), max_size=8)


@given(HISTORY, MARKS.filter(lambda own: bool(own.documents)), st.sampled_from("ABCDEF"))
def test_naming_one_more_document_never_lowers_what_is_drawn(
    history: list[tuple[Marked, int]], own: Marked, more: str
) -> None:
    lodged, on = [], ON
    for earlier, days in history:
        on += timedelta(days=days)
        lodged.append((earlier, on))
    own = Marked(declaration_id="NEW", documents=own.documents, containers=own.containers)
    further = Marked(
        declaration_id="NEW", documents=tuple(dict.fromkeys((*own.documents, more))), containers=own.containers
    )
    plain = inherited_all([*lodged, (own, on)], DAYS)["NEW"]
    named = inherited_all([*lodged, (further, on)], DAYS)["NEW"]
    assert set(plain.lots) <= set(named.lots)
    draws = [StrictestDraw(drawn_by[0], drawn_by[1:]) for drawn_by in (_draws(plain), _draws(named))]
    assert draws[1].fraction("random") <= draws[0].fraction("random")


def _draws(drawn: Inherited) -> list[Draw]:
    return [Draw(lot.day.isoformat().encode(), lot.identity) for lot in drawn.lots]


@given(HISTORY)
def test_the_same_goods_are_drawn_alike_whatever_the_order_in_which_their_documents_are_named(
    history: list[tuple[Marked, int]],
) -> None:
    lodged = [(own, after(place)) for place, (own, _) in enumerate(history)]
    met = [*lodged, (one("A", "E D"), after(9))]
    turned = [*lodged, (one("A", "D E"), after(9))]
    known = {lot for drawn in inherited_all(lodged, DAYS).values() for lot in drawn.lots}
    this, other = (set(inherited_all(way, DAYS)["A"].lots) & known for way in (met, turned))
    assert this == other


def test_of_several_draws_the_strictest_counts_for_what_selects_and_the_first_for_all_else() -> None:
    first, second = Draw(b"1", "A"), Draw(b"2", "B")
    both = StrictestDraw(first, (second,))
    for purpose in ("random", "exploration", "profile:PRF-1"):
        assert both.fraction(purpose) == min(first.fraction(purpose), second.fraction(purpose))
    for purpose in ("assignment", "delay", "instruction:64", "re-examination"):
        assert both.fraction(purpose) == first.fraction(purpose)
