"""Rules, holds and purge lists as they stand, for those who may see what is due."""

from collections.abc import Sequence
from datetime import datetime

from tidewaiter.actions.acting import Actor, require
from tidewaiter.actions.retention.retention import Rule, kinds, rule
from tidewaiter.storage.records.models import LegalHold, Purge, RetentionRule


def rules_in_force(*, by: Actor, at: datetime) -> list[Rule]:
    """Return the rule in force for every kind."""
    require("retention.due", by, at)
    return [rule(kind) for kind in kinds()]


def rules_proposed(*, by: Actor, at: datetime) -> Sequence[RetentionRule]:
    """Return the rules that wait for a second person."""
    require("retention.due", by, at)
    return list(RetentionRule.objects.filter(approved_at=None).select_related("by").order_by("kind", "number"))


def holds(*, by: Actor, at: datetime, after: int = 0, limit: int = 100) -> Sequence[LegalHold]:
    """Return legal holds, those lifted too, in the order they were placed."""
    require("retention.due", by, at)
    return list(LegalHold.objects.filter(pk__gt=after).select_related("by").order_by("pk")[:limit])


def purges(*, by: Actor, at: datetime) -> Sequence[Purge]:
    """Return the latest hundred purge lists, the latest first."""
    require("retention.due", by, at)
    return list(Purge.objects.select_related("made_by", "approved_by").order_by("-made_at", "-pk")[:100])
