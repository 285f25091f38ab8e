"""Exhibits pass from hand to hand without a gap; files are what they were when they were captured."""

import hashlib
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.examined import a_declaration, examiners, given
from tests.office import NOON, an_officer

from tidewaiter.actions.examinations.attachments import add_attachment, attachments_of, open_attachment
from tidewaiter.actions.examinations.exhibits import (
    capture_exhibit,
    custody_of,
    custody_problems,
    decline_exhibit,
    offer_exhibit,
    sign_exhibit,
    withdraw_exhibit,
)
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError
from tidewaiter.core.role import Role
from tidewaiter.storage.attachments import Attachments
from tidewaiter.storage.records.models import Attachment, AuditEvent, Exhibit, HandOver, Officer

pytestmark = pytest.mark.django_db

JPEG = b"\xff\xd8\xff\xe0 a photograph"


def minute(number: int) -> datetime:
    return NOON + timedelta(minutes=number)


def a_sample(ann: Officer, seal: str = "A1") -> Exhibit:
    act = given(a_declaration(channel=Channel.ORANGE), ann)[0]
    return capture_exhibit(
        about=f"act:{act.pk}", kind="sample", description="powder", place="shed 4", seal_after=seal, by=ann, at=NOON
    )


def test_who_takes_a_sample_holds_it_and_its_hash_is_made_then() -> None:
    (ann,) = examiners("ann")
    sample = a_sample(ann)
    assert (sample.number, sample.holder) == ("E2026-000001", ann)
    assert len(sample.digest) == 64
    assert custody_of(number=sample.pk, by=ann, at=NOON).problems == ()


def test_a_hand_over_is_signed_by_both() -> None:
    ann, bob = examiners("ann", "bob")
    sample = a_sample(ann)
    offer_exhibit(
        number=sample.pk, taker="bob", place="laboratory", seal_before="A1", seal_after="A2", by=ann, at=minute(1)
    )
    sample.refresh_from_db()
    assert sample.holder == ann
    sign_exhibit(number=sample.pk, seal="A2", by=bob, at=minute(2))
    custody = custody_of(number=sample.pk, by=bob, at=minute(3))
    assert (custody.exhibit.holder, custody.exhibit.place, custody.problems) == (bob, "laboratory", ())


def test_only_the_holder_can_give() -> None:
    ann, bob, _ = examiners("ann", "bob", "cid")
    sample = a_sample(ann)
    offer_exhibit(number=sample.pk, taker="bob", place="lab", seal_before="A1", seal_after="A1", by=ann, at=minute(1))
    sign_exhibit(number=sample.pk, seal="A1", by=bob, at=minute(2))
    with pytest.raises(NotAllowedError):
        offer_exhibit(number=sample.pk, taker="cid", place="x", seal_before="A1", seal_after="A1", by=ann, at=minute(3))


def test_one_offer_waits_at_a_time() -> None:
    ann, _, _ = examiners("ann", "bob", "cid")
    sample = a_sample(ann)
    offer_exhibit(number=sample.pk, taker="bob", place="lab", seal_before="A1", seal_after="A1", by=ann, at=minute(1))
    with pytest.raises(ConflictError, match="withdraw"):
        offer_exhibit(number=sample.pk, taker="cid", place="x", seal_before="A1", seal_after="A1", by=ann, at=minute(2))
    withdraw_exhibit(number=sample.pk, reason="bob is away", by=ann, at=minute(3))
    again = offer_exhibit(
        number=sample.pk, taker="cid", place="x", seal_before="A1", seal_after="A1", by=ann, at=minute(4)
    )
    assert again.ordinal == 2


def test_nobody_signs_for_another() -> None:
    ann, _, cid = examiners("ann", "bob", "cid")
    sample = a_sample(ann)
    offer_exhibit(number=sample.pk, taker="bob", place="lab", seal_before="A1", seal_after="A1", by=ann, at=minute(1))
    for officer in (ann, cid):
        with pytest.raises(NotKnownError):
            sign_exhibit(number=sample.pk, seal="A1", by=officer, at=minute(2))


def test_a_seal_that_is_not_the_last_one_needs_an_explanation() -> None:
    ann, _ = examiners("ann", "bob")
    sample = a_sample(ann)
    with pytest.raises(InputError, match="seal left last is 'A1'"):
        offer_exhibit(number=sample.pk, taker="bob", place="x", seal_before="B9", by=ann, at=minute(1))
    offer = offer_exhibit(
        number=sample.pk, taker="bob", place="x", seal_before="B9", reason="broken in transport", by=ann, at=minute(1)
    )
    assert offer.seal_before == "B9"


