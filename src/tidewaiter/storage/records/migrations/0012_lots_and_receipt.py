"""Several lots a mark; the moment of receipt beside what the client says; a day's draw found without reading all."""

from django.db import migrations, models

FIRST_RECEIVED = """
UPDATE records_declaration SET received_on = lodged_on, received_at = (
    SELECT MIN(l.received_at) FROM records_lodgement l
    WHERE l.declaration_id = records_declaration.declaration_id)
"""
"""Until now same-day counts went by the day of lodging: what came before keeps it."""


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0011_grants"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="drawidentity", name="draw_mark"),
        migrations.AddIndex(
            model_name="drawidentity", index=models.Index(fields=["mark", "day"], name="draw_mark_day")
        ),
        migrations.AddIndex(model_name="drawidentity", index=models.Index(fields=["day"], name="draw_day")),
        migrations.AddIndex(model_name="lodgement", index=models.Index(fields=["received_at"], name="lodged_received")),
        migrations.AddIndex(
            model_name="consignment", index=models.Index(fields=["received_at"], name="filed_received")
        ),
        migrations.AddField(model_name="declaration", name="received_at", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="declaration", name="received_on", field=models.DateField(null=True)),
        migrations.RunSQL(FIRST_RECEIVED, migrations.RunSQL.noop),
    ]
