"""How an examination is conducted: trusted traders first, place of choice, detention notice, declarant's presence."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from tests.examined import TODAY, a_declaration, day, examiners, given
from tests.office import NOON, an_officer

from tidewaiter.actions.audit.auditing import verify
from tidewaiter.actions.examinations.acts import close_acts
from tidewaiter.actions.examinations.conduct import Conduct, note_conduct
from tidewaiter.actions.examinations.results import record_result
from tidewaiter.actions.examinations.worklist import task, worklist
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import Act, Officer, TrustedTrader

pytestmark = pytest.mark.django_db


def trusted(party: str, *, number: int = 1, **more: Any) -> TrustedTrader:
    stated: dict[str, Any] = {"kind": "AEO", "scope": "both", "valid_from": TODAY, "at": NOON}
    return TrustedTrader.objects.create(
        party_code=party, number=number, by=an_officer(Role.RISK_MANAGER), **stated | more
    )


def an_act(ann: Officer, number: str = "D1", **more: Any) -> Act:
    return given(a_declaration(number, Channel.ORANGE, **more), ann)[0]


def noted(act: Act, by: Officer, **what: Any) -> Act:
    return note_conduct(act_id=act.pk, conduct=Conduct(**what), on=TODAY, by=by, at=NOON)


def order(officer: Officer) -> list[str]:
    return [one.declaration_id for one in worklist(by=officer, at=NOON, on=TODAY)]


def places(refused: pytest.ExceptionInfo[InputError]) -> set[str | None]:
    return {one.place.file if one.place else None for one in refused.value.problems}


@pytest.mark.parametrize("party", [{"importer": "AEO1"}, {"declarant": "AEO1"}])
def test_goods_of_a_trusted_trader_are_first_in_the_queue(party: Mapping[str, str]) -> None:
    (ann,) = examiners("ann")
    trusted("AEO1")
    an_act(ann, "D1")
    an_act(ann, "D2")
    an_act(ann, "D3", decided_on=day(4).date(), **party)
    assert order(ann) == ["D3", "D1", "D2"]
    assert "AEO" not in str(worklist(by=ann, at=NOON, on=TODAY))


@pytest.mark.parametrize(
    "status",
    [{"suspended": True}, {"valid_from": TODAY + timedelta(days=1)}, {"valid_to": TODAY - timedelta(days=1)}],
)
def test_a_status_that_does_not_count_puts_nobody_first(status: Mapping[str, Any]) -> None:
    (ann,) = examiners("ann")
    trusted("AEO1")
    trusted("AEO1", number=2, **status)
    an_act(ann, "D1")
    an_act(ann, "D2", importer="AEO1")
    assert order(ann) == ["D1", "D2"]


def test_a_trusted_trader_chooses_the_place() -> None:
    (ann,) = examiners("ann")
    trusted("AEO1")
    mine, other = an_act(ann, "D1", importer="AEO1"), an_act(ann, "D2")
    noted(mine, ann, place=" the importer's warehouse ")
    assert task(act_id=mine.pk, by=ann, at=NOON).place == "the importer's warehouse"
    with pytest.raises(InputError) as refused:
        noted(other, ann, place="the importer's warehouse")
    assert places(refused) == {"place"}


def test_the_place_is_not_chosen_once_the_goods_were_looked_at() -> None:
    (ann,) = examiners("ann")
    trusted("AEO1")
    act = an_act(ann, "D1", importer="AEO1")
    record_result(act_id=act.pk, given={"outcome": "nothing_found"}, by=ann, at=NOON)
    with pytest.raises(InputError):
        noted(act, ann, place="elsewhere")
    assert noted(act, ann, declarant_present=True).declarant_present is True


def test_a_detention_notice_has_its_number_and_its_moment() -> None:
    (ann,) = examiners("ann")
    act = an_act(ann)
    noted(act, ann, detention_notice="DN-7", detention_notice_at=NOON, declarant_present=False)
    shown = task(act_id=act.pk, by=ann, at=NOON)
    assert (shown.detention_notice, shown.detention_notice_at, shown.declarant_present) == ("DN-7", NOON, False)
    assert shown.place == ""


@pytest.mark.parametrize(
    ("what", "wrong"),
    [
        ({}, {None}),
        ({"detention_notice": "DN-7"}, {"detention_notice_at"}),
        ({"detention_notice_at": NOON}, {"detention_notice"}),
        ({"detention_notice": "DN-7", "detention_notice_at": NOON + timedelta(hours=1)}, {"detention_notice_at"}),
        ({"detention_notice": "DN-7", "detention_notice_at": NOON - timedelta(days=1)}, {"detention_notice_at"}),
        ({"place": " ", "detention_notice": " "}, {"place", "detention_notice", "detention_notice_at"}),
    ],
)
def test_what_cannot_be_noted_is_told_at_once(what: dict[str, Any], wrong: set[str | None]) -> None:
    (ann,) = examiners("ann")
    act = an_act(ann)
    with pytest.raises(InputError) as refused:
        noted(act, ann, **what)
    assert places(refused) == wrong


def test_only_who_does_the_act_or_a_manager_of_the_office_notes_it() -> None:
    ann, bob = examiners("ann", "bob")
    act = an_act(ann)
    with pytest.raises(NotKnownError):
        noted(act, bob, declarant_present=True)
    with pytest.raises(NotKnownError):
        noted(act, an_officer(Role.MANAGER, office="PORT"), declarant_present=True)
    with pytest.raises(NotAllowedError):
        noted(act, an_officer(Role.INSPECTORATE), declarant_present=True)
    assert noted(act, an_officer(Role.MANAGER, office="MAIN"), declarant_present=True).declarant_present


def test_nothing_is_noted_of_an_act_that_never_took_place() -> None:
    (ann,) = examiners("ann")
    act = an_act(ann)
    close_acts(["D1"], reason="goods released", at=NOON)
    with pytest.raises(ConflictError):
        noted(act, ann, declarant_present=True)


def test_the_audit_finds_a_notice_that_was_changed() -> None:
    (ann,) = examiners("ann")
    act = an_act(ann)
    noted(act, ann, detention_notice="DN-7", detention_notice_at=NOON)
    assert f"act:{act.pk}" not in {one.record for one in verify().findings}
    Act.objects.update(detention_notice="DN-8")
    assert f"act:{act.pk}" in {one.record for one in verify().findings}
