"""Let the words of public pages be published in versions, as what candidates affirm is.  ADR 0013."""

from django.db import migrations, models

_KINDS = [
    ("requirements", "I have read the Candidate Requirements."),
    ("standards", "I have read the Standards and Quality Indicators."),
    ("directions", "I have read the Portfolio Directions."),
    ("look_fors", "I have read the Scoring Look-fors."),
    ("role", "My role meets the requirements."),
    ("process", "I agree to every element of the certification process."),
    ("fee", "I understand that the fee is not refunded."),
    ("welcome", "Page: home"),
    ("journey", "Page: the process"),
    ("scoring", "Page: how scoring works"),
    ("fees", "Page: fees and refunds"),
    ("questions", "Page: questions and answers"),
    ("sponsors", "Page: for districts and schools"),
    ("contact", "Page: contact"),
    ("privacy", "Page: privacy"),
]


class Migration(migrations.Migration):
    dependencies = [("candidates", "0003_keep_candidates_off_the_other_side")]

    operations = [
        migrations.AlterModelOptions(
            name="policydocument",
            options={"ordering": ["kind", "-version"], "verbose_name": "published text"},
        ),
        migrations.AlterField(
            model_name="policydocument",
            name="kind",
            field=models.CharField(choices=_KINDS, max_length=20),
        ),
        migrations.AlterField(model_name="policydocument", name="body", field=models.TextField()),
    ]
