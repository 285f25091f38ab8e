"""What officers found, and who turned what of it into nothing, as the integrity check wants it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from django.db.models import Q

from tidewaiter.actions.examinations.results import OVERTURNED
from tidewaiter.core.tables.results import FOUND
from tidewaiter.engines.integrity.withdrawn import EnteredFinding
from tidewaiter.storage.records.models import Result

_LARGE: Final = ("act__decision__answer", "act__decision__body", "act__decision__facts")


def entered_findings(start: datetime, end: datetime) -> Iterator[EnteredFinding]:
    """Give each finding entered, or turned into nothing, in the period: once an act and officer who entered it.

    Turned into nothing is a result that said something was found, where the next version says nothing found, not
    inspected or overturned, whoever enters that; what was put right again still counts. Who entered a finding is who
    first said so; a correction that finds other things leaves it theirs.
    """
    told = Result.objects.filter(known_at__gte=start, known_at__lt=end, by__isnull=False)
    concerned = told.filter(Q(outcome__in=FOUND) | Q(version__gt=1)).values("act_id")
    rows = Result.objects.filter(act_id__in=concerned, known_at__lt=end)
    rows = rows.select_related("by", "act__decision__declaration").order_by("act_id", "version")
    for _, versions in groupby(rows.defer(*_LARGE), key=lambda one: one.act_id):
        yield from _of_act(list(versions), start)


def _of_act(versions: Sequence[Result], start: datetime) -> Iterator[EnteredFinding]:
    entered: dict[str, bool] = {}
    withdrawn: defaultdict[str, dict[str, None]] = defaultdict(dict)
    stands, finder = False, ""
    for one in versions:
        before, stands = stands, one.outcome in FOUND and one.state != OVERTURNED
        by, lately = one.by.login if one.by else "", one.known_at >= start
        if stands and not before:
            finder, entered[by] = by, entered.get(by, False) or lately
        elif before and not stands and by and lately:
            withdrawn[finder][by] = None
    act = versions[0].act
    for officer, lately in entered.items():
        if lately or officer in withdrawn:
            yield EnteredFinding(
                record_id=act.pk,
                declaration_id=act.declaration_id,
                office=act.office,
                officer=officer,
                declarant=act.decision.declaration.declarant_code,
                withdrawn_by=tuple(withdrawn.get(officer, ())),
            )
