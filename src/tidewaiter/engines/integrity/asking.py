"""Whether a profile that takes another's place surely asks no less: told from the texts, never from what they met."""

from tidewaiter.core.condition import (
    Always,
    And,
    Compare,
    Condition,
    HasWord,
    OneOf,
    Op,
    Or,
    Points,
    StartsWith,
    in_negation_normal_form,
)
from tidewaiter.core.policy import controls_of
from tidewaiter.core.profile import Profile, Treatment


def meets_no_less(before: Condition, after: Condition) -> bool:
    """Tell whether whatever the condition before is true of, the one after surely is too (indicators linked)."""
    return _follows(in_negation_normal_form(before), in_negation_normal_form(after))


def _follows(before: Condition, after: Condition) -> bool:
    """Tell whether the one after is surely true where the one before is, both in negation normal form."""
    if before == after or before == Always(False) or after == Always(True):
        return True
    if isinstance(before, Or):
        return all(_follows(term, after) for term in before.terms)
    if isinstance(after, And):
        return all(_follows(before, term) for term in after.terms)
    return (
        (isinstance(before, And) and any(_follows(term, after) for term in before.terms))
        or (isinstance(after, Or) and any(_follows(before, term) for term in after.terms))
        or _wider(before, after)
    )


def _wider(before: Condition, after: Condition) -> bool:
    """Tell whether the one after asks the same of the same fact with more values, or the same points of fewer."""
    match before, after:
        case Compare(fact, Op.EQ, value), OneOf(other, more):
            return fact == other and value in more
        case OneOf(fact, values), OneOf(other, more):
            return fact == other and set(values) <= set(more)
        case StartsWith(fact, prefixes), StartsWith(other, shorter):
            return fact == other and all(one.startswith(shorter) for one in prefixes)
        case HasWord(fact, phrases), HasWord(other, more):
            return fact == other and set(phrases) <= set(more)
        case Points(k, terms), Points(fewer, others):
            return terms == others and fewer <= k
        case _:
            return False


def treats_no_less(before: Profile, after: Profile) -> bool:
    """Tell whether each treatment stays as strict, thorough and probable, and the profile in force as long."""
    kept = all(_probability(one, after) >= _probability(one, before) for one in before.treatments)
    ends = after.valid_to is None or (before.valid_to is not None and after.valid_to >= before.valid_to)
    return kept and ends


def _probability(asked: Treatment, of: Profile) -> float:
    """Return how likely one of a profile's treatments is that is no milder than this one."""
    return sum(one.probability for one in of.treatments if _no_milder(asked, one))


def _no_milder(was: Treatment, now: Treatment) -> bool:
    return now.channel.strictness >= was.channel.strictness and set(controls_of(was)) <= set(controls_of(now))
