"""The feed of changes beyond rises: a person's override, and a yellow that nobody looked at in time.

A client system that follows `GET /api/v1/decisions/changes` sees one entry for each, in the order of the audit chain:

- `rise`: a decision is stricter than the one before; written by what takes decisions.
- `override`: a person raised or lowered the channel; `before` and `after` say which, `reference` names the record.
  The decision named is the one that stood and still stands: an override never changes a decision, so its stored
  answer stays what it was, and `current_channel` of a repeated request tells the new one.
- `lapsed`: the treatment of a yellow ended because nobody looked at it in the days the policy gives. The channel stays
  yellow in every record; the goods may be released and are referred to post-clearance audit.
"""

from dataclasses import dataclass
from datetime import datetime

from tidewaiter.actions.acting import record_now
from tidewaiter.core.channel import Channel
from tidewaiter.storage.records.audit import Entry
from tidewaiter.storage.records.models import Declaration, Rise

OVERRIDE = "override"
LAPSED = "lapsed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry to come: which declaration, from which channel to which, and the record that says why."""

    kind: str
    declaration: Declaration
    before: Channel
    after: Channel
    reference: str


def announce(changes: list[Change], *, actor: str, at: datetime) -> None:
    """Add entries to the feed, within an action."""
    entries = [
        Entry(actor=actor, action=f"change.{change.kind}", record=f"declaration:{change.declaration.pk}")
        for change in changes
    ]
    events = record_now(entries, at)
    Rise.objects.bulk_create(
        Rise(
            cursor=event.sequence,
            decision_id=change.declaration.decision_id,
            kind=change.kind,
            reference=change.reference,
            declaration_id=change.declaration.pk,
            before=change.before.value,
            after=change.after.value,
            at=at,
        )
        for change, event in zip(changes, events, strict=True)
    )
