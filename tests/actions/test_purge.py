"""Purging: by two persons, everywhere, finished wherever it was cut off; the chain still verifies."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from django.db import transaction
from tests.examined import a_declaration, examiners, given
from tests.office import NOON, a_client, an_officer
from tests.service_world import CATALOGUE
from tests.trade import item, lake_of

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.audit.auditing import verify
from tidewaiter.actions.decisions.events import record_events
from tidewaiter.actions.decisions.replaying import replay_decision
from tidewaiter.actions.examinations.attachments import add_attachment
from tidewaiter.actions.examinations.results import record_result
from tidewaiter.actions.operation.backing_up import keep_lists_beside, note_gone
from tidewaiter.actions.packing import packed, unpacked
from tidewaiter.actions.profiles.lookouts import LookoutText, raise_lookout
from tidewaiter.actions.profiles.publishing import republish
from tidewaiter.actions.retention import purging
from tidewaiter.actions.retention.holds import confirm_lift, lift_hold, place_hold
from tidewaiter.actions.retention.purge_lists import applied_lists, lists_to_json, purge_again, read_lists
from tidewaiter.actions.retention.purging import (
    apply_purge,
    approve_purge,
    make_purge,
    outcome,
    run_approved,
    run_purge,
    unfinished,
)
from tidewaiter.actions.retention.retention import Due
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError
from tidewaiter.core.lookout import LookoutAction, LookoutKind
from tidewaiter.core.role import Role
from tidewaiter.storage.attachments import Attachments
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.records import models
from tidewaiter.storage.records.audit import record_digest
from tidewaiter.storage.records.models import Officer, Tombstone

AT = NOON + timedelta(days=4000)

PDF = b"%PDF-1.7\n% a letter that names GREGOR SAMSA\n"


def _privacy(login: str = "privacy") -> Officer:
    return Officer.objects.filter(login=login).first() or an_officer(Role.PRIVACY_OFFICER, login=login)


def _inspector() -> Officer:
    return Officer.objects.filter(login="inspector").first() or an_officer(Role.INSPECTORATE, login="inspector")


def _approved(*records: str | Due) -> models.Purge:
    purge = make_purge(records=records, reason="past its period", by=_privacy(), at=AT)
    return approve_purge(number=purge.pk, by=_inspector(), at=AT)


def _a_declaration_with_everything(number: str = "D1", store: Attachments | None = None) -> None:
    """Make a declaration with a version, marks, acts, results, an event, an override, a seizure and a file."""
    (examiner,) = examiners(f"EX-{number}")
    decision = a_declaration(number, importer="SAMSA")
    declaration = models.Declaration.objects.get(pk=number)
    models.Lodgement.objects.create(
        declaration=declaration,
        version=1,
        content_digest="0" * 64,
        rows=packed("GREGOR SAMSA"),
        received_at=NOON,
        client="client:1",
        copied_at=NOON,
    )
    goods = {"declaration": declaration, "lodged_on": NOON.date(), "lodged_at": NOON}
    models.Mark.objects.create(kind="document", value=f"BL-{number}", **goods)
    models.Mark.objects.create(kind="container", value="SHARED1", **goods)
    for mark in (f"document BL-{number}", "container SHARED1"):
        models.DrawIdentity.objects.get_or_create(mark=mark, identity="x", day=NOON.date(), last_on=NOON.date())
    with transaction.atomic():
        acts = given(decision, examiner)
    for act in acts:
        record_result(act_id=act.pk, given={"outcome": "nothing_found"}, note="met SAMSA", by=examiner, at=NOON)
    event = {"event_id": f"R-{number}", "kind": "released", "occurred_at": NOON, "declaration_id": number}
    record_events(events=[event], by=a_client(), at=NOON)
    models.Seizure.objects.create(
        seizure_number=f"S-{number}",
        version=1,
        declaration_id=number,
        row={"seizure_number": f"S-{number}", "declaration_id": number},
        by=examiner,
        known_at=AT,
        copied_at=AT,
    )
    for kept in (models.Event, models.Result):
        kept.objects.update(copied_at=NOON)
    if store is not None:
        officer = an_officer(Role.MANAGER, login=f"M-{number}", office="MAIN")
        add_attachment(
            about=f"act:{acts[0].pk}",
            name="a.pdf",
            kind="application/pdf",
            content=PDF,
            store=store,
            by=officer,
            at=NOON,
        )


@pytest.mark.django_db
def test_a_list_is_made_by_the_privacy_officer_and_approved_by_another() -> None:
    with pytest.raises(NotAllowedError):
        make_purge(records=["declaration:D1"], reason="r", by=_inspector(), at=AT)
    purge = make_purge(records=["declaration:D1"], reason="r", by=_privacy(), at=AT)
    with pytest.raises(ConflictError):
        apply_purge(number=purge.pk, by=_privacy(), at=AT)
    with pytest.raises(NotAllowedError):
        approve_purge(number=purge.pk, by=_privacy(), at=AT)
    approve_purge(number=purge.pk, by=_privacy("another"), at=AT)


@pytest.mark.django_db
def test_a_list_names_records_of_kinds_that_have_a_rule() -> None:
    with pytest.raises(InputError) as caught:
        make_purge(records=["officer:1", "declaration:", "lookout:\0"], reason=" ", by=_privacy(), at=AT)
    assert len(caught.value.problems) == 4


@pytest.mark.django_db
def test_goods_in_flight_and_what_is_held_are_on_no_list() -> None:
    a_declaration("D1")
    _a_declaration_with_everything("D2")
    place_hold(about="declaration:D2", reason="court", by=_privacy(), at=AT)
    with pytest.raises(InputError) as caught:
        make_purge(records=["declaration:D1", "declaration:D2"], reason="r", by=_privacy(), at=AT)
    assert len(caught.value.problems) == 2


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["in force", "expired"])
def test_a_lookout_not_over_is_refused_in_the_words_of_one_that_is_not_there(state: str) -> None:
    models.Lookout.objects.create(
        reference="LO-1", kind="container", subject={"values": ["X"], "names": []}, action="monitor", covert=True,
        reason="seen", contact="x", rank=3, raised_by=an_officer(Role.RISK_MANAGER), raised_at=NOON, valid_from=NOON,
        expires_at=NOON, state=state,
    )  # fmt: skip
    told = []
    for reference in ("LO-1", "LO-2"):
        with pytest.raises(InputError) as caught:
            make_purge(records=[f"lookout:{reference}"], reason="r", by=_privacy(), at=AT)
        told.append(str(caught.value).replace(reference, "LO"))
    assert told[0] == told[1]


@pytest.mark.django_db
def test_goods_that_are_in_flight_again_are_not_approved_and_do_not_go() -> None:
    _a_declaration_with_everything("D1")
    waiting = make_purge(records=["declaration:D1"], reason="r", by=_privacy(), at=AT)
    approved = _approved("declaration:D1")
    models.Declaration.objects.update(in_flight=True)
    with pytest.raises(ConflictError, match="cannot be purged now"):
        approve_purge(number=waiting.pk, by=_inspector(), at=AT)
    purge = apply_purge(number=approved.pk, by=_privacy(), at=AT)
    assert outcome(purge).stayed == {"declaration:D1": "still going on"}
    assert models.Declaration.objects.exists()


@pytest.mark.django_db
def test_nothing_that_names_a_purged_declaration_stays() -> None:
    _a_declaration_with_everything()
    apply_purge(number=_approved("declaration:D1").pk, by=_privacy(), at=AT)
    gone = (
        models.Declaration, models.Lodgement, models.Mark, models.Decision, models.Act, models.Result, models.Event,
        models.Rise, models.Assignment,
    )  # fmt: skip
    assert [model.__name__ for model in gone if model._default_manager.exists()] == []
    seizure = models.Seizure.objects.get()
    assert (seizure.declaration_id, seizure.row) == ("", {"seizure_number": "S-D1"})


@pytest.mark.django_db
def test_what_other_declarations_share_stays() -> None:
    _a_declaration_with_everything("D1")
    _a_declaration_with_everything("D2")
    apply_purge(number=_approved("declaration:D1").pk, by=_privacy(), at=AT)
    assert set(models.DrawIdentity.objects.values_list("mark", flat=True)) == {"document BL-D2", "container SHARED1"}
    assert models.Result.objects.filter(act__declaration_id="D2").exists()


@pytest.mark.django_db
def test_every_part_leaves_a_tombstone_and_the_chain_verifies() -> None:
    _a_declaration_with_everything()
    decision = models.Decision.objects.get()
    acts = list(models.Act.objects.values_list("pk", flat=True))
    apply_purge(number=_approved(Due("declaration:D1", NOON, "declaration@0: 3650 days")).pk, by=_privacy(), at=AT)
    for about in ("declaration:D1", f"decision:{decision.pk}", *(f"act:{act}" for act in acts)):
        tombstone = Tombstone.objects.get(record_digest=record_digest(about))
        assert (tombstone.rule, tombstone.at) == ("declaration@0: 3650 days", AT)
    found = [one.text for one in verify().findings if one.kind != "unrecorded"]
    assert found == []


@pytest.mark.django_db
def test_a_purged_decision_is_not_replayable_and_says_why() -> None:
    _a_declaration_with_everything()
    decision = models.Decision.objects.get().pk
    apply_purge(number=_approved("declaration:D1").pk, by=_privacy(), at=AT)
    with pytest.raises(NotKnownError, match="not replayable: purged"):
        replay_decision(decision_id=decision, lake=None, catalogue=CATALOGUE, by=_inspector(), at=AT)


@pytest.mark.django_db
def test_a_legal_hold_on_any_part_keeps_the_whole_record() -> None:
    _a_declaration_with_everything()
    act = models.Act.objects.first()
    assert act is not None
    purge = _approved("declaration:D1")
    hold = place_hold(about=f"act:{act.pk}", reason="court", by=_privacy(), at=AT)
    purge = apply_purge(number=purge.pk, by=_privacy(), at=AT)
    assert outcome(purge).records == 0
    assert models.Declaration.objects.filter(pk="D1").exists()
    lift_hold(hold=hold.pk, reason="closed", by=_privacy(), at=AT)
    with pytest.raises(InputError):
        make_purge(records=["declaration:D1"], reason="r", by=_privacy(), at=AT)
    confirm_lift(hold=hold.pk, agreed=True, by=_inspector(), at=AT)
    apply_purge(number=_approved("declaration:D1").pk, by=_privacy(), at=AT)
    assert not models.Declaration.objects.exists()


@pytest.mark.django_db
def test_what_is_not_in_the_lake_yet_waits_for_its_copy() -> None:
    _a_declaration_with_everything()
    models.Lodgement.objects.update(copied_at=None)
    purge = apply_purge(number=_approved("declaration:D1").pk, by=_privacy(), at=AT)
    assert outcome(purge).stayed == {"declaration:D1": "not copied"}


@pytest.mark.django_db
def test_an_applied_list_names_nobody_and_keeps_its_signature() -> None:
    _a_declaration_with_everything()
    purge = _approved("declaration:D1", "declaration:OLD")
    signed = purge.digest
    purge = apply_purge(number=purge.pk, by=_privacy(), at=AT)
    assert "D1" not in json.dumps(purge.records)
    assert purge.digest == signed == purging.list_digest(one["digest"] for one in purge.records)


@pytest.mark.django_db
def test_a_purged_lookout_goes_from_every_set_that_was_published() -> None:
    raiser = an_officer(Role.RISK_MANAGER)
    text = LookoutText(
        kind=LookoutKind.PARTY,
        action=LookoutAction.EXAMINE,
        reason="r",
        contact="c",
        instruction="i",
        names=("Gregor Samsa",),
    )
    lookout = raise_lookout(text=text, expires_at=NOON + timedelta(days=1), by=raiser, at=NOON)
    models.Lookout.objects.update(state="ended", ended_at=NOON)
    republish(cause="test", by=raiser, at=NOON)
    apply_purge(number=_approved(f"lookout:{lookout.reference}").pk, by=_privacy(), at=AT)
    assert not models.Lookout.objects.exists()
    assert not any("Samsa" in unpacked(one.text) for one in models.PublishedSet.objects.all())
    assert [one.text for one in verify().findings if one.kind != "unrecorded"] == []


@pytest.mark.django_db(transaction=True)
def test_a_purge_reaches_files_and_lake(tmp_path: Path) -> None:
    store = Attachments(tmp_path / "files")
    lake = lake_of(tmp_path / "lake", declarations=[item("D1", 0, importer_name="Gregor Samsa"), item("D2", 0)])
    _a_declaration_with_everything(store=store)
    purged = run_purge(
        number=_approved("declaration:D1", "declaration:OLD").pk, lake=lake.folder, store=store, by=_privacy(), at=AT
    )
    assert purged.stayed == {}
    assert [path for path in store.folder.rglob("*") if path.is_file()] == []
    assert _in_lake(lake) == ["D2"]
    assert unfinished() == []


def _in_lake(lake: Lake) -> list[str]:
    with duckdb.connect() as connection:
        lake.snapshot().register(connection)
        return [one for (one,) in connection.execute("SELECT declaration_id FROM declarations ORDER BY 1").fetchall()]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("where", ["apply_purge", "remove_elsewhere", "scrub", "close_purge"])
def test_a_purge_cut_off_anywhere_is_finished_by_running_it_again(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Attachments(tmp_path / "files")
    lake = lake_of(tmp_path / "lake", declarations=[item("D1", 0), item("D2", 0)])
    _a_declaration_with_everything(store=store)
    number = _approved("declaration:D1").pk
    whole: Callable[..., object] = getattr(purging, where)

    def cut_off(*args: object, **kwargs: object) -> object:
        whole(*args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(purging, where, cut_off)
    with pytest.raises(KeyboardInterrupt):
        run_purge(number=number, lake=lake.folder, store=store, by=_privacy(), at=AT)
    monkeypatch.undo()
    assert unfinished() == ([] if where == "close_purge" else [number])
    purged = run_purge(number=number, lake=lake.folder, store=store, by=_privacy(), at=AT)
    assert (purged.records, purged.parts > 3, unfinished()) == (1, True, [])
    assert _in_lake(lake) == ["D2"]
    assert [path for path in store.folder.rglob("*") if path.is_file()] == []


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_list_takes_away_again_what_a_backup_brings_back(tmp_path: Path) -> None:
    store = Attachments(tmp_path / "files")
    lake = lake_of(tmp_path / "lake", declarations=[item("D1", 0), item("D2", 0), item("OLD", 0)])
    _a_declaration_with_everything(store=store)
    purge = _approved("declaration:D1", "declaration:OLD")
    run_purge(number=purge.pk, lake=lake.folder, store=store, by=_privacy(), at=AT)
    file = tmp_path / "lists.json"
    file.write_text(lists_to_json(applied_lists()))
    restored = lake_of(tmp_path / "restored", declarations=[item("D1", 0), item("D2", 0), item("OLD", 0)])
    a_declaration("D1", importer="SAMSA")
    assert purge_again(read_lists(file), lake=restored.folder, store=store, at=AT) == 2
    assert _in_lake(restored) == ["D2"]
    assert not models.Declaration.objects.exists()
    assert purge_again(read_lists(file), lake=restored.folder, store=store, at=AT) == 0


@pytest.mark.django_db
def test_a_list_that_was_changed_is_refused(tmp_path: Path) -> None:
    _a_declaration_with_everything()
    apply_purge(number=_approved("declaration:D1").pk, by=_privacy(), at=AT)
    file = tmp_path / "lists.json"
    text = lists_to_json(applied_lists())
    file.write_text(text.replace(record_digest("declaration:D1"), record_digest("declaration:D2")))
    with pytest.raises(InputError, match="not what was signed"):
        read_lists(file)
    file.write_text("{}")
    with pytest.raises(InputError, match="no file of purge lists"):
        read_lists(file)


@pytest.mark.django_db(transaction=True)
def test_lists_that_two_persons_approved_are_run_once_and_no_other(tmp_path: Path) -> None:
    store = Attachments(tmp_path / "files")
    _a_declaration_with_everything("D1")
    _a_declaration_with_everything("D2")
    make_purge(records=["declaration:D2"], reason="r", by=_privacy(), at=AT)
    number = _approved("declaration:D1").pk
    done = run_approved(lake=tmp_path / "lake", store=store, by=SERVICE, at=AT)
    assert [one.number for one in done] == [number]
    assert run_approved(lake=tmp_path / "lake", store=store, by=SERVICE, at=AT) == []
    assert models.Declaration.objects.get().pk == "D2"


@pytest.mark.django_db(transaction=True)
def test_a_backup_made_before_a_purge_is_named_until_it_is_destroyed(tmp_path: Path) -> None:
    store = Attachments(tmp_path / "files")
    _a_declaration_with_everything()
    place = str(tmp_path / "backups" / "one")
    backup = models.Backup.objects.create(place=place, made_at=NOON, digest="0" * 64, size=1, sequence=1)
    (tmp_path / "backups").mkdir()
    purged = run_purge(number=_approved("declaration:D1").pk, lake=tmp_path / "lake", store=store, by=_privacy(), at=AT)
    assert purged.backups == (backup,)
    (file,) = keep_lists_beside(purged.backups)
    assert [one.number for one in read_lists(file)] == [purged.number]
    administrator = an_officer(Role.ADMINISTRATOR)
    note_gone(backup=backup.pk, by=administrator, at=AT)
    with pytest.raises(ConflictError):
        note_gone(backup=backup.pk, by=administrator, at=AT)
    assert purging.holding(models.Purge.objects.get(pk=purged.number)) == []
