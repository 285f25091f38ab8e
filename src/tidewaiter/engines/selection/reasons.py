"""Why a declaration is selected: each reason drawn by a purpose of its own, so that none influences another."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tidewaiter.core.channel import Channel
from tidewaiter.core.decision import AgencyHold, Circumstances, ControlRequest, Reason, ReasonKey, ReasonKind
from tidewaiter.core.lookout import Certainty, Lookout, LookoutMatch
from tidewaiter.core.policy import DEFAULT_CONTROLS, MandatoryControl, Policy, controls_of
from tidewaiter.core.profile import Profile, Treatment
from tidewaiter.engines.selection.capacity import top_up
from tidewaiter.engines.selection.draw import EXPLORATION, RANDOM, Drawn, band, profile_purpose

RANDOM_CODE = "RANDOM"
EXPLORATION_CODE = "EXPLORATION"
CARRIED_CODE = "CARRIED"
"""Stands before the channel carried, so that an override which settled one settles no stricter one."""

PROBABILITY_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One declaration to be decided: what routing itself asks of it, apart from the hits.

    `chapters` gives the HS chapter (two digits, empty when unknown) of each item by its number. `trusted_trader` is
    None where the status is suspended.
    """

    declaration_id: str
    version: int
    office: str | None
    trusted_trader: str | None
    chapters: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Hits:
    """What was met: item numbers by matching profile and by mandatory control, and lookouts."""

    profiles: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    mandatory: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    lookouts: tuple[LookoutMatch, ...] = ()


@dataclass(frozen=True, slots=True)
class Selectivity:
    """What is in force: active profiles by code, the policy, the instructions an HS chapter may meet, open lookouts.

    Lookouts are by reference; covert ones are never here.
    """

    profiles: Mapping[str, Profile]
    policy: Policy
    chapter_instructions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lookouts: Mapping[str, Lookout] = field(default_factory=dict)


def reasons_of(
    subject: Subject, hits: Hits, selectivity: Selectivity, draw: Drawn, circumstances: Circumstances
) -> Iterator[Reason]:
    """Give every reason that applies, fired or not: mandatory first, then in the order of their kinds and codes."""
    policy = selectivity.policy
    everywhere = tuple(sorted(subject.chapters))
    for control in sorted(policy.mandatory, key=lambda control: control.code):
        if control.code in hits.mandatory:
            yield mandatory_reason(control, hits.mandatory[control.code], policy.version)
    yield from lookout_reasons(hits.lookouts, selectivity, circumstances, everywhere)
    for request in sorted(circumstances.requests, key=lambda one: (one.reference, one.version)):
        yield _request(request, everywhere)
    for hold in sorted(circumstances.holds, key=lambda one: (one.reference, one.version)):
        yield _hold(hold, policy, everywhere)
    for code in sorted(hits.profiles):
        profile = selectivity.profiles[code]
        factor = policy.profile_factor_for(subject.trusted_trader, subject.office, profile.risk_area)
        yield profile_reason(profile, hits.profiles[code], factor, draw)
    share = policy.random_share_for(subject.office, subject.trusted_trader)
    yield random_reason(policy, share, draw)
    yield from _exploration(policy, subject, draw, circumstances)
    yield from _not_drawn(circumstances)


def certain(kind: ReasonKind, code: str, version: int, channel: Channel, controls: Iterable[str]) -> Reason:
    """Return a reason that always fires, in the channel given and with its controls, or else the channel's own."""
    return Reason(
        kind=kind,
        code=code,
        version=version,
        probability=1.0 if channel.selects else 0.0,
        outcomes={channel: 1.0},
        fired=True,
        channel=channel,
        controls=tuple(controls) or DEFAULT_CONTROLS[channel],
    )


def mandatory_reason(control: MandatoryControl, items: tuple[int, ...], version: int) -> Reason:
    """Return the reason of a mandatory control of that version of the policy."""
    treatment = control.treatment
    found = certain(ReasonKind.MANDATORY, control.code, version, treatment.channel, controls_of(treatment))
    return replace(found, items=items)


def lookout_reasons(
    matches: Iterable[LookoutMatch],
    selectivity: Selectivity,
    circumstances: Circumstances,
    everywhere: tuple[int, ...],
) -> Iterator[Reason]:
    """Give one reason for each open lookout that was met; its surest match counts, and status lowers none.

    `everywhere` are the numbers of all items, for what was met in the consignment.
    """
    found: dict[str, list[LookoutMatch]] = {}
    for match in matches:
        if is_open(match, selectivity) and _stands(match, circumstances):
            found.setdefault(match.reference, []).append(match)
    for reference, met in sorted(found.items()):
        lookout = selectivity.lookouts[reference]
        certainty = surest(met, circumstances)
        channel = selectivity.policy.lookouts.channel_of(lookout, certainty)
        controls = lookout.controls if certainty is Certainty.EXACT else ()
        numbers = {number for one in met for number in (one.items or everywhere)}
        reason = certain(ReasonKind.LOOKOUT, reference, lookout.version, channel, controls)
        yield replace(reason, items=tuple(sorted(numbers)))


