"""A day on which decisions of every kind are taken, each about a declaration named after its kind."""

import hashlib
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.office import an_officer
from tests.service_world import KEYS, NOW, ON, a_profile, history, lodged, profile_text, published
from tests.trade import result

from tidewaiter.actions.acting import SERVICE
from tidewaiter.actions.decisions.consignments import assess
from tidewaiter.actions.decisions.events import record_events
from tidewaiter.actions.decisions.flight import Asked, redecide_all
from tidewaiter.actions.decisions.group import decide_group
from tidewaiter.actions.decisions.requests import RequestText, Source, SubjectKind, raise_request
from tidewaiter.actions.decisions.standing import Standing
from tidewaiter.actions.examinations.overrides import raise_channel
from tidewaiter.core.channel import Channel
from tidewaiter.core.role import Role
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.records.models import Decision, Declaration, Lookout, LookoutMatch, Proposal, TrustedTrader

POLICY = """
policy: replayed
version: 1
random: {share: 0.1, channel: red, offices: {AIR: 0.2}}
mandatory:
  - code: ARMS
    condition: hs_chapter = 93
    channel: red
    controls: [documents, permit, physical]
    instruction: Check the licence against marks and numbers.
    legal_basis: Firearms law
trusted_traders:
  AEOF: {profile_factor: 0.5, random_share: 0.05}
checklists:
  red: [Open and count the packages.]
  orange: [Scan the container.]
  yellow: [Compare invoice and declaration.]
minutes: {red: 90, orange: 20, yellow: 15}
offices:
  BUSY:
    reserved_minutes: 10
    shifts: [{name: day, from: "00:00", to: "23:59", minutes: 30}]
expected: {orange: 0.2}
exploration: {share: 0.05, channel: yellow, highest_top_up: 0.3}
lookouts: {intercept: red, examine: red, do not load: red, possible: yellow}
agency_holds: {channel: yellow, agencies: {FOOD: orange}}
green_delay: {least: 5, most: 60}
overrides: {second_person_from: orange}
re_examined: {share: 0.05}
"""
LIST = """
list: watched-origins
title: Origins under a measure
entries:
  - {value: KP, note: in force}
  - {value: SY, valid_to: 2023-12-31}
"""
INDICATORS = """
indicators:
  light:
    title: Light consignment
    condition: net_mass < 50
  cheap:
    title: Cheap goods
    condition: unit_value < 5 OR unit_value IS NULL
  trading_often:
    title: Trades often
    condition: importer_declarations_365d > 3
"""
BOX, OTHER_BOX = "MSCU1234566", "TGHU7654321"


def decided(folder: Path) -> dict[str, Decision]:
    """Take the decisions and return them by their kinds, with a lake in the folder."""
    before = _standing(folder)
    _lodge(before, "profile-of-two-channels", origin="VN")
    _lodge(before, "many-items", origin="VN", items=3, containers=[OTHER_BOX])
    _lodge(before, "list-and-points", origin="KP", customs_value=Decimal(20))
    _lodge(before, "missing-values", origin="VN", net_mass=None, customs_value=None)
    _lodge(before, "mandatory-control", hs_code="930200", origin="FR")
    _lodge(before, "trusted-trader", origin="VN", importer_code="T1")
    _filed(before)
    _held(before)
    _beyond_capacity(before)
    _amended(before)
    _overridden(before)
    _requested(before)
    drawn = _drawn(before)
    _met_by_lookouts(before, folder)
    named = {one.pk: one.pk for one in Declaration.objects.exclude(pk__startswith="drawn-")} | drawn
    return {kind: _latest(Declaration.objects.get(pk=number)) for kind, number in named.items()}


def _latest(declaration: Declaration) -> Decision:
    return Decision.objects.get(pk=declaration.decision_id)


def _lodge(standing: Standing, number: str, **fields: Any) -> None:
    decide_group(standing, KEYS, [(lodged(number, **fields), SERVICE)], NOW)


def _standing(folder: Path) -> Standing:
    for kind, name, text in (
        ("policy", "policy", POLICY),
        ("list", "watched-origins", LIST),
        ("indicator", "goods", INDICATORS),
    ):
        _in_force(kind, name, text)
    two = profile_text("TWO-1", "origin = 'VN' AND importer_declarations_365d > 3", channel="yellow", probability=0.5)
    _profile("TWO-1", f"{two}  - channel: blue\n    probability: 0.5\ninstruction: Ask for the export declaration.\n")
    a_profile("LIST-1", "in_list(origin, 'watched-origins') AND at_least(2, light, cheap, trading_often)")
    a_profile("POINTS-1", "points(light 3, cheap 2, trading_often 2) >= 5", channel="orange", probability=0.3)
    a_profile("NULL-1", "net_mass IS NULL OR NOT (customs_value > 0)", channel="yellow")
    a_profile("MANIFEST-1", "has_word(manifest_description, 'fireworks')")
    a_profile("TRADER-1", "importer_code = 'T1'", probability=0.9)
    a_profile("SHADOW-1", "origin = 'VN'", status="shadow")
    TrustedTrader.objects.create(
        party_code="T1", number=1, kind="AEOF", scope="both", valid_from=ON, by=an_officer(Role.RISK_MANAGER), at=NOW
    )
    found = [result("R1", "H1", 20, found=True), result("R2", "H2", 21, found=False)]
    return published(history(folder / "lake", results=found))


def _in_force(kind: str, name: str, text: str) -> None:
    digest = hashlib.sha256(text.encode()).hexdigest()
    Proposal.objects.create(
        kind=kind, name=name, number=1, text=text, digest=digest, state="in force",
        proposed_by=an_officer(Role.ANALYST), proposed_at=NOW, in_force_at=NOW,
    )  # fmt: skip


