"""Requests for control: an operation, or a partner by mutual assistance, asks that goods be controlled."""

from django.db import models

from tidewaiter.storage.records.models.officer import Officer


class ControlRequest(models.Model):
    """One request. It applies to a declaration, or to whatever is declared under a document or in a container.

    `source` is an operation or mutual assistance, `source_reference` its number there, `asked_by` who asks. `items`
    (of a declaration only) empty: all. `controls` empty: those of the channel. `instruction` is for the examiner,
    `reason` is restricted, `rank` the classification that seeing the request needs. An end that waits for a second
    person has `ended_by` and no `ended_at`.
    """

    reference = models.CharField(max_length=20, unique=True)
    source = models.CharField(max_length=20)
    source_reference = models.CharField(max_length=80)
    asked_by = models.CharField(max_length=200)
    legal_basis = models.CharField(max_length=200)
    subject_kind = models.CharField(max_length=12)
    subject = models.CharField(max_length=200)
    items = models.JSONField(default=list)
    channel = models.CharField(max_length=8)
    controls = models.JSONField(default=list)
    instruction = models.TextField()
    reason = models.TextField()
    rank = models.PositiveSmallIntegerField(default=0)
    raised_by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="raised_requests")
    raised_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_by = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="+")
    ended_second = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)
    outcome = models.TextField(blank=True)

    class Meta:
        """Asked of every declaration that is decided: only those that have not ended."""

        indexes = (models.Index(fields=["subject"], condition=models.Q(ended_at=None), name="requests_open"),)

    def __str__(self) -> str:
        """Return the reference."""
        return self.reference
