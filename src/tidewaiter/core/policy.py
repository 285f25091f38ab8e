"""Routing policy: what is controlled whatever the profiles say, and how much is drawn at random."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tidewaiter.core.channel import Channel
from tidewaiter.core.condition import Condition
from tidewaiter.core.profile import Treatment

DEFAULT_CONTROLS: Mapping[Channel, tuple[str, ...]] = MappingProxyType(
    {
        Channel.RED: ("documents", "physical"),
        Channel.ORANGE: ("scan",),
        Channel.YELLOW: ("documents",),
        Channel.BLUE: ("post-clearance audit",),
        Channel.GREEN: (),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MandatoryControl:
    """A control required by law or by another agency; always given, never lowered by trusted-trader status."""

    code: str
    condition: Condition
    treatment: Treatment
    instruction: str
    legal_basis: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedTrader:
    """What a trusted-trader type changes: profile percentages are multiplied, the random share may be its own.

    `profile_factor` is above 0 and at most 1; `random_share` above 0 (a lower share is a stratum, never none) or
    None for the ordinary one.
    """

    profile_factor: float = 1.0
    random_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One version of the routing policy. Shares and probabilities are between 0 and 1.

    `checklists` holds the standard lines an examiner sees for a channel, whatever the reason of the selection.
    """

    name: str
    version: int
    random_share: float
    random_channel: Channel = Channel.RED
    random_share_by_office: Mapping[str, float] = field(default_factory=dict)
    mandatory: tuple[MandatoryControl, ...] = ()
    trusted_traders: Mapping[str, TrustedTrader] = field(default_factory=dict)
    checklists: Mapping[Channel, tuple[str, ...]] = field(default_factory=dict)

    def random_share_for(self, office: str | None, trusted_trader: str | None) -> float:
        """Return the probability that a declaration of that office and trader type is in the random sample."""
        trusted = self.trusted_traders.get(trusted_trader or "")
        if trusted is not None and trusted.random_share is not None:
            return trusted.random_share
        return self.random_share_by_office.get(office or "", self.random_share)

    def profile_factor_for(self, trusted_trader: str | None) -> float:
        """Return what profile percentages are multiplied by for that trader type."""
        trusted = self.trusted_traders.get(trusted_trader or "")
        return 1.0 if trusted is None else trusted.profile_factor


def controls_of(treatment: Treatment) -> tuple[str, ...]:
    """Return the controls of a treatment: its own, else those of its channel."""
    return treatment.controls or DEFAULT_CONTROLS[treatment.channel]
