"""Hypothesis strategies of selection: profiles, lookouts, policies and circumstances, and what they route to.

Codes are written so that no part of one is a word of anything that is shown outside.
"""

from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from tidewaiter.core.channel import Channel
from tidewaiter.core.condition import Always
from tidewaiter.core.decision import (
    AgencyHold,
    Carried,
    Circumstances,
    ControlRequest,
    Decision,
    GivenTreatment,
    Override,
    Queue,
    ReasonKey,
    ReasonKind,
)
from tidewaiter.core.lookout import Certainty, Lookout, LookoutAction, LookoutKind, LookoutMatch
from tidewaiter.core.policy import (
    DEFAULT_CONTROLS,
    AgencyHoldPolicy,
    Delay,
    Exploration,
    MandatoryControl,
    OfficePolicy,
    Policy,
    TrustedTrader,
)
from tidewaiter.core.profile import Profile, Treatment
from tidewaiter.engines.selection.draw import Draw, Drawn
from tidewaiter.engines.selection.routing import Hits, Selectivity, Subject, route

KEY = b"a key of the day, thirty-two byte"
OFFICE = "Q40"
SELECTING = (Channel.RED, Channel.ORANGE, Channel.YELLOW)
CHANNELS = st.sampled_from([*SELECTING, Channel.BLUE])
ITEMS = {1: "64", 2: "84", 3: ""}
NUMBERS = st.sampled_from([(1,), (2,), (3,), (1, 2), (1, 2, 3)])
MANDATORY: st.SearchStrategy[dict[str, tuple[int, ...]]] = st.sampled_from([{}, {"MND-1X": (2,)}])
INSTRUCTIONS = st.sampled_from(["", "Weigh a pair.", "Read the type plate.", "Open the inner boxes."])
CHECKLISTS = {channel: (f"Compare the papers of the {channel} lane.",) for channel in SELECTING}
CHAPTERS = {"64": ("Weigh a pair.", "Look at the soles."), "84": ("Read the type plate.",)}


def profile(code: str, *treatments: Treatment, instruction: str = "", risk_area: str = "") -> Profile:
    """Return a profile of that code that matches anything."""
    return Profile(
        code=code, condition=Always(True), treatments=treatments, instruction=instruction, risk_area=risk_area
    )


TREATMENTS = st.sampled_from(
    [
        *((Treatment(channel, share),) for channel in (*SELECTING, Channel.BLUE) for share in (0.1, 0.25, 0.4, 1.0)),
        (Treatment(Channel.RED, 0.5, ("strip",)), Treatment(Channel.YELLOW, 0.5)),
    ]
)
CODES = st.lists(st.sampled_from([f"PRF-{n}X" for n in range(9)]), unique=True, max_size=4)


@st.composite
def profiles(draw: st.DrawFn) -> dict[str, Profile]:
    """Return active profiles by code: of one treatment, or of alternatives that add up to at most 1."""
    return {code: profile(code, *draw(TREATMENTS), instruction=draw(INSTRUCTIONS)) for code in draw(CODES)}


def lookout(reference: str, action: LookoutAction = LookoutAction.EXAMINE, channel: Channel | None = None) -> Lookout:
    """Return a lookout for a company."""
    return Lookout(
        reference=reference,
        kind=LookoutKind.COMPANY,
        action=action,
        values=("TAXQ77",),
        channel=channel,
        instruction="Open it.",
    )


def met(reference: str, certainty: Certainty = Certainty.EXACT, items: tuple[int, ...] = (1,)) -> LookoutMatch:
    """Return a match of a lookout."""
    return LookoutMatch(
        reference=reference, version=1, certainty=certainty, field="importer_code", value="TAXQ77", items=items
    )


RATES: list[dict[Channel, float]] = [{}, {Channel.RED: 0.2, Channel.YELLOW: 0.3}, {Channel.ORANGE: 0.5}]
POLICY = Policy(
    name="POL-NAMEX",
    version=7,
    random_share=0.05,
    mandatory=(
        MandatoryControl(
            code="MND-1X", condition=Always(True), treatment=Treatment(Channel.YELLOW), instruction="Check the permit."
        ),
    ),
    trusted_traders={"AEOX": TrustedTrader(profile_factor=0.5, random_share=0.01)},
    checklists=CHECKLISTS,
    agency_holds=AgencyHoldPolicy(agencies={"FOODX": Channel.RED}),
)
POLICIES = [
    replace(
        POLICY,
        random_share=share,
        random_channel=channel,
        offices={OFFICE: OfficePolicy(reserved_minutes=60, expected_rates=rates)},
        exploration=Exploration(share=explored, channel=channel),
        green_delay=delay,
    )
    for share in (0.0, 0.05, 0.5)
    for channel in SELECTING
    for rates in RATES
    for explored in (0.0, 0.1)
    for delay in (None, Delay(least=5, most=60))
]
"""Routing policies with every part in use."""

