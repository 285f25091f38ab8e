"""The feed of changes beyond rises: a person's override, a yellow nobody looked at in time, nothing left to look at.

A client system that follows `GET /api/v1/decisions/changes` sees one entry for each, in the order of the audit chain:

- `rise`: a decision is stricter than the one before; written by what takes decisions.
- `override`: a person raised or lowered the channel; `before` and `after` say which, `reference` names the record.
  The decision named is the one that stood and still stands: an override never changes a decision, so its stored
  answer stays what it was, and `current_channel` of a repeated request tells the new one.
- `lapsed`: the treatment of a yellow ended because nobody looked at it in the days the policy gives. The channel stays
  yellow in every record; the goods may be released and are referred to post-clearance audit.
- `acts_closed`: officers have nothing to do about the goods any more, for now; the channel stays. See
  `actions.examinations.waiting`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from tidewaiter.actions.acting import record_now
from tidewaiter.core.channel import Channel
from tidewaiter.storage.records.audit import Entry, lock_chain
from tidewaiter.storage.records.models import Declaration, Rise

RISE = "rise"
OVERRIDE = "override"
LAPSED = "lapsed"
ACTS_CLOSED = "acts_closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry to come: which declaration, from which channel to which, and the record that says why."""

    kind: str
    declaration: Declaration
    before: Channel
    after: Channel
    reference: str


def rise_content(rise: Rise) -> bytes:
    """Return what the audit chain holds of an entry of the feed."""
    parts = (
        rise.cursor, rise.kind, rise.decision_id, rise.reference, rise.declaration_id, rise.before, rise.after,
        rise.at.astimezone(UTC).isoformat(), rise.recalled,
    )  # fmt: skip
    return "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")


def announce(changes: list[Change], *, actor: str, at: datetime) -> None:
    """Add entries to the feed, within an action."""
    rises = [
        Rise(
            cursor=number,
            decision_id=change.declaration.decision_id,
            kind=change.kind,
            reference=change.reference,
            declaration_id=change.declaration.pk,
            before=change.before.value,
            after=change.after.value,
            at=at,
        )
        for number, change in enumerate(changes, lock_chain().sequence + 1)
    ]
    entries = [
        Entry(
            actor=actor,
            action=f"change.{rise.kind}",
            record=f"declaration:{rise.declaration_id}",
            content=rise_content(rise),
        )
        for rise in rises
    ]
    record_now(entries, at)
    Rise.objects.bulk_create(rises)
