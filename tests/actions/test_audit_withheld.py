"""What a search of the audit withholds of lookouts and requests above the reader's clearance."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.office import NOON, an_officer

from tidewaiter.actions.administration import add_classification
from tidewaiter.actions.audit import auditing
from tidewaiter.actions.audit.auditing import Search
from tidewaiter.actions.profiles.lookouts import LookoutText, raise_lookout
from tidewaiter.core.lookout import LookoutAction, LookoutKind
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import AuditEvent, Classification, Grant, Lookout, Officer

pytestmark = pytest.mark.django_db

COVERT = LookoutText(
    kind=LookoutKind.CONTAINER,
    action=LookoutAction.MONITOR,
    reason="a report of last night",
    contact="+00 555 0100",
    values=("MSCU6639870",),
    rank=2,
)


@pytest.fixture
def raiser() -> Officer:
    """Return an intelligence officer cleared for the highest of two ranks."""
    for rank, code in ((1, "OFFICIAL"), (2, "SECRET")):
        Classification.objects.create(rank=rank, code=code, label=code.title())
    return an_officer(Role.INTELLIGENCE_OFFICER, clearance=2)


def raised(by: Officer, text: LookoutText = COVERT) -> Lookout:
    return raise_lookout(text=text, expires_at=NOON + timedelta(days=7), by=by, at=NOON)


def seen_by(reader: Officer, **asked: str | int) -> list[AuditEvent]:
    search = Search(**asked)  # type: ignore[arg-type]
    return auditing.search_events(search=search, by=reader, at=NOON + timedelta(hours=1)).events


def test_an_inspector_below_its_rank_is_not_told_which_lookout_an_event_is_of(raiser: Officer) -> None:
    lookout, reader = raised(raiser), an_officer(Role.INSPECTORATE, clearance=1)
    kept = {one.hash for one in AuditEvent.objects.filter(actor=raiser.reference)}
    shown = seen_by(reader)
    (withheld,) = [one for one in shown if one.record == "lookout:withheld"]
    assert (withheld.actor, withheld.action, withheld.digest, withheld.hash) == ("withheld", "withheld", "", "")
    published = [one for one in shown if one.action == "set.publish"]
    assert {one.actor for one in published} == {"withheld"}
    told = {text for one in shown for text in (one.actor, one.record, one.hash, one.previous)}
    assert not told & {lookout.reference, f"lookout:{lookout.reference}", raiser.reference, *kept}


@pytest.mark.parametrize("asked", ["record", "kind", "withheld", "action", "actor"])
def test_nothing_that_is_asked_for_confirms_a_lookout_above_the_clearance(asked: str, raiser: Officer) -> None:
    lookout, reader = raised(raiser), an_officer(Role.INSPECTORATE, clearance=1)
    guesses: dict[str, dict[str, str | int]] = {
        "record": {"record": f"lookout:{lookout.reference}"},
        "kind": {"record": "lookout"},
        "withheld": {"record": "lookout:withheld"},
        "action": {"action": "lookout.raise"},
        "actor": {"actor": raiser.reference},
    }
    assert seen_by(reader, **guesses[asked]) == []
    search = Search(**guesses[asked], counted=True)  # type: ignore[arg-type]
    assert auditing.search_events(search=search, by=reader, at=NOON).fit == 0
    assert auditing.export_events(search=search, by=reader, at=NOON) == []


def test_an_inspector_of_its_rank_sees_who_raised_a_lookout(raiser: Officer) -> None:
    lookout, reader = raised(raiser), an_officer(Role.INSPECTORATE, clearance=2)
    (event,) = seen_by(reader, record=f"lookout:{lookout.reference}")
    assert (event.actor, event.action) == (raiser.reference, "lookout.raise")
    assert event.hash


def test_a_lookout_within_the_clearance_is_named_while_another_is_withheld(raiser: Officer) -> None:
    open_one, reader = raised(raiser, replace(COVERT, rank=1)), an_officer(Role.INSPECTORATE, clearance=1)
    raised(raiser)
    assert [one.record for one in seen_by(reader, record="lookout")] == [f"lookout:{open_one.reference}"]


def test_a_lookout_that_was_purged_stays_withheld_from_whoever_could_not_see_it(raiser: Officer) -> None:
    lookout, reader = raised(raiser), an_officer(Role.INSPECTORATE, clearance=1)
    lookout.delete()
    assert seen_by(reader, record=f"lookout:{lookout.reference}") == []


def test_of_goods_recalled_for_a_restricted_lookout_the_search_does_not_name_it(raiser: Officer) -> None:
    lookout, reader = raised(raiser), an_officer(Role.INSPECTORATE, clearance=1)
    event = AuditEvent.objects.get(record=f"lookout:{lookout.reference}")
    AuditEvent.objects.filter(pk=event.pk).update(record=f"recalls:lookout {lookout.reference} raised")
    assert "lookout:withheld" in {one.record for one in seen_by(reader)}
    assert seen_by(reader, record="recalls") == []


def test_a_new_step_of_the_scheme_withholds_what_was_purged_from_nobody_who_saw_all_before(raiser: Officer) -> None:
    raised(raiser).delete()
    reader = an_officer(Role.INSPECTORATE, clearance=2)
    kept = [(one.actor, one.action, one.record, one.hash) for one in seen_by(reader)]
    assert raiser.reference in {actor for actor, *_ in kept}
    administrator = an_officer(Role.ADMINISTRATOR)
    add_classification(rank=32767, code="TOP", label="Top", by=administrator, at=NOON)
    shown = [(one.actor, one.action, one.record, one.hash) for one in seen_by(reader)]
    assert [one for one in shown if one in kept] == kept
    assert "withheld" not in {one for event in shown for one in event}


def test_what_was_purged_stays_withheld_below_a_clearance_that_somebody_once_had(raiser: Officer) -> None:
    lookout, reader = raised(raiser), an_officer(Role.INSPECTORATE, clearance=1)
    lookout.delete()
    administrator = an_officer(Role.ADMINISTRATOR)
    granted = {"clearance": 2, "roles": [], "active": True, "proposed_by": administrator, "proposed_at": NOON}
    held = Grant.objects.create(officer=raiser, state="confirmed", **granted)
    Officer.objects.filter(pk=raiser.pk).update(clearance=0)
    assert seen_by(reader, record=f"lookout:{lookout.reference}") == []
    Grant.objects.filter(pk=held.pk).update(state="refused")
    assert len(seen_by(reader, record=f"lookout:{lookout.reference}")) == 1
