"""What decisions leave, so that the audit chain can hold it; catalogues kept for replay; audits copied to the lake."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0012_lots_and_receipt"),
    ]

    operations = [
        migrations.AddField(model_name="decision", name="counted_on", field=models.DateField(null=True)),
        migrations.AddField(model_name="mark", name="version", field=models.PositiveIntegerField(default=0)),
        migrations.AddField(
            model_name="lookoutmatch",
            name="noted",
            field=models.CharField(blank=True, db_index=True, default="", max_length=20),
            preserve_default=False,
        ),
        migrations.AddField(model_name="referral", name="copied_at", field=models.DateTimeField(null=True)),
        migrations.AddIndex(
            model_name="referral",
            index=models.Index(
                condition=models.Q(("copied_at", None), ("state", "closed")), fields=["id"], name="referral_uncopied"
            ),
        ),
        migrations.CreateModel(
            name="CatalogueText",
            fields=[
                ("version", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("text", models.BinaryField()),
                ("kept_at", models.DateTimeField()),
            ],
        ),
    ]