CARRIED = [
    Carried(
        channel=channel,
        treatments=(GivenTreatment(channel=channel, controls=(*DEFAULT_CONTROLS[channel], "seals")),),
        instructions={1: (*CHECKLISTS.get(channel, ()), "Look behind the panel."), 9: ("Count again.",)},
    )
    for channel in (*SELECTING, Channel.BLUE)
]
REQUESTS = [
    ControlRequest(reference="REQ-1X", channel=channel, instruction=line)
    for channel in SELECTING
    for line in ("", "Take a sample.")
]
HOLDS = [
    AgencyHold(reference="HLD-1X", agency=agency, items=items) for agency in ("FOODX", "PLANTX") for items in ((), (2,))
]
OVERRIDES = [
    Override(reference="OVR-1X", channel=channel, settled=settled)
    for channel in (*SELECTING, Channel.BLUE)
    for settled in (frozenset[ReasonKey](), frozenset[ReasonKey]({(ReasonKind.RANDOM, "RANDOM", 7)}))
]
QUEUES = st.builds(
    Queue,
    counts=st.sampled_from([{}, {Channel.RED: 3, Channel.GREEN: 40}, {Channel.YELLOW: 30, Channel.ORANGE: 1}]),
    minutes_committed=st.integers(0, 300),
    reserved_committed=st.integers(0, 120),
    minutes_available=st.sampled_from([None, 0, 200, 480]),
)


def perhaps[T](values: list[T]) -> st.SearchStrategy[T | None]:
    """Return one of the values, or none."""
    return st.sampled_from([None, *values])


CIRCUMSTANCES = st.builds(
    Circumstances,
    shift=st.sampled_from([None, "SHF-DAYX"]),
    queue=QUEUES,
    carried=perhaps(CARRIED),
    requests=perhaps(REQUESTS).map(lambda one: (one,) if one else ()),
    holds=perhaps(HOLDS).map(lambda one: (one,) if one else ()),
    override=perhaps(OVERRIDES),
    cleared=st.sampled_from([frozenset[str](), frozenset({"LKT-0X"})]),
    confirmed=st.sampled_from([frozenset[str](), frozenset({"LKT-1X"})]),
)
"""What routing reads beside the facts."""


@dataclass(frozen=True)
class Routing:
    """All arguments of one routing."""

    active: dict[str, Profile]
    policy: Policy
    hits: Hits
    identity: str
    beside: Circumstances
    lookouts: dict[str, Lookout] = field(default_factory=dict)
    trader: str | None = None

    def decided(self, draw: Drawn | None = None) -> Decision:
        """Return the decision."""
        subject = Subject(declaration_id="D1", version=1, office=OFFICE, trusted_trader=self.trader, chapters=ITEMS)
        selectivity = Selectivity(self.active, self.policy, CHAPTERS, self.lookouts)
        return route(subject, self.hits, selectivity, draw or Draw(KEY, self.identity), self.beside)

    def adding(self, one: Profile) -> "Routing":
        """Return the same with one profile more, which hits the first item."""
        hits = replace(self.hits, profiles={**self.hits.profiles, one.code: (1,)})
        return replace(self, active={**self.active, one.code: one}, hits=hits)

    def watching(self, one: Lookout, match: LookoutMatch) -> "Routing":
        """Return the same with one lookout more, which is met."""
        hits = replace(self.hits, lookouts=(*self.hits.lookouts, match))
        return replace(self, lookouts={**self.lookouts, one.reference: one}, hits=hits)


PROFILES = profiles()
LOOKOUTS = st.lists(st.sampled_from(["LKT-0X", "LKT-1X", "LKT-2X"]), unique=True)
ACTIONS = st.sampled_from([LookoutAction.EXAMINE, LookoutAction.DO_NOT_LOAD])
CERTAINTIES = st.sampled_from(Certainty)
IDENTITIES = st.integers(0, 10**6).map(str)


@st.composite
def routings(draw: st.DrawFn) -> Routing:
    """Return routings with all that can come together."""
    active = draw(PROFILES)
    watched = {reference: lookout(reference, draw(ACTIONS)) for reference in draw(LOOKOUTS)}
    return Routing(
        active=active,
        policy=draw(st.sampled_from(POLICIES)),
        hits=Hits(
            profiles={code: draw(NUMBERS) for code in active},
            mandatory=draw(MANDATORY),
            lookouts=tuple(met(reference, draw(CERTAINTIES), draw(NUMBERS)) for reference in watched),
        ),
        identity=draw(IDENTITIES),
        beside=draw(CIRCUMSTANCES),
        lookouts=watched,
        trader=draw(st.sampled_from([None, "AEOX"])),
    )
