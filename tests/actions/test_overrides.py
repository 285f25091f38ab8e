"""A person may raise a channel at once; lowering above the policy's level needs a second person."""

import json
from dataclasses import asdict, replace

import pytest
from tests.examined import INSTRUCTION, POLICY, TODAY, a_decision, a_declaration, examiners, given, opened
from tests.office import NOON, an_officer

from tidewaiter.actions.decisions.tracing import changes
from tidewaiter.actions.examinations.acts import AUDIT
from tidewaiter.actions.examinations.overrides import (
    IN_FORCE,
    OVERTAKEN,
    PROPOSED,
    SUPERSEDED,
    confirm_lowering,
    lower_channel,
    override_reasons,
    overrides,
    raise_channel,
    refuse_lowering,
)
from tidewaiter.actions.examinations.results import record_result
from tidewaiter.actions.examinations.worklist import worklist
from tidewaiter.core.channel import Channel
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import (
    Act,
    AuditEvent,
    ClientSystem,
    Decision,
    Declaration,
    Officer,
    Override,
    Referral,
    Result,
    Rise,
)

pytestmark = pytest.mark.django_db

STANDARD = "Check the seal"
ROUTING = replace(POLICY, checklists={Channel.RED: (STANDARD,)})


def a_manager(login: str = "boss", office: str = "MAIN") -> Officer:
    return an_officer(Role.MANAGER, login=login, office=office)


def raised(by: Officer, channel: Channel = Channel.RED, instruction: str = "") -> Override:
    return raise_channel(
        declaration="D1",
        channel=channel,
        reason_code="SUSPICION",
        reason="the seal is glued",
        instruction=instruction,
        policy=ROUTING,
        on=TODAY,
        by=by,
        at=NOON,
    )


def lowered(by: Officer, channel: Channel) -> Override:
    return lower_channel(
        declaration="D1",
        channel=channel,
        reason_code="FALSE_MATCH",
        reason="other goods than the list means",
        policy=ROUTING,
        on=TODAY,
        by=by,
        at=NOON,
    )


def channel_now() -> str:
    return Declaration.objects.get().channel


def waiting() -> list[str]:
    return sorted(Act.objects.exclude(state="closed").values_list("kind", flat=True))


def test_raising_acts_at_once_and_opens_what_is_missing() -> None:
    opened(a_declaration(channel=Channel.YELLOW))
    assert raised(a_manager()).state == IN_FORCE
    assert channel_now() == "red"
    assert waiting() == ["documents", "physical"]


def test_the_decision_itself_is_never_changed() -> None:
    a_declaration(channel=Channel.GREEN)
    before = Decision.objects.values().get()
    raised(a_manager())
    assert Decision.objects.values().get() == before


def test_the_feed_tells_a_client_of_raising_and_lowering_but_not_why() -> None:
    opened(a_declaration(channel=Channel.YELLOW))
    boss = a_manager()
    raised(boss, Channel.ORANGE)
    second = confirm_lowering(
        override=lowered(boss, Channel.YELLOW).pk, policy=ROUTING, on=TODAY, by=a_manager("two"), at=NOON
    )
    told = [(one.kind, one.before, one.after, one.reference) for one in Rise.objects.order_by("cursor")]
    assert told == [
        ("override", "yellow", "orange", f"override:{second.pk - 1}"),
        ("override", "orange", "yellow", f"override:{second.pk}"),
    ]


def test_the_feed_tells_what_holds_since_an_override() -> None:
    opened(a_declaration(channel=Channel.YELLOW))
    raised(a_manager(), instruction="Look behind the panel")
    (told,) = changes(after=0, by=ClientSystem.objects.create(name="clearance"), at=NOON)
    held = {"item_number": 1, "instructions": [STANDARD, INSTRUCTION, "Look behind the panel"]}
    assert told["override"] == {"channel": "red", "items": [held]}
    assert "glued" not in json.dumps(told)


def test_lowering_from_the_policy_s_level_waits_for_a_second_person() -> None:
    opened(a_declaration(channel=Channel.RED))
    proposed = lowered(a_manager(), Channel.YELLOW)
    assert (proposed.state, channel_now(), Rise.objects.count()) == (PROPOSED, "red", 0)
    confirm_lowering(override=proposed.pk, policy=ROUTING, on=TODAY, by=a_manager("two"), at=NOON)
    assert channel_now() == "yellow"
    assert waiting() == ["documents"]
    assert Result.objects.get().row["not_inspected_reason"] == "channel lowered"


def test_who_proposes_cannot_confirm() -> None:
    opened(a_declaration(channel=Channel.RED))
    boss = a_manager()
    proposed = lowered(boss, Channel.GREEN)
    with pytest.raises(NotAllowedError, match="second person"):
        confirm_lowering(override=proposed.pk, policy=ROUTING, on=TODAY, by=boss, at=NOON)
    with pytest.raises(NotAllowedError, match="second person"):
        refuse_lowering(override=proposed.pk, reason="it is fine", by=boss, at=NOON)
    assert channel_now() == "red"


def test_a_refused_lowering_leaves_the_channel_and_says_why() -> None:
    opened(a_declaration(channel=Channel.RED))
    proposed = lowered(a_manager(), Channel.GREEN)
    two = a_manager("two")
    with pytest.raises(InputError):
        refuse_lowering(override=proposed.pk, reason=" ", by=two, at=NOON)
    refused = refuse_lowering(override=proposed.pk, reason="the list is right", by=two, at=NOON)
    assert (refused.state, refused.second, channel_now()) == ("refused", two, "red")
    with pytest.raises(ConflictError):
        confirm_lowering(override=proposed.pk, policy=ROUTING, on=TODAY, by=two, at=NOON)


