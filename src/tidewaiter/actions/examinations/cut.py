"""What was cut on a day for want of minutes, and the risk accepted with it.

Expected findings are hits times the share of declarations, selected by the same profile and looked at, that had a
material finding: naive shares with their counts and Wilson interval. Where nothing was looked at nothing is expected
and nothing is said: the figure is None, not 0.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from tidewaiter.actions.examinations.capacity import Choice, beyond_capacity
from tidewaiter.actions.packing import unpacked
from tidewaiter.actions.rights import granting
from tidewaiter.core.channel import Channel
from tidewaiter.core.decision import ReasonKind
from tidewaiter.core.finding import is_material
from tidewaiter.core.rate import Rate, rate
from tidewaiter.core.tables.results import OUTCOMES
from tidewaiter.storage.records.models import CapacityDecision, Decision, Officer, ProfileVersion, Result
from tidewaiter.storage.records.visibility import visible_to

DAYS: Final = 365
"""How far back results count for the rates."""

MOST_RESULTS: Final = 20_000
LOOKED: Final = frozenset(OUTCOMES) - {"not_inspected"}


@dataclass(frozen=True, slots=True)
class Expected:
    """A number of findings with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CutProfile:
    """What was cut of one profile's hits. `rate` is its result rate, `expected` the findings forgone with those cut.

    Both are None where nothing it selected was ever looked at.
    """

    code: str
    title: str
    hits: int
    waived: int
    deferred: int
    rate: Rate | None
    expected: Expected | None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A manager accepted the risk of one hit."""

    officer: Officer
    decision_id: str
    choice: Choice
    until: date | None
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What was cut on a day. Counts are of declarations: selected, not inspected.

    `selected` is all that was selected that day within what is shown; `undecided` are hits beyond capacity that no
    manager has yet decided about. `expected` takes for each declaration the highest rate of its profiles; it leaves
    out `unknown` declarations none of whose profiles has a rate, and is None where that is all of them.
    """

    day: date
    selected: int
    beyond: int
    waived: int
    deferred: int
    undecided: int
    unknown: int
    minutes: int
    expected: Expected | None
    by_profile: tuple[CutProfile, ...]
    accepted: tuple[Acceptance, ...]


def cut(day: date, officer: Officer, *, office: str | None = None, material_duty: Decimal = Decimal(0)) -> Cut:
    """Return what was cut on that day at one office, or at all the officer sees."""
    found = [_Hit.of(decision) for decision in beyond_capacity(officer, day, office=office)]
    choices = _choices([hit.number for hit in found])
    rates = result_rates({code for hit in found for code in hit.codes}, day, material_duty)
    states = [choices[hit.number].choice if hit.number in choices else None for hit in found]
    known = [hit for hit in found if _best(hit, rates) is not None]
    return Cut(
        day=day,
        selected=_selected(officer, day, office),
        beyond=len(found),
        waived=states.count(Choice.WAIVED),
        deferred=states.count(Choice.DEFERRED),
        undecided=states.count(None),
        unknown=len(found) - len(known),
        minutes=sum(hit.minutes for hit in found),
        expected=_expected(best for hit in known if (best := _best(hit, rates)) is not None),
        by_profile=_by_profile(found, choices, rates),
        accepted=tuple(choices[hit.number] for hit in found if hit.number in choices),
    )


@dataclass(frozen=True, slots=True)
class _Hit:
    """A decision beyond capacity: its number, the profiles that fired for it, the officer minutes it would take."""

    number: str
    codes: frozenset[str]
    minutes: int

    @classmethod
    def of(cls, decision: Decision) -> "_Hit":
        body = json.loads(unpacked(decision.body))["decision"]
        return cls(decision.pk, _codes(body), int(body.get("minutes") or 0))


@dataclass(slots=True)
class _Seen:
    """Declarations that a profile selected and somebody looked at, and those of them with a material finding."""

    looked: set[str] = field(default_factory=set)
    found: set[str] = field(default_factory=set)


def result_rates(codes: set[str], day: date, material_duty: Decimal) -> dict[str, Rate]:
    """Return by profile the share of declarations with a material finding among those looked at; none where nobody did.

    Final results of the last year count, the latest version of each, newest acts first and `MOST_RESULTS` at most.
    """
    if not codes:
        return {}
    looked = _looked_at(day)
    fired = _fired({one.decision for one in looked})
    seen: defaultdict[str, _Seen] = defaultdict(_Seen)
    for one in looked:
        for code in fired[one.decision] & codes:
            seen[code].looked.add(one.declaration)
            if _material(one.row, material_duty):
                seen[code].found.add(one.declaration)
    found = {code: rate(len(one.found), len(one.looked)) for code, one in seen.items()}
    return {code: one for code, one in found.items() if one is not None}


