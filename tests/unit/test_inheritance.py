"""The same goods keep the draw they were given first; a container used again for other goods does not."""

from datetime import date, timedelta

from tidewaiter.engines.selection.draw import Lodged, identities
from tidewaiter.engines.selection.inheritance import Inherited, Marked, inherit, inherited_all, marked, marks_of

ON = date(2026, 3, 2)


def one(number: str, document: str | None = None, *containers: str) -> Marked:
    return Marked(declaration_id=number, document=document, containers=frozenset(containers))


def test_the_marks_of_a_declaration_are_its_document_then_its_containers() -> None:
    rows: list[dict[str, object]] = [
        {"declaration_id": "D1", "previous_document": None, "containers": ["C2"]},
        {"declaration_id": "D1", "previous_document": "BILL", "containers": ["C1", "C2"]},
        {"declaration_id": "D1", "containers": None},
    ]
    assert marks_of(rows) == ("document BILL", "container C1", "container C2")
    assert marked(rows) == one("D1", "BILL", "C1", "C2")


def test_goods_lodged_again_keep_the_identity_and_the_day_of_the_first_lodging() -> None:
    first = Inherited(identity="BILL", day=ON)
    again = inherit(one("D9", "BILL"), {"document BILL": first}, ON + timedelta(days=200), 30)
    assert (again.identity, again.day, again.mark) == ("BILL", ON, "document BILL")


def test_a_container_hands_on_for_the_days_of_the_policy_and_then_is_drawn_anew() -> None:
    seen = {"container C1": Inherited(identity="BILL", day=ON)}
    last, after = (inherit(one("D9", None, "C1"), seen, ON + timedelta(days=days), 30) for days in (30, 31))
    assert (last.identity, last.day) == ("BILL", ON)
    assert (after.identity, after.day, after.mark) == ("C1", ON + timedelta(days=31), None)


def test_a_document_is_asked_before_a_container() -> None:
    seen = {"container C1": Inherited(identity="X", day=ON), "document B": Inherited(identity="Y", day=ON)}
    assert inherit(one("D9", "B", "C1"), seen, ON, 30).identity == "Y"


def test_goods_split_and_joined_again_all_keep_the_first_draw() -> None:
    lodged = [one("D1", "B1", "C1"), one("D2", "B2", "C1"), one("D3", "B2"), one("D4", None, "C2"), one("D5")]
    found = inherited_all([(own, ON + timedelta(days=place)) for place, own in enumerate(lodged)], 30)
    assert {name: drawn.identity for name, drawn in found.items()} == {
        "D1": "B1", "D2": "B1", "D3": "B1", "D4": "C2", "D5": "D5",
    }  # fmt: skip
    assert [drawn.day for drawn in found.values()] == [ON, ON, ON, ON + timedelta(days=3), ON + timedelta(days=4)]


def test_within_the_days_of_a_container_it_is_the_inheritance_of_a_batch() -> None:
    lodged = [one("D1", "B1", "C1"), one("D2", "B2", "C1", "C3"), one("D3", None, "C3"), one("D4", "B2")]
    batch = identities(Lodged(own.declaration_id, own.document, own.containers) for own in lodged)
    live = inherited_all([(own, ON) for own in lodged], 30)
    assert {name: drawn.identity for name, drawn in live.items()} == batch


def test_a_container_drawn_anew_hands_on_its_new_draw() -> None:
    lodged = [(one("D1", None, "C1"), ON), (one("D2", "B2", "C1"), ON + timedelta(days=40))]
    lodged.append((one("D3", None, "C1"), ON + timedelta(days=50)))
    found = inherited_all(lodged, 30)
    assert found["D3"] == Inherited(identity="B2", day=ON + timedelta(days=40), mark="container C1")
