"""Lists: what raises acts at once, what may lower waits for a second person and shows what it would have lost."""

from datetime import date, timedelta

import pytest
from tests.dossier import CATALOGUE, DAY, a_decision, an_active_profile, dossier, in_force_text
from tests.office import NOON, an_officer

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.profiles.list_watch import watch_edits
from tidewaiter.actions.profiles.lists import (
    ListEdit,
    approve_edit,
    edit_list,
    keep_edit,
    list_of,
    overdue_reviews,
    preview_edit,
    refuse_edit,
    review_edit,
    waiting_edits,
    write_list_text,
)
from tidewaiter.actions.profiles.proposals import in_force
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError
from tidewaiter.core.profile import Entry
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import Officer, Proposal, Publication

pytestmark = pytest.mark.django_db

ADD = ListEdit(add=(Entry("I7", note="report 7"),))
REMOVE = ListEdit(remove=("I1",))


def watched() -> None:
    """Let a profile in force ask a list of importers."""
    in_force_text("list", "watched", "list: watched\nentries: [I1, I2]\n")
    an_active_profile(dossier(condition="in_list(importer_code, 'watched')"))


def edited(edit: ListEdit, by: Officer | None = None) -> Proposal:
    officer = by or an_officer(Role.ANALYST)
    return edit_list(name="watched", edit=edit, reason="report 7", catalogue=CATALOGUE, on=DAY, by=officer, at=NOON)


def values() -> set[str]:
    current = in_force("list", "watched")
    assert current is not None
    return set(list_of(current.text, "watched", CATALOGUE).values(DAY))


def test_an_addition_to_a_watch_list_acts_at_once() -> None:
    watched()
    found = edited(ADD)
    assert (found.state, found.direction) == ("in force", "raises")
    assert values() == {"I1", "I2", "I7"}
    assert Publication.objects.order_by("-pk")[0].cause == "list watched raised"


def test_it_is_to_be_reviewed_by_another_within_a_day() -> None:
    watched()
    analyst = an_officer(Role.ANALYST)
    found = edited(ADD, analyst)
    assert not overdue_reviews(NOON + timedelta(hours=24)).exists()
    assert overdue_reviews(NOON + timedelta(hours=25)).get() == found
    with pytest.raises(NotAllowedError):
        review_edit(name="watched", number=2, comment="fine", by=analyst, at=NOON)
    review_edit(name="watched", number=2, comment="as report 7 says", by=an_officer(Role.ANALYST), at=NOON)
    assert not overdue_reviews(NOON + timedelta(hours=25)).exists()


def test_a_removal_waits_for_a_second_person() -> None:
    watched()
    analyst = an_officer(Role.ANALYST, Role.RISK_MANAGER)
    found = edited(REMOVE, analyst)
    assert (found.state, found.direction) == ("proposed", "lowers")
    assert values() == {"I1", "I2"}
    with pytest.raises(NotAllowedError):
        approve_edit(name="watched", number=2, by=analyst, at=NOON)
    approve_edit(name="watched", number=2, by=an_officer(Role.RISK_MANAGER), at=NOON)
    assert values() == {"I2"}
    assert not waiting_edits().exists()


def test_a_removal_shows_the_selections_it_would_have_lost() -> None:
    watched()
    profile = [("profile", "FW-1", Channel.RED)]
    a_decision("LOST", facts=[{"importer_code": "I1"}], fired=profile)
    a_decision("KEPT", facts=[{"importer_code": "I1"}, {"importer_code": "I2"}], fired=profile)
    a_decision("OTHER", facts=[{"importer_code": "I2"}], fired=profile)
    a_decision("RANDOM", facts=[{"importer_code": "I1"}], fired=[*profile, ("random", "random", Channel.YELLOW)])
    a_decision("OLD", facts=[{"importer_code": "I1"}], fired=profile, on=DAY - timedelta(days=90))
    shown = edited(REMOVE).lost["selections"]
    assert (shown["declarations"], shown["lowered"], shown["count"]) == (["LOST"], ["RANDOM"], 1)
    assert (shown["looked_at"], shown["complete"], shown["by_user"]) == (4, True, {"FW-1": 2})
    assert shown["parties"] == ["I1"]


def test_a_shorter_validity_waits_for_a_second_person() -> None:
    watched()
    found = edited(ListEdit(change=(Entry("I1", valid_to=date(2026, 3, 31)),)))
    assert (found.state, found.direction) == ("proposed", "lowers")


def test_an_addition_to_a_list_of_exceptions_waits_for_a_second_person() -> None:
    in_force_text("list", "watched", "list: watched\nentries: [I9]\n")
    an_active_profile(dossier(exceptions="in_list(importer_code, 'watched')"))
    a_decision("FREED", facts=[{"importer_code": "I7", "hs_code": "640399"}], fired=[("profile", "FW-1", Channel.RED)])
    found = edited(ADD)
    assert (found.state, found.direction) == ("proposed", "lowers")
    assert found.lost["selections"]["declarations"] == ["FREED"]


