"""Risk profiles, indicators, lists and policies as versions that never change once in force, and what is published."""

from typing import Any

from django.db import models

from tidewaiter.core.errors import ConflictError
from tidewaiter.core.profile import Status
from tidewaiter.storage.records.models.officer import Officer


class ProfileVersion(models.Model):
    """One version of a risk profile: its whole text (YAML) and where it stands in its life.

    Only a draft's text can change. `rank` is the classification that reading the rationale needs; `title` is the
    text's, kept for lists. `valid_from`, `valid_to` and `review_on` are the text's until a review sets another day.
    """

    code = models.CharField(max_length=64)
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200, blank=True)
    text = models.TextField()
    digest = models.CharField(max_length=64)
    status = models.CharField(max_length=12, choices=[(s.value, s.value) for s in Status], default=Status.DRAFT.value)
    rank = models.PositiveSmallIntegerField(default=0)
    author = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="written_profiles")
    co_authors = models.ManyToManyField(Officer, related_name="co_written_profiles")
    reviewer = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="reviewed_profiles")
    approver = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="approved_profiles")
    valid_from = models.DateField(null=True)
    valid_to = models.DateField(null=True)
    review_on = models.DateField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        """One row a code and number, and of one code at most one active."""

        constraints = (
            models.UniqueConstraint(fields=["code", "number"], name="profile_version"),
            models.UniqueConstraint(
                fields=["code"], condition=models.Q(status=Status.ACTIVE.value), name="one_active_version"
            ),
        )
        indexes = (models.Index(fields=["status"]),)

    def __str__(self) -> str:
        """Return code and version."""
        return f"{self.code}@{self.number}"

    @property
    def reference(self) -> str:
        """Return how the audit chain names the version."""
        return f"profile:{self.code}@{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the version. Raises ConflictError for another text where the one kept is no draft's."""
        kept = ProfileVersion.objects.filter(pk=self.pk).values_list("status", "text", "code", "number").first()
        if kept is not None and kept[0] != Status.DRAFT.value and kept[1:] != (self.text, self.code, self.number):
            raise ConflictError(f"{self.code} version {self.number} is {kept[0]}: its text can no longer change")
        super().save(*args, **kwargs)


class ProfileStep(models.Model):
    """One step of a version's life: who (None: the clock), when, from where to where, and why.

    An edit is a step from draft to draft; `report` holds what a test found, or what a review recommends.
    """

    version = models.ForeignKey(ProfileVersion, on_delete=models.PROTECT, related_name="steps")
    at = models.DateTimeField()
    by = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True)
    before = models.CharField(max_length=12)
    after = models.CharField(max_length=12)
    reason = models.TextField(blank=True)
    report = models.JSONField(default=dict)


class Proposal(models.Model):
    """A version of a text that two persons put in force: an indicator, a list, the routing policy, a trader's status.

    The one in force is the latest with state "in force". `direction` (of a list: raises or lowers) and `lost` (what it
    would change: past selections lost, profiles changed) are computed when it is proposed; a list edit that only
    raises acts at once and is `reviewed_by` another within a day.
    """

    KINDS = ("indicator", "list", "policy", "trader")
    STATES = ("proposed", "in force", "refused", "superseded")

    kind = models.CharField(max_length=12)
    name = models.CharField(max_length=64)
    number = models.PositiveIntegerField()
    text = models.TextField()
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=12)
    direction = models.CharField(max_length=12, blank=True)
    lost = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    proposed_by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="proposals")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="decided_proposals")
    decided_at = models.DateTimeField(null=True)
    decided_reason = models.TextField(blank=True)
    reviewed_by = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="reviewed_proposals")
    reviewed_at = models.DateTimeField(null=True)
    in_force_at = models.DateTimeField(null=True)

    class Meta:
        """One row a kind, name and number."""

        constraints = (models.UniqueConstraint(fields=["kind", "name", "number"], name="proposal_version"),)
        indexes = (models.Index(fields=["kind", "state"]),)

    def __str__(self) -> str:
        """Return kind, name and version."""
        return f"{self.kind} {self.name}@{self.number}"


class PublishedSet(models.Model):
    """All that selects, as one immutable text named by its digest (see actions.profiles.publishing)."""

    digest = models.CharField(max_length=64, primary_key=True)
    text = models.BinaryField()
    made_at = models.DateTimeField()


class CatalogueText(models.Model):
    """The text of a fact catalogue that sets were published under, by its version: what replay reads them with."""

    version = models.CharField(max_length=64, primary_key=True)
    text = models.BinaryField()
    kept_at = models.DateTimeField()


class Publication(models.Model):
    """The published set in force from an instant on; the row with the highest number counts."""

    set = models.ForeignKey(PublishedSet, on_delete=models.PROTECT)
    at = models.DateTimeField()
    cause = models.CharField(max_length=200)
    redecided_at = models.DateTimeField(null=True)
