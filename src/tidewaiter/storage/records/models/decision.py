"""Decisions with all they rest on, the feed of rises, and what the queue did with them."""

from django.db import models

from tidewaiter.storage.records.models.declaration import Declaration
from tidewaiter.storage.records.models.officer import Officer
from tidewaiter.storage.records.models.profile import PublishedSet


class Decision(models.Model):
    """One decision about one version of a declaration; never changed.

    `answer` is the JSON text given to the client; `body` the whole decision with reasons and draws, `facts` every
    value it read, both compressed JSON (see actions.decisions.deciding). `cause` says why it was taken; `counted_on` is
    the day of the shift whose queue it moved, None where it moved none.
    """

    id = models.CharField(max_length=40, primary_key=True)
    declaration = models.ForeignKey(Declaration, on_delete=models.CASCADE, related_name="decisions")
    version = models.PositiveIntegerField()
    ordinal = models.PositiveIntegerField()
    cause = models.CharField(max_length=200)
    decided_at = models.DateTimeField()
    decided_on = models.DateField(db_index=True)
    office = models.CharField(max_length=35, blank=True)
    shift = models.CharField(max_length=40, blank=True)
    counted_on = models.DateField(null=True)
    channel = models.CharField(max_length=8)
    within_capacity = models.BooleanField(default=True)
    in_random_sample = models.BooleanField()
    selection_probability = models.FloatField()
    random_probability = models.FloatField()
    answer = models.TextField()
    body = models.BinaryField()
    facts = models.BinaryField()
    set = models.ForeignKey(PublishedSet, on_delete=models.PROTECT)
    policy_number = models.PositiveIntegerField()
    statistics_day = models.DateField()
    image = models.CharField(max_length=64)
    catalogue = models.CharField(max_length=64)
    program = models.CharField(max_length=20)
    identity = models.CharField(max_length=2000)
    draw_day = models.DateField(db_index=True)
    previous = models.ForeignKey("self", on_delete=models.PROTECT, null=True)

    class Meta:
        """Ordered within a declaration; looked up by day, office and channel."""

        constraints = (models.UniqueConstraint(fields=["declaration", "ordinal"], name="decision_ordinal"),)
        indexes = (models.Index(fields=["decided_on", "office", "channel"]),)

    def __str__(self) -> str:
        """Return the number."""
        return self.id


class Rise(models.Model):
    """An entry of the feed: a declaration's channel is another than before, or officers have nothing to do about it.

    `kind` is rise (a decision is stricter than the one before), override (a person raised or lowered the channel;
    `reference` names the record), lapsed (nobody looked at a yellow in time: its treatment ended, the channel stays) or
    acts_closed (the last act closed, whichever it was; the channel stays).
    `cursor` is the number of its audit event: entries become visible in its order, so that none is ever missed.
    """

    cursor = models.BigIntegerField(primary_key=True)
    decision = models.ForeignKey(Decision, on_delete=models.CASCADE, related_name="rises")
    kind = models.CharField(max_length=12, default="rise")
    reference = models.CharField(max_length=60, blank=True)
    declaration_id = models.CharField(max_length=200)
    before = models.CharField(max_length=8)
    after = models.CharField(max_length=8)
    at = models.DateTimeField()
    recalled = models.BooleanField(default=False)


class Recall(models.Model):
    """Goods already released that what arrived later would have selected: for recall or audit.

    `settled_as` says what became of them (see actions.decisions.recalls), `settled_reason` why.
    """

    declaration = models.ForeignKey(Declaration, on_delete=models.CASCADE)
    channel = models.CharField(max_length=8)
    cause = models.CharField(max_length=200)
    body = models.BinaryField()
    listed_at = models.DateTimeField()
    settled_by = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True)
    settled_at = models.DateTimeField(null=True)
    settled_as = models.CharField(max_length=40, blank=True)
    settled_reason = models.TextField(blank=True)

    class Meta:
        """Once a declaration and cause."""

        constraints = (models.UniqueConstraint(fields=["declaration", "cause"], name="recalled_once"),)


class Load(models.Model):
    """What an office's shift was given so far: declarations by channel, and minutes committed, those reserved apart."""

    day = models.DateField()
    office = models.CharField(max_length=35)
    shift = models.CharField(max_length=40)
    counts = models.JSONField(default=dict)
    minutes = models.PositiveIntegerField(default=0)
    reserved = models.PositiveIntegerField(default=0)

    class Meta:
        """One row a day, office and shift."""

        constraints = (models.UniqueConstraint(fields=["day", "office", "shift"], name="load_of_shift"),)


class CapacityDecision(models.Model):
    """A manager deferred or waived a hit beyond capacity: it counts as selected, not inspected."""

    decision = models.ForeignKey(Decision, on_delete=models.CASCADE, related_name="capacity_decisions")
    choice = models.CharField(max_length=10)
    until = models.DateField(null=True)
    reason = models.TextField()
    by = models.ForeignKey(Officer, on_delete=models.PROTECT)
    at = models.DateTimeField()
