"""Where lookouts were met, read by officers: only what `visible_to` lets pass, and each reading is recorded."""

from datetime import datetime

from django.db.models import QuerySet

from tidewaiter.actions.acting import Actor, action, record
from tidewaiter.actions.packing import to_json
from tidewaiter.storage.records.models import LookoutMatch


@action("lookout.read")
def read_matches(*, found: QuerySet[LookoutMatch], by: Actor, at: datetime) -> list[LookoutMatch]:
    """Return matches found for an officer (a page of what `visible_to` lets pass)."""
    read = list(found)
    record("matches", to_json([match.reference for match in read]).encode())
    return read
