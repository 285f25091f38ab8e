"""What an officer may see of the records: guards every read that a person makes.

Three things limit a record: its classification rank against the officer's clearance; covertness (only intelligence
officers, risk managers and the inspectorate, with the rank); and, for officers who have an office, the office, unless
a role of the whole administration grants them what they do.
What may not be seen is left out as if it were not there: from lists, counts and look-ups by reference alike.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from tidewaiter.core.role import Role
from tidewaiter.storage.records import models
from tidewaiter.storage.records.models import Officer

COVERT_ROLES: Final = (Role.INTELLIGENCE_OFFICER, Role.RISK_MANAGER, Role.INSPECTORATE)
"""Who may see that a covert lookout is there, where their clearance reaches its rank."""

PROFILE_ROLES: Final = (
    Role.ANALYST, Role.INTELLIGENCE_OFFICER, Role.PROFILE_AUTHOR, Role.RISK_MANAGER, Role.INSPECTORATE,
)  # fmt: skip
"""Who may see profiles by their codes. To everyone else a selection has an instruction and no reason."""

WHOLE_ROLES: Final = frozenset(
    {
        Role.INTELLIGENCE_OFFICER,
        Role.RISK_MANAGER,
        Role.INSPECTORATE,
        Role.POST_CLEARANCE_AUDITOR,
        Role.PRIVACY_OFFICER,
    }
)
"""Roles that serve the whole administration: what one of them grants reaches past the officer's own office.

Every other role is held at the officer's office where there is one. An analyst of all offices has none set.
"""


@dataclass(frozen=True, slots=True)
class _Guard:
    """Where a model holds what limits it: paths of fields, empty where nothing does.

    `office` is a code; `lookout` the path to a lookout (empty: the record is one itself, None: it has none); `rank` a
    classification of the record's own. With `goods` the office is that of the declaration or consignment met.
    """

    office: str = ""
    lookout: str | None = None
    rank: str = ""
    goods: bool = False


_GUARDS: Final[dict[type[Model], _Guard]] = {
    models.Lookout: _Guard(lookout=""),
    models.LookoutAcknowledgement: _Guard(lookout="lookout__"),
    models.LookoutMatch: _Guard(lookout="lookout__", goods=True),
    models.LookoutShortening: _Guard(lookout="lookout__"),
    models.Declaration: _Guard(office="office"),
    models.Lodgement: _Guard(office="declaration__office"),
    models.Decision: _Guard(office="office"),
    models.Rise: _Guard(office="decision__office"),
    models.Recall: _Guard(office="declaration__office"),
    models.CapacityDecision: _Guard(office="decision__office"),
    models.Act: _Guard(office="office"),
    models.Result: _Guard(office="act__office"),
    models.Seizure: _Guard(office="office"),
    models.Duty: _Guard(office="office"),
    models.Override: _Guard(office="decision__office"),
    models.Load: _Guard(office="office"),
    models.ControlRequest: _Guard(rank="rank"),
}


def visible_to[M: Model](officer: Officer, found: QuerySet[M], granted: Collection[Role] = ()) -> QuerySet[M]:
    """Return what the officer may see of the records found; nothing for an officer who is not active.

    `granted` are the roles that grant what is being done; without them only an officer with no office sees every one.
    A profile's outline may be seen by whoever may see profiles at all; what it rests on needs `cleared_for`.
    """
    if not officer.active:
        return found.none()
    if found.model is models.ProfileVersion or found.model is models.ProfileStep:
        return found if officer.holds(*PROFILE_ROLES) else found.none()
    guard = _GUARDS.get(found.model)
    if guard is None:
        return found
    if guard.lookout is not None:
        found = found.filter(_lookout_seen(officer, guard.lookout, granted))
    if guard.rank:
        found = found.filter(**{f"{guard.rank}__lte": officer.clearance})
    if limited(officer, granted):
        found = found.filter(_at_office(officer.office_id or "", guard))
    return found


def cleared_for(officer: Officer, rank: int) -> bool:
    """Tell whether the officer's clearance reaches a rank of the classification scheme."""
    return officer.active and officer.clearance >= rank


def sees_covert(officer: Officer) -> bool:
    """Tell whether the officer may know of covert lookouts at all, up to the own clearance."""
    return officer.holds(*COVERT_ROLES)


def limited(officer: Officer, granted: Collection[Role]) -> bool:
    """Tell whether the officer's own office is all there is, in what these roles grant. No office set: never."""
    return officer.office_id is not None and not officer.holds(*WHOLE_ROLES.intersection(granted))


def _at_office(office: str, guard: _Guard) -> Q:
    """Return that a record is of an office; goods met as a consignment are where they were declared."""
    if guard.goods:
        declared = models.Declaration.objects.filter(pk=OuterRef("declaration_id"), office=office)
        filed = models.Mark.objects.filter(
            kind="document", value=OuterRef("consignment_id"), declaration__office=office
        )
        return Q(Exists(declared)) | Q(Exists(filed))
    return Q(**{guard.office: office}) if guard.office else Q()


def _lookout_seen(officer: Officer, path: str, granted: Collection[Role]) -> Q:
    seen = Q(**{f"{path}rank__lte": officer.clearance})
    if not sees_covert(officer):
        seen &= Q(**{f"{path}covert": False})
    if limited(officer, granted):
        seen &= _addressed_to(officer, f"{path}pk")
    return seen


def _addressed_to(officer: Officer, key: str) -> Q:
    """Return that a lookout is addressed to the officer's office, or to all."""
    addressed = models.Lookout.offices.through.objects.filter(lookout_id=OuterRef(key))
    return Q(Exists(addressed.filter(office_id=officer.office_id))) | ~Q(Exists(addressed))
