"""An auditor's check of the draw with the opened keys: every declaration drawn, every one not drawn, and who looked.

Nothing stored is believed that can be computed: fractions come from the key, shares from the policy, officers from the
roster stored with the assignment.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from tidewaiter.core.channel import Channel
from tidewaiter.core.decision import Decision, Queue, Reason, ReasonKind
from tidewaiter.core.errors import InputError
from tidewaiter.core.policy import Policy
from tidewaiter.engines.selection.assignment import Assignment, ReExamination, officer_for, others_than
from tidewaiter.engines.selection.capacity import top_up
from tidewaiter.engines.selection.draw import (
    DELAY,
    EXPLORATION,
    RANDOM,
    RE_EXAMINATION,
    Draw,
    Drawn,
    StrictestDraw,
    band,
    key_digest,
    profile_purpose,
    selects,
)

_DRAWN_KINDS = (ReasonKind.PROFILE, ReasonKind.RANDOM, ReasonKind.EXPLORATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawRecord:
    """What is stored of the draws of one decision. `key_day` is the day whose key they were made with.

    `beside` are further identities, each with the day of its key: the strictest of all is what was drawn. `fractions`
    are those stored, by purpose.
    """

    declaration_id: str
    version: int
    identity: str
    key_day: date
    office: str | None
    trusted_trader: str | None
    reasons: tuple[Reason, ...]
    random_probability: float
    in_random_sample: bool
    channel: Channel
    queue: Queue
    delay_minutes: int
    policy_version: int
    beside: tuple[tuple[str, date], ...] = ()
    fractions: Mapping[str, float] = field(default_factory=dict)
    assignments: tuple[Assignment, ...] = ()
    re_examinations: tuple[ReExamination, ...] = ()

    @property
    def name(self) -> str:
        """Return how the record is named in words."""
        return f"declaration {self.declaration_id} version {self.version}"


def draw_record(
    decision: Decision,
    key_day: date,
    *,
    assignments: tuple[Assignment, ...] = (),
    re_examinations: tuple[ReExamination, ...] = (),
) -> DrawRecord:
    """Return what is to be checked of a stored decision and what was drawn after it.

    The version of the policy is that of the random reason; 0 where there is none.
    """
    random = [reason.version for reason in decision.reasons if reason.kind is ReasonKind.RANDOM]
    return DrawRecord(
        declaration_id=decision.declaration_id,
        version=decision.version,
        identity=decision.draw_identity,
        key_day=key_day,
        office=decision.office,
        trusted_trader=decision.trusted_trader,
        reasons=decision.reasons,
        random_probability=decision.random_probability,
        in_random_sample=decision.in_random_sample,
        channel=decision.channel,
        queue=decision.circumstances.queue,
        delay_minutes=decision.delay_minutes,
        policy_version=random[0] if random else 0,
        beside=decision.circumstances.drawn_beside,
        fractions=decision.draws,
        assignments=assignments,
        re_examinations=re_examinations,
    )


def verify(
    records: Iterable[DrawRecord],
    *,
    keys: Mapping[date, bytes],
    digests: Mapping[date, str],
    policies: Mapping[int, Policy],
    identities: Mapping[str, str],
    beside: Mapping[tuple[str, int], tuple[tuple[str, date], ...]] | None = None,
) -> list[str]:
    """Return every discrepancy in words; none means that all draws are right.

    `keys` are the opened keys by day and `digests` those lodged with the inspectorate that morning; `policies` the
    routing policies by version; `identities` what each declaration received must be drawn by, from its own documents
    and containers (engines.selection.inheritance): a declaration without a record, or a record without one, is told.
    `beside` is what each declaration's version must be drawn by beside that (None: not asked). A record drawn with keys
    of which not all are given is checked as far as these go: no outcome may be milder than they say.
    """
    found = list(_wrong_keys(keys, digests))
    seen: set[str] = set()
    for record in records:
        seen.add(record.declaration_id)
        expected = identities.get(record.declaration_id)
        if expected is None:
            found.append(f"{record.name}: was decided but never received")
        elif expected != record.identity:
            found.append(f"{record.name}: was drawn by '{record.identity}', its goods are drawn by '{expected}'")
        due = record.beside if beside is None else beside.get((record.declaration_id, record.version), ())
        if due != record.beside:
            found.append(f"{record.name}: was also drawn by {_named(record.beside)}, its goods by {_named(due)}")
        found += [f"{record.name}: {problem}" for problem in _drawn_wrongly(record, keys, policies)]
    return found + _without_record(identities, seen)


def _named(lots: Collection[tuple[str, date]]) -> str:
    return ", ".join(f"'{identity}' of {day}" for identity, day in lots) or "nothing else"


@dataclass(frozen=True, slots=True)
class _Stated:
    """The fractions that a record states, where keys are not open."""

    identity: str
    fractions: Mapping[str, float]

    def fraction(self, purpose: str) -> float:
        """Return what was stated; 1 where nothing was."""
        return self.fractions.get(purpose, 1.0)


def _drawn_wrongly(record: DrawRecord, keys: Mapping[date, bytes], policies: Mapping[int, Policy]) -> Iterator[str]:
    """Give what is wrong of a record's draws, as far as the keys go."""
    key = keys.get(record.key_day)
    known: list[Drawn] = [Draw(keys[day], identity) for identity, day in record.beside if day in keys]
    if key is None and not known:
        yield f"the key of {record.key_day} is not open, so its draw cannot be checked"
    elif key is None:
        yield from _milder(record, known)
    else:
        closed = len(record.beside) - len(known)
        beside = [*known, _Stated(record.identity, record.fractions)] if closed else known
        first = Draw(key, record.identity)
        yield from _discrepancies(record, StrictestDraw(first, beside) if beside else first, policies)


