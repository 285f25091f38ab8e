"""Advance cargo: what is asked of a consignment before it is loaded or arrives, and what can come of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from tidewaiter.core.channel import Channel
from tidewaiter.core.decision import Reason
from tidewaiter.core.lookout import LookoutAction, LookoutMatch


class CargoOutcome(StrEnum):
    """What comes of assessing a consignment, from the mildest to the strictest."""

    COMPLETE = "complete"
    CONTROL_ON_ARRIVAL = "control on arrival"
    REQUEST_INFORMATION = "request information"
    REQUEST_SCREENING = "request screening"
    DO_NOT_LOAD = "do not load"

    @property
    def strictness(self) -> int:
        """Return 0 for complete up to 4 for do not load."""
        return _ORDER.index(self)


_ORDER = tuple(CargoOutcome)


def strictest_outcome(outcomes: Iterable[CargoOutcome]) -> CargoOutcome:
    """Return the strictest of the outcomes; complete when there are none."""
    return max(outcomes, key=lambda outcome: outcome.strictness, default=CargoOutcome.COMPLETE)


DEFAULT_BY_CHANNEL: Mapping[Channel, CargoOutcome] = MappingProxyType(
    {
        Channel.RED: CargoOutcome.REQUEST_SCREENING,
        Channel.ORANGE: CargoOutcome.CONTROL_ON_ARRIVAL,
        Channel.YELLOW: CargoOutcome.CONTROL_ON_ARRIVAL,
    }
)
DEFAULT_BY_ACTION: Mapping[LookoutAction, CargoOutcome] = MappingProxyType(
    {
        LookoutAction.INTERCEPT: CargoOutcome.CONTROL_ON_ARRIVAL,
        LookoutAction.EXAMINE: CargoOutcome.CONTROL_ON_ARRIVAL,
        LookoutAction.DO_NOT_LOAD: CargoOutcome.DO_NOT_LOAD,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CargoPolicy:
    """What a complete consignment states, and what a hit of each channel or a lookout of each action asks for.

    `required` are names of consignment fields; `placeholders` are texts that say nothing where they are all that is
    written (compared as words: case and punctuation do not count). A channel or action not named asks for nothing.
    A possible match of a lookout asks for `possible`. `random_share` of consignments are drawn for control on arrival.
    """

    required: tuple[str, ...] = ()
    placeholders: tuple[str, ...] = ()
    by_channel: Mapping[Channel, CargoOutcome] = field(default_factory=lambda: DEFAULT_BY_CHANNEL)
    by_action: Mapping[LookoutAction, CargoOutcome] = field(default_factory=lambda: DEFAULT_BY_ACTION)
    possible: CargoOutcome = CargoOutcome.REQUEST_INFORMATION
    random_share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CargoAssessment:
    """What comes of one filing of one consignment.

    `outcome` is the strictest of `outcomes`, which are all that apply, the mildest first. `missing` names the required
    fields that are empty or hold a placeholder, `requested` what the filer is asked for: these, or all required fields
    where information is requested for another reason. `selection_probability` = 1 - prod(1 - p) over all reasons,
    fired or not, as for declarations; `draws` the fractions drawn, by purpose.
    """

    consignment_id: str
    outcome: CargoOutcome
    outcomes: tuple[CargoOutcome, ...]
    missing: tuple[str, ...]
    requested: tuple[str, ...]
    reasons: tuple[Reason, ...]
    selection_probability: float
    random_probability: float
    in_random_sample: bool
    draw_identity: str
    draws: Mapping[str, float]
    lookouts: tuple[LookoutMatch, ...] = ()
