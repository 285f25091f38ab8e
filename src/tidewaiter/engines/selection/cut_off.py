"""A shift's cut-off drawn again over all that waits, and yellows that nobody looked at in time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tidewaiter.core.channel import Channel
from tidewaiter.core.decision import Capacity, Decision, Queue, ReasonKind
from tidewaiter.core.policy import Policy
from tidewaiter.engines.selection.capacity import NEVER_CUT, fits

NOT_INSPECTED = "not inspected"
REFERRAL = "post-clearance audit"
_STAY = NEVER_CUT | {ReasonKind.MANDATORY}

type Version = tuple[str, int]
"""Declaration and version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOff:
    """What a shift can look at and what is beyond it: states, channels unchanged.

    `beyond` are in the order in which they would be taken were there more minutes; `by_reason` counts them by the code
    of each reason that fired: what was cut and whose risk is accepted.
    """

    states: Mapping[Version, Capacity]
    beyond: tuple[Version, ...]
    minutes_taken: int
    minutes_beyond: int
    by_reason: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapse:
    """A yellow released because nobody looked at it in time: not inspected, and referred; the channel stays yellow."""

    declaration_id: str
    version: int
    on: date
    channel: Channel = Channel.YELLOW
    result: str = NOT_INSPECTED
    referral: str = REFERRAL


def cut_off(waiting: Sequence[Decision], policy: Policy, office: str | None, minutes_available: int | None) -> CutOff:
    """Return what of the decisions waiting at an office the minutes of a shift suffice for.

    Mandatory controls, the random sample and what is never cut come first. The rest is taken strictest channel first,
    then the one for which more reasons fired, then the one given earlier; each is within if its minutes still fit.
    """
    reserve = policy.office(office).reserved_minutes
    queue = Queue(minutes_available=minutes_available)
    states: dict[Version, Capacity] = {}
    for decision in sorted(waiting, key=_order):
        state = decision.capacity
        if state in (Capacity.WITHIN, Capacity.BEYOND) and not _never_cut(decision):
            state = Capacity.WITHIN if fits(decision.minutes, queue, reserve) else Capacity.BEYOND
        states[decision.declaration_id, decision.version] = state
        queue = _taken(queue, decision, state)
    beyond = [one for one in sorted(waiting, key=_order) if states[one.declaration_id, one.version] is Capacity.BEYOND]
    return CutOff(
        states=states,
        beyond=tuple((one.declaration_id, one.version) for one in beyond),
        minutes_taken=queue.minutes_committed + queue.reserved_committed,
        minutes_beyond=sum(one.minutes for one in beyond),
        by_reason=Counter(reason.code for one in beyond for reason in one.reasons if reason.fired),
    )


def _order(decision: Decision) -> tuple[bool, int, int]:
    first = decision.capacity is Capacity.RESERVED or _never_cut(decision)
    return not first, -decision.channel.strictness, -sum(reason.fired for reason in decision.reasons)


def _never_cut(decision: Decision) -> bool:
    return any(
        reason.fired and reason.kind in NEVER_CUT and reason.channel is not None and reason.channel.selects
        for reason in decision.reasons
    )


def _taken(queue: Queue, decision: Decision, state: Capacity) -> Queue:
    return Queue(
        minutes_committed=queue.minutes_committed + (decision.minutes if state is Capacity.WITHIN else 0),
        reserved_committed=queue.reserved_committed + (decision.minutes if state is Capacity.RESERVED else 0),
        minutes_available=queue.minutes_available,
    )


def lapse(decision: Decision, decided_on: date, on: date, policy: Policy) -> Lapse | None:
    """Return the release of a yellow that nobody looked at; None while it waits, or where it may not lapse.

    What a mandatory control, a lookout, a request, an agency hold or a person selected waits until a person acts.
    """
    last = policy.yellow_lapses_on(decided_on)
    if decision.channel is not Channel.YELLOW or last is None or on < last:
        return None
    if any(reason.fired and reason.kind in _STAY for reason in decision.reasons):
        return None
    return Lapse(declaration_id=decision.declaration_id, version=decision.version, on=on)
