"""A risk profile with every required part written: one call gives a valid text."""

from datetime import UTC, date, datetime, time

from tests.office import NOON, an_officer

from tidewaiter.actions.packing import packed, to_json
from tidewaiter.actions.profiles.profile_force import activate_profile
from tidewaiter.actions.profiles.profiles import (
    Recommendation,
    approve_profile,
    draft_profile,
    rehearse_profile,
    review_profile,
    submit_profile,
)
from tidewaiter.core.channel import Channel
from tidewaiter.core.role import Role
from tidewaiter.language.catalogue import load_catalogue
from tidewaiter.storage.records.models import Decision, Declaration, Officer, ProfileVersion, Proposal, PublishedSet

CATALOGUE = load_catalogue()
DAY = NOON.date()

WHOLE = """\
code: {code}
title: Shoes far below the price of others
risk_area: undervaluation
register_entry: R-07
description: Shoes declared far below what others pay.
assessment: Two seizures; peer prices.
level: high
rationale: A source named the importer.
condition: {condition}
{exceptions}treatments:
  - channel: red
instruction: Compare invoice and labels.
result_codes: [undervaluation]
valid_from: {valid_from}
valid_to: {valid_to}
review_on: {review_on}
forecast_matches_per_day: 2
forecast_hours_per_day: 3
owner: risk unit
contact: risk@example.org
author: someone
approver: someone else
legal_basis: Customs Code 12
handling: official
sources: [S-1]
{extra}test_cases:
  - must_match: cheap shoes
    facts: {{hs_code: "640399", importer_code: I1, net_mass: 1}}
  - must_not_match: something else
    facts: {{hs_code: "010101", importer_code: none, net_mass: 1}}
"""


def dossier(
    code: str = "FW-1",
    *,
    condition: str = "starts_with(hs_code, '64')",
    exceptions: str = "",
    valid_from: date = date(2026, 1, 1),
    valid_to: date = date(2027, 1, 1),
    review_on: date = date(2026, 7, 1),
    extra: str = "",
) -> str:
    """Return the text of a profile that lacks nothing."""
    excluded = f"exceptions: {exceptions}\n" if exceptions else ""
    return WHOLE.format(
        code=code,
        condition=condition,
        exceptions=excluded,
        valid_from=valid_from,
        valid_to=valid_to,
        review_on=review_on,
        extra=extra,
    )


def an_approved_profile(text: str, *, author: Officer | None = None, rank: int = 0) -> ProfileVersion:
    """Return a version brought to approval by three persons."""
    author = author or an_officer(Role.PROFILE_AUTHOR, clearance=rank)
    reviewer = an_officer(Role.ANALYST, clearance=rank)
    manager = an_officer(Role.RISK_MANAGER, clearance=rank)
    version = draft_profile(text=text, rank=rank, catalogue=CATALOGUE, by=author, at=NOON)
    code, number = version.code, version.number
    rehearse_profile(code=code, number=number, catalogue=CATALOGUE, on=DAY, by=author, at=NOON)
    submit_profile(code=code, number=number, catalogue=CATALOGUE, on=DAY, by=author, at=NOON)
    review_profile(
        code=code, number=number, recommendation=Recommendation.APPROVE, comment="sound", by=reviewer, at=NOON
    )
    return approve_profile(code=code, number=number, catalogue=CATALOGUE, on=DAY, by=manager, at=NOON)


def an_active_profile(text: str, *, author: Officer | None = None, rank: int = 0) -> ProfileVersion:
    """Return a version in force."""
    version = an_approved_profile(text, author=author, rank=rank)
    manager = an_officer(Role.RISK_MANAGER, clearance=rank)
    return activate_profile(
        code=version.code,
        number=version.number,
        reason="approved",
        catalogue=CATALOGUE,
        on=DAY,
        by=manager,
        at=NOON,
    )


def in_force_text(kind: str, name: str, text: str) -> Proposal:
    """Return a list, indicator or policy in force since before the tests begin."""
    officer = an_officer(Role.RISK_MANAGER)
    return Proposal.objects.create(
        kind=kind,
        name=name,
        number=1,
        text=text,
        digest="",
        state="in force",
        proposed_by=officer,
        proposed_at=NOON,
        in_force_at=NOON,
    )


def a_decision(
    number: str = "D1",
    *,
    facts: list[dict[str, object]],
    fired: list[tuple[str, str, Channel]],
    on: date = DAY,
    office: str = "MAIN",
    within_capacity: bool = True,
    importer: str = "I1",
) -> Decision:
    """Return a stored decision that these reasons (kind, code, channel) gave, with the facts it read."""
    channel = max((one for *_, one in fired), key=lambda one: one.strictness, default=Channel.GREEN)
    instant = datetime.combine(on, time(12), UTC)
    PublishedSet.objects.get_or_create(digest="0" * 64, defaults={"text": packed("{}"), "made_at": instant})
    declaration, _ = Declaration.objects.get_or_create(
        declaration_id=number,
        defaults={
            "version": 1,
            "lodged_at": instant,
            "lodged_on": on,
            "office": office,
            "importer_code": importer,
            "channel": channel.value,
            "decision_id": f"X-{number}",
            "identity": number,
            "draw_day": on,
        },
    )
    reasons = [
        {"kind": kind, "code": code, "version": 1, "fired": True, "channel": one.value} for kind, code, one in fired
    ]
    return Decision.objects.create(
        id=f"X-{number}",
        declaration=declaration,
        version=1,
        ordinal=1,
        cause="lodged",
        decided_at=instant,
        decided_on=on,
        office=office,
        channel=channel.value,
        within_capacity=within_capacity,
        in_random_sample=False,
        selection_probability=1.0,
        random_probability=0.02,
        answer="{}",
        body=packed(to_json({"decision": {"reasons": reasons, "minutes": 90}})),
        facts=packed(to_json({"items": facts})),
        set_id="0" * 64,
        policy_number=1,
        statistics_day=on,
        image="",
        catalogue="",
        program="0",
        identity=number,
        draw_day=on,
    )
