"""Where a lookout is met: codes exactly, names possibly, covert ones apart."""

from datetime import date
from typing import Any

import pytest

from tidewaiter.core.lookout import Certainty, Lookout, LookoutAction, LookoutKind, LookoutMatch
from tidewaiter.engines.selection.lookouts import LookoutIndex, lookout_index

ON = date(2026, 3, 2)


def lookout(kind: LookoutKind, *values: str, names: tuple[str, ...] = (), **fields: Any) -> Lookout:
    given: dict[str, Any] = {"reference": "L-1", "action": LookoutAction.EXAMINE} | fields
    return Lookout(kind=kind, values=values, names=names, **given)


def index(*lookouts: Lookout) -> LookoutIndex:
    return lookout_index(lookouts, ON)


def item(number: int = 1, **fields: Any) -> dict[str, object]:
    return {"declaration_id": "D1", "item_number": number, **fields}


@pytest.mark.parametrize(
    ("kind", "value", "field", "declared"),
    [
        (LookoutKind.COMPANY, "VAT 123.456-X", "importer_code", "VAT123456X"),
        (LookoutKind.PARTY, "b77", "declarant_code", "B77"),
        (LookoutKind.CONTAINER, "MSCU 123456-7", "containers", ["TCLU1", "MSCU1234567"]),
        (LookoutKind.CONTAINER, "MSCU1234567", "containers", " mscu1234567 tclu1 "),
        (LookoutKind.CONSIGNMENT, "HBL/9", "previous_document", "HBL-9"),
        (LookoutKind.CONSIGNMENT, "D1", "declaration_id", "D1"),
        (LookoutKind.CONVEYANCE, "Atlantic Star", "conveyance", "ATLANTIC STAR"),
        (LookoutKind.CONVEYANCE, "AF-346", "voyage", "AF346"),
        (LookoutKind.COMPANY, "ÄB-1", "importer_code", "äb1"),
    ],
)
def test_a_code_or_number_is_met_exactly_however_it_is_written(
    kind: LookoutKind, value: str, field: str, declared: object
) -> None:
    (match,) = index(lookout(kind, value)).match([{**item(), field: declared}])
    assert (match.reference, match.certainty, match.field, match.items) == ("L-1", Certainty.EXACT, field, (1,))


@pytest.mark.parametrize(
    ("name", "declared", "is_met"),
    [
        ("ACME Trading Ltd", "acme trading limited", True),
        ("ACME Trading", "Trading house ACME of Lagos", True),
        ("ACME Trading", "ACME Travel", False),
        ("Müller & Söhne GmbH", "MULLER SOHNE", True),
        ("Ltd", "ACME Ltd", True),
        ("  ", "ACME Ltd", False),
    ],
)
def test_a_name_is_met_possibly_where_all_its_words_stand(name: str, declared: str, is_met: bool) -> None:
    found = index(lookout(LookoutKind.COMPANY, names=(name,))).match([item(exporter_name=declared)])
    assert [(match.certainty, match.value) for match in found] == ([(Certainty.POSSIBLE, declared)] if is_met else [])


def test_a_lookout_of_one_kind_is_not_met_by_the_fields_of_another() -> None:
    found = index(lookout(LookoutKind.CONTAINER, "B77")).match([item(importer_code="B77", previous_document="B77")])
    assert found == ()


def test_the_items_that_carry_a_value_are_named_once() -> None:
    rows = [item(1, exporter_code="B77"), item(2, exporter_code="C1"), item(3, exporter_code="B77")]
    assert index(lookout(LookoutKind.COMPANY, "B77")).match(rows) == (
        LookoutMatch(
            reference="L-1", version=1, certainty=Certainty.EXACT, field="exporter_code", value="B77", items=(1, 3)
        ),
    )


def test_the_consignment_of_the_goods_is_asked_too_and_belongs_to_no_item() -> None:
    watch = index(
        lookout(LookoutKind.PARTY, "N5", names=("Jo Doe",)), lookout(LookoutKind.CONTAINER, "C9", reference="L-2")
    )
    filed = {"consignment_id": "H1", "notify_code": "N5", "consignee_name": "Doe, Jo", "containers": [{"number": "C9"}]}
    found = watch.match([item(containers=["C1"])], filed)
    assert [(one.reference, one.field, one.items) for one in found] == [
        ("L-1", "notify_code", ()),
        ("L-1", "consignee_name", ()),
        ("L-2", "containers", ()),
    ]


def test_only_lookouts_in_force_are_met_both_ends_included() -> None:
    first, last = (lookout(LookoutKind.PARTY, "B77", valid_from=ON, valid_to=end) for end in (ON, date(2026, 3, 1)))
    assert len(index(first).match([item(seller_code="B77")])) == 1
    assert index(last).match([item(seller_code="B77")]) == ()


def test_a_covert_lookout_is_met_apart_and_is_not_among_the_open_ones() -> None:
    watch = index(lookout(LookoutKind.PARTY, "B77", action=LookoutAction.MONITOR))
    rows = [item(buyer_code="B77")]
    assert watch.match(rows) == ()
    assert [match.reference for match in watch.match_covert(rows)] == ["L-1"]
    assert watch.open == {}


def test_two_lookouts_for_one_code_are_both_met_in_the_order_of_their_references() -> None:
    both = [lookout(LookoutKind.PARTY, "B77", reference=name) for name in ("L-2", "L-1")]
    assert [match.reference for match in index(*both).match([item(carrier_code="B77")])] == ["L-1", "L-2"]
