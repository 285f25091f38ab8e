"""From hits to a channel: a pure function of the declaration, the profiles, the policy, the circumstances and the draw.

Adding a profile or a lookout can raise a channel and never lowers it, and the order of profiles does not matter.
"""

from collections.abc import Iterable, Iterator, Sequence
from math import prod

from tidewaiter.core.channel import Channel, strictest
from tidewaiter.core.decision import (
    ORDINARY,
    Circumstances,
    Decision,
    GivenTreatment,
    ItemDecision,
    Reason,
    ReasonKind,
    treatments_of,
)
from tidewaiter.core.policy import Policy
from tidewaiter.engines.selection.capacity import capacity_of, minutes_of
from tidewaiter.engines.selection.draw import DELAY, INSTRUCTION, Drawn, Recording, chosen
from tidewaiter.engines.selection.reasons import Hits, Selectivity, Subject, is_open, reasons_of, rounded

CHANNELS = tuple(Channel)
__all__ = ["Hits", "Selectivity", "Subject", "route"]


def route(
    subject: Subject, hits: Hits, selectivity: Selectivity, draw: Drawn, circumstances: Circumstances = ORDINARY
) -> Decision:
    """Return the decision about one declaration.

    The channel is the strictest of all reasons that fired, earlier decisions about the same goods included. An override
    stands for the reasons it settled; one that came later than it still raises the channel. Probabilities speak of this
    draw alone: what was carried over or overridden is 0 in them.
    """
    recording = Recording(draw)
    policy = selectivity.policy
    reasons = tuple(reasons_of(subject, hits, selectivity, recording, circumstances))
    standing = tuple(_standing(reasons, circumstances))
    channel = strictest(reason.channel for reason in standing if reason.channel is not None)
    treatments = _united(standing, circumstances)
    random = next(reason for reason in reasons if reason.kind is ReasonKind.RANDOM)
    minutes = minutes_of(treatments, policy) if channel.selects else 0
    reserve = policy.office(subject.office).reserved_minutes
    draws = 1 + len(circumstances.drawn_beside)
    return Decision(
        declaration_id=subject.declaration_id,
        version=subject.version,
        channel=channel,
        treatments=treatments,
        selection_probability=rounded(1 - prod(1 - reason.probability for reason in reasons) ** draws),
        channel_probabilities=_channel_probabilities(reasons, draws),
        random_probability=random.probability,
        in_random_sample=random.fired,
        draw_identity=draw.identity,
        reasons=reasons,
        items=tuple(_items(subject, reasons, channel, selectivity, recording, circumstances)),
        office=subject.office,
        trusted_trader=subject.trusted_trader,
        lookouts=tuple(match for match in hits.lookouts if is_open(match, selectivity)),
        circumstances=circumstances,
        delay_minutes=_delay(channel, policy, recording),
        draws=recording.fractions,
        capacity=capacity_of(channel, standing, minutes, circumstances.queue, reserve),
        minutes=minutes,
    )


def _standing(reasons: Iterable[Reason], circumstances: Circumstances) -> Iterator[Reason]:
    """Give the reasons that fired, without the stricter ones that an override settled; milder controls stay."""
    override = circumstances.override
    for reason in reasons:
        if not reason.fired or reason.channel is None:
            continue
        settled = override is not None and (reason.kind, reason.code, reason.version) in override.settled
        if not settled or (override is not None and reason.channel.strictness <= override.channel.strictness):
            yield reason


def _united(standing: Iterable[Reason], circumstances: Circumstances) -> tuple[GivenTreatment, ...]:
    """Return the treatments of all reasons that stand, one a channel, strictest first, their controls united."""
    controls: dict[Channel, set[str]] = {}
    for reason in standing:
        if reason.channel is not None and reason.channel is not Channel.GREEN:
            controls.setdefault(reason.channel, set()).update(reason.controls)
        if reason.kind is ReasonKind.CARRIED and circumstances.carried is not None:
            for treatment in circumstances.carried.treatments:
                controls.setdefault(treatment.channel, set()).update(treatment.controls)
    return treatments_of(controls)


