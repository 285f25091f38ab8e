"""Referrals: goods to post-clearance audit, trader by trader with an outcome of their own; cases to investigation.

What leaves as text for an investigator says that it is intelligence and no evidence, and follows the disclosure
schedule: what was handed over, what was withheld, and why.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Final

from tidewaiter.actions.acting import Actor, action, officer_of, record, require
from tidewaiter.actions.examinations.acts import AUDIT, CLOSED, OPEN, referral_content
from tidewaiter.actions.examinations.results import FINAL, contradictions
from tidewaiter.actions.examinations.subjects import require_seen
from tidewaiter.actions.reading import read_row, stored
from tidewaiter.core.errors import ConflictError, InputError, NotKnownError, Place, Problem
from tidewaiter.core.tables import RESULTS
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Attachment, Officer, Referral

INVESTIGATION: Final = "investigation"
TAKEN: Final = "taken"
NO_EVIDENCE: Final = "INTELLIGENCE, NOT EVIDENCE"
"""What stands above every text that leaves."""

DISCLOSURES: Final = ("disclosed", "withheld")
INVESTIGATED_AS: Final = ("accepted", "declined", "prosecuted", "settled", "no offence")

_AUDITED = (
    "outcome",
    "not_inspected_reason",
    "categories",
    "duty_assessed",
    "duty_collected",
    "duty_refunded",
    "penalty",
    "officer_minutes",
)
AUDITS: Final = replace(
    RESULTS,
    name="audits",
    meaning="What a post-clearance audit established.",
    fields=tuple(field for field in RESULTS.fields if field.name in _AUDITED),
)
"""The fields of an audit's outcome: those of a result that speak of findings."""


@dataclass(frozen=True, slots=True)
class TraderAudits:
    """What waits to be audited of one trader, the oldest first; `trader` is the code declared, empty where none was."""

    trader: str
    referrals: tuple[Referral, ...]


def audits_waiting(*, by: Actor, at: datetime, trader: str = "") -> list[TraderAudits]:
    """Return the audit worklist by trader, the trader with most to look at first; `trader` narrows it to one."""
    require("referral.audit", by, at)
    held = Referral.objects.select_related("officer").filter(kind=AUDIT).exclude(state=CLOSED)
    found = held.filter(trader_code=trader) if trader else held
    ordered = found.order_by("trader_code", "referred_at", "pk")
    grouped = [TraderAudits(code, tuple(ones)) for code, ones in groupby(ordered, key=lambda one: one.trader_code)]
    return sorted(grouped, key=lambda one: (-len(one.referrals), one.trader))


@action("referral.audit")
def take_audits(*, trader: str, by: Actor, at: datetime) -> list[Referral]:
    """Take up what waits of a trader. Raises NotKnownError where nothing waits that nobody has taken up."""
    auditor = officer_of(by)
    lock_chain()
    found = list(Referral.objects.select_for_update().filter(kind=AUDIT, state=OPEN, trader_code=trader).order_by("pk"))
    if not found:
        raise NotKnownError(f"nothing of {trader} waits to be taken up")
    for one in found:
        one.state, one.officer = TAKEN, auditor
        record(f"referral:{one.pk}", referral_content(one))
    Referral.objects.bulk_update(found, ["state", "officer"])
    return found


@action("referral.audit")
def close_audit(*, referral: int, given: Mapping[str, object], by: Actor, at: datetime) -> Referral:
    """Close an audit with what it established: fields of AUDITS.

    Raises NotKnownError for what is no audit, ConflictError for one that is closed or another auditor's, InputError
    with every problem.
    """
    auditor = officer_of(by)
    found = _locked(referral, AUDIT)
    if found.state == CLOSED or found.officer_id not in (None, auditor.pk):
        raise ConflictError(f"referral {referral} is closed, or another auditor has taken it up")
    row, problems = read_row(AUDITS, given)
    problems += contradictions({**row, "state": FINAL}, "", at)
    if problems:
        raise InputError(problems)
    found.officer, found.outcome, found.row = auditor, row["outcome"], stored(row)
    return _close(found, at)


@action("referral.investigate")
def refer_to_investigation(
    *, about: str, cause: str, schedule: Sequence[Mapping[str, str]] = (), by: Actor, at: datetime
) -> Referral:
    """Refer a case to investigation, with its disclosure schedule so far.

    `about` names a record the officer sees. Raises InputError with every problem of cause and schedule.
    """
    officer = officer_of(by)
    require_seen(about, officer, "referral.investigate")
    problems = [] if cause.strip() else [Problem("say why it is referred", Place("cause"))]
    problems += _schedule_problems(schedule)
    if problems:
        raise InputError(problems)
    kind, _, number = about.partition(":")
    referral = Referral.objects.create(
        kind=INVESTIGATION,
        declaration_id=number if kind == "declaration" else "",
        cause=cause[:200],
        state=OPEN,
        by=officer,
        referred_at=at,
        schedule=[_entry(one, officer, at) for one in schedule],
        row={"about": about, "cause": cause},
    )
    record(f"referral:{referral.pk}", referral_content(referral))
    return referral


