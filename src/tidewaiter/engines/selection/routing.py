"""From hits to a channel: a pure function of the declaration, the profiles, the policy and the draw.

Every reason is drawn by a purpose of its own, so none influences another: adding a profile can raise a channel and
never lowers it, and the order of profiles does not matter.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from tidewaiter.core.channel import Channel, strictest
from tidewaiter.core.decision import Decision, GivenTreatment, ItemDecision, Reason, ReasonKind
from tidewaiter.core.policy import DEFAULT_CONTROLS, MandatoryControl, Policy, controls_of
from tidewaiter.core.profile import Profile, Treatment
from tidewaiter.engines.selection.draw import INSTRUCTION, RANDOM, Draw, band, profile_purpose

RANDOM_CODE = "RANDOM"
PROBABILITY_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One declaration to be decided: what routing itself asks of it, apart from the hits.

    `chapters` gives the HS chapter (two digits, empty when unknown) of each item by its number.
    """

    declaration_id: str
    version: int
    office: str | None
    trusted_trader: str | None
    chapters: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Hits:
    """Which items each matching profile and mandatory control hit: item numbers by code."""

    profiles: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    mandatory: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Selectivity:
    """What is in force: the active profiles by code, the policy, and the instructions an HS chapter may meet."""

    profiles: Mapping[str, Profile]
    policy: Policy
    chapter_instructions: Mapping[str, Sequence[str]] = field(default_factory=dict)


def route(subject: Subject, hits: Hits, selectivity: Selectivity, draw: Draw) -> Decision:
    """Return the decision about one declaration."""
    reasons = tuple(_reasons(subject, hits, selectivity, draw))
    random = reasons[-1]
    fired = [reason for reason in reasons if reason.fired and reason.channel is not None]
    channel = strictest(reason.channel for reason in fired if reason.channel is not None)
    return Decision(
        declaration_id=subject.declaration_id,
        version=subject.version,
        channel=channel,
        treatments=_united(fired),
        selection_probability=_rounded(1 - prod(1 - reason.probability for reason in reasons)),
        channel_probabilities=_channel_probabilities(reasons),
        random_probability=random.probability,
        in_random_sample=random.fired,
        draw_identity=draw.identity,
        reasons=reasons,
        items=tuple(_items(subject, reasons, channel, selectivity, draw)),
    )


def _reasons(subject: Subject, hits: Hits, selectivity: Selectivity, draw: Draw) -> Iterable[Reason]:
    policy = selectivity.policy
    for control in sorted(policy.mandatory, key=lambda control: control.code):
        if control.code in hits.mandatory:
            yield _mandatory(control, hits.mandatory[control.code], policy)
    factor = policy.profile_factor_for(subject.trusted_trader)
    for code in sorted(hits.profiles):
        yield _profile(selectivity.profiles[code], hits.profiles[code], factor, draw)
    yield _random(policy, subject, draw)


def _mandatory(control: MandatoryControl, items: tuple[int, ...], policy: Policy) -> Reason:
    channel = control.treatment.channel
    return Reason(
        kind=ReasonKind.MANDATORY,
        code=control.code,
        version=policy.version,
        probability=1.0 if channel.selects else 0.0,
        outcomes={channel: 1.0},
        fired=True,
        channel=channel,
        controls=controls_of(control.treatment),
        items=items,
    )


def _profile(profile: Profile, items: tuple[int, ...], factor: float, draw: Draw) -> Reason:
    """Draw a profile's treatment: alternatives laid strictest first, the last part of 1 being no treatment."""
    treatments = sorted(profile.treatments, key=lambda treatment: -treatment.channel.strictness)
    outcomes: dict[Channel, float] = {}
    for treatment in treatments:
        outcomes[treatment.channel] = outcomes.get(treatment.channel, 0.0) + treatment.probability * factor
    channel = band(draw.fraction(profile_purpose(profile.code)), outcomes)
    return Reason(
        kind=ReasonKind.PROFILE,
        code=profile.code,
        version=profile.version,
        probability=_rounded(sum(share for channel, share in outcomes.items() if channel.selects)),
        outcomes={channel: _rounded(share) for channel, share in outcomes.items()},
        fired=channel is not None,
        channel=channel,
        controls=() if channel is None else _controls(treatments, channel),
        items=items,
    )


def _controls(treatments: Iterable[Treatment], channel: Channel) -> tuple[str, ...]:
    named = {control for treatment in treatments if treatment.channel is channel for control in controls_of(treatment)}
    return tuple(sorted(named))


def _random(policy: Policy, subject: Subject, draw: Draw) -> Reason:
    """Draw the random sample: for every declaration, whatever else selects it."""
    share = policy.random_share_for(subject.office, subject.trusted_trader)
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


def _united(fired: Iterable[Reason]) -> tuple[GivenTreatment, ...]:
    """Return the treatments of all reasons that fired, one a channel, strictest first, their controls united."""
    controls: dict[Channel, set[str]] = {}
    for reason in fired:
        if reason.channel is not None and reason.channel is not Channel.GREEN:
            controls.setdefault(reason.channel, set()).update(reason.controls)
    return tuple(
        GivenTreatment(channel=channel, controls=tuple(sorted(controls[channel])))
        for channel in sorted(controls, key=lambda channel: -channel.strictness)
    )


def _channel_probabilities(reasons: Sequence[Reason]) -> dict[Channel, float]:
    """Return the probability of each channel, the strictest of independent draws."""
    at_most = [prod(1 - _stricter(reason, channel) for reason in reasons) for channel in Channel]
    steps = [high - low for low, high in zip([0.0, *at_most], at_most, strict=False)]
    return {channel: _rounded(step) for channel, step in zip(Channel, steps, strict=True)}


def _stricter(reason: Reason, channel: Channel) -> float:
    return min(1.0, sum(p for other, p in reason.outcomes.items() if other.strictness > channel.strictness))


def _items(
    subject: Subject, reasons: Sequence[Reason], channel: Channel, selectivity: Selectivity, draw: Draw
) -> Iterable[ItemDecision]:
    for number, chapter in sorted(subject.chapters.items()):
        own = tuple(reason for reason in reasons if number in reason.items)
        yield ItemDecision(
            item_number=number,
            reasons=own,
            instructions=_instructions(own, chapter, channel, selectivity, draw) if channel.selects else (),
        )


def _instructions(
    own: Sequence[Reason], chapter: str, channel: Channel, selectivity: Selectivity, draw: Draw
) -> tuple[str, ...]:
    """Return the checklist of one item, in the same form for every reason.

    The standard lines of the channel come first. An item that no reason names gets one line drawn by key from those
    its chapter may meet, so that the absence of a specific line does not betray a random selection.
    """
    specific = _specific(own, selectivity)
    if not specific:
        options = selectivity.chapter_instructions.get(chapter, ())
        specific = {draw.choice(f"{INSTRUCTION}:{chapter}", options)} if options else set()
    standard = selectivity.policy.checklists.get(channel, ())
    return (*standard, *sorted(specific.difference(standard)))


def _specific(own: Iterable[Reason], selectivity: Selectivity) -> set[str]:
    mandatory = {control.code: control.instruction for control in selectivity.policy.mandatory}
    lines = {
        selectivity.profiles[reason.code].instruction if reason.kind is ReasonKind.PROFILE else mandatory[reason.code]
        for reason in own
        if reason.fired
    }
    return lines - {""}


def _rounded(probability: float) -> float:
    return round(min(1.0, max(0.0, probability)), PROBABILITY_DIGITS)
