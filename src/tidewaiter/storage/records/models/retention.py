"""How long records are kept, what stops a purge, what a purge leaves, and where copies are that still hold it."""

from django.db import models

from tidewaiter.storage.records.models.officer import Officer


class RetentionRule(models.Model):
    """How many days after its last event a kind of record is kept; the highest number of a kind in force counts.

    It is in force from `approved_at` on, once a second person has approved it.
    """

    kind = models.CharField(max_length=40)
    number = models.PositiveIntegerField()
    days = models.PositiveIntegerField()
    legal_basis = models.CharField(max_length=200)
    by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True)

    class Meta:
        """One row a kind and number."""

        constraints = (models.UniqueConstraint(fields=["kind", "number"], name="retention_rule_version"),)


class LegalHold(models.Model):
    """Nothing about this record is purged until the hold is lifted: `lifted_by` asks for it, `lifted_second` agrees.

    It stands until `lifted_at`. Those lifted before two had to agree have no second.
    """

    record = models.CharField(max_length=200, db_index=True)
    reason = models.TextField()
    by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    lifted_by = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="+")
    lifted_second = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="+")
    lifted_at = models.DateTimeField(null=True)
    lifted_reason = models.TextField(blank=True)


class Tombstone(models.Model):
    """What stays of a purged record: that it was, when and under which rule it went. No personal text."""

    record_digest = models.CharField(max_length=64, db_index=True)
    kind = models.CharField(max_length=40)
    rule = models.CharField(max_length=200)
    purge = models.CharField(max_length=40)
    at = models.DateTimeField()


class Purge(models.Model):
    """One signed purge list: applied to records, files, lake and statistics, and again on every restore.

    `records` are {"record", "rule"} until it is applied, then {"digest", "kind", "rule"}: the list itself names nobody
    any more. `digest` is that of the sorted digests of the records, so it signs both forms. `todo` is what is still to
    be removed from the lake and the attachments; `applied_at` says that the records are gone, `done_at` that all is.
    """

    number = models.CharField(max_length=40, primary_key=True)
    reason = models.TextField(blank=True)
    made_by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    approved_by = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True)
    applied_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    records = models.JSONField()
    todo = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)


class Backup(models.Model):
    """A backup that was made: where, and what its list is known by. `gone_at`: it was destroyed."""

    place = models.CharField(max_length=500)
    made_at = models.DateTimeField()
    digest = models.CharField(max_length=64)
    size = models.BigIntegerField()
    sequence = models.BigIntegerField()
    gone_at = models.DateTimeField(null=True)
