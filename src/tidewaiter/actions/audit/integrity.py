"""The integrity report: for the inspectorate, never for the line manager or the administrator. Reading it is recorded.

It is made anew from the records each time it is read and kept nowhere, so that nobody can look for it elsewhere.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from tidewaiter.actions.acting import Actor, action, officer_of, record
from tidewaiter.actions.audit.integrity_work import work_of
from tidewaiter.actions.rights import granting
from tidewaiter.core.errors import InputError, Place, Problem
from tidewaiter.engines.integrity.edits import WorkingHours
from tidewaiter.engines.integrity.screen import IntegrityReport, screen
from tidewaiter.storage.records.models import Lookout, ProfileVersion
from tidewaiter.storage.records.visibility import visible_to

LONGEST_DAYS = 400


@action("integrity.read", reads=True)
def integrity_report(
    *, start: datetime, end: datetime, hours: WorkingHours, by: Actor, at: datetime
) -> IntegrityReport:
    """Return what every integrity check finds in what was done from start to end (not included).

    `hours` are the administration's working hours; its time zone gives the days. Raises InputError for a period that
    does not end after it begins, or is longer than 400 days. Of lookouts and profiles it tells what the reader is
    cleared for.
    """
    if not start < end or (end - start).days > LONGEST_DAYS:
        message = f"a period ends after it begins and lasts at most {LONGEST_DAYS} days"
        raise InputError(Problem(message, Place("end")))
    lookouts = visible_to(officer_of(by), Lookout.objects.all(), granting("integrity.read"))
    versions = ProfileVersion.objects.filter(rank__lte=officer_of(by).clearance)
    report = screen(work_of(start, end, ZoneInfo(hours.time_zone), lookouts, versions), hours=hours)
    found = sum(len(screening.findings) for screening in report.screenings)
    record(f"integrity:{start:%Y-%m-%d}..{end:%Y-%m-%d}", str(found).encode())
    return report
