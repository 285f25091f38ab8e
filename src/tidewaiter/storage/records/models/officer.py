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
    """

    digest = models.CharField(max_length=64, unique=True)
    label = models.CharField(max_length=80)
    officer = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True)
    client = models.ForeignKey(ClientSystem, on_delete=models.PROTECT, null=True)
    scopes = models.JSONField(default=list)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        """Return the label, never what the token is."""
        return self.label

    def good(self, at: datetime) -> bool:
        """Tell whether the token may be used at that instant."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)
