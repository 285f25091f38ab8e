"""Acts of examination, their results as versions, seizures, exhibits and referrals."""

from django.db import models

from tidewaiter.storage.records.models.decision import Decision
from tidewaiter.storage.records.models.officer import Officer


class Act(models.Model):
    """One examination act that a selection asks for. Its results are versions; the highest number counts.

    `act_id` is drawn at random: neither a number counted up nor one made of the declaration, so that it tells nothing.
    `state` is open (nothing recorded), pending (looked at, an answer is awaited) or closed. `reexamines` names the act
    whose 'nothing found' it looks at again; nobody but the inspectorate may see that it does. `deferred_from` is the
    day it was due before a manager first deferred it. `place` is where goods are looked at, where that was agreed; a
    detention notice has a number and the moment it was given; `declarant_present` None: nobody has said.
    """

    act_id = models.CharField(max_length=80, primary_key=True)
    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, related_name="acts")
    declaration_id = models.CharField(max_length=200, db_index=True)
    office = models.CharField(max_length=35, blank=True, db_index=True)
    kind = models.CharField(max_length=12)
    officer = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True)
    state = models.CharField(max_length=12, default="open")
    due_on = models.DateField()
    deferred_from = models.DateField(null=True)
    place = models.CharField(max_length=200, blank=True)
    detention_notice = models.CharField(max_length=80, blank=True)
    detention_notice_at = models.DateTimeField(null=True)
    declarant_present = models.BooleanField(null=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    reexamines = models.ForeignKey("self", on_delete=models.PROTECT, null=True)

    class Meta:
        """What waits at an office, and what was closed lately, is looked for often."""

        indexes = (
            models.Index(fields=["office"], condition=~models.Q(state="closed"), name="acts_waiting"),
            models.Index(fields=["closed_at"]),
        )

    def __str__(self) -> str:
        """Return the number."""
        return self.act_id


class Replacement(models.Model):
    """A manager gave an act to an officer off the draw, for a reason; `before` is None where nobody had it yet."""

    act = models.ForeignKey(Act, on_delete=models.PROTECT, related_name="replacements")
    before = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="+")
    after = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()


class Result(models.Model):
    """One version of what an act established; `row` has the fields of the lake's results.

    `by` is None where nobody looked: the service itself closed the act (goods released, treatment lapsed). `note` is
    the officer's own text, `reason` why there is a new version.
    """

    act = models.ForeignKey(Act, on_delete=models.PROTECT, related_name="results")
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=12)
    outcome = models.CharField(max_length=20)
    row = models.JSONField()
    note = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    by = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True)
    known_at = models.DateTimeField()
    copied_at = models.DateTimeField(null=True)

    class Meta:
        """One row a version."""

        constraints = (models.UniqueConstraint(fields=["act", "version"], name="result_version"),)
        indexes = (models.Index(fields=["id"], condition=models.Q(copied_at=None), name="result_uncopied"),)


class Seizure(models.Model):
    """One version of a seizure record; `row` has the fields of the lake's seizures, `reason` why it is a new one."""

    seizure_number = models.CharField(max_length=80)
    version = models.PositiveIntegerField()
    declaration_id = models.CharField(max_length=200, blank=True, db_index=True)
    office = models.CharField(max_length=35, blank=True, db_index=True)
    row = models.JSONField()
    reason = models.TextField(blank=True)
    by = models.ForeignKey(Officer, on_delete=models.PROTECT)
    known_at = models.DateTimeField()
    copied_at = models.DateTimeField(null=True)

    class Meta:
        """One row a version."""

        constraints = (models.UniqueConstraint(fields=["seizure_number", "version"], name="seizure_version"),)
        indexes = (models.Index(fields=["id"], condition=models.Q(copied_at=None), name="seizure_uncopied"),)


class Attachment(models.Model):
    """A file kept with a record: found by its digest, checked by content and size when it was captured.

    `privileged` marks a document under legal privilege: sealed, never read here.
    """

    digest = models.CharField(max_length=64)
    record = models.CharField(max_length=200, db_index=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=80)
    size = models.BigIntegerField()
    privileged = models.BooleanField(default=False)
    by = models.ForeignKey(Officer, on_delete=models.PROTECT)
    at = models.DateTimeField()


class Exhibit(models.Model):
    """An exhibit or sample (`kind`): number, what it is, seals, and who holds it."""

    kind = models.CharField(max_length=12, default="exhibit")
    number = models.CharField(max_length=80, primary_key=True)
    record = models.CharField(max_length=200, db_index=True)
    description = models.TextField()
    seal_before = models.CharField(max_length=80, blank=True)
    seal_after = models.CharField(max_length=80, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    captured_by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    captured_at = models.DateTimeField()
    holder = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="+")
    place = models.CharField(max_length=200, blank=True)


class HandOver(models.Model):
    """An exhibit went from one hand to another; both sign. `signed_at` None: offered, not yet taken.

    An offer that came to nothing has `ended_at` and `ended_as` (declined or withdrawn) instead.
    """

    exhibit = models.ForeignKey(Exhibit, on_delete=models.PROTECT, related_name="hand_overs")
    ordinal = models.PositiveIntegerField()
    giver = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    taker = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="+")
    seal_before = models.CharField(max_length=80, blank=True)
    seal_after = models.CharField(max_length=80, blank=True)
    place = models.CharField(max_length=200)
    reason = models.TextField(blank=True)
    offered_at = models.DateTimeField()
    signed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_as = models.CharField(max_length=12, blank=True)

    class Meta:
        """One row a step."""

        constraints = (models.UniqueConstraint(fields=["exhibit", "ordinal"], name="hand_over_step"),)


class Referral(models.Model):
    """A declaration referred to post-clearance audit, or a case to investigation, with its own outcome.

    `by` is None where the channel itself referred it; `officer` the one who has taken it up. `schedule` is the
    disclosure schedule of an investigation.
    """

    kind = models.CharField(max_length=20)
    declaration_id = models.CharField(max_length=200, db_index=True)
    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, null=True)
    trader_code = models.CharField(max_length=64, blank=True, db_index=True)
    cause = models.CharField(max_length=200)
    state = models.CharField(max_length=12, default="open")
    by = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="referred")
    officer = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="referrals")
    referred_at = models.DateTimeField()
    schedule = models.JSONField(default=list)
    outcome = models.CharField(max_length=20, blank=True)
    row = models.JSONField(default=dict)
    closed_at = models.DateTimeField(null=True)
    copied_at = models.DateTimeField(null=True)

    class Meta:
        """What was closed and is not in the lake yet is looked for often."""

        indexes = (
            models.Index(fields=["id"], condition=models.Q(copied_at=None, state="closed"), name="referral_uncopied"),
        )


class Override(models.Model):
    """A human change of channel. Lowering above the set level needs a second person before it takes effect.

    `state` is proposed, in force, refused, superseded (was in force until a later one) or overtaken (was never in force
    when a later one came). `instructions` are the examiner's lines by item number once a raise is in force.
    """

    declaration_id = models.CharField(max_length=200, db_index=True)
    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, related_name="overrides")
    before = models.CharField(max_length=8)
    after = models.CharField(max_length=8)
    reason_code = models.CharField(max_length=40)
    reason = models.TextField()
    by = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="overrides")
    at = models.DateTimeField()
    second = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="+")
    second_at = models.DateTimeField(null=True)
    second_reason = models.TextField(blank=True)
    instructions = models.JSONField(default=dict)
    state = models.CharField(max_length=12)
    result_act = models.ForeignKey(Act, on_delete=models.PROTECT, null=True)
