"""Customs offices."""

from django.db import models


class Office(models.Model):
    """A customs office, by the code declarations name it with."""

    code = models.CharField(max_length=35, primary_key=True)
    name = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        """Return the code."""
        return self.code