def test_a_taker_who_sees_another_seal_declines() -> None:
    ann, bob = examiners("ann", "bob")
    sample = a_sample(ann)
    offer_exhibit(number=sample.pk, taker="bob", place="lab", seal_before="A1", seal_after="A1", by=ann, at=minute(1))
    with pytest.raises(ConflictError, match="decline"):
        sign_exhibit(number=sample.pk, seal="A7", by=bob, at=minute(2))
    with pytest.raises(InputError):
        decline_exhibit(number=sample.pk, reason="", by=bob, at=minute(3))
    declined = decline_exhibit(number=sample.pk, reason="seal A7", by=bob, at=minute(3))
    assert declined.ended_as == "declined"
    assert custody_of(number=sample.pk, by=ann, at=minute(4)).exhibit.holder == ann


def test_a_gap_in_the_chain_is_found() -> None:
    ann, bob, cid = examiners("ann", "bob", "cid")
    sample = a_sample(ann)
    step = HandOver(ordinal=1, giver=bob, taker=cid, seal_before="A1", offered_at=minute(1), signed_at=minute(2))
    skipped = HandOver(ordinal=3, giver=cid, taker=cid, seal_before="", offered_at=minute(1), signed_at=minute(2))
    assert custody_problems(sample, [step, skipped]) == [
        "step 1: the giver did not hold it",
        "step 2 is missing",
        "step 3: its times are out of order",
        "the holder is not the one who took it last",
    ]


def test_what_was_stated_at_capture_cannot_be_altered_unseen() -> None:
    (ann,) = examiners("ann")
    sample = a_sample(ann)
    Exhibit.objects.update(description="flour")
    assert custody_of(number=sample.pk, by=ann, at=NOON).problems == ("what was stated at capture was altered",)


def test_an_examiner_finds_only_exhibits_that_went_through_the_own_hands() -> None:
    ann, bob = examiners("ann", "bob")
    sample = a_sample(ann)
    with pytest.raises(NotKnownError):
        custody_of(number=sample.pk, by=bob, at=NOON)
    offer_exhibit(number=sample.pk, taker="bob", place="lab", seal_before="A1", seal_after="A1", by=ann, at=minute(1))
    assert custody_of(number=sample.pk, by=bob, at=NOON).exhibit == sample
    assert custody_of(number=sample.pk, by=an_officer(Role.MANAGER, office="MAIN"), at=NOON).exhibit == sample


def test_a_sample_is_taken_of_a_record_one_sees() -> None:
    ann, bob = examiners("ann", "bob")
    act = given(a_declaration(channel=Channel.ORANGE), ann)[0]
    for about in (f"act:{act.pk}", "seizure:1", "declaration:D1", "x"):
        with pytest.raises(NotKnownError):
            capture_exhibit(about=about, kind="sample", description="x", place="x", by=bob, at=NOON)


@pytest.fixture
def store(tmp_path: Path) -> Attachments:
    return Attachments(tmp_path / "files")


def a_photograph(
    ann: Officer, store: Attachments, *, kind: str = "image/jpeg", content: bytes = JPEG, privileged: bool = False
) -> Attachment:
    return add_attachment(
        about=f"exhibit:{a_sample(ann).pk}",
        name="a.jpg",
        kind=kind,
        content=content,
        privileged=privileged,
        store=store,
        by=ann,
        at=NOON,
    )


def test_a_photograph_is_hashed_at_capture_and_read_as_it_was(store: Attachments) -> None:
    (ann,) = examiners("ann")
    kept = a_photograph(ann, store)
    assert kept.digest == hashlib.sha256(JPEG).hexdigest()
    assert open_attachment(attachment=kept.pk, store=store, by=ann, at=NOON).content == JPEG
    event = AuditEvent.objects.order_by("-sequence").first()
    assert event is not None
    assert event.action == "attachment.read"


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("image/png", JPEG),
        ("image/jpeg", b"MZ\x90\x00 a program"),
        ("application/x-msdownload", b"MZ\x90\x00 a program"),
        ("text/plain", b"\x00\x01"),
        ("text/plain", "caf\xe9".encode("latin-1")),
        ("image/jpeg", b""),
    ],
)
def test_a_file_must_be_what_it_says_it_is(store: Attachments, kind: str, content: bytes) -> None:
    (ann,) = examiners("ann")
    with pytest.raises(InputError):
        a_photograph(ann, store, kind=kind, content=content)
    assert not Attachment.objects.exists()


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("image/png", b"\x89PNG\r\n\x1a\n..."),
        ("application/pdf", b"%PDF-1.7 ..."),
        ("image/tiff", b"II*\x00..."),
        ("image/tiff", b"MM\x00*..."),
        ("video/mp4", b"\x00\x00\x00\x18ftypmp42"),
        ("image/heic", b"\x00\x00\x00\x18ftypheic"),
        ("text/plain", "Größe 3\n".encode()),
    ],
)
def test_the_usual_kinds_are_taken(store: Attachments, kind: str, content: bytes) -> None:
    (ann,) = examiners("ann")
    assert a_photograph(ann, store, kind=kind, content=content).kind == kind


