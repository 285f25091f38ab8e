"""Officers, their roles and clearance; client systems; and the tokens both come in with."""

from datetime import datetime

from django.db import models

from tidewaiter.core.role import Role
from tidewaiter.storage.records.models.office import Office


class Classification(models.Model):
    """One step of the administration's ordered scheme: a higher rank sees all below it."""

    rank = models.PositiveSmallIntegerField(primary_key=True)
    code = models.CharField(max_length=20, unique=True)
    label = models.CharField(max_length=80)

    def __str__(self) -> str:
        """Return the label."""
        return self.label


class Officer(models.Model):
    """A person who works with the system. `clearance` is a rank of the classification scheme; 0 sees nothing held."""

    login = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    office = models.ForeignKey(Office, on_delete=models.PROTECT, null=True)
    clearance = models.PositiveSmallIntegerField(default=0)
    roles = models.JSONField(default=list)
    active = models.BooleanField(default=True)

    def __str__(self) -> str:
        """Return the login."""
        return self.login

    @property
    def reference(self) -> str:
        """Return how the audit chain names the officer: a number, no personal text."""
        return f"officer:{self.pk}"

    def holds(self, *roles: Role) -> bool:
        """Tell whether the officer is active and holds one of the roles."""
        return self.active and any(role in self.roles for role in roles)


class Grant(models.Model):
    """What one officer asks to let another do: all that the other would have once a second person confirmed it.

    `state` is waiting, confirmed, refused, or overtaken (a later change of the same officer). Until it is confirmed
    the officer keeps what stood; one who was only just added has nothing.
    """

    officer = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="grants")
    office = models.ForeignKey(Office, on_delete=models.PROTECT, null=True)
    clearance = models.PositiveSmallIntegerField()
    roles = models.JSONField()
    active = models.BooleanField()
    state = models.CharField(max_length=12, default="waiting")
    proposed_by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)

    class Meta:
        """One waits an officer."""

        constraints = (
            models.UniqueConstraint(fields=["officer"], condition=models.Q(state="waiting"), name="one_waiting_grant"),
        )

    def __str__(self) -> str:
        """Return whose it is, and its state."""
        return f"{self.officer_id} {self.state}"


class ClientSystem(models.Model):
    """A system that calls the service: a clearance system, a port's system, a phone gateway."""

    name = models.CharField(max_length=80, unique=True)
    active = models.BooleanField(default=True)

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    @property
    def reference(self) -> str:
        """Return how the audit chain names the system."""
        return f"client:{self.pk}"


class Token(models.Model):
    """What a client system or an officer comes in with: kept as a digest, scoped, revocable.

    `scopes` are names of actions the token may be used for; empty for an officer's token: all that the roles allow.
    One that `waits` for a second person lets nobody in; `decided_by` confirmed it or, where it waits still, refused it.
    """

    digest = models.CharField(max_length=64, unique=True)
    label = models.CharField(max_length=80)
    officer = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True)
    client = models.ForeignKey(ClientSystem, on_delete=models.PROTECT, null=True)
    scopes = models.JSONField(default=list)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    issued_by = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="+")
    waits = models.BooleanField(default=False)
    decided_by = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        """Return the label, never what the token is."""
        return self.label

    def state(self, at: datetime) -> str:
        """Return what the token is at that instant: good, waiting, refused, revoked or expired."""
        if self.revoked_at is not None:
            return "refused" if self.waits and self.decided_by_id else "revoked"
        if self.expires_at is not None and at >= self.expires_at:
            return "expired"
        return "waiting" if self.waits else "good"
