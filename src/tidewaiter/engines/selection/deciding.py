"""Facts and profiles in, decisions out: which items each profile hits, then the route of each declaration."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

import pyarrow as pa

from tidewaiter.core.condition import Condition, InList, facts_of, linked, walk
from tidewaiter.core.decision import ORDINARY, Circumstances, Decision
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.lookout import Lookout, LookoutMatch
from tidewaiter.core.policy import Policy
from tidewaiter.core.profile import Profile, ProfileSet, Status, effective_conditions, resolved
from tidewaiter.engines.matching.bitmaps import scan
from tidewaiter.engines.matching.compile import compile_set
from tidewaiter.engines.matching.encode import BLOCK_ROWS
from tidewaiter.engines.selection.chapters import chapter_instructions
from tidewaiter.engines.selection.draw import Draw
from tidewaiter.engines.selection.routing import Hits, Selectivity, Subject, route

MANDATORY_MARK = "\0mandatory "
"""Put before the codes of mandatory controls, so that they cannot meet a profile's."""

NO_LOOKOUTS: Mapping[str, Lookout] = MappingProxyType({})
NO_MATCHES: Mapping[str, tuple[LookoutMatch, ...]] = MappingProxyType({})
NO_CIRCUMSTANCES: Mapping[str, Circumstances] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class InForce:
    """What selects on a day: profiles by code, every condition by code, and the profiles left out with the reason."""

    selectivity: Selectivity
    conditions: Mapping[str, Condition]
    mandatory: Mapping[str, Condition]
    left_out: Mapping[str, str]


def in_force(
    profile_set: ProfileSet,
    policy: Policy,
    catalogue: Catalogue,
    on: date,
    lookouts: Mapping[str, Lookout] = NO_LOOKOUTS,
) -> InForce:
    """Return what selects on that day: the active profiles within their validity, and the policy's controls.

    `lookouts` are the open ones in force, by reference (engines.selection.lookouts).
    """
    left_out = {
        code: reason
        for code, profile in sorted(profile_set.profiles.items())
        if (reason := _why_left_out(profile, on)) is not None
    }
    active = {code: profile for code, profile in profile_set.profiles.items() if code not in left_out}
    conditions = effective_conditions(ProfileSet(active, profile_set.indicators, profile_set.lists), catalogue, on)
    indicators = {name: indicator.condition for name, indicator in profile_set.indicators.items()}
    mandatory = {
        control.code: resolved(linked(control.condition, indicators), profile_set.lists, on)
        for control in policy.mandatory
    }
    selectivity = Selectivity(active, policy, chapter_instructions(active, conditions), lookouts)
    return InForce(selectivity, conditions, mandatory, left_out)


def lists_without_entries(profile_set: ProfileSet, policy: Policy, on: date) -> tuple[str, ...]:
    """Return the names of the lists that what selects on that day asks and that have no entry in force, sorted.

    Such a list is asked in vain, and NOT of it is true of every item.
    """
    indicators = {name: indicator.condition for name, indicator in profile_set.indicators.items()}
    active = [profile for profile in profile_set.profiles.values() if _why_left_out(profile, on) is None]
    conditions = [control.condition for control in policy.mandatory]
    conditions += [c for profile in active for c in (profile.condition, profile.exceptions) if c is not None]
    asked = {
        node.list_name
        for condition in conditions
        for node in walk(linked(condition, indicators))
        if isinstance(node, InList)
    }
    return tuple(sorted(name for name in asked if not profile_set.lists[name].values(on)))


def _why_left_out(profile: Profile, on: date) -> str | None:
    if profile.status is not Status.ACTIVE:
        return f"is {profile.status}"
    return None if profile.in_force(on) else f"is not valid on {on}"


ROUTING_FACTS = ("office", "trusted_trader", "hs2")
"""Facts that routing itself reads, whatever the conditions ask."""


def facts_needed(force: InForce) -> frozenset[str]:
    """Return the names of the facts that deciding reads: those of every condition in force, and routing's own."""
    conditions = (*force.conditions.values(), *force.mandatory.values())
    asked = {fact.name for condition in conditions for fact in facts_of(condition)}
    return frozenset(asked.union(ROUTING_FACTS))


def decide_all(
    facts: pa.Table,
    force: InForce,
    *,
    identities: Mapping[str, str],
    key: bytes,
    lookouts: Mapping[str, tuple[LookoutMatch, ...]] = NO_MATCHES,
    circumstances: Mapping[str, Circumstances] = NO_CIRCUMSTANCES,
) -> Iterator[Decision]:
    """Decide every declaration of a fact table once, in the order of their first rows.

    `facts` has the columns of `facts_needed` and one version of each declaration; `identities` gives what each
    declaration is drawn by, `lookouts` the lookouts it meets and `circumstances` what else is known of it (left out:
    nothing).
    """
    hits = _hits(facts, force)
    for subject in _subjects(facts):
        number = subject.declaration_id
        own = replace(hits.get(number, Hits()), lookouts=lookouts.get(number, ()))
        beside = circumstances.get(number, ORDINARY)
        yield route(subject, own, force.selectivity, Draw(key, identities[number]), beside)


def all_conditions(force: InForce) -> dict[str, Condition]:
    """Return every condition in force by name: those of profiles by code, mandatory controls with their mark."""
    return {**force.conditions, **{MANDATORY_MARK + code: c for code, c in force.mandatory.items()}}


def _hits(facts: pa.Table, force: InForce) -> dict[str, Hits]:
    """Return the hits of each declaration that has any: item numbers by profile and by mandatory control."""
    compiled = compile_set(all_conditions(force))
    items: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for batch, hits in scan(compiled, facts.to_batches(max_chunksize=BLOCK_ROWS)):
        ids, numbers = batch.column("declaration_id"), batch.column("item_number")
        for place, code in enumerate(hits.names):
            for row in hits.rows_of(place).tolist():
                items[ids[row].as_py()][code].append(numbers[row].as_py())
    return {declaration_id: split_hits(by_code) for declaration_id, by_code in items.items()}


def split_hits(by_code: Mapping[str, list[int]]) -> Hits:
    """Return hits by the names of `all_conditions` as those of profiles and those of mandatory controls."""
    mandatory = {code for code in by_code if code.startswith(MANDATORY_MARK)}
    return Hits(
        profiles={code: tuple(sorted(numbers)) for code, numbers in by_code.items() if code not in mandatory},
        mandatory={code.removeprefix(MANDATORY_MARK): tuple(sorted(by_code[code])) for code in mandatory},
    )


def _subjects(facts: pa.Table) -> Iterator[Subject]:
    """Give each declaration with all its items, also where its rows do not stand together (lodged at two moments)."""
    names = ("declaration_id", "version", "item_number", *ROUTING_FACTS)
    subjects: dict[str, Subject] = {}
    chapters: dict[str, dict[int, str]] = defaultdict(dict)
    for number, version, item, office, trader, hs2 in zip(*(facts.column(n).to_pylist() for n in names), strict=True):
        own = chapters[number]
        own[item] = hs2 or ""
        if number not in subjects:
            subjects[number] = Subject(
                declaration_id=number, version=version, office=office, trusted_trader=trader, chapters=own
            )
    yield from subjects.values()
