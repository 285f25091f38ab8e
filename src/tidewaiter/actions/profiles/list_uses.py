"""Where a list is asked by what is in force: profiles (those in shadow too), their indicators, mandatory controls."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tidewaiter.actions.profiles.proposals import text_digest
from tidewaiter.actions.profiles.publishing import composed
from tidewaiter.core.condition import Condition, linked
from tidewaiter.core.decision import ReasonKind
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.list_change import ListUse, Polarity, uses_in, uses_in_profile
from tidewaiter.core.profile import NamedList, ProfileSet, Status, applicable
from tidewaiter.language.policy import read_policy_text
from tidewaiter.language.profiles import read_profile_texts

type User = tuple[str, str]
"""Kind and code of a reason: (profile, FW-014) or (mandatory, CITES)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What asks one list in the set that the records now give, named by its digest.

    `selecting` are the conditions of active profiles and mandatory controls that ask it, linked and not resolved.
    """

    set_digest: str
    uses: tuple[ListUse, ...]
    selecting: Mapping[User, Condition]
    lists: Mapping[str, NamedList]


def asked_by(name: str, catalogue: Catalogue) -> Asked:
    """Return what asks a list. Reads only the texts that can; raises InputError where one of them cannot be read."""
    text = composed()
    held = json.loads(text)
    used = _named("indicator", held["indicators"]) | _named("list", held["lists"])
    carriers = [name, *_indicators_asking(name, held, used, catalogue)]
    own = {f"profile {p['code']}@{p['number']}": p for p in held["profiles"] if _mentions(p["text"], carriers)}
    sets = [
        read_profile_texts({**used, **{key: p["text"] for key, p in own.items() if p["status"] == status}}, catalogue)
        for status in (Status.ACTIVE, Status.SHADOW)
    ]
    active, shadow = sets
    indicators = _conditions(active)
    uses = [use for found in sets for p in found.profiles.values() for use in uses_in_profile(p, indicators, name)]
    selecting = _profiles_asking(name, active, catalogue)
    controls = read_policy_text(held["policy"], catalogue, indicators=indicators, lists=active.lists).mandatory
    for control in controls:
        asking = uses_in(control.condition, indicators, name, control.code, Polarity.SELECTS)
        uses += asking
        if asking:
            selecting[ReasonKind.MANDATORY, control.code] = linked(control.condition, indicators)
    return Asked(text_digest(text), tuple(uses), selecting, shadow.lists)


def _profiles_asking(name: str, found: ProfileSet, catalogue: Catalogue) -> dict[User, Condition]:
    indicators = _conditions(found)
    return {
        (ReasonKind.PROFILE, code): applicable(profile, indicators, catalogue["flow"], catalogue["office"])
        for code, profile in found.profiles.items()
        if uses_in_profile(profile, indicators, name)
    }


def _indicators_asking(name: str, held: Mapping[str, Any], used: Mapping[str, str], catalogue: Catalogue) -> list[str]:
    if not any(_mentions(text, [name]) for text in held["indicators"].values()):
        return []
    conditions = _conditions(read_profile_texts(used, catalogue))
    return [
        indicator
        for indicator, condition in conditions.items()
        if uses_in(condition, conditions, name, indicator, Polarity.SELECTS)
    ]


def _conditions(found: ProfileSet) -> dict[str, Condition]:
    return {indicator.name: indicator.condition for indicator in found.indicators.values()}


def _named(kind: str, texts: Mapping[str, str]) -> dict[str, str]:
    return {f"{kind} {name}": text for name, text in texts.items()}


def _mentions(text: str, names: list[str]) -> bool:
    return any(name in text for name in names)
