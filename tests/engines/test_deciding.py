"""From facts to decisions: whole declarations, active profiles only, mandatory controls whatever the profiles say."""

from dataclasses import replace
from datetime import date

import pyarrow as pa

from tidewaiter.core.channel import Channel
from tidewaiter.core.condition import Compare, InList, IsMissing, Not, Op
from tidewaiter.core.decision import Decision, ReasonKind
from tidewaiter.core.facts import Catalogue, Fact, FactType
from tidewaiter.core.policy import MandatoryControl, Policy
from tidewaiter.core.profile import Entry, NamedList, Profile, ProfileSet, Status, Treatment
from tidewaiter.engines.selection.deciding import decide_all, facts_needed, in_force, lists_without_entries

TEXTS = {name: Fact(name, FactType.TEXT) for name in ("flow", "office", "origin", "trusted_trader", "hs2")}
CATALOGUE = Catalogue("test", TEXTS)
ON = date(2026, 3, 2)
FROM_VN = Compare(TEXTS["origin"], Op.EQ, "VN")
FACTS = pa.table(
    {
        "declaration_id": ["D1", "D1", "D2", "D3"],
        "version": pa.array([1, 1, 1, 1], pa.int64()),
        "item_number": pa.array([1, 2, 1, 1], pa.int64()),
        "office": ["40", "40", "40", None],
        "origin": ["CN", "VN", "CN", None],
        "trusted_trader": pa.array([None] * 4, pa.string()),
        "hs2": ["64", "84", "84", None],
    }
)


def profile(code: str = "P", status: Status = Status.ACTIVE, valid_to: date | None = None) -> Profile:
    return Profile(
        code=code,
        condition=FROM_VN,
        treatments=(Treatment(Channel.RED),),
        instruction="check origin marks",
        status=status,
        valid_to=valid_to,
    )


def decided(*profiles: Profile, mandatory: tuple[MandatoryControl, ...] = ()) -> dict[str, Decision]:
    policy = Policy(name="none drawn", version=1, random_share=0.0, mandatory=mandatory)
    force = in_force(ProfileSet({p.code: p for p in profiles}, {}, {}), policy, CATALOGUE, ON)
    identities = {name: name for name in ("D1", "D2", "D3")}
    return {d.declaration_id: d for d in decide_all(FACTS, force, identities=identities, key=b"key")}


def test_one_item_selects_the_whole_declaration_and_reasons_stay_with_the_item() -> None:
    decision = decided(profile())["D1"]
    assert decision.channel is Channel.RED
    assert [(item.item_number, len(item.reasons)) for item in decision.items] == [(1, 0), (2, 1)]


def test_every_declaration_is_decided_once() -> None:
    decisions = decided(profile())
    assert {name: decision.channel for name, decision in decisions.items()} == {
        "D1": Channel.RED,
        "D2": Channel.GREEN,
        "D3": Channel.GREEN,
    }


def test_items_lodged_at_two_moments_are_still_one_declaration_with_one_decision() -> None:
    policy = Policy(name="none drawn", version=1, random_share=0.0)
    force = in_force(ProfileSet({"P": profile()}, {}, {}), policy, CATALOGUE, ON)
    apart = FACTS.take([0, 2, 1])
    found = list(decide_all(apart, force, identities={"D1": "D1", "D2": "D2"}, key=b"key"))
    assert [(decision.declaration_id, decision.channel) for decision in found] == [
        ("D1", Channel.RED),
        ("D2", Channel.GREEN),
    ]
    assert [item.item_number for item in found[0].items] == [1, 2]


def test_only_active_profiles_within_their_validity_select() -> None:
    draft, expired = profile("DRAFT", Status.DRAFT), profile("EXPIRED", valid_to=date(2026, 3, 1))
    assert decided(draft, expired)["D1"].channel is Channel.GREEN
    policy = Policy(name="p", version=1, random_share=0.0)
    force = in_force(ProfileSet({"DRAFT": draft, "EXPIRED": expired}, {}, {}), policy, CATALOGUE, ON)
    assert force.left_out == {"DRAFT": "is draft", "EXPIRED": "is not valid on 2026-03-02"}


def test_a_list_that_has_run_out_is_named_where_something_active_asks_it() -> None:
    asked = replace(profile(), condition=Not(InList(TEXTS["origin"], "partners")))
    lists = {
        "partners": NamedList("partners", (Entry("VN", valid_to=date(2026, 3, 1)),)),
        "unused": NamedList("unused", ()),
    }
    policy = Policy(name="p", version=1, random_share=0.0)
    assert lists_without_entries(ProfileSet({"P": asked}, {}, lists), policy, ON) == ("partners",)
    assert lists_without_entries(ProfileSet({"P": asked}, {}, lists), policy, date(2026, 3, 1)) == ()
    draft = replace(asked, status=Status.DRAFT)
    assert lists_without_entries(ProfileSet({"P": draft}, {}, lists), policy, ON) == ()


def test_the_last_day_of_validity_counts() -> None:
    assert decided(profile(valid_to=ON))["D1"].channel is Channel.RED


def test_a_mandatory_control_is_given_beside_a_profile_of_the_same_code() -> None:
    control = MandatoryControl(
        code="P", condition=Not(IsMissing(TEXTS["origin"])), treatment=Treatment(Channel.YELLOW), instruction="permit"
    )
    decisions = decided(profile(), mandatory=(control,))
    assert {reason.kind for reason in decisions["D1"].reasons if reason.fired} == {
        ReasonKind.MANDATORY,
        ReasonKind.PROFILE,
    }
    assert [treatment.channel for treatment in decisions["D1"].treatments] == [Channel.RED, Channel.YELLOW]
    assert decisions["D2"].channel is Channel.YELLOW
    assert decisions["D3"].channel is Channel.GREEN


def test_deciding_asks_for_the_facts_of_its_conditions_and_of_routing() -> None:
    policy = Policy(name="p", version=1, random_share=0.0)
    force = in_force(ProfileSet({"P": profile()}, {}, {}), policy, CATALOGUE, ON)
    assert facts_needed(force) == {"origin", "office", "trusted_trader", "hs2"}
