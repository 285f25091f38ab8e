"""How an examination was conducted towards the trader: where, with what notice, and whether the declarant was there.

A trusted trader may choose the place. A detention notice has its number and the moment it was given to the declarant
(WTO TFA 5.2); the declarant's presence is what the Revised Kyoto Convention, General Annex 3.36, lets the declarant ask
for. None of it says why the goods were selected.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from tidewaiter.actions.acting import Actor, action, officer_of, record
from tidewaiter.actions.examinations.acts import OPEN, not_looked_at
from tidewaiter.actions.examinations.worklist import acts_seen, of_trusted_trader
from tidewaiter.actions.packing import to_json
from tidewaiter.actions.rights import granting
from tidewaiter.core.errors import ConflictError, InputError, NotAllowedError, NotKnownError, Place, Problem
from tidewaiter.core.role import Role
from tidewaiter.storage.records.audit import lock_chain
from tidewaiter.storage.records.models import Act, Officer

LONGEST_PLACE: Final = 200
LONGEST_NOTICE: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """What is to be noted of an act; None leaves what stands. `detention_notice` is the number of the notice."""

    place: str | None = None
    detention_notice: str | None = None
    detention_notice_at: datetime | None = None
    declarant_present: bool | None = None


@action("act.conduct")
def note_conduct(*, act_id: str, conduct: Conduct, on: date, by: Actor, at: datetime) -> Act:
    """Note how an act is conducted, by the examiner who has it or a manager of the office.

    `on` is the administration's day. Raises InputError with every problem, NotKnownError for an act of somebody else,
    ConflictError for one that nobody will look at any more.
    """
    act = _held(act_id, officer_of(by))
    problems = list(_problems(act, conduct, on, at))
    if problems:
        raise InputError(problems)
    act.place = act.place if conduct.place is None else conduct.place.strip()
    if conduct.detention_notice is not None:
        act.detention_notice = conduct.detention_notice.strip()
        act.detention_notice_at = conduct.detention_notice_at
    if conduct.declarant_present is not None:
        act.declarant_present = conduct.declarant_present
    act.save(update_fields=["place", "detention_notice", "detention_notice_at", "declarant_present"])
    record(f"act:{act.pk}", conduct_content(act))
    return act


def conduct_content(act: Act) -> bytes:
    """Return what the audit chain holds of an act's conduct."""
    given = act.detention_notice_at
    content = {
        "place": act.place,
        "detention_notice": act.detention_notice,
        "detention_notice_at": given.astimezone(UTC).isoformat() if given else None,
        "declarant_present": act.declarant_present,
    }
    return to_json(content).encode("utf-8", "surrogatepass")


def _held(act_id: str, officer: Officer) -> Act:
    lock_chain()
    held = acts_seen(officer, granting("act.conduct")).select_related("decision__declaration")
    act = held.select_for_update(of=("self",)).filter(pk=act_id).first()
    if act is None:
        raise NotKnownError(f"no act {act_id} is yours")
    if act.officer_id != officer.pk and not officer.holds(Role.MANAGER):
        raise NotAllowedError("this is noted by the examiner who does the act, or by a manager")
    if not_looked_at([act.pk]):
        raise ConflictError(f"act {act_id} was closed without anybody looking")
    return act


def _problems(act: Act, conduct: Conduct, on: date, at: datetime) -> Iterator[Problem]:
    if conduct == Conduct():
        yield Problem("there is nothing to note", suggestion="give a place, a detention notice or the presence")
    if conduct.place is not None:
        yield from _place_problems(act, conduct.place, on)
    if conduct.detention_notice is not None or conduct.detention_notice_at is not None:
        yield from _notice_problems(act, conduct, at)


def _place_problems(act: Act, place: str, on: date) -> Iterator[Problem]:
    if not 0 < len(place.strip()) <= LONGEST_PLACE:
        yield Problem(f"is a text of 1 to {LONGEST_PLACE} characters", Place("place"))
    if act.state != OPEN:
        yield Problem("the goods were looked at already", Place("place"))
    if not Act.objects.filter(of_trusted_trader(on), pk=act.pk).exists():
        yield Problem("the place is for trusted traders to choose", Place("place"))


def _notice_problems(act: Act, conduct: Conduct, at: datetime) -> Iterator[Problem]:
    if not 0 < len((conduct.detention_notice or "").strip()) <= LONGEST_NOTICE:
        yield Problem(f"is the number of the notice, of 1 to {LONGEST_NOTICE} characters", Place("detention_notice"))
    given = conduct.detention_notice_at
    if given is None:
        yield Problem("say when the notice was given", Place("detention_notice_at"))
    elif not act.decision.declaration.lodged_at <= given <= at:
        yield Problem("lies before the declaration was lodged, or in the future", Place("detention_notice_at"))
