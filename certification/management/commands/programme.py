"""`manage.py programme`: load what every site needs before its first cohort."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from candidates.documents import publish_documents
from certification.kernel import clock
from portfolio.frameworks import load_frameworks
from portfolio.models import Framework


class Command(BaseCommand):
    help = "Load the shipped frameworks, and publish the shipped texts that have no version yet.  Repeatable."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        before = Framework.objects.count()
        present = len(load_frameworks())
        published = len(publish_documents(clock.now()))
        self.stdout.write(
            f"{Framework.objects.count() - before} frameworks loaded ({present} are shipped), "
            f"{published} texts published. Next: make the cohort in the administration."
        )
