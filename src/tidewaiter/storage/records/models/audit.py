"""The audit chain: append-only events, each holding the digest of the one before it."""

from django.db import models


class AuditEvent(models.Model):
    """One write, read of a restricted record, export or refusal.

    No personal text: `actor` and `record` are references, `digest` is that of the salted content. `digest` is empty
    where there is no content. `sequence` runs from 1 without gaps.
    """

    sequence = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=40)
    action = models.CharField(max_length=60)
    record = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, blank=True)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        """Find what happened to a record, and what an actor did."""

        indexes = (models.Index(fields=["record"]), models.Index(fields=["actor", "at"]))

    def __str__(self) -> str:
        """Return number, action and record."""
        return f"{self.sequence} {self.action} {self.record}"


class AuditSalt(models.Model):
    """What the content of an event was salted with; a purge takes it away and the digest says nothing any more."""

    sequence = models.BigIntegerField(primary_key=True)
    salt = models.BinaryField(max_length=16)


class ChainHead(models.Model):
    """The end of the chain, one row. Locking it puts all writers of all processes into one order."""

    sequence = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="0" * 64)


class LodgedHead(models.Model):
    """A head of the chain that was lodged outside the database."""

    sequence = models.BigIntegerField()
    hash = models.CharField(max_length=64)
    lodged_at = models.DateTimeField()
    place = models.CharField(max_length=200)