def test_a_list_that_nothing_asks_waits_for_a_second_person() -> None:
    in_force_text("list", "watched", "list: watched\nentries: [I1]\n")
    assert edited(ADD).state == "proposed"


def test_a_use_through_an_indicator_counts() -> None:
    in_force_text("list", "watched", "list: watched\nentries: [I1]\n")
    in_force_text("indicator", "known", "indicators:\n  known_one:\n    condition: in_list(importer_code, 'watched')\n")
    an_active_profile(dossier(condition="known_one"))
    found = edited(ADD)
    assert (found.state, found.lost["uses"]) == ("in force", ["FW-1 importer_code selects"])


def test_a_new_list_is_proposed() -> None:
    found = write_list_text(
        name="ports",
        text="list: ports\nentries: [XXABC]\n",
        reason="new",
        catalogue=CATALOGUE,
        on=DAY,
        by=an_officer(Role.ANALYST),
        at=NOON,
    )
    assert (found.number, found.state) == (1, "proposed")


def test_everything_wrong_with_an_edit_is_told_at_once() -> None:
    watched()
    with pytest.raises(InputError) as caught:
        edited(ListEdit(add=(Entry("I1"),), remove=("I8",), change=(Entry("I9"),)))
    assert len(caught.value.problems) == 3


def test_a_list_that_is_not_there_cannot_be_edited() -> None:
    with pytest.raises(NotKnownError):
        edited(ADD)


def test_an_edit_made_for_an_older_version_is_refused() -> None:
    watched()
    removal = edited(REMOVE)
    edited(ADD)
    with pytest.raises(ConflictError, match="changed since"):
        approve_edit(name="watched", number=removal.number, by=an_officer(Role.RISK_MANAGER), at=NOON)


def test_a_direction_computed_for_another_set_does_not_count() -> None:
    watched()
    preview = preview_edit(name="watched", edit=ADD, catalogue=CATALOGUE, on=DAY)
    an_active_profile(dossier("FW-2", exceptions="in_list(exporter_code, 'watched')"))
    with pytest.raises(ConflictError, match="meanwhile"):
        keep_edit(preview=preview, reason="report 7", by=an_officer(Role.ANALYST), at=NOON)
    assert values() == {"I1", "I2"}


def test_a_refused_edit_changes_nothing() -> None:
    watched()
    edited(REMOVE)
    refused = refuse_edit(name="watched", number=2, reason="still needed", by=an_officer(Role.RISK_MANAGER), at=NOON)
    assert refused.state == "refused"
    assert values() == {"I1", "I2"}


def released(number: str, importer: str, *, on: date = DAY, channel: Channel = Channel.GREEN) -> None:
    fired: list[tuple[str, str, Channel]] = [("profile", "FW-1", channel)] if channel.selects else []
    decision = a_decision(number, facts=[{"importer_code": importer}], fired=fired, on=on)
    decision.declaration.released_at = decision.decided_at
    decision.declaration.save()


def test_what_a_lowering_edit_let_pass_is_kept_with_it_for_the_integrity_report() -> None:
    watched()
    edited(REMOVE)
    approve_edit(name="watched", number=2, by=an_officer(Role.RISK_MANAGER), at=NOON - timedelta(hours=1))
    released("PASSED", "I1")
    released("OTHER", "I5")
    released("STOPPED", "I1", channel=Channel.RED)
    released("EARLIER", "I1", on=DAY - timedelta(days=1))
    a_decision("HERE", facts=[{"importer_code": "I1"}], fired=[])
    assert watch_edits(catalogue=CATALOGUE, by=SERVICE, at=NOON + timedelta(hours=1)) == 1
    assert Proposal.objects.get(name="watched", number=2).lost["not_selected"] == ["PASSED"]


def test_each_decision_is_looked_at_once_for_an_edit() -> None:
    watched()
    edited(REMOVE)
    approve_edit(name="watched", number=2, by=an_officer(Role.RISK_MANAGER), at=NOON - timedelta(hours=1))
    released("PASSED", "I1")
    watch_edits(catalogue=CATALOGUE, by=SERVICE, at=NOON + timedelta(hours=1))
    released("LATER", "I1", on=DAY + timedelta(days=1))
    assert watch_edits(catalogue=CATALOGUE, by=SERVICE, at=NOON + timedelta(days=2)) == 1
    assert Proposal.objects.get(name="watched", number=2).lost["not_selected"] == ["PASSED", "LATER"]


def test_an_edit_is_watched_for_thirty_days() -> None:
    watched()
    edited(REMOVE)
    approve_edit(name="watched", number=2, by=an_officer(Role.RISK_MANAGER), at=NOON)
    released("PASSED", "I1", on=DAY + timedelta(days=40))
    assert watch_edits(catalogue=CATALOGUE, by=SERVICE, at=NOON + timedelta(days=41)) == 0
