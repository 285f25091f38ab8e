"""Seizures stand with or without a declaration, and never change: they get versions."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

import pytest
from tests.office import NOON, an_officer

from tidewaiter.actions.examinations.seizures import correct_seizure, record_seizure, seizure_versions, seizures
from tidewaiter.actions.lake.lake_rows import mark_copied, uncopied_seizures
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import AuditEvent, Officer, Seizure

pytestmark = pytest.mark.django_db

COCAINE: Mapping[str, object] = {
    "seized_at": NOON.isoformat(),
    "legal_basis": "Customs Act, section 12",
    "category": "DRUGS",
    "goods": "cocaine",
    "quantity": "12.4",
    "quantity_unit": "kg",
    "value": "620000",
    "concealment": "false floor of the container",
    "detection_means": "scan",
    "parties": [{"role": "consignee", "code": "IMP1", "name": "Harbour Fruit"}],
}


def an_examiner(office: str = "MAIN") -> Officer:
    return an_officer(Role.EXAMINER, office=office)


def test_a_seizure_without_a_declaration_gets_a_number_of_its_office_and_year() -> None:
    ann = an_examiner()
    numbers = [record_seizure(given=COCAINE, by=ann, at=NOON).number for _ in range(2)]
    assert numbers == ["MAIN-2026-00001", "MAIN-2026-00002"]


def test_an_own_number_is_kept_and_taken_once() -> None:
    ann = an_examiner()
    record_seizure(given={**COCAINE, "seizure_number": "S/7"}, by=ann, at=NOON)
    with pytest.raises(ConflictError):
        record_seizure(given={**COCAINE, "seizure_number": "S/7"}, by=ann, at=NOON)


def test_every_problem_of_a_seizure_is_told_at_once() -> None:
    wrong = {
        "seized_at": (NOON + timedelta(hours=1)).isoformat(),
        "category": "DRUG",
        "quantity": "-2",
        "value": "1.2345",
        "parties": [{"role": "consignee", "nam": "x"}],
        "office": "PORT",
    }
    with pytest.raises(InputError) as refused:
        record_seizure(given=wrong, by=an_examiner(), at=NOON)
    assert sorted(str(problem.place) for problem in refused.value.problems) == sorted(
        [
            "seized_at",
            "category",
            "quantity",
            "quantity_unit",
            "value",
            "parties[0].nam",
            "office",
            "legal_basis",
            "goods",
        ]
    )


def test_a_correction_is_a_new_version_with_a_reason() -> None:
    ann = an_examiner()
    number = record_seizure(given=COCAINE, by=ann, at=NOON).number
    with pytest.raises(InputError, match="reason"):
        correct_seizure(number=number, given={**COCAINE, "quantity": "12.9"}, reason="", by=ann, at=NOON)
    correct_seizure(number=number, given={**COCAINE, "quantity": "12.9"}, reason="weighed again", by=ann, at=NOON)
    versions = seizure_versions(number=number, by=ann, at=NOON)
    assert [(one.version, one.fields["quantity"], one.reason) for one in versions] == [
        (1, "12.4", ""),
        (2, "12.9", "weighed again"),
    ]


def test_another_office_s_seizure_is_not_known() -> None:
    number = record_seizure(given=COCAINE, by=an_examiner(), at=NOON).number
    with pytest.raises(NotKnownError):
        seizure_versions(number=number, by=an_examiner("PORT"), at=NOON)
    assert seizure_versions(number=number, by=an_officer(Role.ANALYST), at=NOON)[0].number == number


def test_reading_a_seizure_is_recorded_for_it_names_persons() -> None:
    ann = an_examiner()
    number = record_seizure(given=COCAINE, by=ann, at=NOON).number
    seizure_versions(number=number, by=ann, at=NOON)
    event = AuditEvent.objects.order_by("-sequence").first()
    assert event is not None
    assert (event.action, event.record) == ("seizure.read", f"seizure:{number}")


def test_the_list_of_seizures_names_no_parties() -> None:
    ann = an_examiner()
    record_seizure(given=COCAINE, by=ann, at=NOON)
    ((_, shown),) = seizures(by=ann, at=NOON)
    assert "parties" not in shown.fields
    assert "Harbour" not in str(shown)


def test_an_auditor_does_not_record_seizures() -> None:
    with pytest.raises(NotAllowedError):
        record_seizure(given=COCAINE, by=an_officer(Role.POST_CLEARANCE_AUDITOR), at=NOON)
    assert not Seizure.objects.exists()


def test_the_lake_gets_every_version_once() -> None:
    ann = an_examiner()
    number = record_seizure(given=COCAINE, by=ann, at=NOON).number
    (row,) = uncopied_seizures().rows
    assert (row["seizure_number"], row["version"], row["known_at"]) == (number, 1, NOON)
    assert (row["value"], row["quantity"], row["document"]) == (Decimal(620000), Decimal("12.4"), None)
    mark_copied(uncopied_seizures(), NOON)
    correct_seizure(number=number, given=COCAINE, reason="typing error", by=ann, at=NOON)
    assert [row["version"] for row in uncopied_seizures().rows] == [2]
