"""Profiles taken out of force, and policies that ask for less, are edits the inspectorate is told of."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.dossier import CATALOGUE, DAY, a_decision, an_active_profile, an_approved_profile, dossier
from tests.examined import day
from tests.office import NOON, an_officer

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.audit import let_pass
from tidewaiter.actions.audit.integrity import integrity_report
from tidewaiter.actions.audit.integrity_rules import POLICY, PROFILES
from tidewaiter.actions.audit.integrity_work import work_of
from tidewaiter.actions.profiles.policies import approve_policy, propose_policy
from tidewaiter.actions.profiles.profile_force import (
    activate_profile,
    expire_profiles,
    resume_profile,
    retire_profile,
    suspend_profile,
)
from tidewaiter.actions.profiles.publishing import republish
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import InputError
from tidewaiter.core.role import Role
from tidewaiter.engines.integrity.edits import ListEdit, WorkingHours
from tidewaiter.engines.integrity.finding import IntegrityFinding, Kind
from tidewaiter.storage.records.models import Officer, ProfileStep, ProfileVersion

pytestmark = pytest.mark.django_db

HOURS = WorkingHours(time_zone="Europe/Riga")
CONDITION = "starts_with(hs_code, '64') AND net_mass > 0"


def edits(list_code: str, clearance: int = 0) -> list[ListEdit]:
    versions = ProfileVersion.objects.filter(rank__lte=clearance)
    found = work_of(day(1), day(20), ZoneInfo(HOURS.time_zone), None, versions).edits
    return [one for one in found if one.list_code == list_code]


def lowering(list_code: str) -> list[ListEdit]:
    return [one for one in edits(list_code) if one.lowers]


def quiet() -> list[IntegrityFinding]:
    reader = an_officer(Role.INSPECTORATE)
    report = integrity_report(start=day(1), end=day(20), hours=HOURS, by=reader, at=day(20))
    return [one for found in report.screenings for one in found.findings if one.kind is Kind.QUIET_EDIT]


def released(number: str, *facts: dict[str, object], at: datetime, channel: Channel = Channel.GREEN) -> None:
    fired: list[tuple[str, str, Channel]] = [("profile", "FW-9", channel)] if channel.selects else []
    made = a_decision(number, facts=list(facts), fired=fired, on=at.date(), importer=f"I-{number}")
    made.decided_at = at
    made.save()
    made.declaration.released_at = at + timedelta(hours=1)
    made.declaration.save()


def suspended() -> Officer:
    an_active_profile(dossier(condition=CONDITION))
    boss = an_officer(Role.RISK_MANAGER, login="rm")
    suspend_profile(code="FW-1", number=1, reason="too many hits", by=boss, at=day(3))
    return boss


SHOES: dict[str, object] = {"hs_code": "640399", "net_mass": 20}


def test_a_suspended_profile_is_told_with_the_goods_that_it_would_have_met_and_that_were_released() -> None:
    suspended()
    released("MET", {"hs_code": "010101", "net_mass": 1}, SHOES, at=day(4))
    released("OTHER", {"hs_code": "010101", "net_mass": 20}, at=day(4))
    released("STOPPED", SHOES, at=day(4), channel=Channel.RED)
    released("EARLIER", SHOES, at=day(2))
    a_decision("HERE", facts=[SHOES], fired=[], on=day(4).date())
    (one,) = lowering(PROFILES)
    assert (one.officer, one.lowers, one.entries, one.second_person) == ("rm", True, ("FW-1@1",), None)
    assert (one.not_selected, one.beneficiaries, one.perhaps_not_selected) == (("MET",), ("I-MET",), 0)
    (found,) = quiet()
    assert (found.officer, found.party, found.evidence[1:]) == ("rm", "I-MET", ("MET",))
    assert "it was made by one person; 1 declaration since not selected for it" in found.sentence


def test_goods_of_which_no_fact_was_stored_that_the_profile_asks_for_are_counted_apart() -> None:
    suspended()
    released("PERHAPS", {"hs_code": "640399"}, at=day(4))
    released("NEVER", {"hs_code": "010101"}, at=day(4))
    (one,) = lowering(PROFILES)
    assert (one.not_selected, one.perhaps_not_selected) == ((), 1)


def test_what_comes_after_the_profile_selects_again_did_not_pass_it() -> None:
    boss = suspended()
    resume_profile(code="FW-1", number=1, reason="back again", catalogue=CATALOGUE, on=DAY, by=boss, at=day(5))
    released("BEFORE", SHOES, at=day(4))
    released("AFTER", SHOES, at=day(6))
    (one,) = lowering(PROFILES)
    assert one.not_selected == ("BEFORE",)
    (found,) = quiet()
    assert "put back 2 days later by rm" in found.sentence


def test_retiring_what_selects_is_an_edit_and_taking_it_over_by_a_new_version_is_none() -> None:
    author = an_officer(Role.PROFILE_AUTHOR)
    an_active_profile(dossier(condition=CONDITION), author=author)
    an_active_profile(dossier(condition="starts_with(hs_code, '64')"), author=author)
    assert [one.lowers for one in edits(PROFILES)] == [False, False]
    retire_profile(code="FW-1", number=2, reason="not worth it", by=an_officer(Role.RISK_MANAGER), at=day(4))
    released("MET", {"hs_code": "640399"}, at=day(5))
    assert [one.not_selected for one in edits(PROFILES) if one.lowers] == [("MET",)]


HARDLY_EVER = "starts_with(hs_code, '64') AND net_mass > 0 AND net_mass < 2"


def test_a_version_that_takes_over_and_asks_for_what_hardly_ever_is_is_told_with_the_goods_it_let_pass() -> None:
    author = an_officer(Role.PROFILE_AUTHOR, login="author")
    an_active_profile(dossier(condition=CONDITION), author=author)
    approved = an_approved_profile(dossier(condition=HARDLY_EVER), author=author)
    boss, night = approved.approver, day(3) + timedelta(hours=11)
    assert boss is not None
    activate_profile(code="FW-1", number=2, reason="better", catalogue=CATALOGUE, on=DAY, by=boss, at=night)
    released("MET", SHOES, at=day(4))
    (one,) = lowering(PROFILES)
    assert (one.officer, one.second_person, one.not_selected) == (boss.login, "author", ("MET",))
    (found,) = quiet()
    assert "outside working hours" in found.sentence
    assert "one person" not in found.sentence
    assert "put back" not in found.sentence


def test_a_suspended_profile_is_not_put_back_by_a_version_that_asks_for_what_hardly_ever_is() -> None:
    suspended()
    an_active_profile(dossier(condition=HARDLY_EVER))
    ProfileStep.objects.filter(version__number=2, after="active").update(at=day(5))
    released("MET", SHOES, at=day(6))
    (one,) = lowering(PROFILES)
    assert (one.not_selected, one.second_person) == (("MET",), None)
    (found,) = quiet()
    assert "put back" not in found.sentence


def test_a_suspended_profile_is_put_back_by_a_version_that_asks_no_less() -> None:
    suspended()
    version = an_approved_profile(dossier(condition="starts_with(hs_code, '64')"))
    boss = an_officer(Role.RISK_MANAGER, login="rm2")
    activate_profile(code="FW-1", number=2, reason="wider", catalogue=CATALOGUE, on=DAY, by=boss, at=day(5))
    assert version.number == 2
    released("BEFORE", SHOES, at=day(4))
    released("AFTER", SHOES, at=day(6))
    (one,) = lowering(PROFILES)
    assert one.not_selected == ("BEFORE",)
    assert "put back 2 days later by rm2" in quiet()[0].sentence


@pytest.mark.parametrize(
    "milder",
    [
        {"exceptions": "importer_code = 'I-MET'"},
        {"extra": "offices: [PORT]\n"},
        {"valid_to": date(2026, 12, 1)},
        {"condition": "starts_with(hs_code, '640') AND net_mass > 0"},
    ],
)
def test_a_version_that_takes_over_with_less_is_an_edit(milder: dict[str, Any]) -> None:
    author = an_officer(Role.PROFILE_AUTHOR)
    an_active_profile(dossier(condition=CONDITION), author=author)
    an_active_profile(dossier(**{"condition": CONDITION} | milder), author=author)
    assert len(lowering(PROFILES)) == 1


def test_what_the_clock_ends_is_nobody_s_edit() -> None:
    an_active_profile(dossier(condition=CONDITION, review_on=DAY, valid_to=DAY))
    expire_profiles(on=day(4).date(), by=SERVICE, at=day(4))
    assert [one.lowers for one in edits(PROFILES)] == [False]


def test_the_report_tells_nothing_of_a_profile_above_the_reader_s_clearance() -> None:
    suspended()
    ProfileVersion.objects.update(rank=3)
    assert edits(PROFILES, clearance=2) == []
    assert len(edits(PROFILES, clearance=3)) == 2


def test_more_releases_than_are_looked_at_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(let_pass, "MOST_LOOKED_AT", 1)
    suspended()
    released("ONE", SHOES, at=day(4))
    released("TWO", SHOES, at=day(5))
    work = work_of(day(1), day(20), ZoneInfo(HOURS.time_zone), None, ProfileVersion.objects.all())
    assert len(work.edit_notes) == 1


@pytest.mark.parametrize("reason", ["", " ", "why", " a  b ", "1234"])
def test_a_profile_is_not_suspended_resumed_or_retired_without_a_reason_in_words(reason: str) -> None:
    an_active_profile(dossier())
    boss = an_officer(Role.RISK_MANAGER)
    for act in (suspend_profile, retire_profile):
        with pytest.raises(InputError, match="in words"):
            act(code="FW-1", number=1, reason=reason, by=boss, at=NOON)
    suspend_profile(code="FW-1", number=1, reason="too many hits", by=boss, at=NOON)
    with pytest.raises(InputError, match="in words"):
        resume_profile(code="FW-1", number=1, reason=reason, catalogue=CATALOGUE, on=DAY, by=boss, at=NOON)


CITES = """\
mandatory:
  - code: CITES
    condition: starts_with(hs_code, '01')
    channel: red
    instruction: Ask for the permit.
