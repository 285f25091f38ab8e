"""A lookout: a named person, company, conveyance, container or consignment that offices are told to watch for."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from tidewaiter.core.channel import Channel


class LookoutKind(StrEnum):
    """What a lookout names."""

    PARTY = "party"
    COMPANY = "company"
    CONVEYANCE = "conveyance"
    CONTAINER = "container"
    CONSIGNMENT = "consignment"


class LookoutAction(StrEnum):
    """What is to be done where a lookout is met."""

    INTERCEPT = "intercept"
    EXAMINE = "examine"
    DO_NOT_LOAD = "do not load"
    MONITOR = "monitor"


class Certainty(StrEnum):
    """How sure it is that what was met is what the lookout names."""

    EXACT = "exact"
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookout:
    """One version of a lookout.

    `values` are codes and numbers, met exactly (letter case and the marks between letters and digits do not count);
    `names` are met *possibly*: every word of the name stands in what was declared. `channel` and `controls` are its
    own treatment, None and empty being those of the policy for its action. `instruction` is what an examiner is shown;
    it tells what to do, never why. Both ends of the validity are included, an absent end is open.
    """

    reference: str
    kind: LookoutKind
    action: LookoutAction
    version: int = 1
    values: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    channel: Channel | None = None
    controls: tuple[str, ...] = ()
    instruction: str = ""
    valid_from: date | None = None
    valid_to: date | None = None

    @property
    def covert(self) -> bool:
        """Tell whether it only watches: nothing that channel, examiner or declarant could see may change."""
        return self.action is LookoutAction.MONITOR

    def in_force(self, on: date) -> bool:
        """Tell whether the lookout counts on that day."""
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookoutMatch:
    """Where a lookout was met: the declared field and its value as written.

    `items` are the numbers of the items that carry the value; empty where the consignment does.
    """

    reference: str
    version: int
    certainty: Certainty
    field: str
    value: str
    items: tuple[int, ...] = ()
