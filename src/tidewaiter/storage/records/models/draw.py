"""The locked draw: days and their keys' digests, what goods are drawn by, assignments and re-examinations."""

from django.db import models

from tidewaiter.storage.records.models.officer import Officer


class DrawDay(models.Model):
    """The key of one day: its digest, lodged in the morning; the key itself only once it was opened to auditors."""

    day = models.DateField(primary_key=True)
    key_digest = models.CharField(max_length=64)
    lodged_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    opened_by = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="+")
    opened_second = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="+")


class DrawIdentity(models.Model):
    """What goods with a transport document or container are drawn by, and the day whose key draws them.

    A mark may hand on several: all of them are drawn. `last_on` is the day on which the row was written.
    """

    mark = models.CharField(max_length=2000)
    identity = models.CharField(max_length=2000)
    day = models.DateField()
    last_on = models.DateField()

    class Meta:
        """Looked up by mark when goods come, by day when a day's draw is checked."""

        indexes = (
            models.Index(fields=["mark", "day"], name="draw_mark_day"),
            models.Index(fields=["day"], name="draw_day"),
        )


class Assignment(models.Model):
    """The officer the draw gave an act, with the roster and the weights it was drawn from."""

    subject = models.CharField(max_length=80, unique=True)
    decision_id = models.CharField(max_length=40, db_index=True)
    identity = models.CharField(max_length=2000)
    day = models.DateField()
    roster = models.JSONField()
    officer = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="assignments")
    at = models.DateTimeField()


class Duty(models.Model):
    """An examiner is on duty at an office from one instant to another (the end is not included)."""

    officer = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="duties")
    office = models.CharField(max_length=35)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        """Looked up by office and time."""

        indexes = (models.Index(fields=["office", "ends_at"]),)


class Reexamination(models.Model):
    """Whether a 'nothing found' was drawn to be examined again, by whom, and the share it was drawn with."""

    act_id = models.CharField(max_length=80, unique=True)
    identity = models.CharField(max_length=2000)
    day = models.DateField()
    share = models.FloatField()
    drawn = models.BooleanField()
    roster = models.JSONField(default=list)
    officer = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True)
    at = models.DateTimeField()
