"""Declarations decided and what examiners do with them: one call gives a valid thing."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from tests.office import NOON, an_officer

from tidewaiter.actions.acts import open_acts
from tidewaiter.core.channel import Channel
from tidewaiter.core.policy import DEFAULT_CONTROLS, Policy
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import Act, Decision, Declaration, Officer, PublishedSet

TODAY = NOON.date()

POLICY = Policy(name="test", version=1, random_share=0.02, yellow_expires_after_days=3)

SECRET_CODE = "P-FOOTWEAR-07"
SECRET_LOOKOUT = "LK-2026-0042"
INSTRUCTION = "Open two cartons and compare the goods with the invoice"


def answer_of(channel: Channel, treatments: Mapping[Channel, Sequence[str]]) -> str:
    """Return the answer a client is given, with one item and its checklist."""
    return json.dumps(
        {
            "channel": channel.value,
            "treatments": [
                {"channel": one.value, "controls": list(controls)}
                for one, controls in sorted(treatments.items(), key=lambda pair: -pair[0].strictness)
            ],
            "items": [{"item_number": 1, "instructions": [INSTRUCTION]}],
        }
    )


def a_declaration(
    number: str = "D1",
    channel: Channel = Channel.RED,
    *,
    office: str = "MAIN",
    treatments: Mapping[Channel, Sequence[str]] | None = None,
    importer: str = "IMP1",
    declarant: str = "DEC1",
    decided_on: date = TODAY,
    identity: str = "",
) -> Decision:
    """Return the decision about a new declaration, stored; it rests on a profile and a lookout nobody may see."""
    at = datetime.combine(decided_on, NOON.timetz())
    Declaration.objects.create(
        declaration_id=number,
        version=1,
        lodged_at=at,
        lodged_on=decided_on,
        office=office,
        declarant_code=declarant,
        importer_code=importer,
        channel=channel.value,
        decision_id=f"{number}-1",
        identity=identity or number,
        draw_day=decided_on,
    )
    return a_decision(number, 1, channel, office=office, treatments=treatments, decided_on=decided_on)


def a_decision(
    number: str,
    ordinal: int,
    channel: Channel,
    *,
    office: str = "MAIN",
    treatments: Mapping[Channel, Sequence[str]] | None = None,
    decided_on: date = TODAY,
) -> Decision:
    """Return one more decision about a declaration, which then stands."""
    declaration = Declaration.objects.get(pk=number)
    PublishedSet.objects.get_or_create(digest="0" * 64, defaults={"text": b"", "made_at": NOON})
    given = treatments if treatments is not None else {channel: DEFAULT_CONTROLS[channel]}
    if channel is Channel.GREEN:
        given = {}
    body = {"reasons": [{"kind": "profile", "code": SECRET_CODE}, {"kind": "lookout", "code": SECRET_LOOKOUT}]}
    decision = Decision.objects.create(
        id=f"{number}-{ordinal}",
        declaration=declaration,
        version=1,
        ordinal=ordinal,
        cause="lodged",
        decided_at=datetime.combine(decided_on, NOON.timetz()),
        decided_on=decided_on,
        office=office,
        channel=channel.value,
        in_random_sample=True,
        selection_probability=0.02,
        random_probability=0.02,
        answer=answer_of(channel, given),
        body=json.dumps(body).encode(),
        facts=b"",
        set_id="0" * 64,
        policy_number=1,
        statistics_day=decided_on - timedelta(days=1),
        image="",
        catalogue="",
        program="",
        identity=declaration.identity,
        draw_day=declaration.draw_day,
        previous_id=f"{number}-{ordinal - 1}" if ordinal > 1 else None,
    )
    declaration.channel, declaration.decision_id = channel.value, decision.pk
    declaration.save()
    return decision


def opened(decision: Decision, policy: Policy = POLICY) -> list[Act]:
    """Return the acts opened for a decision at noon of its day."""
    return open_acts([decision], policy=policy, at=datetime.combine(decision.decided_on, NOON.timetz()))


def day(number: int) -> datetime:
    """Return noon of a day of March 2026."""
    return datetime(2026, 3, number, 12, tzinfo=UTC)


class OneKey:
    """Keys of the draw for tests: each day's key is made of the day."""

    def day_key(self, day: date) -> bytes:
        """Return the key of that day."""
        return hashlib.sha256(f"key of {day}".encode()).digest()


KEYS = OneKey()


def examiners(*logins: str, office: str = "MAIN") -> list[Officer]:
    """Return examiners of an office, on no roster."""
    return [an_officer(Role.EXAMINER, login=login, office=office) for login in logins]


def given(decision: Decision, officer: Officer) -> list[Act]:
    """Return the acts of a decision, opened and in the hands of an officer."""
    acts = opened(decision)
    for act in acts:
        act.officer = officer
        act.save()
    return acts
