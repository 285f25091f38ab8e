"""Lookouts: raised at once, ended by two persons with an outcome, and covert ones there for nobody else."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.examined import a_declaration, examiners, given
from tests.office import NOON, an_office, an_officer

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.decisions.matches import settle_match
from tidewaiter.actions.profiles.lookouts import (
    LookoutText,
    acknowledge_lookout,
    any_expired,
    confirm_end,
    end_lookout,
    expire_lookouts,
    extend_lookout,
    owing_outcome,
    raise_lookout,
    seen_lookout,
    seen_lookouts,
    shorten_lookout,
    unacknowledged,
)
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError
from tidewaiter.core.lookout import LookoutAction, LookoutKind
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import Classification, Lookout, LookoutMatch, Mark, Officer, Publication
from tidewaiter.storage.records.visibility import visible_to

pytestmark = pytest.mark.django_db

WEEK = timedelta(days=7)
TEXT = LookoutText(
    kind=LookoutKind.CONTAINER,
    action=LookoutAction.EXAMINE,
    reason="a report of last night",
    contact="+00 555 0100",
    values=("MSCU6639870",),
    instruction="open the container and weigh the cartons",
)
COVERT = replace(TEXT, action=LookoutAction.MONITOR, instruction="")


def an_intelligence_officer(clearance: int = 0) -> Officer:
    return an_officer(Role.INTELLIGENCE_OFFICER, clearance=clearance)


def raised(text: LookoutText = TEXT, *, by: Officer | None = None, expires_at: datetime = NOON + WEEK) -> Lookout:
    return raise_lookout(text=text, expires_at=expires_at, by=by or an_intelligence_officer(text.rank), at=NOON)


def a_match(lookout: Lookout) -> LookoutMatch:
    return LookoutMatch.objects.create(
        lookout=lookout, declaration_id="D1", version=1, certainty="possible", value="ACME", met_at=NOON
    )


def told_of(officer: Officer, reference: str) -> str:
    with pytest.raises(NotKnownError) as caught:
        seen_lookout(reference, officer)
    return str(caught.value)


def test_a_lookout_acts_at_once() -> None:
    lookout = raised()
    assert lookout.state == "in force"
    assert Publication.objects.get().cause == f"lookout {lookout.reference} raised"


def test_everything_missing_is_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        raised(LookoutText(kind=LookoutKind.CONTAINER, action=LookoutAction.EXAMINE, reason="", contact=" "))
    assert len(caught.value.problems) == 4


def test_a_container_is_not_met_by_a_name() -> None:
    with pytest.raises(InputError, match="not by a name"):
        raised(replace(TEXT, names=("Ever Given",)))


def test_a_lookout_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(InputError):
        raised(expires_at=NOON)


def test_an_end_needs_a_second_person_and_an_outcome() -> None:
    lookout, first = raised(), an_intelligence_officer()
    with pytest.raises(InputError):
        end_lookout(reference=lookout.reference, outcome=" ", by=first, at=NOON)
    end_lookout(reference=lookout.reference, outcome="met, nothing found", by=first, at=NOON)
    lookout.refresh_from_db()
    assert lookout.state == "in force"
    with pytest.raises(NotAllowedError):
        confirm_end(reference=lookout.reference, agreed=True, by=first, at=NOON)
    ended = confirm_end(reference=lookout.reference, agreed=True, by=an_intelligence_officer(), at=NOON)
    assert (ended.state, ended.outcome) == ("ended", "met, nothing found")


def test_a_refused_end_leaves_the_lookout_in_force() -> None:
    lookout = raised()
    end_lookout(reference=lookout.reference, outcome="not met", by=an_intelligence_officer(), at=NOON)
    kept = confirm_end(
        reference=lookout.reference, agreed=False, reason="too early", by=an_intelligence_officer(), at=NOON
    )
    assert (kept.state, kept.outcome, kept.ended_by) == ("in force", "", None)


def test_shortening_needs_a_second_person_and_extending_none() -> None:
    lookout, first = raised(), an_intelligence_officer()
    extend_lookout(reference=lookout.reference, expires_at=NOON + 2 * WEEK, reason="late", by=first, at=NOON)
    shorten_lookout(reference=lookout.reference, expires_at=NOON + WEEK, reason="enough", by=first, at=NOON)
    lookout.refresh_from_db()
    assert lookout.expires_at == NOON + 2 * WEEK
    confirm_end(reference=lookout.reference, agreed=True, by=an_intelligence_officer(), at=NOON)
    lookout.refresh_from_db()
    assert (lookout.expires_at, lookout.state) == (NOON + WEEK, "in force")


def test_an_expired_lookout_owes_its_outcome() -> None:
    lookout, officer = raised(), an_intelligence_officer()
    assert not any_expired(NOON + WEEK - timedelta(minutes=1))
    expire_lookouts(by=SERVICE, at=NOON + WEEK)
    assert list(owing_outcome(officer)) == [lookout]
    end_lookout(reference=lookout.reference, outcome="never met", by=officer, at=NOON + WEEK)
    assert not owing_outcome(officer).exists()


def test_an_office_acknowledges_what_is_addressed_to_it() -> None:
    an_office("MAIN")
    lookout = raised(replace(TEXT, offices=("MAIN",)))
    examiner = an_officer(Role.EXAMINER, office="MAIN")
    assert list(unacknowledged(examiner, "MAIN")) == [lookout]
    acknowledge_lookout(reference=lookout.reference, by=examiner, at=NOON)
    assert not unacknowledged(examiner, "MAIN").exists()


def test_an_office_does_not_see_what_is_addressed_to_another() -> None:
    an_office("MAIN")
    lookout = raised(replace(TEXT, offices=("MAIN",)))
    assert not seen_lookouts(an_officer(Role.EXAMINER, office="PORT")).exists()
    assert seen_lookouts(an_officer(Role.EXAMINER, office="MAIN")).get() == lookout


def test_a_lookout_above_the_clearance_is_not_seen() -> None:
    Classification.objects.create(rank=2, code="SECRET", label="Secret")
    lookout = raised(replace(TEXT, rank=2))
    assert not seen_lookouts(an_intelligence_officer(1)).exists()
    assert seen_lookouts(an_intelligence_officer(2)).get() == lookout


@pytest.mark.parametrize(
    "role", [role for role in Role if role not in (Role.INTELLIGENCE_OFFICER, Role.RISK_MANAGER, Role.INSPECTORATE)]
)
def test_a_covert_lookout_is_answered_like_one_that_never_was(role: Role) -> None:
    lookout, officer = raised(COVERT), an_officer(role, clearance=9, office="MAIN")
    assert told_of(officer, lookout.reference) == told_of(officer, "LO-NEVERWAS22")
    assert not seen_lookouts(officer).exists()
    assert not unacknowledged(officer, "MAIN").exists()


def test_a_covert_match_is_neither_listed_nor_settled_by_others() -> None:
    match, examiner = a_match(raised(COVERT)), an_officer(Role.EXAMINER, clearance=9)
    assert not visible_to(examiner, LookoutMatch.objects.all()).exists()
    with pytest.raises(NotKnownError) as hidden:
        settle_match(match=match.reference, confirmed=True, reason="seen", by=examiner, at=NOON)
    with pytest.raises(NotKnownError) as never:
        settle_match(match="LM-NEVERWAS22", confirmed=True, reason="seen", by=examiner, at=NOON)
    assert str(hidden.value) == str(never.value)


def test_acknowledging_a_covert_lookout_is_answered_like_one_that_never_was() -> None:
    lookout, examiner = raised(COVERT), an_officer(Role.EXAMINER, clearance=9, office="MAIN")
    with pytest.raises(NotKnownError) as hidden:
        acknowledge_lookout(reference=lookout.reference, by=examiner, at=NOON)
    assert lookout.reference not in str(hidden.value)


def test_a_covert_lookout_is_published_as_routine() -> None:
    lookout = raised(COVERT)
    cause = Publication.objects.get().cause
    assert cause == "routine publication"
    assert lookout.reference not in cause


def test_references_follow_no_sequence() -> None:
    references = {raised().reference for _ in range(20)}
    assert len({reference[:6] for reference in references}) > 15


def test_a_match_is_settled_once() -> None:
    match, officer = a_match(raised()), an_intelligence_officer()
    settled = settle_match(match=match.reference, confirmed=False, reason="another Acme", by=officer, at=NOON)
    assert settled.state == "cleared"
    with pytest.raises(ConflictError):
        settle_match(match=match.reference, confirmed=True, reason="after all", by=officer, at=NOON)


def test_who_examines_the_goods_confirms_a_match_and_another_clears_it() -> None:
    match, (ann, bob) = a_match(raised()), examiners("ann", "bob")
    given(a_declaration(match.declaration_id), ann)
    with pytest.raises(NotAllowedError, match="another officer"):
        settle_match(match=match.reference, confirmed=False, reason="another Acme", by=ann, at=NOON)
    assert settle_match(match=match.reference, confirmed=False, reason="no", by=bob, at=NOON).state == "cleared"
    Mark.objects.create(
        kind="document", value="BL1", declaration_id=match.declaration_id, lodged_on=NOON.date(), lodged_at=NOON
    )
    filed = a_match(match.lookout)
    LookoutMatch.objects.filter(pk=filed.pk).update(declaration_id="", consignment_id="BL1")
    with pytest.raises(NotAllowedError, match="another officer"):
        settle_match(match=filed.reference, confirmed=False, reason="another Acme", by=ann, at=NOON)
    again = a_match(match.lookout)
    assert settle_match(match=again.reference, confirmed=True, reason="seen", by=ann, at=NOON).state == "confirmed"