def _profile(code: str, text: str) -> None:
    version = a_profile(code, "origin = 'VN'", status="draft")
    version.text, version.digest, version.status = text, hashlib.sha256(text.encode()).hexdigest(), "active"
    version.save()


def _filed(standing: Standing) -> None:
    filing = {"consignment_id": "BL-F", "filed_at": NOW, "description": "Fireworks, assorted", "version": None}
    assess(rows=[filing], standing=standing, keys=KEYS, by=SERVICE, at=NOW)
    _lodge(standing, "consignment-filed", origin="CN", previous_document="BL-F", net_mass=Decimal(700))


def _held(standing: Standing) -> None:
    held = {"kind": "agency_hold", "occurred_at": NOW, "declaration_id": "agency-hold", "detail": "FOOD"}
    record_events(events=[held], by=SERVICE, at=NOW)
    _lodge(standing, "agency-hold", origin="FR", hs_code="020130", net_mass=Decimal(900))


def _beyond_capacity(standing: Standing) -> None:
    for number in range(2):
        _lodge(standing, f"beyond-capacity-{number}", office="BUSY", net_mass=None, origin="FR")


def _amended(standing: Standing) -> None:
    _lodge(standing, "amended-and-carried", origin="KP", previous_document="BL-A")
    _lodge(standing, "amended-and-carried", origin="FR", previous_document="BL-A", net_mass=Decimal(900))


def _overridden(standing: Standing) -> None:
    fields: dict[str, Any] = {"origin": "FR", "net_mass": Decimal(900)}
    _lodge(standing, "override-and-amended", **fields)
    raise_channel(
        declaration="override-and-amended", channel=Channel.RED, reason_code="SEALS", reason="seals broken",
        instruction="Check the seals.", policy=standing.content.policy, on=ON,
        by=an_officer(Role.MANAGER, office="MAIN"), at=NOW,
    )  # fmt: skip
    _lodge(standing, "override-and-amended", packages=7, **fields)


def _requested(standing: Standing) -> None:
    fields: dict[str, Any] = {"origin": "FR", "hs_code": "010121", "net_mass": Decimal(900)}
    text = RequestText(
        source=Source.MUTUAL_ASSISTANCE, source_reference="MA-2024-17", asked_by="Customs of Westland",
        legal_basis="Agreement on mutual assistance, Article 9", subject_kind=SubjectKind.DOCUMENT, subject="BL-R",
        channel=Channel.RED, instruction="Weigh the goods.", reason="undervaluation suspected abroad",
    )  # fmt: skip
    raise_request(
        text=text, expires_at=NOW + timedelta(days=30), standing=standing, keys=KEYS,
        by=an_officer(Role.INTELLIGENCE_OFFICER), at=NOW,
    )  # fmt: skip
    _lodge(standing, "requested-control", previous_document="BL-R", **fields)


def _drawn(standing: Standing) -> dict[str, str]:
    """Lodge until one is in the random sample alone and one is explored alone; return their numbers by kind."""
    found: dict[str, str] = {}
    for number in range(200):
        name = f"drawn-{number}"
        _lodge(standing, name, origin="FR", hs_code="010121", net_mass=Decimal(900))
        stored = _latest(Declaration.objects.get(pk=name))
        kind = "random-sample" if stored.in_random_sample else "exploration" if stored.channel != "green" else "green"
        found.setdefault(kind, name)
        if len(found) == 3:
            break
    return found


def _met_by_lookouts(before: Standing, folder: Path) -> None:
    plain: dict[str, Any] = {"origin": "FR", "hs_code": "010121", "net_mass": Decimal(900)}
    _lodge(before, "lookout-in-flight", containers=[BOX], **plain)
    _lookout("examine", "container", [BOX])
    _lookout("intercept", "party", [], names=["Harbour Fish"])
    _lookout("monitor", "container", ["CSQU3054383"])
    after = published(Lake.open(folder / "lake"))
    asked = Asked.within(before.content, before.force, before.on)
    redecide_all(standing=after, before=asked, keys=KEYS, cause="lookout raised", clock=lambda: NOW)
    _lodge(after, "covert-lookout", containers=["CSQU3054383"], **plain)
    _lodge(after, "possible-match", importer_name="Harbour Fish Trading", **plain)
    _lodge(after, "possible-match-confirmed", importer_name="New Harbour Fish", **plain)
    LookoutMatch.objects.filter(declaration_id="possible-match-confirmed").update(state="confirmed")
    _lodge(after, "possible-match-confirmed", importer_name="New Harbour Fish", packages=2, **plain)
    _lodge(after, "possible-match-cleared", importer_name="Old Harbour Fish", **plain)
    LookoutMatch.objects.filter(declaration_id="possible-match-cleared").update(state="cleared")
    _lodge(after, "possible-match-cleared", importer_name="Old Harbour Fish", packages=2, **plain)


def _lookout(action: str, kind: str, values: list[str], *, names: list[str] | None = None) -> None:
    Lookout.objects.create(
        reference=f"L-{Lookout.objects.count() + 1}",
        kind=kind,
        subject={"values": values, "names": names or []},
        action=action,
        covert=action == "monitor",
        instruction="Open the container." if kind == "container" else "Ask for the identity of the buyer.",
        reason="From a report",
        contact="duty officer",
        raised_by=an_officer(Role.INTELLIGENCE_OFFICER),
        raised_at=NOW,
        valid_from=NOW,
        expires_at=NOW + timedelta(days=30),
    )
