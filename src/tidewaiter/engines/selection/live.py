"""One declaration at a time: what is in force on a day, made ready once and then asked many times a second."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tidewaiter.core.decision import ORDINARY, Circumstances, Decision
from tidewaiter.core.facts import Catalogue, FactValue
from tidewaiter.core.lookout import Lookout
from tidewaiter.core.policy import Policy
from tidewaiter.core.profile import ProfileSet, Status, effective_conditions
from tidewaiter.engines.matching.live import LiveSet, publish
from tidewaiter.engines.selection.deciding import InForce, all_conditions, in_force, split_hits
from tidewaiter.engines.selection.draw import Drawn, RecordedDraw
from tidewaiter.engines.selection.lookouts import LookoutIndex, Row, lookout_index
from tidewaiter.engines.selection.routing import Hits, Subject, route

type Facts = Mapping[str, FactValue]
"""The facts of one item as the engine holds them, with `declaration_id`, `version` and `item_number`."""


@dataclass(frozen=True, slots=True)
class LiveForce:
    """What decides on one day, ready to be asked. Immutable, and safe to ask from several threads.

    `shadow` are the profiles that run and select nothing. Validity changes at midnight: another day, another one.
    """

    on: date
    force: InForce
    matching: LiveSet
    shadow: LiveSet
    lookouts: LookoutIndex


NO_CONDITIONS = publish({})
"""Stands where conditions are asked elsewhere."""


def live_force(
    profile_set: ProfileSet, policy: Policy, catalogue: Catalogue, lookouts: Iterable[Lookout], on: date
) -> LiveForce:
    """Return what is in force on that day: active profiles, the policy's controls, lookouts open and covert."""
    index = lookout_index(lookouts, on)
    force = in_force(profile_set, policy, catalogue, on, index.open)
    shadow = {
        code: profile
        for code, profile in profile_set.profiles.items()
        if profile.status is Status.SHADOW and profile.in_force(on)
    }
    watched = effective_conditions(ProfileSet(shadow, profile_set.indicators, profile_set.lists), catalogue, on)
    return LiveForce(on, force, publish(all_conditions(force)), publish(watched), index)


def decide_live(
    live: LiveForce,
    items: Sequence[Facts],
    *,
    draw: Drawn,
    declared: Sequence[Row] | None = None,
    consignment: Row | None = None,
    circumstances: Circumstances = ORDINARY,
) -> Decision:
    """Return the decision about one declaration from the facts of its items, of which there is at least one.

    `declared` are the items as declared, asked for lookouts (None: the facts are); `consignment` is the latest filing
    the goods came under. Covert lookouts are not asked here (`live.lookouts.match_covert`).
    """
    hits = split_hits(matched(live.matching, items))
    rows = items if declared is None else declared
    return decide_hits(
        live, subject_of(items), hits, draw=draw, declared=rows, consignment=consignment, circumstances=circumstances
    )


def decide_hits(
    live: LiveForce,
    subject: Subject,
    hits: Hits,
    *,
    draw: Drawn,
    declared: Sequence[Row],
    consignment: Row | None = None,
    circumstances: Circumstances = ORDINARY,
) -> Decision:
    """Return the decision about one declaration whose facts were asked before, by `hits`; lookouts are asked here."""
    met = live.lookouts.match(declared, consignment)
    if met:
        hits = Hits(hits.profiles, hits.mandatory, met)
    return route(subject, hits, live.force.selectivity, draw, circumstances)


def replay(
    decision: Decision,
    live: LiveForce,
    items: Sequence[Facts],
    *,
    declared: Sequence[Row] | None = None,
    consignment: Row | None = None,
) -> Decision:
    """Return the decision recomputed from stored facts and what was in force then; no key is needed.

    The circumstances and the fractions drawn are those stored with the decision. An equal decision confirms it. Raises
    NotKnownError where what is in force now draws for a purpose that was not drawn then.
    """
    return decide_live(
        live,
        items,
        draw=RecordedDraw(decision.draw_identity, decision.draws),
        declared=declared,
        consignment=consignment,
        circumstances=decision.circumstances,
    )


def shadow_hits(live: LiveForce, items: Sequence[Facts]) -> dict[str, tuple[int, ...]]:
    """Return the items that profiles in shadow match, by code: for their record, never for the decision."""
    return {code: tuple(sorted(numbers)) for code, numbers in matched(live.shadow, items).items()}


def matched(conditions: LiveSet, items: Sequence[Facts]) -> dict[str, list[int]]:
    """Return the numbers of the items that each condition is TRUE of."""
    found: dict[str, list[int]] = {}
    for item in items:
        names = conditions.matches(item)
        if names:
            number = int(item["item_number"] or 0)
            for name in names:
                found.setdefault(name, []).append(number)
    return found


def subject_of(items: Sequence[Facts]) -> Subject:
    """Return what routing asks of a declaration; what belongs to the whole is taken from the first item."""
    first = items[0]
    return Subject(
        declaration_id=str(first["declaration_id"]),
        version=int(first["version"] or 0),
        office=_text(first.get("office")),
        trusted_trader=_text(first.get("trusted_trader")),
        chapters={int(item["item_number"] or 0): _text(item.get("hs2")) or "" for item in items},
    )


def _text(value: FactValue) -> str | None:
    return None if value is None else str(value)
