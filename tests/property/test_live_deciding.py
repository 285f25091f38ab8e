"""One declaration decided live is decided as in a batch; and replayed, it is decided the same again."""

import json
from dataclasses import replace
from datetime import date

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from tests.selectivity import CHAPTERS, CIRCUMSTANCES, KEY, POLICIES, TREATMENTS

from tidewaiter.core.channel import Channel
from tidewaiter.core.condition import And, Compare, Condition, HasWord, IsMissing, Not, OneOf, Op, Or
from tidewaiter.core.decision import Circumstances
from tidewaiter.core.decision_json import decision_from_json, decision_to_json
from tidewaiter.core.facts import Catalogue, Fact, FactType, FactValue
from tidewaiter.core.lookout import Lookout, LookoutAction, LookoutKind
from tidewaiter.core.policy import Policy
from tidewaiter.core.profile import Profile, ProfileSet, Status, Treatment
from tidewaiter.engines.selection.deciding import decide_all
from tidewaiter.engines.selection.draw import Draw
from tidewaiter.engines.selection.live import Facts, LiveForce, decide_live, live_force, replay, shadow_hits

ON = date(2026, 3, 2)
NAMES = ("flow", "office", "origin", "trusted_trader", "hs2", "importer_code")
TEXTS = {name: Fact(name, FactType.TEXT) for name in NAMES}
NAME = Fact("importer_name", FactType.WORDS)
CATALOGUE = Catalogue("test", {**TEXTS, "importer_name": NAME})
ORIGIN, HS2 = TEXTS["origin"], TEXTS["hs2"]
CONDITIONS: list[Condition] = [
    Compare(ORIGIN, Op.EQ, "VN"),
    OneOf(HS2, ("64", "84")),
    And((Not(Compare(ORIGIN, Op.EQ, "CN")), Compare(HS2, Op.EQ, "84"))),
    Or((IsMissing(ORIGIN), HasWord(NAME, ("global",)))),
    HasWord(NAME, ("trading", "shoes*")),
]
COLUMNS = {
    "origin": ["VN", "CN", None],
    "hs2": ["64", "84", "95", None],
    "importer_code": ["I1", "TAXQ77", None],
    "importer_name": [" global trading ", " shoes of vietnam ", None],
}
LOOKOUTS = [
    Lookout(reference="LKT-CODE", kind=LookoutKind.COMPANY, action=LookoutAction.EXAMINE, values=("tax-q77",)),
    Lookout(reference="LKT-NAME", kind=LookoutKind.PARTY, action=LookoutAction.INTERCEPT, names=("Global Trading",)),
    Lookout(
        reference="LKT-OLD",
        kind=LookoutKind.PARTY,
        action=LookoutAction.EXAMINE,
        values=("I1",),
        valid_to=date(2026, 3, 1),
    ),
    Lookout(reference="LKT-COVERT", kind=LookoutKind.PARTY, action=LookoutAction.MONITOR, values=("I1",)),
]
ROW = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in COLUMNS.items()})
STATUSES = st.sampled_from([Status.ACTIVE, Status.ACTIVE, Status.SHADOW, Status.DRAFT])


@st.composite
def declarations(draw: st.DrawFn) -> list[list[Facts]]:
    """Return a few declarations, each with the facts of its items."""
    found: list[list[Facts]] = []
    for number in range(draw(st.integers(1, 3))):
        whole: dict[str, FactValue] = {
            "declaration_id": f"D{number}",
            "version": 1,
            "office": draw(st.sampled_from(["Q40", None])),
            "trusted_trader": draw(st.sampled_from(["AEOX", None])),
        }
        rows = draw(st.lists(ROW, min_size=1, max_size=3))
        found.append([{**whole, "item_number": place + 1, **row} for place, row in enumerate(rows)])
    return found


@st.composite
def forces(draw: st.DrawFn) -> LiveForce:
    """Return what is in force: a few profiles, some in shadow, a policy and the lookouts."""
    profiles = {
        f"PRF-{place}": Profile(
            code=f"PRF-{place}",
            condition=condition,
            treatments=draw(TREATMENTS),
            instruction=CHAPTERS["64"][0],
            status=draw(STATUSES),
        )
        for place, condition in enumerate(CONDITIONS)
    }
    policy = replace(draw(st.sampled_from(POLICIES)), mandatory=())
    return live_force(ProfileSet(profiles, {}, {}), policy, CATALOGUE, LOOKOUTS, ON)


def table_of(items: list[Facts]) -> pa.Table:
    """Return the facts of items as a table."""
    numbers = {name: pa.array([item[name] for item in items], pa.int64()) for name in ("version", "item_number")}
    texts = ("declaration_id", "office", "trusted_trader", *COLUMNS)
    return pa.table({**numbers, **{name: pa.array([item[name] for item in items], pa.string()) for name in texts}})


@given(forces(), declarations(), CIRCUMSTANCES)
def test_a_declaration_is_decided_live_as_in_a_batch(
    live: LiveForce, lodged: list[list[Facts]], beside: Circumstances
) -> None:
    names = [str(items[0]["declaration_id"]) for items in lodged]
    batch = decide_all(
        table_of([item for items in lodged for item in items]),
        live.force,
        identities={name: f"BILL {name}" for name in names},
        key=KEY,
        lookouts={name: live.lookouts.match(items) for name, items in zip(names, lodged, strict=True)},
        circumstances=dict.fromkeys(names, beside),
    )
    one_by_one = [
        decide_live(live, items, draw=Draw(KEY, f"BILL {name}"), circumstances=beside)
        for name, items in zip(names, lodged, strict=True)
    ]
    assert list(batch) == one_by_one


@given(forces(), declarations(), CIRCUMSTANCES)
def test_a_stored_decision_is_replayed_from_facts_and_circumstances(
    live: LiveForce, lodged: list[list[Facts]], beside: Circumstances
) -> None:
    for items in lodged:
        decision = decide_live(live, items, draw=Draw(KEY, "BILL"), circumstances=beside)
        kept = decision_from_json(json.loads(json.dumps(decision_to_json(decision))))
        assert replay(kept, live, json.loads(json.dumps(items))) == decision


@given(forces(), declarations())
def test_profiles_in_shadow_run_and_select_nothing(live: LiveForce, lodged: list[list[Facts]]) -> None:
    for items in lodged:
        decision = decide_live(live, items, draw=Draw(KEY, "BILL"))
        run = shadow_hits(live, items)
        assert not run.keys() & {reason.code for reason in decision.reasons}
        assert run.keys() <= set(live.shadow.names)


def test_replay_says_where_what_is_in_force_now_differs() -> None:
    policy = Policy(name="p", version=1, random_share=0.0)
    items: list[Facts] = [{"declaration_id": "D1", "version": 1, "item_number": 1, "origin": "VN", "hs2": "64"}]
    profile = Profile(code="P", condition=CONDITIONS[0], treatments=(Treatment(Channel.RED),), status=Status.ACTIVE)
    then = live_force(ProfileSet({"P": profile}, {}, {}), policy, CATALOGUE, (), ON)
    now = live_force(
        ProfileSet({"P": replace(profile, treatments=(Treatment(Channel.YELLOW),))}, {}, {}), policy, CATALOGUE, (), ON
    )
    decision = decide_live(then, items, draw=Draw(KEY, "BILL"))
    assert (decision.channel, replay(decision, now, items).channel) == (Channel.RED, Channel.YELLOW)
