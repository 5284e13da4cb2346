from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0002_keep_what_staff_record_in_blinding")]

    operations = [
        migrations.AlterModelOptions(name="release", options={"ordering": ["due_at", "released_at"]}),
        migrations.AlterField(
            model_name="release",
            name="due_at",
            field=models.DateTimeField(help_text="The instant the calendar names."),
        ),
    ]
