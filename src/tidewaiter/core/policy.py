"""Routing policy: what is controlled whatever the profiles say, how much is drawn, and what there is to do it with.

Shares and probabilities are between 0 and 1; minutes are whole officer minutes; times are local to the office.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from types import MappingProxyType

from tidewaiter.core.cargo import CargoPolicy
from tidewaiter.core.channel import Channel
from tidewaiter.core.condition import Condition
from tidewaiter.core.lookout import Certainty, Lookout, LookoutAction
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

DEFAULT_MINUTES: Mapping[Channel, int] = MappingProxyType({Channel.RED: 90, Channel.ORANGE: 20, Channel.YELLOW: 15})
"""Officer minutes an act of each channel is taken to last where the policy says nothing."""

DOCUMENT_MARK_DAYS = 90
"""Days for which a document hands on its draw where the policy says nothing: as long as goods may be in storage."""

LONGEST_DOCUMENT_MARK_DAYS = 366
"""The most days a policy may state for it."""

DEFAULT_LOOKOUT_CHANNELS: Mapping[LookoutAction, Channel] = MappingProxyType(
    {
        LookoutAction.INTERCEPT: Channel.RED,
        LookoutAction.EXAMINE: Channel.RED,
        LookoutAction.DO_NOT_LOAD: Channel.RED,
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
    """What a trusted-trader type changes: the percentages of profiles and top-up, and it may be the random share.

    `profile_factor` multiplies; it is above 0 and at most 1. `random_share` is above 0 (a lower share is a stratum,
    never none) or None for the ordinary one. Status counts at `offices` and for profiles of `risk_areas` only; empty is
    all. A suspended status is not passed to routing at all.
    """

    profile_factor: float = 1.0
    random_share: float | None = None
    offices: tuple[str, ...] = ()
    risk_areas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A stretch of the day at an office with the officer minutes there are in it; it may run past midnight."""

    name: str
    starts: time
    ends: time
    minutes: int

    def covers(self, at: time) -> bool:
        """Tell whether the local time is within the shift; the start is included, the end is not."""
        if self.starts < self.ends:
            return self.starts <= at < self.ends
        return at >= self.starts or at < self.ends


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficePolicy:
    """What one office has: minutes a shift kept for mandatory controls and the random sample, shifts, expected rates.

    `expected_rates` are lane quotas: the share of declarations to be in each lane (empty: the policy's own).
    """

    reserved_minutes: int = 0
    shifts: tuple[Shift, ...] = ()
    expected_rates: Mapping[Channel, float] = field(default_factory=dict)

    def shift_at(self, at: time) -> Shift | None:
        """Return the first shift that covers the local time; None when there is none."""
        return next((shift for shift in self.shifts if shift.covers(at)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """Selection of goods that nothing else asks for, so that something is learned of them.

    `share` of all declarations are drawn into `channel`. Top-up, which raises each lane to its expected rate, is never
    more probable for one declaration than `highest_top_up`, so that nobody can foresee it.
    """

    share: float = 0.0
    channel: Channel = Channel.YELLOW
    highest_top_up: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class LookoutPolicy:
    """The channel a lookout gives by its action, where it names none itself; a possible match waits in `possible`."""

    channels: Mapping[LookoutAction, Channel] = DEFAULT_LOOKOUT_CHANNELS
    possible: Channel = Channel.YELLOW

    def channel_of(self, lookout: Lookout, certainty: Certainty) -> Channel:
        """Return the channel the match gives; a possible one is never stricter than an exact one."""
        exact = lookout.channel or self.channels.get(lookout.action, Channel.RED)
        if certainty is Certainty.EXACT or exact.strictness < self.possible.strictness:
            return exact
        return self.possible


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyHoldPolicy:
    """The channel a hold of another agency gives: that of the agency, else the common one."""

    channel: Channel = Channel.YELLOW
    agencies: Mapping[str, Channel] = field(default_factory=dict)

    def channel_of(self, agency: str) -> Channel:
        """Return the channel a hold of that agency gives."""
        return self.agencies.get(agency, self.channel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """How long a green declaration waits for its release: minutes, drawn between both ends, which are included."""

    least: int
    most: int

    def minutes(self, fraction: float) -> int:
        """Return the minutes that a fraction of 1 falls on, each as likely as any other."""
        return self.least + int(fraction * (self.most - self.least + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One version of the routing policy.

    `checklists` holds the standard lines an examiner sees for a channel, whatever the reason of the selection;
    `minutes` the officer minutes of an act by channel. A yellow not looked at lapses after `yellow_expires_after_days`
    (None: never). Lowering from `second_person_from` or a stricter channel needs a second person. `re_examined_share`
    of the results that found nothing are examined again. The draw of goods under a transport document is inherited for
    `document_mark_days`, so that nobody names one that was not drawn for ever after; that of goods in a container for
    `container_mark_days`, since containers are used again for other goods.
    """

    name: str
    version: int
    random_share: float
    random_channel: Channel = Channel.RED
    random_share_by_office: Mapping[str, float] = field(default_factory=dict)
    mandatory: tuple[MandatoryControl, ...] = ()
    trusted_traders: Mapping[str, TrustedTrader] = field(default_factory=dict)
    checklists: Mapping[Channel, tuple[str, ...]] = field(default_factory=dict)
    minutes: Mapping[Channel, int] = DEFAULT_MINUTES
    offices: Mapping[str, OfficePolicy] = field(default_factory=dict)
    expected_rates: Mapping[Channel, float] = field(default_factory=dict)
    exploration: Exploration = Exploration()
    lookouts: LookoutPolicy = LookoutPolicy()
    agency_holds: AgencyHoldPolicy = AgencyHoldPolicy()
    yellow_expires_after_days: int | None = None
    green_delay: Delay | None = None
    second_person_from: Channel = Channel.ORANGE
    re_examined_share: float = 0.0
    document_mark_days: int = DOCUMENT_MARK_DAYS
    container_mark_days: int = 30
    cargo: CargoPolicy = field(default=CargoPolicy())

    def trusted(self, office: str | None, trusted_trader: str | None) -> TrustedTrader | None:
        """Return what that trader type changes at that office; None when nothing."""
        trusted = self.trusted_traders.get(trusted_trader or "")
        return None if trusted is None or (trusted.offices and office not in trusted.offices) else trusted

    def random_share_for(self, office: str | None, trusted_trader: str | None) -> float:
        """Return the probability that a declaration of that office and trader type is in the random sample."""
        trusted = self.trusted(office, trusted_trader)
        if trusted is not None and trusted.random_share is not None:
            return trusted.random_share
        return self.random_share_by_office.get(office or "", self.random_share)

    def profile_factor_for(self, trusted_trader: str | None, office: str | None = None, risk_area: str = "") -> float:
        """Return what the percentages of a profile of that risk area are multiplied by for that trader type."""
        trusted = self.trusted(office, trusted_trader)
        if trusted is None or (trusted.risk_areas and risk_area not in trusted.risk_areas):
            return 1.0
        return trusted.profile_factor

    def office(self, code: str | None) -> OfficePolicy:
        """Return what is stated for an office; an office not named has no shifts and no reserve."""
        return self.offices.get(code or "", _UNNAMED)

    def expected_rates_for(self, office: str | None) -> Mapping[Channel, float]:
        """Return the share of declarations expected in each lane of that office."""
        return self.office(office).expected_rates or self.expected_rates

    def needs_second_person(self, before: Channel, after: Channel) -> bool:
        """Tell whether overriding the first channel by the second needs a second person."""
        return after.strictness < before.strictness and before.strictness >= self.second_person_from.strictness

    def yellow_lapses_on(self, decided_on: date) -> date | None:
        """Return the first day on which a yellow decided that day and not looked at is released; None for never."""
        days = self.yellow_expires_after_days
        return None if days is None else decided_on + timedelta(days=days)


_UNNAMED = OfficePolicy()


def controls_of(treatment: Treatment) -> tuple[str, ...]:
    """Return the controls of a treatment: its own, else those of its channel."""
    return treatment.controls or DEFAULT_CONTROLS[treatment.channel]


def adds_up(treatments: Iterable[Treatment]) -> bool:
    """Tell whether the probabilities of a profile's alternative treatments add up to no more than 1.

    What is left to 1 is no treatment.
    """
    return sum(treatment.probability for treatment in treatments) <= 1 + 1e-9
