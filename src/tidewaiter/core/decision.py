"""A routing decision: the channel of one declaration, why, with what probability, and what it was decided from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from tidewaiter.core.channel import Channel, strictest
from tidewaiter.core.lookout import LookoutMatch


class ReasonKind(StrEnum):
    """Why a declaration is selected."""

    MANDATORY = "mandatory"
    LOOKOUT = "lookout"
    PROFILE = "profile"
    RANDOM = "random"
    SCORE = "score"
    EXPLORATION = "exploration"
    OVERRIDE = "override"
    REQUEST = "request"
    AGENCY_HOLD = "agency hold"
    CARRIED = "carried"
    """An earlier decision about the same goods."""


class Capacity(StrEnum):
    """Whether there are officer minutes for what a declaration was selected for. A state, never a channel."""

    NOT_NEEDED = "not needed"
    RESERVED = "reserved"
    """A mandatory control or the random sample: it has minutes of its own."""
    WITHIN = "within"
    BEYOND = "beyond"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason that applied to a declaration.

    `probability` is that of its selecting (channel red, orange or yellow); `outcomes` the probability of each channel
    it may give, what is left to 1 being no treatment; `fired` tells whether the draw gave one, and `channel` which
    (None when it did not fire); `items` the numbers of the items it rests on (empty: the declaration as a whole).

    What an earlier decision or a person gave (kinds carried and override) is no outcome of this draw: its probability
    is 0 and its outcomes are none, so that figures made from reasons speak of the draw alone.
    """

    kind: ReasonKind
    code: str
    version: int
    probability: float
    outcomes: Mapping[Channel, float]
    fired: bool
    channel: Channel | None
    controls: tuple[str, ...] = ()
    items: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDecision:
    """What stands behind one item: its reasons (restricted) and its instructions (for the examiner)."""

    item_number: int
    reasons: tuple[Reason, ...]
    instructions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenTreatment:
    """A treatment the declaration is given: a channel and the union of its controls."""

    channel: Channel
    controls: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What an office and shift had decided when a declaration came: an argument of routing, stored with the decision.

    `counts` are declarations by the channel decided. `minutes_committed` are officer minutes given to selections other
    than mandatory controls and the random sample, `reserved_committed` those given to these two; `minutes_available`
    all minutes of the shift, the reserve included (None: no cut-off). Decisions beyond capacity commit nothing.
    """

    counts: Mapping[Channel, int] = field(default_factory=dict)
    minutes_committed: int = 0
    reserved_committed: int = 0
    minutes_available: int | None = None

    @property
    def decided(self) -> int:
        """Return how many declarations were decided so far in this office and shift."""
        return sum(self.counts.values())

    def after(self, decision: "Decision") -> "Queue":
        """Return the queue once the decision is taken."""
        reserved = decision.capacity is Capacity.RESERVED
        ordinary = decision.capacity is Capacity.WITHIN
        return Queue(
            counts={**self.counts, decision.channel: self.counts.get(decision.channel, 0) + 1},
            minutes_committed=self.minutes_committed + (decision.minutes if ordinary else 0),
            reserved_committed=self.reserved_committed + (decision.minutes if reserved else 0),
            minutes_available=self.minutes_available,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What earlier decisions about the same goods gave: the strictest channel, all treatments, the lines by item."""

    channel: Channel
    treatments: tuple[GivenTreatment, ...] = ()
    instructions: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlRequest:
    """A control asked for by an officer or a partner (mutual assistance, an operation). `items` empty: all items."""

    reference: str
    channel: Channel
    version: int = 1
    controls: tuple[str, ...] = ()
    instruction: str = ""
    items: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyHold:
    """A hold another agency has put on the goods; its channel is the policy's. `items` empty: all items."""

    reference: str
    agency: str
    version: int = 1
    instruction: str = ""
    items: tuple[int, ...] = ()