def test_a_file_too_large_or_with_a_path_is_refused_with_both_problems(store: Attachments) -> None:
    (ann,) = examiners("ann")
    about = f"exhibit:{a_sample(ann).pk}"
    with pytest.raises(InputError) as refused:
        add_attachment(
            about=about, name="../a", kind="image/jpeg", content=JPEG, largest=5, store=store, by=ann, at=NOON
        )
    assert len(refused.value.problems) == 2


def test_a_file_altered_on_the_disk_is_not_given_out(store: Attachments) -> None:
    (ann,) = examiners("ann")
    kept = a_photograph(ann, store)
    (store.folder / kept.digest[:2] / kept.digest).write_bytes(JPEG + b"!")
    with pytest.raises(ConflictError, match="altered"):
        open_attachment(attachment=kept.pk, store=store, by=ann, at=NOON)


def test_the_same_file_with_the_same_record_is_kept_once(store: Attachments) -> None:
    (ann,) = examiners("ann")
    first = a_photograph(ann, store)
    again = add_attachment(
        about=first.record, name="b.jpg", kind="image/jpeg", content=JPEG, store=store, by=ann, at=NOON
    )
    assert again == first
    assert [one.name for one in attachments_of(about=first.record, by=ann, at=NOON)] == ["a.jpg"]


def test_a_privileged_document_is_sealed_unread_for_everybody(store: Attachments) -> None:
    (ann,) = examiners("ann")
    sealed = a_photograph(ann, store, kind="application/pdf", content=b"\x01\x02 whatever", privileged=True)
    assert sealed.kind == "application/octet-stream"
    for officer in (ann, an_officer(*Role, office="MAIN", clearance=9)):
        with pytest.raises(NotAllowedError, match="privilege"):
            open_attachment(attachment=sealed.pk, store=store, by=officer, at=NOON)


def test_privilege_seals_the_same_document_wherever_it_was_attached_before(store: Attachments) -> None:
    (ann,) = examiners("ann")
    first = a_photograph(ann, store)
    boss = an_officer(Role.MANAGER, office="MAIN")
    other = given(a_declaration("D2", Channel.ORANGE), ann)[0]
    letter = {"about": f"act:{other.pk}", "name": "b", "kind": "", "content": JPEG, "privileged": True}
    add_attachment(**letter, store=store, by=boss, at=NOON)  # type: ignore[arg-type]
    with pytest.raises(NotAllowedError):
        open_attachment(attachment=first.pk, store=store, by=ann, at=NOON)


def test_an_examiner_seals_nothing_that_was_there_to_be_read(store: Attachments) -> None:
    (ann,) = examiners("ann")
    first = a_photograph(ann, store)
    letter = {"about": first.record, "name": "b", "kind": "", "content": JPEG, "privileged": True}
    with pytest.raises(NotAllowedError, match="another officer"):
        add_attachment(**letter, store=store, by=ann, at=NOON)  # type: ignore[arg-type]
    assert open_attachment(attachment=first.pk, store=store, by=ann, at=NOON).content == JPEG


def test_another_s_photograph_is_not_known(store: Attachments) -> None:
    ann, bob = examiners("ann", "bob")
    kept = a_photograph(ann, store)
    with pytest.raises(NotKnownError):
        open_attachment(attachment=kept.pk, store=store, by=bob, at=NOON)
    with pytest.raises(NotKnownError):
        attachments_of(about=kept.record, by=bob, at=NOON)


def test_a_digest_is_no_path(store: Attachments) -> None:
    with pytest.raises(NotKnownError):
        store.read("../../etc/passwd")


def test_a_purged_file_is_gone(store: Attachments) -> None:
    digest = store.keep(JPEG)
    store.remove(digest)
    store.remove(digest)
    with pytest.raises(NotKnownError):
        store.read(digest)
