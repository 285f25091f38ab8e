"""Why goods listed for recall were settled as they were; who agreed that a legal hold be lifted."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0013_held_by_the_chain"),
    ]

    operations = [
        migrations.AddField(
            model_name="recall",
            name="settled_reason",
            field=models.TextField(blank=True, default=""),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="legalhold",
            name="lifted_second",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="records.officer",
            ),
        ),
    ]
