"""Declarations decided and what examiners do with them: one call gives a valid thing."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from tests.office import NOON, an_officer

from tidewaiter.actions.examinations.acts import open_acts
from tidewaiter.actions.packing import packed, to_json
from tidewaiter.core import decision
from tidewaiter.core.channel import Channel
from tidewaiter.core.decision import ReasonKind
from tidewaiter.core.decision_json import decision_to_json
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
    reasons: Sequence[ReasonKind] = (ReasonKind.PROFILE,),
) -> Decision:
    """Return the decision about a new declaration, stored; it rests on reasons of these kinds, which nobody may see."""
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
    return a_decision(number, 1, channel, office=office, treatments=treatments, decided_on=decided_on, reasons=reasons)


def _decided(
    number: str, channel: Channel, reasons: Sequence[ReasonKind], given: Mapping[Channel, Sequence[str]]
) -> decision.Decision:
    """Return the whole decision as it is stored: every reason gave its channel."""
    codes = {ReasonKind.LOOKOUT: SECRET_LOOKOUT}
    certain = [
        decision.Reason(
            kind=kind,
            code=codes.get(kind, SECRET_CODE),
            version=1,
            probability=1.0,
            outcomes={channel: 1.0},
            fired=True,
            channel=channel,
        )
        for kind in reasons
    ]
    return decision.Decision(
        declaration_id=number,
        version=1,
        channel=channel,
        treatments=decision.treatments_of(given),
        selection_probability=1.0,
        channel_probabilities={channel: 1.0},
        random_probability=0.02,
        in_random_sample=True,
        draw_identity=number,
        reasons=tuple(certain),
        items=(decision.ItemDecision(item_number=1, reasons=tuple(certain), instructions=(INSTRUCTION,)),),
    )


def a_decision(
    number: str,
    ordinal: int,
    channel: Channel,
    *,
    office: str = "MAIN",
    treatments: Mapping[Channel, Sequence[str]] | None = None,
    decided_on: date = TODAY,
    reasons: Sequence[ReasonKind] = (ReasonKind.PROFILE,),
) -> Decision:
    """Return one more decision about a declaration, which then stands."""
    declaration = Declaration.objects.get(pk=number)
    PublishedSet.objects.get_or_create(digest="0" * 64, defaults={"text": b"", "made_at": NOON})
    given = treatments if treatments is not None else {channel: DEFAULT_CONTROLS[channel]}
    if channel is Channel.GREEN:
        given = {}
    made = Decision.objects.create(
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
        body=packed(to_json({"decision": decision_to_json(_decided(number, channel, reasons, given))})),
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
    declaration.channel, declaration.decision_id = channel.value, made.pk
    declaration.save()
    return made


def opened(about: Decision, policy: Policy = POLICY) -> list[Act]:
    """Return the acts opened for a decision at noon of its day."""
    return open_acts([about], policy=policy, at=datetime.combine(about.decided_on, NOON.timetz()))


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


def given(about: Decision, officer: Officer) -> list[Act]:
    """Return the acts of a decision, opened and in the hands of an officer."""
    acts = opened(about)
    for act in acts:
        act.officer = officer
        act.save()
    return acts
