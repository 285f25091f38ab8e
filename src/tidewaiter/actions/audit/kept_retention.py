"""What rules of retention, legal holds, purges and backups say now of what their audit events digested."""

from collections.abc import Collection
from typing import Final

from tidewaiter.actions.audit.kept_content import Contents, Reading, latest
from tidewaiter.actions.retention.holds import hold_content
from tidewaiter.actions.retention.purging import list_digest
from tidewaiter.actions.retention.retention import rule_content
from tidewaiter.storage.records import models
from tidewaiter.storage.records.audit import record_digest


def _rules(keys: Collection[str]) -> dict[str, Contents]:
    kinds = {key.partition("@")[0] for key in keys}
    held = models.RetentionRule.objects.filter(kind__in=kinds)
    return {key: [[rule_content(one)]] for one in held if (key := f"{one.kind}@{one.number}") in keys}


def _list(purge: models.Purge) -> list[bytes]:
    """Return the digest of a list, where its records still are those that were signed."""
    digests = [entry.get("digest") or record_digest(entry["record"]) for entry in purge.records]
    return [purge.digest.encode()] if list_digest(digests) == purge.digest else []


def _backup(one: models.Backup) -> list[bytes]:
    return [one.digest.encode()]


RETENTION: Final[tuple[Reading, ...]] = (
    Reading(kind="retention", contents=_rules, but=frozenset({"retention.due"}), whole=False),
    latest("hold", models.LegalHold.objects.all, lambda one: [hold_content(one)], required=True),
    latest("purge", models.Purge.objects.all, _list, but=["purge.export", "purge.reapply"], required=True),
    latest(
        "backup", models.Backup.objects.all, lambda one: [one.digest.encode()], but=["backup.restore"], required=True
    ),
)
