"""How long records are kept, what stops a purge, and what a purge leaves."""

from django.db import models

from tidewaiter.storage.records.models.officer import Officer


class RetentionRule(models.Model):
    """How many days after its last event a kind of record is kept; the highest number of a kind counts."""

    kind = models.CharField(max_length=40)
    number = models.PositiveIntegerField()
    days = models.PositiveIntegerField()
    legal_basis = models.CharField(max_length=200)
    by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()


class LegalHold(models.Model):
    """Nothing about this record is purged until the hold is lifted."""

    record = models.CharField(max_length=200, db_index=True)
    reason = models.TextField()
    by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    lifted_by = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="+")
    lifted_at = models.DateTimeField(null=True)


class Tombstone(models.Model):
    """What stays of a purged record: that it was, when and under which rule it went. No personal text."""

    record_digest = models.CharField(max_length=64, db_index=True)
    kind = models.CharField(max_length=40)
    rule = models.CharField(max_length=200)
    purge = models.CharField(max_length=40)
    at = models.DateTimeField()


class Purge(models.Model):
    """One signed purge list: applied to lake, statistics and records, and again on every restore."""

    number = models.CharField(max_length=40, primary_key=True)
    made_by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    approved_by = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    records = models.JSONField()
    digest = models.CharField(max_length=64)
