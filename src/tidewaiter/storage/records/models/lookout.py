"""Lookouts: named persons, companies, conveyances, containers and consignments to be met."""

import secrets

from django.db import models

from tidewaiter.storage.records.models.office import Office
from tidewaiter.storage.records.models.officer import Officer

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def random_reference(kind: str) -> str:
    """Return a new reference such as LO-7K2MQ9XW4T: random, so that no gap in a sequence tells of what is hidden."""
    return f"{kind}-{''.join(secrets.choice(_ALPHABET) for _ in range(10))}"


def match_reference() -> str:
    """Return a new reference of a match."""
    return random_reference("LM")


class Lookout(models.Model):
    """One lookout. `covert` ones (monitor and notify) change nothing that channel, examiner or declarant can see.

    `subject` is what it is met by: a mapping of kinds of value to values (see core.lookout); `reason` is restricted,
    `instruction` is for the examiner. `rank` is the classification it needs to be seen. An end that waits for a second
    person has `ended_by` and no `ended_at`; with `shorten_to` it is a shortening, and an outcome is not yet due.
    """

    reference = models.CharField(max_length=20, unique=True)
    kind = models.CharField(max_length=20)
    subject = models.JSONField()
    action = models.CharField(max_length=20)
    covert = models.BooleanField(default=False)
    instruction = models.TextField(blank=True)
    reason = models.TextField()
    safety_warning = models.TextField(blank=True)
    contact = models.CharField(max_length=200)
    rank = models.PositiveSmallIntegerField(default=0)
    offices = models.ManyToManyField(Office)
    raised_by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="raised_lookouts")
    raised_at = models.DateTimeField()
    valid_from = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=12, default="in force")
    ended_by = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="ended_lookouts")
    ended_second = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)
    shorten_to = models.DateTimeField(null=True)
    outcome = models.TextField(blank=True)

    def __str__(self) -> str:
        """Return the reference."""
        return self.reference


class LookoutShortening(models.Model):
    """Two persons let a lookout expire earlier: from when to when, who asked and who confirmed."""

    lookout = models.ForeignKey(Lookout, on_delete=models.CASCADE, related_name="shortenings")
    before = models.DateTimeField()
    after = models.DateTimeField()
    by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()


class LookoutAcknowledgement(models.Model):
    """An office has read a lookout."""

    lookout = models.ForeignKey(Lookout, on_delete=models.PROTECT, related_name="acknowledgements")
    office = models.ForeignKey(Office, on_delete=models.PROTECT)
    by = models.ForeignKey(Officer, on_delete=models.PROTECT)
    at = models.DateTimeField()

    class Meta:
        """Once an office."""

        constraints = (models.UniqueConstraint(fields=["lookout", "office"], name="acknowledged_once"),)


class LookoutMatch(models.Model):
    """A lookout met a declaration or a consignment, exactly or possibly.

    A possible match is `confirmed` or `cleared`. `noted` is the key of the audit event that holds it with whatever else
    was met at that moment (`matches:KEY`); every group has one, so that of a covert match no other trace can be told.
    """

    reference = models.CharField(max_length=20, default=match_reference, db_index=True)
    lookout = models.ForeignKey(Lookout, on_delete=models.PROTECT, related_name="matches")
    declaration_id = models.CharField(max_length=200, blank=True, db_index=True)
    consignment_id = models.CharField(max_length=200, blank=True, db_index=True)
    version = models.PositiveIntegerField()
    certainty = models.CharField(max_length=10)
    value = models.TextField()
    state = models.CharField(max_length=12, default="open")
    met_at = models.DateTimeField()
    settled_by = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True)
    settled_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)
    noted = models.CharField(max_length=20, blank=True, db_index=True)
