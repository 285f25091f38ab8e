"""Retention: how long each kind of record is kept, and what is past its time.

Default periods ship as data (retention_kinds.csv) with legal bases still to be adopted; a rule of the administration
is set by two persons, the privacy officer one of them. Nothing goes by itself: what is due is listed, and a purge is
made of it (see purging).
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from tidewaiter.actions.acting import Actor, action, officer_of, record
from tidewaiter.actions.packing import to_json
from tidewaiter.actions.retention.aged_records import AGED_RECORDS, held_in_records
from tidewaiter.actions.retention.holds import held
from tidewaiter.actions.retention.unseen_records import unseen_records
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError, Place, Problem
from tidewaiter.storage.lake import aged as lake_ages
from tidewaiter.storage.lake.lake import Lake
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import RetentionRule

MOST_DAYS: Final = 36_500
MOST_DUE: Final = 10_000
"""What is listed of each kind at a time; the rest is due after these are gone."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record with a rule of its own: the period shipped in days, and what it counts from."""

    name: str
    days: int
    counts_from: str
    legal_basis: str


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule in force for a kind; number 0 is the one shipped."""

    kind: str
    number: int
    days: int
    legal_basis: str

    @property
    def name(self) -> str:
        """Return how lists and tombstones name it."""
        return f"{self.kind}@{self.number}: {self.days} days"


@dataclass(frozen=True, slots=True)
class Due:
    """A record past its rule, and the instant it counts from. `held`: a legal hold stops its purge.

    `record` is empty for a lookout or request that the reader may not see; the rule names its kind.
    """

    record: str
    since: datetime
    rule: str
    held: bool = False


@cache
def kinds() -> dict[str, Kind]:
    """Return every kind that has a rule, with what was shipped."""
    text = files("tidewaiter.actions.retention").joinpath("retention_kinds.csv").read_text(encoding="utf-8")
    return {
        row["kind"]: Kind(row["kind"], int(row["days"]), row["counts_from"], row["legal_basis"])
        for row in csv.DictReader(text.splitlines())
    }


def rule(kind: str) -> Rule:
    """Return the rule in force for a kind: the latest that two persons set, else what was shipped."""
    found = RetentionRule.objects.filter(kind=kind, approved_at__isnull=False).order_by("-number").first()
    if found is not None:
        return Rule(kind, found.number, found.days, found.legal_basis)
    shipped = kinds()[kind]
    return Rule(kind, 0, shipped.days, shipped.legal_basis)


@action("retention.propose")
def propose_rule(*, kind: str, days: int, legal_basis: str, by: Actor, at: datetime) -> RetentionRule:
    """Propose how long a kind of record is kept. Raises InputError with every problem."""
    problems = []
    if kind not in kinds():
        problems.append(Problem(f"'{kind}' has no rule", Place("kind"), f"the kinds are {', '.join(kinds())}"))
    if not 0 < days <= MOST_DAYS:
        problems.append(Problem(f"{days} is no number of days from 1 to {MOST_DAYS:,}", Place("days")))
    if not legal_basis.strip() or len(legal_basis) > 200:
        problems.append(Problem("name the law in 1 to 200 characters", Place("legal_basis")))
    if problems:
        raise InputError(problems)
    lock_chain()
    latest = RetentionRule.objects.filter(kind=kind).order_by("-number").first()
    made = RetentionRule.objects.create(
        kind=kind,
        number=latest.number + 1 if latest else 1,
        days=days,
        legal_basis=legal_basis,
        by=officer_of(by),
        at=at,
    )
    record(_rule_reference(made), rule_content(made))
    return made


@action("retention.approve")
def approve_rule(*, kind: str, number: int, by: Actor, at: datetime) -> RetentionRule:
    """Put a proposed rule in force, as a second person. Raises NotAllowedError for the one who proposed it."""
    officer = officer_of(by)
    lock_chain()
    found = RetentionRule.objects.filter(kind=kind, number=number).first()
    if found is None:
        raise NotKnownError(f"there is no rule {number} for {kind}")
    if found.approved_at is not None or RetentionRule.objects.filter(kind=kind, number__gt=number).exists():
        raise ConflictError(f"rule {number} for {kind} is in force, or a later one was proposed")
    if found.by_id == officer.pk:
        raise NotAllowedError("another person approves the rule you proposed")
    found.second, found.approved_at = officer, at
    found.save()
    record(_rule_reference(found), rule_content(found))
    return found


def rule_content(one: RetentionRule) -> bytes:
    """Return what the audit chain holds of a rule."""
    approved = one.approved_at.astimezone(UTC).isoformat() if one.approved_at else ""
    stated = {"days": one.days, "legal_basis": one.legal_basis, "by": one.by_id, "second": one.second_id}
    return to_json({**stated, "approved_at": approved}).encode("utf-8", "surrogatepass")


def _rule_reference(one: RetentionRule) -> str:
    return f"retention:{one.kind}@{one.number}"


@action("retention.due")
def list_due(*, lake: Path | None = None, by: Actor, at: datetime) -> list[Due]:
    """Return what is past its rule; what a hold stops is marked, what the reader may not see is not named."""
    found = list(due(at, lake))
    record("retention:due", str(len(found)).encode())
    hidden = unseen_records((one.record for one in found), by)
    return [replace(one, record="") if one.record in hidden else one for one in found]


def due(at: datetime, lake: Path | None = None) -> Iterator[Due]:
    """Yield what is past its rule: of the records, and with a lake what is in it alone. The oldest first by kind."""
    holds = held()
    for kind in kinds():
        standing = rule(kind)
        before = at - timedelta(days=standing.days)
        for number, since in AGED_RECORDS[kind](before)[:MOST_DUE]:
            about = f"{kind}:{number}"
            yield Due(about, since, standing.name, about in holds)
        if lake is not None and kind in lake_ages.AGED:
            yield from _due_in_lake(lake, standing, before, holds)


def _due_in_lake(lake: Path, standing: Rule, before: datetime, holds: frozenset[str]) -> Iterator[Due]:
    old = lake_ages.aged(Lake.open(lake).snapshot(), standing.kind, before, MOST_DUE)
    known = held_in_records(standing.kind, [number for number, _ in old])
    for number, since in old:
        about = f"{standing.kind}:{number}"
        if number not in known:
            yield Due(about, since.astimezone(UTC), standing.name, about in holds)
