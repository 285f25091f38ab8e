"""What rules out of force let pass: goods decided and released unselected meanwhile that they would have met.

Asked of the facts that the decisions stored. A decision stores what was asked when it was taken, so that a condition
may ask for a fact that is not there: what then could have been met either way is counted apart.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Final

from django.db.models import F

from tidewaiter.actions.profiles.losses import MOST_NAMED, Items, items_of
from tidewaiter.core.channel import Channel
from tidewaiter.core.condition import (
    Always,
    And,
    Condition,
    Or,
    Points,
    facts_of,
    in_negation_normal_form,
)
from tidewaiter.core.profile import NamedList, resolved
from tidewaiter.engines.matching.asking import Question, question
from tidewaiter.storage.records.models import Decision

MOST_LOOKED_AT: Final = 50_000
"""Releases looked at for one report, the latest first."""

_RELEASING: Final = tuple(channel.value for channel in Channel if not channel.selects)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """Conditions (indicators linked, lists named) that selected until `since`, and did not until `until`.

    `lists` are those of then; `conditions` None where they can no longer be read.
    """

    since: datetime
    until: datetime
    conditions: tuple[Condition, ...] | None
    lists: Mapping[str, NamedList]


@dataclass(slots=True)
class Passed:
    """What one of them let pass: the first of the declarations, their importers, and how many may have passed too."""

    declarations: list[str] = field(default_factory=list)
    importers: dict[str, None] = field(default_factory=dict)
    perhaps: int = 0


def let_pass(withdrawn: Sequence[Withdrawn]) -> tuple[list[Passed], bool]:
    """Return what each let pass, in the same order, and whether all releases of the time could be looked at.

    Counted are declarations whose standing decision was taken and that were released within the time, unselected.
    """
    found = [Passed() for _ in withdrawn]
    if not withdrawn:
        return found, True
    asking = [_Asking(one) for one in withdrawn]
    first, last = min(one.since for one in withdrawn), max(one.until for one in withdrawn)
    rows = Decision.objects.filter(
        channel__in=_RELEASING,
        declaration__decision_id=F("pk"),
        decided_at__gte=first,
        declaration__released_at__gte=first,
        declaration__released_at__lt=last,
    ).order_by("-decided_at", "-pk")
    fields = ("declaration_id", "declaration__importer_code", "declaration__released_at", "decided_at", "decided_on")
    looked_at = 0
    for number, importer, released_at, decided_at, on, facts in rows.values_list(*fields, "facts")[
        : MOST_LOOKED_AT + 1
    ].iterator(chunk_size=500):
        looked_at += 1
        concerned = [one for one in range(len(asking)) if asking[one].covers(decided_at, released_at)]
        items = items_of(facts) if concerned else []
        for one in concerned:
            _count(found[one], asking[one].met(items, on), number, importer)
    return found, looked_at <= MOST_LOOKED_AT


def _count(passed: Passed, met: bool | None, number: str, importer: str) -> None:
    if met is None:
        passed.perhaps += 1
    elif met and len(passed.declarations) < MOST_NAMED:
        passed.declarations.append(number)
        if importer:
            passed.importers[importer] = None


class _Asking:
    """Asks the stored facts of a declaration whether conditions would have met it."""

    def __init__(self, withdrawn: Withdrawn) -> None:
        self._withdrawn = withdrawn
        self._asked = cache(self._questions)

    def covers(self, decided_at: datetime, released_at: datetime) -> bool:
        """Tell whether goods decided and released at these instants passed while the conditions did not select."""
        return self._withdrawn.since <= decided_at and released_at < self._withdrawn.until

    def met(self, items: Items, on: date) -> bool | None:
        """Tell whether some item would have been met; None where the facts stored leave it open."""
        if self._withdrawn.conditions is None:
            return None
        surely, perhaps = self._asked(on, frozenset(items[0]) if items else frozenset())
        if any(ask(item) for item in items for ask in surely):
            return True
        return None if any(ask(item) for item in items for ask in perhaps) else False

    def _questions(self, on: date, stored: frozenset[str]) -> tuple[list[Question], list[Question]]:
        asked = [
            in_negation_normal_form(resolved(one, self._withdrawn.lists, on))
            for one in self._withdrawn.conditions or ()
        ]
        return _all(asked, lambda one: _taken(one, stored, False)), _all(asked, lambda one: _taken(one, stored, True))


def _all(conditions: Iterable[Condition], taken: Callable[[Condition], Condition]) -> list[Question]:
    return [question(taken(one)) for one in conditions]


def _taken(condition: Condition, stored: Collection[str], truth: bool) -> Condition:
    """Return a condition in negation normal form in which whatever asks for a fact not stored is taken to be so.

    With false the condition holds of no more than it truly did, with true of no less.
    """
    match condition:
        case And(terms):
            return And(tuple(_taken(term, stored, truth) for term in terms))
        case Or(terms):
            return Or(tuple(_taken(term, stored, truth) for term in terms))
        case Points(k, weighted):
            return Points(k, tuple((_taken(term, stored, truth), weight) for term, weight in weighted))
        case _:
            known = all(fact.name in stored for fact in facts_of(condition))
            return condition if known else Always(truth)