@action("referral.investigate")
def add_to_schedule(*, referral: int, schedule: Sequence[Mapping[str, str]], by: Actor, at: datetime) -> Referral:
    """Add entries to the disclosure schedule of a case; what stands in it stays."""
    officer = officer_of(by)
    found = _locked(referral, INVESTIGATION)
    problems = _schedule_problems(schedule)
    if not schedule:
        problems.append(Problem("name at least one record", Place("schedule")))
    if problems:
        raise InputError(problems)
    found.schedule = [*found.schedule, *(_entry(one, officer, at) for one in schedule)]
    found.save(update_fields=["schedule"])
    record(f"referral:{found.pk}", referral_content(found))
    return found


@action("referral.investigate")
def close_investigation(*, referral: int, outcome: str, note: str, by: Actor, at: datetime) -> Referral:
    """Close a case with what became of it. Raises InputError for an outcome that is none."""
    found = _locked(referral, INVESTIGATION)
    if outcome not in INVESTIGATED_AS:
        raise InputError(Problem(f"is one of {', '.join(INVESTIGATED_AS)}", Place("outcome")))
    if found.state == CLOSED:
        raise ConflictError(f"referral {referral} is closed")
    found.outcome, found.row = outcome, {**found.row, "note": note}
    return _close(found, at)


@action("referral.read")
def investigation(*, referral: int, by: Actor, at: datetime) -> Referral:
    """Return a case; the reading is recorded."""
    found = _locked(referral, INVESTIGATION)
    record(f"referral:{referral}")
    return found


@action("referral.export")
def disclosure_text(*, referral: int, by: Actor, at: datetime) -> str:
    """Return the disclosure schedule as text for the investigator, marked as intelligence and no evidence.

    Sealed documents are named as withheld for legal privilege, whatever the schedule says.
    """
    found = _locked(referral, INVESTIGATION)
    sealed = _sealed(entry["record"] for entry in found.schedule)
    lines = [NO_EVIDENCE, f"Referral {found.pk} of {found.referred_at:%Y-%m-%d}: {found.row['cause']}", ""]
    for number, entry in enumerate(found.schedule, start=1):
        state = "withheld" if entry["record"] in sealed else entry["disclosure"]
        why = "legal privilege" if entry["record"] in sealed else entry["reason"]
        reason = f" ({why})" if why else ""
        lines.append(f"{number}. {entry['record']}: {entry['description']} - {state}{reason}")
    text = "\n".join([*lines, "", NO_EVIDENCE, ""])
    record(f"referral:{referral}", text.encode("utf-8", "surrogatepass"))
    return text


def _sealed(records: Iterable[str]) -> set[str]:
    said = {one: one.strip().casefold().partition("attachment:") for one in records}
    numbers = {one: int(key) for one, (before, _, key) in said.items() if not before and _is_number(key.strip())}
    sealed = set(Attachment.objects.filter(pk__in=numbers.values(), privileged=True).values_list("pk", flat=True))
    return {one for one, number in numbers.items() if number in sealed}


def _is_number(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) <= 18


def _schedule_problems(schedule: Sequence[Mapping[str, str]]) -> list[Problem]:
    problems = []
    for number, entry in enumerate(schedule):
        place = f"schedule[{number}]"
        if not entry.get("record", "").strip() or not entry.get("description", "").strip():
            problems.append(Problem("names a record and says what it is", Place(place)))
        if entry.get("disclosure") not in DISCLOSURES:
            problems.append(Problem(f"is one of {', '.join(DISCLOSURES)}", Place(f"{place}.disclosure")))
        elif entry["disclosure"] == "withheld" and not entry.get("reason", "").strip():
            problems.append(Problem("what is withheld needs a reason", Place(f"{place}.reason")))
    return problems


def _entry(given: Mapping[str, str], officer: Officer, at: datetime) -> dict[str, str]:
    kept = {name: given.get(name, "") for name in ("record", "description", "disclosure", "reason")}
    return {**kept, "by": officer.login, "at": at.isoformat()}


def _locked(number: int, kind: str) -> Referral:
    lock_chain()
    found = Referral.objects.select_for_update().filter(pk=number, kind=kind).first()
    if found is None:
        raise NotKnownError(f"no referral {number} to {kind} is known")
    return found


def _close(referral: Referral, at: datetime) -> Referral:
    referral.state, referral.closed_at = CLOSED, at
    referral.save()
    record(f"referral:{referral.pk}", referral_content(referral))
    return referral