"""


def a_policy_in_force(version: int, share: str, *, more: str = "", at: datetime) -> None:
    text = f"policy: national\nversion: {version}\nrandom: {{share: {share}}}\n{more}"
    proposer, boss = an_officer(Role.ANALYST, login=f"proposer-{version}"), an_officer(Role.RISK_MANAGER)
    propose_policy(text=text, reason="committee", catalogue=CATALOGUE, by=proposer, at=at)
    approve_policy(number=version, catalogue=CATALOGUE, by=boss, at=at)


def test_a_policy_that_lowers_a_share_is_an_edit_and_one_that_raises_it_again_puts_it_back() -> None:
    republish(cause="setup", by=SERVICE, at=day(1))
    a_policy_in_force(2, "0.5", at=day(2))
    a_policy_in_force(3, "0.4", at=day(3) + timedelta(hours=11))
    a_policy_in_force(4, "0.5", at=day(4))
    by_night = [one for one in edits(POLICY) if one.lowers and one.officer == "proposer-3"]
    assert [one.entries for one in by_night] == [("random share",)]
    assert "random share" in [entry for one in edits(POLICY) if not one.lowers for entry in one.entries]
    (found,) = [one for one in quiet() if one.officer == "proposer-3"]
    assert "outside working hours" in found.sentence
    assert "put back" in found.sentence


def test_a_policy_that_drops_a_mandatory_control_is_told_with_the_goods_it_let_pass() -> None:
    republish(cause="setup", by=SERVICE, at=day(1))
    a_policy_in_force(2, "0.5", more=CITES, at=day(2))
    a_policy_in_force(3, "0.5", at=day(3))
    released("PARROT", {"hs_code": "010632"}, at=day(4))
    released("SHOES", SHOES, at=day(4))
    (one,) = [one for one in edits(POLICY) if one.lowers and one.officer == "proposer-3"]
    assert (one.entries, one.not_selected) == (("mandatory control CITES",), ("PARROT",))
