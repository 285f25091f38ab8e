"""What is done to profiles, lists, lookouts, traders and policy leaves a chain that verifies."""

from datetime import timedelta

import pytest
from tests.dossier import CATALOGUE, DAY, a_decision, an_active_profile, dossier
from tests.office import NOON, an_office, an_officer

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.audit.auditing import verify
from tidewaiter.actions.examinations.capacity import waive_hit
from tidewaiter.actions.profiles.list_watch import watch_edits
from tidewaiter.actions.profiles.lists import ListEdit, approve_edit, edit_list, write_list_text
from tidewaiter.actions.profiles.lookouts import LookoutText, confirm_end, end_lookout, extend_lookout, raise_lookout
from tidewaiter.actions.profiles.policies import approve_policy, propose_policy
from tidewaiter.actions.profiles.profile_force import keep_profile, suspend_profile
from tidewaiter.actions.profiles.profiles import draft_profile, edit_profile, share_profile
from tidewaiter.actions.profiles.traders import Status, approve_status, grant_status, suspend_status
from tidewaiter.core.channel import Channel
from tidewaiter.core.lookout import LookoutAction, LookoutKind
from tidewaiter.core.profile import Entry
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import Officer

pytestmark = pytest.mark.django_db


def profiles_worked_on(author: Officer, manager: Officer) -> None:
    an_active_profile(dossier(condition="in_list(importer_code, 'watched')"))
    keep_profile(
        code="FW-1",
        number=1,
        review_on=DAY + timedelta(days=90),
        evaluation="finds 2 in 10",
        on=DAY,
        by=manager,
        at=NOON,
    )
    draft_profile(text=dossier("FW-2"), catalogue=CATALOGUE, by=author, at=NOON)
    share_profile(code="FW-2", number=1, co_authors=[manager.login], by=author, at=NOON)
    text = dossier("FW-2", extra="evaluation: later\n")
    edit_profile(code="FW-2", number=1, text=text, catalogue=CATALOGUE, by=author, at=NOON)
    share_profile(code="FW-2", number=1, co_authors=[], by=author, at=NOON)
    suspend_profile(code="FW-1", number=1, reason="too many hits", by=manager, at=NOON)


def lists_worked_on(author: Officer, manager: Officer) -> None:
    later = NOON + timedelta(minutes=1)
    given = {"catalogue": CATALOGUE, "on": DAY, "by": author, "at": NOON, "reason": "report 7"}
    write_list_text(name="watched", text="list: watched\nentries: [I1, I2]\n", **given)  # type: ignore[arg-type]
    approve_edit(name="watched", number=1, by=manager, at=NOON)
    edit_list(name="watched", edit=ListEdit(add=(Entry("I7"),)), **given)  # type: ignore[arg-type]
    approve_edit(name="watched", number=2, by=manager, at=later)
    watch_edits(catalogue=CATALOGUE, by=SERVICE, at=NOON + timedelta(hours=1))


def lookouts_worked_on(first: Officer, second: Officer) -> None:
    text = LookoutText(
        kind=LookoutKind.CONTAINER,
        action=LookoutAction.EXAMINE,
        reason="a report",
        contact="+00",
        values=("MSCU6639870",),
        instruction="open it",
        offices=("MAIN",),
    )
    reference = raise_lookout(text=text, expires_at=NOON + timedelta(days=1), by=first, at=NOON).reference
    extend_lookout(reference=reference, expires_at=NOON + timedelta(days=2), reason="late", by=first, at=NOON)
    end_lookout(reference=reference, outcome="not met", by=first, at=NOON)
    confirm_end(reference=reference, agreed=True, reason="agreed", by=second, at=NOON)


def traders_worked_on(author: Officer, manager: Officer) -> None:
    text = "policy: n\nversion: 2\nrandom: {share: 0.03}\ntrusted_traders:\n  aeo: {profile_factor: 0.5}\n"
    propose_policy(text=text, reason="committee", catalogue=CATALOGUE, by=author, at=NOON)
    approve_policy(number=2, catalogue=CATALOGUE, by=manager, at=NOON)
    status = Status(party_code="I1", kind="aeo", scope="both", valid_from=DAY)
    grant_status(status=status, reason="audit", catalogue=CATALOGUE, on=DAY, by=author, at=NOON)
    approve_status(party_code="I1", number=1, by=manager, at=NOON)
    suspend_status(party_code="I1", reason="seizure", by=manager, at=NOON + timedelta(minutes=2))


def test_the_chain_verifies_after_all_that_people_do() -> None:
    an_office("MAIN")
    every = [role for role in Role if role is not Role.INSPECTORATE]
    author, manager = an_officer(*every), an_officer(*every)
    lists_worked_on(author, manager)
    profiles_worked_on(author, manager)
    lookouts_worked_on(author, manager)
    traders_worked_on(author, manager)
    hit = a_decision("D1", facts=[], fired=[("profile", "FW-1", Channel.RED)], within_capacity=False)
    waive_hit(decision=hit.pk, reason="no officer", by=manager, at=NOON)
    found = verify([])
    told = [finding.text for finding in found.findings]
    made_by_the_test = ("officer:", "decision:X-D1", "declaration:D1", "set:0000")
    assert [text for text in told if not text.startswith(made_by_the_test)] == []
