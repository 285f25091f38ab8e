"""What there is to control with: top-up to the expected rates, officer minutes, and what is beyond them."""

from collections.abc import Iterable, Sequence

from tidewaiter.core.channel import Channel
from tidewaiter.core.decision import Capacity, GivenTreatment, Queue, Reason, ReasonKind
from tidewaiter.core.policy import Policy

RESERVED = frozenset({ReasonKind.MANDATORY, ReasonKind.RANDOM})
"""Reasons that have minutes of their own."""

NEVER_CUT = frozenset({ReasonKind.LOOKOUT, ReasonKind.REQUEST, ReasonKind.AGENCY_HOLD, ReasonKind.OVERRIDE})
"""Reasons that are controlled whatever the minutes."""

_DIGITS = 12


def top_up(policy: Policy, office: str | None, queue: Queue, factor: float) -> dict[Channel, float]:
    """Return the probability that exploration or top-up gives each channel, strictest first; empty when none can.

    Top-up raises each lane to its expected rate: with n declarations decided and k of them in the lane, the next is
    drawn into it with probability rate * (n + 1) - k, not below 0 and not above the highest the policy allows, times
    the factor of a trusted trader. A lane whose act no longer fits the minutes left is not topped up. The share of
    exploration is added to its own lane. Together they are at most 1, strictest lanes first. Nothing but the queue
    decides, so that adding a profile changes nothing here.
    """
    shares = dict(_lanes(policy, office, queue, factor))
    explored = policy.exploration
    if explored.share > 0:
        shares[explored.channel] = shares.get(explored.channel, 0.0) + explored.share
    left, found = 1.0, dict[Channel, float]()
    for channel in sorted(shares, key=lambda channel: -channel.strictness):
        share = round(min(left, shares[channel]), _DIGITS)
        if share > 0:
            found[channel] = share
            left -= share
    return found


def _lanes(policy: Policy, office: str | None, queue: Queue, factor: float) -> Iterable[tuple[Channel, float]]:
    reserve = policy.office(office).reserved_minutes
    for channel, rate in policy.expected_rates_for(office).items():
        short = rate * (queue.decided + 1) - queue.counts.get(channel, 0)
        if short > 0 and fits(policy.minutes.get(channel, 0), queue, reserve):
            yield channel, min(short, policy.exploration.highest_top_up) * factor


def fits(minutes: int, queue: Queue, reserve: int) -> bool:
    """Tell whether so many more minutes are left beside the reserve; always where there is no cut-off.

    What mandatory controls and the random sample took beyond their reserve is taken from the rest.
    """
    if queue.minutes_available is None:
        return True
    over = max(0, queue.reserved_committed - reserve)
    return queue.minutes_committed + over + minutes <= queue.minutes_available - reserve


def minutes_of(treatments: Sequence[GivenTreatment], policy: Policy) -> int:
    """Return the officer minutes of the treatments, strictest first; one that a stricter one contains costs nothing."""
    total = 0
    covered: set[str] = set()
    for treatment in treatments:
        if not covered or not covered.issuperset(treatment.controls):
            total += policy.minutes.get(treatment.channel, 0)
        covered.update(treatment.controls)
    return total


def capacity_of(channel: Channel, standing: Iterable[Reason], minutes: int, queue: Queue, reserve: int) -> Capacity:
    """Return the state of a decision in that queue. The rule: in the order of decision, first come, first served.

    What a mandatory control or the random sample selects is within its reserve; what a lookout, a request, an agency
    hold or a person selects is never cut; the rest is within while its minutes fit.
    """
    if not channel.selects:
        return Capacity.NOT_NEEDED
    kinds = {reason.kind for reason in standing if reason.channel is not None and reason.channel.selects}
    if kinds & RESERVED:
        return Capacity.RESERVED
    return Capacity.WITHIN if kinds & NEVER_CUT or fits(minutes, queue, reserve) else Capacity.BEYOND
