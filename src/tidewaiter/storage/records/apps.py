"""The Django app of all records."""

from django.apps import AppConfig


class RecordsConfig(AppConfig):
    """The one app; its tables are named records_*."""

    name = "tidewaiter.storage.records"
    label = "records"
    verbose_name = "Tidewaiter records"
    default_auto_field = "django.db.models.BigAutoField"