@dataclass(frozen=True, slots=True)
class _Looked:
    """The latest version of a final result of somebody who looked."""

    decision: str
    declaration: str
    row: Mapping[str, Any]


def _looked_at(day: date) -> list[_Looked]:
    results = Result.objects.filter(known_at__date__gt=day - timedelta(days=DAYS), known_at__date__lte=day)
    fields = ("act_id", "act__decision_id", "act__declaration_id", "row")
    latest: dict[str, _Looked] = {}
    for act, decision, declaration, row in results.order_by("-known_at", "-version").values_list(*fields)[
        :MOST_RESULTS
    ]:
        latest.setdefault(act, _Looked(decision, declaration, row))
    return [one for one in latest.values() if one.row.get("state") == "final" and one.row.get("outcome") in LOOKED]


def _fired(decisions: Collection[str]) -> dict[str, frozenset[str]]:
    """Return the profiles that fired, by decision."""
    numbers = sorted(decisions)
    found: dict[str, frozenset[str]] = {}
    for first in range(0, len(numbers), 500):
        rows = Decision.objects.filter(pk__in=numbers[first : first + 500]).values_list("pk", "body")
        found |= {number: _codes(json.loads(unpacked(body))["decision"]) for number, body in rows}
    return found


def _material(row: Mapping[str, Any], material_duty: Decimal) -> bool:
    return is_material(
        state=row["state"],
        outcome=row["outcome"],
        categories=row.get("categories") or (),
        duty_assessed=_decimal(row.get("duty_assessed")),
        seizure_value=_decimal(row.get("seizure_value")),
        material_duty=material_duty,
    )


def _decimal(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _codes(body: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(one["code"] for one in body["reasons"] if one["kind"] == ReasonKind.PROFILE and one["fired"])


def _choices(numbers: list[str]) -> dict[str, Acceptance]:
    latest = CapacityDecision.objects.filter(decision_id__in=numbers).select_related("by").order_by("pk")
    return {
        one.decision_id: Acceptance(one.by, one.decision_id, Choice(one.choice), one.until, one.reason, one.at)
        for one in latest
    }


def _selected(officer: Officer, day: date, office: str | None) -> int:
    selecting = [channel.value for channel in Channel if channel.selects]
    found = visible_to(officer, Decision.objects.all(), granting("capacity.read"))
    found = found.filter(decided_on=day, channel__in=selecting)
    found = found if office is None else found.filter(office=office)
    return found.values("declaration_id").distinct().count()


def _best(hit: _Hit, rates: Mapping[str, Rate]) -> Rate | None:
    return max((rates[code] for code in hit.codes if code in rates), key=lambda one: one.value, default=None)


def _expected(rates: Iterable[Rate]) -> Expected | None:
    known = list(rates)
    if not known:
        return None
    return Expected(sum(one.value for one in known), sum(one.low for one in known), sum(one.high for one in known))


def _by_profile(
    hits: list[_Hit], choices: Mapping[str, Acceptance], rates: Mapping[str, Rate]
) -> tuple[CutProfile, ...]:
    own: defaultdict[str, list[_Hit]] = defaultdict(list)
    for hit in hits:
        for code in hit.codes:
            own[code].append(hit)
    titles = _titles(own)
    return tuple(
        CutProfile(
            code=code,
            title=titles.get(code, ""),
            hits=len(found),
            waived=_chosen(found, choices, Choice.WAIVED),
            deferred=_chosen(found, choices, Choice.DEFERRED),
            rate=rates.get(code),
            expected=_expected([rates[code]] * len(found)) if code in rates else None,
        )
        for code, found in sorted(own.items(), key=lambda one: (-len(one[1]), one[0]))
    )


def _chosen(hits: list[_Hit], choices: Mapping[str, Acceptance], choice: Choice) -> int:
    return sum(hit.number in choices and choices[hit.number].choice is choice for hit in hits)


def _titles(codes: Iterable[str]) -> dict[str, str]:
    versions = ProfileVersion.objects.filter(code__in=list(codes)).order_by("number")
    return dict(versions.values_list("code", "title"))
