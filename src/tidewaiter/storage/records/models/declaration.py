"""Declarations, consignments and events as received; kept until released and copied to the lake."""

from django.db import models


class Declaration(models.Model):
    """One declaration and where its goods stand. `channel` is the strictest it was given; it never falls.

    `identity` is what it is drawn by and `draw_day` the day whose key draws it. `lodged_at` is the client's, of the
    version that stands; `received_at` is when the first version came. Days are the administration's.
    """

    declaration_id = models.CharField(max_length=200, primary_key=True)
    version = models.PositiveIntegerField()
    lodged_at = models.DateTimeField()
    lodged_on = models.DateField(db_index=True)
    received_at = models.DateTimeField(null=True)
    received_on = models.DateField(null=True)
    office = models.CharField(max_length=35, blank=True, db_index=True)
    declarant_code = models.CharField(max_length=64, blank=True)
    importer_code = models.CharField(max_length=64, blank=True, db_index=True)
    channel = models.CharField(max_length=8)
    decision_id = models.CharField(max_length=40)
    identity = models.CharField(max_length=2000)
    draw_day = models.DateField()
    released_at = models.DateTimeField(null=True, db_index=True)
    cancelled_at = models.DateTimeField(null=True)
    gate_out_at = models.DateTimeField(null=True)
    held_by = models.JSONField(default=list)
    in_flight = models.BooleanField(default=True)

    class Meta:
        """Goods in flight are looked for often."""

        indexes = (models.Index(fields=["declaration_id"], condition=models.Q(in_flight=True), name="in_flight"),)

    def __str__(self) -> str:
        """Return the number."""
        return self.declaration_id


class Lodgement(models.Model):
    """One version of a declaration as received: its items as canonical rows (JSON, compressed)."""

    declaration = models.ForeignKey(Declaration, on_delete=models.CASCADE, related_name="lodgements")
    version = models.PositiveIntegerField()
    content_digest = models.CharField(max_length=64)
    rows = models.BinaryField()
    received_at = models.DateTimeField()
    client = models.CharField(max_length=40)
    copied_at = models.DateTimeField(null=True)

    class Meta:
        """One row a version."""

        constraints = (models.UniqueConstraint(fields=["declaration", "version"], name="lodged_version"),)
        indexes = (
            models.Index(fields=["id"], condition=models.Q(copied_at=None), name="lodged_uncopied"),
            models.Index(fields=["received_at"], name="lodged_received"),
        )


class Mark(models.Model):
    """A value by which declarations are found again: document, container, party, or an entity counted the same day.

    `kind` is document, container, or the name of the same-day fact that counts it; `version` the version of the
    declaration that left it (0: left before versions were noted). `lodged_at` and `lodged_on` are the
    moment and the administration's day on which the declaration was first received, whatever the client says.
    """

    kind = models.CharField(max_length=60)
    value = models.CharField(max_length=2000)
    declaration = models.ForeignKey(Declaration, on_delete=models.CASCADE, related_name="marks")
    version = models.PositiveIntegerField(default=0)
    lodged_on = models.DateField()
    lodged_at = models.DateTimeField()

    class Meta:
        """Looked up by kind and value, counted in the order in which declarations came."""

        indexes = (models.Index(fields=["kind", "value", "lodged_on", "lodged_at"]),)


class Consignment(models.Model):
    """One version of an advance-cargo filing as received, and the outcome it was given."""

    consignment_id = models.CharField(max_length=200)
    version = models.PositiveIntegerField()
    content_digest = models.CharField(max_length=64)
    filed_at = models.DateTimeField()
    row = models.BinaryField()
    master_document = models.CharField(max_length=200, blank=True, db_index=True)
    received_at = models.DateTimeField()
    client = models.CharField(max_length=40)
    outcome = models.CharField(max_length=30)
    answer = models.TextField()
    body = models.BinaryField()
    identity = models.CharField(max_length=2000)
    draw_day = models.DateField()
    copied_at = models.DateTimeField(null=True)

    class Meta:
        """One row a version."""

        constraints = (models.UniqueConstraint(fields=["consignment_id", "version"], name="filed_version"),)
        indexes = (models.Index(fields=["received_at"], name="filed_received"),)


class Event(models.Model):
    """What happened to a declaration or consignment: release, hold, gate-out and the like, as the lake's events."""

    event_id = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=20)
    occurred_at = models.DateTimeField()
    declaration_id = models.CharField(max_length=200, blank=True, db_index=True)
    document = models.CharField(max_length=200, blank=True)
    row = models.JSONField()
    content_digest = models.CharField(max_length=64)
    received_at = models.DateTimeField()
    client = models.CharField(max_length=40)
    copied_at = models.DateTimeField(null=True)