def is_open(match: LookoutMatch, selectivity: Selectivity) -> bool:
    """Tell whether a match is of a lookout in force that is not covert; no other may touch a decision."""
    lookout = selectivity.lookouts.get(match.reference)
    return lookout is not None and not lookout.covert


def surest(met: Iterable[LookoutMatch], circumstances: Circumstances) -> Certainty:
    """Return how surely a lookout is met by its matches, a person's confirmation included."""
    exact = any(one.certainty is Certainty.EXACT or one.reference in circumstances.confirmed for one in met)
    return Certainty.EXACT if exact else Certainty.POSSIBLE


def _stands(match: LookoutMatch, circumstances: Circumstances) -> bool:
    return match.certainty is Certainty.EXACT or match.reference not in circumstances.cleared


def _request(request: ControlRequest, everywhere: tuple[int, ...]) -> Reason:
    found = certain(ReasonKind.REQUEST, request.reference, request.version, request.channel, request.controls)
    return replace(found, items=tuple(sorted(request.items)) or everywhere)


def _hold(hold: AgencyHold, policy: Policy, everywhere: tuple[int, ...]) -> Reason:
    channel = policy.agency_holds.channel_of(hold.agency)
    found = certain(ReasonKind.AGENCY_HOLD, hold.reference, hold.version, channel, ())
    return replace(found, items=tuple(sorted(hold.items)) or everywhere)


def profile_reason(profile: Profile, items: tuple[int, ...], factor: float, draw: Drawn) -> Reason:
    """Draw a profile's treatment: alternatives laid strictest first, the last part of 1 being no treatment."""
    treatments = sorted(profile.treatments, key=lambda treatment: -treatment.channel.strictness)
    outcomes: dict[Channel, float] = {}
    for treatment in treatments:
        share = outcomes.get(treatment.channel, 0.0) + treatment.probability * factor
        outcomes[treatment.channel] = rounded(share)
    channel = band(draw.fraction(profile_purpose(profile.code)), outcomes)
    return Reason(
        kind=ReasonKind.PROFILE,
        code=profile.code,
        version=profile.version,
        probability=selecting(outcomes),
        outcomes=outcomes,
        fired=channel is not None,
        channel=channel,
        controls=() if channel is None else _controls(treatments, channel),
        items=items,
    )


def _controls(treatments: Iterable[Treatment], channel: Channel) -> tuple[str, ...]:
    named = {control for treatment in treatments if treatment.channel is channel for control in controls_of(treatment)}
    return tuple(sorted(named))


def random_reason(policy: Policy, share: float, draw: Drawn) -> Reason:
    """Draw the random sample: for every declaration, whatever else selects it."""
    fired = draw.fraction(RANDOM) < share
    return Reason(
        kind=ReasonKind.RANDOM,
        code=RANDOM_CODE,
        version=policy.version,
        probability=share if policy.random_channel.selects else 0.0,
        outcomes={policy.random_channel: share},
        fired=fired,
        channel=policy.random_channel if fired else None,
        controls=DEFAULT_CONTROLS[policy.random_channel] if fired else (),
    )


def _exploration(policy: Policy, subject: Subject, draw: Drawn, circumstances: Circumstances) -> Iterator[Reason]:
    """Draw exploration and top-up in one: for every declaration, whatever else selects it; none where both are 0."""
    factor = policy.profile_factor_for(subject.trusted_trader, subject.office)
    outcomes = top_up(policy, subject.office, circumstances.queue, factor)
    if not outcomes:
        return
    channel = band(draw.fraction(EXPLORATION), outcomes)
    yield Reason(
        kind=ReasonKind.EXPLORATION,
        code=EXPLORATION_CODE,
        version=policy.version,
        probability=selecting(outcomes),
        outcomes=outcomes,
        fired=channel is not None,
        channel=channel,
        controls=() if channel is None else DEFAULT_CONTROLS[channel],
    )


def _not_drawn(circumstances: Circumstances) -> Iterator[Reason]:
    """Give what an earlier decision or a person gave: no outcome of this draw, so of probability 0."""
    carried, override = circumstances.carried, circumstances.override
    if carried is not None and carried.channel is not Channel.GREEN:
        yield _given(*carried_key(carried.channel), carried.channel)
    if override is not None:
        yield _given(ReasonKind.OVERRIDE, override.reference, 1, override.channel)


def carried_key(channel: Channel) -> ReasonKey:
    """Return what names the reason that a channel was carried over."""
    return ReasonKind.CARRIED, f"{CARRIED_CODE}:{channel}", 1


def _given(kind: ReasonKind, code: str, version: int, channel: Channel) -> Reason:
    return Reason(
        kind=kind,
        code=code,
        version=version,
        probability=0.0,
        outcomes={},
        fired=True,
        channel=channel,
        controls=DEFAULT_CONTROLS[channel],
    )


def selecting(outcomes: Mapping[Channel, float]) -> float:
    """Return the probability that one of the outcomes selects."""
    return rounded(sum(share for channel, share in outcomes.items() if channel.selects))


def rounded(probability: float) -> float:
    """Return a probability without the dust of adding and multiplying, between 0 and 1."""
    return round(min(1.0, max(0.0, probability)), PROBABILITY_DIGITS)
