"""Trusted traders, as versions."""

from django.db import models

from tidewaiter.storage.records.models.officer import Officer


class TrustedTrader(models.Model):
    """One version of a trader's status. `kind` is a type the routing policy names; the highest number counts.

    `scope` is simplification, security or both. A suspended status, or one outside its validity, lowers nothing.
    """

    party_code = models.CharField(max_length=64)
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=20)
    scope = models.CharField(max_length=20)
    suspended = models.BooleanField(default=False)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    reason = models.TextField(blank=True)
    by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        """One row a trader and number."""

        constraints = (models.UniqueConstraint(fields=["party_code", "number"], name="trusted_trader_version"),)

    @property
    def reference(self) -> str:
        """Return how the audit chain names the version."""
        return f"status:{self.party_code}@{self.number}"
