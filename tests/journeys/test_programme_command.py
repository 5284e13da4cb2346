"""A real site's first hour: what is shipped is loaded once, and what staff changed stays."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from candidates.models import PolicyDocument
from portfolio.models import Framework


@pytest.mark.django_db
def test_programme_loads_frameworks_and_texts_once() -> None:
    first, second = StringIO(), StringIO()
    call_command("programme", stdout=first)
    loaded = {framework.slug for framework in Framework.objects.all()}, PolicyDocument.objects.count()
    call_command("programme", stdout=second)

    assert loaded == ({"two-entry", "pilot-seven"}, 18)
    assert (Framework.objects.count(), PolicyDocument.objects.count()) == (2, 18)
    assert "2 frameworks loaded" in first.getvalue()
    assert "0 frameworks loaded" in second.getvalue()
