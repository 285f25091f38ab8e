"""Which profiles to merge, narrow or retire, each with its reason in a sentence."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from tidewaiter.core.rate import Rate
from tidewaiter.engines.backtest.measure import ENOUGH_CASES
from tidewaiter.engines.backtest.report import Advice, Pair, ProfileFigures, RandomSample

MERGE_FROM = 0.8
CONTAINED_FROM = 0.95


def advice(
    profiles: Mapping[str, ProfileFigures],
    overlap: Iterable[Pair],
    base: RandomSample | None,
    absent: Mapping[str, Collection[str]],
) -> tuple[Advice, ...]:
    """Return what to do, pairs to merge first, then profiles to narrow, then those to retire.

    `absent` names by profile the facts it asks about that no item of the period has: a profile that matched nothing for
    want of them is not at fault, and the facts are to be supplied.
    A profile of a pair to merge, or alone in its set, is not retired for matching nothing that is its own.
    """
    pairs = list(overlap)
    merge = [_merge(pair) for pair in pairs if pair.jaccard >= MERGE_FROM]
    narrow = [given for pair in pairs if pair.jaccard < MERGE_FROM for given in _narrow(pair, profiles)]
    spared = {code for given in merge for code in given.codes} if len(profiles) > 1 else set(profiles)
    starved = {code for code, figures in profiles.items() if figures.matches == 0 and absent.get(code)}
    supply = [_supply(code, absent[code]) for code in profiles if code in starved]
    retire = [
        given
        for code, figures in profiles.items()
        if code not in starved and (given := _retire(figures, base, spared=code in spared)) is not None
    ]
    return (*merge, *narrow, *retire, *supply)


def _supply(code: str, facts: Collection[str]) -> Advice:
    named = ", ".join(sorted(facts))
    return Advice("supply", (code,), f"it matched nothing, and no item of the period has what it asks about: {named}")


def _merge(pair: Pair) -> Advice:
    either = pair.of_a + pair.of_b - pair.both
    return Advice(
        "merge",
        (pair.a, pair.b),
        f"both match the same {pair.both:,} of the {either:,} items that either matches ({100 * pair.jaccard:.0f} %)",
    )


def _narrow(pair: Pair, profiles: Mapping[str, ProfileFigures]) -> Iterator[Advice]:
    if not {pair.a, pair.b} <= profiles.keys():
        return
    for inner, outer, of_inner in ((pair.a, pair.b, pair.of_a), (pair.b, pair.a, pair.of_b)):
        own, wide = profiles[inner].results.hit_rate, profiles[outer].results.hit_rate
        if pair.both < CONTAINED_FROM * of_inner or not (_enough(own) and _enough(wide)):
            continue
        if own is not None and wide is not None and own.low > wide.value:
            reason = f"it contains {pair.both:,} of the {of_inner:,} items of {inner}, which finds {own} where it "
            yield Advice("narrow", (outer, inner), f"{reason}finds {wide}")


def _enough(share: Rate | None) -> bool:
    return share is not None and share.denominator >= ENOUGH_CASES


def _retire(figures: ProfileFigures, base: RandomSample | None, *, spared: bool) -> Advice | None:
    reason = _reason_to_retire(figures, base, spared=spared)
    return None if reason is None else Advice("retire", (figures.code,), reason)


def _reason_to_retire(figures: ProfileFigures, base: RandomSample | None, *, spared: bool) -> str | None:
    if figures.matches == 0:
        return f"it matched nothing in {len(figures.by_day):,} days"
    if figures.marginal.items == 0 and not spared:
        return f"all {figures.matches:,} items it matches are matched by other profiles too"
    own, plain = figures.results.hit_rate, None if base is None else base.base_rate
    if own is not None and plain is not None and _enough(own) and _enough(plain) and own.high < plain.value:
        return f"it finds {own}, less than the random sample's {plain}"
    return None
