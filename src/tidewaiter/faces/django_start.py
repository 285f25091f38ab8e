"""Django made ready for a command that uses the records; to be called before anything of the records is imported."""

import os

import django

SETTINGS = "tidewaiter.faces.settings"


def start_django() -> None:
    """Load the settings and the one app; doing it again does nothing."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
    django.setup()
