"""Who settled entries of the recall list, and how, as the integrity check wants it."""

from collections.abc import Iterator
from datetime import datetime

from tidewaiter.actions.decisions.recalls import RecallOutcome
from tidewaiter.engines.integrity.settled import Settlement
from tidewaiter.storage.records.models import Recall


def settlements(start: datetime, end: datetime) -> Iterator[Settlement]:
    """Give each entry of the recall list that an officer settled in the period."""
    settled = Recall.objects.filter(settled_at__gte=start, settled_at__lt=end, settled_by__isnull=False)
    for one in settled.select_related("settled_by", "declaration").defer("body").order_by("pk"):
        assert one.settled_by is not None
        yield Settlement(
            record_id=f"recall:{one.pk}",
            declaration_id=one.declaration_id,
            office=one.declaration.office,
            officer=one.settled_by.login,
            declarant=one.declaration.declarant_code,
            audited=one.settled_as == RecallOutcome.AUDIT,
        )
