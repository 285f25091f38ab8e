"""The integrity report is made from the records, for the inspectorate alone."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.examined import KEYS, POLICY, TODAY, a_declaration, day, examiners, given, opened
from tests.office import NOON, an_officer

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.audit.integrity import integrity_report
from tidewaiter.actions.audit.integrity_edits import LOOKOUTS
from tidewaiter.actions.audit.integrity_work import work_of
from tidewaiter.actions.decisions.matches import settle_match
from tidewaiter.actions.examinations.acts import close_acts
from tidewaiter.actions.examinations.assignments import assign_waiting, replace_officer
from tidewaiter.actions.examinations.overrides import confirm_lowering, lower_channel, raise_channel
from tidewaiter.actions.examinations.results import correct_result, record_result
from tidewaiter.actions.profiles.lookouts import (
    LookoutText,
    confirm_end,
    end_lookout,
    expire_lookouts,
    raise_lookout,
    shorten_lookout,
)
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import InputError, NotAllowedError
from tidewaiter.core.lookout import LookoutAction, LookoutKind
from tidewaiter.core.role import Role
from tidewaiter.engines.integrity.edits import ListEdit, WorkingHours
from tidewaiter.engines.integrity.finding import Kind
from tidewaiter.engines.integrity.screen import IntegrityReport, Work
from tidewaiter.storage.records.models import (
    Act,
    AuditEvent,
    Classification,
    Declaration,
    Lookout,
    LookoutMatch,
    Mark,
    Officer,
    Proposal,
    TrustedTrader,
)
from tidewaiter.storage.records.visibility import visible_to

pytestmark = pytest.mark.django_db

HOURS = WorkingHours(time_zone="Europe/Riga")
HOURS_ZONE = ZoneInfo(HOURS.time_zone)
FOUND: Mapping[str, object] = {"outcome": "found_other", "categories": ["OTHER"]}
NOTHING: Mapping[str, object] = {"outcome": "nothing_found"}


def work() -> Work:
    return work_of(day(1), day(20), HOURS_ZONE)


def report(officer: Officer) -> IntegrityReport:
    return integrity_report(start=day(1), end=day(20), hours=HOURS, by=officer, at=day(20))


def closed(act: Act, outcome: Mapping[str, object]) -> None:
    act.refresh_from_db()
    assert act.officer is not None
    record_result(act_id=act.pk, given=outcome, by=act.officer, at=NOON)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.INSPECTORATE])
def test_only_the_inspectorate_reads_it(role: Role) -> None:
    with pytest.raises(NotAllowedError):
        report(an_officer(role))


def test_reading_it_is_recorded() -> None:
    inspector = an_officer(Role.INSPECTORATE)
    report(inspector)
    event = AuditEvent.objects.get()
    assert (event.action, event.actor) == ("integrity.read", inspector.reference)


def test_a_declaration_is_one_clearance_with_its_roster_and_what_was_found() -> None:
    examiners("ann", "bob")
    acts = opened(a_declaration(identity="BL-1", declarant="DEC7"))
    assign_waiting(keys=KEYS, policy=POLICY, by=SERVICE, at=NOON)
    for act in acts:
        closed(act, FOUND if act.kind == "documents" else NOTHING)
    (one,) = work().clearances
    assert (one.declaration_id, one.declarant, one.identity, one.found) == ("D1", "DEC7", "BL-1", True)
    assert (one.by_draw, one.control, set(one.roster)) == (True, "physical, random", {"ann", "bob"})


def test_what_is_overturned_counts_neither_as_found_nor_as_clean() -> None:
    (ann,) = examiners("ann")
    (act,) = given(a_declaration(channel=Channel.ORANGE), ann)
    closed(act, FOUND)
    correct_result(act_id=act.pk, given={**FOUND, "state": "overturned"}, reason="appeal", by=ann, at=day(5))
    assert [one.found for one in work().clearances] == [None]


def test_what_the_service_closed_is_nobody_s_clearance() -> None:
    (ann,) = examiners("ann")
    given(a_declaration(channel=Channel.ORANGE), ann)
    close_acts(["D1"], reason="goods released", at=NOON)
    assert work().clearances == ()
    assert work().assignments == ()


def test_an_assignment_off_the_draw_is_told_with_its_reason() -> None:
    ann, bob = examiners("ann", "bob")
    opened(a_declaration(channel=Channel.ORANGE))
    (lot,) = assign_waiting(keys=KEYS, policy=POLICY, by=SERVICE, at=NOON)
    other = bob if lot.officer == ann else ann
    boss = an_officer(Role.MANAGER, office="MAIN")
    replace_officer(act_id=lot.subject, officer=other.login, reason="is ill", by=boss, at=NOON)
    closed(Act.objects.get(), NOTHING)
    (one,) = work().assignments
    assert (one.drawn, one.standing, one.reason, one.off_draw) == (lot.officer.login, other.login, "is ill", False)


def test_an_officer_changed_behind_the_service_s_back_is_off_the_draw() -> None:
    ann, bob = examiners("ann", "bob")
    opened(a_declaration(channel=Channel.ORANGE))
    (lot,) = assign_waiting(keys=KEYS, policy=POLICY, by=SERVICE, at=NOON)
    Act.objects.update(officer=bob if lot.officer == ann else ann)
    closed(Act.objects.get(), NOTHING)
    assert [one.off_draw for one in work().assignments] == [True]
    found = report(an_officer(Role.INSPECTORATE))
    assert Kind.OFF_DRAW in {finding.kind for screening in found.screenings for finding in screening.findings}


def lower(number: str, boss: Officer, second: Officer) -> None:
    proposed = lower_channel(
        declaration=number,
        channel=Channel.GREEN,
        reason_code="FALSE_MATCH",
        reason="other goods",
        policy=POLICY,
        on=TODAY,
        by=boss,
        at=NOON,
    )
    confirm_lowering(override=proposed.pk, policy=POLICY, on=TODAY, by=second, at=NOON)


def test_overrides_that_favour_one_declarant_are_found() -> None:
    boss, second = an_officer(Role.MANAGER, office="MAIN", login="boss"), an_officer(Role.MANAGER, office="MAIN")
    for number in range(30):
        opened(a_declaration(f"D{number:02d}", declarant="FRIEND" if number < 6 else f"DEC{number}", importer=""))
    for number in range(6):
        lower(f"D{number:02d}", boss, second)
    found = report(an_officer(Role.INSPECTORATE))
    favoured = [one for screening in found.screenings for one in screening.findings if one.kind is Kind.FAVOURED_PARTY]
    assert [(one.officer, one.party) for one in favoured] == [("boss", "FRIEND")]


def test_only_overrides_that_took_effect_count() -> None:
    boss = an_officer(Role.MANAGER, office="MAIN")
    opened(a_declaration(channel=Channel.ORANGE))
    lower_channel(
        declaration="D1",
        channel=Channel.GREEN,
        reason_code="FALSE_MATCH",
        reason="other goods",
        policy=POLICY,
        on=TODAY,
        by=boss,
        at=NOON,
    )
    raise_channel(
        declaration="D1",
        channel=Channel.RED,
        reason_code="SUSPICION",
        reason="glued seal",
        policy=POLICY,
        on=TODAY,
        by=boss,
        at=NOON,
    )
    assert [(one.before, one.after) for one in work().overrides] == [(Channel.ORANGE, Channel.RED)]


def test_the_later_result_of_an_override_is_there_to_measure_it() -> None:
    (ann,) = examiners("ann")
    boss = an_officer(Role.MANAGER, office="MAIN", login="boss")
    opened(a_declaration(channel=Channel.YELLOW))
    raise_channel(
        declaration="D1",
        channel=Channel.RED,
        reason_code="SUSPICION",
        reason="glued seal",
        policy=POLICY,
        on=TODAY,
        by=boss,
        at=NOON,
    )
    Act.objects.update(officer=ann)
    closed(Act.objects.get(kind="physical"), FOUND)
    success = report(an_officer(Role.INSPECTORATE)).success
    rates = [(one.officer, one.lowering, one.borne_out.numerator if one.borne_out else None) for one in success]
    assert rates == [(None, False, 1), ("boss", False, 1)]


def a_lowering_edit(by: Officer) -> Proposal:
    at = day(7) + timedelta(hours=14)
    return Proposal.objects.create(
        kind="list",
        name="watched_importers",
        number=2,
        text="",
        digest="",
        state="in force",
        direction="lowers",
        lost={"lost": ["IMP9"], "gained": [], "selections": {"declarations": ["D0"], "parties": ["DEC9"]}},
        proposed_by=by,
        proposed_at=at,
        decided_by=an_officer(Role.RISK_MANAGER, login="second"),
        in_force_at=at,
    )


def test_a_list_edit_made_at_night_just_before_its_beneficiary_files_is_found() -> None:
    spy = an_officer(Role.INTELLIGENCE_OFFICER, login="spy")
    edit = a_lowering_edit(spy)
    a_declaration("D9", Channel.GREEN, importer="IMP9", decided_on=day(8).date())
    (held,) = work().edits
    assert held.beneficiaries == ("IMP9", "DEC9")
    assert (held.second_person, held.would_have_lost) == ("second", ("D0",))
    assert [one.document_id for one in work().filings] == ["D9"]
    found = report(an_officer(Role.INSPECTORATE))
    quiet = [one for screening in found.screenings for one in screening.findings if one.kind is Kind.QUIET_EDIT]
    assert [one.officer for one in quiet] == [edit.proposed_by.login]


def test_a_trader_s_status_is_an_edit_that_lowers() -> None:
    boss = an_officer(Role.RISK_MANAGER, login="rm")
    TrustedTrader.objects.create(
        party_code="IMP3", number=1, kind="AEO", scope="both", valid_from=TODAY, by=boss, at=NOON
    )
    assert [(one.lowers, one.beneficiaries) for one in work().edits] == [(True, ("IMP3",))]


def a_lookout(spy: Officer, *, rank: int = 0, **more: Any) -> Lookout:
    said: dict[str, Any] = {
        "kind": LookoutKind.COMPANY,
        "action": LookoutAction.EXAMINE,
        "reason": "a report",
        "contact": "duty officer",
        "values": ("IMP9",),
        "instruction": "Open it.",
        "rank": rank,
    }
    text = LookoutText(**said | more)
    return raise_lookout(text=text, expires_at=day(30), by=spy, at=day(1))


def at_night(number: int) -> datetime:
    return day(number) + timedelta(hours=11)


def test_a_lookout_ended_early_is_an_edit_that_lowers() -> None:
    spy, second = (an_officer(Role.INTELLIGENCE_OFFICER, login=login) for login in ("spy", "second"))
    lookout = a_lookout(spy)
    a_declaration("D0", importer="IMP7")
    LookoutMatch.objects.create(
        lookout=lookout, declaration_id="D0", version=1, certainty="exact", value="IMP9", met_at=day(2)
    )
    end_lookout(reference=lookout.reference, outcome="nothing more", by=spy, at=at_night(7))
    confirm_end(reference=lookout.reference, agreed=True, by=second, at=at_night(7))
    ended = [one for one in seen_by(spy) if one.lowers]
    assert [(one.officer, one.second_person, one.edited_at) for one in ended] == [("spy", "second", at_night(7))]
    assert (ended[0].beneficiaries, ended[0].would_have_lost) == (("IMP9", "IMP7"), ("D0",))
    a_declaration("D9", Channel.GREEN, importer="IMP9", decided_on=day(8).date())
    found = report(an_officer(Role.INSPECTORATE))
    quiet = [one for screening in found.screenings for one in screening.findings if one.kind is Kind.QUIET_EDIT]
    assert [one.officer for one in quiet] == ["spy"]


def test_a_lookout_shortened_is_an_edit_that_lowers_and_raising_it_again_puts_it_back() -> None:
    spy, second = (an_officer(Role.INTELLIGENCE_OFFICER, login=login) for login in ("spy", "second"))
    lookout = a_lookout(spy)
    shorten_lookout(reference=lookout.reference, expires_at=day(8), reason="quiet", by=spy, at=at_night(7))
    assert [one.lowers for one in seen_by(spy)] == [False]
    confirm_end(reference=lookout.reference, agreed=True, by=second, at=at_night(7))
    a_lookout(second, values=("IMP9", "IMP10"))
    lowered = [one for one in seen_by(spy) if one.lowers]
    assert [(one.officer, one.second_person, one.entries) for one in lowered] == [("spy", "second", ("IMP9",))]


def test_a_refused_end_and_an_expiry_lower_nothing() -> None:
    spy, second = (an_officer(Role.INTELLIGENCE_OFFICER, login=login) for login in ("spy", "second"))
    lookout = a_lookout(spy)
    end_lookout(reference=lookout.reference, outcome="nothing more", by=spy, at=at_night(7))
    confirm_end(reference=lookout.reference, agreed=False, by=second, at=at_night(7))
    Lookout.objects.update(expires_at=day(8))
    expire_lookouts(by=SERVICE, at=day(9))
    end_lookout(reference=lookout.reference, outcome="never met", by=spy, at=day(10))
    assert [one.lowers for one in seen_by(spy)] == [False]


def test_the_report_tells_nothing_of_a_lookout_above_the_reader_s_clearance() -> None:
    Classification.objects.create(rank=3, code="S", label="secret")
    spy, second = (an_officer(Role.INTELLIGENCE_OFFICER, login=login, clearance=3) for login in ("spy", "second"))
    lookout = a_lookout(spy, rank=3)
    end_lookout(reference=lookout.reference, outcome="nothing more", by=spy, at=at_night(7))
    confirm_end(reference=lookout.reference, agreed=True, by=second, at=at_night(7))
    a_declaration("D9", Channel.GREEN, importer="IMP9", decided_on=day(8).date())
    assert lookout.reference not in str(report(an_officer(Role.INSPECTORATE)))
    assert lookout.reference in str(report(an_officer(Role.INSPECTORATE, clearance=3)))


def a_possible_match(lookout: Lookout, declaration: str = "", consignment: str = "") -> LookoutMatch:
    return LookoutMatch.objects.create(
        lookout=lookout, declaration_id=declaration, consignment_id=consignment, version=1, certainty="possible",
        value="IMP9 LTD", met_at=day(2),
    )  # fmt: skip


def cleared(match: LookoutMatch, by: Officer, *, confirmed: bool = False) -> None:
    settle_match(match=match.reference, confirmed=confirmed, reason="another company", by=by, at=day(7))


def test_a_possible_match_that_one_officer_cleared_is_an_edit_that_lowers() -> None:
    spy = an_officer(Role.INTELLIGENCE_OFFICER, login="spy")
    lookout = a_lookout(spy)
    a_declaration("D0", importer="IMP7")
    a_declaration("D1", importer="IMP8")
    cleared(a_possible_match(lookout, "D0"), spy)
    cleared(a_possible_match(lookout, "D1"), spy, confirmed=True)
    a_possible_match(lookout, "D1")
    (one,) = [one for one in seen_by(spy) if one.lowers]
    assert (one.officer, one.edited_at, one.second_person, one.beneficiaries) == ("spy", day(7), None, ("IMP7",))


def test_a_cleared_match_of_goods_released_unselected_afterwards_is_told_to_the_inspectorate() -> None:
    spy = an_officer(Role.INTELLIGENCE_OFFICER, login="spy")
    lookout = a_lookout(spy)
    for number, channel in (("PASSED", Channel.GREEN), ("STOPPED", Channel.RED), ("EARLIER", Channel.GREEN)):
        a_declaration(number, channel, importer=f"I-{number}")
        released_at = day(6 if number == "EARLIER" else 8)
        Declaration.objects.filter(pk=number).update(released_at=released_at)
        Mark.objects.create(declaration_id=number, kind="document", value="BL-9", lodged_on=TODAY, lodged_at=day(2))
    cleared(a_possible_match(lookout, consignment="BL-9"), spy)
    (one,) = [one for one in seen_by(spy) if one.lowers]
    assert (one.not_selected, set(one.beneficiaries)) == (("PASSED",), {"I-PASSED", "I-STOPPED", "I-EARLIER"})
    found = report(an_officer(Role.INSPECTORATE))
    (quiet,) = [one for screening in found.screenings for one in screening.findings if one.kind is Kind.QUIET_EDIT]
    assert (quiet.officer, quiet.evidence[1]) == ("spy", "PASSED")
    assert "it was made by one person" in quiet.sentence


def seen_by(officer: Officer) -> list[ListEdit]:
    seen = visible_to(officer, Lookout.objects.all())
    return [one for one in work_of(day(1), day(20), HOURS_ZONE, seen).edits if one.list_code == LOOKOUTS]


def test_where_no_lot_was_drawn_the_roster_is_who_worked_that_month() -> None:
    ann, bob = examiners("ann", "bob")
    for number, officer in (("D1", ann), ("D2", ann), ("D3", bob)):
        (act,) = given(a_declaration(number, Channel.ORANGE), officer)
        closed(act, NOTHING)
    assert [(one.by_draw, one.roster) for one in work().clearances] == [(False, {"ann": 2.0, "bob": 1.0})] * 3


def test_a_period_must_end_after_it_begins() -> None:
    with pytest.raises(InputError):
        integrity_report(start=day(2), end=day(2), hours=HOURS, by=an_officer(Role.INSPECTORATE), at=day(3))