def _milder(record: DrawRecord, known: Iterable[Drawn]) -> Iterator[str]:
    for draw in known:
        for purpose, stated in record.fractions.items():
            if selects(purpose) and draw.fraction(purpose) < stated:
                yield f"'{draw.identity}' draws {purpose} more strictly than was drawn"


def _without_record(identities: Collection[str], seen: Collection[str]) -> list[str]:
    return [
        f"declaration {number}: was received and no draw is stored for it"
        for number in identities
        if number not in seen
    ]


def _wrong_keys(keys: Mapping[date, bytes], digests: Mapping[date, str]) -> Iterator[str]:
    for day, key in sorted(keys.items()):
        if day not in digests:
            yield f"key of {day}: no digest was lodged"
        elif key_digest(key) != digests[day]:
            yield f"key of {day}: is not the key whose digest was lodged"


def _discrepancies(record: DrawRecord, draw: Drawn, policies: Mapping[int, Policy]) -> Iterator[str]:
    yield from _random(record, draw)
    for reason in record.reasons:
        if reason.kind in _DRAWN_KINDS:
            yield from _fired(reason, draw)
    policy = policies.get(record.policy_version)
    if policy is None:
        yield f"version {record.policy_version} of the policy is not known"
    else:
        yield from _against_policy(record, draw, policy)
    for assignment in record.assignments:
        yield from _assigned(assignment, draw)
    for again in record.re_examinations:
        yield from _examined_again(again, draw)


def _random(record: DrawRecord, draw: Drawn) -> Iterator[str]:
    reasons = [reason for reason in record.reasons if reason.kind is ReasonKind.RANDOM]
    if len(reasons) != 1:
        yield f"the random sample was drawn {len(reasons)} times, not once"
    drawn = draw.fraction(RANDOM) < record.random_probability
    if drawn != record.in_random_sample:
        yield f"is {_in(record.in_random_sample)} the random sample, the key says it is {_in(drawn)} it"
    for reason in reasons:
        if reason.fired != record.in_random_sample:
            yield f"its random reason and its record disagree: {_in(reason.fired)} and {_in(record.in_random_sample)}"
        if sum(reason.outcomes.values()) != record.random_probability:
            yield "its random reason and its record state different probabilities"


def _in(drawn: bool) -> str:
    return "in" if drawn else "not in"


def _fired(reason: Reason, draw: Drawn) -> Iterator[str]:
    """Check what a reason's own draw gave: also one that did not fire.

    Bands are laid strictest first; the order in which a stored decision names them says nothing.
    """
    outcomes = {channel: reason.outcomes[channel] for channel in sorted(reason.outcomes, key=_strictest_first)}
    channel = band(draw.fraction(_purpose(reason)), outcomes)
    if (channel is not None, channel) != (reason.fired, reason.channel):
        yield f"{reason.kind} {reason.code} gave {reason.channel or 'nothing'}, the key says {channel or 'nothing'}"
    probability = sum(share for outcome, share in reason.outcomes.items() if outcome.selects)
    if abs(probability - reason.probability) > 1e-9:
        yield f"{reason.kind} {reason.code} states probability {reason.probability:g}, its outcomes {probability:g}"


def _strictest_first(channel: Channel) -> int:
    return -channel.strictness


def _purpose(reason: Reason) -> str:
    match reason.kind:
        case ReasonKind.RANDOM:
            return RANDOM
        case ReasonKind.EXPLORATION:
            return EXPLORATION
        case _:
            return profile_purpose(reason.code)


def _against_policy(record: DrawRecord, draw: Drawn, policy: Policy) -> Iterator[str]:
    share = policy.random_share_for(record.office, record.trusted_trader)
    if share != record.random_probability:
        yield f"was drawn with a random share of {record.random_probability:g}, the policy says {share:g}"
    factor = policy.profile_factor_for(record.trusted_trader, record.office)
    due = top_up(policy, record.office, record.queue, factor)
    stated = next((dict(one.outcomes) for one in record.reasons if one.kind is ReasonKind.EXPLORATION), {})
    if due != stated:
        yield f"was explored with {_words(stated)}, policy and queue say {_words(due)}"
    delay = policy.green_delay
    if record.channel is Channel.GREEN:
        wait = 0 if delay is None else delay.minutes(draw.fraction(DELAY))
        if wait != record.delay_minutes:
            yield f"waited {record.delay_minutes} minutes, the key says {wait}"
    elif record.delay_minutes:
        yield f"is {record.channel} and waited {record.delay_minutes} minutes"


def _words(outcomes: Mapping[Channel, float]) -> str:
    return ", ".join(f"{channel} {share:g}" for channel, share in outcomes.items()) or "nothing"


def _assigned(assignment: Assignment, draw: Drawn) -> Iterator[str]:
    try:
        officer = officer_for(draw.fraction(assignment.purpose), assignment.roster)
    except InputError as error:
        yield f"{assignment.purpose}: {error}"
        return
    if officer != assignment.officer:
        yield f"{assignment.purpose} went to {assignment.officer}, the key says {officer}"


def _examined_again(again: ReExamination, draw: Drawn) -> Iterator[str]:
    drawn = draw.fraction(RE_EXAMINATION) < again.share
    if drawn != again.drawn:
        said = {True: "to be examined again", False: "not to be examined again"}
        yield f"the result of {again.first_officer} was {said[again.drawn]}, the key says {said[drawn]}"
    if again.assignment is None:
        if again.drawn:
            yield f"the result of {again.first_officer} was to be examined again and nobody was drawn for it"
        return
    if others_than(again.first_officer, again.assignment.roster) != dict(again.assignment.roster):
        yield f"{again.first_officer} stood on the roster for examining the own result again"
    yield from _assigned(again.assignment, draw)
