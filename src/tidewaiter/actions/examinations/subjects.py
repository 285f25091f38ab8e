"""What an exhibit, an attachment or a referral is about: another record, named `kind:number`, that the officer sees."""

from collections.abc import Callable, Mapping
from typing import Final

from django.db.models import Q, QuerySet

from tidewaiter.actions.acting import may
from tidewaiter.actions.examinations.worklist import acts_seen, blinded
from tidewaiter.actions.rights import granting
from tidewaiter.core.errors import NotKnownError
from tidewaiter.core.role import Role
from tidewaiter.storage.records.models import Declaration, Exhibit, Officer, Referral, Seizure
from tidewaiter.storage.records.visibility import limited, visible_to

LONGEST_NUMBER: Final = 200


def require_seen(record: str, officer: Officer, action: str) -> None:
    """Raise NotKnownError unless the record is there and the officer may see it to do that action.

    To an examiner a declaration is no subject: what another found on it is not to be met before the own look.
    """
    kind, _, number = record.partition(":")
    seen = _SEEN.get(kind)
    possible = 0 < len(number) <= LONGEST_NUMBER and "\x00" not in number
    if seen is None or not possible or not seen(officer, number, granting(action)):
        kinds = ", ".join(f"{name}:NUMBER" for name in _SEEN)
        raise NotKnownError(f"no record {record[:80]} is known; a record is named {kinds}")


def exhibits_seen(officer: Officer, granted: frozenset[Role]) -> QuerySet[Exhibit]:
    """Return the exhibits an officer may see for what these roles grant: examiners those that they held themselves."""
    exhibits = Exhibit.objects.all()
    if blinded(officer):
        own = Q(captured_by=officer) | Q(holder=officer) | Q(hand_overs__taker=officer)
        return exhibits.filter(own).distinct()
    if limited(officer, granted):
        colleagues = Q(captured_by__office=officer.office) | Q(holder__office=officer.office)
        return exhibits.filter(colleagues | Q(hand_overs__taker=officer)).distinct()
    return exhibits


def _act(officer: Officer, number: str, granted: frozenset[Role]) -> bool:
    return acts_seen(officer, granted).filter(pk=number).exists()


def _seizure(officer: Officer, number: str, granted: frozenset[Role]) -> bool:
    return visible_to(officer, Seizure.objects.filter(seizure_number=number), granted).exists()


def _exhibit(officer: Officer, number: str, granted: frozenset[Role]) -> bool:
    return exhibits_seen(officer, granted).filter(pk=number).exists()


def _referral(officer: Officer, number: str, granted: frozenset[Role]) -> bool:
    """Tell whether it is a referral, which no office holds: whoever may read those may say more about one."""
    a_number = number.isascii() and number.isdigit() and len(number) <= 18
    readable = may("referral.read", officer) and not limited(officer, granted)
    return readable and a_number and Referral.objects.filter(pk=int(number)).exists()


def _declaration(officer: Officer, number: str, granted: frozenset[Role]) -> bool:
    return not blinded(officer) and visible_to(officer, Declaration.objects.filter(pk=number), granted).exists()


_SEEN: Final[Mapping[str, Callable[[Officer, str, frozenset[Role]], bool]]] = {
    "act": _act,
    "seizure": _seizure,
    "exhibit": _exhibit,
    "referral": _referral,
    "declaration": _declaration,
}
