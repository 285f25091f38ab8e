"""What a back-test says: every figure with its counts, and nothing tried as None, never as 0."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tidewaiter.core.rate import Rate


@dataclass(frozen=True, slots=True)
class Period:
    """Days of lodging, both ends included."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """Return the number of calendar days."""
        return (self.end - self.start).days + 1


@dataclass(frozen=True, slots=True)
class Count:
    """Items and declarations, counted apart."""

    items: int
    declarations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What is known of a set of declarations, from those that were examined.

    `labelled` counts declarations with a completed examination act, `offences` those of them with a material finding;
    the `_items` twins count items that an act looked at and items of an act with a material finding. `hit_rate` is
    offences of labelled, naive: whoever was examined was chosen, not drawn. `recovered` is national currency,
    None when nothing is labelled or no amount is known; hours are None when none was logged. `false_positive_*` are
    the hours spent on labelled declarations without any finding.
    """

    labelled: int
    labelled_items: int
    offences: int
    offences_items: int
    immaterial: int
    pending: int
    not_inspected: int
    hit_rate: Rate | None
    hit_rate_items: Rate | None
    recovered: Decimal | None
    officer_hours: Decimal | None
    trader_hours: Decimal | None
    false_positive_officer_hours: Decimal | None
    false_positive_trader_hours: Decimal | None
    value_per_officer_hour: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomSample:
    """The members of the random sample alone: the only plain counts that stand for all declarations.

    `hit_rate` is among matched members examined, shown from 30 cases on (else None, with `labelled` saying how many
    there are); `base_rate` among all members examined; `lift` the first over the second, None where either is
    missing or the base is 0. `recall` is the share of the members' offences that were matched.
    """

    labelled: int
    hit_rate: Rate | None
    base_rate: Rate | None
    lift: float | None
    recall: Rate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A share estimated from logged probabilities of selection, with its 95 % interval, all between 0 and 1.

    `cases` were examined; they are worth `effective` cases of a plain random sample. `worst` and `best` are the
    bounds if every selected declaration that was not examined was clean, or an offence.
    """

    value: float
    low: float
    high: float
    cases: int
    effective: float
    worst: float | None = None
    best: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighted:
    """Estimates by inverse probability of selection; `refused` says why there are none."""

    hit_rate: Estimate | None
    recall: Estimate | None
    refused: str | None


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean of repeated draws, with the bounds between which 95 % of them lie."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainstIncumbent:
    """Two selections compared at equal numbers of examinations, labelled declarations only.

    The larger side is cut to `examinations` by keyed order, in 200 seeded draws: `ours` and `theirs` are offences
    found at that number (a side that is not cut has no spread). `both` counts labelled declarations of both.
    The labelled shares and the `_bounds` (share of offences if all unlabelled are clean, or all offences) are of
    each side at its own size.
    """

    examinations: int
    ours: Spread
    theirs: Spread
    both: int
    our_labelled_share: Rate | None
    their_labelled_share: Rate | None
    our_bounds: tuple[float, float] | None
    their_bounds: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One matched declaration: `kind` is hit, nothing found or not inspected; `facts` are of its first matched item."""

    kind: str
    declaration_id: str
    items: tuple[int, ...]
    lodged_on: date
    office: str | None
    categories: tuple[str, ...]
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileFigures:
    """The figures of one profile in one period.

    `matches` counts items. `caught` is the share of all known offences, matched or not, that it matched; `missed`
    their number. `by_day`, `by_month`, `by_office` count what is matched (offices and months without a match left
    out; office "" is none stated). `marginal` is matched by no other profile of the set, `marginal_in_force` by no
    other profile in force. `immature` counts matched declarations of weeks whose results are not all known yet.
    """

    code: str
    matches: int
    declarations: int
    by_day: tuple[Count, ...]
    by_month: Mapping[str, Count]
    by_office: Mapping[str, Count]
    last_match_on: date | None
    results: Results
    labelled_share: Rate | None
    caught: Rate | None
    missed: int
    marginal: Count
    marginal_in_force: Count
    immature: int
    random: RandomSample | None
    weighted: Weighted | None
    against: AgainstIncumbent | None
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Items matched by two profiles: how many by both, of how many by either and by each."""

    a: str
    b: str
    both: int
    of_a: int
    of_b: int

    @property
    def jaccard(self) -> float:
        """Return the share of what either matches that both match."""
        return self.both / (self.of_a + self.of_b - self.both)


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about a profile, or a pair, and why: `action` is merge, narrow, retire or supply."""

    action: str
    codes: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A back-test of a set of profiles over a period.

    `everything` are the results of all declarations of the period, `united` those of what the set matches taken
    together (its code is ""). `immature_from` is the first day whose results are not all known yet (None: all are).
    `offices` counts all declarations. `parts` are the same figures of the days up to `tuned_until` and after it.
    """

    period: Period
    items: int
    declarations: int
    everything: Results
    base: RandomSample | None
    united: ProfileFigures
    profiles: tuple[ProfileFigures, ...]
    overlap: tuple[Pair, ...]
    advice: tuple[Advice, ...]
    offices: Mapping[str, Count]
    immature_from: date | None
    currency: str
    tuned_until: date | None = None
    parts: tuple["Report", ...] = ()
