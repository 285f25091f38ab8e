"""What the audit chain holds of a decision: all that was decided, read and answered, and what it left in the records.

A decision leaves marks by which its goods are found again, an entry in the feed where its channel rose, and a queue
moved on. None of them has an event of its own: the event of the decision holds their content as well.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Final

from tidewaiter.actions.examinations.changes import rise_content
from tidewaiter.storage.records import models

LODGED: Final = "lodged"
AMENDED: Final = "amended"
RECEIVED: Final = frozenset({LODGED, AMENDED})
"""The causes of decisions that a version of a declaration came with: these leave its marks."""


def decision_content(record: models.Decision, lodged: str) -> bytes:
    """Return what was decided, read and answered; alone, it is what events held before they held what was left.

    `lodged` is the content digest of the declaration's version that was decided.
    """
    parts = (
        lodged, record.pk, record.declaration_id, record.version, record.ordinal, record.cause,
        record.decided_at.astimezone(UTC).isoformat(), record.office, record.shift, record.channel,
        record.within_capacity, record.in_random_sample, record.selection_probability, record.random_probability,
        record.set_id, record.policy_number, record.statistics_day, record.image, record.catalogue, record.program,
        record.identity, record.draw_day, record.previous_id, record.answer,
    )  # fmt: skip
    stated = "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return bytes(record.body) + bytes(record.facts) + stated


def taken_content(record: models.Decision, lodged: str, left: bytes, rises: Iterable[models.Rise]) -> bytes:
    """Return what the event of a decision digests: the decision, the marks it left (`marks_content`), what it rose."""
    risen = b"".join(rise_content(one) for one in rises)
    return b"\0\0".join((decision_content(record, lodged), str(record.counted_on).encode(), left, risen))


def marks_content(marks: Iterable[tuple[str, str, date, datetime]]) -> bytes:
    """Return the marks of one version: kind, value, day and instant of lodging, in whatever order they come."""
    lines = sorted(
        f"{kind}\0{value}\0{on.isoformat()}\0{at.astimezone(UTC).isoformat()}" for kind, value, on, at in marks
    )
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def recall_content(recall: models.Recall) -> bytes:
    """Return goods listed for recall: what would have selected them, why, how it was settled and for what reason."""
    settled = recall.settled_at and recall.settled_at.astimezone(UTC).isoformat()
    parts = (
        recall.declaration_id, recall.channel, recall.cause, recall.listed_at.astimezone(UTC).isoformat(),
        recall.settled_by_id, settled, recall.settled_as, *([recall.settled_reason] if recall.settled_reason else ()),
    )  # fmt: skip
    return bytes(recall.body) + "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")


type Line = Mapping[str, object]
"""What is noted of one match: the names of `_MATCH`."""

_MATCH: Final = ("reference", "lookout", "declaration_id", "consignment_id", "version", "certainty", "value")


def met_content(lines: Iterable[Line], at: datetime | None) -> bytes:
    """Return what was met at one moment, perhaps nothing (then `at` is None)."""
    stated = sorted("\0".join(str(line[name]) for name in _MATCH) for line in lines)
    moment = at.astimezone(UTC).isoformat() if at and stated else ""
    return "\n".join([moment, *stated]).encode("utf-8", "surrogatepass")
