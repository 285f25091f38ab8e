"""A routing decision: the channel of one declaration, why, and with what probability."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from tidewaiter.core.channel import Channel


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason that applied to a declaration.

    `probability` is that of its selecting (channel red, orange or yellow); `outcomes` the probability of each channel
    it may give, what is left to 1 being no treatment; `fired` tells whether the draw gave one, and `channel` which
    (None when it did not fire); `items` the numbers of the items it rests on (empty: the declaration as a whole).
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
class Decision:
    """The decision about one version of one declaration, before any deferral for capacity.

    `selection_probability` = P(channel is red, orange or yellow) = 1 - prod(1 - p) over all applicable reasons, fired
    or not; `channel_probabilities` the probability of each channel; `draw_identity` what the draws were keyed by.
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