def test_lowering_below_the_level_needs_no_second_person() -> None:
    opened(a_declaration(channel=Channel.YELLOW))
    assert lowered(a_manager(), Channel.BLUE).state == IN_FORCE
    assert (channel_now(), waiting()) == ("blue", [])
    assert Referral.objects.get().kind == AUDIT


def test_a_confirmation_of_what_has_changed_since_is_refused() -> None:
    opened(a_declaration(channel=Channel.ORANGE))
    proposed = lowered(a_manager(), Channel.GREEN)
    opened(a_decision("D1", 2, Channel.RED))
    with pytest.raises(ConflictError, match="red now"):
        confirm_lowering(override=proposed.pk, policy=ROUTING, on=TODAY, by=a_manager("two"), at=NOON)


def test_a_raise_ends_a_lowering_that_waits() -> None:
    opened(a_declaration(channel=Channel.ORANGE))
    proposed = lowered(a_manager(), Channel.GREEN)
    raised(a_manager("two"))
    proposed.refresh_from_db()
    assert proposed.state == OVERTAKEN


def test_a_later_override_takes_the_place_of_one_in_force() -> None:
    opened(a_declaration(channel=Channel.YELLOW))
    first = raised(a_manager(), Channel.ORANGE)
    raised(a_manager("two"))
    first.refresh_from_db()
    assert first.state == SUPERSEDED


def test_only_one_lowering_is_proposed_at_a_time() -> None:
    opened(a_declaration(channel=Channel.RED))
    lowered(a_manager(), Channel.GREEN)
    with pytest.raises(ConflictError):
        lowered(a_manager("two"), Channel.GREEN)


def test_every_problem_of_an_override_is_told_at_once() -> None:
    a_declaration(channel=Channel.RED)
    with pytest.raises(InputError) as refused:
        raise_channel(
            declaration="D1",
            channel=Channel.YELLOW,
            reason_code="PERISHABLE",
            reason="ok",
            policy=ROUTING,
            on=TODAY,
            by=a_manager(),
            at=NOON,
        )
    assert [str(one.place) for one in refused.value.problems] == ["channel", "reason_code", "reason"]


def test_released_goods_keep_their_channel() -> None:
    a_declaration(channel=Channel.GREEN)
    Declaration.objects.update(in_flight=False)
    with pytest.raises(ConflictError):
        raised(a_manager())


def test_a_manager_of_another_office_does_not_know_the_goods() -> None:
    a_declaration(channel=Channel.GREEN)
    with pytest.raises(NotKnownError):
        raised(a_manager(office="PORT"))


def test_an_examiner_raises_what_the_examiner_has_and_lowers_nothing() -> None:
    ann, bob = examiners("ann", "bob")
    given(a_declaration(channel=Channel.YELLOW), ann)
    with pytest.raises(NotKnownError):
        raised(bob)
    assert raised(ann).state == IN_FORCE
    with pytest.raises(NotAllowedError):
        lowered(ann, Channel.GREEN)


def test_a_raised_declaration_has_a_checklist_of_the_usual_form_without_the_reason() -> None:
    (ann,) = examiners("ann")
    given(a_declaration(channel=Channel.YELLOW), ann)
    raised(ann, instruction="Look behind the panel")
    Act.objects.update(officer=ann)
    tasks = worklist(by=ann, at=NOON)
    assert {one.checklist[0].lines for one in tasks} == {(STANDARD, INSTRUCTION, "Look behind the panel")}
    answer = json.dumps([asdict(one) for one in tasks], default=str)
    assert [word for word in ("SUSPICION", "glued", "override", "reason") if word in answer] == []


def test_a_later_decision_s_checklist_counts_again() -> None:
    (ann,) = examiners("ann")
    given(a_declaration(channel=Channel.YELLOW), ann)
    raised(ann, instruction="Look behind the panel")
    opened(a_decision("D1", 2, Channel.RED))
    Act.objects.update(officer=ann)
    assert {one.checklist[0].lines for one in worklist(by=ann, at=NOON)} == {(INSTRUCTION,)}


def test_the_later_result_is_shown_with_the_override() -> None:
    (ann,) = examiners("ann")
    boss = a_manager()
    opened(a_declaration(channel=Channel.GREEN))
    raised(boss)
    Act.objects.update(officer=ann)
    assert [one.outcome for one in overrides(by=boss, at=NOON)] == [""]
    found = {"outcome": "found_other", "categories": ["ARMS"]}
    record_result(act_id=Act.objects.get(kind="physical").pk, given=found, by=ann, at=NOON)
    record_result(act_id=Act.objects.get(kind="documents").pk, given={"outcome": "nothing_found"}, by=ann, at=NOON)
    assert [one.outcome for one in overrides(by=boss, at=NOON)] == ["found_other"]


def test_an_override_leaves_its_trace() -> None:
    a_declaration(channel=Channel.GREEN)
    boss = a_manager()
    made = raised(boss)
    events = AuditEvent.objects.filter(record=f"override:{made.pk}")
    assert [(one.action, one.actor) for one in events] == [("override.raise", boss.reference)]


def test_every_reason_says_what_it_means_and_where_it_serves() -> None:
    assert all(one.meaning and one.direction in ("raise", "lower", "both") for one in override_reasons().values())
