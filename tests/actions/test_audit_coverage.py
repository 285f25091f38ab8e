"""Whatever is changed behind the service's back is named: overrides, evidence, statuses, publications, purges too."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.db.models import QuerySet
from tests.dossier import CATALOGUE, DAY, in_force_text
from tests.examined import POLICY, TODAY, a_declaration, examiners, given, opened
from tests.office import NOON, an_officer

from tidewaiter.actions import administration, officers
from tidewaiter.actions.audit.auditing import verify
from tidewaiter.actions.examinations import exhibits, overrides, referrals, seizures
from tidewaiter.actions.examinations.attachments import add_attachment, open_attachment
from tidewaiter.actions.profiles import lists, lookouts, traders
from tidewaiter.actions.retention import purging
from tidewaiter.actions.retention.holds import place_hold
from tidewaiter.actions.retention.retention import approve_rule, propose_rule
from tidewaiter.core.channel import Channel
from tidewaiter.core.lookout import LookoutAction, LookoutKind
from tidewaiter.core.profile import Entry
from tidewaiter.core.role import Role
from tidewaiter.storage.attachments import Attachments
from tidewaiter.storage.records import models
from tidewaiter.storage.records.audit import record_digest

pytestmark = pytest.mark.django_db

JPEG = b"\xff\xd8\xff\xe0 a photograph"
LATER = NOON + timedelta(minutes=1)


def named(*kinds: str) -> list[str]:
    """Return the records of these kinds that verifying names."""
    return sorted({one.record for one in verify().findings if one.record.partition(":")[0] in kinds})


def _overridden() -> None:
    a_declaration("D1", Channel.RED)
    boss = an_officer(Role.MANAGER, login="boss", office="MAIN")
    second = an_officer(Role.MANAGER, login="second", office="MAIN")
    code, told = "FALSE_MATCH", "other goods"
    made = overrides.lower_channel(
        declaration="D1",
        channel=Channel.GREEN,
        reason_code=code,
        reason=told,
        policy=POLICY,
        on=TODAY,
        by=boss,
        at=NOON,
    )
    overrides.confirm_lowering(override=made.pk, policy=POLICY, on=TODAY, by=second, at=NOON)
    code, told = "SUSPICION", "the seal is glued"
    overrides.raise_channel(
        declaration="D1", channel=Channel.RED, reason_code=code, reason=told, policy=POLICY, on=TODAY, by=boss, at=LATER
    )


def _evidence(folder: Path) -> None:
    ann, bob = examiners("ann", "bob")
    act = given(a_declaration("D2", Channel.ORANGE), ann)[0]
    store = Attachments(folder)
    about = f"act:{act.pk}"
    kept = add_attachment(about=about, name="a.jpg", kind="image/jpeg", content=JPEG, store=store, by=ann, at=NOON)
    open_attachment(attachment=kept.pk, store=store, by=ann, at=NOON)
    add_attachment(about=about, name="b", kind="", content=b"letter", privileged=True, store=store, by=ann, at=NOON)
    taken = exhibits.capture_exhibit(
        about=about, kind="sample", description="powder", place="shed", seal_after="A1", by=ann, at=NOON
    )
    offer = {"number": taken.pk, "taker": "bob", "place": "laboratory", "seal_before": "A1", "seal_after": "A2"}
    exhibits.offer_exhibit(**offer, reason="first; try", by=ann, at=LATER)
    exhibits.decline_exhibit(number=taken.pk, reason="busy; later", by=bob, at=LATER)
    exhibits.offer_exhibit(**offer, by=ann, at=LATER)
    exhibits.sign_exhibit(number=taken.pk, seal="A2", by=bob, at=LATER)
    stated = {"seized_at": NOON.isoformat(), "legal_basis": "Act", "goods": "cash", "office": "MAIN"}
    seizure = seizures.record_seizure(given=stated, by=ann, at=NOON)
    seizures.correct_seizure(number=seizure.number, given={**stated, "goods": "coin"}, reason="seen", by=ann, at=LATER)
    seizures.seizure_versions(number=seizure.number, by=ann, at=LATER)
    opened(a_declaration("D3", Channel.BLUE, importer="T1"))
    auditor = an_officer(Role.POST_CLEARANCE_AUDITOR, login="auditor")
    (audit,) = referrals.take_audits(trader="T1", by=auditor, at=NOON)
    referrals.close_audit(referral=audit.pk, given={"outcome": "nothing_found"}, by=auditor, at=NOON)
    opened(a_declaration("D4", Channel.BLUE, importer="T2"))
    lead = an_officer(Role.RISK_MANAGER, login="lead")
    referrals.refer_to_investigation(about=f"seizure:{seizure.number}", cause="a ring", by=lead, at=NOON)


def _trusted() -> None:
    text = "policy: n\nversion: 2\nrandom: {share: 0.03}\ntrusted_traders:\n  aeo: {profile_factor: 0.5}\n"
    in_force_text("policy", "routing", text)
    one, two = an_officer(Role.RISK_MANAGER, login="rm1"), an_officer(Role.RISK_MANAGER, login="rm2")
    status = traders.Status(party_code="I1", kind="aeo", scope="both", valid_from=date(2026, 1, 1))
    found = traders.grant_status(status=status, reason="audit", catalogue=CATALOGUE, on=DAY, by=one, at=NOON)
    traders.approve_status(party_code="I1", number=found.number, by=two, at=NOON)
    traders.suspend_status(party_code="I1", reason="found out", by=one, at=LATER)


def _listed() -> None:
    one, two = an_officer(Role.RISK_MANAGER, login="rm3"), an_officer(Role.RISK_MANAGER, login="rm4")
    preview = lists.preview_text(name="w", text="list: w\nentries: [A]\n", catalogue=CATALOGUE, on=DAY)
    first = lists.keep_edit(preview=preview, reason="news", by=one, at=NOON)
    lists.approve_edit(name="w", number=first.number, by=two, at=NOON)
    edit = lists.ListEdit(add=(Entry("B"),))
    again = lists.edit_list(name="w", edit=edit, reason="news", catalogue=CATALOGUE, on=DAY, by=one, at=LATER)
    lists.approve_edit(name="w", number=again.number, by=two, at=LATER)


def _watched() -> None:
    text = lookouts.LookoutText(
        kind=LookoutKind.CONTAINER, action=LookoutAction.EXAMINE, reason="seen", contact="+1", instruction="open",
        values=("MSKU1234565",),
    )  # fmt: skip
    one = an_officer(Role.RISK_MANAGER, login="rm5")
    examiner = an_officer(Role.EXAMINER, login="reader", office="MAIN")
    raised = lookouts.raise_lookout(text=text, expires_at=NOON + timedelta(days=9), by=one, at=NOON)
    lookouts.acknowledge_lookout(reference=raised.reference, by=examiner, at=NOON)
    lookouts.end_lookout(reference=raised.reference, outcome="not met", by=one, at=NOON)


def _guarded() -> None:
    one = an_officer(Role.PRIVACY_OFFICER, login="po1")
    two = an_officer(Role.PRIVACY_OFFICER, login="po2")
    rule = propose_rule(kind="lookout", days=99, legal_basis="law", by=one, at=NOON)
    approve_rule(kind="lookout", number=rule.number, by=two, at=NOON)
    place_hold(about="declaration:D1", reason="court", by=one, at=NOON)
    purge = purging.make_purge(records=["declaration:GONE"], reason="asked", by=one, at=NOON)
    purging.approve_purge(number=purge.pk, by=two, at=NOON)
    purging.apply_purge(number=purge.pk, by=one, at=NOON)


def _administered() -> None:
    admin = an_officer(Role.ADMINISTRATOR, login="admin")
    second = an_officer(Role.INSPECTORATE, login="second-person")
    administration.add_classification(rank=1, code="R", label="Restricted", by=admin, at=NOON)
    officers.add_officer(login="a", name="A", roles=["analyst"], clearance=1, office="MAIN", by=admin, at=NOON)
    officers.confirm_grant(grant=models.Grant.objects.get().pk, by=second, at=NOON)
    officers.change_officer(login="a", roles=["inspectorate"], clearance=0, active=True, by=admin, at=NOON)
    until = datetime(2026, 12, 31, tzinfo=UTC)
    waiting = administration.issue_token(label="t", officer="a", expires_at=until, by=admin, at=NOON)
    assert waiting.token.waits
    issued = administration.issue_token(label="u", officer="a", by=admin, at=NOON)
    administration.revoke_token(token=issued.token.pk, by=admin, at=NOON)
    administration.add_client(name="clearance", by=admin, at=NOON)


@pytest.fixture
def world(tmp_path: Path) -> None:
    """Let the actions write records of every kind."""
    _overridden()
    _evidence(tmp_path)
    _trusted()
    _listed()
    _watched()
    _guarded()
    _administered()


KINDS = (
    "override", "attachment", "exhibit", "seizure", "referral", "publication", "status", "trader", "list", "lookout",
    "declaration", "retention", "hold", "purge", "purge-approval", "tombstones", "token", "grant", "client",
    "classification",
)  # fmt: skip


@pytest.mark.usefixtures("world")
def test_what_actions_wrote_agrees_with_its_events() -> None:
    assert named(*KINDS) == []
    assert not set(verify().not_kept) & {"override.lower", "seizure.record", "exhibit.sign", "attachment.add"}


def _swap_lists() -> None:
    held = models.Proposal.objects.filter(kind="list", name="w")
    held.filter(number=2).update(state="superseded")
    held.filter(number=1).update(state="in force")


def _bury(kind: str, rows: QuerySet[Any], key: object) -> None:
    """Take a record away with its salts and say that a purge did."""
    events = models.AuditEvent.objects.filter(record=f"{kind}:{key}").values_list("sequence", flat=True)
    models.AuditSalt.objects.filter(sequence__in=list(events)).delete()
    rows.delete()
    number = models.Purge.objects.get().pk
    models.Tombstone.objects.create(
        record_digest=record_digest(f"{kind}:{key}"), kind=kind, rule="r", purge=number, at=NOON
    )


def _last_override() -> int:
    return models.Override.objects.get(after="red").pk


def _publish_an_old_set() -> None:
    old = models.PublishedSet.objects.order_by("made_at")[0]
    models.Publication.objects.create(set=old, at=NOON, cause="routine publication")


CHANGES: list[tuple[str, Callable[[], object]]] = [
    ("override", lambda: models.Override.objects.filter(after="green").update(reason="other")),
    ("override", lambda: models.Override.objects.filter(after="red").update(state="refused")),
    ("override", lambda: models.Override.objects.filter(after="red").delete()),
    ("attachment", lambda: models.Attachment.objects.filter(name="b").update(privileged=False)),
    ("attachment", lambda: models.Attachment.objects.filter(name="a.jpg").update(record="act:OTHER")),
    ("exhibit", lambda: models.Exhibit.objects.update(holder=models.Officer.objects.get(login="ann"))),
    ("exhibit", lambda: models.Exhibit.objects.update(description="flour")),
    ("exhibit", lambda: models.HandOver.objects.filter(ordinal=2).update(seal_after="B9")),
    ("exhibit", lambda: models.HandOver.objects.filter(ordinal=1).update(reason="none")),
    ("seizure", lambda: models.Seizure.objects.filter(version=1).update(row={"goods": "nothing"})),
    ("seizure", lambda: models.Seizure.objects.filter(version=2).delete()),
    ("seizure", lambda: models.Seizure.objects.update(declaration_id="D1")),
    ("referral", lambda: models.Referral.objects.filter(declaration_id="D3").update(outcome="found_other")),
    ("referral", lambda: models.Referral.objects.filter(declaration_id="D4").delete()),
    ("referral", lambda: models.Referral.objects.filter(kind="investigation").update(schedule=[{"record": "x"}])),
    ("publication", _publish_an_old_set),
    ("publication", lambda: models.Publication.objects.filter(pk__gt=1).delete()),
    ("status", lambda: models.TrustedTrader.objects.filter(number=2).update(suspended=False)),
    ("status", lambda: models.TrustedTrader.objects.filter(number=2).delete()),
    ("trader", lambda: models.Proposal.objects.filter(kind="trader").update(state="in force")),
    ("list", _swap_lists),
    ("list", lambda: models.Proposal.objects.filter(kind="list", number=2).update(decided_by=None)),
    ("lookout", lambda: models.Lookout.objects.update(ended_by=models.Officer.objects.get(login="rm4"))),
    ("lookout", lambda: models.LookoutAcknowledgement.objects.all().delete()),
    ("retention", lambda: models.RetentionRule.objects.update(days=1)),
    ("hold", lambda: models.LegalHold.objects.all().delete()),
    ("purge-approval", lambda: models.Purge.objects.update(approved_by=models.Officer.objects.get(login="po1"))),
    ("tombstones", lambda: _bury("override", models.Override.objects.filter(after="red"), _last_override())),
    ("tombstones", lambda: _bury("seizure", models.Seizure.objects.all(), "MAIN-2026-00001")),
    ("token", lambda: models.Token.objects.filter(label="t").update(officer=models.Officer.objects.get(login="rm1"))),
    ("token", lambda: models.Token.objects.filter(label="t").update(expires_at=None)),
    ("token", lambda: models.Token.objects.filter(label="u").update(revoked_at=None)),
    ("token", lambda: models.Token.objects.filter(label="t").update(waits=False)),
    ("token", lambda: models.Token.objects.filter(label="t").update(issued_by=None, waits=False)),
    ("officer", lambda: models.Officer.objects.filter(login="a").update(office=None)),
    ("officer", lambda: models.Officer.objects.filter(login="a").update(roles=["inspectorate"])),
    ("grant", lambda: models.Grant.objects.filter(state="waiting").update(state="confirmed")),
    ("grant", lambda: models.Grant.objects.filter(state="confirmed").update(decided_by=None)),
    ("grant", lambda: models.Grant.objects.filter(state="confirmed").update(roles=["inspectorate"])),
    ("grant", lambda: models.Grant.objects.filter(state="confirmed").delete()),
    ("declaration", lambda: models.Declaration.objects.filter(pk="D1").update(channel="green")),
    ("declaration", lambda: models.Declaration.objects.filter(pk="D2").update(in_flight=False, released_at=NOON)),
    ("declaration", lambda: models.Declaration.objects.filter(pk="D2").update(decision_id="D1-1")),
    ("client", lambda: models.ClientSystem.objects.update(active=False)),
    ("classification", lambda: models.Classification.objects.update(label="Open")),
]


@pytest.mark.slow
@pytest.mark.usefixtures("world")
def test_what_is_changed_behind_the_services_back_is_named() -> None:
    before = set(named(*(kind for kind, _ in CHANGES)))
    unseen = [(place, kind) for place, (kind, change) in enumerate(CHANGES) if not _shown(kind, change) - before]
    assert unseen == []


def _shown(kind: str, change: Callable[[], object]) -> set[str]:
    """Return the records of that kind that verifying names once it was changed; the change is taken back."""
    with transaction.atomic():
        change()
        shown = set(named(kind))
        transaction.set_rollback(True)
    return shown
