"""Matches of lookouts: of the own office's goods, and nothing that tells an examiner why the goods were selected."""

import json
from collections.abc import Iterator

import pytest
from django.test import Client
from tests.examined import a_declaration, examiners, given
from tests.office import NOON, a_token, an_officer

from tidewaiter.actions.decisions.matches import lookout_of, read_matches, seen_matches, settle_match
from tidewaiter.actions.examinations.results import record_result
from tidewaiter.core.errors import ConflictError, NotKnownError
from tidewaiter.core.role import Role
from tidewaiter.faces.api import calling
from tidewaiter.faces.api.service import Service, use
from tidewaiter.storage.records.models import Act, Lookout, LookoutMatch, Mark, Officer

pytestmark = pytest.mark.django_db

CLEARED = (Role.ANALYST, Role.INTELLIGENCE_OFFICER, Role.RISK_MANAGER, Role.INSPECTORATE)


@pytest.fixture(autouse=True)
def service() -> Iterator[None]:
    """Put a service in place whose clock stands at noon."""
    calling.forget_tokens()
    use(Service(clock=lambda: NOON))
    yield
    use(Service())
    calling.forget_tokens()


def met(declaration: str = "", *, consignment: str = "", certainty: str = "possible") -> LookoutMatch:
    """Return that a lookout for all offices met goods."""
    lookout = Lookout.objects.create(
        reference=f"LO-{Lookout.objects.count()}", kind="party", subject={}, action="examine", reason="r", contact="c",
        raised_by=an_officer(Role.RISK_MANAGER), raised_at=NOON, valid_from=NOON, expires_at=NOON.replace(day=9),
    )  # fmt: skip
    return LookoutMatch.objects.create(
        lookout=lookout, declaration_id=declaration, consignment_id=consignment, version=1, certainty=certainty,
        value="ACME", met_at=NOON,
    )  # fmt: skip


def filed(document: str, declaration: str) -> None:
    """Let a declaration name a transport document."""
    Mark.objects.create(
        kind="document", value=document, declaration_id=declaration, lodged_on=NOON.date(), lodged_at=NOON
    )


def listed(officer: Officer) -> dict[str, str | None]:
    """Return the matches that an officer is shown, each with the lookout that is told."""
    return {one.reference: lookout_of(one) for one in read_matches(found=seen_matches(officer), by=officer, at=NOON)}


def closed(acts: list[Act], by: Officer) -> None:
    for act in acts:
        record_result(act_id=act.pk, given={"outcome": "nothing_found"}, by=by, at=NOON)


def test_an_office_is_shown_the_matches_of_its_own_goods() -> None:
    a_declaration("D1", office="MAIN")
    a_declaration("D2", office="PORT")
    filed("BL2", "D2")
    here, there, announced = met("D1"), met("D2"), met(consignment="BL2")
    for role in (Role.EXAMINER, Role.MANAGER, Role.ANALYST):
        assert set(listed(an_officer(role, office="MAIN"))) == {here.reference}
        assert set(listed(an_officer(role, office="PORT"))) == {there.reference, announced.reference}
    for spy in (an_officer(Role.INTELLIGENCE_OFFICER, office="MAIN"), an_officer(Role.ANALYST)):
        assert len(listed(spy)) == 3


def test_a_match_of_another_office_s_goods_is_settled_as_one_that_never_was() -> None:
    a_declaration("D2", office="PORT")
    match, bob = met("D2"), an_officer(Role.EXAMINER, office="MAIN")
    for reference in (match.reference, "LM-NEVERWAS22"):
        with pytest.raises(NotKnownError, match="no match of that reference"):
            settle_match(match=reference, confirmed=True, reason="seen", by=bob, at=NOON)


@pytest.mark.parametrize("by_consignment", [False, True])
def test_an_examiner_learns_what_met_the_goods_once_the_own_acts_are_closed(by_consignment: bool) -> None:
    (ann,) = examiners("ann")
    first, *rest = given(a_declaration("D1"), ann)
    assert rest
    filed("BL1", "D1")
    goods = {"consignment": "BL1"} if by_consignment else {"declaration": "D1"}
    exact, possible = met(**goods, certainty="exact"), met(**goods)
    assert listed(ann) == {possible.reference: None}
    closed([first], ann)
    assert listed(ann) == {possible.reference: None}
    closed(rest, ann)
    assert listed(ann) == {one.reference: one.lookout.reference for one in (exact, possible)}


@pytest.mark.parametrize("role", [Role.EXAMINER, Role.MANAGER])
def test_who_examines_other_goods_learns_nothing_of_these(role: Role) -> None:
    ann, other = *examiners("ann"), an_officer(role, office="MAIN")
    closed(given(a_declaration("D1"), ann), ann)
    given(a_declaration("D2"), other)
    met("D1", certainty="exact")
    possible = met("D1")
    assert listed(other) == {possible.reference: None}


@pytest.mark.parametrize("role", CLEARED)
def test_a_role_that_reads_reasons_learns_no_more_of_goods_still_to_be_examined(role: Role) -> None:
    both = an_officer(Role.EXAMINER, role, office="MAIN")
    acts = given(a_declaration("D1"), both)
    a_declaration("D2")
    exact, elsewhere = met("D1", certainty="exact"), met("D2", certainty="exact")
    assert listed(both) == {elsewhere.reference: elsewhere.lookout.reference}
    closed(acts, both)
    assert exact.reference in listed(both)


@pytest.mark.parametrize("certainty", ["exact", "possible"])
def test_what_is_not_shown_is_answered_as_one_that_never_was(certainty: str) -> None:
    ann, bob = examiners("ann", "bob")
    given(a_declaration("D1"), ann)
    match = met("D1", certainty=certainty)
    if certainty == "possible":
        settle_match(match=match.reference, confirmed=True, reason="seen", by=bob, at=NOON)
    for reference in (match.reference, "LM-NEVERWAS22"):
        with pytest.raises(NotKnownError, match="no match of that reference"):
            settle_match(match=reference, confirmed=True, reason="seen", by=ann, at=NOON)
    analyst = an_officer(Role.ANALYST)
    if certainty == "possible":
        with pytest.raises(ConflictError):
            settle_match(match=match.reference, confirmed=True, reason="seen", by=analyst, at=NOON)


def test_no_answer_over_the_api_names_the_lookout_to_an_examiner() -> None:
    (ann,) = examiners("ann")
    given(a_declaration("D1"), ann)
    exact, match = met("D1", certainty="exact"), met("D1")
    client, headers = Client(), {"Authorization": f"Bearer {a_token(officer='ann')}"}
    answer = client.get("/api/v1/lookouts/matches", headers=headers)
    (shown,) = json.loads(answer.content)["entries"]
    assert (shown["reference"], shown["lookout"], shown["value"]) == (match.reference, None, "ACME")
    assert json.loads(answer.content)["next"] is None
    settled = client.post(
        f"/api/v1/lookouts/matches/{match.reference}/settle",
        data=json.dumps({"confirmed": True, "reason": "the same trade mark"}),
        content_type="application/json",
        headers=headers,
    )
    assert json.loads(settled.content)["state"] == "confirmed"
    for told in (answer, settled):
        assert exact.reference not in told.content.decode()
        assert match.lookout.reference not in told.content.decode()
