"""Who reads what of a decision: of the own office, up to the clearance, never of goods still to be examined."""

import json
from datetime import timedelta

import pytest
from tests.examined import SECRET_LOOKOUT, a_declaration, given
from tests.office import NOON, an_officer

from tidewaiter.actions.decisions.tracing import decision, trace
from tidewaiter.actions.examinations.results import record_result
from tidewaiter.actions.packing import packed, unpacked
from tidewaiter.core.channel import Channel
from tidewaiter.core.decision import ReasonKind
from tidewaiter.core.errors import NotAllowedError, NotKnownError
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import AuditEvent, Decision, Lookout

pytestmark = pytest.mark.django_db


def decided(*reasons: ReasonKind) -> Decision:
    """Return a decision that rests on facts of nothing."""
    found = a_declaration("D1", Channel.RED, reasons=reasons or (ReasonKind.PROFILE,))
    body = {**json.loads(unpacked(found.body)), "shadow": {}}
    Decision.objects.filter(pk=found.pk).update(
        body=packed(json.dumps(body)), facts=packed('{"items": [], "filing": null}')
    )
    return found


def a_hit_of_a_lookout(rank: int) -> Decision:
    Lookout.objects.create(
        reference=SECRET_LOOKOUT, kind="container", subject={}, action="examine", reason="r", contact="c", rank=rank,
        raised_by=an_officer(Role.RISK_MANAGER), raised_at=NOON, valid_from=NOON,
        expires_at=NOON + timedelta(days=1),
    )  # fmt: skip
    found = decided(ReasonKind.PROFILE, ReasonKind.LOOKOUT)
    Decision.objects.filter(pk=found.pk).update(cause=f"lookout {SECRET_LOOKOUT} raised")
    return found


def test_a_manager_reads_decisions_of_the_own_office_only() -> None:
    found = a_declaration("D1", office="MAIN")
    own, other = (an_officer(Role.MANAGER, office=code) for code in ("MAIN", "PORT"))
    assert decision(decision_id=found.pk, by=own, at=NOON)["channel"] == "red"
    with pytest.raises(NotKnownError) as refused:
        decision(decision_id=found.pk, by=other, at=NOON)
    with pytest.raises(NotKnownError) as unknown:
        decision(decision_id="D1-9", by=other, at=NOON)
    assert str(refused.value).replace(found.pk, "N") == str(unknown.value).replace("D1-9", "N")


def test_who_examines_goods_learns_why_only_when_the_result_is_closed() -> None:
    both = an_officer(Role.EXAMINER, Role.ANALYST, login="both", office="MAIN")
    found = decided()
    acts = given(found, both)
    with pytest.raises(NotAllowedError, match="once your result is closed"):
        trace(decision_id=found.pk, by=both, at=NOON)
    for act in acts:
        record_result(act_id=act.pk, given={"outcome": "nothing_found"}, by=both, at=NOON)
    assert trace(decision_id=found.pk, by=both, at=NOON)["decision"]


def test_a_lookout_above_the_clearance_is_withheld_from_what_is_behind_a_decision() -> None:
    found = a_hit_of_a_lookout(rank=3)
    low, high = an_officer(Role.ANALYST, clearance=2), an_officer(Role.ANALYST, clearance=3)
    assert SECRET_LOOKOUT in json.dumps(trace(decision_id=found.pk, by=high, at=NOON))
    told = trace(decision_id=found.pk, by=low, at=NOON)
    assert SECRET_LOOKOUT not in json.dumps(told)
    assert "withheld" in json.dumps(told)
    assert told["decision_id"] == found.pk


def test_a_refusal_within_an_action_is_recorded_as_well() -> None:
    both = an_officer(Role.EXAMINER, Role.ANALYST, login="both", office="MAIN")
    found = decided()
    given(found, both)
    assert not AuditEvent.objects.filter(action="refused").exists()
    with pytest.raises(NotAllowedError):
        trace(decision_id=found.pk, by=both, at=NOON)
    refused = AuditEvent.objects.get(action="refused")
    assert (refused.actor, refused.record) == (both.reference, "action:decision.trace")