type ReasonKey = tuple[ReasonKind, str, int]
"""Kind, code and version of a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A person's change of channel. It settles the reasons that stood when it was made; one that comes later counts.

    What was settled gives no stricter channel than the override's; controls of a milder one are given all the same.
    `reference` names the record of it; `settled` the reasons that fired before it (`settled_by`).
    """

    reference: str
    channel: Channel
    settled: frozenset[ReasonKey] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What routing reads beside the facts of a declaration; stored with the decision so that it can be replayed.

    `carried` is what earlier decisions about the same goods gave. `cleared` are the references of lookouts whose
    possible match with this declaration a person found to be none, `confirmed` of those found to be one. `drawn_beside`
    are identities, each with the day of its key, that the goods are drawn by beside the decision's own: the strictest
    outcome counts.
    """

    shift: str | None = None
    queue: Queue = Queue()
    carried: Carried | None = None
    requests: tuple[ControlRequest, ...] = ()
    holds: tuple[AgencyHold, ...] = ()
    override: Override | None = None
    cleared: frozenset[str] = frozenset()
    confirmed: frozenset[str] = frozenset()
    drawn_beside: tuple[tuple[str, date], ...] = ()


ORDINARY = Circumstances()
"""Nothing known beside the facts: an empty queue without a cut-off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The decision about one version of one declaration.

    `selection_probability` = P(the draw gives red, orange or yellow) = 1 - prod(1 - p) over all applicable reasons,
    fired or not; `channel_probabilities` the probability of each channel; `draw_identity` what the draws were keyed
    by and `draws` the fraction drawn for each purpose. All of these speak of this draw: what an earlier decision or a
    person gave raises (or, by override, sets) `channel` and leaves them alone. Goods drawn for under n identities have
    n draws: `selection_probability` and `channel_probabilities` are those of the strictest of them, while reasons and
    `random_probability` state the share of each draw. `capacity` tells whether there are officer `minutes` for it;
    `delay_minutes` is how long a green release waits.
    """

    declaration_id: str
    version: int
    channel: Channel
    treatments: tuple[GivenTreatment, ...]
    selection_probability: float
    channel_probabilities: Mapping[Channel, float]
    random_probability: float
    in_random_sample: bool
    draw_identity: str
    reasons: tuple[Reason, ...]
    items: tuple[ItemDecision, ...]
    office: str | None = None
    trusted_trader: str | None = None
    lookouts: tuple[LookoutMatch, ...] = ()
    circumstances: Circumstances = ORDINARY
    draws: Mapping[str, float] = field(default_factory=dict)
    capacity: Capacity = Capacity.NOT_NEEDED
    minutes: int = 0
    delay_minutes: int = 0

    @property
    def decided_channel(self) -> Channel:
        """Return the channel of this draw alone, before earlier decisions and overrides."""
        return strictest(
            reason.channel for reason in self.reasons if reason.channel is not None and reason.kind not in NOT_DRAWN
        )


NOT_DRAWN = frozenset({ReasonKind.CARRIED, ReasonKind.OVERRIDE})
"""Reasons that are no outcome of the draw."""


def carry(earlier: Iterable[Decision]) -> Carried | None:
    """Return what earlier decisions about the same goods hand on; None when there are none or all are green."""
    decisions = tuple(earlier)
    channel = strictest(decision.channel for decision in decisions)
    if channel is Channel.GREEN:
        return None
    controls: dict[Channel, set[str]] = {}
    for decision in decisions:
        for treatment in decision.treatments:
            controls.setdefault(treatment.channel, set()).update(treatment.controls)
    lines: dict[int, dict[str, None]] = {}
    for decision in decisions:
        for item in decision.items:
            lines.setdefault(item.item_number, {}).update(dict.fromkeys(item.instructions))
    return Carried(
        channel=channel,
        treatments=treatments_of(controls),
        instructions={number: tuple(found) for number, found in lines.items() if found},
    )


def treatments_of(controls: Mapping[Channel, Iterable[str]]) -> tuple[GivenTreatment, ...]:
    """Return the treatments of these controls, one a channel, strictest first."""
    return tuple(
        GivenTreatment(channel=channel, controls=tuple(sorted(set(controls[channel]))))
        for channel in sorted(controls, key=lambda channel: -channel.strictness)
    )


def settled_by(decision: Decision) -> frozenset[ReasonKey]:
    """Return what an override of this decision settles: the reasons that fired."""
    return frozenset((reason.kind, reason.code, reason.version) for reason in decision.reasons if reason.fired)