def _channel_probabilities(reasons: Sequence[Reason], draws: int) -> dict[Channel, float]:
    """Return the probability of each channel, the strictest of independent reasons, each drawn so many times."""
    at_most = [1.0] * len(CHANNELS)
    for reason in reasons:
        stricter = 0.0
        for place in range(len(CHANNELS) - 1, -1, -1):
            at_most[place] *= (1 - min(1.0, stricter)) ** draws
            stricter += reason.outcomes.get(CHANNELS[place], 0.0)
    steps = [high - low for low, high in zip([0.0, *at_most], at_most, strict=False)]
    return {channel: rounded(step) for channel, step in zip(CHANNELS, steps, strict=True)}


def _delay(channel: Channel, policy: Policy, draw: Drawn) -> int:
    if channel is not Channel.GREEN or policy.green_delay is None:
        return 0
    return policy.green_delay.minutes(draw.fraction(DELAY))


def _items(
    subject: Subject,
    reasons: Sequence[Reason],
    channel: Channel,
    selectivity: Selectivity,
    draw: Drawn,
    circumstances: Circumstances,
) -> Iterator[ItemDecision]:
    lines = _Lines(subject, channel, selectivity, draw, circumstances) if channel.selects else None
    for number, chapter in sorted(subject.chapters.items()):
        own = tuple(reason for reason in reasons if number in reason.items)
        yield ItemDecision(
            item_number=number, reasons=own, instructions=() if lines is None else lines.of(number, chapter, own)
        )


class _Lines:
    """The checklist of each item, in the same form for every reason.

    The standard lines of the channel come first. An item that no reason names gets one line drawn by key from those
    its chapter may meet, so that the absence of a specific line does not betray a random selection.
    """

    def __init__(
        self,
        subject: Subject,
        channel: Channel,
        selectivity: Selectivity,
        draw: Drawn,
        circumstances: Circumstances,
    ) -> None:
        policy = selectivity.policy
        self.selectivity, self.draw = selectivity, draw
        self.standard = policy.checklists.get(channel, ())
        mandatory, request, hold = ReasonKind.MANDATORY, ReasonKind.REQUEST, ReasonKind.AGENCY_HOLD
        self.given = {(mandatory, one.code, policy.version): one.instruction for one in policy.mandatory}
        self.given |= {(request, one.reference, one.version): one.instruction for one in circumstances.requests}
        self.given |= {(hold, one.reference, one.version): one.instruction for one in circumstances.holds}
        self.carried = _carried_lines(circumstances, policy)
        self.moved = {line for number in self.carried.keys() - subject.chapters.keys() for line in self.carried[number]}

    def of(self, number: int, chapter: str, own: Sequence[Reason]) -> tuple[str, ...]:
        """Return the lines of one item. Lines carried over from items that are gone stand with every item."""
        specific = {self._line(reason) for reason in own if reason.fired} - {""}
        specific |= self.moved | self.carried.get(number, set())
        if not specific:
            options = self.selectivity.chapter_instructions.get(chapter, ())
            specific = {chosen(self.draw.fraction(f"{INSTRUCTION}:{chapter}"), options)} if options else set()
        return (*self.standard, *sorted(specific.difference(self.standard)))

    def _line(self, reason: Reason) -> str:
        if reason.kind is ReasonKind.PROFILE:
            return self.selectivity.profiles[reason.code].instruction
        if reason.kind is ReasonKind.LOOKOUT:
            return self.selectivity.lookouts[reason.code].instruction
        return self.given[reason.kind, reason.code, reason.version]


def _carried_lines(circumstances: Circumstances, policy: Policy) -> dict[int, set[str]]:
    """Return the lines of earlier decisions by item, without the standard ones of any channel."""
    if circumstances.carried is None:
        return {}
    standard = {line for lines in policy.checklists.values() for line in lines}
    return {number: set(lines) - standard for number, lines in circumstances.carried.instructions.items()}
