"""Verifying the audit: whatever was altered, taken out, put elsewhere or changed behind the service's back is named."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from tests.examined import KEYS, POLICY, a_declaration, opened
from tests.office import NOON, a_client, an_officer
from tests.service_world import CATALOGUE, ON, profile_text

from tidewaiter.actions import administration, officers
from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.audit import auditing
from tidewaiter.actions.audit.auditing import Search, Verification, verify, verify_chain
from tidewaiter.actions.audit.kept_readings import READINGS
from tidewaiter.actions.audit.lodged_heads import lodge_head, read_heads
from tidewaiter.actions.decisions.events import record_events
from tidewaiter.actions.decisions.traces import decision_content
from tidewaiter.actions.draws import lodge_key
from tidewaiter.actions.examinations import assignments, duties, results
from tidewaiter.actions.examinations.acts import close_acts
from tidewaiter.actions.examinations.reexaminations import draw_again
from tidewaiter.actions.officers import officer_content
from tidewaiter.actions.packing import packed
from tidewaiter.actions.profiles import lookouts, profiles
from tidewaiter.actions.profiles.publishing import republish
from tidewaiter.actions.retention.purging import tombstones_content
from tidewaiter.core.errors import InputError, NotAllowedError
from tidewaiter.core.lookout import LookoutAction, LookoutKind
from tidewaiter.core.role import Role
from tidewaiter.storage.records import models
from tidewaiter.storage.records.audit import Entry, append, hash_of, record_digest
from tidewaiter.storage.records.models import AuditEvent, AuditSalt, ChainHead

pytestmark = pytest.mark.django_db

AT = NOON


def _append(count: int = 5) -> None:
    with transaction.atomic():
        append([Entry(actor="officer:1", action="tried", record=f"thing:{n}") for n in range(count)], at=AT)


def _told(found: Verification) -> str:
    return "\n".join(finding.text for finding in found.findings)


def _kinds(found: Verification) -> set[str]:
    return {finding.kind for finding in found.findings}


def _remade_from(sequence: int) -> None:
    """Make every hash from an event on anew, as one would who can write to the database and knows the code."""
    before = "0" * 64
    for event in AuditEvent.objects.order_by("sequence"):
        if event.sequence >= sequence:
            event.previous = before
            event.hash = hash_of(event)
            event.save()
        before = event.hash
    ChainHead.objects.update(hash=before, sequence=AuditEvent.objects.count())


def test_a_chain_as_written_verifies() -> None:
    _append(25)
    found = verify_chain()
    assert (found.problems, found.events) == (0, 25)


def test_an_empty_chain_verifies() -> None:
    assert verify().problems == 0


@pytest.mark.parametrize("part", ["actor", "action", "record", "digest", "at"])
def test_an_altered_event_is_named(part: str) -> None:
    _append()
    changed: object = AT + timedelta(seconds=1) if part == "at" else "other"
    AuditEvent.objects.filter(sequence=3).update(**{part: changed})
    found = verify_chain()
    assert [finding.sequence for finding in found.findings] == [3]
    assert _kinds(found) == {"altered"}


def test_an_event_altered_with_its_hash_made_anew_is_found_by_the_next() -> None:
    _append()
    event = AuditEvent.objects.get(sequence=3)
    event.actor = "officer:2"
    event.hash = hash_of(event)
    event.save()
    assert "event 3 was altered" in _told(verify_chain())


def test_missing_events_are_named() -> None:
    _append(9)
    AuditEvent.objects.filter(sequence__in=(2, 5, 6)).delete()
    assert _told(verify_chain()) == "missing: event 2\nmissing: events 5 to 6"


def test_events_that_changed_places_are_named_with_the_place_they_were_written_at() -> None:
    _append()
    two, four = AuditEvent.objects.get(sequence=2), AuditEvent.objects.get(sequence=4)
    AuditEvent.objects.filter(sequence__in=(2, 4)).delete()
    two.sequence, four.sequence = 4, 2
    AuditEvent.objects.bulk_create([two, four])
    found = verify_chain()
    reordered = {(f.sequence, f.text[-7:]) for f in found.findings if f.kind == "reordered"}
    assert reordered == {(4, "event 2"), (2, "event 4")}


def test_a_tail_that_was_cut_off_is_found_by_the_row_that_keeps_the_end() -> None:
    _append()
    AuditEvent.objects.filter(sequence__gt=3).delete()
    found = verify_chain()
    assert "events 4 to 5 at the end" in _told(found)
    assert _kinds(found) == {"cut off"}


def test_events_added_after_the_end_are_found() -> None:
    _append()
    ChainHead.objects.update(sequence=4, hash=AuditEvent.objects.get(sequence=4).hash)
    assert _kinds(verify_chain()) == {"added"}


def test_a_tail_cut_off_with_the_end_set_back_is_found_by_a_head_lodged_outside(tmp_path: Path) -> None:
    _append()
    lodge_head(tmp_path / "heads", AT)
    models.LodgedHead.objects.all().delete()
    AuditEvent.objects.filter(sequence__gt=3).delete()
    ChainHead.objects.update(sequence=3, hash=AuditEvent.objects.get(sequence=3).hash)
    assert verify_chain().problems == 0, "nothing in the database shows it"
    found = verify_chain(read_heads(tmp_path / "heads"))
    assert _kinds(found) == {"cut off"}
    assert "its event 5 was lodged" in _told(found)


def test_a_chain_rewritten_from_some_event_on_is_found_by_the_heads_lodged_outside(tmp_path: Path) -> None:
    heads = tmp_path / "heads"
    for hour in range(3):
        _append(4)
        lodge_head(heads, AT + timedelta(hours=hour))
    models.LodgedHead.objects.all().delete()
    AuditEvent.objects.filter(sequence=6).update(actor="officer:9")
    _remade_from(6)
    assert verify_chain().problems == 0, "nothing in the database shows it"
    found = verify_chain(read_heads(heads))
    assert [finding.kind for finding in found.findings] == ["rewritten", "rewritten"]
    assert "among events 5 to 8" in found.findings[0].text


def test_the_database_knows_itself_which_heads_were_lodged(tmp_path: Path) -> None:
    _append()
    lodge_head(tmp_path / "heads", AT)
    AuditEvent.objects.filter(sequence=2).update(actor="officer:9")
    _remade_from(2)
    assert _kinds(verify_chain()) == {"rewritten"}


def test_lodging_the_same_head_again_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "heads"
    assert lodge_head(file, AT) is None, "an empty chain has no end to lodge"
    _append()
    assert lodge_head(file, AT) is not None
    written = file.read_bytes()
    assert lodge_head(file, AT + timedelta(hours=1)) is None
    assert file.read_bytes() == written
    assert models.LodgedHead.objects.count() == 1


def test_a_line_cut_short_by_a_crash_is_written_over_and_hides_no_other(tmp_path: Path) -> None:
    file = tmp_path / "heads"
    _append(1)
    lodge_head(file, AT)
    with file.open("a") as torn:
        torn.write("2 abc")
    assert [head.sequence for head in read_heads(file)] == [1]
    _append(1)
    lodge_head(file, AT)
    assert [head.sequence for head in read_heads(file)] == [1, 2]


def test_a_line_that_is_no_head_is_told_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "heads"
    file.write_text(f"1 {'a' * 64} 2026-03-02T12:00:00+00:00\nnonsense\n2 {'a' * 64} yesterday\n")
    with pytest.raises(InputError) as caught:
        read_heads(file)
    assert [problem.place.line for problem in caught.value.problems] == [2, 3]


def _lookout() -> models.Lookout:
    text = lookouts.LookoutText(
        kind=LookoutKind.CONTAINER,
        action=LookoutAction.EXAMINE,
        reason="seen in a report",
        contact="+1",
        instruction="open it",
        values=("MSKU1234565",),
    )
    by = an_officer(Role.RISK_MANAGER, login="raiser")
    lookout = lookouts.raise_lookout(text=text, expires_at=AT + timedelta(days=9), by=by, at=AT)
    later = AT + timedelta(days=20)
    reason = "still wanted"
    return lookouts.extend_lookout(reference=lookout.reference, expires_at=later, reason=reason, by=by, at=AT)


def _administered() -> None:
    admin = an_officer(Role.ADMINISTRATOR, login="admin")
    administration.add_office(code="PORT", name="Port", by=admin, at=AT)
    second = an_officer(Role.INSPECTORATE, login="second-person")
    for rank, code in ((1, "OFFICIAL"), (2, "SECRET")):
        administration.add_classification(rank=rank, code=code, label=code, by=admin, at=AT)
    officers.add_officer(login="a", name="A", roles=["analyst"], clearance=1, office="PORT", by=admin, at=AT)
    officers.confirm_grant(grant=models.Grant.objects.get().pk, by=second, at=AT)
    officers.change_officer(login="a", roles=["manager"], clearance=2, active=True, by=admin, at=AT)
    officers.refuse_grant(grant=models.Grant.objects.get(state="waiting").pk, reason="no", by=second, at=AT)
    officers.change_officer(login="a", roles=["manager"], clearance=0, active=True, office=None, by=admin, at=AT)
    administration.add_client(name="clearance", by=admin, at=AT)
    issued = administration.issue_token(label="t", client="clearance", scopes=["decision.take"], by=admin, at=AT)
    administration.confirm_token(token=issued.token.pk, by=second, at=AT)
    administration.revoke_token(token=issued.token.pk, by=admin, at=AT)
    issued = administration.issue_token(label="u", officer="a", by=admin, at=AT)
    administration.refuse_token(token=issued.token.pk, by=second, at=AT)


def _profile_drafted() -> None:
    author = an_officer(Role.PROFILE_AUTHOR, login="author")
    other = an_officer(Role.PROFILE_AUTHOR, login="other")
    text, again = profile_text("P1", "origin = 'VN'"), profile_text("P1", "origin = 'CN'")
    profiles.draft_profile(text=text, catalogue=CATALOGUE, by=author, at=AT)
    profiles.edit_profile(code="P1", number=1, text=again, catalogue=CATALOGUE, by=author, at=AT)
    profiles.share_profile(code="P1", number=1, co_authors=[other.login], by=author, at=AT)
    profiles.rehearse_profile(code="P1", number=1, catalogue=CATALOGUE, on=ON, by=author, at=AT)


def _examined() -> None:
    manager = an_officer(Role.MANAGER, login="manager", office="MAIN")
    first = an_officer(Role.EXAMINER, login="first", office="MAIN")
    second = an_officer(Role.EXAMINER, login="second", office="MAIN")
    moments = {"starts_at": AT - timedelta(hours=1), "ends_at": AT + timedelta(hours=7)}
    duty = duties.set_duty(officer="first", office="MAIN", **moments, by=manager, at=AT)
    act = opened(a_declaration("D1"))[0]
    assignments.assign_waiting(keys=KEYS, policy=POLICY, by=SERVICE, at=AT)
    assignments.replace_officer(act_id=act.pk, officer="second", reason="is ill", by=manager, at=AT)
    given = {"outcome": "nothing_found"}
    results.record_result(act_id=act.pk, given=given, by=second, at=AT)
    results.correct_result(act_id=act.pk, given=given, reason="typing error", note="n", by=second, at=AT)
    draw_again(keys=KEYS, policy=replace(POLICY, re_examined_share=1.0), on=AT.date(), by=SERVICE, at=AT)
    opened(a_declaration("D2"))
    with transaction.atomic():
        close_acts(["D2"], reason="goods released", at=AT)
    duties.end_duty(duty=duty.pk, by=manager, at=AT)
    assert first.assignments.count()


def _a_world() -> None:
    """Let every kind of record be written by the actions that write it."""
    _administered()
    _profile_drafted()
    _lookout()
    _examined()
    republish(cause="test", by=SERVICE, at=AT)
    event = {"event_id": "E1", "kind": "arrived", "occurred_at": AT, "declaration_id": "D9"}
    record_events(events=[event], by=a_client(), at=AT)
    lodge_key(day=AT.date(), keys=KEYS, by=SERVICE, at=AT)
    _note_what_tests_made()


def _note_what_tests_made() -> None:
    """Record what the builders of these tests wrote without an action."""
    known = set(AuditEvent.objects.values_list("record", flat=True))
    entries = [
        Entry(actor="test", action="officer.add", record=one.reference, content=officer_content(one))
        for one in models.Officer.objects.all()
        if one.reference not in known
    ]
    entries += [
        Entry(actor="test", action="decision.take", record=f"decision:{one.pk}", content=decision_content(one, ""))
        for one in models.Decision.objects.all()
    ]
    entries += [
        Entry(actor="test", action="set.publish", record=f"set:{one.pk}", content=b"")
        for one in models.PublishedSet.objects.filter(text=b"")
    ]
    with transaction.atomic():
        models.PublishedSet.objects.filter(text=b"").update(text=packed(""))
        append(entries, at=AT)


def test_records_that_only_actions_wrote_agree_with_their_events() -> None:
    _a_world()
    found = verify()
    assert found.problems == 0, _told(found)
    assert found.compared > 30
    kinds = {reading.kind for reading in READINGS}
    recorded = {event.record.partition(":")[0] for event in AuditEvent.objects.exclude(digest="")}
    assert recorded - kinds == {"lookout-step"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("record", "change"),
    [
        ("decision:", lambda: models.Decision.objects.filter(pk="D1-1").update(channel="green")),
        ("decision:", lambda: models.Decision.objects.filter(pk="D1-1").update(answer="{}")),
        ("decision:", lambda: models.Decision.objects.filter(pk="D1-1").update(facts=b"other")),
        ("profile:P1@1", lambda: models.ProfileVersion.objects.update(text="code: P1\ncondition: origin = 'US'\n")),
        ("profile:P1@1", lambda: models.ProfileVersion.objects.update(status="active")),
        ("profile:P1@1", lambda: models.ProfileStep.objects.order_by("-pk").first().delete()),  # type: ignore[union-attr]
        ("profile:P1@1", lambda: models.ProfileStep.objects.filter(after="draft").update(reason="another")),
        ("act:", lambda: models.Result.objects.filter(version=1).update(outcome="found_as_suspected")),
        ("act:", lambda: models.Result.objects.filter(version=2).update(note="other")),
        ("act:", lambda: models.Result.objects.filter(version=2).delete()),
        ("act:", lambda: models.Act.objects.update(kind="documents")),
        ("act:", lambda: models.Replacement.objects.update(reason="another")),
        ("act:", lambda: models.Assignment.objects.update(officer=models.Officer.objects.get(login="admin"))),
        ("act:", lambda: models.Reexamination.objects.update(share=0.5)),
        ("lookout:", lambda: models.Lookout.objects.update(subject={"values": ["MSKU7654321"], "names": []})),
        ("lookout:", lambda: models.Lookout.objects.update(expires_at=AT)),
        ("officer:", lambda: models.Officer.objects.filter(login="a").update(clearance=9)),
        ("officer:", lambda: models.Officer.objects.filter(login="a").update(roles=["inspectorate"])),
        ("token:", lambda: models.Token.objects.update(scopes=["decision.trace"])),
        ("set:", lambda: models.PublishedSet.objects.update(text=packed("{}"))),
        ("event:", lambda: models.Event.objects.update(content_digest="0" * 64)),
        ("event:", lambda: models.Event.objects.all().delete()),
        ("draw:", lambda: models.DrawDay.objects.update(key_digest="0" * 64)),
        ("duty:", lambda: models.Duty.objects.update(starts_at=AT)),
    ],
)
def test_a_record_changed_or_removed_behind_the_services_back_is_named(
    record: str, change: Callable[[], object]
) -> None:
    _a_world()
    change()
    found = verify()
    assert found.problems
    assert any(finding.record.startswith(record) for finding in found.findings), _told(found)
    assert all(finding.record.startswith((record, "declaration:")) for finding in found.findings), _told(found)


def test_a_record_added_behind_the_services_back_is_named() -> None:
    _a_world()
    models.Officer.objects.create(login="intruder", name="I", roles=["inspectorate"], clearance=9)
    version = models.ProfileVersion.objects.get()
    models.ProfileStep.objects.create(version=version, at=AT, before="tested", after="tested")
    found = verify()
    assert {finding.kind for finding in found.findings} == {"unrecorded"}
    assert {finding.record.partition(":")[0] for finding in found.findings} == {"officer", "profile"}


def test_a_salt_taken_away_is_named_unless_a_purge_took_it() -> None:
    _a_world()
    event = AuditEvent.objects.get(record="decision:D1-1")
    AuditSalt.objects.filter(sequence=event.sequence).delete()
    assert "the salt of" in _told(verify())


def test_a_purged_record_leaves_nothing_to_compare_and_no_problem() -> None:
    _a_world()
    event = AuditEvent.objects.get(record__startswith="event:")
    AuditSalt.objects.filter(sequence=event.sequence).delete()
    models.Event.objects.all().delete()
    models.Tombstone.objects.create(
        record_digest=record_digest(event.record), kind="event", rule="events", purge="P", at=AT
    )
    with transaction.atomic():
        content = tombstones_content("P")
        append([Entry(actor="test", action="purge.apply", record="tombstones:P", content=content)], at=AT)
    found = verify()
    assert (found.problems, found.purged) == (0, 1)


def test_only_the_inspectorate_searches_events_and_each_search_is_one() -> None:
    _append(3)
    inspector = an_officer(Role.INSPECTORATE)
    found = auditing.search_events(search=Search(record="thing:1"), by=inspector, at=AT)
    assert [event.sequence for event in found.events] == [2]
    last = AuditEvent.objects.latest("sequence")
    assert (last.actor, last.action) == (inspector.reference, "audit.search")
    with pytest.raises(NotAllowedError):
        auditing.search_events(search=Search(), by=an_officer(Role.ADMINISTRATOR), at=AT)


def test_events_are_found_by_actor_action_kind_and_time() -> None:
    inspector = an_officer(Role.INSPECTORATE)
    for hour, (actor, what, record) in enumerate(
        [("officer:1", "a", "act:1"), ("officer:2", "b", "act:2"), ("officer:1", "b", "actor:1")]
    ):
        with transaction.atomic():
            append([Entry(actor=actor, action=what, record=record)], at=AT + timedelta(hours=hour))

    def numbers(search: Search) -> list[int]:
        found = auditing.search_events(search=search, by=inspector, at=AT + timedelta(days=1))
        return [event.sequence for event in found.events if event.action != "audit.search"]

    assert numbers(Search(actor="officer:1")) == [1, 3]
    assert numbers(Search(action="b")) == [2, 3]
    assert numbers(Search(record="act")) == [1, 2]
    assert numbers(Search(since=AT + timedelta(hours=1), until=AT + timedelta(hours=2))) == [2]


def test_an_export_says_how_many_events_left_the_system() -> None:
    _append(3)
    inspector = an_officer(Role.INSPECTORATE)
    assert len(auditing.export_events(search=Search(record="thing"), by=inspector, at=AT)) == 3
    assert AuditEvent.objects.latest("sequence").action == "audit.export"
