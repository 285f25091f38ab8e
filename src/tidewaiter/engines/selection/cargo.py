"""Advance cargo: one consignment assessed before it is loaded or arrives.

A consignment knows the facts of FACTS and no others. A profile or mandatory control whose condition asks for any other
fact (its offices included) is unknown of a consignment and does not hit; so a missing fact never passes for a missing
value. The flow of a consignment that is announced is import.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import prod
from typing import Any

from tidewaiter.core.cargo import CargoAssessment, CargoOutcome, CargoPolicy, strictest_outcome
from tidewaiter.core.condition import facts_of
from tidewaiter.core.decision import ORDINARY, Circumstances, Reason, ReasonKind
from tidewaiter.core.facts import Catalogue, FactType, FactValue, held, normalised_words
from tidewaiter.core.lookout import Certainty, LookoutMatch
from tidewaiter.engines.matching.live import LiveSet, publish
from tidewaiter.engines.selection.deciding import InForce, all_conditions, split_hits
from tidewaiter.engines.selection.draw import Drawn, Recording
from tidewaiter.engines.selection.lookouts import LookoutIndex, Row, words_of
from tidewaiter.engines.selection.reasons import (
    Hits,
    lookout_reasons,
    mandatory_reason,
    profile_reason,
    random_reason,
    rounded,
    surest,
)

type Read = Callable[[Row], object]


def _field(name: str) -> Read:
    return lambda consignment: consignment.get(name)


def _boxes(consignment: Row) -> list[Mapping[str, Any]]:
    return list(consignment.get("containers") or ())


FACTS: Mapping[str, Read] = {
    "flow": lambda _: "import",
    "consignment_found": lambda _: True,
    "previous_document": lambda consignment: consignment.get("house_document") or consignment.get("master_document"),
    "house_document": _field("house_document"),
    "master_document": _field("master_document"),
    "transport_mode": _field("transport_mode"),
    "conveyance": _field("conveyance"),
    "voyage": _field("voyage"),
    "consignment_carrier": _field("carrier_code"),
    "consolidator_code": _field("consolidator_code"),
    "consolidator_name": _field("consolidator_name"),
    "consignor_name": _field("consignor_name"),
    "consignee_name": _field("consignee_name"),
    "notify_name": _field("notify_name"),
    "port_of_loading": _field("port_of_loading"),
    "port_of_discharge": _field("port_of_discharge"),
    "place_of_stuffing": _field("place_of_stuffing"),
    "manifest_description": _field("description"),
    "manifest_gross_mass": _field("gross_mass"),
    "manifest_packages": _field("packages"),
    "manifest_containers": lambda one: None if one.get("containers") is None else len(_boxes(one)),
    "containers": lambda one: " ".join(str(box["number"]) for box in _boxes(one) if box.get("number")) or None,
}
"""What a consignment knows: each fact by name, from the fields of a filing."""


@dataclass(frozen=True, slots=True)
class CargoForce:
    """What assesses consignments on a day; `unknown` are codes of profiles and controls that ask for other facts."""

    force: InForce
    matching: LiveSet
    lookouts: LookoutIndex
    catalogue: Catalogue
    unknown: tuple[str, ...]

    @property
    def policy(self) -> CargoPolicy:
        """Return what the routing policy says of advance cargo."""
        return self.force.selectivity.policy.cargo


def cargo_force(force: InForce, lookouts: LookoutIndex, catalogue: Catalogue) -> CargoForce:
    """Return what assesses consignments, from what is in force for declarations."""
    conditions = all_conditions(force)
    answered = {
        name: condition
        for name, condition in conditions.items()
        if all(fact.name in FACTS for fact in facts_of(condition))
    }
    unknown = split_hits({name: [] for name in conditions.keys() - answered.keys()})
    codes = tuple(sorted({*unknown.profiles, *unknown.mandatory}))
    return CargoForce(force, publish(answered), lookouts, catalogue, codes)


def assess(
    cargo: CargoForce, consignment: Row, *, draw: Drawn, circumstances: Circumstances = ORDINARY
) -> CargoAssessment:
    """Return what comes of one filing of a consignment. Of the circumstances, confirmed and cleared lookouts count."""
    recording = Recording(draw)
    matches = cargo.lookouts.match((), consignment)
    reasons = tuple(_reasons(cargo, consignment, matches, recording, circumstances))
    missing = tuple(missing_fields(consignment, cargo.policy))
    outcomes = set(_outcomes(reasons, matches, cargo, circumstances))
    if missing:
        outcomes.add(CargoOutcome.REQUEST_INFORMATION)
    outcome = strictest_outcome(outcomes)
    random = next(reason for reason in reasons if reason.kind is ReasonKind.RANDOM)
    return CargoAssessment(
        consignment_id=str(consignment["consignment_id"]),
        outcome=outcome,
        outcomes=tuple(sorted(outcomes - {CargoOutcome.COMPLETE}, key=lambda one: one.strictness)),
        missing=missing,
        requested=_requested(missing, outcomes, cargo.policy),
        reasons=reasons,
        selection_probability=rounded(1 - prod(1 - reason.probability for reason in reasons)),
        random_probability=random.probability,
        in_random_sample=random.fired,
        draw_identity=draw.identity,
        draws=recording.fractions,
        lookouts=matches,
    )


def facts_of_consignment(consignment: Row, catalogue: Catalogue) -> dict[str, FactValue]:
    """Return the facts a consignment knows, as the engine holds them. Raises ValueError for more decimals than fit."""
    found: dict[str, FactValue] = {}
    for name, read in FACTS.items():
        if name not in catalogue:
            continue
        fact, value = catalogue[name], read(consignment)
        if value is not None and fact.type is FactType.WORDS:
            value = normalised_words(str(value))
        found[name] = held(value, fact)
    return found


def missing_fields(consignment: Row, policy: CargoPolicy) -> Iterator[str]:
    """Give the required fields that are empty or hold nothing but a placeholder, in the order of the policy."""
    placeholders = {tuple(words_of(text)) for text in policy.placeholders}
    for name in policy.required:
        value = consignment.get(name)
        if value is None or value in ("", (), []) or _says_nothing(value, placeholders):
            yield name


def _says_nothing(value: object, placeholders: set[tuple[str, ...]]) -> bool:
    """Tell whether a value says nothing: a placeholder, no letter or digit at all, or a mass or number of 0."""
    if isinstance(value, str):
        words = tuple(words_of(value))
        return not words or words in placeholders
    return isinstance(value, int | Decimal) and value == 0


def _reasons(
    cargo: CargoForce,
    consignment: Row,
    matches: Iterable[LookoutMatch],
    draw: Drawn,
    circumstances: Circumstances,
) -> Iterator[Reason]:
    hits = _hits(cargo, consignment)
    selectivity = cargo.force.selectivity
    policy = selectivity.policy
    for control in sorted(policy.mandatory, key=lambda control: control.code):
        if control.code in hits.mandatory:
            yield mandatory_reason(control, (), policy.version)
    yield from lookout_reasons(matches, selectivity, circumstances, ())
    for code in sorted(hits.profiles):
        yield profile_reason(selectivity.profiles[code], (), 1.0, draw)
    yield random_reason(policy, policy.cargo.random_share, draw)


def _hits(cargo: CargoForce, consignment: Row) -> Hits:
    names = cargo.matching.matches(facts_of_consignment(consignment, cargo.catalogue))
    return split_hits({name: [] for name in names})


def _outcomes(
    reasons: Iterable[Reason], matches: Iterable[LookoutMatch], cargo: CargoForce, circumstances: Circumstances
) -> Iterator[CargoOutcome]:
    policy = cargo.policy
    for reason in reasons:
        if not reason.fired or reason.channel is None:
            continue
        if reason.kind is ReasonKind.LOOKOUT:
            met = [match for match in matches if match.reference == reason.code]
            sure = surest(met, circumstances) is Certainty.EXACT
            action = cargo.lookouts.open[reason.code].action
            yield policy.by_action.get(action, CargoOutcome.COMPLETE) if sure else policy.possible
        elif reason.kind is ReasonKind.RANDOM:
            yield CargoOutcome.CONTROL_ON_ARRIVAL
        else:
            yield policy.by_channel.get(reason.channel, CargoOutcome.COMPLETE)


def _requested(missing: tuple[str, ...], outcomes: Iterable[CargoOutcome], policy: CargoPolicy) -> tuple[str, ...]:
    """Return what the filer is asked for; all required fields where information is requested for another reason."""
    if missing or CargoOutcome.REQUEST_INFORMATION not in outcomes:
        return missing
    return policy.required
