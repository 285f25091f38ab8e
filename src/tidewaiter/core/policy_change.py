"""What a new version of the routing policy asks for less than the one before: shares, expected rates, controls."""

from collections.abc import Iterator, Mapping

from tidewaiter.core.channel import Channel
from tidewaiter.core.policy import MandatoryControl, Policy, controls_of


def lowered(before: Policy, after: Policy) -> tuple[str, ...]:
    """Return what is lower in the policy after, each with its office or trader type: `random share at PORT`.

    A mandatory control is lowered where it is gone, milder, less probable or asks for less, and where its condition is
    another: whom that lets off cannot be told from the text. With both policies exchanged these are what was raised.
    """
    return (
        *_random_shares(before, after),
        *_expected_rates(before, after),
        *(["share of exploration"] if after.exploration.share < before.exploration.share else []),
        *(["share examined again"] if after.re_examined_share < before.re_examined_share else []),
        *(_control(one.code) for one in controls_lowered(before, after)),
    )


def controls_lowered(before: Policy, after: Policy) -> tuple[MandatoryControl, ...]:
    """Return the mandatory controls, as they were before, that the policy after no longer asks for so."""
    kept = {one.code: one for one in after.mandatory}
    return tuple(one for one in before.mandatory if one.code not in kept or _milder(one, kept[one.code]))


def _control(code: str) -> str:
    return f"mandatory control {code}"


def _milder(before: MandatoryControl, after: MandatoryControl) -> bool:
    was, now = before.treatment, after.treatment
    return (
        before.condition != after.condition
        or now.channel.strictness < was.channel.strictness
        or now.probability < was.probability
        or not set(controls_of(was)) <= set(controls_of(now))
    )


def _random_shares(before: Policy, after: Policy) -> Iterator[str]:
    own = {*before.random_share_by_office, *after.random_share_by_office}
    for office in ("", *sorted(own)):
        if after.random_share_for(office, None) < before.random_share_for(office, None):
            yield _at("random share", office)
    for kind in sorted({*before.trusted_traders, *after.trusted_traders}):
        for office in ("", *sorted(own | _offices_of(kind, before) | _offices_of(kind, after))):
            stated = any(_states_share(policy, office, kind) for policy in (before, after))
            if stated and after.random_share_for(office, kind) < before.random_share_for(office, kind):
                yield _at(f"random share of {kind}", office)


def _offices_of(kind: str, policy: Policy) -> set[str]:
    held = policy.trusted_traders.get(kind)
    return set() if held is None else set(held.offices)


def _states_share(policy: Policy, office: str, kind: str) -> bool:
    trusted = policy.trusted(office, kind)
    return trusted is not None and trusted.random_share is not None


def _expected_rates(before: Policy, after: Policy) -> Iterator[str]:
    own = {code for policy in (before, after) for code, held in policy.offices.items() if held.expected_rates}
    for office in ("", *sorted(own)):
        was, now = before.expected_rates_for(office), after.expected_rates_for(office)
        for channel in _in_order(was):
            if now.get(channel, 0.0) < was[channel]:
                yield _at(f"expected rate of {channel}", office)


def _in_order(rates: Mapping[Channel, float]) -> list[Channel]:
    return sorted(rates, key=lambda channel: -channel.strictness)


def _at(what: str, office: str) -> str:
    return f"{what} at {office}" if office else what
