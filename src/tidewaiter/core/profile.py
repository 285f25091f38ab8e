"""Indicators, risk profiles and named lists as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from tidewaiter.core.channel import Channel
from tidewaiter.core.condition import (
    Always,
    And,
    Condition,
    HasWord,
    InList,
    OneOf,
    StartsWith,
    linked,
    not_true,
    rebuilt,
)
from tidewaiter.core.errors import Place
from tidewaiter.core.facts import Catalogue, Fact, FactType, normalised_words


class Status(StrEnum):
    """Where a profile stands in its life."""

    DRAFT = "draft"
    TESTED = "tested"
    IN_REVIEW = "in review"
    APPROVED = "approved"
    SHADOW = "shadow"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Treatment:
    """A channel with the probability (0 < p <= 1) that a hit is given it, and the controls it asks for."""

    channel: Channel
    probability: float = 1.0
    controls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TestCase:
    """A set of facts that must, or must not, match. Facts left out are missing."""

    __test__ = False

    name: str
    facts: Mapping[str, object]
    must_match: bool
    place: Place = field(default=Place(), compare=False)


@dataclass(frozen=True, slots=True)
class Indicator:
    """A named, versioned, computable factor. One alone does not make a consignment high-risk.

    `instruction` says what to check where it holds; a profile's own instruction is what an examiner is shown.
    """

    name: str
    condition: Condition
    title: str = ""
    rationale: str = ""
    source: str = ""
    instruction: str = ""
    test_cases: tuple[TestCase, ...] = ()
    version: int = 1
    example: bool = False
    place: Place = field(default=Place(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A risk profile: a document and a condition. None or empty means not yet written.

    `condition` and `exceptions` may use indicators and lists by name; the profile matches where the condition is
    true and the exceptions are not true. `flow` and `offices` limit where it applies (empty: everywhere).
    """

    code: str
    condition: Condition
    exceptions: Condition | None = None
    version: int = 1
    title: str = ""
    status: Status = Status.DRAFT
    risk_area: str = ""
    register_entry: str = ""
    description: str = ""
    assessment: str = ""
    level: str = ""
    rationale: str = ""
    flow: tuple[str, ...] = ()
    offices: tuple[str, ...] = ()
    treatments: tuple[Treatment, ...] = ()
    instruction: str = ""
    result_codes: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None
    review_on: date | None = None
    forecast_matches_per_day: float | None = None
    forecast_hours_per_day: float | None = None
    owner: str = ""
    contact: str = ""
    author: str = ""
    approver: str = ""
    legal_basis: str = ""
    handling: str = ""
    sources: tuple[str, ...] = ()
    evaluation: str = ""
    test_cases: tuple[TestCase, ...] = ()
    example: bool = False
    place: Place = field(default=Place(), compare=False)

    def in_force(self, on: date) -> bool:
        """Tell whether the day is within the validity; both ends are included, an absent end is open."""
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on <= self.valid_to)


class Match(StrEnum):
    """How the entries of a list are met."""

    EXACT = "exact"
    PREFIX = "prefix"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of a list with its validity (both ends included; None is open)."""

    value: str
    valid_from: date | None = None
    valid_to: date | None = None
    note: str = ""

    def in_force(self, on: date) -> bool:
        """Tell whether the entry counts on that day."""
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True, slots=True)
class NamedList:
    """A watch list or code list, kept outside conditions so that its edits can be watched."""

    name: str
    entries: tuple[Entry, ...]
    match: Match = Match.EXACT
    title: str = ""
    source: str = ""
    place: Place = field(default=Place(), compare=False)

    def values(self, on: date) -> tuple[str, ...]:
        """Return the values in force on that day, sorted, without repeats."""
        return tuple(sorted({entry.value for entry in self.entries if entry.in_force(on)}))


@dataclass(frozen=True, slots=True)
class ProfileSet:
    """Everything read from a folder of profile files: profiles, indicators (linked), lists."""

    profiles: Mapping[str, Profile]
    indicators: Mapping[str, Indicator]
    lists: Mapping[str, NamedList]


def resolved(condition: Condition, lists: Mapping[str, NamedList], on: date) -> Condition:
    """Return the condition with every named list replaced by the values in force that day.

    Raises KeyError for a list that does not exist.
    """

    def resolve(node: Condition) -> Condition:
        return in_list_resolved(node.fact, lists[node.list_name], on) if isinstance(node, InList) else node

    return rebuilt(condition, resolve)


def in_list_resolved(fact: Fact, named: NamedList, on: date) -> Condition:
    """Return what `in_list(fact, name)` asks on that day: OneOf, StartsWith or HasWord; false for an empty list."""
    values = named.values(on)
    if not values:
        return Always(False)
    if fact.type is FactType.WORDS:
        phrases = {found for value in values if (found := phrase(value)).strip("*")}
        return HasWord(fact, tuple(sorted(phrases))) if phrases else Always(False)
    if named.match is Match.PREFIX:
        return StartsWith(fact, values)
    return OneOf(fact, values)


def phrase(text: str) -> str:
    """Return a searched phrase as the tree keeps it: normalised, a final `*` kept (a word beginning so)."""
    star = "*" if text.rstrip().endswith("*") else ""
    return normalised_words(text).strip() + star


def applicable(profile: Profile, indicators: Mapping[str, Condition], flow: Fact, office: Fact) -> Condition:
    """Return the profile's whole condition: its condition, without its exceptions, in its flows and offices.

    An exception excludes only where it is true; where it is unknown the profile still matches, so a missing fact
    never lets goods through. Raises KeyError for a name that is no indicator.
    """
    terms: list[Condition] = [linked(profile.condition, indicators)]
    if profile.exceptions is not None:
        terms.append(not_true(linked(profile.exceptions, indicators)))
    if profile.flow:
        terms.append(OneOf(flow, tuple(sorted(set(profile.flow)))))
    if profile.offices:
        terms.append(OneOf(office, tuple(sorted(set(profile.offices)))))
    return terms[0] if len(terms) == 1 else And(tuple(terms))


def effective_conditions(profile_set: ProfileSet, catalogue: Catalogue, on: date) -> dict[str, Condition]:
    """Return each profile's condition ready for the engines: indicators linked, lists resolved on that day.

    Exceptions, flow and offices are part of it. The order is that of the profile codes. Validity is not: a back-test
    runs a draft over days before it was written.
    """
    indicators = {name: indicator.condition for name, indicator in profile_set.indicators.items()}
    flow, office = catalogue["flow"], catalogue["office"]
    return {
        code: resolved(applicable(profile, indicators, flow, office), profile_set.lists, on)
        for code, profile in sorted(profile_set.profiles.items())
    }
